/*
 * autoscale_private.h - inside of the autoscaler, shared by its parts, each of which uses only
 * those above it.
 *
 * evict.c finds room where other functions have idle instances; decide.c looks at one function
 * and decides; autoscale.c takes events and gives out actions.  Nobody else includes this.
 */
#ifndef HF_ENGINE_AUTOSCALE_PRIVATE_H
#define HF_ENGINE_AUTOSCALE_PRIVATE_H

#include "base/random.h"
#include "engine/autoscale.h"
#include "engine/reasons.h"

#define HF_NEVER UINT64_MAX

struct hf_autoscaler {
    struct hf_autoscale_config config;
    struct hf_fleet *fleet;
    struct hf_random random;
    struct hf_heap deadlines; /* of hf_scaled.deadline */
    struct hf_list active;    /* of hf_scaled.active */
    struct hf_list blocked;   /* of hf_scaled.blocked, who waits longest first */
    struct hf_list acting;    /* of hf_scaled.to_act */
    uint64_t activations;
    uint64_t invalid_victims;  /* answers of the scaler that named no victim */
    struct hf_reasons reasons; /* of the scaler */
};

static inline struct hf_scaled *
hf_scaled_of(struct hf_fleet_function *function)
{
    return hf_container_of(function, struct hf_scaled, base);
}

/* --- evict.c --- */

/* Calls of the function wait and no worker has room: has idle instances of others drained where
 * the policy chooses so.  Whether room is on its way, by this or otherwise. */
bool hf_scaled_make_room(struct hf_autoscaler *as, struct hf_scaled *f, uint64_t now_ns);

/* --- decide.c --- */

/* Has the function looked at when that time comes; HF_NEVER: not by itself. */
void hf_scaled_look_at(struct hf_autoscaler *as, struct hf_scaled *f, uint64_t at_ns);

/* Looks at a function's load and decides everything about it. */
void hf_scaled_attend(struct hf_autoscaler *as, struct hf_scaled *f, uint64_t now_ns);

/* There may be room again: a bounded number of functions that found none try. */
void hf_scaled_retry_blocked(struct hf_autoscaler *as, uint64_t now_ns);

/* An instance is ready: if an obsolete one serves, that one may go, unless one went before. */
void hf_scaled_succeed(struct hf_autoscaler *as, struct hf_scaled *f, uint64_t now_ns);

/* What a policy is shown of a function. */
struct hf_scale_view hf_scaled_view(const struct hf_autoscaler *as, const struct hf_scaled *f,
                                    const struct hf_pool_load *load, uint64_t now_ns);

#endif
