/*
 * autoscale.h - a leaf's brain: how many instances, where, and when they go.
 *
 * A pure state machine on the control thread.  Events go in by the functions
 * below, each with the policy clock's time; what is to be done about them comes
 * out as actions.  After each event, and after each action, the caller takes
 * actions with `hf_autoscaler_next` until there are none:
 *
 *     hf_autoscaler_demand(as, function, now);
 *     while (hf_autoscaler_next(as, &action)) {
 *         perform(&action);        // may feed events itself
 *     }
 *
 * Every decision follows from the seed and the sequence of events.
 *
 * How it meets the pools (pool.h), which I/O threads use under their locks:
 * a pool's `notify` is posted to the control thread, which calls
 * `hf_autoscaler_demand`; the autoscaler asks for a pool's load through the
 * callback `load`, a snapshot taken under the pool's lock; and actions tell the
 * caller what to do with the pool.  Nothing else is shared.
 *
 * Only active functions are known here: those with calls or instances.  A cold
 * one costs nothing, an idle one nothing until its next deadline.
 *
 * Life of an instance, by actions (A) and events (E):
 *
 *     START(A) -> started(E) -> ADMIT(A) -> ... calls ... -> DRAIN or SHRINK(A)
 *       -> drained(E) -> STOP(A) -> gone(E) -> DROP(A)
 *     START(A) -> start_refused(E) -> DROP(A)
 *     adopt(E) -> ADMIT(A) -> ...
 *     gone(E) or worker_down(E), at any time -> DROP(A)
 */
#ifndef HF_ENGINE_AUTOSCALE_H
#define HF_ENGINE_AUTOSCALE_H

#include <stdbool.h>
#include <stdint.h>

#include <hyperfaas/scaler.h>

#include "base/heap.h"
#include "engine/action.h"
#include "engine/fleet.h"

struct hf_autoscaler;

/* An active function: begins the role's record of it.  The autoscaler's own; others may read. */
struct hf_scaled {
    struct hf_fleet_function base;
    struct hf_heap_node deadline; /* when to look at it again; the lower its number the earlier */
    struct hf_list active;        /* in the autoscaler's list of all */
    struct hf_list blocked;       /* in its queue of those that found no room */
    struct hf_list to_act;        /* in its list of those with pending actions */
    uint64_t next_tick_ns;        /* when to ask the policy again */
    uint64_t ready_ns;            /* when an instance last became ready; 0: never */
    uint64_t no_room_ns;          /* since when calls wait for a worker with room */
    bool refused;                 /* a worker had less room than we thought, and none has yet */
    uint64_t prewarm_ns;          /* when to start an instance without a call */
    uint64_t prewarm_after_ns;    /* how long after the last one has gone; 0: don't */
    char *failure;                /* why the last start failed; NULL: unknown */
    char *no_room;                /* what a worker said that refused a start, or what we found */
    void *scaler_state;
    uint64_t failed_ns;  /* when the last of them did */
    uint64_t service_ns; /* how long a call holds its slot, when its instances were last offered */
    uint32_t failures;   /* starts that failed since an instance proved good */
    uint32_t in_flight;  /* calls, at the last look */
    uint32_t waiting;    /* calls without a slot, the same */
    uint32_t owed;       /* obsolete instances that went before their successors came */
    bool deleted;
    enum hf_scale_limit limit;
    enum hf_scale_limit known_limit; /* to the pool */

    /* Pending actions. */
    bool cold;
    enum hf_failure refuse;
    const char *refuse_reason;
    uint32_t shrink;
    uint64_t shrink_before_ns;
};

struct hf_autoscale_settings {
    struct hf_fleet_settings fleet;
    uint32_t max_instances;    /* of one function; 0: as many as fit */
    uint32_t start_attempts;   /* failed starts in a row after which waiting calls are refused */
    uint64_t room_wait_ns;     /* how long calls wait for a worker with room before they are */
    uint64_t drain_limit_ns;   /* how long a draining instance may finish its calls */
    uint64_t min_uptime_ns;    /* an instance that dies sooner counts as a failed start */
    uint32_t functions_a_tick; /* most functions that one `hf_autoscaler_tick` looks at */
};

/* What it decides with.  All borrowed for the autoscaler's life; tables are whole (members a
 * module lacks are NULL). */
struct hf_autoscale_config {
    struct hf_autoscale_settings settings;
    const struct hf_scheduler_ops *scheduler_ops;
    struct hf_scheduler *scheduler;
    const struct hf_scaler_ops *scaler_ops;
    struct hf_scaler *scaler;
    uint64_t seed;
    size_t function_size; /* of the role's record, which begins with a hf_scaled and is zeroed
                           * behind it; 0: it has none of its own */

    /* Fills `*ret` with the load of a function's pool: `hf_pool_load` under its lock.  Says the
     * loads of its instances by `hf_fleet_note_load`. */
    void (*load)(void *arg, struct hf_fleet_function *function, struct hf_pool_load *ret);
    void *arg;
};

