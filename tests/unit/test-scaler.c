/* test-scaler.c - what each scaler promises beyond the contract of all. */
#include <stdio.h>

#include "base/err.h"
#include "contract.h"

static struct policy policy;
static struct hf_scaler *scaler;
static struct hf_function function;
static struct hf_scale_view view;
static uint64_t state[256];

static void
begin_with(const char *name, const char *options, uint32_t concurrency)
{
    policy = policy_load(HF_PLUGIN_SCALER, name, options);
    CU_ASSERT_FATAL(policy.module->ops.scaler->function_state_size <= sizeof state);
    CU_ASSERT_EQUAL_FATAL(
        policy.module->ops.scaler->create(policy.module->host, policy.options, &scaler, NULL), 0);
    function = (struct hf_function){
        .size = sizeof function,
        .max_concurrency = concurrency,
        .id = "f",
        .idle_timeout_ns = 20 * HF_SEC,
    };
    for (size_t i = 0; i < hf_countof(state); i++) {
        state[i] = 0;
    }
    view = (struct hf_scale_view){
        .size = sizeof view,
        .function = &function,
        .state = state,
        .now_ns = 1000 * HF_SEC,
    };
}

static void
begin(const char *options, uint32_t concurrency)
{
    begin_with("concurrency", options, concurrency);
}

static void
end(void)
{
    policy.module->ops.scaler->destroy(scaler);
    policy_free(&policy);
}

static uint32_t
tick(void)
{
    return policy.module->ops.scaler->on_tick(scaler, &view);
}

static uint32_t
demand(void)
{
    return policy.module->ops.scaler->on_demand(scaler, &view);
}

static struct hf_idle_plan
idle_plan(void)
{
    struct hf_idle_plan plan = { .size = sizeof plan, .keep_ns = UINT64_MAX };

    policy.module->ops.scaler->on_idle(scaler, &view, &plan);
    return plan;
}

static uint64_t
tick_ns(void)
{
    return policy.module->ops.scaler->tick_ns(scaler, &view);
}

static void
as_many_as_the_calls_need(void)
{
    begin("", 4);
    view.waiting = 1;
    UNIT_U64(demand(), 1);
    view.waiting = 9;
    UNIT_U64(demand(), 3);
    view.in_flight = 8;
    UNIT_U64(demand(), 5);
    view.waiting = 0;
    view.ready = 5;
    UNIT_U64(tick(), 2); /* surplus goes while calls run */
    UNIT_U64(tick_ns(), HF_SEC);
    end();
}

static void
a_function_without_limit_has_a_target(void)
{
    begin("target = 50", 0);
    view.in_flight = 101;
    UNIT_U64(tick(), 3);
    end();
}

static void
idle_counts_from_the_last_completion(void)
{
    begin("", 1);
    view.ready = 3;
    view.idle = 3;
    view.idle_since_ns = view.last_finished_ns = view.now_ns;
    UNIT_U64(tick(), 3);              /* keeps what it has */
    UNIT_U64(tick_ns(), 20 * HF_SEC); /* and sleeps */
    view.now_ns += 20 * HF_SEC - 1;
    UNIT_U64(tick(), 3);
    UNIT_U64(tick_ns(), 1);
    view.now_ns += 1;
    UNIT_U64(tick(), 0);
    UNIT_U64(tick_ns(), HF_SEC);
    end();
}

static void
down_delay_keeps_the_peak(void)
{
    begin("down_delay = 8s", 1);
    view.in_flight = 10;
    view.ready = 10;
    UNIT_U64(tick(), 10);
    view.now_ns += HF_SEC;
    view.in_flight = 4;
    UNIT_U64(tick(), 10);
    view.now_ns += 7 * HF_SEC;
    view.in_flight = 2;
    UNIT_U64(tick(), 10); /* eight seconds after the peak */
    view.now_ns += HF_SEC;
    UNIT_U64(tick(), 4); /* nine: the next smaller one counts */
    view.now_ns += 7 * HF_SEC;
    UNIT_U64(tick(), 2);
    view.now_ns += 86400 * HF_SEC;
    UNIT_U64(tick(), 2);
    end();
}

/* --- kpa ----------------------------------------------------------------------------------- */

/* Ticks of a function without calls, so that its windows are empty and it is not in panic. */
static void
begin_kpa(const char *options, uint32_t concurrency)
{
    begin_with("kpa", options, concurrency);
    tick();
    view.now_ns += 100 * HF_SEC;
}

