/*
 * child_link.h - a load balancer's connection to the API of one child.
 *
 * The link finds out whether the child is there and well, and hears which functions it
 * has warm.  A child is a leaf or another load balancer, ours or of the existing
 * implementation: who it is, hyperfaas.v1.Node/Info says, which an existing one does not
 * know; what it has, leaf.Leaf/State says, or routingcontroller.RoutingController/State
 * where the first is UNIMPLEMENTED.
 *
 * Health is asked for regularly.  A stream of State that ends says little (a leaf that
 * drains ends it at once), so the child is greeted anew then; it is lost only when it
 * cannot be reached.  New attempts follow with backoff.
 *
 * A child of ours may have to be refused: it is this node itself, or one that stands above it, or
 * one that is used under another address.  The role decides that once it is known whether the
 * child is a load balancer (an address of a node may be of its other role); the link is then held:
 * it does nothing but ask from time to time.
 *
 * Control thread.
 */
#ifndef HF_LB_CHILD_LINK_H
#define HF_LB_CHILD_LINK_H

#include <stdbool.h>
#include <stdint.h>

struct hf_child_link;
struct hf_err;
struct hf_loop;
struct hf_text;

/* Who a child says it is.  Borrowed for the callback. */
struct hf_child_info {
    const char *node_id; /* NULL: an existing peer, which does not say */
    bool draining;
};

struct hf_child_link_ops {
    /* It has answered; whoever it is. */
    void (*on_info)(void *arg, const struct hf_child_info *);
    /* What it has warm: all of it between begin and end, then changes.  An existing peer
     * never says that the beginning is complete. */
    void (*on_snapshot_begin)(void *arg);
    void (*on_have)(void *arg, const char *function, bool have);
    void (*on_snapshot_end)(void *arg);
    /* The ids of the load balancers above the child, with commas between: this node's own first. */
    const char *(*above)(void *arg);
    /* Who the child of ours is; NULL: it may be used.  Otherwise why not, borrowed until the next
     * callback: the link is held, and on_held follows. */
    const char *(*refuse)(void *arg, const char *node_id, bool is_lb);
    void (*on_held)(void *arg, const char *why);
    /* As much is known of it as will be: it can be used. */
    void (*on_up)(void *arg);
    /* What its health service says; true if it has none. */
    void (*on_health)(void *arg, bool serving);
    /* It cannot be reached; after each attempt. */
    void (*on_down)(void *arg, const char *why);
};

struct hf_child_link_config {
    struct hf_loop *loop;
    const char *address;   /* of the child's API */
    uint64_t heartbeat_ns; /* between questions after its health */
    uint64_t loss_ns;      /* without an answer: the child is lost */
    uint64_t seed;
    const struct hf_child_link_ops *ops;
    void *arg;
};

/* Makes a link and begins to connect.  The address is copied. */
int hf_child_link_new(const struct hf_child_link_config *, struct hf_child_link **ret,
                      struct hf_err *err);

/* Ends everything without a callback.  Not inside a callback of the link.  NULL is ignored. */
void hf_child_link_free(struct hf_child_link *);

/* Asks after its health now; without effect while the child is away. */
void hf_child_link_check(struct hf_child_link *);

/* Asks the role again whether the child is to be refused, and a held link asks the child. */
void hf_child_link_review(struct hf_child_link *);

/* Who stands above has changed: tells a child that is a load balancer. */
void hf_child_link_renew(struct hf_child_link *);

/* Words for a line of `show`. */
void hf_child_link_show(const struct hf_child_link *, struct hf_text *);

#endif
