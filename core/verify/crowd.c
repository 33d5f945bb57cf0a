/*
 * crowd.c - what a decision costs among few and among many; see drive.h.
 *
 * Nothing is looked at but the time, so nothing is noted between the questions.
 */
#include <stdlib.h>
#include <string.h>

#include <hyperfaas/lb.h>
#include <hyperfaas/scaler.h>
#include <hyperfaas/scheduler.h>

#include "base/assert.h"
#include "base/hash.h"
#include "base/macros.h"
#include "verify/drive.h"

#define CROWD_NS (30 * HF_MSEC) /* how long decisions are timed */

/* --- many endpoints --------------------------------------------------------------------------- */

struct crowd {
    struct hf_lb *lb;
    struct hf_endpoint *endpoints;
    struct hf_candidate *usable;
    char *states;
};

static void
crowd_join(struct crowd *crowd, const struct hf_lb_ops *ops, uint32_t count)
{
    size_t each = (ops->endpoint_state_size + 15) & ~(size_t)15;

    crowd->endpoints = calloc(count, sizeof *crowd->endpoints);
    crowd->usable = calloc(count, sizeof *crowd->usable);
    crowd->states = calloc(count, each + 1);
    hf_assert(crowd->endpoints && crowd->usable && crowd->states);
    for (uint32_t i = 0; i < count; i++) {
        struct hf_handle handle = { i, 1 };
        void *state = crowd->states + i * each;

        crowd->endpoints[i] = (struct hf_endpoint){
            .size = sizeof crowd->endpoints[i], .handle = handle, .id = "e", .state = state
        };
        crowd->usable[i] = (struct hf_candidate){ handle, state };
        if (ops->added) {
            ops->added(crowd->lb, &crowd->endpoints[i]);
        }
    }
}

static bool
idle_load(const struct hf_lb_view *view, uint32_t i, struct hf_endpoint_load *ret)
{
    uint32_t size = ret->size;

    memset(ret, 0, size);
    ret->size = size;
    return i < view->usable_count;
}

/* A call is picked for, and begins; its predecessor ends. */
static void
crowd_call(struct crowd *crowd, const struct hf_lb_ops *ops, const struct hf_lb_view *view,
           uint32_t *previous)
{
    struct hf_handle handle = ops->pick(crowd->lb, view);

    if (ops->finished && *previous < view->usable_count) {
        ops->finished(crowd->lb, &crowd->endpoints[*previous], HF_OUTCOME_OK, HF_MSEC);
    }
    *previous = handle.generation ? handle.index : UINT32_MAX;
    if (ops->started && *previous < view->usable_count) {
        ops->started(crowd->lb, &crowd->endpoints[*previous]);
    }
}

uint64_t
hf_crowd_lb(struct hf_drive *drive, uint32_t candidates, const char **ret_what)
{
    const struct hf_lb_ops *ops = drive->module->ops.lb;
    const struct hf_function function = { .size = sizeof function, .id = "f", .image = "i:latest" };
    struct hf_lb_view view = { .size = sizeof view, .usable_count = candidates };
    struct crowd crowd = { 0 };
    uint32_t previous = UINT32_MAX;
    struct hf_random random;
    uint64_t calls = 0;
    uint64_t begin;

    *ret_what = "pick, started and finished";
    hf_random_init(&random, 1);
    hf_probe_ask(drive->probe, "pick", { "usable_count", candidates });
    if (ops->create(drive->module->host, drive->options, &function, &crowd.lb, NULL) < 0) {
        return 0;
    }
    crowd_join(&crowd, ops, candidates);
    view.usable = crowd.usable;
    view.warm_count = candidates;
    view.load = idle_load;
    begin = hf_drive_cpu_ns();
    do {
        for (int i = 0; i < 16; i++) {
            view.random = hf_random_u64(&random);
            view.now_ns += HF_MSEC;
            crowd_call(&crowd, ops, &view, &previous);
        }
        calls += 16;
    } while (hf_drive_cpu_ns() - begin < CROWD_NS);
    return (hf_drive_cpu_ns() - begin) / calls; /* the process ends, and all goes with it */
}

/* --- many workers ----------------------------------------------------------------------------- */

