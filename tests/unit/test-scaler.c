/* test-scaler.c - the scalers: the contract of all, and what each one promises. */
#include "contract.h"

static struct policy policy;
static struct hf_scaler *scaler;
static struct hf_function function;
static struct hf_scale_view view;
static uint64_t state[64];

static void
begin(const char *options, uint32_t concurrency)
{
    policy = policy_load(HF_PLUGIN_SCALER, "concurrency", options);
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

static uint64_t
tick_ns(void)
{
    return policy.module->ops.scaler->tick_ns(scaler, &view);
}

static void
concurrency_keeps_the_contract(void)
{
    static const char *const options[] = { "", "down_delay = 10s\ntick = 100ms", "target = 1" };

    for (size_t i = 0; i < hf_countof(options); i++) {
        policy = policy_load(HF_PLUGIN_SCALER, "concurrency", options[i]);
        contract_scaler(&policy);
        policy_free(&policy);
    }
}

static void
as_many_as_the_calls_need(void)
{
    begin("", 4);
    view.waiting = 1;
    UNIT_U64(policy.module->ops.scaler->on_demand(scaler, &view), 1);
    view.waiting = 9;
    UNIT_U64(policy.module->ops.scaler->on_demand(scaler, &view), 3);
    view.in_flight = 8;
    UNIT_U64(policy.module->ops.scaler->on_demand(scaler, &view), 5);
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

static void
a_named_module_keeps_the_contract(void)
{
    policy_run_named(HF_PLUGIN_SCALER, "scaler-concurrency", contract_scaler);
}

UNIT_MAIN("scaler", UNIT_TEST(concurrency_keeps_the_contract), UNIT_TEST(as_many_as_the_calls_need),
          UNIT_TEST(a_function_without_limit_has_a_target),
          UNIT_TEST(idle_counts_from_the_last_completion), UNIT_TEST(down_delay_keeps_the_peak),
          UNIT_TEST(a_named_module_keeps_the_contract))
