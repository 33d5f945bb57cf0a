/* test-lb.c - the lb policies: the contract of all, and what each one promises. */
#include "base/random.h"
#include "contract.h"
#include "engine/pool.h"

#define MANY 1000

static const struct hf_function function = { .size = sizeof function, .id = "f", .hash = 5 };

static struct policy policy;
static struct hf_pool_settings settings;
static struct hf_pool *pool;
static struct hf_pool_endpoint *endpoints[MANY];

static void
begin(const char *name, uint32_t count, uint32_t capacity)
{
    struct hf_pool_endpoint_spec spec = { .id = "e", .address = "x:1", .capacity = capacity };
    struct hf_pool_out out;

    policy = policy_load(HF_PLUGIN_LB, name, "");
    settings = (struct hf_pool_settings){
        .lb = policy.module->ops.lb,
        .host = policy.module->host,
        .options = policy.options,
        .max_waiting = 1,
    };
    CU_ASSERT_EQUAL_FATAL(hf_pool_new(&settings, &function, 3, &pool, NULL), 0);
    hf_pool_out_init(&out);
    for (uint32_t i = 0; i < count; i++) {
        CU_ASSERT_EQUAL_FATAL(hf_pool_add(pool, &spec, 0, &out, &endpoints[i]), 0);
    }
}

static void
end(uint32_t count)
{
    struct hf_pool_out out;

    for (uint32_t i = 0; i < count; i++) {
        hf_pool_out_init(&out);
        hf_pool_drain(pool, endpoints[i], &out);
        hf_pool_endpoint_unref(out.drained);
    }
    hf_pool_free(pool);
    policy_free(&policy);
}

/* A call begins; the index of its endpoint. */
static uint32_t
take(struct hf_waiter *call)
{
    struct hf_pool_out out;

    hf_pool_out_init(&out);
    hf_waiter_init(call);
    CU_ASSERT_EQUAL_FATAL(hf_pool_take(pool, call, 0, &out), HF_WAITER_TAKEN);
    return call->endpoint->base.handle.index;
}

static void
release(struct hf_waiter *call)
{
    struct hf_pool_out out;

    hf_pool_out_init(&out);
    hf_pool_release(pool, call, HF_OUTCOME_OK, 0, &out);
}

static void
roundrobin_keeps_the_contract(void)
{
    policy = policy_load(HF_PLUGIN_LB, "roundrobin", "");
    contract_lb(&policy);
    policy_free(&policy);
}

static void
roundrobin_takes_turns(void)
{
    struct hf_waiter call;

    begin("roundrobin", 5, 0);
    for (uint32_t i = 0; i < 23; i++) {
        UNIT_U64(take(&call), i % 5);
        release(&call);
    }
    end(5);
}

static void
leastload_keeps_the_contract(void)
{
    policy = policy_load(HF_PLUGIN_LB, "leastload", "");
    contract_lb(&policy);
    policy_free(&policy);
}

/* Against a scan over all: whoever is picked has the fewest calls. */
static void
leastload_picks_the_fewest(void)
{
    static struct hf_waiter calls[5000];
    uint32_t in_flight[MANY] = { 0 };
    struct hf_random random;

    hf_random_init(&random, 1);
    begin("leastload", MANY, 7);
    for (size_t i = 0; i < hf_countof(calls); i++) {
        uint32_t fewest = UINT32_MAX;
        uint32_t index = take(&calls[i]);

        for (uint32_t k = 0; k < MANY; k++) {
            fewest = hf_min(fewest, in_flight[k]);
        }
        CU_ASSERT_EQUAL_FATAL(in_flight[index], fewest);
        in_flight[index]++;
        if (i > 0 && hf_random_below(&random, 3) == 0) {
            size_t other = hf_random_below(&random, i);

            if (calls[other].state == HF_WAITER_TAKEN) {
                in_flight[calls[other].endpoint->base.handle.index]--;
                release(&calls[other]);
            }
        }
    }
    for (size_t i = 0; i < hf_countof(calls); i++) {
        if (calls[i].state == HF_WAITER_TAKEN) {
            release(&calls[i]);
        }
    }
    end(MANY);
}

/* Ten idle endpoints, ten thousand calls one after the other: all equally often. */
static void
leastload_breaks_ties_at_random(void)
{
    uint32_t picked[10] = { 0 };
    uint32_t repeats = 0;
    uint32_t last = UINT32_MAX;
    struct hf_waiter call;

    begin("leastload", 10, 0);
    for (int i = 0; i < 10000; i++) {
        uint32_t index = take(&call);

        picked[index]++;
        repeats += index == last;
        last = index;
        release(&call);
    }
    for (int i = 0; i < 10; i++) {
        CU_ASSERT_TRUE(picked[i] > 880 && picked[i] < 1120); /* four deviations */
    }
    CU_ASSERT_TRUE(repeats > 880 && repeats < 1120); /* each draw forgets the one before */
    end(10);
}

static void
a_named_module_keeps_the_contract(void)
{
    policy_run_named(HF_PLUGIN_LB, "lb-roundrobin", contract_lb);
}

UNIT_MAIN("lb", UNIT_TEST(roundrobin_keeps_the_contract), UNIT_TEST(roundrobin_takes_turns),
          UNIT_TEST(leastload_keeps_the_contract), UNIT_TEST(leastload_picks_the_fewest),
          UNIT_TEST(leastload_breaks_ties_at_random), UNIT_TEST(a_named_module_keeps_the_contract))
