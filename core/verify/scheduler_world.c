/*
 * scheduler_world.c - driving a placement policy: workers that come, change and go, and instances;
 * see drive.h.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/err.h"
#include "base/hash.h"
#include "base/macros.h"
#include "verify/scheduler_private.h"

/* --- what happens ----------------------------------------------------------------------------- */

static void
worker_joins(struct fleet_world *w, uint32_t i, uint64_t memory)
{
    struct fleet_worker *worker = hf_room_new(&w->worker_rooms);
    int r = 0;

    snprintf(worker->id, sizeof worker->id, "w%02u", i);
    worker->base = (struct hf_worker){
        .size = sizeof worker->base,
        .flags = HF_WORKER_READY,
        .handle = { i, ++w->generation },
        .id = worker->id,
        .hash = hf_hash(worker->id, strlen(worker->id)),
        .memory_bytes = memory,
        .cpu_millis = hf_drive_number(w->drive, &w->random, 8000, UINT64_MAX),
        .reported_ns = w->now_ns,
    };
    if (w->ops->worker_added) {
        hf_probe_ask(w->drive->probe, "worker_added", { "worker", i }, { "memory_bytes", memory });
        r = w->ops->worker_added(w->scheduler, &worker->base);
        hf_place_answered(w, NULL);
    }
    if (r < 0 && !w->drive->may_refuse) {
        hf_probe_fail(w->drive->probe, "return 0 unless memory is exhausted",
                      "worker_added failed (%s) for worker %u", hf_error_name(r), i);
    }
    if (r < 0) {
        hf_room_free(&w->worker_rooms, worker);
        return;
    }
    w->workers[i] = worker;
    w->worker_count++;
}

static void
worker_changes(struct fleet_world *w, struct fleet_worker *worker)
{
    worker->paused = hf_random_below(&w->random, 4) == 0;
    worker->base.flags = hf_random_below(&w->random, 4) == 0
                             ? HF_WORKER_READY | HF_WORKER_DRAINING
                             : (hf_random_below(&w->random, 8) == 0 ? 0 : HF_WORKER_READY);
    worker->base.memory_bytes = hf_drive_number(w->drive, &w->random, 200, UINT64_MAX);
    worker->base.in_flight = (uint32_t)hf_drive_number(w->drive, &w->random, 50, UINT32_MAX);
    worker->base.cpu_used_millis = hf_drive_number(w->drive, &w->random, 8000, UINT64_MAX);
    worker->base.reported_ns = w->now_ns;
    if (w->ops->needs & HF_SCHEDULER_NEEDS_LOAD) {
        worker->base.load_millis =
            (uint32_t)hf_drive_number(w->drive, &w->random, 2000, UINT32_MAX);
        worker->base.disk_bytes = hf_drive_number(w->drive, &w->random, 1000, UINT64_MAX);
        worker->base.disk_used_bytes = hf_drive_number(w->drive, &w->random, 1000, UINT64_MAX);
        worker->base.load_ns = w->now_ns;
    }
    hf_place_tell_worker(w, "worker_changed", w->ops->worker_changed, worker);
}

static void
instance_goes(struct fleet_world *w, struct fleet_instance *instance)
{
    struct fleet_worker *worker = hf_place_find(w, instance->worker);
    struct fleet_function *function = &w->functions[instance->function];

    instance->there = false;
    w->instance_count--;
    function->instances--;
    if (worker) {
        worker->share[instance->function]--;
        worker->base.instances--;
        worker->base.starting -= instance->starting;
        worker->base.memory_used_bytes =
            hf_sub_saturated(worker->base.memory_used_bytes, function->spec.memory_bytes);
    }
    if (instance->starting) {
        hf_place_tell_end(w, "rollback", w->ops->rollback, instance->function, instance->worker);
    }
    if (function->instances == 0 && hf_random_below(&w->random, 4) == 0) { /* it goes cold */
        hf_room_free(&w->state_rooms, function->state);
        function->state = hf_room_new(&w->state_rooms);
    }
}

static void
instance_runs(struct fleet_world *w, struct fleet_instance *instance)
{
    struct fleet_worker *worker = hf_place_find(w, instance->worker);

    instance->starting = false;
    if (worker) {
        worker->base.starting--;
    }
    hf_place_tell_end(w, "confirm", w->ops->confirm, instance->function, instance->worker);
}

/* What a worker holds goes with it: what was about to start there is rolled back before or behind.
 */
