/* test-lb.c - what each lb policy promises beyond the contract of all. */
#include "base/hash.h"
#include "base/random.h"
#include "contract.h"
#include "engine/pool.h"

#define MANY 1000

static struct hf_function function = { .size = sizeof function, .id = "f", .hash = 5 };

static struct policy policy;
static struct hf_pool_settings settings;
static struct hf_pool *pool;
static struct hf_pool_endpoint *endpoints[MANY];

static void
begin_with(const char *name, const char *options, uint32_t count, uint32_t capacity)
{
    char id[16];
    struct hf_pool_endpoint_spec spec = { .id = id, .address = "x:1", .capacity = capacity };
    struct hf_pool_out out;

    policy = policy_load(HF_PLUGIN_LB, name, options);
    settings = (struct hf_pool_settings){
        .lb = policy.module->ops.lb,
        .host = policy.module->host,
        .options = policy.options,
        .max_waiting = 1,
    };
    CU_ASSERT_EQUAL_FATAL(hf_pool_new(&settings, &function, 3, &pool, NULL), 0);
    hf_pool_out_init(&out);
    for (uint32_t i = 0; i < count; i++) {
        snprintf(id, sizeof id, "e%u", i);
        CU_ASSERT_EQUAL_FATAL(hf_pool_add(pool, &spec, 0, &out, &endpoints[i]), 0);
    }
}

