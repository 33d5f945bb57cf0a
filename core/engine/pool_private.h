/*
 * pool_private.h - inside of a pool, shared by its parts.
 *
 * pool.c is the path of a call, pool_admission.c says who may wait for a slot;
 * pool_control.c makes pools and endpoints and changes them.  Nobody else
 * includes this.
 */
#ifndef HF_ENGINE_POOL_PRIVATE_H
#define HF_ENGINE_POOL_PRIVATE_H

#include "engine/handles.h"
#include "engine/pool.h"

#define HF_NOT_USABLE UINT32_MAX

/* How long calls hold their slots, smoothed. */
struct hf_pool_service {
    uint64_t mean_ns;
    uint64_t deviation_ns; /* mean, from the mean */
    uint32_t samples;      /* up to as many as matter */
};

struct hf_pool {
    const struct hf_pool_settings *settings;
    const struct hf_lb_ops *ops;
    struct hf_lb *lb;
    const char *id;  /* of the function; the caller's */
    uint64_t random; /* state of SplitMix64 (G. Steele et al., OOPSLA 2014) */

    struct hf_list waiting; /* of hf_waiter.node */
    struct hf_list idle;    /* of hf_pool_endpoint.idle_node */
    struct hf_list changed; /* of hf_pool_endpoint.changed_node */
    struct hf_handles endpoints;
    struct hf_candidate *usable;
    uint32_t usable_room; /* allocated: for all that have a handle */
    uint32_t usable_count;

    struct hf_pool_load load; /* kept up to date, but for `oldest_idle_ns` and the estimates */
    struct hf_pool_service service;
    char *reason;      /* of the last refusal; NULL: none */
    uint16_t closed;   /* enum hf_failure for all new calls */
    uint16_t refusing; /* the same while there is no endpoint */
    bool notified;     /* the control thread knows that it must look */
    bool quiet;        /* nothing was going on when it last looked */
};

/* Puts an endpoint into the usable set. */
void hf_pool_usable_add(struct hf_pool *pool, struct hf_pool_endpoint *endpoint);

/* Puts it in or out, whichever is true now, and tells the policy. */
void hf_pool_usable_update(struct hf_pool *pool, struct hf_pool_endpoint *endpoint);

/* It has no call from now on. */
void hf_pool_idle_begin(struct hf_pool *pool, struct hf_pool_endpoint *endpoint, uint64_t now_ns);

uint64_t hf_pool_random(struct hf_pool *pool);

/* A call has held its slot for so long. */
void hf_pool_note_service(struct hf_pool *pool, uint64_t elapsed_ns);

/* How long one more call would wait; 0 if that cannot be told yet. */
uint64_t hf_pool_expected_wait(const struct hf_pool *pool);

/* Whether a new call would wait for too long. */
bool hf_pool_waits_in_vain(const struct hf_pool *pool, const struct hf_waiter *waiter,
                           uint64_t now_ns);

/* Whether a slot given to the waiter now would be wasted. */
bool hf_pool_is_late(const struct hf_pool *pool, const struct hf_waiter *waiter, uint64_t now_ns);

/* Gives usable slots to those who wait. */
void hf_pool_dispatch(struct hf_pool *pool, uint64_t now_ns, struct hf_pool_out *out);

#endif