static void
worker_leaves(struct fleet_world *w, uint32_t i)
{
    struct fleet_worker *worker = w->workers[i];
    struct hf_handle handle = worker->base.handle;
    bool later = hf_random_below(&w->random, 2) == 0;

    for (int pass = 0; pass < 2; pass++) {
        for (uint32_t k = 0; k < INSTANCES && (pass == 1) == later; k++) {
            if (w->instances[k].there && w->instances[k].worker.index == i &&
                w->instances[k].worker.generation == handle.generation) {
                instance_goes(w, &w->instances[k]);
            }
        }
        if (pass == 0) {
            w->workers[i] = NULL;
            w->worker_count--;
            hf_place_tell_worker(w, "worker_removed", w->ops->worker_removed, worker);
            hf_room_free(&w->worker_rooms, worker);
        }
    }
}

static void
place_some(struct fleet_world *w, uint32_t f)
{
    if (w->instance_count + AT_ONCE > INSTANCES) {
        return;
    }
    if (w->ops->pick_many && hf_random_below(&w->random, 3) == 0) {
        hf_place_pick_many(w, f, 1 + (uint32_t)hf_random_below(&w->random, AT_ONCE));
    } else {
        hf_place_pick(w, f);
    }
}

/* --- worlds ----------------------------------------------------------------------------------- */

static void
functions_init(struct fleet_world *w)
{
    for (uint32_t i = 0; i < FUNCTIONS; i++) {
        struct fleet_function *f = &w->functions[i];

        snprintf(f->id, sizeof f->id, "f%u", i);
        f->spec = (struct hf_function){
            .size = sizeof f->spec,
            .max_concurrency = (uint32_t)hf_drive_number(w->drive, &w->random, 10, UINT32_MAX),
            .id = f->id,
            .hash = hf_hash(f->id, strlen(f->id)),
            .image = i % 2 ? "one:latest" : "two:latest",
            .memory_bytes = w->drive->wild ? hf_drive_number(w->drive, &w->random, 1, UINT64_MAX)
                                           : 10 * (i + UINT64_C(1)),
            .cpu_period_us = hf_drive_number(w->drive, &w->random, 100000, UINT64_MAX),
            .cpu_quota_us = hf_drive_number(w->drive, &w->random, 100000, UINT64_MAX),
            .idle_timeout_ns = hf_drive_number(w->drive, &w->random, 100 * HF_SEC, UINT64_MAX),
        };
        f->state = hf_room_new(&w->state_rooms);
    }
}

static void *
scheduler_open(struct hf_drive *drive, uint64_t seed)
{
    struct fleet_world *w = calloc(1, sizeof *w);
    struct hf_err err = HF_ERR_INIT;
    int r;

    hf_assert(w);
    w->drive = drive;
    w->ops = drive->module->ops.scheduler;
    w->now_ns = drive->wild ? 0 : 1000 * HF_SEC;
    hf_random_init(&w->random, seed);
    hf_probe_ask(drive->probe, "create", { NULL, 0 });
    r = w->ops->create(drive->module->host, drive->options, &w->scheduler, &err);
    if (!hf_drive_created(drive, r, w->scheduler, &err)) {
        free(w);
        return NULL;
    }
    hf_rooms_init(&w->worker_rooms, sizeof(struct fleet_worker), WORKERS);
    hf_rooms_init(&w->state_rooms, w->ops->function_state_size, FUNCTIONS);
    hf_fence_init(&w->list, WORKERS * sizeof(struct hf_worker *));
    hf_fence_init(&w->answers, AT_ONCE * sizeof(struct hf_handle));
    functions_init(w);
    return w;
}

static void
scheduler_close(void *world)
{
    struct fleet_world *w = world;

    for (uint32_t i = 0; i < WORKERS; i++) {
        if (w->workers[i]) {
            worker_leaves(w, i);
        }
    }
    hf_probe_ask(w->drive->probe, "destroy", { NULL, 0 });
    w->ops->destroy(w->scheduler);
    hf_probe_answered(w->drive->probe);
    hf_fence_fini(&w->answers);
    hf_fence_fini(&w->list);
    hf_rooms_fini(&w->state_rooms);
    hf_rooms_fini(&w->worker_rooms);
    free(w);
}

