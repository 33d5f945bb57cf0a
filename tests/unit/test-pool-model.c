/*
 * test-pool-model.c - long random histories of a pool against a naive model.
 *
 * The model keeps plain arrays and searches them.  After each step the pool must
 * agree: who was granted and in which order, what is in flight where, which
 * endpoints drained.  HF_TEST_SEED repeats a history.
 */
#include "engine/pool.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit-lb.h"
#include "base/macros.h"
#include "base/random.h"
#include "unit.h"

#define CALLS     64
#define ENDPOINTS 12
#define MAX_QUEUE 20
#define EJECT     3
#define GONE      (ENDPOINTS + 1)

struct model_endpoint {
    struct hf_pool_endpoint *real; /* NULL: none */
    uint32_t in_flight;
    uint32_t capacity;
    uint32_t failures;
    bool leaving;
    bool draining;
};

struct world {
    struct hf_random random;
    struct hf_pool *pool;
    struct hf_waiter calls[CALLS];
    int avoided[CALLS]; /* one more than the endpoint that the call avoids; 0: none */
    int at[CALLS];      /* endpoint of a call that was granted or taken; -1: none */
    bool mail[CALLS];   /* a wake-up is on its way */
    int queue[CALLS];
    int queued;
    struct model_endpoint endpoints[ENDPOINTS];
    uint64_t now;
    uint64_t steps;
    uint64_t overloaded; /* calls refused because they would wait for too long */
    bool at_limit;
    bool failed;
};

static bool
expect(struct world *w, bool ok, const char *what)
{
    if (!ok && !w->failed) {
        fprintf(stderr, "step %llu: %s\n", (unsigned long long)w->steps, what);
        CU_FAIL("the pool and the model disagree");
        w->failed = true;
    }
    return ok;
}

static bool
usable(const struct model_endpoint *e)
{
    return e->real && !e->draining && (e->capacity == 0 || e->in_flight < e->capacity);
}

/* Whether there is one that the call may have; -1: any call. */
static bool
any_usable(const struct world *w, int call)
{
    for (int i = 0; i < ENDPOINTS; i++) {
        if (usable(&w->endpoints[i]) && (call < 0 || w->avoided[call] != i + 1)) {
            return true;
        }
    }
    return false;
}

static int
endpoint_index(const struct world *w, const struct hf_pool_endpoint *real)
{
    for (int i = 0; i < ENDPOINTS; i++) {
        if (w->endpoints[i].real == real) {
            return i;
        }
    }
    return -1;
}

static void
unqueue(struct world *w, int call)
{
    int i = 0;

    while (i < w->queued && w->queue[i] != call) {
        i++;
    }
    expect(w, i < w->queued, "a call left the queue that was not in it");
    w->queued--;
    memmove(&w->queue[i], &w->queue[i + 1], (size_t)(w->queued - i) * sizeof w->queue[0]);
}

static void
occupy(struct world *w, int call)
{
    int i = endpoint_index(w, w->calls[call].endpoint);

    if (expect(w, i >= 0, "granted an endpoint that is not there") &&
        expect(w, usable(&w->endpoints[i]), "granted an endpoint that is not usable")) {
        w->at[call] = i;
        w->endpoints[i].in_flight++;
    }
}

/* An endpoint has left; whoever avoided it avoids one that is not there. */
static void
forget_avoided(struct world *w, int endpoint)
{
    for (int i = 0; i < CALLS; i++) {
        if (w->avoided[i] == endpoint + 1) {
            w->avoided[i] = GONE;
        }
    }
}

/* What must have left by now is exactly what the pool reports. */
static void
check_left(struct world *w, struct hf_pool_out *out)
{
    for (int i = 0; i < ENDPOINTS; i++) {
        struct model_endpoint *e = &w->endpoints[i];

        if (e->real && e->draining && e->in_flight == 0) {
            expect(w, out->drained == e->real, "an endpoint drained and nobody said so");
            hf_pool_endpoint_unref(out->drained);
            out->drained = NULL;
            *e = (struct model_endpoint){ 0 };
            forget_avoided(w, i);
        }
    }
    expect(w, !out->drained, "an endpoint was reported that has not drained");
}