static void
kpa_panics_at_twice_what_is_ready(void)
{
    begin_with("kpa", "", 10);
    view.ready = 1;
    view.in_flight = 10;
    UNIT_U64(tick(), 2); /* a mean of 10 at a target of 7 */
    view.ready = 2;
    for (int i = 0; i < 60; i++) {
        view.now_ns += HF_SEC;
        view.in_flight = i < 3 ? 10 : 0;
        CU_ASSERT_TRUE(tick() >= 2); /* as long as the panic lasts */
    }
    view.now_ns += 5 * HF_SEC;
    UNIT_U64(tick(), 1);
    end();
}

static void
kpa_goes_down_by_halves(void)
{
    begin_kpa("grace = 0", 10);
    for (uint32_t ready = 8; ready > 0; ready /= 2) {
        view.ready = ready;
        UNIT_U64(tick(), ready / 2);
        view.now_ns += 2 * HF_SEC;
    }
    end();
    begin_kpa("", 10); /* the last one has its grace */
    view.waiting = 1;
    UNIT_U64(demand(), 1);
    view.waiting = 0;
    view.ready = 1;
    UNIT_U64(tick(), 1);
    view.now_ns += 28 * HF_SEC;
    UNIT_U64(tick(), 1);
    view.now_ns += 2 * HF_SEC;
    UNIT_U64(tick(), 0);
    end();
}

static void
kpa_goes_by_the_long_window_in_peace(void)
{
    begin_kpa("", 10);
    view.ready = 4;
    view.in_flight = 25;
    for (int i = 0; i < 80; i++) {
        view.now_ns += HF_SEC;
        CU_ASSERT_TRUE(tick() <= 4);
    }
    UNIT_U64(tick(), 4);
    view.in_flight = 35; /* the short window sees it at once, but it is no panic */
    for (int i = 0; i < 10; i++) {
        view.now_ns += HF_SEC;
        UNIT_U64(tick(), 4);
    }
    for (int i = 0; i < 60; i++) {
        view.now_ns += HF_SEC;
        tick();
    }
    UNIT_U64(tick(), 5);
    end();
}

static void
kpa_decides_every_other_second(void)
{
    begin_kpa("", 1);
    view.waiting = 1;
    UNIT_U64(demand(), 1); /* the first call is not kept waiting */
    view.waiting = 13;
    UNIT_U64(demand(), 1); /* others are */
    view.ready = 1;
    view.in_flight = 1;
    UNIT_U64(tick(), 20); /* 14 calls at a target of 0.7 */
    view.in_flight = view.waiting = 0;
    view.ready = 20;
    view.now_ns += HF_SEC;
    UNIT_U64(tick(), 20);
    UNIT_U64(demand(), 20);
    end();
}

static void
kpa_begins_with_what_runs(void)
{
    begin_with("kpa", "", 10);
    view.ready = 6;
    UNIT_U64(tick(), 6);
    view.now_ns += 58 * HF_SEC;
    UNIT_U64(tick(), 6);
    view.now_ns += 4 * HF_SEC;
    UNIT_U64(tick(), 3);
    end();
}

static void
kpa_as_dirigent_sets_it(void)
{
    begin_with("kpa", "target = 1\nbucket = 2s", 4);
    view.ready = 1;
    view.in_flight = 4;
    UNIT_U64(tick(), 1);
    view.now_ns += 2 * HF_SEC;
    view.in_flight = 12;
    UNIT_U64(tick(), 2); /* a mean of 8 */
    UNIT_U64(tick_ns(), 2 * HF_SEC);
    end();
}

static void
kpa_refuses_windows_it_cannot_keep(void)
{
    static const char *const wrong[] = { "bucket = 500ms", "panic_window = 61s",
                                         "panic_window = 900ms" };

    for (size_t i = 0; i < hf_countof(wrong); i++) {
        struct hf_err err = HF_ERR_INIT;

        policy = policy_load(HF_PLUGIN_SCALER, "kpa", wrong[i]);
        UNIT_INT(
            policy.module->ops.scaler->create(policy.module->host, policy.options, &scaler, &err),
            HF_EINVALID);
        UNIT_CONTAINS(err.message, "64 buckets");
        policy_free(&policy);
    }
}

/* --- perrequest and queuestale --------------------------------------------------------------- */

static void
perrequest_starts_one_for_each(void)
{
    begin_with("perrequest", "ttl = 90s", 10);
    view.ready = 2;
    view.waiting = 3;
    UNIT_U64(demand(), 5);
    view.starting = 3;
    UNIT_U64(demand(), 5);
    view.starting = 5;
    UNIT_U64(demand(), 7); /* no start is called back */
    view.waiting = 0;
    UNIT_U64(tick(), 7);
    UNIT_U64(idle_plan().keep_ns, 90 * HF_SEC);
    UNIT_U64(idle_plan().prewarm_after_ns, 0);
    end();
}

