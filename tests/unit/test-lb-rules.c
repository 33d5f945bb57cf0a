/*
 * test-lb-rules.c - what lb policies that choose by the loads of children promise.
 *
 * Policies are asked about made-up children, so that every number they see is written here.
 */
#include <string.h>

#include <hyperfaas/policy/ring.h>

#include "base/hash.h"
#include "base/random.h"
#include "contract.h"

#define MOST 100

/* Children, and the policy that is asked. */
static struct {
    struct hf_lb_view view;
    struct hf_endpoint endpoint[MOST];
    struct hf_candidate usable[MOST];
    struct hf_endpoint_load load[MOST];
    uint64_t state[MOST][8];
    struct hf_function function;
    struct hf_decision decision;
    struct policy policy;
    const struct hf_lb_ops *ops;
    struct hf_lb *lb;
    struct hf_random random;
} t;

static bool
load_of(const struct hf_lb_view *view, uint32_t i, struct hf_endpoint_load *ret)
{
    (void)view;
    *ret = t.load[t.usable[i].handle.index];
    return true;
}

/* `n` idle children that have the function warm; nothing is reported yet. */
static void
begin(const char *name, const char *options, uint32_t n)
{
    memset(&t, 0, sizeof t);
    t.policy = policy_load(HF_PLUGIN_LB, name, options);
    t.ops = t.policy.module->ops.lb;
    t.function = (struct hf_function){ .size = sizeof t.function, .id = "f", .hash = 77 };
    CU_ASSERT_EQUAL_FATAL(
        t.ops->create(t.policy.module->host, t.policy.options, &t.function, &t.lb, NULL), 0);
    CU_ASSERT_FATAL(t.ops->endpoint_state_size <= sizeof t.state[0]);
    hf_random_init(&t.random, 1);
    for (uint32_t i = 0; i < n; i++) {
        t.endpoint[i] = (struct hf_endpoint){ .size = sizeof t.endpoint[i],
                                              .handle = { i, 1 },
                                              .id = "c",
                                              .state = t.state[i],
                                              .hash = hf_hash_mix(i + 1) };
        t.usable[i] = (struct hf_candidate){ { i, 1 }, t.state[i] };
        t.load[i] = (struct hf_endpoint_load){ .size = sizeof t.load[i], .known = HF_LOAD_OWN };
        CU_ASSERT_FATAL(!t.ops->added || t.ops->added(t.lb, &t.endpoint[i]) == 0);
    }
    t.decision.size = sizeof t.decision;
    t.view = (struct hf_lb_view){ .size = sizeof t.view,
                                  .usable_count = n,
                                  .usable = t.usable,
                                  .warm_count = n,
                                  .now_ns = 1000 * HF_SEC,
                                  .load = load_of,
                                  .decision = &t.decision };
}

static void
end(void)
{
    t.ops->destroy(t.lb);
    policy_free(&t.policy);
}

static void
report(uint32_t i, double average)
{
    t.load[i].known |= HF_LOAD_REPORTED | HF_LOAD_AVERAGE;
    t.load[i].load_millis = (uint32_t)(1000.0 * average);
    t.load[i].reported_ns = t.view.now_ns;
}

static uint32_t
pick(void)
{
    struct hf_handle handle;

    t.view.random = hf_random_u64(&t.random);
    handle = t.ops->pick(t.lb, &t.view);
    CU_ASSERT_FATAL(handle.generation == 1 && handle.index < t.view.usable_count);
    return handle.index;
}

static const char *
reason(void)
{
    pick();
    CU_ASSERT_FATAL(t.decision.reason < t.ops->reason_count);
    return t.ops->reasons[t.decision.reason];
}

/* A call goes there, and stays. */
static uint32_t
call(void)
{
    uint32_t i = pick();

    t.load[i].in_flight++;
    t.load[i].node_in_flight++;
    if (t.ops->started) {
        t.ops->started(t.lb, &t.endpoint[i]);
    }
    return i;
}

