/*
 * scaler.c - driving an autoscaling policy: functions under any load; see drive.h.
 *
 * A policy may want any number of instances at any time.  What all must do is to start one for a
 * call that has none, to ask to be asked again some time later, and to name victims that there are.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <hyperfaas/scaler.h>

#include "base/assert.h"
#include "base/err.h"
#include "base/hash.h"
#include "base/macros.h"
#include "base/text.h"
#include "verify/drive.h"
#include "verify/rooms.h"

#define FUNCTIONS 4
#define VICTIMS   32
#define NONSENSE  1000000 /* instances that no load of these worlds needs */

struct function {
    struct hf_function spec;
    char id[8];
    struct hf_scale_view view; /* as of the last look */
};

struct world {
    struct hf_drive *drive;
    const struct hf_scaler_ops *ops;
    struct hf_scaler *scaler;
    struct hf_random random;
    struct hf_rooms state_rooms;
    struct hf_fence list;
    struct hf_fence answers;
    struct function functions[FUNCTIONS];
    uint64_t now_ns;
    struct hf_decision decision;
};

/* --- questions -------------------------------------------------------------------------------- */

static void
ask(struct world *w, const char *operation, const struct hf_scale_view *view)
{
    hf_drive_decision(&w->decision, w->ops->reason_count);
    hf_probe_ask(w->drive->probe, operation, { "ready", view->ready },
                 { "starting", view->starting }, { "in_flight", view->in_flight },
                 { "waiting", view->waiting },
                 { "max_concurrency", view->function->max_concurrency }, { "now_ns", view->now_ns },
                 { "idle_since_ns", view->idle_since_ns });
}

static void
answered(struct world *w, const struct hf_scale_view *view)
{
    hf_probe_answered(w->drive->probe);
    if (!hf_room_is_intact(&w->state_rooms, view->state)) {
        hf_drive_overrun(w->drive);
    }
}

/* A number of instances was wanted. */
static uint32_t
wanted(struct world *w, const struct hf_scale_view *view, uint32_t want)
{
    hf_drive_decided(w->drive, want);
    answered(w, view);
    if (!w->drive->wild && want > NONSENSE) {
        hf_probe_fail(w->drive->probe,
                      "look for a difference of unsigned numbers below 0, or a conversion of a "
                      "number that does not fit",
                      "%s wants %u instances for %u calls", hf_probe_operation(w->drive->probe),
                      want, view->in_flight + view->waiting);
    }
    return want;
}

static uint32_t
on_tick(struct world *w, const struct hf_scale_view *view)
{
    ask(w, "on_tick", view);
    return wanted(w, view, w->ops->on_tick(w->scaler, view));
}

static uint32_t
on_demand(struct world *w, const struct hf_scale_view *view)
{
    uint32_t want;

    ask(w, "on_demand", view);
    want = wanted(w, view, w->ops->on_demand(w->scaler, view));
    if (want == 0 && view->ready + view->starting == 0) {
        hf_probe_fail(w->drive->probe, "answer at least 1 for a call that waits",
                      "on_demand wants no instance although a call waits and there is none");
    }
    return want;
}

static uint64_t
tick_ns(struct world *w, const struct hf_scale_view *view)
{
    uint64_t ns = HF_SEC;

    if (w->ops->tick_ns) {
        ask(w, "tick_ns", view);
        ns = w->ops->tick_ns(w->scaler, view);
        hf_drive_decided(w->drive, ns);
        answered(w, view);
    }
    if (ns == 0) {
        hf_probe_fail(w->drive->probe, "answer the time until the next look, at least some ms",
                      "tick_ns answered 0: the function would be looked at without end");
    }
    return ns;
}

/* How long the policy keeps what is idle; UINT64_MAX: as the ticks say. */
static uint64_t
on_idle(struct world *w, const struct hf_scale_view *view)
{
    struct hf_idle_plan plan = { .size = sizeof plan, .keep_ns = UINT64_MAX };

    if (w->ops->on_idle) {
        ask(w, "on_idle", view);
        w->ops->on_idle(w->scaler, view, &plan);
        hf_drive_decided(w->drive, plan.keep_ns);
        hf_drive_decided(w->drive, plan.prewarm_after_ns);
        answered(w, view);
    }
    return plan.keep_ns;
}

