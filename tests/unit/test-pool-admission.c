/* test-pool-admission.c - who may wait at a pool that cannot grow: engine/pool_admission.c. */
#include <stdlib.h>

#include "audit-lb.h"
#include "base/macros.h"
#include "base/random.h"
#include "engine/pool.h"
#include "unit.h"

#define SERVICE   (100 * HF_MSEC)
#define CALLS_MAX 40

static const struct hf_function function = { .size = sizeof function, .id = "f", .hash = 7 };

static struct hf_pool_settings settings;
static struct hf_pool *pool;
static struct hf_pool_endpoint *endpoint;
static struct hf_pool_out out;
static struct hf_waiter w[CALLS_MAX];
static uint64_t now;

static struct hf_pool_load
load(void)
{
    struct hf_pool_load load;

    hf_pool_load(pool, &load);
    return load;
}

/* Call `i`, with so much time; 0: all the time in the world. */
static enum hf_waiter_state
take(int i, uint64_t timeout_ns)
{
    hf_waiter_init(&w[i]);
    w[i].deadline_ns = timeout_ns > 0 ? now + timeout_ns : 0;
    return hf_pool_take(pool, &w[i], now, &out);
}

/* Whether call `i` is the next that is woken, and how. */
static bool
woken(int i, enum hf_waiter_state state)
{
    struct hf_waiter *waiter = hf_list_first(&out.woken, struct hf_waiter, node);

    if (waiter != &w[i] || waiter->state != state) {
        return false;
    }
    hf_list_remove(&waiter->node);
    hf_pool_accept(pool, waiter);
    return true;
}

static void
release(int i)
{
    hf_pool_release(pool, &w[i], HF_OUTCOME_OK, now, &out);
}

/* A pool with one endpoint, where `calls` calls have taken SERVICE each. */
static void
begin(uint32_t capacity, uint64_t max_wait_ns, int calls)
{
    const struct hf_pool_endpoint_spec spec = { .id = "a", .address = "x:1", .capacity = capacity };

    audit_mode = AUDIT_RANDOM;
    audit_violations = 0;
    now = HF_SEC;
    settings = (struct hf_pool_settings){
        .lb = &audit_lb_ops,
        .max_waiting = 1000,
        .max_wait_ns = max_wait_ns,
    };
    CU_ASSERT_EQUAL_FATAL(hf_pool_new(&settings, &function, 1, &pool, NULL), 0);
    hf_pool_out_init(&out);
    CU_ASSERT_EQUAL_FATAL(hf_pool_add(pool, &spec, now, &out, &endpoint), 0);
    for (int i = 0; i < calls; i++) {
        CU_ASSERT_EQUAL(take(0, 0), HF_WAITER_TAKEN);
        now += SERVICE;
        release(0);
    }
}

static void
end(void)
{
    struct hf_waiter *waiter;

    hf_pool_refuse(pool, HF_FAILURE_DRAINING, "the end", &out);
    while ((waiter = hf_list_first(&out.woken, struct hf_waiter, node))) {
        hf_list_remove(&waiter->node);
        hf_pool_accept(pool, waiter);
    }
    for (int i = 0; i < CALLS_MAX; i++) {
        if (w[i].state == HF_WAITER_TAKEN) {
            release(i);
        }
    }
    hf_pool_drain(pool, endpoint, &out);
    hf_pool_endpoint_unref(out.drained);
    hf_pool_free(pool);
    UNIT_U64(audit_violations, 0);
}

static void
all_may_wait_while_the_pool_may_grow(void)
{
    begin(1, HF_SEC, 20);
    CU_ASSERT_EQUAL(take(0, 1), HF_WAITER_TAKEN);
    for (int i = 1; i < CALLS_MAX; i++) {
        CU_ASSERT_EQUAL(take(i, 1), HF_WAITER_WAITING);
    }
    end();
}

static void
refuses_at_once_what_cannot_be_served_in_time(void)
{
    begin(2, 0, 20);
    hf_pool_set_at_limit(pool, true);
    CU_ASSERT_EQUAL(take(0, 1), HF_WAITER_TAKEN); /* with a free slot it may try */
    CU_ASSERT_EQUAL(take(1, 0), HF_WAITER_TAKEN);
    UNIT_U64(load().service_ns, SERVICE);
    UNIT_U64(load().wait_ns, SERVICE / 2);
    CU_ASSERT_EQUAL(take(2, SERVICE), HF_WAITER_REFUSED);
    CU_ASSERT_EQUAL(w[2].refusal, HF_FAILURE_OVERLOADED);
    CU_ASSERT_EQUAL(take(2, 2 * SERVICE), HF_WAITER_WAITING);
    CU_ASSERT_EQUAL(take(3, 2 * SERVICE), HF_WAITER_REFUSED); /* there is one before it now */
    CU_ASSERT_EQUAL(take(3, 3 * SERVICE), HF_WAITER_WAITING);
    UNIT_U64(load().wait_ns, SERVICE / 2 * 3);
    hf_pool_set_at_limit(pool, false);
    CU_ASSERT_EQUAL(take(4, SERVICE), HF_WAITER_WAITING); /* more endpoints may come */
    end();
}

