/*
 * pool.h - one function's endpoints, slots and waiting calls.
 *
 * A pool answers two questions on the path of every call: which endpoint may
 * take it, and who is next when a slot comes back.  At a leaf the endpoints are
 * instances of one function; at a load balancer they are child nodes.  It is a
 * pure state machine: no lock, no clock, no I/O, and after `hf_pool_add` no
 * allocation.  `take` and `release` cost a constant time plus the policy's.
 *
 * Threads.  The caller guards each pool by one mutex and calls everything that
 * takes a `struct hf_pool *` with it held, from any thread.  What an operation
 * set off (calls to wake, endpoints that left) is collected in a `struct
 * hf_pool_out`, to be acted on after unlocking.
 *
 * A call's way:  take -> TAKEN -> release
 *                take -> WAITING -> (wake-up: accept) -> TAKEN -> release
 *                                                     -> REFUSED or CANCELLED
 *                take -> REFUSED
 */
#ifndef HF_ENGINE_POOL_H
#define HF_ENGINE_POOL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <hyperfaas/lb.h>

#include "base/list.h"
#include "engine/failure.h"
#include "engine/node_load.h"

enum hf_waiter_state {
    HF_WAITER_IDLE,      /* has nothing to do with the pool; its memory is the caller's */
    HF_WAITER_WAITING,   /* in the queue */
    HF_WAITER_GRANTED,   /* a slot is set aside; the wake-up is on its way */
    HF_WAITER_TAKEN,     /* holds a slot until `hf_pool_release` */
    HF_WAITER_REFUSED,   /* gets none; see `refusal` */
    HF_WAITER_CANCELLED, /* left after it was granted or refused; the wake-up is on its way */
};

/*
 * A call's place at a pool; the caller embeds it in its call.  Set up once by
 * `hf_waiter_init`; only the pool's functions change it, under the pool's lock.
 */
struct hf_waiter {
    struct hf_list node;               /* in the queue, then in `woken` or a list of the caller's */
    struct hf_pool_endpoint *endpoint; /* while GRANTED or TAKEN; stays valid that long */
    struct hf_handle avoid; /* set by the caller: it wants any endpoint but this; HF_NONE: any */
    uint64_t deadline_ns;   /* set by the caller: when it must have ended; 0: never */
    uint64_t since_ns;      /* when it began to wait, or got its slot */
    uint64_t arrived_ns;    /* when the call came, in a pool that keeps figures */
    uint8_t state;          /* enum hf_waiter_state */
    bool cold;              /* it met no warm endpoint; in a pool that keeps figures */
    uint16_t refusal;       /* enum hf_failure, while REFUSED */
    uint32_t attempts;      /* slots this call has had */
};

/* Makes a waiter for a new call. */
void hf_waiter_init(struct hf_waiter *waiter);

/*
 * Something a call can be forwarded to; begins the caller's own record of it.  Counted references:
 * the pool has one from `hf_pool_add` until it hands it over in `drained`.  Whoever holds a slot
 * needs none of its own; whoever keeps a pointer longer takes one.
 */
struct hf_pool_endpoint {
    /* Constant; any thread. */
    struct hf_endpoint base; /* as the policy sees it: id, handle (capacity: under the lock) */
    const char *address;     /* "HOST:PORT", lives with the endpoint */

    /* The pool's own, under its lock; for reading only. */
    void (*fini)(struct hf_pool_endpoint *endpoint); /* of the settings */
    struct hf_list changed_node; /* in the pool's list of those whose calls have changed */
    struct hf_list idle_node;    /* in the pool's list of idle endpoints, longest idle first */
    struct hf_node_load *node; /* of the node that it is; NULL: it is none, or that is not needed */
    uint64_t idle_since_ns;    /* when the last call ended, or it was added */
    uint64_t uses;             /* calls it was given */
    uint32_t in_flight;
    uint32_t failures;   /* connection failures since the last answer */
    uint32_t unanswered; /* calls given up by their callers since then */
    uint32_t position;   /* in the array of usable endpoints; UINT32_MAX: not usable */
    uint32_t room;       /* see hf_pool_set_room */
    bool room_known;
    bool cold;      /* it does not have the function warm, see hf_pool_set_warm */
    bool leaving;   /* drains when it is idle */
    bool draining;  /* gets no new calls */
    bool removed;   /* has left the pool */
    bool suspected; /* somebody finds out whether it still answers */
    bool served;    /* a call has ended there without a failure of the connection */
    atomic_uint refs;
};

struct hf_pool_endpoint *hf_pool_endpoint_ref(struct hf_pool_endpoint *endpoint); /* any thread */

/* Drops a reference; the last one calls `endpoint_fini` and frees.  Any thread, without the
 * pool's lock.  NULL is allowed. */
void hf_pool_endpoint_unref(struct hf_pool_endpoint *endpoint);

