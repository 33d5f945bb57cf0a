/*
 * callee.h - one function as its callers meet it: a pool of endpoints behind a lock.
 *
 * The engine's pool (engine/pool.h) decides; this lets many threads use it.  Each
 * operation is one short critical section; whoever is granted a slot in it is woken on
 * its own loop after the lock has been let go.  The role that owns the callee hears on
 * its control thread what concerns it.
 *
 * A callee exists while its function is called or warm.  One that has become cold is
 * retired: whoever still holds it finds that out when it asks for a slot, and asks the
 * router again.
 */
#ifndef HF_PROXY_CALLEE_H
#define HF_PROXY_CALLEE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/pool.h"
#include "loop/loop.h"

struct hf_callee;
struct hf_err;
struct hf_h2_channel;
struct hf_text;
struct hf_upstream;
struct hf_upstream_config;

/* --- a call's side: any I/O thread -------------------------------------------------------- */

enum hf_ticket_result {
    HF_TICKET_TAKEN,   /* it holds a slot until hf_ticket_release */
    HF_TICKET_WAITING, /* `done` follows */
    HF_TICKET_REFUSED, /* see `refusal` and `reason` */
    HF_TICKET_STALE    /* the callee has been retired: ask the router again */
};

/* A call's claim to a slot, embedded in the call.  One thread's. */
struct hf_ticket {
    struct hf_callee *callee; /* with a reference; NULL before init */
    struct hf_loop *loop;
    /* A ticket that was WAITING: TAKEN or REFUSED.  Once, on `loop`, never inside
     * another function; not after a cancel that returned true. */
    void (*done)(struct hf_ticket *, enum hf_ticket_result);
    enum hf_failure refusal;
    char *reason;         /* why it was refused, for people; NULL: `refusal` says all */
    uint64_t pushback_ns; /* refused for overload: when to try again; 0: for another reason */
    struct hf_waiter waiter;
    struct hf_task wake;
};

/* Takes over the reference to `callee`. */
void hf_ticket_init(struct hf_ticket *ticket, struct hf_callee *callee, struct hf_loop *loop,
                    void (*done)(struct hf_ticket *, enum hf_ticket_result));

/* Gives the reference back; the ticket must hold no slot and not wait.  Harmless before init. */
void hf_ticket_fini(struct hf_ticket *ticket);

/* Asks for a slot for a call that must have ended at `deadline_ns` of its loop's clock; 0: never.
 */
enum hf_ticket_result hf_ticket_take(struct hf_ticket *ticket, uint64_t deadline_ns);

/* Gives a slot back; the ticket may ask again. */
void hf_ticket_release(struct hf_ticket *ticket, enum hf_outcome outcome);

/* The next slot must be of another endpoint than the one whose slot the ticket holds; if there
 * is no other, the ticket is REFUSED with HF_FAILURE_NO_OTHER and does not wait. */
void hf_ticket_avoid(struct hf_ticket *ticket);

/* Stops waiting.  True: `done` will not run.  False: the word is on its way; `done` runs
 * with REFUSED, and the ticket must live until then. */
bool hf_ticket_cancel(struct hf_ticket *ticket);

/* The connections of I/O thread `thread` to the endpoint whose slot the ticket holds; NULL if
 * there is no memory. */
struct hf_h2_channel *hf_ticket_channel(struct hf_ticket *ticket, uint32_t thread);

/* Whether the endpoint whose slot the ticket holds is a node of ours; else it is an instance, or
 * a peer that does not say what became of a call. */
bool hf_ticket_is_node(const struct hf_ticket *ticket);

/* The id of the endpoint whose slot the ticket holds. */
const char *hf_ticket_endpoint_id(const struct hf_ticket *ticket);

/* Appends what a ticket without a slot waits for, as far as the role has said it: "; one has been
 * starting for 3s; the last start failed: ...". */
void hf_ticket_explain_wait(struct hf_ticket *ticket, struct hf_text *out);

/* How an endpoint ended, if the role has said so lately.  Any thread. */
bool hf_callee_find_end(struct hf_callee *, const char *endpoint_id, char *ret, size_t size);

/* --- references: any thread --------------------------------------------------------------- */

struct hf_callee *hf_callee_ref(struct hf_callee *);
void hf_callee_unref(struct hf_callee *); /* NULL is ignored */

const char *hf_callee_id(const struct hf_callee *);
bool hf_callee_is(const struct hf_callee *, const char *id, size_t len);
bool hf_callee_is_retired(const struct hf_callee *);

/* --- the role's side: control thread ------------------------------------------------------ */

/* An endpoint of a callee, for the role that added it. */
struct hf_callee_endpoint {
    struct hf_pool_endpoint base;
    struct hf_callee *callee;     /* with a reference */
    struct hf_upstream *upstream; /* with a reference */
    void *user;                   /* the role's, for the ops */
    struct hf_task drained;       /* each holds a reference of the endpoint while posted */
    struct hf_task ejected;
    struct hf_task suspected;
    bool dropped; /* the role hears no more of it; control thread */
};