static void
finish(uint32_t i)
{
    t.load[i].in_flight--;
    t.load[i].node_in_flight--;
    if (t.ops->finished) {
        t.ops->finished(t.lb, &t.endpoint[i], HF_OUTCOME_OK, HF_SEC);
    }
}

/* The children in the order of the ring, as a walk from the function's hash meets them. */
static void
ring_order(uint32_t vnodes, uint32_t *ret)
{
    for (uint32_t i = 0; i < t.view.usable_count; i++) {
        uint32_t at = i;

        for (; at > 0 && hf_ring_distance(t.endpoint[ret[at - 1]].hash, vnodes, t.function.hash) >
                             hf_ring_distance(t.endpoint[i].hash, vnodes, t.function.hash);
             at--) {
            ret[at] = ret[at - 1];
        }
        ret[at] = i;
    }
}

static void
chbounded_keeps_its_bound(void)
{
    uint32_t order[20];
    uint32_t used = 0;

    begin("chbounded", "epsilon = 0.25", 20);
    ring_order(64, order);
    UNIT_U64(pick(), order[0]);
    for (uint64_t calls = 0; calls < 1000; calls++) {
        uint32_t i = call();

        CU_ASSERT_TRUE(t.load[i].node_in_flight <= hf_bounded_load(0.25, calls, 20));
    }
    for (uint32_t i = 0; i < 20; i++) {
        used += t.load[order[i]].node_in_flight > 0;
        CU_ASSERT_TRUE(i == 0 ||
                       t.load[order[i]].node_in_flight <= t.load[order[i - 1]].node_in_flight);
    }
    CU_ASSERT_TRUE(used >= 16 && used < 20); /* 1 / 1.25 of them, in the order of the ring */
    UNIT_STR(reason(), "home_full");
    end();
}

static void
boundedloads_walks_a_short_chain(void)
{
    uint32_t order[10];

    begin("boundedloads", "", 10);
    ring_order(128, order);
    UNIT_U64(pick(), order[0]);
    UNIT_STR(reason(), "home");
    report(order[0], 1.0); /* not above the bound */
    UNIT_U64(pick(), order[0]);
    report(order[0], 1.1);
    UNIT_U64(pick(), order[1]);
    report(order[1], 2.0);
    UNIT_U64(pick(), order[2]);
    UNIT_STR(reason(), "home_busy");
    for (int i = 0; i < 10; i++) {
        report(order[i], i == 7 ? 1.2 : 3.0);
    }
    UNIT_U64(pick(), order[7]);
    UNIT_STR(reason(), "chain_busy");
    end();
}

static void
rjch_jumps(void)
{
    uint32_t order[10];
    uint32_t met = 0;

    begin("rjch", "", 10);
    ring_order(128, order);
    UNIT_U64(pick(), order[0]);
    report(order[0], 1.5);
    for (int i = 0; i < 200; i++) {
        met |= UINT32_C(1) << pick();
    }
    CU_ASSERT_EQUAL(met | UINT32_C(1) << order[0], 0x3ff); /* anywhere, not only next door */
    UNIT_STR(reason(), "home_busy");
    for (int i = 0; i < 10; i++) {
        report(order[i], i == 7 ? 1.2 : 3.0);
    }
    UNIT_U64(pick(), order[7]);
    UNIT_STR(reason(), "jumps_busy");
    end();
}

static void
chrlu_spreads_popular_functions_alone(void)
{
    uint32_t order[10];

    begin("chrlu", "sigma = 0", 10);
    ring_order(128, order);
    report(order[0], 5.0);
    UNIT_U64(pick(), order[0]); /* nothing is known of its gaps */
    t.view.gap_ns = 2 * HF_SEC;
    UNIT_U64(pick(), order[0]);
    UNIT_STR(reason(), "rare");
    t.view.gap_ns = HF_SEC; /* now it is popular: a noise of a half */
    UNIT_U64(pick(), order[1]);
    UNIT_U64(pick(), order[1]); /* has 1.0 of it now */
    UNIT_U64(pick(), order[2]);
    UNIT_STR(reason(), "home_busy"); /* and the second */
    UNIT_U64(pick(), order[3]);
    UNIT_U64(pick(), order[3]);
    UNIT_STR(reason(), "chain_busy");
    UNIT_U64(pick(), order[0]);
    t.view.now_ns += 1;
    report(order[1], 0.0); /* a report takes the noise away */
    UNIT_U64(pick(), order[1]);
    t.view.cold_ns = 10 * HF_SEC;
    t.view.warm_ns = HF_SEC; /* a cold start costs much: the bound is six */
    UNIT_U64(pick(), order[0]);
    UNIT_STR(reason(), "home");
    end();
}

