/*
 * scheduler.c - the questions that a placement policy is asked, and what is made of its answers;
 * see scheduler_private.h.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <hyperfaas/scheduler.h>

#include "base/assert.h"
#include "base/err.h"
#include "base/hash.h"
#include "base/macros.h"
#include "base/text.h"
#include "verify/drive.h"
#include "verify/imports.h"
#include "verify/scheduler_private.h"

/* The fleet as the policy sees it. */
struct view {
    struct hf_fleet_view base;
    struct fleet_world *world;
    uint32_t function;
};

/* --- views ------------------------------------------------------------------------------------ */

struct fleet_worker *
hf_place_find(struct fleet_world *w, struct hf_handle handle)
{
    struct fleet_worker *worker = handle.index < WORKERS ? w->workers[handle.index] : NULL;

    return worker && worker->base.handle.generation == handle.generation ? worker : NULL;
}

static bool
is_feasible(const struct fleet_world *w, const struct fleet_worker *worker, uint32_t function)
{
    uint64_t need = w->functions[function].spec.memory_bytes;
    uint64_t used;

    if (worker->paused || worker->base.flags != HF_WORKER_READY ||
        worker->share[function] >= PER_WORKER) {
        return false;
    }
    used = hf_add_saturated(worker->base.memory_used_bytes, need);
    return worker->base.memory_bytes == 0 || used <= worker->base.memory_bytes;
}

static struct fleet_worker *
worker_at(const struct hf_fleet_view *base, uint32_t i)
{
    struct view *view = hf_container_of(base, struct view, base);

    if (i >= base->worker_count) {
        hf_probe_fail(view->world->drive->probe, "ask about 0 to view->worker_count - 1",
                      "%s asked about worker %u of %u",
                      hf_probe_operation(view->world->drive->probe), i, base->worker_count);
    }
    return hf_place_find(view->world, base->workers[i]->handle);
}

static bool
feasible(const struct hf_fleet_view *base, uint32_t i)
{
    struct view *view = hf_container_of(base, struct view, base);

    return is_feasible(view->world, worker_at(base, i), view->function);
}

static void
share(const struct hf_fleet_view *base, uint32_t i, struct hf_worker_share *ret)
{
    struct view *view = hf_container_of(base, struct view, base);
    const struct fleet_worker *worker = worker_at(base, i);
    const struct hf_worker_share whole = {
        .size = sizeof whole,
        .instances = worker->share[view->function],
        .idle = worker->share[view->function] / 2,
        .image_present = worker->share[view->function] > 0 || worker->base.handle.index % 3 == 0,
    };
    uint32_t size = ret->size;

    if (size < sizeof size || size > 4096) {
        hf_probe_fail(view->world->drive->probe,
                      "set share.size = sizeof share before each call of view->share",
                      "%s asked for a share of %u bytes",
                      hf_probe_operation(view->world->drive->probe), size);
    }
    memcpy(ret, &whole, hf_min((size_t)size, sizeof whole));
    ret->size = (uint32_t)hf_min((size_t)size, sizeof whole);
}

static struct view
view_of(struct fleet_world *w, uint32_t function)
{
    const struct hf_worker *list[WORKERS];
    struct view view = { .world = w, .function = function };
    uint32_t n = 0;

    for (uint32_t i = 0; i < WORKERS; i++) { /* whose ids have the order of their indices */
        if (w->workers[i]) {
            list[n++] = &w->workers[i]->base;
        }
    }
    view.base = (struct hf_fleet_view){
        .size = sizeof view.base,
        .worker_count = n,
        .workers = hf_fence_put(&w->list, list, n * sizeof *list),
        .now_ns = w->now_ns,
        .random = hf_drive_number(w->drive, &w->random, UINT64_MAX, UINT64_MAX),
        .feasible = feasible,
        .share = share,
        .decision = hf_drive_decision(&w->decision, w->ops->reason_count),
    };
    return view;
}

/* --- questions -------------------------------------------------------------------------------- */

void
hf_place_answered(struct fleet_world *w, const struct fleet_function *function)
{
    hf_probe_answered(w->drive->probe);
    if (function && !hf_room_is_intact(&w->state_rooms, function->state)) {
        hf_drive_overrun(w->drive);
    }
}

void
hf_place_tell_worker(struct fleet_world *w, const char *operation,
                     void (*event)(struct hf_scheduler *, const struct hf_worker *),
                     const struct fleet_worker *worker)
{
    if (event) {
        hf_probe_ask(w->drive->probe, operation, { "worker", worker->base.handle.index },
                     { "flags", worker->base.flags },
                     { "memory_bytes", worker->base.memory_bytes });
        event(w->scheduler, &worker->base);
        hf_place_answered(w, NULL);
    }
}

