/*
 * action.h - what the engine wants done about instances and pools (autoscale.h says when).
 */
#ifndef HF_ENGINE_ACTION_H
#define HF_ENGINE_ACTION_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/pool.h"

struct hf_fleet_function;
struct hf_fleet_instance;

/* What the caller has to do. */
enum hf_scale_kind {
    /* Start `instance` of its function on its worker; answer with `started`,
     * `start_refused` or `gone`. */
    HF_SCALE_START = 1,
    /* Add `instance` to the function's pool as an endpoint, and say its load: a call that waited
     * may have it. */
    HF_SCALE_ADMIT,
    /* `hf_pool_drain` the endpoint of `instance`; answer with `drained` when the pool says so, also
     * if that is at once; one that has left already needs no second answer. */
    HF_SCALE_DRAIN,
    /* `hf_pool_leave` the endpoint of `instance`; answer as for DRAIN. */
    HF_SCALE_LEAVE,
    /* Have the worker stop `instance`, trying again as needed; answer with `gone`.  If it is
     * still in the pool (the limit of draining has passed), its calls are cut off. */
    HF_SCALE_STOP,
    /* `instance` is gone and the engine knows it no longer: its `function` and `worker` are NULL.
     * Take its endpoint out of the pool if it is there (`hf_pool_drain`), and free the record with
     * `hf_fleet_instance_free` when nothing of the caller's refers to it any more.  When the pool
     * says drained, call `hf_autoscaler_demand`, not `drained`.  It may come for one whose START
     * was never given out. */
    HF_SCALE_DROP,
    /* `hf_pool_drain_idle(before_ns)` up to `count` times; answer each with `drained`. */
    HF_SCALE_SHRINK,
    /* `hf_pool_refuse` those who wait, with `refusal` and `reason`. */
    HF_SCALE_REFUSE,
    /* `hf_pool_set_at_limit` and `hf_pool_set_refusing`, as `limit` says. */
    HF_SCALE_LIMIT,
    /* No instance, no call: if the pool is cold under its lock, free it and call
     * `hf_autoscaler_forget`; if a call came meanwhile, call `hf_autoscaler_demand`. */
    HF_SCALE_COLD,
};

/* What calls that come and find no slot can expect. */
enum hf_scale_limit {
    HF_LIMIT_NONE,
    HF_LIMIT_REACHED,  /* calls wait that no further instance can come for */
    HF_LIMIT_NO_START, /* starts fail: HF_FAILURE_START_FAILED at once, until one is tried again */
};

struct hf_scale_action {
    enum hf_scale_kind kind;
    struct hf_fleet_function *function;
    struct hf_fleet_instance *instance; /* START, ADMIT, DRAIN, LEAVE, STOP, DROP */
    uint32_t count;                     /* SHRINK */
    uint64_t before_ns;                 /* SHRINK */
    enum hf_scale_limit limit;          /* LIMIT */
    enum hf_failure refusal;            /* REFUSE */
    const char *reason;                 /* REFUSE: for people; valid until the next `next` */
};

#endif