static void
show(struct world *w, const struct hf_scale_view *view)
{
    hf_autotext struct hf_text text;

    hf_text_init(&text);
    if (w->ops->show) {
        hf_probe_ask(w->drive->probe, "show", { "of_a_function", view != NULL });
        w->ops->show(w->scaler, view, &text);
        hf_drive_shown(w->drive, &text);
    }
}

/* Of `count` idle instances, each is named once at most. */
static void
victims(struct world *w, uint32_t count)
{
    static const uint32_t zeros[VICTIMS];
    struct hf_victim all[VICTIMS];
    const struct hf_victim *list[VICTIMS];
    uint32_t *ret = hf_fence_put(&w->answers, zeros, count * sizeof *ret);
    uint64_t need = hf_drive_number(w->drive, &w->random, 1000, UINT64_MAX);
    bool named[VICTIMS] = { false };
    uint32_t n;

    for (uint32_t i = 0; i < count; i++) {
        all[i] = (struct hf_victim){
            .size = sizeof all[i],
            .function = &w->functions[i % FUNCTIONS].spec,
            .instance = { i, i + 1 },
            .idle_since_ns = w->now_ns - hf_min(w->now_ns, (uint64_t)(count - i) * HF_SEC),
            .memory_bytes = hf_drive_number(w->drive, &w->random, 100, UINT64_MAX),
            .uses = hf_drive_number(w->drive, &w->random, 100, UINT64_MAX),
            .start_ns = hf_drive_number(w->drive, &w->random, HF_SEC, UINT64_MAX),
            .state = w->functions[i % FUNCTIONS].view.state,
            .warm_ns = hf_drive_number(w->drive, &w->random, HF_SEC, UINT64_MAX),
            .function_uses = hf_drive_number(w->drive, &w->random, 1000, UINT64_MAX),
            .instances = 1 + (uint32_t)hf_random_below(&w->random, VICTIMS),
        };
        list[i] = &all[i];
    }
    hf_probe_ask(w->drive->probe, "victims", { "count", count }, { "need_bytes", need });
    n = w->ops->victims(w->scaler, need, hf_fence_put(&w->list, list, count * sizeof *list), count,
                        ret);
    hf_drive_decided(w->drive, n);
    if (n > count) {
        hf_probe_fail(w->drive->probe, "return how many indices were written",
                      "victims answered %u of %u", n, count);
    }
    for (uint32_t i = 0; i < n; i++) {
        hf_drive_decided(w->drive, ret[i]);
        if (ret[i] >= count || named[ret[i]]) {
            hf_probe_fail(w->drive->probe, "name each index from 0 to count - 1 once at most",
                          "victims named index %u of %u%s", ret[i], count,
                          ret[i] < count ? " twice" : "");
        }
        named[ret[i]] = true;
    }
}

/* --- worlds ----------------------------------------------------------------------------------- */

static void *
scaler_open(struct hf_drive *drive, uint64_t seed)
{
    struct world *w = calloc(1, sizeof *w);
    struct hf_err err = HF_ERR_INIT;
    int r;

    hf_assert(w);
    w->drive = drive;
    w->ops = drive->module->ops.scaler;
    w->now_ns = drive->wild ? 0 : 1000 * HF_SEC;
    hf_random_init(&w->random, seed);
    hf_probe_ask(drive->probe, "create", { NULL, 0 });
    r = w->ops->create(drive->module->host, drive->options, &w->scaler, &err);
    if (!hf_drive_created(drive, r, w->scaler, &err)) {
        free(w);
        return NULL;
    }
    hf_rooms_init(&w->state_rooms, w->ops->function_state_size, FUNCTIONS);
    hf_fence_init(&w->list, VICTIMS * sizeof(struct hf_victim *));
    hf_fence_init(&w->answers, VICTIMS * sizeof(uint32_t));
    for (uint32_t i = 0; i < FUNCTIONS; i++) {
        struct function *f = &w->functions[i];

        snprintf(f->id, sizeof f->id, "f%u", i);
        f->spec = (struct hf_function){
            .size = sizeof f->spec,
            .max_concurrency = (uint32_t)hf_drive_number(drive, &w->random, 5, UINT32_MAX),
            .id = f->id,
            .hash = hf_hash(f->id, strlen(f->id)),
            .image = "image:latest",
            .memory_bytes = hf_drive_number(drive, &w->random, UINT64_C(1) << 30, UINT64_MAX),
            .idle_timeout_ns = hf_drive_number(drive, &w->random, 90 * HF_SEC, UINT64_MAX),
        };
        f->view = (struct hf_scale_view){ .size = sizeof f->view,
                                          .function = &f->spec,
                                          .state = hf_room_new(&w->state_rooms) };
    }
    return w;
}

