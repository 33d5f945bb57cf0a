/*
 * test-pool-figures.c - what lb policies see beyond their candidates, if they need it: who is warm,
 * loads, figures of the function, what is shared; and what becomes of their reasons.
 */
#include <stdio.h>
#include <string.h>

#include "base/random.h"
#include "base/text.h"
#include "engine/pool.h"
#include "unit.h"

#define ENDPOINTS 12

/* What the policy saw at the last pick. */
static struct {
    struct hf_lb_view view;
    struct hf_endpoint_load load[ENDPOINTS];
    bool has_load;
    bool has_decision;
    uint32_t choice; /* which candidate to answer */
    uint32_t reason;
    uint64_t started_ns;
    uint64_t finished_ns;
    struct hf_endpoint endpoint; /* that was added last */
} seen;

static struct hf_lb *const lb = (struct hf_lb *)&seen;

static int
create(const struct hf_host *host, const struct hf_options *options,
       const struct hf_function *about, struct hf_lb **ret, struct hf_err *err)
{
    (void)host;
    (void)options;
    (void)about;
    (void)err;
    *ret = lb;
    return 0;
}

static void
destroy(struct hf_lb *policy)
{
    (void)policy;
}

static struct hf_handle
pick(struct hf_lb *policy, const struct hf_lb_view *view)
{
    uint32_t choice = seen.choice < view->usable_count ? seen.choice : 0;

    (void)policy;
    seen.view = *view;
    seen.has_decision = view->decision != NULL;
    for (uint32_t i = 0; i < view->usable_count && i < ENDPOINTS; i++) {
        seen.load[i] = (struct hf_endpoint_load){ .size = sizeof seen.load[i] };
        seen.has_load = view->load(view, i, &seen.load[i]);
    }
    if (view->decision) {
        CU_ASSERT_EQUAL(view->decision->reason, 0);
        view->decision->reason = seen.reason;
        view->decision->score = 2.5;
    }
    return view->usable[choice].handle;
}

static int
added(struct hf_lb *policy, const struct hf_endpoint *endpoint)
{
    (void)policy;
    seen.endpoint = *endpoint;
    return 0;
}

static void
started(struct hf_lb *policy, const struct hf_endpoint *endpoint)
{
    (void)policy;
    seen.started_ns = endpoint->now_ns;
}

static void
finished(struct hf_lb *policy, const struct hf_endpoint *endpoint, uint32_t outcome,
         uint64_t elapsed_ns)
{
    (void)policy;
    (void)outcome;
    (void)elapsed_ns;
    seen.finished_ns = endpoint->now_ns;
}

static const char *const reasons[] = { "first_choice", "second_choice" };

static const struct hf_lb_ops needy = {
    .size = sizeof needy,
    .create = create,
    .destroy = destroy,
    .pick = pick,
    .added = added,
    .started = started,
    .finished = finished,
    .needs =
        HF_LB_NEEDS_ALL_CHILDREN | HF_LB_NEEDS_LOAD | HF_LB_NEEDS_REPORTS | HF_LB_NEEDS_FIGURES,
    .reason_count = 2,
    .reasons = reasons,
};

static const struct hf_lb_ops modest = {
    .size = sizeof modest,
    .create = create,
    .destroy = destroy,
    .pick = pick,
};

/* --- a pool -------------------------------------------------------------------------------- */

static const struct hf_function function = {
    .size = sizeof function, .id = "f", .hash = 7, .max_concurrency = 4
};
static struct hf_pool_settings settings;
static struct hf_pool_out out;
static uint64_t now;

static struct hf_pool *
begin(const struct hf_lb_ops *ops)
{
    struct hf_pool *pool;

    memset(&seen, 0, sizeof seen);
    now = 1000;
    settings = (struct hf_pool_settings){ .lb = ops, .max_waiting = 10 };
    CU_ASSERT_EQUAL_FATAL(hf_pool_new(&settings, &function, 1, &pool, NULL), 0);
    hf_pool_out_init(&out);
    return pool;
}

