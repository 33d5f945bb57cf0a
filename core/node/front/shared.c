/*
 * shared.c - what an lb policy shares over all functions of a node.
 */
#include "node/front/shared.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/err.h"
#include "base/guest.h"
#include "base/macros.h"
#include "base/random.h"
#include "loop/timer.h"

/* However fast the policy wants to be asked. */
#define REFRESH_MIN_NS HF_MSEC

/* Things that a policy is shown an array of pointers to. */
struct items {
    char *data;
    const void **list;
    size_t count;
    size_t room; /* allocated */
    size_t item_size;
};

/* A child with its load. */
struct child {
    struct hf_lb_child base;
    struct hf_endpoint_load load;
};

/* One I/O thread's turn. */
struct turn {
    struct hf_task task;
    struct hf_shared *shared;
};

struct hf_shared {
    struct hf_shared_config config;
    struct hf_lb_shared *object;
    void *_Atomic current; /* NULL: nothing yet */
    void *old;             /* to be retired when all threads have turned; NULL: none */
    _Atomic size_t turning;
    bool due;    /* somebody wants a snapshot while there is an old one */
    bool posted; /* `soon` is */
    bool closing;
    struct hf_task soon;
    struct hf_task turned;
    struct hf_timer refresh;
    struct hf_random random;
    struct items children;
    struct items functions;
    struct turn turns[];
};

/* --- what there is --------------------------------------------------------------------------- */

/* Room for one more; NULL without memory. */
static void *
items_add(struct items *items)
{
    size_t room = items->room ? items->room * 2 : 16;
    const void **list;
    char *data;

    if (items->count == items->room) {
        data = realloc(items->data, room * items->item_size);
        items->data = data ? data : items->data;
        list = data ? realloc(items->list, room * sizeof *list) : NULL;
        if (!list) {
            return NULL;
        }
        items->list = list;
        items->room = room;
    }
    return items->data + items->item_size * items->count++;
}

/* Sets the pointers, now that nothing moves any more. */
static const void *const *
items_list(struct items *items)
{
    for (size_t i = 0; i < items->count; i++) {
        items->list[i] = items->data + items->item_size * i;
    }
    return items->list;
}

static void
items_fini(struct items *items)
{
    free(items->data);
    free(items->list);
}

void
hf_shared_add_child(struct hf_shared *shared, const struct hf_lb_child *child,
                    const struct hf_endpoint_load *load)
{
    struct child *made = items_add(&shared->children);

    if (made) {
        made->base = *child;
        made->load = *load;
    }
}

void
hf_shared_add_function(struct hf_shared *shared, const struct hf_lb_function *function)
{
    struct hf_lb_function *made = items_add(&shared->functions);

    if (made) {
        *made = *function;
    }
}

static int
compare_children(const void *a, const void *b)
{
    const struct child *x = a;
    const struct child *y = b;

    return strcmp(x->base.id, y->base.id);
}

static struct hf_lb_node_view
describe(struct hf_shared *shared)
{
    struct child *children;

    shared->children.count = shared->functions.count = 0;
    shared->config.describe(shared->config.arg, shared);
    children = (struct child *)(void *)shared->children.data;
    if (shared->children.count > 0) {
        qsort(children, shared->children.count, sizeof *children, compare_children);
    }
    for (size_t i = 0; i < shared->children.count; i++) {
        children[i].base.load = &children[i].load;
    }
    return (struct hf_lb_node_view){
        .size = sizeof(struct hf_lb_node_view),
        .child_count = (uint32_t)shared->children.count,
        .children = (const struct hf_lb_child *const *)items_list(&shared->children),
        .function_count = (uint32_t)shared->functions.count,
        .functions = (const struct hf_lb_function *const *)items_list(&shared->functions),
        .now_ns = hf_loop_policy_now(shared->config.control),
        .random = hf_random_u64(&shared->random),
    };
}

/* --- snapshots ------------------------------------------------------------------------------- */

/* Each I/O thread is to turn once, and the last of them to say so. */
static void
await_turns(struct hf_shared *shared)
{
    atomic_store_explicit(&shared->turning, shared->config.io_count, memory_order_relaxed);
    for (size_t i = 0; i < shared->config.io_count; i++) {
        hf_loop_post(shared->config.io[i], &shared->turns[i].task);
    }
    if (shared->config.io_count == 0) {
        hf_loop_post(shared->config.control, &shared->turned);
    }
}