static void
scaler_close(void *world)
{
    struct world *w = world;

    hf_probe_ask(w->drive->probe, "destroy", { NULL, 0 });
    w->ops->destroy(w->scaler);
    hf_probe_answered(w->drive->probe);
    hf_fence_fini(&w->answers);
    hf_fence_fini(&w->list);
    hf_rooms_fini(&w->state_rooms);
    free(w);
}

/* What is known of the times of its calls. */
static void
gap_ends(struct world *w, struct hf_scale_view *view)
{
    view->decision = w->ops->reason_count > 0 ? &w->decision : NULL;
    view->service_ns = hf_drive_number(w->drive, &w->random, HF_SEC, UINT64_MAX);
    view->waiting_since_ns =
        view->waiting > 0 ? hf_sub_saturated(w->now_ns, hf_random_below(&w->random, HF_SEC)) : 0;
    if ((w->ops->needs & HF_SCALER_NEEDS_GAPS) && view->calls_total > 0 &&
        hf_random_below(&w->random, 4) == 0) {
        view->last_gap_ns = hf_drive_number(w->drive, &w->random, 600 * HF_SEC, UINT64_MAX);
        view->gaps_sum_ns = hf_add_saturated(view->gaps_sum_ns, view->last_gap_ns);
        view->gaps_total++;
        view->last_arrival_ns = w->now_ns;
    }
}

/* A function looks different at each look: any load, any number of instances. */
static void
load_changes(struct world *w, struct function *f)
{
    struct hf_scale_view *view = &f->view;
    uint64_t each = f->spec.max_concurrency ? f->spec.max_concurrency : 10;
    uint64_t slots;

    view->now_ns = w->now_ns;
    view->random = hf_drive_number(w->drive, &w->random, UINT64_MAX, UINT64_MAX);
    view->ready = (uint32_t)hf_drive_number(w->drive, &w->random, 20, UINT32_MAX);
    view->starting = (uint32_t)hf_drive_number(w->drive, &w->random, 5, UINT32_MAX);
    view->draining = (uint32_t)hf_drive_number(w->drive, &w->random, 3, UINT32_MAX);
    view->max_instances = (uint32_t)hf_drive_number(w->drive, &w->random, 40, UINT32_MAX);
    slots = hf_min(view->ready * each, (uint64_t)UINT32_MAX);
    view->in_flight = (uint32_t)hf_drive_number(w->drive, &w->random, slots + 1, slots);
    view->waiting = view->in_flight < slots
                        ? 0
                        : (uint32_t)hf_drive_number(w->drive, &w->random, 100, UINT32_MAX);
    view->idle = view->in_flight ? 0 : view->ready;
    view->calls_total = hf_add_saturated(view->calls_total, view->waiting);
    view->last_finished_ns = hf_sub_saturated(w->now_ns, hf_random_below(&w->random, 100 * HF_SEC));
    gap_ends(w, view);
    view->idle_since_ns = view->in_flight > 0 || view->waiting > 0 ? 0 : view->last_finished_ns;
}

