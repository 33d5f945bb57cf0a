/*
 * lb_world.c - driving a load balancing policy: endpoints that come and go, and calls; see drive.h.
 *
 * The order of events is that of a node's pool: `started` before `full`, `full` before `removed`,
 * and nothing in flight at what is removed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/err.h"
#include "base/hash.h"
#include "base/macros.h"
#include "verify/lb_private.h"

/* --- what happens ----------------------------------------------------------------------------- */

/* Puts an endpoint among the usable, or takes it away, as it is. */
static void
settle(struct lb_world *w, struct lb_endpoint *endpoint)
{
    bool should = !endpoint->leaving &&
                  (endpoint->base.capacity == 0 || endpoint->in_flight < endpoint->base.capacity);

    if (should == endpoint->usable) {
        return;
    }
    endpoint->usable = should;
    if (should) {
        endpoint->position = w->usable_count;
        w->usable[w->usable_count++] =
            (struct hf_candidate){ endpoint->base.handle, endpoint->base.state };
        hf_balance_tell(w, "freed", w->ops->freed, endpoint);
    } else {
        struct hf_candidate last = w->usable[--w->usable_count];

        w->usable[endpoint->position] = last;
        w->endpoints[last.handle.index]->position = endpoint->position;
        hf_balance_tell(w, "full", w->ops->full, endpoint);
    }
}

static void
endpoint_free(struct lb_world *w, struct lb_endpoint *endpoint)
{
    w->endpoints[endpoint->base.handle.index] = NULL;
    hf_room_free(&w->state_rooms, endpoint->base.state);
    hf_room_free(&w->endpoint_rooms, endpoint);
}

static void
join(struct lb_world *w, uint32_t i, uint32_t capacity)
{
    struct lb_endpoint *endpoint = hf_room_new(&w->endpoint_rooms);
    int r = 0;

    snprintf(endpoint->id, sizeof endpoint->id, "e%u", w->generation + 1);
    endpoint->base = (struct hf_endpoint){
        .size = sizeof endpoint->base,
        .capacity = capacity,
        .handle = { i, ++w->generation },
        .id = endpoint->id,
        .state = hf_room_new(&w->state_rooms),
        .hash = hf_hash(endpoint->id, strlen(endpoint->id)),
        .child = w->is_leaf ? HF_NONE : (struct hf_handle){ i, w->generation },
    };
    endpoint->warm =
        w->is_leaf || !(w->ops->needs & HF_LB_NEEDS_ALL_CHILDREN) || w->generation % 3 > 0;
    w->endpoints[i] = endpoint;
    if (w->ops->added) {
        hf_probe_ask(w->drive->probe, "added", { "endpoint", i }, { "capacity", capacity });
        r = w->ops->added(w->lb, &endpoint->base);
        hf_balance_told(w, endpoint);
    }
    if (r < 0 && !w->drive->may_refuse) {
        hf_probe_fail(w->drive->probe, "return 0 unless memory is exhausted",
                      "added failed (%s) for endpoint %u", hf_error_name(r), i);
    }
    if (r < 0) {
        endpoint_free(w, endpoint);
        return;
    }
    if (w->shared.shared) {
        hf_balance_publish(w);
    }
    endpoint->usable = true; /* which `added` has told */
    endpoint->position = w->usable_count;
    w->usable[w->usable_count++] =
        (struct hf_candidate){ endpoint->base.handle, endpoint->base.state };
}

static void
leave_if_empty(struct lb_world *w, struct lb_endpoint *endpoint)
{
    if (endpoint->leaving && endpoint->in_flight == 0) {
        hf_balance_tell(w, "removed", w->ops->removed, endpoint);
        endpoint_free(w, endpoint);
        if (w->shared.shared) {
            hf_balance_publish(w);
        }
    }
}

static void
leave(struct lb_world *w, uint32_t i)
{
    w->endpoints[i]->leaving = true;
    settle(w, w->endpoints[i]);
    leave_if_empty(w, w->endpoints[i]);
}

static void
start(struct lb_world *w, struct lb_endpoint *endpoint)
{
    w->calls[w->call_count++] = endpoint->base.handle.index;
    endpoint->in_flight++;
    hf_balance_tell(w, "started", w->ops->started, endpoint);
    settle(w, endpoint);
}

