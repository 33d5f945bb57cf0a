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

struct hf_directory;
struct hf_options;

/* Embedded in the role, which fills the first part, all zeros, before `init`. */
struct hf_peers {
    const char *kind;            /* for the log: "worker", "child" */
    size_t record_size;          /* of what the role keeps of a peer; a `struct hf_link` is first */
    struct hf_link_config links; /* but for `twin` and `on_away` */
    struct hf_directory *directory;       /* NULL: none is discovered */
    void (*on_synced)(struct hf_peers *); /* the store has told all; NULL: no matter */

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

/* Whose link it is. */
static inline struct hf_peers *
hf_peers_of(const struct hf_link *link)
{
    return hf_container_of(link->config, struct hf_peers, links);
}

#endif
