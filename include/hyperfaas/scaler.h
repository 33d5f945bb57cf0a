/*
 * scaler.h - autoscaling policies: how many instances of a function?
 *
 * One instance of the policy serves a whole leaf, on its control thread.  Both
 * schools are served: a desired count computed on a tick (Knative), and an
 * instance started for a call that found no slot (Lambda, OpenWhisk).  Only
 * functions with calls or instances are ever looked at: a cold one costs nothing.
 *
 * A function is cold when it has neither instances nor calls, nor a start that `prewarm_after_ns`
 * asked for, nor failed starts that are remembered for a while.  Its room is freed then, and zeroed
 * when it is called again; a policy that must remember longer keeps a table of its own, bounded, by
 * `function->hash`.
 *
 * Nothing here is called by two threads at once; the instance needs no lock.
 */
#ifndef HYPERFAAS_SCALER_H
#define HYPERFAAS_SCALER_H

#include <hyperfaas/function.h>
#include <hyperfaas/host.h>
#include <hyperfaas/plugin.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The policy's own instance. */
struct hf_scaler;

/* What a policy needs beyond what is there anyway (`needs`); what it does not need is not kept. */
#define HF_SCALER_NEEDS_GAPS UINT32_C(0x1) /* `gaps_total` and what follows it in views */

/* A function's load and instances now.  Borrowed for the call. */
struct hf_scale_view {
    uint32_t size;
    uint32_t ready;     /* instances that take calls */
    uint32_t starting;  /* instances on their way */
    uint32_t draining;  /* instances finishing their calls */
    uint32_t in_flight; /* calls that hold a slot */
    uint32_t waiting;   /* calls without one */
    const struct hf_function *function;
    void *state;               /* the policy's room for the function */
    uint64_t now_ns;           /* policy clock */
    uint64_t random;           /* 64 fresh random bits; 0 in `show` */
    uint64_t calls_total;      /* calls that ever arrived */
    uint64_t last_finished_ns; /* when the last call ended; 0: none ever did */
    uint32_t max_instances;    /* what the fleet allows at most; 0: not limited */
    uint32_t idle;             /* of `ready`, serving no call */
    uint64_t idle_since_ns;    /* since when no call is in flight or waiting: the last completion
                                * or, if later, when an instance became ready; 0: there are calls */

    /* --- since 0.5 --- */
    struct hf_decision *decision; /* for `on_demand` and `on_tick`, see function.h */
    uint64_t service_ns;          /* how long a call holds its slot, as of late; 0: not known yet */
    uint64_t waiting_since_ns;    /* since when the first in the queue waits; 0: nobody does */

    /* Times without any call, from the end of the last one to the arrival of the next, since the
     * function was cold last; 0 without HF_SCALER_NEEDS_GAPS.  Seen at the next look, which comes
     * at once
     * (`tick_ns`) if there was no call at the last one; of several gaps between two looks the last
     * is shown, and all are in the count and the sum. */
    uint64_t gaps_total;
    uint64_t gaps_sum_ns;
    uint64_t last_gap_ns;
    uint64_t last_arrival_ns; /* when the last call came; 0: none did */
};

/* What to do with instances that are idle. */
struct hf_idle_plan {
    uint32_t size;
    uint64_t keep_ns; /* stop it if it stays idle this long; UINT64_MAX: as the ticks say */
    uint64_t prewarm_after_ns; /* after stopping, start one again this long after; 0: don't */
};

/* An idle instance that could make room for another function. */
struct hf_victim {
    uint32_t size;
    const struct hf_function *function;
    struct hf_handle instance;
    uint64_t idle_since_ns; /* when its last call ended or, without one, it became ready */
    uint64_t memory_bytes;
    uint64_t uses;     /* calls it served */
    uint64_t start_ns; /* since 0.4: how long its start took, which is what a cold call takes longer
                        * than a warm one; 0: not known */

    /* --- since 0.5 --- */
    void *state;            /* the policy's room for its function */
    uint64_t warm_ns;       /* how long a call of its function holds a slot; 0: not known yet */
    uint64_t function_uses; /* calls that all present instances of its function served together */
    uint32_t instances;     /* ready ones of its function, this one included */
};

struct hf_scaler_ops {
    uint32_t size;
    uint32_t function_state_size; /* zeroed bytes kept for each function that is not cold, aligned
                                   * for anything.  0: none */

    /* Makes an instance, or nothing and `err` says why.  Required. */
    int (*create)(const struct hf_host *, const struct hf_options *, struct hf_scaler **ret,
                  struct hf_err *err);
    void (*destroy)(struct hf_scaler *); /* NULL is allowed.  Required. */

    /* A call found no slot.  Returns how many instances (ready and starting)
     * there should be; fewer than there are means no change.  The host bounds the answer by
     * `max_instances`, and goes for one more at a time while starts of the function fail; as long
     * as there are calls it is at least 1.  Required. */
    uint32_t (*on_demand)(struct hf_scaler *, const struct hf_scale_view *);

    /* Every `tick_ns` for each function that is not cold.  Returns how many
     * instances there should be; surplus idle ones are drained, the longest
     * idle first.  Required. */
    uint32_t (*on_tick)(struct hf_scaler *, const struct hf_scale_view *);

    /* Nanoseconds of policy time until the function's next tick, asked after
     * each look at it.  A function without calls costs nothing meanwhile, so
     * let it sleep: the first call that comes then is told at once, and this
     * is asked anew.  0 counts as 1, and plugin check refuses it; each tick is a look, so some
     * milliseconds are as short as is of use.  NULL: one second. */
    uint64_t (*tick_ns)(struct hf_scaler *, const struct hf_scale_view *);

    /* There are idle instances, and no surplus by `on_tick`: what that drains goes whatever a plan
     * said before.  Asked at each look.  Fill `plan` (preset to "as the ticks say").  NULL: that.
     */
    void (*on_idle)(struct hf_scaler *, const struct hf_scale_view *, struct hf_idle_plan *plan);

    /* Calls of a function wait, and a worker is full: these are instances of other
     * functions that are idle there, the longest idle first, as far as `count` goes.
     * Write the indices of those to stop, first to go first, into `ret` (room for
     * `count`), return how many.  The host stops as many of them as it takes to
     * start one instance, or none if all are not enough.  `need_bytes` of memory are
     * missing; 0: only processors or places are.  An index that is out of range or
     * named twice is counted as an error, and nothing is stopped.  0: refuse; another
     * worker may be asked about.  NULL: never evict.  Asked since 0.4. */
    uint32_t (*victims)(struct hf_scaler *, uint64_t need_bytes, const struct hf_victim *const *,
                        uint32_t count, uint32_t *ret);

    /* Appends what the policy holds for the function (NULL: in general), in lines of
     * key=value.  Decides nothing.  NULL: nothing to show. */
    void (*show)(const struct hf_scaler *, const struct hf_scale_view *, struct hf_text *);

    /* --- since 0.5 --- */
    uint32_t needs;             /* HF_SCALER_NEEDS_... */
    uint32_t reason_count;      /* of `reasons`, 64 at most */
    const char *const *reasons; /* names for `hf_decision.reason`: words with underscores */
};

#define HF_SCALER_PLUGIN(name, summary, ops, options)                                              \
    HF_PLUGIN(HF_PLUGIN_SCALER, name, summary, (1 ? &(ops) : (const struct hf_scaler_ops *)0),     \
              options)

#ifdef __cplusplus
}
#endif

#endif
