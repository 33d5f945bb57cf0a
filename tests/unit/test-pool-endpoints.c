/* test-pool-endpoints.c - draining, ejection, what else becomes of endpoints: rules of
 * engine/pool.h. */
#include "engine/pool.h"

#include <stdio.h>
#include <string.h>

#include "audit-lb.h"
#include "pool-bench.h"
#include "unit.h"

static void
drained_is_reported_once(void)
{
    struct hf_waiter w[2];
    struct hf_pool_endpoint *a;
    struct hf_pool_endpoint *b;

    begin(10, 0);
    a = add("a", 2);
    hf_waiter_init(&w[0]);
    hf_waiter_init(&w[1]);
    take(&w[0]);
    take(&w[1]);
    hf_pool_endpoint_ref(a);
    hf_pool_drain(pool, a, &out);
    CU_ASSERT_PTR_NULL(out.drained);
    UNIT_U64(load().draining, 1);
    UNIT_U64(load().endpoints, 0);
    release(&w[0], HF_OUTCOME_OK);
    CU_ASSERT_PTR_NULL(out.drained);
    hf_pool_drain(pool, a, &out);
    CU_ASSERT_EQUAL(take(&w[0]), HF_WAITER_WAITING); /* it gets no new calls */
    release(&w[1], HF_OUTCOME_OK);
    CU_ASSERT_PTR_EQUAL(take_drained(), a);
    hf_pool_drain(pool, a, &out);
    CU_ASSERT_PTR_NULL(out.drained);
    b = add("b", 1); /* the same index, another handle */
    UNIT_U64(b->base.handle.index, a->base.handle.index);
    CU_ASSERT_NOT_EQUAL(b->base.handle.generation, a->base.handle.generation);
    CU_ASSERT_PTR_EQUAL(woken(), &w[0]);
    hf_pool_accept(pool, &w[0]);
    release(&w[0], HF_OUTCOME_OK);
    UNIT_STR(a->base.id, "a"); /* lives on by our reference */
    hf_pool_endpoint_unref(a);
    drain(b);
    end();
}

static void
failures_in_a_row_eject(void)
{
    struct hf_waiter w;
    struct hf_pool_endpoint *a;

    begin(10, 3);
    a = add("a", 1);
    hf_waiter_init(&w);
    for (int i = 0; i < 2; i++) {
        take(&w);
        release(&w, HF_OUTCOME_FAILED);
    }
    take(&w);
    release(&w, HF_OUTCOME_OK); /* an answer clears the count */
    for (int i = 0; i < 3; i++) {
        CU_ASSERT_PTR_NULL(out.ejected);
        take(&w);
        release(&w, i == 1 ? HF_OUTCOME_CANCELLED : HF_OUTCOME_FAILED); /* says nothing */
    }
    CU_ASSERT_PTR_NULL(out.ejected);
    take(&w);
    release(&w, HF_OUTCOME_FAILED);
    CU_ASSERT_PTR_EQUAL(out.ejected, a);
    hf_pool_endpoint_unref(out.ejected);
    CU_ASSERT_PTR_EQUAL(take_drained(), a);
    end();
}

/* Gives up `n` calls; how often the endpoint was suspected. */
static uint32_t
give_up(struct hf_pool_endpoint *a, uint32_t n)
{
    struct hf_waiter w;
    uint32_t suspected = 0;

    hf_waiter_init(&w);
    for (uint32_t i = 0; i < n; i++) {
        take(&w);
        release(&w, HF_OUTCOME_CANCELLED);
        if (out.suspect) {
            CU_ASSERT_PTR_EQUAL(out.suspect, a);
            hf_pool_endpoint_unref(hf_steal(out.suspect));
            suspected++;
        }
    }
    return suspected;
}

