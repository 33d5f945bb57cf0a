/*
 * contract-scaler.c - the suite for autoscaling policies.
 *
 * A policy may want any number of instances at any time; what all must do is to
 * start one for a call that has none, keep one for calls that run, let a
 * function without calls go in the end, and give the same answers again.
 */
#include <string.h>

#include "base/hash.h"
#include "base/random.h"
#include "contract.h"

static const struct hf_function function = {
    .size = sizeof function,
    .max_concurrency = 4,
    .id = "f",
    .hash = 9,
    .image = "i:latest",
    .idle_timeout_ns = 90 * HF_SEC,
};

struct subject {
    const struct hf_scaler_ops *ops;
    struct hf_scaler *scaler;
    void *state;
};

static struct subject
subject_new(const struct policy *policy)
{
    const struct hf_module *module = policy->module;
    struct subject s = { .ops = module->ops.scaler };

    CU_ASSERT_EQUAL_FATAL(s.ops->create(module->host, policy->options, &s.scaler, NULL), 0);
    s.state = calloc(1, s.ops->function_state_size + 1);
    CU_ASSERT_FATAL(s.scaler && s.state);
    return s;
}

static void
subject_free(struct subject *s)
{
    s->ops->destroy(s->scaler);
    free(s->state);
}

static struct hf_scale_view
view_of(const struct subject *s, uint64_t now)
{
    return (struct hf_scale_view){
        .size = sizeof(struct hf_scale_view),
        .function = &function,
        .state = s->state,
        .now_ns = now,
    };
}

static uint64_t
next_tick(const struct subject *s, const struct hf_scale_view *view)
{
    uint64_t ns = s->ops->tick_ns ? s->ops->tick_ns(s->scaler, view) : HF_SEC;

    CU_ASSERT_TRUE(ns > 0);
    return ns;
}

static void
lives_and_dies(const struct policy *policy)
{
    struct subject a = subject_new(policy);
    struct subject b = subject_new(policy);

    CU_ASSERT_PTR_NOT_EQUAL(a.scaler, b.scaler);
    subject_free(&a);
    subject_free(&b);
    policy->module->ops.scaler->destroy(NULL);
}

static void
a_call_gets_an_instance(const struct policy *policy)
{
    struct subject s = subject_new(policy);
    struct hf_scale_view view = view_of(&s, 1000 * HF_SEC);

    view.waiting = 1;
    view.calls_total = 1;
    CU_ASSERT_TRUE(s.ops->on_demand(s.scaler, &view) >= 1);
    subject_free(&s);
}

/* One call, then nothing: the instance stays while it runs, and goes in the end. */
static void
an_idle_function_goes(const struct policy *policy)
{
    struct subject s = subject_new(policy);
    struct hf_scale_view view = view_of(&s, 1000 * HF_SEC);
    uint64_t end = view.now_ns + 10 * HF_SEC;
    uint32_t want = 1;

    view.waiting = 1;
    view.calls_total = 1;
    s.ops->on_demand(s.scaler, &view);
    view.waiting = 0;
    view.in_flight = 1;
    view.ready = 1;
    while (view.now_ns < end) {
        CU_ASSERT_TRUE(s.ops->on_tick(s.scaler, &view) >= 1);
        view.now_ns += hf_min(next_tick(&s, &view), end - view.now_ns);
    }
    view.in_flight = 0;
    view.idle = 1;
    view.last_finished_ns = view.idle_since_ns = end;
    for (int i = 0; i < 100000 && want > 0; i++) {
        struct hf_idle_plan plan = { .size = sizeof plan, .keep_ns = UINT64_MAX };

        want = s.ops->on_tick(s.scaler, &view);
        if (s.ops->on_idle) {
            s.ops->on_idle(s.scaler, &view, &plan);
        }
        if (plan.keep_ns != UINT64_MAX) {
            want = 0; /* the host stops it then */
        }
        view.now_ns = hf_add_saturated(view.now_ns, next_tick(&s, &view));
    }
    UNIT_U64(want, 0);
    subject_free(&s);
}