static struct hf_pool_endpoint *
add(struct hf_pool *pool, struct hf_pool_endpoint_spec spec)
{
    struct hf_pool_endpoint *endpoint = NULL;

    spec.id = spec.id ? spec.id : "e";
    spec.address = "127.0.0.1:1";
    CU_ASSERT_EQUAL_FATAL(hf_pool_add(pool, &spec, now, &out, &endpoint), 0);
    return endpoint;
}

static void
drain(struct hf_pool *pool, struct hf_pool_endpoint *endpoint)
{
    hf_pool_drain(pool, endpoint, &out);
    CU_ASSERT_PTR_EQUAL(out.drained, endpoint);
    hf_pool_endpoint_unref(out.drained);
    out.drained = NULL;
}

static void
take(struct hf_pool *pool, struct hf_waiter *waiter)
{
    hf_waiter_init(waiter);
    CU_ASSERT_EQUAL(hf_pool_take(pool, waiter, now, &out), HF_WAITER_TAKEN);
}

static void
release(struct hf_pool *pool, struct hf_waiter *waiter)
{
    hf_pool_release(pool, waiter, HF_OUTCOME_OK, now, &out);
}

/* --- what needs nothing ---------------------------------------------------------------------- */

static void
nothing_for_who_needs_nothing(void)
{
    struct hf_pool *pool = begin(&modest);
    struct hf_node_load node = { 0 };
    struct hf_pool_endpoint *e = add(pool, (struct hf_pool_endpoint_spec){ .node = &node });
    struct hf_pool_load load;
    struct hf_waiter w;

    for (int i = 0; i < 3; i++) {
        take(pool, &w);
        UNIT_U64(node.in_flight, 0); /* nobody counts */
        now += 100;
        release(pool, &w);
        now += 100;
    }
    CU_ASSERT_FALSE(seen.has_load);
    CU_ASSERT_FALSE(seen.has_decision);
    CU_ASSERT_PTR_NULL(seen.view.shared);
    UNIT_U64(seen.view.gap_ns, 0);
    UNIT_U64(seen.view.warm_count, 1);
    hf_pool_load(pool, &load);
    UNIT_U64(load.gaps_total, 0);
    drain(pool, e);
    hf_pool_free(pool);
}

/* --- who is warm ----------------------------------------------------------------------------- */

/* The candidates are those that may take a call, each once, the warm ones first. */
static void
check_order(struct hf_pool_endpoint **endpoints)
{
    uint32_t usable = 0;
    uint32_t warm = 0;

    for (int i = 0; i < ENDPOINTS; i++) {
        bool has_room = endpoints[i]->in_flight < endpoints[i]->base.capacity;

        usable += has_room;
        warm += has_room && !endpoints[i]->cold;
        CU_ASSERT_EQUAL(endpoints[i]->position == UINT32_MAX, !has_room);
        if (has_room) {
            CU_ASSERT_EQUAL(endpoints[i]->position < seen.view.warm_count, !endpoints[i]->cold);
        }
    }
    UNIT_U64(seen.view.usable_count, usable);
    UNIT_U64(seen.view.warm_count, warm);
}

static void
warm_ones_come_first(void)
{
    struct hf_pool_endpoint *endpoints[ENDPOINTS];
    struct hf_waiter waiters[ENDPOINTS];
    struct hf_pool *pool = begin(&needy);
    struct hf_random random;
    struct hf_waiter probe;

    hf_random_init(&random, 3);
    for (int i = 0; i < ENDPOINTS; i++) {
        endpoints[i] =
            add(pool, (struct hf_pool_endpoint_spec){ .capacity = 2, .cold = i % 2 == 0 });
        hf_waiter_init(&waiters[i]);
    }
    for (int step = 0; step < 5000; step++) {
        uint32_t i = (uint32_t)hf_random_below(&random, ENDPOINTS);

        seen.choice = (uint32_t)hf_random_below(&random, ENDPOINTS);
        if (hf_random_below(&random, 2) == 0) {
            hf_pool_set_warm(pool, endpoints[i], hf_random_below(&random, 2) == 0);
        } else if (waiters[i].state == HF_WAITER_TAKEN) {
            release(pool, &waiters[i]);
        } else {
            take(pool, &waiters[i]);
        }
        take(pool, &probe); /* shows what is, and leaves it so */
        hf_pool_release(pool, &probe, HF_OUTCOME_RELEASED, now, &out);
        check_order(endpoints);
    }
    for (int i = 0; i < ENDPOINTS; i++) {
        if (waiters[i].state == HF_WAITER_TAKEN) {
            release(pool, &waiters[i]);
        }
    }
    for (int i = 0; i < ENDPOINTS; i++) {
        drain(pool, endpoints[i]);
    }
    hf_pool_free(pool);
}

