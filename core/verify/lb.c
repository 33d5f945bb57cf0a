/*
 * lb.c - the questions that a load balancing policy is asked, and what is made of its answers; see
 * lb_private.h.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <hyperfaas/lb.h>

#include "base/assert.h"
#include "base/err.h"
#include "base/hash.h"
#include "base/macros.h"
#include "base/text.h"
#include "verify/imports.h"
#include "verify/lb_private.h"

/* What the policy sees in `pick`. */
struct view {
    struct hf_lb_view base;
    struct lb_world *world;
    const struct hf_candidate *list;
};

/* --- questions -------------------------------------------------------------------------------- */

/* Some numbers of an endpoint, the same whenever they are asked for. */
static void
fill_load(const struct lb_world *w, const struct lb_endpoint *endpoint,
          struct hf_endpoint_load *ret)
{
    uint64_t any = hf_hash_mix(endpoint->base.handle.generation);

    ret->known = HF_LOAD_OWN;
    ret->in_flight = endpoint->in_flight;
    ret->node_in_flight = endpoint->in_flight;
    if ((w->ops->needs & HF_LB_NEEDS_REPORTS) && any % 4 > 0) { /* others report nothing */
        ret->known |= HF_LOAD_REPORTED | HF_LOAD_AVERAGE | HF_LOAD_ROOM;
        ret->calls = w->drive->wild ? UINT32_MAX : (uint32_t)(any >> 8) % 100;
        ret->waiting = (uint32_t)(any >> 16) % 10;
        ret->starting = (uint32_t)(any >> 24) % 3;
        ret->load_millis = w->drive->wild ? UINT32_MAX : (uint32_t)(any >> 32) % 2000;
        ret->reported_ns = w->now_ns;
        ret->room = any % 8 == 1 ? UINT32_MAX : (uint32_t)(any >> 40) % 10;
    }
}

static bool
load_of(const struct hf_lb_view *base, uint32_t i, struct hf_endpoint_load *ret)
{
    const struct view *view = hf_container_of(base, struct view, base);
    const struct lb_world *w = view->world;
    uint32_t size = ret->size;
    struct hf_endpoint_load whole = { .size = sizeof whole };

    if (size < sizeof size || size > 4096) {
        hf_probe_fail(w->drive->probe, "set load.size = sizeof load before each call of view->load",
                      "pick asked for a load of %u bytes", size);
    }
    if (i >= base->usable_count || !(w->ops->needs & (HF_LB_NEEDS_LOAD | HF_LB_NEEDS_REPORTS))) {
        return false;
    }
    fill_load(w, w->endpoints[view->list[i].handle.index], &whole);
    memcpy(ret, &whole, hf_min((size_t)size, sizeof whole));
    ret->size = (uint32_t)hf_min((size_t)size, sizeof whole);
    return true;
}

/* The usable, those that have the function warm first; how many these are. */
static uint32_t
list_usable(const struct lb_world *w, struct hf_candidate *list)
{
    uint32_t warm = 0;
    uint32_t n = 0;

    for (int pass = 1; pass >= 0; pass--) {
        for (uint32_t i = 0; i < w->usable_count; i++) {
            if (w->endpoints[w->usable[i].handle.index]->warm == pass) {
                list[n++] = w->usable[i];
            }
        }
        warm = pass == 1 ? n : warm;
    }
    return warm;
}

static struct view
view_of(struct lb_world *w)
{
    struct hf_candidate list[ENDPOINTS];
    uint32_t warm = list_usable(w, list);
    struct view view = { .world = w };

    view.list = hf_fence_put(&w->list, list, w->usable_count * sizeof *list);
    view.base = (struct hf_lb_view){
        .size = sizeof view.base,
        .usable_count = w->usable_count,
        .usable = view.list,
        .now_ns = w->now_ns,
        .random = hf_drive_number(w->drive, &w->random, UINT64_MAX, UINT64_MAX),
        .warm_count = warm,
        .load = load_of,
        .shared = w->shared.snapshot,
        .decision = hf_drive_decision(&w->decision, w->ops->reason_count),
    };
    if (w->ops->needs & HF_LB_NEEDS_FIGURES) {
        view.base.gap_ns = hf_drive_number(w->drive, &w->random, HF_SEC, UINT64_MAX);
        view.base.cold_ns = hf_drive_number(w->drive, &w->random, HF_SEC, UINT64_MAX);
        view.base.warm_ns = hf_drive_number(w->drive, &w->random, HF_SEC, UINT64_MAX);
    }
    return view;
}

/* An event at an endpoint has been told; the policy must have kept to its room. */
void
hf_balance_told(struct lb_world *w, const struct lb_endpoint *endpoint)
{
    hf_probe_answered(w->drive->probe);
    if (!hf_room_is_intact(&w->state_rooms, endpoint->base.state)) {
        hf_drive_overrun(w->drive);
    }
}

void
hf_balance_tell(struct lb_world *w, const char *operation,
                void (*event)(struct hf_lb *, const struct hf_endpoint *),
                struct lb_endpoint *endpoint)
{
    if (event) {
        uint64_t allocations = hf_allocations_count();

        endpoint->base.now_ns = w->now_ns;
        hf_probe_ask(w->drive->probe, operation, { "endpoint", endpoint->base.handle.index },
                     { "capacity", endpoint->base.capacity }, { "in_flight", endpoint->in_flight });
        event(w->lb, &endpoint->base);
        hf_balance_told(w, endpoint);
        if (event == w->ops->started) {
            hf_drive_allocated_nothing(w->drive, allocations);
        }
    }
}