static bool
take(struct lb_world *w)
{
    struct lb_endpoint *endpoint = w->call_count < CALLS ? hf_balance_pick(w) : NULL;

    if (endpoint) {
        start(w, endpoint);
    }
    return endpoint != NULL;
}

/* Call `k` ends; its slot may go straight to another one that waited. */
static void
finish(struct lb_world *w, uint32_t k, uint32_t outcome)
{
    struct lb_endpoint *endpoint = w->endpoints[w->calls[k]];

    w->calls[k] = w->calls[--w->call_count];
    endpoint->in_flight--;
    hf_balance_tell_finished(w, endpoint, outcome);
    if (!endpoint->leaving && hf_random_below(&w->random, 4) == 0) {
        start(w, endpoint);
    } else {
        settle(w, endpoint);
        leave_if_empty(w, endpoint);
    }
}

/* --- worlds ----------------------------------------------------------------------------------- */

static int
create(struct lb_world *w, struct hf_err *err)
{
    const struct hf_module *module = w->drive->module;

    hf_probe_ask(w->drive->probe, "create", { "max_concurrency", w->function.max_concurrency },
                 { "memory_bytes", w->function.memory_bytes });
    return w->ops->create(module->host, w->drive->options, &w->function, &w->lb, err);
}

static void *
lb_open(struct hf_drive *drive, uint64_t seed)
{
    struct lb_world *w = calloc(1, sizeof *w);
    struct hf_err err = HF_ERR_INIT;
    int r;

    hf_assert(w);
    w->drive = drive;
    w->ops = drive->module->ops.lb;
    hf_random_init(&w->random, seed);
    w->is_leaf = seed % 2 == 0;
    w->function = (struct hf_function){
        .size = sizeof w->function,
        .id = "f",
        .hash = hf_hash("f", 1),
        .image = "image:latest",
        .max_concurrency = (uint32_t)hf_drive_number(drive, &w->random, 10, UINT32_MAX),
        .memory_bytes = hf_drive_number(drive, &w->random, UINT64_C(1) << 30, UINT64_MAX),
        .idle_timeout_ns = hf_drive_number(drive, &w->random, 100 * HF_SEC, UINT64_MAX),
    };
    w->now_ns = drive->wild ? 0 : 1000 * HF_SEC;
    if (!hf_shared_open(&w->shared, drive)) {
        free(w);
        return NULL;
    }
    r = create(w, &err);
    if (!hf_drive_created(drive, r, w->lb, &err)) {
        hf_shared_close(&w->shared);
        free(w);
        return NULL;
    }
    hf_rooms_init(&w->endpoint_rooms, sizeof(struct lb_endpoint), ENDPOINTS);
    hf_rooms_init(&w->state_rooms, w->ops->endpoint_state_size, ENDPOINTS);
    hf_fence_init(&w->list, sizeof w->usable);
    if (w->shared.shared) {
        hf_balance_publish(w);
    }
    return w;
}

static void
finish_all(struct lb_world *w)
{
    while (w->call_count > 0) {
        finish(w, w->call_count - 1, 1 + (uint32_t)hf_random_below(&w->random, 4));
    }
}

static void
lb_close(void *world)
{
    struct lb_world *w = world;

    for (uint32_t i = 0; i < ENDPOINTS; i++) {
        if (w->endpoints[i] && !w->endpoints[i]->leaving) {
            leave(w, i);
        }
    }
    finish_all(w);
    hf_probe_ask(w->drive->probe, "destroy", { NULL, 0 });
    w->ops->destroy(w->lb);
    hf_probe_answered(w->drive->probe);
    hf_shared_close(&w->shared);
    hf_fence_fini(&w->list);
    hf_rooms_fini(&w->state_rooms);
    hf_rooms_fini(&w->endpoint_rooms);
    free(w);
}

/* The lowest index that is free, as a node gives them out. */
static void
join_somewhere(struct lb_world *w)
{
    uint32_t i = 0;

    while (i < ENDPOINTS && w->endpoints[i]) {
        i++;
    }
    if (i < ENDPOINTS) {
        join(w, i, (uint32_t)hf_drive_number(w->drive, &w->random, 5, UINT32_MAX));
    }
}