/* --- loads ----------------------------------------------------------------------------------- */

static void
loads_are_the_nodes(void)
{
    const struct hf_endpoint_load report = { .known = HF_LOAD_REPORTED | HF_LOAD_AVERAGE,
                                             .calls = 11,
                                             .waiting = 12,
                                             .starting = 13,
                                             .load_millis = 1400,
                                             .reported_ns = 900 };
    struct hf_pool *pool = begin(&needy);
    struct hf_pool *other;
    struct hf_node_load node = { 0 };
    const struct hf_pool_endpoint_spec spec = { .id = "child",
                                                .node = &node,
                                                .child = { .index = 5, .generation = 2 } };
    struct hf_pool_endpoint *e = add(pool, spec);
    struct hf_pool_endpoint *f;
    struct hf_waiter w[3];

    UNIT_U64(seen.endpoint.child.index, 5);
    CU_ASSERT_NOT_EQUAL(seen.endpoint.hash, 0);
    CU_ASSERT_EQUAL_FATAL(hf_pool_new(&settings, &function, 1, &other, NULL), 0);
    f = add(other, spec);
    take(other, &w[0]);
    take(other, &w[1]);
    take(pool, &w[2]);
    CU_ASSERT_TRUE(seen.has_load);
    UNIT_U64(seen.load[0].known, HF_LOAD_OWN);
    UNIT_U64(seen.load[0].in_flight, 0);
    UNIT_U64(seen.load[0].node_in_flight, 2);
    release(pool, &w[2]);

    hf_node_load_report(&node, &report);
    hf_pool_set_room(pool, e, true, 7);
    take(pool, &w[2]);
    UNIT_U64(seen.load[0].known, HF_LOAD_OWN | HF_LOAD_REPORTED | HF_LOAD_AVERAGE | HF_LOAD_ROOM);
    UNIT_U64(seen.load[0].calls, 11);
    UNIT_U64(seen.load[0].waiting, 12);
    UNIT_U64(seen.load[0].starting, 13);
    UNIT_U64(seen.load[0].load_millis, 1400);
    UNIT_U64(seen.load[0].reported_ns, 900);
    UNIT_U64(seen.load[0].room, 7);

    release(pool, &w[2]);
    release(other, &w[0]);
    release(other, &w[1]);
    UNIT_U64(node.in_flight, 0);
    drain(pool, e);
    drain(other, f);
    hf_pool_free(pool);
    hf_pool_free(other);
}

/* --- figures --------------------------------------------------------------------------------- */

