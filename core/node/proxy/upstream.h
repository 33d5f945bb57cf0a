/*
 * upstream.h - the connections to one address: each I/O thread has its own.
 *
 * A thread dials when it first forwards a call; connections close when they are idle.
 * An address that nobody has called yet costs one slot per thread.
 *
 * An instance has an upstream to itself; that of a child node is shared by all functions,
 * so it is counted.
 */
#ifndef HF_PROXY_UPSTREAM_H
#define HF_PROXY_UPSTREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/node_load.h"
#include "h2/channel.h"

struct hf_loop;
struct hf_upstream;

/* What any peer may send on one stream before as much of it has been taken, callers and endpoints
 * alike.  Windows are renewed when half of them is used up: a message of 64 KiB passes before that,
 * and costs no frame and no write for it. */
#define HF_PROXY_FIRST_WINDOW (132u * 1024)

/* What all upstreams of a proxy have in common; outlives them. */
struct hf_upstream_config {
    struct hf_loop *const *io; /* the I/O threads' loops, in the order of the proxy's threads */
    size_t io_count;
    struct hf_h2_channel_options channel; /* `max_connections` follows from `slots` below */
};

/* Makes one without connections and with one reference; NULL if there is no memory.  `slots`: calls
 * the endpoint serves at once, 0 for any number.  Any thread. */
struct hf_upstream *hf_upstream_new(const struct hf_upstream_config *config, uint32_t slots);

/* Any thread. */
struct hf_upstream *hf_upstream_ref(struct hf_upstream *);

/* The last one closes the connections, each on its thread, and frees.  Any thread.  NULL is
 * ignored. */
void hf_upstream_unref(struct hf_upstream *);

/* Whether a node of ours is there, which says what became of a call in fields that are believed
 * (control.h).  At first nobody knows, and what comes from there is a function's.  Any thread. */
void hf_upstream_set_node(struct hf_upstream *, bool is_node);
bool hf_upstream_is_node(const struct hf_upstream *);

/* How busy the node is that is there; lives as long as the upstream. */
struct hf_node_load *hf_upstream_load(struct hf_upstream *);

/* Nobody answers there any more: closes all connections, so that the calls on them end. */
void hf_upstream_cut(struct hf_upstream *);

/* Finds out whether anybody answers at the connections there are, see hf_h2_channel_check; it
 * hangs if none does and one could be asked.  False: one is under way, or it was asked so often
 * lately that gRPC servers would not bear it; `fresh`: it has answered a call since.  True: `done`
 * runs once, later, on `loop`, whose thread must be calling. */
struct hf_upstream_check {
    struct hf_loop *loop;
    uint64_t silence_ns;
    uint64_t busy_ns;
    bool fresh;
    void (*done)(void *arg, bool hangs);
    void *arg;
};
bool hf_upstream_check(struct hf_upstream *, const struct hf_upstream_check *);

/* Nobody wants to know any more: `done` runs soon.  Harmless if nothing is under way. */
void hf_upstream_check_cancel(struct hf_upstream *);

/* The connections of I/O thread `index`, which must be the calling one, to `address`, always
 * the same one; NULL if there is no memory.  Lives as long as the upstream. */
struct hf_h2_channel *hf_upstream_channel(struct hf_upstream *, const char *address,
                                          uint32_t index);

#endif
