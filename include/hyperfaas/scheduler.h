/*
 * scheduler.h - placement policies: on which worker does an instance start?
 *
 * One instance of the policy serves a whole leaf, on its control thread.  It
 * hears which workers exist and answers picks.  The host keeps the books
 * (capacity, use, instances) and shows them through a view; a pick reserves,
 * and the host confirms it or rolls it back.
 *
 * The books are this leaf's own: what other leaves run on the same workers is in no sum.  A worker
 * without room refuses the start, and another is asked for then.
 *
 * Nothing here is called by two threads at once; the instance needs no lock.
 */
#ifndef HYPERFAAS_SCHEDULER_H
#define HYPERFAAS_SCHEDULER_H

#include <hyperfaas/function.h>
#include <hyperfaas/host.h>
#include <hyperfaas/plugin.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The policy's own instance. */
struct hf_scheduler;

#define HF_WORKER_READY    UINT32_C(0x1) /* connected and serving */
#define HF_WORKER_DRAINING UINT32_C(0x2) /* takes no new instances */

/* What a policy needs beyond what is there anyway (`needs`); what no policy needs is not measured,
 * and no worker is asked for it. */
#define HF_SCHEDULER_NEEDS_LOAD UINT32_C(0x1) /* load and disk of workers, about each second */

/* A worker as the host knows it.  Sums count starting instances and reservations too. */
struct hf_worker {
    uint32_t size;
    uint32_t flags; /* HF_WORKER_... */
    struct hf_handle handle;
    const char *id;        /* stable over restarts of the leaf */
    uint64_t hash;         /* the host's stable hash of `id` */
    uint64_t memory_bytes; /* capacity; 0: not known, no limit */
    uint64_t memory_used_bytes;
    uint64_t cpu_millis; /* capacity in thousandths of a core; 0: not known */
    uint64_t cpu_used_millis;
    uint32_t instances;   /* of all functions, starting ones included */
    uint32_t in_flight;   /* calls of this leaf there.  Of each function as of the last look at it:
                           * a call that waits or is the first brings one, else its ticks do */
    uint64_t reported_ns; /* policy clock of the worker's last report of what it can hold */
    uint32_t starting;    /* since 0.4: of `instances`, those on their way */

    /* --- since 0.5: with HF_SCHEDULER_NEEDS_LOAD, from workers that report it; else 0 --- */
    uint32_t load_millis; /* load average of a minute per processor, in thousandths */
    uint64_t disk_bytes;  /* of the file system that instances are kept on; 0: not known */
    uint64_t disk_used_bytes;
    uint64_t load_ns; /* policy clock of that report; 0: there was none since it is connected */
};

/* What one worker holds of the function to be placed. */
struct hf_worker_share {
    uint32_t size;
    uint32_t instances; /* starting ones included, those that are being replaced not */
    uint32_t idle;      /* of them, ready and without a call when the function was last looked at */
    bool image_present; /* it said so, or has started an instance of that image since it was
                         * found; a worker of the existing platform says nothing */
};

/* The fleet at the time of a pick.  Borrowed for the call. */
struct hf_fleet_view {
    uint32_t size;
    uint32_t worker_count;
    const struct hf_worker *const *workers; /* sorted by `id`; all of them, ready or not */
    uint64_t now_ns;                        /* policy clock */
    uint64_t random;                        /* 64 fresh random bits */

    /* Whether an instance of the function can start on worker `i` now: it is ready, not
     * draining, has memory, CPU and a place left, may start one more, and does not pause
     * after failed starts.  Constant time. */
    bool (*feasible)(const struct hf_fleet_view *, uint32_t i);

    /* Fills `*share` (set its `size` first) for worker `i`.  Constant time. */
    void (*share)(const struct hf_fleet_view *, uint32_t i, struct hf_worker_share *share);

    /* --- since 0.5 --- */
    struct hf_decision *decision; /* for `pick`, and for all answers of a `pick_many` together; see
                                   * function.h */
};

struct hf_scheduler_ops {
    uint32_t size;
    uint32_t function_state_size; /* zeroed bytes kept for each function with calls or instances,
                                   * aligned for anything; freed when it has neither.  0: none */

    /* Makes an instance, or nothing and `err` says why.  Required. */
    int (*create)(const struct hf_host *, const struct hf_options *, struct hf_scheduler **ret,
                  struct hf_err *err);
    void (*destroy)(struct hf_scheduler *); /* NULL is allowed.  Required. */

    /* Chooses a feasible worker for one more instance of `function`, or
     * HF_NONE.  `state` is the policy's room for the function.  An infeasible
     * answer is counted as an error and treated as HF_NONE; such answers are
     * shown by `leaf/policies`.  No allocation.  Required. */
    struct hf_handle (*pick)(struct hf_scheduler *, const struct hf_function *function, void *state,
                             const struct hf_fleet_view *view);

    /* How a pick ended: the instance runs, or it was never started or failed.
     * The worker may have gone in between.  NULL if not needed. */
    void (*confirm)(struct hf_scheduler *, const struct hf_function *, struct hf_handle worker);
    void (*rollback)(struct hf_scheduler *, const struct hf_function *, struct hf_handle worker);

    /* A worker joined, left, or changed in flags or capacity.  NULL if not needed. */
    int (*worker_added)(struct hf_scheduler *, const struct hf_worker *);
    void (*worker_removed)(struct hf_scheduler *, const struct hf_worker *);
    void (*worker_changed)(struct hf_scheduler *, const struct hf_worker *);

    /* Several instances are wanted at once: chooses workers for up to `count` of them into
     * `ret`, returns how many.  The view does not change meanwhile, so count what is given
     * out.  The host takes the answers in turn; one that is not feasible behind those before
     * it is counted as an error.  Asked again for what is left, until it returns 0.
     * NULL: the host calls `pick` for each.  Asked since 0.4. */
    uint32_t (*pick_many)(struct hf_scheduler *, const struct hf_function *, void *state,
                          const struct hf_fleet_view *, uint32_t count, struct hf_handle *ret);

    /* Appends what the policy holds, in lines of key=value.  NULL: nothing to show. */
    void (*show)(const struct hf_scheduler *, struct hf_text *);

    /* --- since 0.5 --- */
    uint32_t needs;             /* HF_SCHEDULER_NEEDS_... */
    uint32_t reason_count;      /* of `reasons`, 64 at most */
    const char *const *reasons; /* names for `hf_decision.reason`: words with underscores */
};

#define HF_SCHEDULER_PLUGIN(name, summary, ops, options)                                           \
    HF_PLUGIN(HF_PLUGIN_SCHEDULER, name, summary,                                                  \
              (1 ? &(ops) : (const struct hf_scheduler_ops *)0), options)

#ifdef __cplusplus
}
#endif

#endif