static void
figures_of_a_function(void)
{
    struct hf_pool *pool = begin(&needy);
    struct hf_pool_endpoint *e;
    struct hf_pool_load load;
    struct hf_waiter w;

    hf_waiter_init(&w);
    CU_ASSERT_EQUAL(hf_pool_take(pool, &w, now, &out), HF_WAITER_WAITING); /* nothing is warm */
    now += 5000;
    e = add(pool, (struct hf_pool_endpoint_spec){ .capacity = 4 });
    CU_ASSERT_PTR_EQUAL(hf_list_pop(&out.woken), &w.node);
    CU_ASSERT_EQUAL(hf_pool_accept(pool, &w), HF_WAITER_TAKEN);
    now += 300;
    UNIT_U64(seen.started_ns, 6000);
    release(pool, &w);
    UNIT_U64(seen.finished_ns, now);
    for (int i = 0; i < 2; i++) {
        now += 700;
        take(pool, &w);
        now += 100;
        release(pool, &w);
    }
    hf_pool_load(pool, &load);
    UNIT_U64(load.cold_ns, 5300);
    UNIT_U64(load.warm_ns, 100);
    UNIT_U64(load.gap_ns, 6000 - (6000 - 800) / 8);
    UNIT_U64(load.gaps_total, 2);
    UNIT_U64(load.gaps_sum_ns, 1400);
    UNIT_U64(load.last_gap_ns, 700);
    UNIT_U64(load.last_arrival_ns, now - 100);
    UNIT_U64(load.room, 4);
    take(pool, &w);
    UNIT_U64(seen.view.cold_ns, 5300);
    UNIT_U64(seen.view.warm_ns, 100);
    CU_ASSERT_NOT_EQUAL(seen.view.gap_ns, 0);
    release(pool, &w);
    drain(pool, e);
    hf_pool_free(pool);
}

/* A call that a cold child gets is a cold one. */
static void
cold_children_make_cold_calls(void)
{
    struct hf_pool *pool = begin(&needy);
    struct hf_pool_endpoint *e = add(pool, (struct hf_pool_endpoint_spec){ .cold = true });
    struct hf_pool_load load;
    struct hf_waiter w;

    take(pool, &w);
    UNIT_U64(seen.view.warm_count, 0);
    now += 400;
    release(pool, &w);
    hf_pool_load(pool, &load);
    UNIT_U64(load.cold_ns, 400);
    UNIT_U64(load.warm_ns, 0);
    drain(pool, e);
    hf_pool_free(pool);
}

/* --- what is shared, and reasons ---------------------------------------------------------------
 */

static void
what_is_shared_is_seen(void)
{
    void *_Atomic shared = NULL;
    int snapshot = 0;
    struct hf_pool *pool;
    struct hf_pool_endpoint *e;
    struct hf_waiter w;

    hf_pool_free(begin(&needy));
    settings.shared = &shared;
    CU_ASSERT_EQUAL_FATAL(hf_pool_new(&settings, &function, 1, &pool, NULL), 0);
    e = add(pool, (struct hf_pool_endpoint_spec){ .capacity = 4 });
    take(pool, &w);
    CU_ASSERT_PTR_NULL(seen.view.shared);
    release(pool, &w);
    shared = &snapshot;
    take(pool, &w);
    CU_ASSERT_PTR_EQUAL(seen.view.shared, &snapshot);
    release(pool, &w);
    drain(pool, e);
    hf_pool_free(pool);
}

static void
reasons_are_counted(void)
{
    hf_autotext struct hf_text text;
    struct hf_pool *pool = begin(&needy);
    struct hf_pool_endpoint *e = add(pool, (struct hf_pool_endpoint_spec){ .capacity = 4 });
    struct hf_waiter w;

    hf_text_init(&text);
    for (uint32_t i = 0; i < 4; i++) {
        seen.reason = i; /* the last two have no name */
        take(pool, &w);
        CU_ASSERT_TRUE(seen.has_decision);
        release(pool, &w);
    }
    seen.reason = 1;
    take(pool, &w);
    release(pool, &w);
    hf_pool_show(pool, &text);
    CU_ASSERT_STRING_EQUAL(hf_text_str(&text), "reason=first_choice decisions=1 last_score=2.5\n"
                                               "reason=second_choice decisions=2 last_score=2.5\n");
    drain(pool, e);
    hf_pool_free(pool);
}

UNIT_MAIN("pool-figures", UNIT_TEST(nothing_for_who_needs_nothing), UNIT_TEST(warm_ones_come_first),
          UNIT_TEST(loads_are_the_nodes), UNIT_TEST(figures_of_a_function),
          UNIT_TEST(cold_children_make_cold_calls), UNIT_TEST(what_is_shared_is_seen),
          UNIT_TEST(reasons_are_counted))
