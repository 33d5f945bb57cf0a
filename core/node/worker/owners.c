/*
 * owners.c - the leaves whose instances run here, and those that never come back.
 *
 * An instance belongs to the leaf that asked for it; the leaf's id is what it is known by, so
 * a leaf that restarts under the same id finds its own again.  A leaf is connected while it
 * watches (hyperfaas.v1.Node/Watch under its id).  Instances of one that has not been for
 * `orphan_timeout`, on the policy clock, are stopped: nobody can call them.  Those that
 * were started without a leaf's id, as existing leaves do, have no owner and stay.
 */
#include <stdlib.h>
#include <string.h>

#include "base/counters.h"
#include "base/log.h"
#include "node/worker/worker.h"

HF_LOG_MODULE(worker);

HF_COUNTER(worker_orphans, "Instances that were stopped because their leaf did not come back.");

struct hf_worker_owner {
    struct hf_map_node by_id; /* in the worker's `owners` */
    struct hf_worker_role *worker;
    struct hf_timer away; /* runs while it has instances and does not watch */
    uint32_t ties[HF_WORKER_TIES];
    char id[];
};

static void
stop_orphans(struct hf_timer *timer)
{
    struct hf_worker_owner *owner = hf_container_of(timer, struct hf_worker_owner, away);
    struct hf_worker_role *worker = owner->worker;
    struct hf_worker_instance *instance;
    struct hf_worker_instance *next;

    hf_log(HF_LOG_NOTICE, "a leaf has been away for too long; stopping its instances",
           HF_KV_STR("leaf", owner->id), HF_KV_U64("instances", owner->ties[HF_WORKER_HAS]));
    hf_count_n(&worker_orphans, owner->ties[HF_WORKER_HAS]);
    owner->ties[HF_WORKER_WATCHES]++; /* so that it outlives its instances */
    HF_LIST_FOR_SAFE (instance, next, &worker->instances, node) {
        if (instance->owner == owner) {
            hf_worker_instance_stop(instance);
        }
    }
    hf_worker_owner_untie(owner, HF_WORKER_WATCHES);
}

static struct hf_worker_owner *
owner_get(struct hf_worker_role *worker, const char *id)
{
    size_t len = strlen(id);
    struct hf_map_node *node = hf_map_find(&worker->owners, id, len);
    struct hf_worker_owner *owner;

    if (node) {
        return hf_container_of(node, struct hf_worker_owner, by_id);
    }
    owner = calloc(1, sizeof *owner + len + 1);
    if (!owner) {
        return NULL;
    }
    memcpy(owner->id, id, len + 1);
    owner->worker = worker;
    hf_timer_init(&owner->away, worker->loop, HF_TIMER_POLICY, stop_orphans);
    if (hf_map_add(&worker->owners, &owner->by_id, owner->id, len) < 0) {
        free(owner);
        return NULL;
    }
    return owner;
}

/* Something about it has changed: is it away, and is there anything to remember of it? */
static void
settle(struct hf_worker_owner *owner)
{
    uint64_t limit_ns = owner->worker->orphan_ns;

    if (owner->ties[HF_WORKER_WATCHES] == 0 && owner->ties[HF_WORKER_HAS] == 0) {
        hf_timer_fini(&owner->away);
        hf_map_remove(&owner->worker->owners, &owner->by_id);
        free(owner);
    } else if (owner->ties[HF_WORKER_WATCHES] > 0 || owner->ties[HF_WORKER_HAS] == 0) {
        hf_timer_cancel(&owner->away);
    } else if (limit_ns > 0 && !hf_timer_is_set(&owner->away)) {
        hf_log(HF_LOG_INFO, "a leaf is away; its instances wait for it",
               HF_KV_STR("leaf", owner->id), HF_KV_U64("instances", owner->ties[HF_WORKER_HAS]),
               HF_KV_DURATION("limit", limit_ns));
        hf_timer_set(&owner->away, limit_ns);
    }
}

struct hf_worker_owner *
hf_worker_owner_tie(struct hf_worker_role *worker, const char *id, enum hf_worker_tie tie)
{
    struct hf_worker_owner *owner = *id ? owner_get(worker, id) : NULL;

    if (owner) {
        owner->ties[tie]++;
        settle(owner);
    }
    return owner;
}

void
hf_worker_owner_untie(struct hf_worker_owner *owner, enum hf_worker_tie tie)
{
    if (owner) {
        owner->ties[tie]--;
        settle(owner);
    }
}