/* Follows the wake-ups of a step: first come, first served, as long as there was room. */
static void
check_woken(struct world *w, struct hf_pool_out *out)
{
    struct hf_list *link;

    while ((link = hf_list_pop(&out->woken))) {
        struct hf_waiter *waiter = hf_container_of(link, struct hf_waiter, node);
        int call = (int)(waiter - w->calls);

        expect(w, w->queued > 0 && w->queue[0] == call, "woken out of turn");
        unqueue(w, call);
        w->mail[call] = true;
        if (waiter->state == HF_WAITER_GRANTED) {
            expect(w, waiter->deadline_ns == 0 || waiter->deadline_ns > w->now, "granted too late");
            occupy(w, call);
        } else if (waiter->refusal == HF_FAILURE_OVERLOADED) {
            expect(w, waiter->deadline_ns > 0, "late without a deadline");
            expect(w, w->at_limit || waiter->deadline_ns <= w->now, "given up too soon");
        }
    }
    expect(w, w->queued == 0 || !any_usable(w, -1), "calls wait although a slot is free");
}

static void
check_sums(struct world *w)
{
    struct hf_pool_load load;
    uint32_t in_flight = 0;
    uint32_t idle = 0;
    uint32_t present = 0;

    for (int i = 0; i < ENDPOINTS; i++) {
        const struct model_endpoint *e = &w->endpoints[i];

        if (e->real) {
            expect(w, e->real->in_flight == e->in_flight, "in flight at an endpoint");
            present += !e->draining;
            idle += !e->draining && e->in_flight == 0;
            in_flight += e->in_flight;
        }
    }
    hf_pool_load(w->pool, &load);
    expect(w, load.in_flight == in_flight, "in flight");
    expect(w, load.waiting == (uint32_t)w->queued, "waiting");
    expect(w, load.endpoints == present, "endpoints");
    expect(w, load.idle == idle, "idle");
}

/* --- steps --------------------------------------------------------------------------------- */

static void
new_call(struct world *w, int call)
{
    hf_waiter_init(&w->calls[call]);
    w->avoided[call] = 0;
    if (hf_random_below(&w->random, 2) == 0) {
        w->calls[call].deadline_ns = w->now + 1 + hf_random_below(&w->random, 300);
    }
}

static void
step_take(struct world *w, int call, struct hf_pool_out *out)
{
    bool room = w->queued == 0 && any_usable(w, call);
    bool again = w->calls[call].attempts > 0;
    enum hf_waiter_state state = hf_pool_take(w->pool, &w->calls[call], w->now, out);

    if (room) {
        expect(w, state == HF_WAITER_TAKEN, "a free slot was not given");
        occupy(w, call);
        expect(w, w->avoided[call] != w->at[call] + 1, "given what it avoids");
    } else if (w->avoided[call]) {
        expect(w, state == HF_WAITER_REFUSED, "one that avoids must not wait");
        expect(w, w->calls[call].refusal == HF_FAILURE_NO_OTHER, "refused for another reason");
        new_call(w, call);
    } else if (w->queued >= MAX_QUEUE) {
        expect(w, state == HF_WAITER_REFUSED, "the queue is too long");
    } else if (state == HF_WAITER_REFUSED) {
        expect(w, w->calls[call].refusal == HF_FAILURE_OVERLOADED, "refused for another reason");
        expect(w, w->at_limit && w->calls[call].deadline_ns > 0 && !again, "refused too soon");
        w->overloaded++;
        new_call(w, call);
    } else {
        expect(w, state == HF_WAITER_WAITING, "should wait");
        if (again) {
            memmove(&w->queue[1], &w->queue[0], (size_t)w->queued * sizeof w->queue[0]);
        }
        w->queue[again ? 0 : w->queued] = call;
        w->queued++;
    }
}