void
hf_balance_tell_finished(struct lb_world *w, struct lb_endpoint *endpoint, uint32_t outcome)
{
    uint64_t elapsed = hf_drive_number(w->drive, &w->random, HF_SEC, UINT64_MAX >> 2);
    uint64_t allocations = hf_allocations_count();

    endpoint->base.now_ns = w->now_ns;
    if (w->ops->finished) {
        hf_probe_ask(w->drive->probe, "finished", { "endpoint", endpoint->base.handle.index },
                     { "outcome", outcome }, { "elapsed_ns", elapsed });
        w->ops->finished(w->lb, &endpoint->base, outcome, elapsed);
        hf_balance_told(w, endpoint);
        hf_drive_allocated_nothing(w->drive, allocations);
    }
}

/* The endpoint of an answer, which must be one of the usable. */
static struct lb_endpoint *
find_answer(struct lb_world *w, struct hf_handle handle)
{
    for (uint32_t i = 0; i < w->usable_count; i++) {
        if (w->usable[i].handle.index == handle.index &&
            w->usable[i].handle.generation == handle.generation) {
            return w->endpoints[handle.index];
        }
    }
    hf_probe_fail(
        w->drive->probe,
        "return the handle of a member of view->usable: what `full` or `removed` named may "
        "not be picked, and an index alone may be somebody else's by now",
        "pick answered the handle {%u, %u}, which is none of the %u usable endpoints", handle.index,
        handle.generation, w->usable_count);
}

/* Asks the policy; NULL: nothing is usable, or it declined. */
struct lb_endpoint *
hf_balance_pick(struct lb_world *w)
{
    uint64_t allocations = hf_allocations_count();
    struct view view = view_of(w);
    struct hf_handle handle;

    if (w->usable_count == 0) {
        return NULL;
    }
    hf_probe_ask(w->drive->probe, "pick", { "usable_count", view.base.usable_count },
                 { "now_ns", view.base.now_ns }, { "random", view.base.random },
                 { "in_flight", w->call_count });
    handle = w->ops->pick(w->lb, &view.base);
    hf_drive_decided(w->drive, handle.generation ? handle.index + UINT64_C(1) : 0);
    hf_drive_allocated_nothing(w->drive, allocations);
    if (handle.generation > 0) {
        return find_answer(w, handle);
    }
    if (w->call_count == 0) {
        hf_probe_fail(
            w->drive->probe,
            "decline only while calls are in flight, whose end lets the call be tried again; "
            "count each `finished` whatever its outcome",
            "pick declined although %u endpoints are usable and no call is in flight: the "
            "call would wait for ever",
            w->usable_count);
    }
    return NULL;
}

void
hf_balance_show(struct lb_world *w)
{
    hf_autotext struct hf_text text;

    hf_text_init(&text);
    if (w->ops->show) {
        hf_probe_ask(w->drive->probe, "show", { NULL, 0 });
        w->ops->show(w->lb, &text);
        hf_drive_shown(w->drive, &text);
    }
}

/* --- the node --------------------------------------------------------------------------------- */

static int
compare_children(const void *a, const void *b)
{
    return strcmp((*(const struct hf_lb_child *const *)a)->id,
                  (*(const struct hf_lb_child *const *)b)->id);
}

/* Shows the policy all children and functions, if it keeps something for a whole node. */
void
hf_balance_publish(struct lb_world *w)
{
    const struct hf_lb_function function = {
        .size = sizeof function,
        .in_flight = w->call_count,
        .id = w->function.id,
        .hash = w->function.hash,
        .gap_ns = HF_MSEC,
        .cold_ns = HF_SEC,
        .warm_ns = HF_MSEC,
        .last_arrival_ns = w->now_ns,
    };
    const struct hf_lb_function *functions[] = { &function };
    struct hf_endpoint_load loads[ENDPOINTS];
    struct hf_lb_child children[ENDPOINTS];
    const struct hf_lb_child *list[ENDPOINTS];
    struct hf_lb_node_view view = { .size = sizeof view, .children = list, .functions = functions };

    for (uint32_t i = 0; i < ENDPOINTS; i++) {
        const struct lb_endpoint *endpoint = w->endpoints[i];

        if (endpoint && !w->is_leaf) {
            loads[i] = (struct hf_endpoint_load){ .size = sizeof loads[i] };
            fill_load(w, endpoint, &loads[i]);
            children[i] = (struct hf_lb_child){ .size = sizeof children[i],
                                                .usable = !endpoint->leaving,
                                                .handle = endpoint->base.child,
                                                .id = endpoint->id,
                                                .hash = endpoint->base.hash,
                                                .load = &loads[i] };
            list[view.child_count++] = &children[i];
        }
    }
    qsort(list, view.child_count, sizeof list[0], compare_children);
    view.function_count = (w->ops->needs & HF_LB_NEEDS_FIGURES) ? 1 : 0;
    view.now_ns = w->now_ns;
    view.random = hf_random_u64(&w->random);
    hf_shared_publish(&w->shared, &view);
    w->publish_ns = hf_add_saturated(w->now_ns, hf_shared_refresh_ns(&w->shared));
}