static void
calls_given_up_in_a_row_are_suspicious(void)
{
    struct hf_waiter w;
    struct hf_pool_endpoint *a;

    begin(10, 5);
    settings.ask_after = 2;
    a = add("a", 1);
    UNIT_U64(give_up(a, 1), 0);
    UNIT_U64(give_up(a, 1), 1);
    UNIT_U64(give_up(a, 30), 0); /* somebody is finding out */
    hf_pool_trust(pool, a);
    UNIT_U64(give_up(a, 31), 0);
    UNIT_U64(give_up(a, 1), 1); /* the 64th: ever more rarely */
    hf_pool_trust(pool, a);

    hf_waiter_init(&w);
    take(&w);
    release(&w, HF_OUTCOME_OK); /* an answer clears the count */
    UNIT_U64(give_up(a, 1), 0);
    UNIT_U64(give_up(a, 1), 1);
    hf_pool_trust(pool, a);
    drain(a);
    end();
}

static void
an_endpoint_has_served_once_a_call_ended_well(void)
{
    struct hf_waiter w;
    struct hf_pool_endpoint *a;

    begin(10, 5);
    a = add("a", 1);
    hf_waiter_init(&w);
    take(&w);
    release(&w, HF_OUTCOME_FAILED);
    take(&w);
    release(&w, HF_OUTCOME_RELEASED);
    CU_ASSERT_FALSE(a->served);
    take(&w);
    release(&w, HF_OUTCOME_CANCELLED); /* the caller's doing: the connection was there */
    CU_ASSERT_TRUE(a->served);
    take(&w);
    release(&w, HF_OUTCOME_FAILED);
    CU_ASSERT_TRUE(a->served);
    drain(a);
    end();
}

static void
an_ejected_endpoint_finishes_its_calls(void)
{
    struct hf_waiter w[2];
    struct hf_pool_endpoint *a;

    begin(10, 1);
    a = add("a", 0);
    for (int i = 0; i < 2; i++) {
        hf_waiter_init(&w[i]);
        take(&w[i]);
    }
    release(&w[0], HF_OUTCOME_FAILED);
    CU_ASSERT_PTR_EQUAL(out.ejected, a);
    hf_pool_endpoint_unref(hf_steal(out.ejected));
    CU_ASSERT_PTR_NULL(out.drained);
    release(&w[1], HF_OUTCOME_FAILED);
    CU_ASSERT_PTR_NULL(out.ejected); /* said once */
    CU_ASSERT_PTR_EQUAL(take_drained(), a);
    end();
}

static void
idle_endpoints_go_longest_idle_first(void)
{
    struct hf_waiter w[2];
    struct hf_pool_endpoint *ep[3];

    begin(10, 0);
    for (int i = 0; i < 3; i++) {
        now += 10;
        ep[i] = add("e", 1);
    }
    UNIT_U64(load().idle, 3);
    UNIT_U64(load().oldest_idle_ns, 1010);
    hf_waiter_init(&w[0]);
    while (take(&w[0]) == HF_WAITER_TAKEN && w[0].endpoint != ep[0]) {
        release(&w[0], HF_OUTCOME_RELEASED);
    }
    now += 10;
    UNIT_U64(load().idle, 2);
    CU_ASSERT_FALSE(hf_pool_drain_idle(pool, 1015, &out));
    CU_ASSERT_TRUE(hf_pool_drain_idle(pool, now, &out));
    CU_ASSERT_TRUE(take_drained() != ep[0]);
    CU_ASSERT_TRUE(hf_pool_drain_idle(pool, now, &out));
    take_drained();
    CU_ASSERT_FALSE(hf_pool_drain_idle(pool, now, &out)); /* the busy one stays */
    release(&w[0], HF_OUTCOME_OK);
    CU_ASSERT_TRUE(hf_pool_drain_idle(pool, now, &out));
    CU_ASSERT_PTR_EQUAL(take_drained(), ep[0]);
    end();
}

