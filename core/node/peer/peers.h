/*
 * peers.h - the peers that a role has: workers of a leaf, children of a load balancer.
 *
 * A peer is used when the configuration lists its address or the store tells of it.  When the store
 * no longer does, the connection decides: it is used as long as it answers.  Who it is says its
 * node id: a node that can be reached under two addresses is used under one, and the other link is
 * held, to take over when the first is lost.
 *
 * Control thread.
 */
#ifndef HF_NODE_PEER_PEERS_H
#define HF_NODE_PEER_PEERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "loop/timer.h"
#include "node/discovery.h"
#include "node/peer/link.h"

struct hf_access;
struct hf_directory;
struct hf_options;

/* Embedded in the role, which fills the first part, all zeros, before `init`. */
struct hf_peers {
    const char *kind; /* for the log: "worker", "child" */
    const struct hf_link_ops *ops;
    size_t record_size; /* of what the role keeps of a peer; a `struct hf_link` stands first */
    const char *role;   /* which role the peers have; NULL: that is found out */
    struct hf_loop *loop;
    struct hf_directory *directory;       /* NULL: none is discovered */
    const struct hf_access *access;       /* has the secrets to send; NULL: none are */
    void (*on_synced)(struct hf_peers *); /* the store has told all; NULL: no matter */
    uint64_t heartbeat_ns;                /* between questions after their health */
    uint64_t loss_ns;                     /* without an answer: the peer is lost */
    uint64_t seed;

    struct hf_list list; /* struct hf_link, in the order of coming */
    size_t count;
    bool is_open;
    struct hf_discovery discovery;
    struct hf_timer reap;
};

void hf_peers_init(struct hf_peers *);
void hf_peers_fini(struct hf_peers *); /* closes, frees all records */

/* Reads the list `key`: its addresses are listed, API or API/PROXY; its words choose among those
 * that are discovered, by default by `role`. */
int hf_peers_read(struct hf_peers *, const struct hf_options *options, const char *key,
                  const char *role, struct hf_err *err);

/* Begins to connect to those that are listed, and to those that come.  Harmless if it has begun. */
int hf_peers_open(struct hf_peers *, struct hf_err *err);

/* Ends all connections and forgets what was discovered; records that the role needs stay until it
 * does not. */
void hf_peers_close(struct hf_peers *);

/* Frees the records of peers that are neither up nor listed nor used.  Not inside a callback of a
 * link. */
void hf_peers_reap(struct hf_peers *);

/* --- for link.c ------------------------------------------------------------------------------ */

/* Says in `ret` which link is used to the same node already; NULL: none is. */
const char *hf_peers_twin(const struct hf_peers *, const struct hf_link *, char *ret, size_t size);

/* A node is not used under some address any more: links that are held try it again. */
void hf_peers_hurry(struct hf_peers *);

/* The link is not up: if it is not listed either, its record goes, but later. */
void hf_peers_reap_soon(struct hf_peers *, const struct hf_link *);

#endif
