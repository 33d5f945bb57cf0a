/* test-pool.c - slots and waiting calls: rules of engine/pool.h. */
#include "engine/pool.h"

#include "audit-lb.h"
#include "pool-bench.h"
#include "unit.h"

static void
grants_while_there_are_slots(void)
{
    struct hf_waiter w[3];
    struct hf_pool_endpoint *a;

    begin(10, 0);
    a = add("a", 2);
    for (int i = 0; i < 3; i++) {
        hf_waiter_init(&w[i]);
    }
    CU_ASSERT_EQUAL(take(&w[0]), HF_WAITER_TAKEN);
    CU_ASSERT_EQUAL(take(&w[1]), HF_WAITER_TAKEN);
    CU_ASSERT_EQUAL(take(&w[2]), HF_WAITER_WAITING);
    CU_ASSERT_PTR_EQUAL(w[0].endpoint, a);
    UNIT_U64(load().in_flight, 2);
    UNIT_U64(load().waiting, 1);
    CU_ASSERT_PTR_NULL(woken());

    now += 50;
    release(&w[0], HF_OUTCOME_OK);
    CU_ASSERT_PTR_EQUAL(woken(), &w[2]);
    CU_ASSERT_EQUAL(w[2].state, HF_WAITER_GRANTED);
    UNIT_U64(load().in_flight, 2); /* a granted slot stays counted */
    CU_ASSERT_EQUAL(hf_pool_accept(pool, &w[2]), HF_WAITER_TAKEN);
    UNIT_U64(w[2].since_ns, 1050);
    release(&w[1], HF_OUTCOME_OK);
    release(&w[2], HF_OUTCOME_CANCELLED);
    UNIT_U64(load().in_flight, 0);
    UNIT_U64(load().calls_total, 3);
    UNIT_U64(load().last_finished_ns, 1050);
    UNIT_U64(a->uses, 3);
    drain(a);
    end();
}

static void
unlimited_capacity_never_fills(void)
{
    static struct hf_waiter w[1000];
    struct hf_pool_endpoint *a;

    begin(10, 0);
    a = add("child", 0);
    for (size_t i = 0; i < hf_countof(w); i++) {
        hf_waiter_init(&w[i]);
        CU_ASSERT_EQUAL(take(&w[i]), HF_WAITER_TAKEN);
    }
    UNIT_U64(a->in_flight, 1000);
    for (size_t i = 0; i < hf_countof(w); i++) {
        release(&w[i], HF_OUTCOME_OK);
    }
    drain(a);
    end();
}

static void
new_calls_queue_behind_waiting_ones(void)
{
    struct hf_waiter w[3];
    struct hf_pool_endpoint *a;

    begin(10, 0);
    for (int i = 0; i < 3; i++) {
        hf_waiter_init(&w[i]);
        CU_ASSERT_EQUAL(take(&w[i]), HF_WAITER_WAITING);
    }
    a = add("a", 1);
    CU_ASSERT_PTR_EQUAL(woken(), &w[0]);
    CU_ASSERT_PTR_NULL(woken());
    hf_pool_accept(pool, &w[0]);
    release(&w[0], HF_OUTCOME_OK);
    CU_ASSERT_PTR_EQUAL(woken(), &w[1]);
    hf_pool_accept(pool, &w[1]);
    CU_ASSERT_EQUAL(take(&w[0]), HF_WAITER_WAITING); /* a retry goes before the others */
    release(&w[1], HF_OUTCOME_OK);
    CU_ASSERT_PTR_EQUAL(woken(), &w[0]);
    hf_pool_accept(pool, &w[0]);
    UNIT_U64(w[0].attempts, 2);
    release(&w[0], HF_OUTCOME_OK);
    CU_ASSERT_PTR_EQUAL(woken(), &w[2]);
    hf_pool_accept(pool, &w[2]);
    release(&w[2], HF_OUTCOME_OK);
    UNIT_U64(load().calls_total, 3); /* the retry is no new call */
    drain(a);
    end();
}

