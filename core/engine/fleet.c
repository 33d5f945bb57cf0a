/*
 * fleet.c - the books of workers, functions and the states of instances.
 */
#include "engine/fleet.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/guest.h"
#include "base/hash.h"
#include "engine/fleet_private.h"

const char *
hf_instance_state_text(enum hf_instance_state state)
{
    static const char *const texts[] = {
#define STATE_TEXT(id, text) text,
        HF_INSTANCE_STATES(STATE_TEXT)
#undef STATE_TEXT
    };

    hf_assert((size_t)state < hf_countof(texts));
    return texts[state];
}

/* --- workers ------------------------------------------------------------------------------- */

struct hf_fleet *
hf_fleet_new(const struct hf_fleet_settings *settings, const struct hf_scheduler_ops *ops,
             struct hf_scheduler *scheduler, uint64_t seed)
{
    struct hf_fleet *fleet = calloc(1, sizeof *fleet);

    if (!fleet) {
        return NULL;
    }
    fleet->settings = *settings;
    fleet->ops = ops;
    fleet->scheduler = scheduler;
    fleet->free_entry = HF_NO_ENTRY;
    hf_random_init(&fleet->random, seed);
    return fleet;
}

void
hf_fleet_free(struct hf_fleet *fleet)
{
    if (!fleet) {
        return;
    }
    while (fleet->worker_count > 0) {
        hf_fleet_remove_worker(fleet, fleet->table[fleet->workers[0]->handle.index].worker);
    }
    free(fleet->workers);
    free(fleet->table);
    free(fleet);
}

/* Makes sure that one more worker has room in both arrays. */
static int
reserve(struct hf_fleet *fleet)
{
    uint32_t count = fleet->table_size ? fleet->table_size * 2 : 8;
    const struct hf_worker **workers;
    struct hf_fleet_entry *table;

    if (fleet->free_entry != HF_NO_ENTRY) {
        return 0;
    }
    workers = realloc(fleet->workers, count * sizeof(*workers));
    if (!workers) {
        return HF_ENOMEM;
    }
    fleet->workers = workers;
    table = realloc(fleet->table, count * sizeof(*table));
    if (!table) {
        return HF_ENOMEM;
    }
    fleet->table = table;
    for (uint32_t i = count; i-- > fleet->table_size;) {
        table[i] = (struct hf_fleet_entry){ .generation = 1, .next_free = fleet->free_entry };
        fleet->free_entry = i;
    }
    fleet->table_size = count;
    return 0;
}

