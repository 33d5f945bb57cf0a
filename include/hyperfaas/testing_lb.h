/*
 * testing_lb.h - endpoints and calls for tests of a load balancing policy; see testing.h.
 */
#ifndef HYPERFAAS_TESTING_LB_H
#define HYPERFAAS_TESTING_LB_H

#include <hyperfaas/lb.h>
#include <hyperfaas/testing.h>

#ifdef __cplusplus
extern "C" {
#endif

/* One function with its endpoints.  `now_ns`, and of `endpoints` what the test wants, may be
 * changed between the calls below. */
struct hf_test_lb {
    struct hf_lb_ops ops;
    struct hf_lb *lb;
    struct hf_options options;
    struct hf_function function;
    struct hf_endpoint *endpoints; /* by index */
    uint32_t *in_flight;           /* by index */
    struct hf_candidate *usable;
    char (*ids)[16];
    uint32_t count;
    uint64_t now_ns;
    uint64_t seed;
    struct hf_decision decision; /* of the last pick */
    struct hf_lb_shared *shared; /* NULL: the policy has none */
    void *snapshot;
};

/* A view that finds back to the test. */
struct hf_test_lb_view {
    struct hf_lb_view base;
    const struct hf_test_lb *t;
};

/* How busy a candidate is, as far as the test's own node knows. */
HF_TEST_UNUSED bool
hf_test_lb_load(const struct hf_lb_view *base, uint32_t i, struct hf_endpoint_load *ret)
{
    const struct hf_test_lb_view *view = (const struct hf_test_lb_view *)(const void *)base;
    uint32_t size = ret->size;

    if (i >= base->usable_count ||
        !(view->t->ops.needs & (HF_LB_NEEDS_LOAD | HF_LB_NEEDS_REPORTS))) {
        return false;
    }
    memset(ret, 0, size);
    ret->size = size;
    ret->known = HF_LOAD_OWN;
    ret->in_flight = ret->node_in_flight = view->t->in_flight[base->usable[i].handle.index];
    return true;
}

/* Shows the endpoints to a policy that keeps something for a whole node, as its children: what it
 * makes of them is in the views from then on. */
HF_TEST_UNUSED void
hf_test_lb_publish(struct hf_test_lb *t)
{
    struct hf_lb_child *children = (struct hf_lb_child *)hf_test_alloc(t->count, sizeof *children);
    const struct hf_lb_child **list =
        (const struct hf_lb_child **)hf_test_alloc(t->count, sizeof *list);
    struct hf_endpoint_load load;
    struct hf_lb_node_view view;
    void *snapshot;

    memset(&load, 0, sizeof load);
    load.size = sizeof load;
    memset(&view, 0, sizeof view);
    view.size = sizeof view;
    view.children = list;
    view.child_count = t->count;
    view.now_ns = t->now_ns;
    view.random = hf_test_random(&t->seed);
    for (uint32_t i = 0; i < t->count; i++) {
        children[i].size = sizeof children[i];
        children[i].usable = 1;
        children[i].handle = t->endpoints[i].child;
        children[i].id = t->endpoints[i].id;
        children[i].hash = t->endpoints[i].hash;
        children[i].load = &load;
        list[i] = &children[i];
    }
    snapshot = t->ops.publish(t->shared, &view);
    if (snapshot && t->snapshot) {
        t->ops.retire(t->shared, t->snapshot);
    }
    t->snapshot = snapshot ? snapshot : t->snapshot;
    free((void *)list);
    free(children);
}

/* Makes an instance with `count` endpoints of `capacity` slots each (0: no limit). */
HF_TEST_UNUSED void
hf_test_lb_begin(struct hf_test_lb *t, uint32_t count, uint32_t capacity, const char *options)
{
    struct hf_err err;
    char *states;
    size_t each;

    memset(t, 0, sizeof *t);
    HF_TEST_OPS(struct hf_lb_ops, &t->ops);
    hf_test_options_init(&t->options, options);
    t->function = hf_test_function("f");
    if ((t->ops.shared_create &&
         t->ops.shared_create(hf_test_host(), &t->options, &t->shared, &err) < 0) ||
        t->ops.create(hf_test_host(), &t->options, &t->function, &t->lb, &err) < 0) {
        HF_TEST_STOP("create failed: %s", err.message);
    }
    each = (t->ops.endpoint_state_size + 15U) & ~(size_t)15;
    states = (char *)hf_test_alloc(count + 1, each);
    t->endpoints = (struct hf_endpoint *)hf_test_alloc(count, sizeof *t->endpoints);
    t->in_flight = (uint32_t *)hf_test_alloc(count, sizeof *t->in_flight);
    t->usable = (struct hf_candidate *)hf_test_alloc(count, sizeof *t->usable);
    t->ids = (char(*)[16])hf_test_alloc(count, sizeof *t->ids);
    t->count = count;
    t->now_ns = UINT64_C(1000000000);
    for (uint32_t i = 0; i < count; i++) {
        t->endpoints[i].size = sizeof t->endpoints[i];
        t->endpoints[i].capacity = capacity;
        t->endpoints[i].handle.index = i;
        t->endpoints[i].handle.generation = 1;
        snprintf(t->ids[i], sizeof t->ids[i], "node-%05u", i % 100000);
        t->endpoints[i].id = t->ids[i];
        t->endpoints[i].hash = hf_test_hash(t->ids[i], strlen(t->ids[i]));
        t->endpoints[i].child = t->endpoints[i].handle;
        t->endpoints[i].state = states + i * each;
        if (t->ops.added && t->ops.added(t->lb, &t->endpoints[i]) < 0) {
            HF_TEST_STOP("added failed for endpoint %u", i);
        }
    }
    if (t->shared) {
        hf_test_lb_publish(t);
    }
}

HF_TEST_UNUSED bool
hf_test_lb_is_usable(const struct hf_test_lb *t, uint32_t i)
{
    return t->endpoints[i].capacity == 0 || t->in_flight[i] < t->endpoints[i].capacity;
}

/* A call comes; the index of the endpoint that gets it, or -1 if it has to wait. */
HF_TEST_UNUSED int
hf_test_lb_take(struct hf_test_lb *t)
{
    struct hf_test_lb_view view;
    struct hf_handle handle;

    memset(&view, 0, sizeof view);
    view.t = t;
    view.base.size = sizeof view.base;
    view.base.usable = t->usable;
    view.base.now_ns = t->now_ns;
    view.base.random = hf_test_random(&t->seed);
    view.base.load = hf_test_lb_load;
    view.base.shared = t->snapshot;
    memset(&t->decision, 0, sizeof t->decision);
    t->decision.size = sizeof t->decision;
    view.base.decision = t->ops.reason_count > 0 ? &t->decision : NULL;
    for (uint32_t i = 0; i < t->count; i++) {
        if (hf_test_lb_is_usable(t, i)) {
            t->usable[view.base.usable_count].handle = t->endpoints[i].handle;
            t->usable[view.base.usable_count++].state = t->endpoints[i].state;
        }
    }
    view.base.warm_count = view.base.usable_count;
    if (view.base.usable_count == 0) {
        return -1;
    }
    handle = t->ops.pick(t->lb, &view.base);
    if (handle.generation == 0) {
        return -1;
    }
    HF_CHECK(handle.generation == 1 && handle.index < t->count &&
             hf_test_lb_is_usable(t, handle.index));
    t->in_flight[handle.index]++;
    t->endpoints[handle.index].now_ns = t->now_ns;
    if (t->ops.started) {
        t->ops.started(t->lb, &t->endpoints[handle.index]);
    }
    if (t->ops.full && !hf_test_lb_is_usable(t, handle.index)) {
        t->ops.full(t->lb, &t->endpoints[handle.index]);
    }
    return (int)handle.index;
}

/* A call at endpoint `i` ends (HF_OUTCOME_...), `elapsed_ns` after it came. */
HF_TEST_UNUSED void
hf_test_lb_finish(struct hf_test_lb *t, int i, uint32_t outcome, uint64_t elapsed_ns)
{
    bool was_full = !hf_test_lb_is_usable(t, (uint32_t)i);

    t->in_flight[i]--;
    t->endpoints[i].now_ns = t->now_ns;
    if (t->ops.finished) {
        t->ops.finished(t->lb, &t->endpoints[i], outcome, elapsed_ns);
    }
    if (t->ops.freed && was_full) {
        t->ops.freed(t->lb, &t->endpoints[i]);
    }
}

/* Ends all calls, takes the endpoints away and the instance too. */
HF_TEST_UNUSED void
hf_test_lb_end(struct hf_test_lb *t)
{
    for (uint32_t i = 0; i < t->count; i++) {
        while (t->in_flight[i] > 0) {
            hf_test_lb_finish(t, (int)i, HF_OUTCOME_OK, 1000000);
        }
        if (t->ops.full) {
            t->ops.full(t->lb, &t->endpoints[i]);
        }
        if (t->ops.removed) {
            t->ops.removed(t->lb, &t->endpoints[i]);
        }
    }
    t->ops.destroy(t->lb);
    if (t->snapshot) {
        t->ops.retire(t->shared, t->snapshot);
    }
    if (t->shared) {
        t->ops.shared_destroy(t->shared);
    }
    free(t->ids);
    if (t->count > 0) {
        free(t->endpoints[0].state);
    }
    free(t->endpoints);
    free(t->in_flight);
    free(t->usable);
    free(t->options.given);
}

#ifdef __cplusplus
}
#endif

#endif