/* What is the same for all pools of a role.  Borrowed for the life of the pools. */
struct hf_pool_settings {
    const struct hf_lb_ops *lb; /* whole: members the module lacks are NULL */
    const struct hf_host *host; /* for the policy */
    const struct hf_options *options;
    const char *section;   /* of the configuration, for messages; NULL: none */
    uint32_t max_waiting;  /* calls that may wait at once, per pool */
    uint32_t eject_after;  /* connection failures in a row that take an endpoint out; 0: never */
    uint32_t ask_after;    /* calls given up in a row after which an endpoint is suspected of
                            * hanging, and again when they have doubled; a power of two, 0: never */
    uint64_t max_wait_ns;  /* a pool at its limit lets no call wait for longer; 0: for ever */
    bool keep_gaps;        /* times without calls are counted */
    void *_Atomic *shared; /* what the policy has published for all pools; NULL: it does not */
    size_t endpoint_size;  /* of the caller's records of endpoints, each of which begins with a
                            * hf_pool_endpoint and is zeroed behind it; 0: it has none of its own */
    void (*endpoint_fini)(struct hf_pool_endpoint *endpoint); /* runs before one is freed, on any
                                                               * thread; NULL: nothing to do */
};

/* What an endpoint is made from; texts are copied. */
struct hf_pool_endpoint_spec {
    const char *id;
    const char *address;
    uint32_t capacity;         /* slots; 0: no limit */
    struct hf_handle child;    /* as the policy sees the node that it is; HF_NONE: it is none */
    struct hf_node_load *node; /* that node's, which outlives the endpoint; NULL: not needed */
    bool cold;                 /* it does not have the function warm */
};

/*
 * What an operation set off.  Set up by `hf_pool_out_init`; one may be passed to
 * several operations only if `ejected` and `drained` are taken out in between.
 */
struct hf_pool_out {
    struct hf_list woken; /* waiters that became GRANTED or REFUSED, oldest first: take each out
                           * and let its thread call `hf_pool_accept` */
    struct hf_pool_endpoint *ejected; /* taken out of use by its failures: stop it.  With a
                                       * reference.  NULL: none */
    struct hf_pool_endpoint *suspect; /* may hang: find out and say `hf_pool_trust`.  With a
                                       * reference.  NULL: none */
    struct hf_pool_endpoint *drained; /* drained and nothing in flight: it has left the pool, and
                                       * so says it once.  With the pool's reference */
    bool notify; /* the control thread must look at this function (`hf_pool_load`): a call began
                  * to wait, or the first one came since it was idle.  Not repeated until it did */
};

void hf_pool_out_init(struct hf_pool_out *out);

/* How busy a pool is. */
struct hf_pool_load {
    uint32_t endpoints; /* that get calls */
    uint32_t draining;
    uint32_t idle;      /* of `endpoints`, without a call */
    uint32_t in_flight; /* calls that hold a slot */
    uint32_t waiting;
    uint64_t calls_total;      /* calls that ever came; a retried one counts once */
    uint64_t last_finished_ns; /* 0: none ever did */
    uint64_t oldest_idle_ns;   /* since when the longest idle endpoint has been so; 0: none */
    uint64_t invalid_picks;    /* answers of the policy that had to be replaced */
    uint64_t service_ns;       /* how long a call holds its slot, as of late; 0: not known yet */
    uint64_t wait_ns;          /* how long one more call would wait, by that */
    bool at_limit;             /* see `hf_pool_set_at_limit` */
    uint32_t room;             /* free slots; UINT32_MAX: any number */
    uint64_t waiting_since_ns; /* of the first in the queue; 0: nobody waits */

    /* In a pool that keeps figures; else 0. */
    uint64_t last_arrival_ns;
    uint64_t gaps_total; /* times without calls, between two */
    uint64_t gaps_sum_ns;
    uint64_t last_gap_ns;
    uint64_t gap_ns; /* the last three as in hf_lb_view */
    uint64_t cold_ns;
    uint64_t warm_ns;
};

struct hf_pool;

/* Makes an empty pool with an instance of the policy.  `function` stays valid as long as the pool;
 * its content may change under the lock.  `seed` feeds the policy's random numbers.  0, HF_ENOMEM,
 * or the policy's own refusal. */
int hf_pool_new(const struct hf_pool_settings *settings, const struct hf_function *function,
                uint64_t seed, struct hf_pool **ret, struct hf_err *err);

/* Frees a pool that is cold (see `hf_pool_is_cold`).  NULL is allowed. */
void hf_pool_free(struct hf_pool *pool);

/* Whether it has no endpoint and no waiting call, and so may be freed. */
bool hf_pool_is_cold(const struct hf_pool *pool);

/* --- the path of a call -------------------------------------------------------------------- */

/*
 * Asks for a slot for an IDLE waiter.  Returns the state it is in then:
 * TAKEN: `waiter->endpoint` is it.
 * WAITING: behind all who wait already (a call that lost its endpoint: before
 *     them).  The caller keeps its deadline and calls `hf_pool_cancel` then.
 * REFUSED: `waiter->refusal` says why; the waiter is IDLE again.  One that
 *     avoids an endpoint never waits: it would hold up those who do not.
 * While the pool is at its limit a call waits only if it is likely to be served
 * in time, and is REFUSED later, in the queue, if it turns out that it is not.
 */