static void
begin(const char *name, uint32_t count, uint32_t capacity)
{
    begin_with(name, "", count, capacity);
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
take_at(struct hf_waiter *call, uint64_t now_ns)
{
    struct hf_pool_out out;

    hf_pool_out_init(&out);
    hf_waiter_init(call);
    CU_ASSERT_EQUAL_FATAL(hf_pool_take(pool, call, now_ns, &out), HF_WAITER_TAKEN);
    return call->endpoint->base.handle.index;
}

static uint32_t
take(struct hf_waiter *call)
{
    return take_at(call, 0);
}

static void
release_at(struct hf_waiter *call, uint32_t outcome, uint64_t now_ns)
{
    struct hf_pool_out out;

    hf_pool_out_init(&out);
    hf_pool_release(pool, call, outcome, now_ns, &out);
}

static void
release(struct hf_waiter *call)
{
    release_at(call, HF_OUTCOME_OK, 0);
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

/* The most calls at one of a hundred endpoints that have ten thousand. */
static uint32_t
most_by(const char *name)
{
    static struct hf_waiter calls[10000];
    uint32_t in_flight[100] = { 0 };
    uint32_t most = 0;

    begin(name, 100, 0);
    for (size_t i = 0; i < hf_countof(calls); i++) {
        uint32_t index = take(&calls[i]);

        in_flight[index]++;
        most = hf_max(most, in_flight[index]);
    }
    for (size_t i = 0; i < hf_countof(calls); i++) {
        release(&calls[i]);
    }
    end(100);
    return most;
}

static void
two_choices_spread_better_than_one(void)
{
    CU_ASSERT_TRUE(most_by("random") >= 115);
    CU_ASSERT_TRUE(most_by("p2c") <= 105);
    CU_ASSERT_TRUE(most_by("knative") <= 105); /* of a function without limit */
    UNIT_U64(most_by("leastload"), 100);
}

static void
firstavailable_packs(void)
{
    struct hf_waiter calls[12];

    begin("firstavailable", 5, 3);
    for (uint32_t i = 0; i < 12; i++) {
        UNIT_U64(take(&calls[i]), i / 3);
    }
    release(&calls[4]); /* of the second */
    release(&calls[1]); /* of the first */
    UNIT_U64(take(&calls[1]), 0);
    UNIT_U64(take(&calls[4]), 1);
    for (uint32_t i = 0; i < 12; i++) {
        release(&calls[i]);
    }
    end(5);
}

static void
knative_goes_by_concurrency(void)
{
    struct hf_waiter calls[6];

    function.max_concurrency = 3;
    begin("knative", 4, 3);
    for (uint32_t i = 0; i < 6; i++) {
        UNIT_U64(take(&calls[i]), i / 3);
    }
    for (uint32_t i = 0; i < 6; i++) {
        release(&calls[i]);
    }
    end(4);
    function.max_concurrency = 4;
    begin("knative", 4, 4);
    for (uint32_t i = 0; i < 6; i++) {
        UNIT_U64(take(&calls[i]), i % 4);
    }
    for (uint32_t i = 0; i < 6; i++) {
        release(&calls[i]);
    }
    end(4);
    function.max_concurrency = 0;
}

static void
leastprocessed_counts_whole_lives(void)
{
    uint32_t served[10] = { 0 };
    struct hf_waiter call;

    begin("leastprocessed", 10, 1);
    for (uint32_t i = 0; i < 1000; i++) {
        served[take(&call)]++;
        release(&call);
    }
    for (uint32_t i = 0; i < 10; i++) {
        UNIT_U64(served[i], 100);
    }
    end(10);
}

/* One call that takes `ns`; where it went. */
static uint32_t
call_for(uint64_t *now, const uint64_t *ns_at, uint32_t outcome)
{
    struct hf_waiter call;
    uint32_t index = take_at(&call, *now);

    *now += ns_at[index];
    release_at(&call, outcome, *now);
    return index;
}

static void
peakewma_avoids_the_slow_until_forgotten(void)
{
    const uint64_t even[2] = { 10 * HF_MSEC, 10 * HF_MSEC };
    const uint64_t slow[2] = { 10 * HF_MSEC, 500 * HF_MSEC };
    uint64_t now = HF_SEC;
    uint32_t picked[2] = { 0 };

    begin_with("peakewma", "decay = 10s", 2, 0);
    while (now < 100 * HF_SEC) { /* both are known to be fast */
        call_for(&now, even, HF_OUTCOME_OK);
    }
    while (call_for(&now, slow, HF_OUTCOME_OK) != 1) {
    }
    for (int i = 0; i < 100; i++) {
        UNIT_U64(call_for(&now, slow, HF_OUTCOME_OK), 0);
    }
    now += 100 * HF_SEC; /* a silence in which both fall */
    for (int i = 0; i < 400; i++) {
        picked[call_for(&now, even, HF_OUTCOME_OK)]++;
    }
    CU_ASSERT_TRUE(picked[0] > 20 && picked[1] > 20);
    end(2);
}

/* After two seconds a call at one of two endpoints ends so; picks of that one of a hundred then. */
static uint32_t
picks_after(uint32_t outcome)
{
    const uint64_t even[2] = { 10 * HF_MSEC, 10 * HF_MSEC };
    uint64_t now = HF_SEC;
    struct hf_waiter call;
    uint32_t picked = 0;

    begin("peakewma", 2, 0);
    while (now < 100 * HF_SEC) {
        call_for(&now, even, HF_OUTCOME_OK);
    }
    while (take_at(&call, now) != 1) {
        release_at(&call, HF_OUTCOME_RELEASED, now);
    }
    now += 2 * HF_SEC;
    release_at(&call, outcome, now);
    for (int i = 0; i < 100; i++) {
        picked += call_for(&now, even, HF_OUTCOME_OK);
    }
    end(2);
    return picked;
}

static void
peakewma_counts_calls_that_were_given_up(void)
{
    UNIT_U64(picks_after(HF_OUTCOME_CANCELLED), 0);
    CU_ASSERT_TRUE(picks_after(HF_OUTCOME_RELEASED) > 10); /* the slot was not used */
}

/* Where a function's only call goes, of so many endpoints. */
static uint32_t
home(uint64_t hash, uint32_t count)
{
    struct hf_waiter call;
    uint32_t index;

    function.hash = hash;
    begin("hash", count, 0);
    index = take(&call);
    release(&call);
    UNIT_U64(take(&call), index);
    release(&call);
    end(count);
    return index;
}

static void
hash_has_one_home(void)
{
    uint32_t used[10] = { 0 };
    uint32_t moved = 0;

    for (uint64_t i = 1; i <= 1000; i++) {
        uint32_t of_ten = home(hf_hash_mix(i), 10);
        uint32_t of_eleven = home(hf_hash_mix(i), 11);

        used[of_ten]++;
        moved += of_eleven != of_ten;
        CU_ASSERT_TRUE(of_eleven == of_ten || of_eleven == 10); /* only to the new one */
    }
    CU_ASSERT_TRUE(moved > 45 && moved < 150); /* an eleventh is 91 */
    for (int i = 0; i < 10; i++) {
        CU_ASSERT_TRUE(used[i] > 50 && used[i] < 170);
    }
    function.hash = 5;
}

static void
hash_goes_on_when_full(void)
{
    struct hf_waiter calls[10];
    uint32_t met = 0;

    begin("hash", 10, 1);
    for (uint32_t i = 0; i < 10; i++) {
        met |= UINT32_C(1) << take(&calls[i]);
    }
    UNIT_U64(met, 0x3ff); /* each once */
    for (uint32_t i = 0; i < 10; i++) {
        release(&calls[i]);
    }
    end(10);
}

UNIT_MAIN("lb", UNIT_TEST(roundrobin_takes_turns), UNIT_TEST(leastload_picks_the_fewest),
          UNIT_TEST(leastload_breaks_ties_at_random), UNIT_TEST(two_choices_spread_better_than_one),
          UNIT_TEST(firstavailable_packs), UNIT_TEST(knative_goes_by_concurrency),
          UNIT_TEST(leastprocessed_counts_whole_lives),
          UNIT_TEST(peakewma_avoids_the_slow_until_forgotten),
          UNIT_TEST(peakewma_counts_calls_that_were_given_up), UNIT_TEST(hash_has_one_home),
          UNIT_TEST(hash_goes_on_when_full))