static void
a_leaving_endpoint_goes_when_it_is_idle(void)
{
    struct hf_waiter w[3];
    struct hf_pool_endpoint *a;

    begin(10, 0);
    a = add("a", 1);
    for (int i = 0; i < 3; i++) {
        hf_waiter_init(&w[i]);
    }
    take(&w[0]);
    take(&w[1]);
    hf_pool_leave(pool, a, &out);
    CU_ASSERT_PTR_NULL(out.drained);
    release(&w[0], HF_OUTCOME_OK); /* the next one waits already: not idle */
    CU_ASSERT_PTR_NULL(out.drained);
    CU_ASSERT_PTR_EQUAL(woken(), &w[1]);
    hf_pool_accept(pool, &w[1]);
    UNIT_U64(load().endpoints, 1);
    release(&w[1], HF_OUTCOME_OK);
    CU_ASSERT_PTR_EQUAL(take_drained(), a);
    CU_ASSERT_EQUAL(take(&w[2]), HF_WAITER_WAITING);
    CU_ASSERT_TRUE(hf_pool_cancel(pool, &w[2], now, &out));
    a = add("b", 1);
    hf_pool_leave(pool, a, &out); /* idle now */
    CU_ASSERT_PTR_EQUAL(take_drained(), a);
    end();
}

static void
capacity_changes_at_once(void)
{
    struct hf_waiter w[4];
    struct hf_pool_endpoint *a;

    begin(10, 0);
    a = add("a", 1);
    for (int i = 0; i < 4; i++) {
        hf_waiter_init(&w[i]);
        take(&w[i]);
    }
    hf_pool_set_capacity(pool, 3, now, &out);
    CU_ASSERT_PTR_EQUAL(woken(), &w[1]);
    CU_ASSERT_PTR_EQUAL(woken(), &w[2]);
    CU_ASSERT_PTR_NULL(woken());
    hf_pool_accept(pool, &w[1]);
    hf_pool_accept(pool, &w[2]);
    hf_pool_set_capacity(pool, 1, now, &out);
    release(&w[0], HF_OUTCOME_OK);
    release(&w[1], HF_OUTCOME_OK);
    CU_ASSERT_PTR_NULL(woken()); /* still one in flight, which fills it */
    release(&w[2], HF_OUTCOME_OK);
    CU_ASSERT_PTR_EQUAL(woken(), &w[3]);
    hf_pool_accept(pool, &w[3]);
    release(&w[3], HF_OUTCOME_OK);
    drain(a);
    end();
}

static void
bad_answers_are_counted_and_replaced(void)
{
    struct hf_waiter w[2];
    struct hf_pool_endpoint *a;

    begin(10, 0);
    a = add("a", 1);
    hf_waiter_init(&w[0]);
    hf_waiter_init(&w[1]);
    audit_mode = AUDIT_INVALID;
    CU_ASSERT_EQUAL(take(&w[0]), HF_WAITER_TAKEN);
    UNIT_U64(load().invalid_picks, 1);
    release(&w[0], HF_OUTCOME_OK);
    audit_mode = AUDIT_DECLINE;
    CU_ASSERT_EQUAL(take(&w[0]), HF_WAITER_WAITING);
    UNIT_U64(load().invalid_picks, 1);
    audit_mode = AUDIT_RANDOM;
    CU_ASSERT_EQUAL(take(&w[1]), HF_WAITER_WAITING); /* behind the one before */
    hf_pool_set_capacity(pool, 2, now, &out);
    CU_ASSERT_PTR_EQUAL(woken(), &w[0]);
    CU_ASSERT_PTR_EQUAL(woken(), &w[1]);
    for (int i = 0; i < 2; i++) {
        hf_pool_accept(pool, &w[i]);
        release(&w[i], HF_OUTCOME_OK);
    }
    drain(a);
    end();
}

/* A record of ours around an endpoint. */
struct own {
    struct hf_pool_endpoint base;
    uint64_t number;
};

static unsigned freed;