/* Any load, any jump of the clock. */
static uint64_t
random_history(const struct policy *policy, uint64_t seed)
{
    struct subject s = subject_new(policy);
    struct hf_scale_view view = view_of(&s, 1000 * HF_SEC);
    struct hf_random random;
    uint64_t digest = 0;

    hf_random_init(&random, seed);
    for (int i = 0; i < 20000; i++) {
        uint32_t want;

        view.now_ns += hf_random_below(&random, 3) * hf_random_below(&random, HF_SEC);
        view.now_ns += hf_random_below(&random, 500) ? 0 : 86400 * HF_SEC;
        view.ready = (uint32_t)hf_random_below(&random, 20);
        view.starting = (uint32_t)hf_random_below(&random, 5);
        view.in_flight = (uint32_t)hf_random_below(&random, 4 * (uint64_t)view.ready + 1);
        view.waiting = view.ready ? 0 : (uint32_t)hf_random_below(&random, 100);
        view.idle = view.in_flight ? 0 : view.ready;
        view.calls_total += view.waiting;
        view.service_ns = hf_random_below(&random, HF_SEC);
        view.waiting_since_ns = view.waiting ? view.now_ns - hf_random_below(&random, HF_SEC) : 0;
        view.last_gap_ns = hf_random_below(&random, 86400 * HF_SEC) >> hf_random_below(&random, 20);
        view.gaps_total++;
        view.gaps_sum_ns += view.last_gap_ns;
        view.last_arrival_ns = view.now_ns - hf_random_below(&random, HF_SEC);
        view.last_finished_ns = view.now_ns - hf_random_below(&random, 100 * HF_SEC);
        view.idle_since_ns = view.in_flight + view.waiting ? 0 : view.last_finished_ns;
        view.random = hf_random_u64(&random);
        want = s.ops->on_tick(s.scaler, &view);
        if (view.waiting > 0) {
            want = hf_max(want, s.ops->on_demand(s.scaler, &view));
            CU_ASSERT_TRUE(want >= 1);
        }
        digest = hf_hash_mix(digest + want);
        digest = hf_hash_mix(digest + next_tick(&s, &view));
    }
    subject_free(&s);
    return digest;
}

static void
repeats_itself(const struct policy *policy)
{
    for (uint64_t seed = 1; seed <= 5; seed++) {
        UNIT_U64(random_history(policy, seed), random_history(policy, seed));
    }
}

/* Of instances of any age and size, each is named once at most. */
static void
names_victims(const struct policy *policy)
{
    enum { COUNT = 32 };
    struct subject s = subject_new(policy);
    struct hf_victim victims[COUNT];
    const struct hf_victim *list[COUNT];
    uint32_t ret[COUNT];
    struct hf_random random;

    hf_random_init(&random, 1);
    for (uint32_t i = 0; i < COUNT; i++) {
        victims[i] = (struct hf_victim){
            .size = sizeof victims[i],
            .function = &function,
            .instance = { i, 1 },
            .idle_since_ns = 1000 * HF_SEC + i,
            .memory_bytes = hf_random_below(&random, 100),
            .uses = hf_random_below(&random, 100),
            .start_ns = hf_random_below(&random, HF_SEC),
            .state = s.state,
            .function_uses = hf_random_below(&random, 1000),
            .instances = 1,
        };
        list[i] = &victims[i];
    }
    for (uint32_t count = 1; count <= COUNT && s.ops->victims; count++) {
        bool named[COUNT] = { false };
        uint32_t n = s.ops->victims(s.scaler, hf_random_below(&random, 1000), list, count, ret);

        CU_ASSERT_TRUE_FATAL(n <= count);
        for (uint32_t i = 0; i < n; i++) {
            CU_ASSERT_TRUE_FATAL(ret[i] < count && !named[ret[i]]);
            named[ret[i]] = true;
        }
    }
    subject_free(&s);
}

void
contract_scaler(const struct policy *policy)
{
    names_victims(policy);
    lives_and_dies(policy);
    a_call_gets_an_instance(policy);
    an_idle_function_goes(policy);
    repeats_itself(policy);
}
