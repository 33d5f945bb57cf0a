/* test-pool.c - slots, waiting calls, draining, ejection: every rule of engine/pool.h. */
#include "engine/pool.h"

#include <stdio.h>
#include <string.h>

#include "audit-lb.h"
#include "base/random.h"
#include "unit.h"

static const struct hf_function function = { .size = sizeof function, .id = "f", .hash = 7 };

static struct hf_pool_settings settings;
static struct hf_pool *pool;
static struct hf_pool_out out;
static uint64_t now;

static void
begin(uint32_t max_waiting, uint32_t eject_after)
{
    audit_mode = AUDIT_RANDOM;
    audit_violations = 0;
    audit_added_code = 0;
    now = 1000;
    settings = (struct hf_pool_settings){
        .lb = &audit_lb_ops,
        .max_waiting = max_waiting,
        .eject_after = eject_after,
    };
    CU_ASSERT_EQUAL_FATAL(hf_pool_new(&settings, &function, 1, &pool, NULL), 0);
    hf_pool_out_init(&out);
}

static void
end(void)
{
    CU_ASSERT_TRUE(hf_pool_is_cold(pool));
    hf_pool_free(pool);
    UNIT_U64(audit_violations, 0);
}

static struct hf_pool_endpoint *
add(const char *id, uint32_t capacity)
{
    struct hf_pool_endpoint_spec spec = { .id = id,
                                          .address = "127.0.0.1:1",
                                          .capacity = capacity };
    struct hf_pool_endpoint *endpoint = NULL;

    CU_ASSERT_EQUAL_FATAL(hf_pool_add(pool, &spec, now, &out, &endpoint), 0);
    return endpoint;
}

/* The endpoint that drained, once; its reference is dropped. */
static struct hf_pool_endpoint *
take_drained(void)
{
    struct hf_pool_endpoint *drained = out.drained;

    out.drained = NULL;
    hf_pool_endpoint_unref(drained);
    return drained;
}

static void
drain(struct hf_pool_endpoint *endpoint)
{
    hf_pool_drain(pool, endpoint, &out);
    CU_ASSERT_PTR_EQUAL(take_drained(), endpoint);
}

static enum hf_waiter_state
take(struct hf_waiter *waiter)
{
    return hf_pool_take(pool, waiter, now, &out);
}

static void
release(struct hf_waiter *waiter, uint32_t outcome)
{
    hf_pool_release(pool, waiter, outcome, now, &out);
}

/* The next wake-up, in order; NULL: there is none. */
static struct hf_waiter *
woken(void)
{
    struct hf_waiter *waiter = hf_list_first(&out.woken, struct hf_waiter, node);

    if (waiter) {
        hf_list_remove(&waiter->node);
    }
    return waiter;
}

static struct hf_pool_load
load(void)
{
    struct hf_pool_load load;

    hf_pool_load(pool, &load);
    return load;
}

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

UNIT_MAIN("pool", UNIT_TEST(grants_while_there_are_slots),
          UNIT_TEST(unlimited_capacity_never_fills), UNIT_TEST(new_calls_queue_behind_waiting_ones),
          UNIT_TEST(a_full_queue_refuses), UNIT_TEST(an_avoided_endpoint_is_not_given_again),
          UNIT_TEST(a_grant_passes_over_a_cancelled_call), UNIT_TEST(drained_is_reported_once),
          UNIT_TEST(failures_in_a_row_eject), UNIT_TEST(calls_given_up_in_a_row_are_suspicious),
          UNIT_TEST(an_endpoint_has_served_once_a_call_ended_well),
          UNIT_TEST(an_ejected_endpoint_finishes_its_calls),
          UNIT_TEST(idle_endpoints_go_longest_idle_first),
          UNIT_TEST(a_leaving_endpoint_goes_when_it_is_idle), UNIT_TEST(capacity_changes_at_once),
          UNIT_TEST(refuses_at_once_while_nothing_can_be_done),
          UNIT_TEST(refusing_wakes_all_and_closing_all_to_come),
          UNIT_TEST(notifies_until_somebody_looks), UNIT_TEST(bad_answers_are_counted_and_replaced),
          UNIT_TEST(an_endpoint_that_the_policy_refuses_stays_out),
          UNIT_TEST(says_whose_calls_have_changed))
