/*
 * evict.c - room for a function whose calls wait: idle instances of other functions go.
 *
 * Which of them, if any, says the scaler (`victims`).  It is asked about one worker at a
 * time, of which a bounded number of idle instances are shown, after their pools were asked
 * whether they are idle now.  What the policy chooses drains; as it goes, the functions that
 * found no room try again.
 */
#include "base/counters.h"
#include "base/guest.h"
#include "engine/autoscale_private.h"

HF_COUNTER(policy_scaler_invalid, "Answers of scalers that named no victim; ignored.");
HF_COUNTER(leaf_evictions, "Idle instances stopped to make room for another function.");

#define CANDIDATES_MAX 32 /* that are shown of a worker */
#define LOOKS_MAX      64 /* at instances that had a call */
#define WORKERS_MAX    16 /* that are looked at */

struct candidates {
    uint32_t count;
    struct hf_fleet_instance *instance[CANDIDATES_MAX];
    struct hf_victim shown[CANDIDATES_MAX];
    const struct hf_victim *list[CANDIDATES_MAX];
};

static bool
is_nothing(const struct hf_fleet_need *need)
{
    return need->memory_bytes == 0 && need->cpu_millis == 0 && need->instances == 0;
}

/* Takes off the need what goes with an instance. */
static void
lessen(struct hf_fleet_need *need, const struct hf_fleet_instance *instance)
{
    need->memory_bytes = hf_sub_saturated(need->memory_bytes, instance->memory_bytes);
    need->cpu_millis = hf_sub_saturated(need->cpu_millis, instance->cpu_millis);
    need->instances = (uint32_t)hf_sub_saturated(need->instances, 1);
}

static void
add(struct candidates *candidates, struct hf_fleet_instance *instance, const struct hf_scaled *f)
{
    if (instance->function != &f->base && instance->state == HF_INSTANCE_READY &&
        !instance->obsolete && instance->action == 0) {
        candidates->instance[candidates->count++] = instance;
    }
}

/* The worker's instances that are idle or may be: those known to be, longest first, then those
 * that had a call when their functions were last looked at. */
static void
gather(const struct hf_fleet_worker *worker, const struct hf_scaled *f, struct candidates *ret)
{
    struct hf_fleet_instance *instance;
    uint32_t looks = 0;

    ret->count = 0;
    HF_LIST_FOR (instance, &worker->idle, idle) {
        if (ret->count == CANDIDATES_MAX) {
            return;
        }
        add(ret, instance, f);
    }
    HF_LIST_FOR (instance, &worker->instances, of_worker) {
        if (ret->count == CANDIDATES_MAX || ++looks > LOOKS_MAX) {
            return;
        }
        if (instance->in_flight > 0) {
            add(ret, instance, f);
        }
    }
}

/* Puts an instance among those before it, who has been idle longest first. */
static void
insert(struct candidates *candidates, struct hf_fleet_instance *instance)
{
    uint32_t at = candidates->count++;

    while (at > 0 && candidates->instance[at - 1]->idle_since_ns > instance->idle_since_ns) {
        candidates->instance[at] = candidates->instance[at - 1];
        at--;
    }
    candidates->instance[at] = instance;
}

/* Keeps those that are idle by what their pools say now. */
static void
confirm(struct hf_autoscaler *as, struct candidates *candidates)
{
    uint32_t count = candidates->count;
    struct hf_pool_load load;

    for (uint32_t i = 0; i < count; i++) {
        if (i == 0 || candidates->instance[i]->function != candidates->instance[i - 1]->function) {
            as->config.load(as->config.arg, candidates->instance[i]->function, &load);
            hf_scaled_of(candidates->instance[i]->function)->service_ns = load.service_ns;
        }
    }
    candidates->count = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (candidates->instance[i]->in_flight == 0) {
            insert(candidates, candidates->instance[i]);
        }
    }
}

/* What the policy is shown of them. */
static void
describe(struct candidates *candidates)
{
    for (uint32_t i = 0; i < candidates->count; i++) {
        const struct hf_fleet_instance *instance = candidates->instance[i];
        const struct hf_scaled *f = hf_scaled_of(instance->function);

        candidates->shown[i] = (struct hf_victim){
            .size = sizeof candidates->shown[i],
            .function = instance->function->spec,
            .instance = instance->handle,
            .idle_since_ns = instance->idle_since_ns,
            .memory_bytes = instance->memory_bytes,
            .uses = instance->uses,
            .start_ns = instance->start_ns,
            .state = f->scaler_state,
            .warm_ns = f->service_ns,
            .function_uses = f->base.uses,
            .instances = f->base.count[HF_INSTANCE_READY],
        };
        candidates->list[i] = &candidates->shown[i];
    }
}

/* Drains what the policy chose, as many as are needed; none, if all together are not enough. */
static bool
drain(struct hf_autoscaler *as, const struct candidates *candidates, const uint32_t *chosen,
      uint32_t count, struct hf_fleet_need need, uint64_t now_ns)
{
    bool taken[CANDIDATES_MAX] = { false };
    uint32_t needed = 0;

    while (needed < count && !is_nothing(&need)) {
        uint32_t i = chosen[needed];

        if (i >= candidates->count || taken[i]) {
            as->invalid_victims++;
            hf_count(&policy_scaler_invalid);
            return false;
        }
        taken[i] = true;
        needed++;
        lessen(&need, candidates->instance[i]);
    }
    if (!is_nothing(&need)) {
        return false;
    }
    for (uint32_t i = 0; i < needed; i++) {
        hf_fleet_drain(as->fleet, candidates->instance[chosen[i]], now_ns);
        hf_count(&leaf_evictions);
    }
    return true;
}

static bool
evict(struct hf_autoscaler *as, const struct hf_scaled *f, const struct hf_fleet_need *need,
      uint64_t now_ns)
{
    uint32_t chosen[CANDIDATES_MAX] = { 0 }; /* a policy may say more than it writes */
    struct candidates candidates;
    uint32_t n;

    gather(need->worker, f, &candidates);
    confirm(as, &candidates);
    describe(&candidates);
    if (candidates.count == 0) {
        return false;
    }
    n = hf_guest_call(as->config.scaler_ops, victims, f->base.spec->id, as->config.scaler,
                      need->memory_bytes, candidates.list, candidates.count, chosen);
    return drain(as, &candidates, chosen, hf_min(n, candidates.count), *need, now_ns);
}

bool
hf_scaled_make_room(struct hf_autoscaler *as, struct hf_scaled *f, uint64_t now_ns)
{
    struct hf_fleet_need need;
    uint32_t cursor = 0;

    if (!as->config.scaler_ops->victims) {
        return false;
    }
    for (int i = 0;
         i < WORKERS_MAX && hf_fleet_next_full(as->fleet, &f->base, now_ns, &cursor, &need); i++) {
        if (is_nothing(&need) || evict(as, f, &need, now_ns)) {
            return true;
        }
    }
    return false;
}