static void
a_full_queue_refuses(void)
{
    struct hf_waiter w[3];

    begin(2, 0);
    for (int i = 0; i < 3; i++) {
        hf_waiter_init(&w[i]);
    }
    CU_ASSERT_EQUAL(take(&w[0]), HF_WAITER_WAITING);
    CU_ASSERT_EQUAL(take(&w[1]), HF_WAITER_WAITING);
    CU_ASSERT_EQUAL(take(&w[2]), HF_WAITER_REFUSED);
    CU_ASSERT_EQUAL(w[2].refusal, HF_FAILURE_QUEUE_FULL);
    CU_ASSERT_EQUAL(w[2].state, HF_WAITER_IDLE);
    CU_ASSERT_TRUE(hf_pool_cancel(pool, &w[0], now, &out));
    CU_ASSERT_EQUAL(take(&w[2]), HF_WAITER_WAITING);
    CU_ASSERT_TRUE(hf_pool_cancel(pool, &w[1], now, &out));
    CU_ASSERT_TRUE(hf_pool_cancel(pool, &w[2], now, &out));
    end();
}

static void
an_avoided_endpoint_is_not_given_again(void)
{
    struct hf_waiter w;
    struct hf_waiter other;
    struct hf_pool_endpoint *a;
    struct hf_pool_endpoint *b;

    begin(10, 0);
    hf_waiter_init(&w);
    hf_waiter_init(&other);
    a = add("a", 0);
    CU_ASSERT_EQUAL(take(&w), HF_WAITER_TAKEN);
    w.avoid = a->base.handle;
    release(&w, HF_OUTCOME_OK);
    CU_ASSERT_EQUAL(take(&w), HF_WAITER_REFUSED);
    CU_ASSERT_EQUAL(w.refusal, HF_FAILURE_NO_OTHER);
    CU_ASSERT_EQUAL(take(&other), HF_WAITER_TAKEN);
    b = add("b", 0);
    for (int i = 0; i < 20; i++) {
        CU_ASSERT_EQUAL(take(&w), HF_WAITER_TAKEN);
        CU_ASSERT_PTR_EQUAL(w.endpoint, b);
        release(&w, HF_OUTCOME_OK);
    }
    release(&other, HF_OUTCOME_OK);
    drain(a);
    drain(b);
    end();
}

static void
a_grant_passes_over_a_cancelled_call(void)
{
    struct hf_waiter w[3];
    struct hf_pool_endpoint *a;

    begin(10, 0);
    a = add("a", 1);
    for (int i = 0; i < 3; i++) {
        hf_waiter_init(&w[i]);
        take(&w[i]);
    }
    release(&w[0], HF_OUTCOME_OK);
    CU_ASSERT_EQUAL(w[1].state, HF_WAITER_GRANTED);
    CU_ASSERT_FALSE(hf_pool_cancel(pool, &w[1], now, &out)); /* its wake-up is on its way */
    CU_ASSERT_PTR_EQUAL(woken(), &w[1]);
    CU_ASSERT_EQUAL(hf_pool_accept(pool, &w[1]), HF_WAITER_CANCELLED);
    CU_ASSERT_PTR_EQUAL(woken(), &w[2]); /* and the slot went on at once */
    CU_ASSERT_EQUAL(hf_pool_accept(pool, &w[2]), HF_WAITER_TAKEN);
    UNIT_U64(a->in_flight, 1);
    release(&w[2], HF_OUTCOME_OK);
    UNIT_U64(a->uses, 2); /* the slot that was set aside in vain was no use */
    CU_ASSERT_TRUE(hf_pool_cancel(pool, &w[1], now, &out));
    drain(a);
    end();
}

