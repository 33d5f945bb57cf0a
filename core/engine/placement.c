/*
 * placement.c - where an instance starts: what schedulers see, and what they may not.
 *
 * What one worker holds of one function is a `struct hf_share`, found from the
 * worker by the function's address, so that a scheduler's questions about any
 * worker cost a constant time.  A share exists while there are instances that
 * count for the limit, or failed starts to remember.
 */
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/counters.h"
#include "base/guest.h"
#include "base/parse.h"
#include "base/text.h"
#include "engine/fleet_private.h"

HF_COUNTER(policy_scheduler_invalid,
           "Answers of schedulers that were no feasible worker; taken for none.");

/* What `feasible` and `share` need beside what schedulers see. */
struct view {
    struct hf_fleet_view base;
    const struct hf_fleet *fleet;
    const struct hf_fleet_function *function;
};

/* Why a worker is no place for an instance, in words that stand behind "of 3 workers 2 ...". */
#define OBSTACLES(OBSTACLE)                                                                        \
    OBSTACLE(OBSTACLE_NONE, "could take it, but the scheduler did not choose them")                \
    OBSTACLE(OBSTACLE_NOT_USABLE, "are draining or not ready")                                     \
    OBSTACLE(OBSTACLE_MEMORY, "have too little memory left")                                       \
    OBSTACLE(OBSTACLE_CPU, "have too little processor time left")                                  \
    OBSTACLE(OBSTACLE_INSTANCES, "have as many instances as they may")                             \
    OBSTACLE(OBSTACLE_OF_FUNCTION, "have max_instances_per_worker of the function")                \
    OBSTACLE(OBSTACLE_STARTING, "start max_starting_per_worker instances already")                 \
    OBSTACLE(OBSTACLE_FAILED, "pause after failed starts")

enum obstacle {
#define OBSTACLE_ENUM(id, text) id,
    OBSTACLES(OBSTACLE_ENUM)
#undef OBSTACLE_ENUM
        OBSTACLE_COUNT
};

/* --- shares -------------------------------------------------------------------------------- */

static struct hf_share *
share_find(const struct hf_fleet_worker *worker, const struct hf_fleet_function *function)
{
    struct hf_map_node *node = hf_map_find(&worker->shares, &function, sizeof function);

    return node ? hf_container_of(node, struct hf_share, node) : NULL;
}

static struct hf_share *
share_get(struct hf_fleet_worker *worker, struct hf_fleet_function *function)
{
    struct hf_share *share = share_find(worker, function);

    if (share) {
        return share;
    }
    share = calloc(1, sizeof *share);
    if (!share) {
        return NULL;
    }
    share->function = function;
    share->worker = worker;
    if (hf_map_add(&worker->shares, &share->node, &share->function, sizeof share->function) < 0) {
        free(share);
        return NULL;
    }
    hf_list_append(&function->shares, &share->of_function);
    return share;
}

void
hf_share_free(struct hf_share *share)
{
    hf_map_remove(&share->worker->shares, &share->node);
    hf_list_remove(&share->of_function);
    free(share);
}

void
hf_share_leave(struct hf_fleet_instance *instance)
{
    struct hf_share *share = share_find(instance->worker, instance->function);

    hf_assert(share && share->instances > 0);
    if (--share->instances == 0 && share->failures == 0) {
        hf_share_free(share);
    }
}

void
hf_share_blame(struct hf_fleet *fleet, struct hf_fleet_instance *instance, uint64_t now_ns)
{
    struct hf_share *share = share_find(instance->worker, instance->function);
    uint64_t backoff = fleet->settings.backoff_min_ns;

    if (now_ns < share->retry_ns) {
        return;
    }
    for (uint32_t i = 0; i < share->failures && backoff < fleet->settings.backoff_max_ns; i++) {
        backoff *= 2;
    }
    backoff = hf_min(backoff, fleet->settings.backoff_max_ns);
    share->failures++;
    share->retry_ns = now_ns + backoff / 2 + hf_random_below(&fleet->random, backoff / 2 + 1);
}

/* --- the scheduler's view ------------------------------------------------------------------ */

static uint64_t
cpu_millis_of(const struct hf_function *spec)
{
    uint64_t quota;

    if (spec->cpu_period_us == 0) {
        return 0;
    }
    if (!hf_mul_checked(spec->cpu_quota_us, UINT64_C(1000), &quota)) {
        quota = UINT64_MAX;
    }
    return quota / spec->cpu_period_us;
}

static bool
fits(uint64_t capacity, uint64_t used, uint64_t wanted)
{
    return capacity == 0 || (used <= capacity && wanted <= capacity - used);
}

static bool
below(uint32_t count, uint32_t limit)
{
    return limit == 0 || count < limit;
}