static void
availablecapacity_goes_where_room_is(void)
{
    uint32_t order[4];
    uint32_t first;

    begin("availablecapacity", "", 4);
    ring_order(128, order);
    for (uint32_t i = 0; i < 4; i++) {
        t.load[i].known |= HF_LOAD_ROOM;
        t.load[i].reported_ns = 1;
        t.load[i].room = 1 + i % 2 * 4; /* 1 5 1 5 */
    }
    first = pick();
    CU_ASSERT_TRUE(first == 1 || first == 3);
    UNIT_STR(reason(), "in_turn");
    for (int i = 0; i < 8; i++) { /* they take turns until all have one slot left */
        CU_ASSERT_EQUAL(call() % 2, 1);
    }
    UNIT_U64(t.load[1].in_flight, 4);
    UNIT_U64(t.load[3].in_flight, 4);
    t.load[2].room = 3;
    t.load[2].reported_ns = 2;
    UNIT_U64(call(), 2);
    UNIT_STR(reason(), "most_room");
    t.view.warm_count = 0;
    UNIT_U64(pick(), order[0]);
    UNIT_STR(reason(), "cold_by_hash");
    end();
}

static void
availablecapacity_without_reports(void)
{
    begin("availablecapacity", "", 3);
    for (uint32_t i = 0; i < 3; i++) {
        t.endpoint[i].capacity = 2 + i;
        CU_ASSERT_EQUAL_FATAL(t.ops->added(t.lb, &t.endpoint[i]), 0);
    }
    UNIT_U64(call(), 2); /* of 2, 3, 4 */
    CU_ASSERT_TRUE(call() >= 1);
    CU_ASSERT_TRUE(call() >= 1);
    end();
}

static void
pull_takes_from_the_queue(void)
{
    begin("pull", "", 5);
    t.load[0].node_in_flight = 9;
    t.load[1].node_in_flight = 3;
    t.load[2].node_in_flight = 4;
    t.load[3].node_in_flight = 8;
    t.load[4].node_in_flight = 2;
    UNIT_U64(pick(), 4); /* nobody asks: the fewest calls */
    UNIT_STR(reason(), "queue_empty");
    t.load[0].in_flight = t.load[3].in_flight = 3;
    finish(0);
    finish(3);
    finish(3);
    UNIT_U64(pick(), 3);
    UNIT_STR(reason(), "from_queue");
    UNIT_U64(call(), 3);
    UNIT_U64(call(), 3); /* it stood there twice */
    UNIT_U64(call(), 0);
    UNIT_U64(call(), 4); /* and the queue is empty */
    finish(0);
    t.usable[0] = (struct hf_candidate){ { 4, 1 }, t.state[4] };
    t.usable[4] = (struct hf_candidate){ { 0, 1 }, t.state[0] };
    t.view.warm_count = 4; /* child 0 has it no more */
    UNIT_STR(reason(), "queue_empty");
    end();
}

UNIT_MAIN("lb-rules", UNIT_TEST(chbounded_keeps_its_bound),
          UNIT_TEST(boundedloads_walks_a_short_chain), UNIT_TEST(rjch_jumps),
          UNIT_TEST(chrlu_spreads_popular_functions_alone),
          UNIT_TEST(availablecapacity_goes_where_room_is),
          UNIT_TEST(availablecapacity_without_reports), UNIT_TEST(pull_takes_from_the_queue))