enum hf_waiter_state hf_pool_take(struct hf_pool *pool, struct hf_waiter *waiter, uint64_t now_ns,
                                  struct hf_pool_out *out);

/* Ends the way of a waiter whose wake-up has arrived: TAKEN, REFUSED or CANCELLED.  In the last
 * two cases it is IDLE again. */
enum hf_waiter_state hf_pool_accept(struct hf_pool *pool, struct hf_waiter *waiter);

/*
 * Leaves the queue: the call was cancelled or its deadline passed.  True: the
 * waiter is IDLE.  False: a wake-up is on its way already, and the waiter must
 * live until it came and `hf_pool_accept` answered CANCELLED; a slot set aside
 * for it goes to the next one now.
 */
bool hf_pool_cancel(struct hf_pool *pool, struct hf_waiter *waiter, uint64_t now_ns,
                    struct hf_pool_out *out);

/* Gives the slot of a TAKEN waiter back, and on to the next who waits.  `outcome` is an enum
 * hf_outcome.  The waiter is IDLE then and may ask again (a transparent retry). */
void hf_pool_release(struct hf_pool *pool, struct hf_waiter *waiter, uint32_t outcome,
                     uint64_t now_ns, struct hf_pool_out *out);

/* --- control ------------------------------------------------------------------------------- */

/* Adds an endpoint and gives its slots to those who wait.  `*ret` is borrowed: take a reference
 * to keep it.  What the caller keeps behind it is to be set up under the same lock.  0, HF_ENOMEM
 * or what the policy answered. */
int hf_pool_add(struct hf_pool *pool, const struct hf_pool_endpoint_spec *spec, uint64_t now_ns,
                struct hf_pool_out *out, struct hf_pool_endpoint **ret);

/* Takes an endpoint out of use; the calls in flight at it go on.  `out->drained` says, now or by a
 * later release, that they have ended.  Harmless on one that drains or has left. */
void hf_pool_drain(struct hf_pool *pool, struct hf_pool_endpoint *endpoint,
                   struct hf_pool_out *out);

/* It was found out whether a suspected endpoint answers; one that does not is drained besides. */
void hf_pool_trust(struct hf_pool *pool, struct hf_pool_endpoint *endpoint);

/* Drains an endpoint as soon as it is idle, which may be now; until then it gets calls. */
void hf_pool_leave(struct hf_pool *pool, struct hf_pool_endpoint *endpoint,
                   struct hf_pool_out *out);

/* Drains the endpoint that has been idle longest, if that is since `before_ns` or earlier: it is
 * in `out->drained` at once.  False: there is none. */
bool hf_pool_drain_idle(struct hf_pool *pool, uint64_t before_ns, struct hf_pool_out *out);

/* The function was updated: gives all endpoints that many slots.  Calls above it may finish. */
void hf_pool_set_capacity(struct hf_pool *pool, uint32_t capacity, uint64_t now_ns,
                          struct hf_pool_out *out);

/* Whether the endpoint has the function warm: policies see those that do first. */
void hf_pool_set_warm(struct hf_pool *pool, struct hf_pool_endpoint *endpoint, bool warm);

/* How many free slots the node says that it has for the function; `known`: it does. */
void hf_pool_set_room(struct hf_pool *pool, struct hf_pool_endpoint *endpoint, bool known,
                      uint32_t room);

/* No endpoint will come for those who wait, for now: calls that can't be served in time are
 * refused from here on.  Until somebody says so all may wait, because those who wait are the
 * demand that makes a function grow. */
void hf_pool_set_at_limit(struct hf_pool *pool, bool at_limit);

/* As long as there is no endpoint, calls that come are refused like those who waited last, and do
 * not wait; HF_FAILURE_NONE: they may again. */
void hf_pool_set_refusing(struct hf_pool *pool, enum hf_failure refusal);

/* How long a call that has just been refused for overload should wait before it tries again;
 * spread, so that those who were refused together do not return together. */
uint64_t hf_pool_pushback(struct hf_pool *pool);

/* Refuses all who wait now.  `reason` is for people, copied, see `hf_pool_reason`. */
void hf_pool_refuse(struct hf_pool *pool, enum hf_failure refusal, const char *reason,
                    struct hf_pool_out *out);

/* The same, and all who will come.  Calls in flight go on; endpoints stay. */
void hf_pool_close(struct hf_pool *pool, enum hf_failure refusal, const char *reason,
                   struct hf_pool_out *out);

/* The text of the last refusal, or "".  Valid until the next one. */
const char *hf_pool_reason(const struct hf_pool *pool);

/* Tells how busy the pool is, and rearms `notify`; or does not. */
void hf_pool_load(struct hf_pool *pool, struct hf_pool_load *ret);
void hf_pool_peek(const struct hf_pool *pool, struct hf_pool_load *ret);

/* Calls `fn` for each endpoint in the pool whose calls have changed since it was last asked.  `fn`
 * must not change the pool. */
void hf_pool_changed(struct hf_pool *pool, void (*fn)(struct hf_pool_endpoint *endpoint));

/* Appends what the policy holds to `text`, and its reasons. */
void hf_pool_show(const struct hf_pool *pool, struct hf_text *text);

#endif