/* The first reason why an instance cannot start there now. */
static enum obstacle
obstacle_of(const struct view *view, const struct hf_fleet_worker *worker)
{
    const struct hf_fleet_settings *settings = &view->fleet->settings;
    const struct hf_function *spec = view->function->spec;
    const struct hf_worker *base = &worker->base;
    const struct hf_share *share;

    if (!hf_worker_is_usable(base)) {
        return OBSTACLE_NOT_USABLE;
    }
    if (!fits(base->memory_bytes, base->memory_used_bytes, spec->memory_bytes)) {
        return OBSTACLE_MEMORY;
    }
    if (!fits(base->cpu_millis, base->cpu_used_millis, cpu_millis_of(spec))) {
        return OBSTACLE_CPU;
    }
    if (!below(base->instances, worker->max_instances)) {
        return OBSTACLE_INSTANCES;
    }
    share = share_find(worker, view->function);
    if (share && !below(share->instances, settings->max_instances_per_worker)) {
        return OBSTACLE_OF_FUNCTION;
    }
    if (!below(worker->starting, settings->max_starting_per_worker)) {
        return OBSTACLE_STARTING;
    }
    return share && share->retry_ns > view->base.now_ns ? OBSTACLE_FAILED : OBSTACLE_NONE;
}

static bool
worker_feasible(const struct view *view, const struct hf_fleet_worker *worker)
{
    return obstacle_of(view, worker) == OBSTACLE_NONE;
}

static const struct hf_fleet_worker *
view_worker(const struct hf_fleet_view *base, uint32_t i)
{
    return i < base->worker_count ? hf_container_of(base->workers[i], struct hf_fleet_worker, base)
                                  : NULL;
}

static bool
view_feasible(const struct hf_fleet_view *base, uint32_t i)
{
    const struct hf_fleet_worker *worker = view_worker(base, i);

    return worker && worker_feasible(hf_container_of(base, struct view, base), worker);
}

static void
view_share(const struct hf_fleet_view *base, uint32_t i, struct hf_worker_share *ret)
{
    const struct view *view = hf_container_of(base, struct view, base);
    const struct hf_fleet_worker *worker = view_worker(base, i);
    const struct hf_share *share = worker ? share_find(worker, view->function) : NULL;
    struct hf_worker_share filled = {
        .size = ret->size,
        .instances = share ? share->instances : 0,
    };

    memcpy(ret, &filled, hf_min(ret->size, sizeof filled));
}

/* --- placing ------------------------------------------------------------------------------- */

static struct view
view_of(const struct hf_fleet *fleet, const struct hf_fleet_function *function, uint64_t now_ns,
        uint64_t random)
{
    return (struct view){
        .base = { .size = sizeof(struct hf_fleet_view),
                  .worker_count = fleet->worker_count,
                  .workers = fleet->workers,
                  .now_ns = now_ns,
                  .random = random,
                  .feasible = view_feasible,
                  .share = view_share },
        .fleet = fleet,
        .function = function,
    };
}

/* The feasible worker that the scheduler picks, or NULL. */
static struct hf_fleet_worker *
pick(struct hf_fleet *fleet, const struct hf_fleet_function *function, uint64_t now_ns)
{
    struct view view = view_of(fleet, function, now_ns, hf_random_u64(&fleet->random));
    struct hf_handle handle = hf_guest_call(fleet->ops, pick, function->spec->id, fleet->scheduler,
                                            function->spec, function->scheduler_state, &view.base);
    struct hf_fleet_entry *entry;

    if (handle.generation == 0) {
        return NULL;
    }
    entry = handle.index < fleet->table_size ? &fleet->table[handle.index] : NULL;
    if (!entry || !entry->worker || entry->generation != handle.generation ||
        !worker_feasible(&view, entry->worker)) {
        fleet->invalid_picks++;
        hf_count(&policy_scheduler_invalid);
        return NULL;
    }
    return entry->worker;
}

/* Books a new instance in `state` on the worker; NULL if memory is exhausted. */
static struct hf_fleet_instance *
instance_new(struct hf_fleet *fleet, struct hf_fleet_function *function,
             struct hf_fleet_worker *worker, enum hf_instance_state state, uint64_t now_ns)
{
    hf_autofree struct hf_fleet_instance *instance = calloc(1, sizeof *instance);
    struct hf_share *share = instance ? share_get(worker, function) : NULL;

    if (!share) {
        return NULL;
    }
    instance->worker = worker;
    instance->function = function;
    instance->since_ns = now_ns;
    instance->memory_bytes = function->spec->memory_bytes;
    instance->cpu_millis = cpu_millis_of(function->spec);
    instance->number = ++fleet->started;
    instance->state = (uint8_t)state;
    hf_list_init(&instance->to_act);
    hf_list_append(&worker->instances, &instance->of_worker);
    hf_list_append(&function->instances[state], &instance->of_function);
    function->count[state]++;
    share->instances++;
    worker->starting += state == HF_INSTANCE_STARTING;
    worker->base.instances++;
    worker->base.memory_used_bytes += instance->memory_bytes;
    worker->base.cpu_used_millis += instance->cpu_millis;
    return hf_steal(instance);
}