/* Where a worker with that id stands or would stand. */
static uint32_t
position_of(const struct hf_fleet *fleet, const char *id, bool *found)
{
    uint32_t low = 0;
    uint32_t high = fleet->worker_count;

    *found = false;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int order = strcmp(fleet->workers[middle]->id, id);

        if (order == 0) {
            *found = true;
            return middle;
        }
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static void
worker_set(struct hf_fleet *fleet, struct hf_fleet_worker *worker,
           const struct hf_worker_info *info, uint64_t now_ns)
{
    struct hf_worker *base = &worker->base;

    fleet->usable_workers -= hf_worker_is_usable(base);
    base->flags = HF_WORKER_READY | (info->draining ? HF_WORKER_DRAINING : 0);
    base->memory_bytes = info->memory_bytes;
    base->cpu_millis = info->cpu_millis;
    base->in_flight = info->in_flight;
    base->reported_ns = now_ns;
    worker->max_instances = info->max_instances;
    fleet->usable_workers += hf_worker_is_usable(base);
}

static struct hf_fleet_worker *
worker_new(const struct hf_fleet *fleet, const char *id)
{
    size_t id_size = strlen(id) + 1;
    struct hf_fleet_worker *worker = calloc(1, sizeof *worker + id_size);

    if (!worker) {
        return NULL;
    }
    worker->base = (struct hf_worker){
        .size = sizeof worker->base,
        .handle = { fleet->free_entry, fleet->table[fleet->free_entry].generation },
        .id = memcpy(worker + 1, id, id_size),
        .hash = hf_hash(id, id_size - 1),
    };
    hf_list_init(&worker->instances);
    hf_map_init(&worker->shares, 0);
    return worker;
}

int
hf_fleet_add_worker(struct hf_fleet *fleet, const struct hf_worker_info *info, uint64_t now_ns,
                    struct hf_fleet_worker **ret)
{
    struct hf_fleet_worker *worker;
    bool found;
    uint32_t at = position_of(fleet, info->id, &found);
    int r = found ? HF_EEXISTS : reserve(fleet);

    if (r < 0) {
        return r;
    }
    worker = worker_new(fleet, info->id);
    if (!worker) {
        return HF_ENOMEM;
    }
    worker_set(fleet, worker, info, now_ns);
    r = fleet->ops->worker_added
            ? hf_guest_call(fleet->ops, worker_added, NULL, fleet->scheduler, &worker->base)
            : 0;
    if (r < 0) {
        fleet->usable_workers -= hf_worker_is_usable(&worker->base);
        free(worker);
        return r;
    }
    fleet->table[fleet->free_entry].worker = worker;
    fleet->free_entry = fleet->table[fleet->free_entry].next_free;
    memmove(&fleet->workers[at + 1], &fleet->workers[at],
            (fleet->worker_count - at) * sizeof(*fleet->workers));
    fleet->workers[at] = &worker->base;
    fleet->worker_count++;
    *ret = worker;
    return 0;
}

void
hf_fleet_change_worker(struct hf_fleet *fleet, struct hf_fleet_worker *worker,
                       const struct hf_worker_info *info, uint64_t now_ns)
{
    worker_set(fleet, worker, info, now_ns);
    if (fleet->ops->worker_changed) {
        hf_guest_do(fleet->ops, worker_changed, NULL, fleet->scheduler, &worker->base);
    }
}

void
hf_fleet_remove_worker(struct hf_fleet *fleet, struct hf_fleet_worker *worker)
{
    struct hf_fleet_entry *entry = &fleet->table[worker->base.handle.index];
    struct hf_map_node *node;
    bool found;
    uint32_t at = position_of(fleet, worker->base.id, &found);

    hf_assert(found && hf_list_is_empty(&worker->instances));
    fleet->worker_count--;
    memmove(&fleet->workers[at], &fleet->workers[at + 1],
            (fleet->worker_count - at) * sizeof(*fleet->workers));
    fleet->usable_workers -= hf_worker_is_usable(&worker->base);
    if (fleet->ops->worker_removed) {
        hf_guest_do(fleet->ops, worker_removed, NULL, fleet->scheduler, &worker->base);
    }
    while ((node = hf_map_next(&worker->shares, NULL))) {
        hf_share_free(hf_container_of(node, struct hf_share, node));
    }
    hf_map_fini(&worker->shares);
    entry->worker = NULL;
    entry->generation = entry->generation == UINT32_MAX ? 1 : entry->generation + 1;
    entry->next_free = fleet->free_entry;
    fleet->free_entry = worker->base.handle.index;
    free(worker);
}

const struct hf_worker *const *
hf_fleet_workers(const struct hf_fleet *fleet, uint32_t *count)
{
    *count = fleet->worker_count;
    return fleet->workers;
}

uint32_t
hf_fleet_usable_workers(const struct hf_fleet *fleet)
{
    return fleet->usable_workers;
}

/* --- functions and instances --------------------------------------------------------------- */

int
hf_fleet_function_init(struct hf_fleet *fleet, struct hf_fleet_function *function,
                       const struct hf_function *spec)
{
    *function = (struct hf_fleet_function){ .spec = spec };
    hf_list_init(&function->shares);
    for (size_t i = 0; i < HF_INSTANCE_STATE_COUNT; i++) {
        hf_list_init(&function->instances[i]);
    }
    if (fleet->ops->function_state_size > 0) {
        function->scheduler_state = calloc(1, fleet->ops->function_state_size);
        if (!function->scheduler_state) {
            return HF_ENOMEM;
        }
    }
    return 0;
}

void
hf_fleet_function_fini(struct hf_fleet_function *function)
{
    struct hf_share *share;
    struct hf_share *next;

    hf_assert(hf_fleet_instances(function) == 0);
    HF_LIST_FOR_SAFE (share, next, &function->shares, of_function) {
        hf_share_free(share);
    }
    free(function->scheduler_state);
    function->scheduler_state = NULL;
}

static void
enter_state(struct hf_fleet_instance *instance, enum hf_instance_state state, uint64_t now_ns)
{
    struct hf_fleet_function *function = instance->function;

    hf_assert(state > instance->state);
    instance->worker->starting -= instance->state == HF_INSTANCE_STARTING;
    function->leaving -= instance->leaving && instance->state == HF_INSTANCE_READY;
    function->count[instance->state]--;
    function->count[state]++;
    if (instance->obsolete) {
        function->obsolete[instance->state]--;
        function->obsolete[state]++;
    }
    hf_list_remove(&instance->of_function);
    hf_list_append(&function->instances[state], &instance->of_function);
    instance->state = (uint8_t)state;
    instance->since_ns = now_ns;
}

/* Takes what is GONE off its worker. */
static void
release(struct hf_fleet_instance *instance)
{
    struct hf_worker *base = &instance->worker->base;

    base->instances--;
    base->memory_used_bytes -= instance->memory_bytes;
    base->cpu_used_millis -= instance->cpu_millis;
    if (!instance->obsolete) {
        hf_share_leave(instance);
    }
    hf_list_remove(&instance->of_worker);
    instance->worker = NULL;
}

void
hf_fleet_set_state(struct hf_fleet *fleet, struct hf_fleet_instance *instance,
                   enum hf_instance_state state, uint64_t now_ns)
{
    bool unstarted = instance->state == HF_INSTANCE_STARTING;
    struct hf_handle worker = instance->worker->base.handle;

    hf_assert(state != HF_INSTANCE_READY && (!unstarted || state == HF_INSTANCE_GONE));
    enter_state(instance, state, now_ns);
    if (state == HF_INSTANCE_GONE) {
        release(instance);
    }
    if (unstarted && fleet->ops->rollback) {
        hf_guest_do(fleet->ops, rollback, instance->function->spec->id, fleet->scheduler,
                    instance->function->spec, worker);
    }
}

void
hf_fleet_started(struct hf_fleet *fleet, struct hf_fleet_instance *instance, uint64_t now_ns)
{
    hf_assert(instance->state == HF_INSTANCE_STARTING);
    enter_state(instance, HF_INSTANCE_READY, now_ns);
    if (fleet->ops->confirm) {
        hf_guest_do(fleet->ops, confirm, instance->function->spec->id, fleet->scheduler,
                    instance->function->spec, instance->worker->base.handle);
    }
}

void
hf_fleet_failed(struct hf_fleet *fleet, struct hf_fleet_instance *instance, uint64_t now_ns)
{
    if (!instance->obsolete) {
        hf_share_blame(fleet, instance, now_ns);
    }
    hf_fleet_set_state(fleet, instance, HF_INSTANCE_GONE, now_ns);
}

void
hf_fleet_blame(struct hf_fleet *fleet, struct hf_fleet_instance *instance, uint64_t now_ns)
{
    hf_assert(instance->state == HF_INSTANCE_READY && !instance->obsolete);
    hf_share_blame(fleet, instance, now_ns);
}

void
hf_fleet_outdate(struct hf_fleet_instance *instance)
{
    if (!instance->obsolete) {
        instance->obsolete = true;
        instance->function->obsolete[instance->state]++;
        if (instance->worker) {
            hf_share_leave(instance);
        }
    }
}

void
hf_fleet_leave(struct hf_fleet_instance *instance)
{
    hf_assert(instance->state == HF_INSTANCE_READY);
    hf_fleet_outdate(instance);
    instance->function->leaving += !instance->leaving;
    instance->leaving = true;
}

void
hf_fleet_instance_free(struct hf_fleet_instance *instance)
{
    hf_assert(instance->state == HF_INSTANCE_GONE && hf_list_is_empty(&instance->to_act));
    instance->function->count[HF_INSTANCE_GONE]--;
    instance->function->obsolete[HF_INSTANCE_GONE] -= instance->obsolete;
    hf_list_remove(&instance->of_function);
    free(instance);
}

uint32_t
hf_fleet_instances(const struct hf_fleet_function *function)
{
    uint32_t sum = 0;

    for (size_t i = 0; i < HF_INSTANCE_GONE; i++) {
        sum += function->count[i];
    }
    return sum;
}

uint64_t
hf_fleet_invalid_picks(const struct hf_fleet *fleet)
{
    return fleet->invalid_picks;
}