static void
on_turn(struct hf_task *task)
{
    struct hf_shared *shared = hf_container_of(task, struct turn, task)->shared;

    if (atomic_fetch_sub_explicit(&shared->turning, 1, memory_order_acq_rel) == 1) {
        hf_loop_post(shared->config.control, &shared->turned);
    }
}

static void
schedule(struct hf_shared *shared)
{
    const struct hf_lb_ops *ops = shared->config.ops;
    uint64_t ns = ops->refresh_ns ? hf_guest_call(ops, refresh_ns, NULL, shared->object) : 0;

    if (ns > 0) {
        hf_timer_set(&shared->refresh, hf_max(ns, REFRESH_MIN_NS));
    }
}

static void
publish(struct hf_shared *shared)
{
    const struct hf_lb_ops *ops = shared->config.ops;
    struct hf_lb_node_view view;
    void *snapshot;

    if (shared->old || shared->closing) {
        shared->due = true;
        return;
    }
    shared->due = false;
    view = describe(shared);
    snapshot = hf_guest_call(ops, publish, NULL, shared->object, &view);
    if (snapshot) {
        shared->old = atomic_exchange_explicit(&shared->current, snapshot, memory_order_acq_rel);
    }
    if (shared->old) {
        await_turns(shared);
    }
    schedule(shared);
}

static void
on_turned(struct hf_task *task)
{
    struct hf_shared *shared = hf_container_of(task, struct hf_shared, turned);

    hf_guest_do(shared->config.ops, retire, NULL, shared->object, shared->old);
    shared->old = NULL;
    if (shared->due) {
        publish(shared);
    }
}

static void
on_refresh(struct hf_timer *timer)
{
    publish(hf_container_of(timer, struct hf_shared, refresh));
}

static void
on_soon(struct hf_task *task)
{
    struct hf_shared *shared = hf_container_of(task, struct hf_shared, soon);

    shared->posted = false;
    publish(shared);
}

void
hf_shared_changed(struct hf_shared *shared)
{
    if (shared && !shared->posted) {
        shared->posted = true;
        hf_loop_post(shared->config.control, &shared->soon);
    }
}

void *_Atomic *
hf_shared_current(struct hf_shared *shared)
{
    return &shared->current;
}

/* --- life ------------------------------------------------------------------------------------ */

int
hf_shared_new(const struct hf_shared_config *config, struct hf_lb_shared *object,
              struct hf_shared **ret, struct hf_err *err)
{
    struct hf_shared *shared =
        calloc(1, sizeof *shared + config->io_count * sizeof shared->turns[0]);

    if (!shared) {
        return hf_fail(err, HF_ENOMEM, "no memory for what the lb policy shares");
    }
    shared->config = *config;
    shared->object = object;
    shared->soon.run = on_soon;
    shared->turned.run = on_turned;
    shared->children.item_size = sizeof(struct child);
    shared->functions.item_size = sizeof(struct hf_lb_function);
    for (size_t i = 0; i < config->io_count; i++) {
        shared->turns[i] = (struct turn){ .task.run = on_turn, .shared = shared };
    }
    hf_random_init(&shared->random, config->seed);
    hf_timer_init(&shared->refresh, config->control, HF_TIMER_POLICY, on_refresh);
    hf_shared_changed(shared);
    *ret = shared;
    return 0;
}

static bool
is_quiet(void *arg)
{
    const struct hf_shared *shared = arg;

    return !shared->posted && !shared->old;
}

void
hf_shared_free(struct hf_shared *shared)
{
    const struct hf_lb_ops *ops;
    void *last;

    if (!shared) {
        return;
    }
    ops = shared->config.ops;
    shared->closing = true;
    hf_timer_fini(&shared->refresh);
    while (!hf_loop_run_until(shared->config.control, is_quiet, shared, HF_SEC)) {
        /* a thread that never turns again is the watchdog's */
    }
    last = atomic_exchange_explicit(&shared->current, NULL, memory_order_acq_rel);
    if (last) {
        hf_guest_do(ops, retire, NULL, shared->object, last);
    }
    hf_guest_do(ops, shared_destroy, NULL, shared->object);
    items_fini(&shared->children);
    items_fini(&shared->functions);
    free(shared);
}