int
hf_fleet_place(struct hf_fleet *fleet, struct hf_fleet_function *function, uint64_t now_ns,
               struct hf_fleet_instance **ret)
{
    struct hf_fleet_instance *instance;
    struct hf_fleet_worker *worker;

    if (fleet->usable_workers == 0) {
        return HF_ENOTFOUND;
    }
    worker = pick(fleet, function, now_ns);
    if (!worker) {
        return hf_fleet_retry_ns(function, now_ns) == UINT64_MAX ? HF_EFULL : HF_EUNAVAILABLE;
    }
    instance = instance_new(fleet, function, worker, HF_INSTANCE_STARTING, now_ns);
    if (!instance) {
        if (fleet->ops->rollback) {
            hf_guest_do(fleet->ops, rollback, function->spec->id, fleet->scheduler, function->spec,
                        worker->base.handle);
        }
        return HF_ENOMEM;
    }
    *ret = instance;
    return 0;
}

/* The most that one usable worker has left; UINT64_MAX: one has no limit. */
static uint64_t
most_left(const struct hf_fleet *fleet, bool memory)
{
    uint64_t most = 0;

    for (uint32_t i = 0; i < fleet->worker_count; i++) {
        const struct hf_worker *worker = fleet->workers[i];
        uint64_t capacity = memory ? worker->memory_bytes : worker->cpu_millis;
        uint64_t used = memory ? worker->memory_used_bytes : worker->cpu_used_millis;

        if (hf_worker_is_usable(worker)) {
            most = hf_max(most, capacity == 0 ? UINT64_MAX : hf_sub_saturated(capacity, used));
        }
    }
    return most;
}

/* Without what would only make it long to read. */
static uint64_t
rounded(uint64_t bytes)
{
    const uint64_t mib = UINT64_C(1) << 20;

    return bytes >= mib ? bytes - bytes % mib : bytes;
}

static void
add_need(const struct hf_fleet *fleet, const struct hf_function *spec, const uint32_t *met,
         struct hf_text *out)
{
    char need[HF_FORMAT_MAX];
    char left[HF_FORMAT_MAX];

    if (met[OBSTACLE_MEMORY] > 0) {
        hf_text_printf(out, " (it needs %s, %s are left at most)",
                       hf_format_size(spec->memory_bytes, need),
                       hf_format_size(rounded(most_left(fleet, true)), left));
    } else if (met[OBSTACLE_CPU] > 0) {
        hf_text_printf(out, " (it needs %g processors, %g are left at most)",
                       (double)cpu_millis_of(spec) / 1000, (double)most_left(fleet, false) / 1000);
    }
}

void
hf_fleet_explain(const struct hf_fleet *fleet, const struct hf_fleet_function *function,
                 uint64_t now_ns, struct hf_text *out)
{
    static const char *const texts[] = {
#define OBSTACLE_TEXT(id, text) [id] = (text),
        OBSTACLES(OBSTACLE_TEXT)
#undef OBSTACLE_TEXT
    };
    struct view view = view_of(fleet, function, now_ns, 0);
    uint32_t met[OBSTACLE_COUNT] = { 0 };
    const char *separator = "";

    for (uint32_t i = 0; i < fleet->worker_count; i++) {
        met[obstacle_of(&view, view_worker(&view.base, i))]++;
    }
    hf_text_printf(out, "of %u workers ", fleet->worker_count);
    for (size_t i = 0; i < OBSTACLE_COUNT; i++) {
        if (met[i] > 0) {
            hf_text_printf(out, "%s%u %s", separator, met[i], texts[i]);
            separator = ", ";
        }
    }
    add_need(fleet, function->spec, met, out);
}

int
hf_fleet_adopt(struct hf_fleet *fleet, struct hf_fleet_function *function,
               struct hf_fleet_worker *worker, uint64_t now_ns, struct hf_fleet_instance **ret)
{
    struct hf_fleet_instance *instance =
        instance_new(fleet, function, worker, HF_INSTANCE_READY, now_ns);

    if (!instance) {
        return HF_ENOMEM;
    }
    *ret = instance;
    return 0;
}

/* --- failed starts ------------------------------------------------------------------------- */

void
hf_fleet_proved(struct hf_fleet_instance *instance)
{
    struct hf_share *share = share_find(instance->worker, instance->function);

    if (share && share->instances > 0) {
        share->failures = 0;
        share->retry_ns = 0;
    }
}

void
hf_fleet_forgive(struct hf_fleet_function *function)
{
    struct hf_share *share;
    struct hf_share *next;

    HF_LIST_FOR_SAFE (share, next, &function->shares, of_function) {
        share->failures = 0;
        share->retry_ns = 0;
        if (share->instances == 0) {
            hf_share_free(share);
        }
    }
}

uint64_t
hf_fleet_retry_ns(const struct hf_fleet_function *function, uint64_t now_ns)
{
    const struct hf_share *share;
    uint64_t first = UINT64_MAX;

    HF_LIST_FOR (share, &function->shares, of_function) {
        if (share->retry_ns > now_ns) {
            first = hf_min(first, share->retry_ns);
        }
    }
    return first;
}