static void
without_deadlines_the_wait_has_a_limit(void)
{
    begin(1, 3 * SERVICE, 20);
    hf_pool_set_at_limit(pool, true);
    CU_ASSERT_EQUAL(take(0, 0), HF_WAITER_TAKEN);
    for (int i = 1; i <= 3; i++) {
        CU_ASSERT_EQUAL(take(i, 0), HF_WAITER_WAITING);
    }
    CU_ASSERT_EQUAL(take(4, 0), HF_WAITER_REFUSED);
    CU_ASSERT_EQUAL(w[4].refusal, HF_FAILURE_OVERLOADED);
    now += SERVICE;
    release(0);
    CU_ASSERT_TRUE(woken(1, HF_WAITER_GRANTED));
    CU_ASSERT_EQUAL(take(4, 0), HF_WAITER_WAITING);
    end();
}

static void
few_calls_prove_nothing(void)
{
    begin(1, SERVICE / 2, 15);
    hf_pool_set_at_limit(pool, true);
    CU_ASSERT_EQUAL(take(0, 0), HF_WAITER_TAKEN);
    CU_ASSERT_EQUAL(take(1, SERVICE / 2), HF_WAITER_WAITING);
    UNIT_U64(load().wait_ns, 0);
    now += SERVICE;
    release(0); /* the sixteenth */
    CU_ASSERT_EQUAL(take(2, 0), HF_WAITER_TAKEN);
    CU_ASSERT_EQUAL(take(3, SERVICE / 2), HF_WAITER_REFUSED);
    CU_ASSERT_TRUE(woken(1, HF_WAITER_REFUSED));
    end();
}

static void
a_slot_passes_over_those_who_are_late(void)
{
    begin(1, 0, 20);
    hf_pool_set_at_limit(pool, true);
    CU_ASSERT_EQUAL(take(0, 0), HF_WAITER_TAKEN);
    CU_ASSERT_EQUAL(take(1, 4 * SERVICE), HF_WAITER_WAITING);
    CU_ASSERT_EQUAL(take(2, 4 * SERVICE), HF_WAITER_WAITING);
    CU_ASSERT_EQUAL(take(3, 9 * SERVICE), HF_WAITER_WAITING);
    now += 4 * SERVICE - 1; /* the first call takes longer than others */
    release(0);
    CU_ASSERT_TRUE(woken(1, HF_WAITER_REFUSED));
    CU_ASSERT_TRUE(woken(2, HF_WAITER_REFUSED));
    CU_ASSERT_EQUAL(w[1].refusal, HF_FAILURE_OVERLOADED);
    CU_ASSERT_TRUE(woken(3, HF_WAITER_GRANTED));
    UNIT_U64(load().waiting, 0);
    end();
}

static void
an_expired_call_gets_no_slot_from_any_pool(void)
{
    begin(1, 0, 0);
    CU_ASSERT_EQUAL(take(0, 0), HF_WAITER_TAKEN);
    CU_ASSERT_EQUAL(take(1, SERVICE), HF_WAITER_WAITING);
    CU_ASSERT_EQUAL(take(2, SERVICE + 1), HF_WAITER_WAITING);
    now += SERVICE;
    hf_pool_set_capacity(pool, 2, now, &out);
    CU_ASSERT_TRUE(woken(1, HF_WAITER_REFUSED));
    CU_ASSERT_TRUE(woken(2, HF_WAITER_GRANTED));
    end();
}

static void
a_call_that_lost_its_endpoint_may_wait(void)
{
    begin(1, SERVICE / 2, 20);
    hf_pool_set_at_limit(pool, true);
    CU_ASSERT_EQUAL(take(0, 0), HF_WAITER_TAKEN);
    release(0);
    CU_ASSERT_EQUAL(take(1, 0), HF_WAITER_TAKEN);
    CU_ASSERT_EQUAL(take(2, 0), HF_WAITER_REFUSED);
    CU_ASSERT_EQUAL(hf_pool_take(pool, &w[0], now, &out), HF_WAITER_WAITING); /* it is the next */
    end();
}

static void
pushback_follows_the_queue(void)
{
    bool differs = false;
    uint64_t first;

    begin(1, 0, 0);
    first = hf_pool_pushback(pool);
    for (int i = 0; i < 100; i++) { /* nothing is known */
        uint64_t pushback = hf_pool_pushback(pool);

        CU_ASSERT_TRUE(pushback >= HF_SEC / 2 && pushback < HF_SEC / 2 * 3);
        differs = differs || pushback != first;
    }
    CU_ASSERT_TRUE(differs);
    end();

    begin(1, 0, 20);
    for (int i = 0; i < 20; i++) {
        take(i, 0);
    }
    for (int i = 0; i < 100; i++) {
        uint64_t pushback = hf_pool_pushback(pool);

        CU_ASSERT_TRUE(pushback >= 10 * SERVICE && pushback < 30 * SERVICE);
    }
    end();
}

/* --- open-loop load in virtual time ---------------------------------------------------------- */