static void
free_own(struct hf_pool_endpoint *endpoint)
{
    freed++;
    UNIT_U64(hf_container_of(endpoint, struct own, base)->number, 7);
}

static void
an_endpoint_that_the_policy_refuses_stays_out(void)
{
    struct hf_pool_endpoint_spec spec = { .id = "a", .address = "127.0.0.1:1", .capacity = 1 };
    struct hf_pool_endpoint *a = NULL;

    begin(10, 0);
    settings.endpoint_size = sizeof(struct own);
    settings.endpoint_fini = free_own;
    freed = 0;
    audit_added_code = HF_ENOMEM;
    CU_ASSERT_EQUAL(hf_pool_add(pool, &spec, now, &out, &a), HF_ENOMEM);
    CU_ASSERT_TRUE(hf_pool_is_cold(pool));
    UNIT_U64(freed, 0); /* nothing of ours was in it */
    audit_added_code = 0;
    CU_ASSERT_EQUAL(hf_pool_add(pool, &spec, now, &out, &a), 0);
    UNIT_U64(hf_container_of(a, struct own, base)->number, 0);
    hf_container_of(a, struct own, base)->number = 7;
    UNIT_STR(a->address, "127.0.0.1:1");
    hf_pool_endpoint_ref(a);
    drain(a);
    UNIT_U64(freed, 0);
    hf_pool_endpoint_unref(a);
    UNIT_U64(freed, 1);
    end();
}

static uint32_t changed_count;
static uint32_t changed_in_flight;

static void
note_changed(struct hf_pool_endpoint *endpoint)
{
    changed_count++;
    changed_in_flight += endpoint->in_flight;
}

/* How many endpoints have changed; their calls are in `changed_in_flight`. */
static uint32_t
changed(void)
{
    changed_count = changed_in_flight = 0;
    hf_pool_changed(pool, note_changed);
    return changed_count;
}

static void
says_whose_calls_have_changed(void)
{
    struct hf_waiter waiters[3];
    struct hf_pool_endpoint *a;
    struct hf_pool_endpoint *b;

    begin(10, 0);
    a = add("a", 0);
    UNIT_U64(changed(), 0);
    for (int i = 0; i < 3; i++) {
        hf_waiter_init(&waiters[i]);
        CU_ASSERT_EQUAL(hf_pool_take(pool, &waiters[i], now, &out), HF_WAITER_TAKEN);
    }
    b = add("b", 1);
    UNIT_U64(changed(), 1);
    UNIT_U64(changed_in_flight, 3);
    UNIT_U64(changed(), 0); /* only once */
    hf_pool_release(pool, &waiters[0], HF_OUTCOME_OK, now, &out);
    UNIT_U64(changed(), 1);
    UNIT_U64(changed_in_flight, 2);
    hf_pool_release(pool, &waiters[1], HF_OUTCOME_OK, now, &out);
    hf_pool_release(pool, &waiters[2], HF_OUTCOME_OK, now, &out);
    drain(a);
    UNIT_U64(changed(), 0); /* it has left */
    drain(b);
    end();
}

UNIT_MAIN("pool-endpoints", UNIT_TEST(drained_is_reported_once), UNIT_TEST(failures_in_a_row_eject),
          UNIT_TEST(calls_given_up_in_a_row_are_suspicious),
          UNIT_TEST(an_endpoint_has_served_once_a_call_ended_well),
          UNIT_TEST(an_ejected_endpoint_finishes_its_calls),
          UNIT_TEST(idle_endpoints_go_longest_idle_first),
          UNIT_TEST(a_leaving_endpoint_goes_when_it_is_idle), UNIT_TEST(capacity_changes_at_once),
          UNIT_TEST(bad_answers_are_counted_and_replaced),
          UNIT_TEST(an_endpoint_that_the_policy_refuses_stays_out),
          UNIT_TEST(says_whose_calls_have_changed))
