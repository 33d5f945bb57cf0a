/*
 * fleet_private.h - inside of the fleet, shared by its parts, each of which uses only those
 * above it.
 *
 * fleet.c keeps workers; placement.c knows what fits where, and asks the scheduler;
 * instance.c is the life of an instance.  Nobody else includes this.
 */
#ifndef HF_ENGINE_FLEET_PRIVATE_H
#define HF_ENGINE_FLEET_PRIVATE_H

#include "base/random.h"
#include "engine/fleet.h"
#include "engine/handles.h"
#include "engine/reasons.h"

/* What one worker holds of one function. */
struct hf_share {
    struct hf_map_node node;    /* in the worker's `shares`, by `function` */
    struct hf_list of_function; /* in the function's `shares` */
    const struct hf_fleet_function *function;
    struct hf_fleet_worker *worker;
    uint32_t instances; /* that are not obsolete */
    uint32_t idle;      /* of them, READY and without a call */
    uint32_t failures;  /* of starts, in a row; those at the same time count as one */
    uint64_t retry_ns;  /* no start before; 0: at any time */
};

struct hf_fleet {
    struct hf_fleet_settings settings;
    const struct hf_scheduler_ops *ops;
    struct hf_scheduler *scheduler;
    struct hf_random random;
    const struct hf_worker **workers; /* sorted by id */
    struct hf_handles handles;        /* of workers */
    struct hf_handles instances;      /* the same of instances */
    struct hf_list acting;            /* of hf_fleet_instance.to_act */
    uint32_t worker_count;
    uint32_t worker_room; /* allocated in `workers` */
    uint32_t usable_workers;
    uint64_t started; /* instances that ever got a number */
    uint64_t invalid_picks;
    struct hf_reasons reasons; /* of the scheduler */
};

static inline bool
hf_worker_is_usable(const struct hf_worker *worker)
{
    return (worker->flags & (HF_WORKER_READY | HF_WORKER_DRAINING)) == HF_WORKER_READY;
}

/* --- fleet.c --- */

/* What a worker holds of a function; NULL: nothing, or (`get`) no memory for it. */
struct hf_share *hf_share_find(const struct hf_fleet_worker *worker,
                               const struct hf_fleet_function *function);
struct hf_share *hf_share_get(struct hf_fleet_worker *worker, struct hf_fleet_function *function);

/* Frees it. */
void hf_share_free(struct hf_share *share);

/* Whether the worker has the image. */
bool hf_fleet_has_image(const struct hf_fleet_worker *worker, const char *image);

/* --- placement.c --- */

/* How many handles are asked for at once. */
#define HF_PICKS_MAX 32u

/* Asks the scheduler for workers for up to `count` instances; how many it named, HF_NONE left
 * out. */
uint32_t hf_fleet_pick(struct hf_fleet *fleet, const struct hf_fleet_function *function,
                       uint64_t now_ns, uint32_t count, struct hf_handle *ret);

/* The worker that it named; NULL, and counted, if that cannot take an instance now. */
struct hf_fleet_worker *hf_fleet_picked(struct hf_fleet *fleet,
                                        const struct hf_fleet_function *function, uint64_t now_ns,
                                        struct hf_handle handle);

/* What an instance of the function reserves. */
uint64_t hf_fleet_cpu_millis(const struct hf_function *spec);

#endif