static void
queuestale_counts_stale_calls(void)
{
    begin_with("queuestale", "", 1);
    view.waiting = 1;
    UNIT_U64(demand(), 1);
    view.service_ns = 50 * HF_MSEC; /* two calls in an interval */
    view.calls_total = 100;
    view.ready = 4;
    tick();
    view.now_ns += 100 * HF_MSEC;
    view.waiting = 5;
    view.waiting_since_ns = view.now_ns - 100 * HF_MSEC;
    UNIT_U64(tick(), 4 + 3); /* all five are stale */
    view.starting = 1;
    UNIT_U64(tick(), 5 + 2);
    view.calls_total += 30;
    view.waiting = 20; /* and are fresh, so that one, which waits longest, is stale */
    view.starting = 0;
    UNIT_U64(tick(), 4 + 1 + 6);
    view.waiting_since_ns = view.now_ns - 50 * HF_MSEC;
    view.calls_total += 30;
    view.waiting = 7; /* what is there serves eight */
    UNIT_U64(tick(), 4);
    UNIT_U64(tick_ns(), 100 * HF_MSEC);
    view.waiting = 0;
    UNIT_U64(tick_ns(), 600 * HF_SEC);
    end();
}

static void
queuestale_adds_no_more_than_one_for_each(void)
{
    begin_with("queuestale", "", 1);
    view.service_ns = 10 * HF_SEC;
    view.waiting = 3;
    view.waiting_since_ns = view.now_ns - HF_SEC;
    view.ready = 1;
    UNIT_U64(tick(), 4);
    end();
}

/* --- hybridhistogram ------------------------------------------------------------------------- */

/* The function was idle `times` times for so many minutes each, and is again. */
static void
idle_for(uint64_t minutes, int times)
{
    for (int i = 0; i < times; i++) {
        view.now_ns += minutes * 60 * HF_SEC;
        view.gaps_total++;
        view.gaps_sum_ns += minutes * 60 * HF_SEC;
        view.last_gap_ns = minutes * 60 * HF_SEC;
        view.last_arrival_ns = view.now_ns;
        view.calls_total++;
        view.in_flight = 1;
        view.ready = 1;
        view.idle = 0;
        view.idle_since_ns = 0;
        tick();
        view.now_ns += HF_SEC;
        view.in_flight = 0;
        view.idle = 1;
        view.idle_since_ns = view.last_finished_ns = view.now_ns;
    }
}

static void
check_plan(uint64_t prewarm_s, uint64_t keep_s)
{
    struct hf_idle_plan plan = idle_plan();

    UNIT_U64((plan.prewarm_after_ns + HF_SEC / 2) / HF_SEC, prewarm_s);
    if (prewarm_s > 0) {
        UNIT_U64(plan.keep_ns, 0);
        view.idle_since_ns = view.now_ns += prewarm_s * HF_SEC; /* the new one is ready */
        plan = idle_plan();
        UNIT_U64(plan.prewarm_after_ns, 0);
    }
    UNIT_U64((plan.keep_ns + HF_SEC / 2) / HF_SEC, keep_s);
}

static void
hybridhistogram_knows_regular_ones(void)
{
    begin_with("hybridhistogram", "", 1);
    check_plan(0, 4 * 3600); /* nothing is known */
    idle_for(10, 30);
    check_plan(540, 726 - 540); /* from 0.9 * 10 minutes to 1.1 * 11 */
    end();
    begin_with("hybridhistogram", "keep_from = load", 1);
    idle_for(10, 30);
    check_plan(540, 726);
    end();
    begin_with("hybridhistogram", "", 1);
    idle_for(0, 30); /* below a minute: it is not worth while to stop */
    check_plan(0, 66);
    end();
}

static void
hybridhistogram_keeps_irregular_ones(void)
{
    begin_with("hybridhistogram", "", 1);
    for (uint64_t i = 0; i < 240; i++) {
        idle_for(i, 1);
    }
    check_plan(0, 4 * 3600);
    end();
    begin_with("hybridhistogram", "variant = faascache", 1);
    for (uint64_t i = 0; i < 240; i++) {
        idle_for(i, 1);
    }
    check_plan(0, 2 * 3600);
    for (int i = 0; i < 300000; i++) {
        idle_for(10, 1); /* varies less and less */
    }
    check_plan(540, 726 - 540);
    end();
}

static void
hybridhistogram_forecasts_long_ones(void)
{
    begin_with("hybridhistogram", "", 1);
    idle_for(10, 8);
    idle_for(500, 3);
    idle_for(300, 4);
    idle_for(600, 1); /* the last eight: 300 four times, 500 thrice, 600 */
    check_plan(500 * 51, 500 * 18);
    end();
}