/* NULL if memory is exhausted. */
struct hf_autoscaler *hf_autoscaler_new(const struct hf_autoscale_config *config);

/* Frees it with all it knows, without any action.  Instances that were dropped are the caller's.
 * NULL is allowed. */
void hf_autoscaler_free(struct hf_autoscaler *as);

/* Takes the next action; false: there is none. */
bool hf_autoscaler_next(struct hf_autoscaler *as, struct hf_scale_action *ret);

/* --- time ---------------------------------------------------------------------------------- */

/* When `hf_autoscaler_tick` wants to be called; UINT64_MAX: not by itself.  Ask again after each
 * event. */
uint64_t hf_autoscaler_deadline(const struct hf_autoscaler *as);

/* Looks at the functions whose deadline has come, a bounded number of them: the deadline stays in
 * the past while there are more. */
void hf_autoscaler_tick(struct hf_autoscaler *as, uint64_t now_ns);

/* --- functions ----------------------------------------------------------------------------- */

/* Makes a function active: its first call, or an instance to adopt.  `spec` stays valid until
 * `hf_autoscaler_forget` or an update.  0 or HF_ENOMEM. */
int hf_autoscaler_activate(struct hf_autoscaler *as, const struct hf_function *spec,
                           struct hf_fleet_function **ret);

/* The pool said `notify`, or the last call at an endpoint whose instance was dropped has ended. */
void hf_autoscaler_demand(struct hf_autoscaler *as, struct hf_fleet_function *function,
                          uint64_t now_ns);

/* The function has a new definition; the old `spec` may be freed when this has returned.  With
 * `outdated` (another image, other limits) new instances start and the old ones drain as these
 * become ready; otherwise running instances serve on. */
void hf_autoscaler_update(struct hf_autoscaler *as, struct hf_fleet_function *function,
                          const struct hf_function *spec, bool outdated, uint64_t now_ns);

/* The function was deleted: the caller has closed its pool; running calls finish, instances stop,
 * COLD ends it. */
void hf_autoscaler_delete(struct hf_autoscaler *as, struct hf_fleet_function *function,
                          uint64_t now_ns);

/* Answers COLD: the record is freed. */
void hf_autoscaler_forget(struct hf_autoscaler *as, struct hf_fleet_function *function);

/* --- workers ------------------------------------------------------------------------------- */

/* A worker is connected, or its capacity or state changed.  When it drains, its instances go as
 * soon as they are idle, and busy ones are replaced elsewhere where that is possible.  Errors as
 * `hf_fleet_add_worker`, of one that was not there. */
int hf_autoscaler_worker_set(struct hf_autoscaler *as, struct hf_fleet_worker *worker,
                             const struct hf_worker_info *info, uint64_t now_ns);

/* It is lost, and its instances with it. */
void hf_autoscaler_worker_down(struct hf_autoscaler *as, struct hf_fleet_worker *worker,
                               uint64_t now_ns);

/* --- instances ----------------------------------------------------------------------------- */

void hf_autoscaler_started(struct hf_autoscaler *as, struct hf_fleet_instance *instance,
                           uint64_t now_ns);
/* The worker has no room, which it knows better than we: others may use it too.  Other workers are
 * tried; nothing is wrong with the function. */
void hf_autoscaler_start_refused(struct hf_autoscaler *as, struct hf_fleet_instance *instance,
                                 const char *reason, uint64_t now_ns);
void hf_autoscaler_drained(struct hf_autoscaler *as, struct hf_fleet_instance *instance,
                           uint64_t now_ns);

/* There is no instance: its start failed, it was stopped, or it ended by itself (crash, exit,
 * killed).  `reason` is for the first and the last. */
void hf_autoscaler_gone(struct hf_autoscaler *as, struct hf_fleet_instance *instance,
                        const char *reason, uint64_t now_ns);

/* It can't be called: its connections fail.  It drains, and its successor may start beside it.
 * One that has not `served` any call counts as a failed start, for the same pauses. */
void hf_autoscaler_unreachable(struct hf_autoscaler *as, struct hf_fleet_instance *instance,
                               bool served, const char *reason, uint64_t now_ns);

/* It must go although it runs: somebody asked for it.  It drains. */
void hf_autoscaler_retire(struct hf_autoscaler *as, struct hf_fleet_instance *instance,
                          uint64_t now_ns);

/* A worker runs an instance of ours from before we started.  0 or HF_ENOMEM; ADMIT follows. */
int hf_autoscaler_adopt(struct hf_autoscaler *as, struct hf_fleet_function *function,
                        struct hf_fleet_worker *worker, uint64_t now_ns,
                        struct hf_fleet_instance **ret);

/* --- reading ------------------------------------------------------------------------------- */

/* Appends what the policies hold, the scaler of that function (NULL: in general), and how many of
 * their answers were of no use. */
void hf_autoscaler_show(struct hf_autoscaler *as, struct hf_fleet_function *function,
                        uint64_t now_ns, struct hf_text *out);

#endif