void
hf_place_tell_end(struct fleet_world *w, const char *operation,
                  void (*event)(struct hf_scheduler *, const struct hf_function *,
                                struct hf_handle),
                  uint32_t f, struct hf_handle worker)
{
    if (event) {
        hf_probe_ask(w->drive->probe, operation, { "function", f }, { "worker", worker.index },
                     { "worker_is_there", hf_place_find(w, worker) != NULL });
        event(w->scheduler, &w->functions[f].spec, worker);
        hf_place_answered(w, NULL);
    }
}

/* The policy chose nobody, which it must not where all is empty. */
static void
declined(struct fleet_world *w, const struct view *view)
{
    for (uint32_t i = 0; w->instance_count == 0 && i < view->base.worker_count; i++) {
        if (feasible(&view->base, i)) {
            hf_probe_fail(
                w->drive->probe,
                "decline only while something runs, whose end makes room; take back in "
                "`rollback` and `worker_removed` what `pick` had counted",
                "%s chose no worker although worker %u is feasible and no instance exists",
                hf_probe_operation(w->drive->probe), view->base.workers[i]->handle.index);
        }
    }
}

/* An instance is placed where the policy said, which must be feasible. */
static void
place(struct fleet_world *w, const struct view *view, struct hf_handle handle)
{
    struct fleet_worker *worker = hf_place_find(w, handle);
    struct fleet_instance *instance = w->instances;

    if (!worker || !is_feasible(w, worker, view->function)) {
        hf_probe_fail(w->drive->probe,
                      "answer with view->workers[i]->handle of a worker for which "
                      "view->feasible(view, i) is true now",
                      "%s answered the handle {%u, %u}, which is %s",
                      hf_probe_operation(w->drive->probe), handle.index, handle.generation,
                      worker ? "a worker that is not feasible" : "no worker that is there");
    }
    while (instance->there) {
        instance++;
    }
    *instance = (struct fleet_instance){
        .there = true, .starting = true, .function = view->function, .worker = handle
    };
    w->instance_count++;
    w->functions[view->function].instances++;
    worker->share[view->function]++;
    worker->base.instances++;
    worker->base.starting++;
    worker->base.memory_used_bytes = hf_add_saturated(
        worker->base.memory_used_bytes, w->functions[view->function].spec.memory_bytes);
}

void
hf_place_pick(struct fleet_world *w, uint32_t f)
{
    uint64_t allocations = hf_allocations_count();
    struct view view = view_of(w, f);
    struct hf_handle handle;

    hf_probe_ask(w->drive->probe, "pick", { "function", f },
                 { "worker_count", view.base.worker_count }, { "now_ns", view.base.now_ns },
                 { "random", view.base.random }, { "instances", w->instance_count });
    handle = w->ops->pick(w->scheduler, &w->functions[f].spec, w->functions[f].state, &view.base);
    hf_drive_decided(w->drive, handle.generation ? handle.index + UINT64_C(1) : 0);
    hf_place_answered(w, &w->functions[f]);
    hf_drive_allocated_nothing(w->drive, allocations);
    if (handle.generation > 0) {
        place(w, &view, handle);
    } else {
        declined(w, &view);
    }
}

void
hf_place_pick_many(struct fleet_world *w, uint32_t f, uint32_t count)
{
    static const struct hf_handle none[AT_ONCE];
    uint64_t allocations = hf_allocations_count();
    struct view view = view_of(w, f);
    struct hf_handle *ret = hf_fence_put(&w->answers, none, count * sizeof *ret);
    uint32_t n;

    hf_probe_ask(w->drive->probe, "pick_many", { "function", f }, { "count", count },
                 { "worker_count", view.base.worker_count }, { "now_ns", view.base.now_ns },
                 { "random", view.base.random }, { "instances", w->instance_count });
    n = w->ops->pick_many(w->scheduler, &w->functions[f].spec, w->functions[f].state, &view.base,
                          count, ret);
    hf_drive_decided(w->drive, n);
    hf_place_answered(w, &w->functions[f]);
    hf_drive_allocated_nothing(w->drive, allocations);
    if (n > count) {
        hf_probe_fail(w->drive->probe, "return how many of `count` were chosen",
                      "pick_many answered %u of %u", n, count);
    }
    if (n == 0) {
        declined(w, &view);
    }
    for (uint32_t i = 0; i < n; i++) {
        hf_drive_decided(w->drive, ret[i].index);
        place(w, &view, ret[i]);
    }
}

void
hf_place_show(struct fleet_world *w)
{
    hf_autotext struct hf_text text;

    hf_text_init(&text);
    if (w->ops->show) {
        hf_probe_ask(w->drive->probe, "show", { NULL, 0 });
        w->ops->show(w->scheduler, &text);
        hf_drive_shown(w->drive, &text);
    }
}
