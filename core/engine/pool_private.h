/*
 * pool_private.h - inside of a pool, shared by its parts.
 *
 * pool.c is the path of a call, pool_admission.c says who may wait for a slot;
 * pool_figures.c keeps what only some policies need; pool_control.c makes pools and
 * endpoints and changes them.  Nobody else includes this.
 */
#ifndef HF_ENGINE_POOL_PRIVATE_H
#define HF_ENGINE_POOL_PRIVATE_H

#include "base/guest.h"
#include "engine/handles.h"
#include "engine/pool.h"
#include "engine/reasons.h"

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
    const struct hf_function *function; /* the caller's */
    const char *id;                     /* of it */
    uint64_t random;                    /* state of SplitMix64 (G. Steele et al., OOPSLA 2014) */

    struct hf_list waiting; /* of hf_waiter.node */
    struct hf_list idle;    /* of hf_pool_endpoint.idle_node */
    struct hf_list changed; /* of hf_pool_endpoint.changed_node */
    struct hf_handles endpoints;
    struct hf_lb_view view;      /* what the policy sees; its counts are the pool's own */
    struct hf_candidate *usable; /* the view's */
    uint32_t usable_room;        /* allocated: for all that have a handle */

    struct hf_pool_load load; /* kept up to date, but for `oldest_idle_ns` and the estimates */
    struct hf_pool_service service;
    struct hf_reasons reasons;
    char *reason;      /* of the last refusal; NULL: none */
    uint16_t closed;   /* enum hf_failure for all new calls */
    uint16_t refusing; /* the same while there is no endpoint */
    bool notified;     /* the control thread knows that it must look */
    bool quiet;        /* nothing was going on when it last looked */
    bool keeps;        /* what only some need: see hf_pool_note_arrival */
    bool prepares;     /* its view, before each pick */
    bool tells;        /* calls that start or end, to the policy or to what it keeps */
};

static inline struct hf_pool_endpoint *
hf_pool_endpoint_at(const struct hf_pool *pool, uint32_t index)
{
    return hf_handles_at(&pool->endpoints, index);
}

/* Moves one within the array. */
static inline void
hf_pool_usable_move(struct hf_pool *pool, uint32_t from, uint32_t to)
{
    pool->usable[to] = pool->usable[from];
    hf_pool_endpoint_at(pool, pool->usable[to].handle.index)->position = to;
}

/* Those that are warm stand before the others: the first of these makes room. */
static inline void
hf_pool_usable_add(struct hf_pool *pool, struct hf_pool_endpoint *endpoint)
{
    uint32_t position = pool->view.usable_count++;

    if (!endpoint->cold) {
        uint32_t end = pool->view.warm_count++;

        if (hf_unlikely(end != position)) {
            hf_pool_usable_move(pool, end, position);
            position = end;
        }
    }
    endpoint->position = position;
    pool->usable[position] = (struct hf_candidate){
        .handle = endpoint->base.handle,
        .state = endpoint->base.state,
    };
}

/* The last one, of those that are warm and of all, takes the place of the one that leaves. */
static inline void
hf_pool_usable_remove(struct hf_pool *pool, struct hf_pool_endpoint *endpoint)
{
    uint32_t hole = endpoint->position;
    uint32_t last = --pool->view.usable_count;

    if (!endpoint->cold) {
        uint32_t last_warm = --pool->view.warm_count;

        if (hf_unlikely(last_warm != last)) {
            hf_pool_usable_move(pool, last_warm, hole);
            hole = last_warm;
        }
    }
    hf_pool_usable_move(pool, last, hole);
    endpoint->position = HF_NOT_USABLE;
}

/* Puts it in or out, whichever is true now, and tells the policy. */
void hf_pool_usable_update(struct hf_pool *pool, struct hf_pool_endpoint *endpoint);

/* It has no call from now on. */
void hf_pool_idle_begin(struct hf_pool *pool, struct hf_pool_endpoint *endpoint, uint64_t now_ns);

uint64_t hf_pool_random(struct hf_pool *pool);

/* Asks the policy. */
static inline struct hf_handle
hf_pool_ask(struct hf_pool *pool)
{
    return hf_guest_call(pool->ops, pick, pool->id, pool->lb, &pool->view);
}

/* A call has held its slot for so long. */
void hf_pool_note_service(struct hf_pool *pool, uint64_t elapsed_ns);

/* How long one more call would wait; 0 if that cannot be told yet. */
uint64_t hf_pool_expected_wait(const struct hf_pool *pool);

/* Whether a new call would wait for too long. */
bool hf_pool_waits_in_vain(const struct hf_pool *pool, const struct hf_waiter *waiter,
                           uint64_t now_ns);

/* Whether a slot given to the waiter now would be wasted. */
bool hf_pool_is_late(const struct hf_pool *pool, const struct hf_waiter *waiter, uint64_t now_ns);

/* --- pool_figures.c --- */

/* Sets up the view and what it will show.  0 or HF_ENOMEM. */
int hf_pool_view_init(struct hf_pool *pool);

/* `hf_pool_ask` with all that the view has; for a pool that `prepares`. */
struct hf_handle hf_pool_pick_prepared(struct hf_pool *pool);

/* A call has come, got a slot, gives it back.  For a pool that `keeps`. */
void hf_pool_note_arrival(struct hf_pool *pool, struct hf_waiter *waiter, uint64_t now_ns);
void hf_pool_note_start(struct hf_waiter *waiter);
void hf_pool_note_end(struct hf_pool *pool, const struct hf_waiter *waiter, uint32_t outcome,
                      uint64_t now_ns);

/* --- pool.c --- */

/* Gives usable slots to those who wait. */
void hf_pool_dispatch(struct hf_pool *pool, uint64_t now_ns, struct hf_pool_out *out);

#endif