static bool
is_feasible(const struct hf_fleet_view *view, uint32_t i)
{
    return view->workers[i]->flags == HF_WORKER_READY;
}

static void
no_share(const struct hf_fleet_view *view, uint32_t i, struct hf_worker_share *ret)
{
    uint32_t size = ret->size;

    (void)view;
    (void)i;
    memset(ret, 0, size);
    ret->size = size;
}

uint64_t
hf_crowd_scheduler(struct hf_drive *drive, uint32_t candidates, const char **ret_what)
{
    const struct hf_scheduler_ops *ops = drive->module->ops.scheduler;
    const struct hf_function function = { .size = sizeof function, .id = "f", .image = "i:latest" };
    struct hf_worker *workers = calloc(candidates, sizeof *workers);
    const struct hf_worker **list = calloc(candidates, sizeof *list);
    void *state = calloc(1, ops->function_state_size + 1);
    struct hf_fleet_view view = { .size = sizeof view,
                                  .worker_count = candidates,
                                  .workers = list,
                                  .feasible = is_feasible,
                                  .share = no_share };
    struct hf_scheduler *scheduler = NULL;
    struct hf_random random;
    uint64_t picks = 0;
    uint64_t begin;

    hf_assert(workers && list && state);
    *ret_what = "pick";
    hf_random_init(&random, 1);
    hf_probe_ask(drive->probe, "pick", { "worker_count", candidates });
    if (ops->create(drive->module->host, drive->options, &scheduler, NULL) < 0) {
        return 0;
    }
    for (uint32_t i = 0; i < candidates; i++) {
        workers[i] = (struct hf_worker){ .size = sizeof *workers,
                                         .flags = HF_WORKER_READY,
                                         .handle = { i, 1 },
                                         .id = "w",
                                         .hash = hf_hash_mix(i) };
        list[i] = &workers[i];
        if (ops->worker_added) {
            ops->worker_added(scheduler, &workers[i]);
        }
    }
    begin = hf_drive_cpu_ns();
    do {
        for (int i = 0; i < 16; i++) {
            struct hf_handle handle;

            view.random = hf_random_u64(&random);
            view.now_ns += HF_MSEC;
            handle = ops->pick(scheduler, &function, state, &view);
            if (ops->confirm && handle.generation > 0) {
                ops->confirm(scheduler, &function, handle);
            }
        }
        picks += 16;
    } while (hf_drive_cpu_ns() - begin < CROWD_NS);
    return (hf_drive_cpu_ns() - begin) / picks; /* the process ends, and all goes with it */
}

/* --- many functions --------------------------------------------------------------------------- */

uint64_t
hf_crowd_scaler(struct hf_drive *drive, uint32_t candidates, const char **ret_what)
{
    const struct hf_scaler_ops *ops = drive->module->ops.scaler;
    const struct hf_function function = { .size = sizeof function,
                                          .max_concurrency = 4,
                                          .id = "f",
                                          .image = "i:latest",
                                          .idle_timeout_ns = 90 * HF_SEC };
    size_t each = (ops->function_state_size + 15) & ~(size_t)15;
    char *states = calloc(candidates, each + 1);
    struct hf_scaler *scaler = NULL;
    struct hf_random random;
    uint64_t now = 1000 * HF_SEC;
    uint64_t ticks = 0;
    uint64_t begin;

    hf_assert(states);
    *ret_what = "on_tick";
    hf_random_init(&random, 1);
    hf_probe_ask(drive->probe, "on_tick", { "functions", candidates });
    if (ops->create(drive->module->host, drive->options, &scaler, NULL) < 0) {
        return 0;
    }
    begin = hf_drive_cpu_ns();
    do {
        for (uint32_t i = 0; i < candidates; i++) {
            struct hf_scale_view view = {
                .size = sizeof view,
                .ready = 4,
                .function = &function,
                .state = states + i * each,
                .now_ns = now,
                .random = hf_random_u64(&random),
                .calls_total = ticks,
                .in_flight = (uint32_t)hf_random_below(&random, 16),
            };

            ops->on_tick(scaler, &view);
        }
        now += HF_SEC;
        ticks += candidates;
    } while (hf_drive_cpu_ns() - begin < CROWD_NS);
    return (hf_drive_cpu_ns() - begin) / ticks; /* the process ends, and all goes with it */
}
