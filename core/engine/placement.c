/*
 * placement.c - where an instance starts: what schedulers see, and what they may not.
 */
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

/* --- the scheduler's view ------------------------------------------------------------------ */

uint64_t
hf_fleet_cpu_millis(const struct hf_function *spec)
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

static bool
may_start(const struct hf_fleet *fleet, const struct hf_fleet_worker *worker)
{
    return below(worker->base.starting, fleet->settings.max_starting_per_worker);
}

static bool
may_hold(const struct hf_fleet_worker *worker)
{
    return below(worker->base.instances, worker->max_instances);
}

/* The first reason beside the lack of room why an instance cannot start there now. */
static enum obstacle
second_obstacle_of(const struct view *view, const struct hf_fleet_worker *worker)
{
    uint32_t limit = view->fleet->settings.max_instances_per_worker;
    const struct hf_share *share = hf_share_find(worker, view->function);

    if (share && !below(share->instances, limit)) {
        return OBSTACLE_OF_FUNCTION;
    }
    if (!may_start(view->fleet, worker)) {
        return OBSTACLE_STARTING;
    }
    return share && share->retry_ns > view->base.now_ns ? OBSTACLE_FAILED : OBSTACLE_NONE;
}

/* The first reason why an instance cannot start there now. */
static enum obstacle
obstacle_of(const struct view *view, const struct hf_fleet_worker *worker)
{
    const struct hf_function *spec = view->function->spec;
    const struct hf_worker *base = &worker->base;

    if (!hf_worker_is_usable(base)) {
        return OBSTACLE_NOT_USABLE;
    }
    if (!fits(base->memory_bytes, base->memory_used_bytes, spec->memory_bytes)) {
        return OBSTACLE_MEMORY;
    }
    if (!fits(base->cpu_millis, base->cpu_used_millis, hf_fleet_cpu_millis(spec))) {
        return OBSTACLE_CPU;
    }
    if (!may_hold(worker)) {
        return OBSTACLE_INSTANCES;
    }
    return second_obstacle_of(view, worker);
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
    const struct hf_share *share = worker ? hf_share_find(worker, view->function) : NULL;
    struct hf_worker_share filled = {
        .size = ret->size,
        .instances = share ? share->instances : 0,
        .idle = share ? share->idle : 0,
        .image_present = worker && hf_fleet_has_image(worker, view->function->spec->image),
    };

    memcpy(ret, &filled, hf_min(ret->size, sizeof filled));
}

/* --- placing ------------------------------------------------------------------------------- */

bool
hf_fleet_is_open(const struct hf_fleet *fleet)
{
    for (uint32_t i = 0; i < fleet->worker_count; i++) {
        const struct hf_fleet_worker *worker =
            hf_container_of(fleet->workers[i], struct hf_fleet_worker, base);

        if (hf_worker_is_usable(&worker->base) && may_start(fleet, worker) && may_hold(worker)) {
            return true;
        }
    }
    return false;
}

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

uint32_t
hf_fleet_pick(struct hf_fleet *fleet, const struct hf_fleet_function *function, uint64_t now_ns,
              uint32_t count, struct hf_handle *ret)
{
    struct view view = view_of(fleet, function, now_ns, hf_random_u64(&fleet->random));
    const struct hf_function *spec = function->spec;
    uint32_t n;

    view.base.decision = hf_reasons_begin(&fleet->reasons);
    if (count > 1 && fleet->ops->pick_many) {
        n = hf_guest_call(fleet->ops, pick_many, spec->id, fleet->scheduler, spec,
                          function->scheduler_state, &view.base, count, ret);
    } else {
        *ret = hf_guest_call(fleet->ops, pick, spec->id, fleet->scheduler, spec,
                             function->scheduler_state, &view.base);
        n = ret->generation != 0;
    }
    hf_reasons_end(&fleet->reasons);
    return hf_min(n, count);
}

struct hf_fleet_worker *
hf_fleet_picked(struct hf_fleet *fleet, const struct hf_fleet_function *function, uint64_t now_ns,
                struct hf_handle handle)
{
    struct view view = view_of(fleet, function, now_ns, 0);
    struct hf_fleet_worker *worker = hf_handles_find(&fleet->handles, handle);

    if (!worker || !worker_feasible(&view, worker)) {
        fleet->invalid_picks++;
        hf_count(&policy_scheduler_invalid);
        return NULL;
    }
    return worker;
}

/* What is wanted beside what is free, and what will soon be. */
static uint64_t
lacking(uint64_t capacity, uint64_t used, uint64_t leaving, uint64_t wanted)
{
    return capacity == 0 ? 0 : hf_sub_saturated(hf_add_saturated(used - leaving, wanted), capacity);
}

/* Whether only room is missing there. */
static bool
is_full(const struct view *view, const struct hf_fleet_worker *worker)
{
    const struct hf_function *spec = view->function->spec;

    switch (obstacle_of(view, worker)) {
    case OBSTACLE_MEMORY:
    case OBSTACLE_CPU:
    case OBSTACLE_INSTANCES:
        return fits(worker->base.memory_bytes, 0, spec->memory_bytes) &&
               fits(worker->base.cpu_millis, 0, hf_fleet_cpu_millis(spec)) &&
               second_obstacle_of(view, worker) == OBSTACLE_NONE;
    default:
        return false;
    }
}

bool
hf_fleet_next_full(const struct hf_fleet *fleet, const struct hf_fleet_function *function,
                   uint64_t now_ns, uint32_t *cursor, struct hf_fleet_need *ret)
{
    struct view view = view_of(fleet, function, now_ns, 0);

    for (uint32_t i = *cursor; i < fleet->worker_count; i++) {
        struct hf_fleet_worker *worker =
            hf_handles_find(&fleet->handles, fleet->workers[i]->handle);
        const struct hf_worker *base = &worker->base;

        if (!is_full(&view, worker)) {
            continue;
        }
        *cursor = i + 1;
        *ret = (struct hf_fleet_need){
            .worker = worker,
            .memory_bytes = lacking(base->memory_bytes, base->memory_used_bytes,
                                    worker->leaving_memory, function->spec->memory_bytes),
            .cpu_millis = lacking(base->cpu_millis, base->cpu_used_millis, worker->leaving_cpu,
                                  hf_fleet_cpu_millis(function->spec)),
            .instances =
                (uint32_t)lacking(worker->max_instances, base->instances, worker->leaving, 1),
        };
        return true;
    }
    return false;
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
                       (double)hf_fleet_cpu_millis(spec) / 1000,
                       (double)most_left(fleet, false) / 1000);
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