static void
lb_step(void *world)
{
    struct lb_world *w = world;
    uint32_t i = (uint32_t)hf_random_below(&w->random, ENDPOINTS);

    hf_drive_pass(w->drive, &w->random, &w->now_ns);
    if (w->shared.shared && w->now_ns >= w->publish_ns) {
        hf_balance_publish(w);
    }
    switch (hf_random_below(&w->random, 40)) {
    case 0:
    case 1:
        join_somewhere(w);
        break;
    case 2:
        if (w->endpoints[i] && !w->endpoints[i]->leaving) {
            leave(w, i);
        }
        break;
    case 3:
        hf_balance_show(w);
        break;
    default:
        if (w->call_count > 0 && hf_random_below(&w->random, 2) == 0) {
            finish(w, (uint32_t)hf_random_below(&w->random, w->call_count),
                   1 + (uint32_t)hf_random_below(&w->random, 4));
        } else {
            take(w);
        }
    }
}

static void
lb_destroy_nothing(struct hf_drive *drive)
{
    hf_probe_ask(drive->probe, "destroy(NULL)", { NULL, 0 });
    drive->module->ops.lb->destroy(NULL);
    hf_probe_answered(drive->probe);
}

/* --- scripts ---------------------------------------------------------------------------------- */

/* One endpoint gets all there is until it is full, again and again. */
static void
one_endpoint(struct hf_drive *drive)
{
    struct lb_world *w = lb_open(drive, 1);

    join(w, 0, 8);
    for (uint32_t round = 0; round < 100; round++) {
        while (take(w)) {
        }
        finish_all(w);
    }
    lb_close(w);
}

/* Endpoints leave under the policy's cursor, until one is left; then they come again. */
static void
endpoints_leave(struct hf_drive *drive)
{
    struct lb_world *w = lb_open(drive, 2);

    for (uint32_t round = 0; round < 5; round++) {
        for (uint32_t i = round > 0; i < ENDPOINTS; i++) {
            join(w, i, i % 3);
        }
        for (uint32_t i = ENDPOINTS; i-- > 1;) {
            take(w);
            leave(w, i * 7 % ENDPOINTS); /* not in the order in which they came */
            take(w);
            finish_all(w);
        }
        take(w);
        finish_all(w);
    }
    lb_close(w);
}

/* However calls end, their slots are free again. */
static void
calls_end(struct hf_drive *drive)
{
    struct lb_world *w = lb_open(drive, 3);

    for (uint32_t i = 0; i < 3; i++) {
        join(w, i, 4);
    }
    for (uint32_t outcome = HF_OUTCOME_OK; outcome <= HF_OUTCOME_RELEASED; outcome++) {
        hf_probe_context(drive->probe, "calls that all end with outcome %u", outcome);
        for (uint32_t round = 0; round < 200; round++) {
            while (take(w)) {
            }
            while (w->call_count > 0) {
                finish(w, w->call_count - 1, outcome);
            }
        }
    }
    lb_close(w);
}

/* All are full; then one joins, and leaves. */
static void
nothing_usable(struct hf_drive *drive)
{
    struct lb_world *w = lb_open(drive, 4);

    for (uint32_t i = 0; i < 4; i++) {
        join(w, i, 1);
    }
    for (uint32_t round = 0; round < 100; round++) {
        while (take(w)) {
        }
        join(w, 4, 1);
        take(w);
        finish_all(w);
        leave(w, 4);
    }
    lb_close(w);
}

static const struct hf_script scripts[] = {
    { "one endpoint", one_endpoint },
    { "endpoints leave until one is left", endpoints_leave },
    { "calls end in each way", calls_end },
    { "all endpoints are full", nothing_usable },
    { NULL, NULL },
};

static uint32_t
lb_state_size(const struct hf_module *module)
{
    return module->ops.lb->endpoint_state_size;
}

const struct hf_kind_drive hf_drive_lb = {
    .kind = HF_PLUGIN_LB,
    .open = lb_open,
    .step = lb_step,
    .close = lb_close,
    .destroy_nothing = lb_destroy_nothing,
    .crowd = hf_crowd_lb,
    .scripts = scripts,
    .state_size = lb_state_size,
};