#define SLOTS   8
#define STEP    HF_MSEC
#define MEAN_MS 50
#define RUN_MS  60000

struct caller {
    struct hf_waiter waiter; /* first: found by it */
    uint64_t ends_ns;        /* while it runs */
};

struct load_result {
    uint64_t in_time;
    uint64_t refused;
};

/* Those who were woken run, or are free to call again. */
static void
follow(struct hf_random *random, uint32_t spread_ms, struct load_result *result)
{
    struct hf_list *link;

    while ((link = hf_list_pop(&out.woken))) {
        struct hf_waiter *waiter = hf_container_of(link, struct hf_waiter, node);
        struct caller *caller = hf_container_of(waiter, struct caller, waiter);

        if (hf_pool_accept(pool, waiter) == HF_WAITER_TAKEN) {
            caller->ends_ns =
                now + (MEAN_MS - spread_ms + hf_random_below(random, 2 * spread_ms + 1)) * HF_MSEC;
        } else {
            result->refused++;
        }
    }
}

/* Calls that run end; those whose time is up go, wherever they are. */
static void
advance(struct caller *callers, size_t count, struct load_result *result)
{
    for (size_t i = 0; i < count; i++) {
        struct hf_waiter *waiter = &callers[i].waiter;

        if (waiter->state == HF_WAITER_TAKEN && callers[i].ends_ns <= now) {
            result->in_time += now <= waiter->deadline_ns;
            hf_pool_release(pool, waiter, HF_OUTCOME_OK, now, &out);
        } else if (waiter->state == HF_WAITER_TAKEN && waiter->deadline_ns <= now) {
            hf_pool_release(pool, waiter, HF_OUTCOME_CANCELLED, now, &out);
        } else if (waiter->state == HF_WAITER_WAITING && waiter->deadline_ns <= now) {
            hf_pool_cancel(pool, waiter, now, &out);
        }
    }
}

static void
arrive(struct caller *callers, size_t count, uint64_t timeout_ns, struct load_result *result)
{
    for (size_t i = 0; i < count; i++) {
        struct hf_waiter *waiter = &callers[i].waiter;

        if (waiter->state == HF_WAITER_IDLE) {
            hf_waiter_init(waiter);
            waiter->deadline_ns = now + timeout_ns;
            switch (hf_pool_take(pool, waiter, now, &out)) {
            case HF_WAITER_TAKEN:
                callers[i].ends_ns = now + MEAN_MS * HF_MSEC;
                break;
            case HF_WAITER_REFUSED:
                result->refused++;
                break;
            default:
                break;
            }
            return;
        }
    }
    CU_FAIL("all callers are busy");
}

/* Twice the capacity for a minute: how much of the capacity was answered in time, in percent. */
static uint64_t
goodput(uint64_t seed, uint64_t timeout_ns, uint32_t spread_ms, bool at_limit)
{
    static struct caller callers[1000];
    struct load_result result = { 0 };
    struct hf_random random;

    hf_random_init(&random, seed);
    begin(SLOTS, 0, 0);
    hf_pool_set_at_limit(pool, at_limit);
    for (size_t i = 0; i < hf_countof(callers); i++) {
        hf_waiter_init(&callers[i].waiter);
    }
    for (int i = 0; i < RUN_MS; i++, now += STEP) {
        advance(callers, hf_countof(callers), &result);
        follow(&random, spread_ms, &result);
        if (hf_random_below(&random, MEAN_MS) < (uint64_t)2 * SLOTS) {
            arrive(callers, hf_countof(callers), timeout_ns, &result);
        }
    }
    now += HF_SEC * 3600;
    advance(callers, hf_countof(callers), &result);
    follow(&random, spread_ms, &result);
    advance(callers, hf_countof(callers), &result);
    end();
    return result.in_time * 100 / ((uint64_t)RUN_MS / MEAN_MS * SLOTS);
}

static void
goodput_stays_at_capacity(void)
{
    static const uint64_t timeouts_ms[] = { 150, 300, 1000, 2000 };

    for (size_t i = 0; i < hf_countof(timeouts_ms); i++) {
        uint64_t timeout_ns = timeouts_ms[i] * HF_MSEC;

        CU_ASSERT_TRUE(goodput(i, timeout_ns, 0, true) >= 90);
        CU_ASSERT_TRUE(goodput(i, timeout_ns, 20, true) >= 90);
        CU_ASSERT_TRUE(goodput(i, timeout_ns, 0, false) < 60); /* what it is there for */
    }
}

UNIT_MAIN("pool-admission", UNIT_TEST(all_may_wait_while_the_pool_may_grow),
          UNIT_TEST(refuses_at_once_what_cannot_be_served_in_time),
          UNIT_TEST(without_deadlines_the_wait_has_a_limit), UNIT_TEST(few_calls_prove_nothing),
          UNIT_TEST(a_slot_passes_over_those_who_are_late),
          UNIT_TEST(an_expired_call_gets_no_slot_from_any_pool),
          UNIT_TEST(a_call_that_lost_its_endpoint_may_wait), UNIT_TEST(pushback_follows_the_queue),
          UNIT_TEST(goodput_stays_at_capacity))
