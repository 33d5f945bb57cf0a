/*
 * autoscale_private.h - inside of the autoscaler: its state, shared by its two halves.
 *
 * autoscale.c takes events and gives out actions; decide.c looks at one
 * function and decides.  Nobody else includes this.
 */
#ifndef HF_ENGINE_AUTOSCALE_PRIVATE_H
#define HF_ENGINE_AUTOSCALE_PRIVATE_H

#include "base/random.h"
#include "engine/autoscale.h"
#include "engine/deadlines.h"

#define HF_NEVER UINT64_MAX

/* An active function. */
struct hf_scaled {
    struct hf_fleet_function base;
    struct hf_deadline deadline; /* when to look at it again */
    struct hf_list active;       /* in the autoscaler's list of all */
    struct hf_list blocked;      /* in its queue of those that found no room */
    struct hf_list to_act;       /* in its list of those with pending actions */
    uint64_t next_tick_ns;       /* when to ask the policy again */
    uint64_t ready_ns;           /* when an instance last became ready; 0: never */
    uint64_t no_room_ns;         /* since when calls wait for a worker with room */
    bool refused;                /* a worker had less room than we thought, and none has yet */
    uint64_t prewarm_ns;         /* when to start an instance without a call */
    uint64_t prewarm_after_ns;   /* how long after the last one has gone; 0: don't */
    char *failure;               /* why the last start failed; NULL: unknown */
    char *no_room;               /* what a worker said that refused a start, or what we found */
    void *scaler_state;
    uint64_t failed_ns; /* when the last of them did */
    uint32_t failures;  /* starts that failed since an instance proved good */
    uint32_t in_flight; /* calls, at the last look */
    uint32_t owed;      /* obsolete instances that went before their successors came */
    bool deleted;
    bool at_limit;      /* calls wait, and no further instance can come for them */
    bool told_at_limit; /* what the pool was told of that */
    bool refusing;      /* calls that come are to be refused, since no start can be tried now */
    bool told_refusing; /* what the pool was told of that */

    /* Pending actions. */
    bool cold;
    enum hf_refusal refuse;
    const char *refuse_reason;
    uint32_t shrink;
    uint64_t shrink_before_ns;
};

struct hf_autoscaler {
    struct hf_autoscale_config config;
    struct hf_fleet *fleet;
    struct hf_random random;
    struct hf_deadlines deadlines;      /* of hf_scaled.deadline */
    struct hf_list active;              /* of hf_scaled.active */
    struct hf_list blocked;             /* of hf_scaled.blocked, who waits longest first */
    struct hf_list acting_instances;    /* of hf_fleet_instance.to_act */
    struct hf_list acting_functions;    /* of hf_scaled.to_act */
    struct hf_fleet_instance *dropping; /* given out with DROP, to be freed */
    uint64_t activations;
};

static inline struct hf_scaled *
hf_scaled_of(struct hf_fleet_function *function)
{
    return hf_container_of(function, struct hf_scaled, base);
}

/* Looks at a function's load and decides everything about it. */
void hf_scaled_attend(struct hf_autoscaler *as, struct hf_scaled *f, uint64_t now_ns);

/* There may be room again: a bounded number of functions that found none try. */
void hf_scaled_retry_blocked(struct hf_autoscaler *as, uint64_t now_ns);

/* Lets a READY instance finish its calls. */
void hf_scaled_drain(struct hf_autoscaler *as, struct hf_fleet_instance *instance, uint64_t now_ns);

/* An instance is ready: if an obsolete one serves, that one may go, unless one went before. */
void hf_scaled_succeed(struct hf_autoscaler *as, struct hf_scaled *f, uint64_t now_ns);

/* What a policy is shown of a function. */
struct hf_scale_view hf_scaled_view(struct hf_autoscaler *as, const struct hf_scaled *f,
                                    const struct hf_pool_load *load, uint64_t now_ns);

/* Queues an action; a later decision about an instance replaces one not yet given out. */
void hf_scaled_act_on_instance(struct hf_autoscaler *as, struct hf_fleet_instance *instance,
                               enum hf_scale_kind kind);
void hf_scaled_act(struct hf_autoscaler *as, struct hf_scaled *f);

#endif
