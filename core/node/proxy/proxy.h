/*
 * proxy.h - the data path: forwards gRPC calls to endpoints, frame by frame.
 *
 * A proxy listens on one address and spreads the connections it accepts over the
 * node's I/O threads.  It knows neither functions nor roles: a router, given by
 * the role that uses it, says which callee (callee.h) an authority means.
 *
 * A call takes a slot of its callee, perhaps after waiting for one, is forwarded
 * to the endpoint, and gives the slot back when the endpoint has finished.  An
 * endpoint that cannot have seen the call is replaced by another; any other
 * failure is told to the caller once, in the terms of failure.h.
 */
#ifndef HF_PROXY_PROXY_H
#define HF_PROXY_PROXY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "loop/loop.h"

struct hf_budget;
struct hf_callee;
struct hf_err;
struct hf_proxy;
struct hf_text;

/* A call that waits to be told whom it calls.  The proxy's memory. */
struct hf_route {
    const char *id; /* what stands before the first colon of the authority */
    size_t id_len;
    bool widen;           /* its callee is known, but the endpoints that it has will not do */
    struct hf_loop *loop; /* where `resolved` must run */

    /* Runs once on `loop`, never inside `resolve`: the callee with a reference for
     * the call, or NULL with a negative code and why. */
    void (*resolved)(struct hf_route *, struct hf_callee *, int code, const char *message);

    /* The router's, meanwhile. */
    struct hf_task task;
    void *router;
    struct hf_callee *callee;
    int code;
    char *message; /* NULL without memory */
};

/* How a role answers where a call goes.  Any I/O thread. */
struct hf_router_ops {
    /* The callee of an id that is known, with a reference for the caller; or NULL. */
    struct hf_callee *(*find)(void *arg, const char *id, size_t len);

    /* Looks up an id that `find` does not know, or adds an endpoint to its callee; see
     * hf_route.  Answered by hf_route_answer.  Cannot be taken back. */
    void (*resolve)(void *arg, struct hf_route *);
};

/* Ends the wait of a route: its callee, with a reference for the call, or NULL with a negative
 * code and why, which is copied.  Any thread. */
void hf_route_answer(struct hf_route *, struct hf_callee *callee, int code, const char *message);

/* How a role's endpoints are spoken of to callers: each one clause. */
struct hf_proxy_words {
    const char *while_waiting; /* the deadline passed */
    const char *while_running;
    const char *refused;
    const char *lost;      /* the connection, under the call */
    const char *no_status; /* the call was ended without one */
    const char *broken;    /* and we ended it, for what was answered */
};

/* How much callers hear of the cause of a failure. */
enum hf_proxy_errors {
    HF_PROXY_ERRORS_AUTO, /* those on this machine all, others what strangers may hear */
    HF_PROXY_ERRORS_FULL,
    HF_PROXY_ERRORS_BRIEF
};

/* The value of an option `errors`. */
enum hf_proxy_errors hf_proxy_errors_of(const char *word);

struct hf_proxy_config {
    const char *address;       /* "IP:PORT" to listen on */
    struct hf_loop *loop;      /* the control thread's: accepts */
    struct hf_loop *const *io; /* the I/O threads' loops */
    size_t io_count;
    const struct hf_router_ops *router;
    void *router_arg;
    const struct hf_proxy_words *words;
    uint32_t max_attempts; /* tries of one call on its whole way, at least 1 */
    bool to_nodes;         /* endpoints are nodes: one that refuses a call is replaced */
    enum hf_proxy_errors errors;
    const char *node;            /* the id of this one */
    bool trusted;                /* callers are load balancers of ours */
    uint32_t max_streams;        /* calls at once on one caller's connection */
    struct hf_budget *budget;    /* bytes that waiting requests may hold; outlives the proxy */
    size_t replay_bytes;         /* of a request kept to send it again */
    uint64_t max_per_address;    /* connections of callers; 0: a part of the descriptors, but any
                                  * number from this machine or of trusted callers */
    uint64_t connection_idle_ns; /* a caller's connection without calls; 0: no limit */
    uint64_t seed;

    /* No connection and no call is left after a drain or cut.  Once, on `loop`. */
    void (*on_drained)(void *arg);
    void *on_drained_arg;
};

/* Counts of a running proxy, summed over its threads. */
struct hf_proxy_stats {
    uint64_t connections; /* open now */
    uint64_t calls;       /* open now */
};

/* Listens.  The texts and arrays of `config` are copied; router and loops must
 * outlive the proxy.  Control thread. */
int hf_proxy_new(const struct hf_proxy_config *config, struct hf_proxy **ret, struct hf_err *err);

/* Stops accepting, and ends each connection when its calls have ended.  New calls on
 * them are refused so that a parent tries elsewhere.  `on_drained` follows.  Control thread. */
void hf_proxy_drain(struct hf_proxy *);

/* Cuts every connection at once, after or instead of a drain; `on_drained` follows soon.
 * Control thread. */
void hf_proxy_cut(struct hf_proxy *);

/* Frees a proxy; what is left of its calls is cut off before.  Runs the control loop meanwhile.
 * NULL is ignored.  Control thread. */
void hf_proxy_free(struct hf_proxy *);

/* The address it listens on, with the port it got. */
const char *hf_proxy_address(const struct hf_proxy *);

void hf_proxy_stats(const struct hf_proxy *, struct hf_proxy_stats *ret);

#endif