/* It is remembered what was learned when the function has been cold, and how long that was. */
static void
hybridhistogram_remembers_cold_ones(void)
{
    begin_with("hybridhistogram", "", 1);
    idle_for(10, 29);
    tick();
    for (size_t i = 0; i < hf_countof(state); i++) {
        state[i] = 0;
    }
    view.gaps_total = view.gaps_sum_ns = view.last_gap_ns = view.calls_total = 0;
    view.now_ns += 20 * 60 * HF_SEC;
    view.last_finished_ns = 0;
    view.last_arrival_ns = view.now_ns;
    view.in_flight = 1;
    tick();
    view.in_flight = 0;
    view.idle_since_ns = view.last_finished_ns = view.now_ns;
    check_plan(540, 1386 - 540); /* up to 1.1 * 21 minutes now */
    end();
}

/* --- eviction ------------------------------------------------------------------------------- */

struct idle {
    uint64_t idle_since_s;
    uint64_t mib;
    uint64_t uses;
    uint64_t start_s;
};

/* The order in which three idle instances go, as digits. */
static uint32_t
order_by(const char *rule, const struct idle *idle, uint64_t need_mib)
{
    static uint64_t rooms[3][256];
    struct hf_victim victims[3];
    const struct hf_victim *list[3];
    uint32_t ret[3];
    char options[64];
    uint32_t digits = 0;
    uint32_t n;

    snprintf(options, sizeof options, "evict = %s", rule);
    begin_with("perrequest", options, 1);
    for (int i = 0; i < 3; i++) {
        rooms[i][0] = rooms[i][1] = 0;
        victims[i] = (struct hf_victim){ .size = sizeof victims[i],
                                         .function = &function,
                                         .idle_since_ns = idle[i].idle_since_s * HF_SEC,
                                         .memory_bytes = idle[i].mib << 20,
                                         .uses = idle[i].uses,
                                         .function_uses = idle[i].uses,
                                         .start_ns = idle[i].start_s * HF_SEC,
                                         .state = rooms[i] };
        list[i] = &victims[i];
    }
    n = policy.module->ops.scaler->victims(scaler, need_mib << 20, list, 3, ret);
    for (uint32_t i = 0; i < n; i++) {
        digits = digits * 10 + ret[i] + 1;
    }
    if (n > 0) { /* whoever is used now is younger than who was left */
        view.state = rooms[ret[0]];
        view.calls_total++;
        tick();
        policy.module->ops.scaler->victims(scaler, need_mib << 20, list, 3, ret);
        digits = digits * 10 + ret[0] + 1;
    }
    end();
    return digits;
}

static void
evicts_by_each_rule(void)
{
    const struct idle idle[] = { { 10, 100, 9, 4 }, { 20, 50, 4, 3 }, { 30, 400, 40, 5 } };

    UNIT_U64(order_by("none", idle, 1), 0);
    UNIT_U64(order_by("lru", idle, 1), 1231);
    UNIT_U64(order_by("greedydual", idle, 1), 2131); /* 0.36, 0.24, 0.5; then 2 has 0.48 */
    UNIT_U64(order_by("freq", idle, 1), 2132);       /* 36, 12, 200; then 2 has 24 */
    UNIT_U64(order_by("size", idle, 1), 2131);       /* 0.09, 0.08, 0.1; then 2 has 0.16 */
    UNIT_U64(order_by("landlord", idle, 1), 3123);   /* 0.04, 0.06, 0.0125; then 3 has 0.025 */
}

UNIT_MAIN("scaler", UNIT_TEST(as_many_as_the_calls_need),
          UNIT_TEST(a_function_without_limit_has_a_target),
          UNIT_TEST(idle_counts_from_the_last_completion), UNIT_TEST(down_delay_keeps_the_peak),
          UNIT_TEST(kpa_panics_at_twice_what_is_ready), UNIT_TEST(kpa_goes_down_by_halves),
          UNIT_TEST(kpa_goes_by_the_long_window_in_peace),
          UNIT_TEST(kpa_decides_every_other_second), UNIT_TEST(kpa_begins_with_what_runs),
          UNIT_TEST(kpa_as_dirigent_sets_it), UNIT_TEST(kpa_refuses_windows_it_cannot_keep),
          UNIT_TEST(perrequest_starts_one_for_each), UNIT_TEST(queuestale_counts_stale_calls),
          UNIT_TEST(queuestale_adds_no_more_than_one_for_each),
          UNIT_TEST(hybridhistogram_knows_regular_ones),
          UNIT_TEST(hybridhistogram_keeps_irregular_ones),
          UNIT_TEST(hybridhistogram_forecasts_long_ones),
          UNIT_TEST(hybridhistogram_remembers_cold_ones), UNIT_TEST(evicts_by_each_rule))