static void
scheduler_step(void *world)
{
    struct fleet_world *w = world;
    uint32_t i = (uint32_t)hf_random_below(&w->random, WORKERS);
    struct fleet_instance *instance = &w->instances[hf_random_below(&w->random, INSTANCES)];

    hf_drive_pass(w->drive, &w->random, &w->now_ns);
    switch (hf_random_below(&w->random, 30)) {
    case 0:
        if (w->workers[i]) {
            worker_leaves(w, i);
        }
        break;
    case 1:
    case 2:
        if (w->workers[i]) {
            worker_changes(w, w->workers[i]);
        } else {
            worker_joins(w, i, hf_drive_number(w->drive, &w->random, 200, UINT64_MAX));
        }
        break;
    case 3:
        hf_place_show(w);
        break;
    default:
        if (!instance->there) {
            place_some(w, (uint32_t)hf_random_below(&w->random, FUNCTIONS));
        } else if (instance->starting && hf_random_below(&w->random, 2) == 0) {
            instance_runs(w, instance);
        } else {
            instance_goes(w, instance);
        }
    }
}

static void
scheduler_destroy_nothing(struct hf_drive *drive)
{
    hf_probe_ask(drive->probe, "destroy(NULL)", { NULL, 0 });
    drive->module->ops.scheduler->destroy(NULL);
    hf_probe_answered(drive->probe);
}

/* --- scripts ---------------------------------------------------------------------------------- */

/* No worker; one; some, of which none is feasible. */
static void
nothing_feasible(struct hf_drive *drive)
{
    struct fleet_world *w = scheduler_open(drive, 1);

    hf_place_pick(w, 0);
    for (uint32_t i = 0; i < WORKERS; i++) {
        worker_joins(w, i, 100);
        w->workers[i]->paused = true;
        hf_place_pick(w, i % FUNCTIONS);
        if (w->ops->pick_many) {
            hf_place_pick_many(w, i % FUNCTIONS, AT_ONCE);
        }
    }
    scheduler_close(w);
}

/* Starts that fail, all of them, for a long time: nothing is left of them. */
static void
starts_fail(struct hf_drive *drive)
{
    struct fleet_world *w = scheduler_open(drive, 2);

    for (uint32_t i = 0; i < 3; i++) {
        worker_joins(w, i, 100);
    }
    for (uint32_t round = 0; round < 1000; round++) {
        for (uint32_t k = 0; k < AT_ONCE; k++) {
            place_some(w, round % FUNCTIONS);
        }
        for (uint32_t k = 0; k < INSTANCES; k++) {
            if (w->instances[k].there) {
                instance_goes(w, &w->instances[k]);
            }
        }
    }
    scheduler_close(w);
}

/* Workers go between a pick and its end, and their indices are given to others. */
static void
workers_vanish(struct hf_drive *drive)
{
    struct fleet_world *w = scheduler_open(drive, 3);

    for (uint32_t round = 0; round < 200; round++) {
        uint32_t i = round * 7 % WORKERS;

        for (uint32_t k = 0; k < 3; k++) {
            if (!w->workers[(i + k) % WORKERS]) {
                worker_joins(w, (i + k) % WORKERS, 100);
            }
        }
        place_some(w, round % FUNCTIONS);
        place_some(w, (round + 1) % FUNCTIONS);
        worker_leaves(w, i);
        place_some(w, round % FUNCTIONS);
    }
    scheduler_close(w);
}

/* All workers are there, then fewer and fewer, under the policy's cursor. */
static void
workers_leave(struct hf_drive *drive)
{
    struct fleet_world *w = scheduler_open(drive, 4);

    for (uint32_t i = 0; i < WORKERS; i++) {
        worker_joins(w, i, 1000);
    }
    for (uint32_t i = WORKERS; i-- > 1;) {
        for (uint32_t f = 0; f < FUNCTIONS; f++) {
            place_some(w, f);
        }
        worker_leaves(w, i * 7 % WORKERS);
    }
    hf_place_pick(w, 0);
    scheduler_close(w);
}

static const struct hf_script scripts[] = {
    { "nothing feasible", nothing_feasible },
    { "starts fail", starts_fail },
    { "workers vanish between pick and confirm", workers_vanish },
    { "workers leave until one is left", workers_leave },
    { NULL, NULL },
};

static uint32_t
scheduler_state_size(const struct hf_module *module)
{
    return module->ops.scheduler->function_state_size;
}

const struct hf_kind_drive hf_drive_scheduler = {
    .kind = HF_PLUGIN_SCHEDULER,
    .open = scheduler_open,
    .step = scheduler_step,
    .close = scheduler_close,
    .destroy_nothing = scheduler_destroy_nothing,
    .crowd = hf_crowd_scheduler,
    .scripts = scripts,
    .state_size = scheduler_state_size,
};