static void
refuses_at_once_while_nothing_can_be_done(void)
{
    struct hf_waiter w;

    begin(10, 0);
    hf_waiter_init(&w);
    hf_pool_refuse(pool, HF_FAILURE_START_FAILED, "no such image", &out);
    hf_pool_set_refusing(pool, HF_FAILURE_START_FAILED);
    CU_ASSERT_EQUAL(take(&w), HF_WAITER_REFUSED);
    CU_ASSERT_EQUAL(w.refusal, HF_FAILURE_START_FAILED);
    UNIT_STR(hf_pool_reason(pool), "no such image");
    CU_ASSERT_FALSE(out.notify); /* nobody needs to look */
    hf_pool_set_refusing(pool, HF_FAILURE_NONE);
    CU_ASSERT_EQUAL(take(&w), HF_WAITER_WAITING);
    CU_ASSERT_TRUE(out.notify);
    CU_ASSERT_TRUE(hf_pool_cancel(pool, &w, now, &out));
    end();
}

static void
refusing_wakes_all_and_closing_all_to_come(void)
{
    struct hf_waiter w[3];

    begin(10, 0);
    for (int i = 0; i < 3; i++) {
        hf_waiter_init(&w[i]);
    }
    take(&w[0]);
    take(&w[1]);
    hf_pool_refuse(pool, HF_FAILURE_START_FAILED, "no such image", &out);
    CU_ASSERT_FALSE(hf_pool_cancel(pool, &w[1], now, &out));
    CU_ASSERT_PTR_EQUAL(woken(), &w[0]);
    CU_ASSERT_PTR_EQUAL(woken(), &w[1]);
    CU_ASSERT_EQUAL(hf_pool_accept(pool, &w[0]), HF_WAITER_REFUSED);
    CU_ASSERT_EQUAL(w[0].refusal, HF_FAILURE_START_FAILED);
    CU_ASSERT_EQUAL(hf_pool_accept(pool, &w[1]), HF_WAITER_CANCELLED);
    UNIT_STR(hf_pool_reason(pool), "no such image");
    CU_ASSERT_EQUAL(take(&w[2]), HF_WAITER_WAITING);
    hf_pool_close(pool, HF_FAILURE_DELETED, "deleted", &out);
    CU_ASSERT_PTR_EQUAL(woken(), &w[2]);
    CU_ASSERT_EQUAL(hf_pool_accept(pool, &w[2]), HF_WAITER_REFUSED);
    CU_ASSERT_EQUAL(take(&w[0]), HF_WAITER_REFUSED);
    CU_ASSERT_EQUAL(w[0].refusal, HF_FAILURE_DELETED);
    end();
}

static void
notifies_until_somebody_looks(void)
{
    struct hf_waiter w[3];
    struct hf_pool_endpoint *a;

    begin(10, 0);
    for (int i = 0; i < 3; i++) {
        hf_waiter_init(&w[i]);
    }
    take(&w[0]);
    CU_ASSERT_TRUE(out.notify);
    out.notify = false;
    take(&w[1]);
    CU_ASSERT_FALSE(out.notify); /* said already */
    load();
    take(&w[2]);
    CU_ASSERT_TRUE(out.notify);
    out.notify = false;
    a = add("a", 0);
    while (woken()) {
    }
    for (int i = 0; i < 3; i++) {
        hf_pool_accept(pool, &w[i]);
        release(&w[i], HF_OUTCOME_OK);
    }
    load(); /* sees that nothing is going on */
    take(&w[0]);
    CU_ASSERT_TRUE(out.notify);
    out.notify = false;
    release(&w[0], HF_OUTCOME_OK);
    take(&w[0]);
    CU_ASSERT_FALSE(out.notify);
    release(&w[0], HF_OUTCOME_OK);
    drain(a);
    end();
}

UNIT_MAIN("pool", UNIT_TEST(grants_while_there_are_slots),
          UNIT_TEST(unlimited_capacity_never_fills), UNIT_TEST(new_calls_queue_behind_waiting_ones),
          UNIT_TEST(a_full_queue_refuses), UNIT_TEST(an_avoided_endpoint_is_not_given_again),
          UNIT_TEST(a_grant_passes_over_a_cancelled_call),
          UNIT_TEST(refuses_at_once_while_nothing_can_be_done),
          UNIT_TEST(refusing_wakes_all_and_closing_all_to_come),
          UNIT_TEST(notifies_until_somebody_looks))