static void
step_release(struct world *w, int call, struct hf_pool_out *out)
{
    struct model_endpoint *e = &w->endpoints[w->at[call]];
    uint32_t outcome = 1 + (uint32_t)hf_random_below(&w->random, 4);

    e->in_flight--;
    w->at[call] = -1;
    e->failures = outcome == HF_OUTCOME_OK ? 0 : e->failures + (outcome == HF_OUTCOME_FAILED);
    hf_pool_release(w->pool, &w->calls[call], outcome, w->now, out);
    expect(w, (e->failures >= EJECT && !e->draining) == (out->ejected != NULL), "ejection");
    if (out->ejected) {
        expect(w, out->ejected == e->real, "another one was ejected");
        e->draining = true;
        hf_pool_endpoint_unref(out->ejected);
    }
    if (hf_random_below(&w->random, 2) == 0) {
        new_call(w, call); /* otherwise it is a retry, perhaps of one that was refused there */
    } else if (e->real && hf_random_below(&w->random, 4) == 0) {
        w->calls[call].avoid = e->real->base.handle;
        w->avoided[call] = (int)(e - w->endpoints) + 1;
    }
}

static void
step_cancel(struct world *w, int call, struct hf_pool_out *out)
{
    enum hf_waiter_state state = w->calls[call].state;
    bool gone = hf_pool_cancel(w->pool, &w->calls[call], w->now, out);

    expect(w, gone == !w->mail[call], "cancelled with a wake-up on its way");
    if (state == HF_WAITER_WAITING) {
        unqueue(w, call);
    } else if (state == HF_WAITER_GRANTED) {
        w->endpoints[w->at[call]].in_flight--;
        w->at[call] = -1;
    }
}

static void
step_call(struct world *w, int call, struct hf_pool_out *out)
{
    switch ((enum hf_waiter_state)w->calls[call].state) {
    case HF_WAITER_IDLE:
        step_take(w, call, out);
        break;
    case HF_WAITER_TAKEN:
        step_release(w, call, out);
        break;
    case HF_WAITER_WAITING:
        if (hf_random_below(&w->random, 4) == 0) {
            step_cancel(w, call, out);
        }
        break;
    default:
        if (hf_random_below(&w->random, 3) == 0) {
            step_cancel(w, call, out);
        } else {
            expect(w, w->mail[call], "a state without a wake-up");
            w->mail[call] = false;
            hf_pool_accept(w->pool, &w->calls[call]);
        }
    }
}

static void
step_endpoint(struct world *w, struct hf_pool_out *out)
{
    struct model_endpoint *e = &w->endpoints[hf_random_below(&w->random, ENDPOINTS)];
    uint32_t capacity = (uint32_t)hf_random_below(&w->random, 4);
    struct hf_pool_endpoint_spec spec = { .id = "e", .address = "x:1", .capacity = capacity };

    if (!e->real) {
        e->capacity = capacity;
        expect(w, hf_pool_add(w->pool, &spec, w->now, out, &e->real) == 0, "add");
    } else if (hf_random_below(&w->random, 4) == 0) {
        e->draining = true;
        hf_pool_drain(w->pool, e->real, out);
    } else if (hf_random_below(&w->random, 4) == 0) {
        e->leaving = true;
        hf_pool_leave(w->pool, e->real, out);
    }
}

static void
step_rare(struct world *w, struct hf_pool_out *out)
{
    uint32_t capacity = (uint32_t)hf_random_below(&w->random, 3);

    switch (hf_random_below(&w->random, 4)) {
    case 0:
        hf_pool_set_capacity(w->pool, capacity, w->now, out);
        for (int i = 0; i < ENDPOINTS; i++) {
            w->endpoints[i].capacity = capacity;
        }
        break;
    case 1:
        hf_pool_refuse(w->pool, HF_FAILURE_NO_WORKER, "full", out);
        break;
    case 2:
        w->at_limit = !w->at_limit;
        hf_pool_set_at_limit(w->pool, w->at_limit);
        break;
    default:
        if (hf_pool_drain_idle(w->pool, w->now, out)) {
            int i = endpoint_index(w, out->drained);

            if (expect(w, i >= 0 && w->endpoints[i].in_flight == 0, "drained a busy one")) {
                w->endpoints[i].draining = true;
            }
        }
    }
}

