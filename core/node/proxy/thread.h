/*
 * thread.h - what a proxy keeps for one I/O thread; private to this folder.
 *
 * Connections, calls and channels never leave the thread they began on.
 */
#ifndef HF_PROXY_THREAD_H
#define HF_PROXY_THREAD_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "base/random.h"
#include "h2/conn.h"
#include "node/budget.h"
#include "node/proxy/callee.h"
#include "node/proxy/proxy.h"

struct hf_origin;
struct hf_origins;
struct hf_proxy_call;

/* The part of the node's budget that one caller's connection may have. */
#define HF_PROXY_CONN_PART 4u

/* Most that may be kept of a request to send it again. */
#define HF_PROXY_REPLAY_MAX 16384

/* What the proxy and its threads share; constant once it listens. */
struct hf_proxy_shared {
    const struct hf_router_ops *router;
    void *router_arg;
    const struct hf_proxy_words *words;
    uint32_t max_attempts;
    bool to_nodes;
    enum hf_proxy_errors errors;
    char *node;
    size_t replay_bytes;
    struct hf_origins *origins;
    struct hf_budget *budget;
    uint64_t conn_bytes; /* of it, for one connection */
    uint64_t seed;
    struct hf_h2_options h2; /* of callers' connections */

    /* A thread has nothing left after a drain or cut; on that thread. */
    void (*on_thread_drained)(struct hf_proxy *);
    struct hf_proxy *proxy;
};

struct hf_proxy_thread {
    uint32_t magic;
    uint32_t index; /* among the node's I/O threads */
    const struct hf_proxy_shared *shared;
    struct hf_loop *loop;
    struct hf_list conns;
    struct hf_proxy_call *free_calls; /* for reuse, linked by `next_free` */
    uint32_t free_count;
    struct hf_budget_share share;
    uint32_t shedding; /* connections that have been told to make room and have not closed yet */
    bool draining;
    bool drained;         /* said so */
    struct hf_task drain; /* the proxy's, to ask for it; that needs no memory */
    struct hf_task cut;   /* the same, as the next */
    struct hf_task shed;
    atomic_bool shed_posted; /* it is under way */
    struct hf_random random;
    _Atomic uint64_t conn_count; /* written here, read by anyone */
    _Atomic uint64_t call_count;
};

/* A caller's connection. */
struct hf_proxy_conn {
    uint32_t magic;
    struct hf_proxy_thread *thread;
    struct hf_task begin; /* brings it to its thread */
    int fd;               /* until then */
    struct hf_h2_conn *h2;
    bool is_stranger; /* the caller hears the causes of failures in general words */
    bool is_shed;     /* it makes room for others */
    struct hf_origin *origin;
    uint64_t held;          /* bytes that its waiting calls hold */
    struct hf_callee *last; /* the function it called last, to spare the look-up */
    struct hf_list link;
};

/* Makes the share of a thread; from then on it is used only on its loop, but for the counts. */
int hf_proxy_thread_new(const struct hf_proxy_shared *shared, struct hf_loop *loop, uint32_t index,
                        struct hf_proxy_thread **ret, struct hf_err *err);

/* Frees one that has drained.  NULL is ignored. */
void hf_proxy_thread_free(struct hf_proxy_thread *);

/* Gives it an accepted socket to serve.  Any thread. */
void hf_proxy_thread_give(struct hf_proxy_thread *, int fd);

/* Closes those connections that have been idle longest, some of them. */
void hf_proxy_thread_shed(struct hf_proxy_thread *);

/* Refuses new calls, ends each connection with its last one. */
void hf_proxy_thread_drain(struct hf_proxy_thread *);

/* Closes all connections; every call ends. */
void hf_proxy_thread_cut(struct hf_proxy_thread *);

/* Says so if a drain has nothing left to wait for. */
void hf_proxy_thread_check_drained(struct hf_proxy_thread *);

/* The callee that the connection called last, with a reference for the caller, if its id
 * is this one and it still stands; or NULL. */
struct hf_callee *hf_proxy_conn_recall(struct hf_proxy_conn *, const char *id, size_t len);
void hf_proxy_conn_remember(struct hf_proxy_conn *, struct hf_callee *);

static inline void
hf_proxy_thread_count_calls(struct hf_proxy_thread *thread, int64_t n)
{
    uint64_t now = atomic_load_explicit(&thread->call_count, memory_order_relaxed);

    atomic_store_explicit(&thread->call_count, now + (uint64_t)n, memory_order_relaxed);
}

#endif