struct hf_callee_ops {
    /* Calls wait, came after a while without any, or have ended at a dropped endpoint: ask
     * hf_callee_load. */
    void (*on_demand)(struct hf_callee *, void *user);
    /* An endpoint being drained has no call in flight any more and has left the pool. */
    void (*on_drained)(struct hf_callee_endpoint *, void *endpoint_user);
    /* An endpoint failed so often that it takes no calls any more; on_drained follows. */
    void (*on_ejected)(struct hf_callee_endpoint *, void *endpoint_user);
    /* An endpoint does not answer any more, though its connections are there; it still takes
     * calls.  NULL: nobody is to find that out. */
    void (*on_hung)(struct hf_callee_endpoint *, void *endpoint_user);
    /* Calls at an endpoint have begun or ended since the callee's load was last asked; within
     * hf_callee_load, under the lock.  NULL: the role keeps no account of that. */
    void (*on_load)(const struct hf_pool_endpoint *, void *endpoint_user);
};

/* For `endpoint_fini` of the settings of pools. */
void hf_callee_endpoint_fini(struct hf_pool_endpoint *);

/* What all callees of a role have in common; outlives them. */
struct hf_callee_config {
    struct hf_pool_settings pool; /* their endpoints are hf_callee_endpoints */
    const struct hf_upstream_config *upstream;
    struct hf_loop *control;
    const struct hf_callee_ops *ops;
    uint64_t silence_ns; /* without an answer to a PING: an endpoint hangs */
    uint64_t busy_ns;    /* so long at most it may be busy with calls from before the PING */
};

/* Makes a callee with one reference, the role's.  `function` is copied; `user` is not NULL. */
int hf_callee_new(const struct hf_callee_config *config, const struct hf_function *function,
                  uint64_t seed, void *user, struct hf_callee **ret, struct hf_err *err);

/* Gives the role's reference back: `ops` are silent from now on.  NULL is ignored. */
void hf_callee_disown(struct hf_callee *);

/* If it is cold: from now on tickets are STALE, true. */
bool hf_callee_retire(struct hf_callee *);

/* The function is gone: refuses who waits and who comes; calls in flight go on.  The callee
 * counts as retired for callers. */
void hf_callee_delete(struct hf_callee *, const char *reason);

/* The function was updated: `function` replaces what the callee was made from, its concurrency
 * that of the endpoints too.  HF_ENOMEM changes nothing. */
int hf_callee_redefine(struct hf_callee *, const struct hf_function *function);

/* A critical section: what the engine's pool offers, and what it set off once the lock has been let
 * go.  For the endpoints too: `hf_pool_drain` and `hf_pool_leave`; on_drained follows when their
 * calls have ended. */
struct hf_pool *hf_callee_lock(struct hf_callee *, struct hf_pool_out *out);
void hf_callee_unlock(struct hf_callee *, struct hf_pool_out *out);

/* Refuses those who wait. */
void hf_callee_refuse(struct hf_callee *, enum hf_failure refusal, const char *reason);

/* What those who wait do so for: since when an endpoint has been starting, by the policies' clock
 * (0: none is), and why the last start failed (copied; NULL: it did not). */
void hf_callee_set_starting(struct hf_callee *, uint64_t since_ns);
void hf_callee_set_failure(struct hf_callee *, const char *why);

/* Appends the latter. */
void hf_callee_show_failure(struct hf_callee *, struct hf_text *out);

void hf_callee_load(struct hf_callee *, struct hf_pool_load *ret);
void hf_callee_peek(struct hf_callee *, struct hf_pool_load *ret); /* for who is to do nothing */
void hf_callee_show(struct hf_callee *, struct hf_text *out);

/* What an endpoint is made from; texts are copied. */
struct hf_callee_endpoint_spec {
    const char *id;
    const char *address;
    struct hf_upstream *upstream; /* connections shared with other callees; NULL: its own */
    void *user;                   /* for the ops */
    struct hf_handle child;       /* as policies see the node that it is; HF_NONE: it is none */
    bool cold;                    /* it does not have the function warm */
};

/* Adds an endpoint with as many slots as the function's concurrency.  The role drops it with
 * hf_callee_drop. */
int hf_callee_add(struct hf_callee *, const struct hf_callee_endpoint_spec *spec,
                  struct hf_callee_endpoint **ret, struct hf_err *err);

/* Whether it has the function warm. */
void hf_callee_endpoint_set_warm(struct hf_callee_endpoint *, bool warm);

/* How many free slots the node says that it has; `known`: it does. */
void hf_callee_endpoint_set_room(struct hf_callee_endpoint *, bool known, uint32_t room);

/* Nobody answers there any more: ends the calls that it has. */
void hf_callee_endpoint_cut(struct hf_callee_endpoint *);

/* An endpoint has ended, and how: for calls that it had (hf_callee_find_end). */
void hf_callee_note_end(struct hf_callee *, const char *endpoint_id, const char *how);

/* What the pool has noted of it, as it is now. */
struct hf_callee_endpoint_load {
    uint32_t in_flight;
    uint64_t calls; /* that it was ever given */
    bool served;    /* a call has ended there without a failure of the connection */
};
void hf_callee_endpoint_load(struct hf_callee_endpoint *, struct hf_callee_endpoint_load *ret);

/* The role needs to hear no more of it: takes it out of use if that was not done; calls in flight
 * go on. */
void hf_callee_drop(struct hf_callee_endpoint *);

#endif