/* Those that leave are draining once they are idle, after those who wait got their slots. */
static void
let_leave(struct world *w)
{
    for (int i = 0; i < ENDPOINTS; i++) {
        struct model_endpoint *e = &w->endpoints[i];

        e->draining |= e->real && e->leaving && e->in_flight == 0;
    }
}

static void
step(struct world *w)
{
    uint64_t dice = hf_random_below(&w->random, 100);
    struct hf_pool_out out;

    hf_pool_out_init(&out);
    w->now += hf_random_below(&w->random, 5);
    if (dice < 90) {
        step_call(w, (int)hf_random_below(&w->random, CALLS), &out);
    } else if (dice < 99) {
        step_endpoint(w, &out);
    } else {
        step_rare(w, &out);
    }
    check_woken(w, &out);
    let_leave(w);
    check_left(w, &out);
    check_sums(w);
    w->steps++;
}

/* Ends all calls and endpoints: nothing may stay. */
static void
wind_up(struct world *w)
{
    struct hf_pool_out out;

    hf_pool_out_init(&out);
    hf_pool_refuse(w->pool, HF_FAILURE_DRAINING, "the end", &out);
    check_woken(w, &out);
    for (int i = 0; i < CALLS; i++) {
        if (w->mail[i]) {
            hf_pool_accept(w->pool, &w->calls[i]);
        }
        if (w->calls[i].state == HF_WAITER_TAKEN) {
            step_release(w, i, &out);
            out.ejected = NULL;
            let_leave(w);
            check_left(w, &out);
        }
    }
    for (int i = 0; i < ENDPOINTS; i++) {
        if (w->endpoints[i].real) {
            hf_pool_drain(w->pool, w->endpoints[i].real, &out);
            hf_pool_endpoint_unref(out.drained);
            out.drained = NULL;
        }
    }
    expect(w, hf_pool_is_cold(w->pool), "something stayed");
}

static void
run_history(uint64_t seed)
{
    const struct hf_function function = { .size = sizeof function, .id = "f" };
    const struct hf_pool_settings settings = {
        .lb = &audit_lb_ops,
        .max_waiting = MAX_QUEUE,
        .eject_after = EJECT,
    };
    hf_autofree struct world *w = calloc(1, sizeof *w);

    CU_ASSERT_PTR_NOT_NULL_FATAL(w);
    hf_random_init(&w->random, seed);
    CU_ASSERT_EQUAL_FATAL(hf_pool_new(&settings, &function, seed, &w->pool, NULL), 0);
    for (int i = 0; i < CALLS; i++) {
        hf_waiter_init(&w->calls[i]);
        w->at[i] = -1;
    }
    while (w->steps < 4000 && !w->failed) {
        step(w);
    }
    if (w->failed) {
        fprintf(stderr, "HF_TEST_SEED=%llu\n", (unsigned long long)seed);
        return;
    }
    CU_ASSERT_TRUE(w->overloaded > 0);
    wind_up(w);
    hf_pool_free(w->pool);
}

static void
agrees_with_the_model(void)
{
    const char *given = getenv("HF_TEST_SEED");

    audit_violations = 0;
    if (given) {
        run_history(strtoull(given, NULL, 10));
    }
    for (uint64_t seed = 1; seed <= 50 && !given; seed++) {
        run_history(seed);
    }
    UNIT_U64(audit_violations, 0);
}

UNIT_MAIN("pool-model", UNIT_TEST(agrees_with_the_model))
