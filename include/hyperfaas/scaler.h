/*
 * scaler.h - autoscaling policies: how many instances of a function?
 *
 * One instance of the policy serves a whole leaf, on its control thread.  Both
 * schools are served: a desired count computed on a tick (Knative), and an
 * instance started for a call that found no slot (Lambda, OpenWhisk).  Only
 * functions with calls or instances are ever looked at: a cold one costs nothing.
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
    uint64_t start_ns; /* since 0.4: how long its start took; 0: not known */
};

struct hf_scaler_ops {
    uint32_t size;
    uint32_t function_state_size; /* zeroed bytes kept per warm function; 0: none */

    /* Makes an instance, or nothing and `err` says why.  Required. */
    int (*create)(const struct hf_host *, const struct hf_options *, struct hf_scaler **ret,
                  struct hf_err *err);
    void (*destroy)(struct hf_scaler *); /* NULL is allowed.  Required. */

    /* A call found no slot.  Returns how many instances (ready and starting)
     * there should be; fewer than there are means no change.  Required. */
    uint32_t (*on_demand)(struct hf_scaler *, const struct hf_scale_view *);

    /* Every `tick_ns` for each function that is not cold.  Returns how many
     * instances there should be; surplus idle ones are drained, the longest
     * idle first.  Required. */
    uint32_t (*on_tick)(struct hf_scaler *, const struct hf_scale_view *);

    /* Nanoseconds of policy time until the function's next tick, asked after
     * each look at it.  A function without calls costs nothing meanwhile, so
     * let it sleep: the first call that comes then is told at once, and this
     * is asked anew.  NULL: one second. */
    uint64_t (*tick_ns)(struct hf_scaler *, const struct hf_scale_view *);

    /* There are idle instances; asked at each look.  Fill `plan` (preset to "as
     * the ticks say").  NULL: that. */
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
};

#define HF_SCALER_PLUGIN(name, summary, ops, options)                                              \
    HF_PLUGIN(HF_PLUGIN_SCALER, name, summary, (1 ? &(ops) : (const struct hf_scaler_ops *)0),     \
              options)

#ifdef __cplusplus
}
#endif

#endif