static void
scaler_step(void *world)
{
    struct world *w = world;
    struct function *f = &w->functions[hf_random_below(&w->random, FUNCTIONS)];

    hf_drive_pass(w->drive, &w->random, &w->now_ns);
    switch (hf_random_below(&w->random, 50)) {
    case 0: /* it goes cold, and is new when it comes again */
        hf_room_free(&w->state_rooms, f->view.state);
        f->view = (struct hf_scale_view){ .size = sizeof f->view,
                                          .function = &f->spec,
                                          .state = hf_room_new(&w->state_rooms) };
        break;
    case 1:
        show(w, hf_random_below(&w->random, 2) ? &f->view : NULL);
        break;
    case 2:
        if (w->ops->victims) {
            victims(w, 1 + (uint32_t)hf_random_below(&w->random, VICTIMS));
        }
        break;
    default:
        load_changes(w, f);
        if (f->view.waiting == 0 || hf_random_below(&w->random, 2)) {
            on_tick(w, &f->view);
        }
        if (f->view.waiting > 0) {
            on_demand(w, &f->view);
        }
        if (f->view.idle > 0) {
            on_idle(w, &f->view);
        }
        tick_ns(w, &f->view);
    }
}

static void
scaler_destroy_nothing(struct hf_drive *drive)
{
    hf_probe_ask(drive->probe, "destroy(NULL)", { NULL, 0 });
    drive->module->ops.scaler->destroy(NULL);
    hf_probe_answered(drive->probe);
}

/* --- scripts ---------------------------------------------------------------------------------- */

/* The first call of a function, which has nothing. */
static void
first_call(struct hf_drive *drive)
{
    struct world *w = scaler_open(drive, 1);

    for (uint32_t i = 0; i < FUNCTIONS; i++) {
        struct hf_scale_view *view = &w->functions[i].view;

        view->now_ns = w->now_ns;
        view->waiting = 1 + i;
        view->calls_total = view->waiting;
        on_demand(w, view);
        tick_ns(w, view);
    }
    scaler_close(w);
}

/* One call, then nothing: how long what it left is kept. */
static void
last_call(struct hf_drive *drive)
{
    struct world *w = scaler_open(drive, 2);
    struct hf_scale_view *view = &w->functions[0].view;
    uint64_t end = w->now_ns + 10 * HF_SEC;
    uint64_t keep = UINT64_MAX;
    uint32_t want = 1;

    w->functions[0].spec.idle_timeout_ns = 90 * HF_SEC;
    view->ready = 1;
    view->in_flight = 1;
    view->calls_total = 1;
    for (view->now_ns = w->now_ns; view->now_ns < end;) {
        on_tick(w, view);
        view->now_ns += hf_min(tick_ns(w, view), end - view->now_ns);
    }
    view->in_flight = 0;
    view->idle = 1;
    view->last_finished_ns = view->idle_since_ns = end;
    for (int i = 0; i < 10000 && want > 0 && keep == UINT64_MAX; i++) {
        want = on_tick(w, view);
        keep = on_idle(w, view);
        if (want > 0 && keep == UINT64_MAX) {
            view->now_ns = hf_add_saturated(view->now_ns, tick_ns(w, view));
        }
    }
    if (want == 0 || keep != UINT64_MAX) {
        uint64_t kept = keep == UINT64_MAX ? view->now_ns - end : keep;

        hf_probe_detail(drive->probe,
                        "an instance without calls goes after %.3g s (idle_timeout 90 s)",
                        (double)kept / 1e9);
    } else {
        hf_probe_detail(drive->probe, "an instance without calls is kept for ever");
    }
    scaler_close(w);
}

static void
victims_of_each_number(struct hf_drive *drive)
{
    struct world *w = scaler_open(drive, 3);

    for (uint32_t round = 0; round < 20 && w->ops->victims; round++) {
        for (uint32_t count = 1; count <= VICTIMS; count++) {
            victims(w, count);
        }
    }
    scaler_close(w);
}

static const struct hf_script scripts[] = {
    { "the first call", first_call },
    { "the last call", last_call },
    { "victims", victims_of_each_number },
    { NULL, NULL },
};

static uint32_t
scaler_state_size(const struct hf_module *module)
{
    return module->ops.scaler->function_state_size;
}

const struct hf_kind_drive hf_drive_scaler = {
    .kind = HF_PLUGIN_SCALER,
    .open = scaler_open,
    .step = scaler_step,
    .close = scaler_close,
    .destroy_nothing = scaler_destroy_nothing,
    .crowd = hf_crowd_scaler,
    .scripts = scripts,
    .state_size = scaler_state_size,
};
