/*
 * fleet_private.h - inside of the fleet, shared by its two halves.
 *
 * fleet.c keeps workers and the states of instances; placement.c decides where
 * an instance starts.  Nobody else includes this.
 */
#ifndef HF_ENGINE_FLEET_PRIVATE_H
#define HF_ENGINE_FLEET_PRIVATE_H

#include "base/random.h"
#include "engine/fleet.h"

#define HF_NO_ENTRY UINT32_MAX

/* What one worker holds of one function. */
struct hf_share {
    struct hf_map_node node;    /* in the worker's `shares`, by `function` */
    struct hf_list of_function; /* in the function's `shares` */
    const struct hf_fleet_function *function;
    struct hf_fleet_worker *worker;
    uint32_t instances; /* that are not obsolete */
    uint32_t failures;  /* of starts, in a row; those at the same time count as one */
    uint64_t retry_ns;  /* no start before; 0: at any time */
};

/* What the index of a worker's handle leads to. */
struct hf_fleet_entry {
    struct hf_fleet_worker *worker; /* NULL: free */
    uint32_t generation;
    uint32_t next_free;
};

struct hf_fleet {
    struct hf_fleet_settings settings;
    const struct hf_scheduler_ops *ops;
    struct hf_scheduler *scheduler;
    struct hf_random random;
    const struct hf_worker **workers; /* sorted by id */
    struct hf_fleet_entry *table;
    uint32_t worker_count;
    uint32_t table_size; /* allocated, in `workers` and `table` alike */
    uint32_t free_entry;
    uint32_t usable_workers;
    uint64_t started; /* instances that ever got a number */
    uint64_t invalid_picks;
};

static inline bool
hf_worker_is_usable(const struct hf_worker *worker)
{
    return (worker->flags & (HF_WORKER_READY | HF_WORKER_DRAINING)) == HF_WORKER_READY;
}

/* Frees what is known of a function on a worker. */
void hf_share_free(struct hf_share *share);

/* An instance stops counting for the limit per worker. */
void hf_share_leave(struct hf_fleet_instance *instance);

/* A start failed: doubles the wait with every failure that came after the wait for the one before.
 */
void hf_share_blame(struct hf_fleet *fleet, struct hf_fleet_instance *instance, uint64_t now_ns);

#endif
