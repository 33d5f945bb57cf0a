/*
 * test-scheduler-rules.c - what each scheduler promises beyond the contract of all.
 *
 * Policies are asked about a made-up fleet, so that every number they see is written here.
 */
#include <stdlib.h>
#include <string.h>

#include <hyperfaas/policy/ring.h>

#include "base/hash.h"
#include "base/random.h"
#include "contract.h"

#define MOST 200

/* A fleet, the policy that is asked, and the function it is asked about. */
static struct {
    struct hf_fleet_view view;
    struct hf_worker worker[MOST];
    const struct hf_worker *list[MOST];
    struct hf_worker_share share[MOST];
    bool closed[MOST]; /* not feasible */
    char id[MOST][16];
    unsigned asked[MOST]; /* about feasibility */
    struct hf_function function;
    struct hf_decision decision;
    struct policy policy;
    const struct hf_scheduler_ops *ops;
    struct hf_scheduler *scheduler;
    struct hf_random random;
    uint64_t state[8];
} t;

static bool
feasible(const struct hf_fleet_view *view, uint32_t i)
{
    (void)view;
    t.asked[i]++;
    return !t.closed[i];
}

static void
share(const struct hf_fleet_view *view, uint32_t i, struct hf_worker_share *ret)
{
    (void)view;
    *ret = t.share[i];
}

/* A fleet of `n` equal workers: 1000 bytes and four cores each. */
static void
begin(const char *name, const char *options, uint32_t n)
{
    memset(&t, 0, sizeof t);
    t.policy = policy_load(HF_PLUGIN_SCHEDULER, name, options);
    t.ops = t.policy.module->ops.scheduler;
    CU_ASSERT_EQUAL_FATAL(
        t.ops->create(t.policy.module->host, t.policy.options, &t.scheduler, NULL), 0);
    CU_ASSERT_FATAL(t.ops->function_state_size <= sizeof t.state);
    t.view = (struct hf_fleet_view){ .size = sizeof t.view,
                                     .worker_count = n,
                                     .workers = t.list,
                                     .now_ns = 1000 * HF_SEC,
                                     .feasible = feasible,
                                     .share = share,
                                     .decision = &t.decision };
    t.function = (struct hf_function){ .size = sizeof t.function,
                                       .id = "f",
                                       .image = "i:latest",
                                       .memory_bytes = 100,
                                       .cpu_period_us = 100000,
                                       .cpu_quota_us = 100000 };
    hf_random_init(&t.random, 1);
    for (uint32_t i = 0; i < n; i++) {
        snprintf(t.id[i], sizeof t.id[i], "w%03u", i);
        t.worker[i] = (struct hf_worker){ .size = sizeof t.worker[i],
                                          .flags = HF_WORKER_READY,
                                          .handle = { i, 1 },
                                          .id = t.id[i],
                                          .hash = hf_hash(t.id[i], strlen(t.id[i])),
                                          .memory_bytes = 1000,
                                          .cpu_millis = 4000,
                                          .reported_ns = t.view.now_ns };
        t.list[i] = &t.worker[i];
        t.share[i].size = sizeof t.share[i];
        CU_ASSERT_FATAL(!t.ops->worker_added ||
                        t.ops->worker_added(t.scheduler, &t.worker[i]) == 0);
    }
}

static void
end(void)
{
    t.ops->destroy(t.scheduler);
    policy_free(&t.policy);
}

/* The index of the worker that is picked; -1: none. */
static int
pick(void)
{
    struct hf_handle handle;

    t.view.random = hf_random_u64(&t.random);
    handle = t.ops->pick(t.scheduler, &t.function, t.state, &t.view);
    CU_ASSERT_FATAL(handle.generation == 0 || (handle.index < MOST && !t.closed[handle.index]));
    return handle.generation ? (int)handle.index : -1;
}

/* Why the last pick was as it was. */
static const char *
reason(void)
{
    CU_ASSERT_FATAL(t.decision.reason < t.ops->reason_count);
    return t.ops->reasons[t.decision.reason];
}

/* How often each of the first `n` workers is picked. */
static void
picks(int count, unsigned *ret, uint32_t n)
{
    memset(ret, 0, n * sizeof *ret);
    for (int i = 0; i < count; i++) {
        int picked = pick();

        CU_ASSERT_FATAL(picked >= 0 && (uint32_t)picked < n);
        ret[picked]++;
    }
}

/* Starts an instance there. */
static void
place(int i)
{
    t.worker[i].instances++;
    t.worker[i].memory_used_bytes += t.function.memory_bytes;
}

/* --- by load ------------------------------------------------------------------------------- */

static void
random_is_uniform_over_those_with_room(void)
{
    unsigned picked[100];

    begin("random", "", 100);
    for (int i = 0; i < 100; i++) {
        t.closed[i] = i % 2 == 0;
    }
    picks(10000, picked, 100);
    for (int i = 0; i < 100; i++) {
        CU_ASSERT_TRUE(i % 2 == 0 ? picked[i] == 0 : picked[i] > 130 && picked[i] < 270);
    }
    for (int i = 0; i < 100; i++) {
        t.closed[i] = i != 77; /* draws rarely meet it */
    }
    UNIT_INT(pick(), 77);
    t.closed[77] = true;
    UNIT_INT(pick(), -1);
    end();
}

static void
leastloaded_by_each_metric(void)
{
    static const char *const metrics[] = { "metric = mem", "metric = cpu", "metric = run",
                                           "metric = inst" };

    for (int i = 0; i < 4; i++) {
        begin("leastloaded", metrics[i], 6);
        for (int k = 0; k < 6; k++) {
            t.worker[k].memory_used_bytes = k == 1 ? 10 : 500;
            t.worker[k].cpu_used_millis = k == 2 ? 10 : 500;
            t.worker[k].in_flight = k == 3 ? 1 : 5;
            t.worker[k].instances = k == 4 ? 1 : 5;
        }
        UNIT_INT(pick(), i + 1);
        t.closed[i + 1] = true;
        UNIT_INT(pick(), 0); /* the first of equals */
        end();
    }
}

static void
leastloaded_prefers_warm_and_fresh(void)
{
    begin("leastloaded", "prefer_warm = yes\nfresh = 2s", 4);
    t.share[2].idle = 1;
    UNIT_INT(pick(), 2);
    t.worker[2].memory_used_bytes = 1;
    UNIT_INT(pick(), 0); /* a tie-break, no more */
    t.worker[0].reported_ns -= 3 * HF_SEC;
    UNIT_INT(pick(), 1);
    t.view.now_ns -= 10 * HF_SEC; /* a clock that went back makes no report old */
    UNIT_INT(pick(), 0);
    end();
}

static void
mostloaded_fills_one_after_the_other(void)
{
    begin("mostloaded", "", 3);
    for (int i = 0; i < 30; i++) {
        int picked = pick();

        UNIT_INT(picked, i / 10);
        place(picked);
        t.closed[picked] = t.worker[picked].memory_used_bytes == 1000;
    }
    UNIT_INT(pick(), -1);
    end();
}

static void
powerofd_of_all_is_the_least_loaded(void)
{
    begin("powerofd", "d = 16", 10);
    for (int i = 0; i < 10; i++) {
        t.worker[i].memory_used_bytes = i == 6 ? 1 : 100;
    }
    for (int i = 0; i < 20; i++) {
        UNIT_INT(pick(), 6);
    }
    end();
}

/* The fullest of 100 workers after 10,000 instances. */
static uint32_t
fullest_by(const char *name, const char *options)
{
    uint32_t most = 0;

    begin(name, options, 100);
    for (int i = 0; i < 10000; i++) {
        place(pick());
    }
    for (int i = 0; i < 100; i++) {
        most = hf_max(most, t.worker[i].instances);
    }
    end();
    return most;
}

static void
two_choices_spread_better_than_one(void)
{
    CU_ASSERT_TRUE(fullest_by("random", "") >= 115);
    CU_ASSERT_TRUE(fullest_by("powerofd", "d = 1") >= 115);
    CU_ASSERT_TRUE(fullest_by("powerofd", "d = 2\nmetric = inst") <= 105);
    CU_ASSERT_TRUE(fullest_by("reservationaware", "") <= 105);
    UNIT_U64(fullest_by("leastloaded", "metric = inst"), 100);
}

/* --- hashprobe ----------------------------------------------------------------------------- */

static void
hashprobe_goes_by_coprime_steps(void)
{
    static const int order[] = { 3, 6, 9, 2, 5, 8, 1, 4, 7, 0 };

    begin("hashprobe", "", 10);
    t.function.hash = 13;
    for (size_t i = 0; i < hf_countof(order); i++) {
        UNIT_INT(pick(), order[i]);
        UNIT_STR(reason(), i == 0 ? "home" : "home_full");
        t.closed[order[i]] = true;
    }
    UNIT_INT(pick(), -1);
    end();
}

static void
hashprobe_meets_each_worker_once(void)
{
    for (uint32_t n = 1; n <= 60; n++) {
        begin("hashprobe", "", n);
        for (uint32_t i = 0; i < n; i++) {
            t.closed[i] = true;
        }
        for (int k = 0; k < 20; k++) {
            memset(t.asked, 0, sizeof t.asked);
            t.function.hash = hf_random_u64(&t.random);
            UNIT_INT(pick(), -1);
            for (uint32_t i = 0; i < n; i++) {
                CU_ASSERT_EQUAL(t.asked[i], 1);
            }
        }
        end();
    }
}

/* --- k8sscore ------------------------------------------------------------------------------ */

static void
k8sscore_adds_room_and_balance(void)
{
    /* With the instance: memory and processors at 60 % and 25 %: 57 + 82; at 30 % and 25 %:
     * 72 + 97; at 10 % and 100 %: 45 + 55. */
    begin("k8sscore", "", 3);
    t.worker[0].memory_used_bytes = 500;
    t.worker[1].memory_used_bytes = 200;
    t.worker[2].cpu_used_millis = 3000;
    UNIT_INT(pick(), 1);
    t.closed[1] = true;
    UNIT_INT(pick(), 0);
    end();
    begin("k8sscore", "strategy = most", 3); /* 42 + 82, 27 + 97, 55 + 55 */
    t.worker[0].memory_used_bytes = 500;
    t.worker[1].memory_used_bytes = 200;
    t.worker[2].cpu_used_millis = 3000;
    t.worker[2].memory_used_bytes = 800; /* 95 + 95 */
    UNIT_INT(pick(), 2);
    end();
    begin("k8sscore", "image_weight = 1", 3);
    t.worker[2].memory_used_bytes = 500;
    t.share[2].image_present = true;
    UNIT_INT(pick(), 2);
    end();
}

static void
k8sscore_breaks_ties_at_random(void)
{
    unsigned picked[4];

    begin("k8sscore", "", 4);
    t.closed[1] = true;
    t.worker[3].memory_used_bytes = 1; /* rounds to the same score */
    picks(3000, picked, 4);
    UNIT_U64(picked[1], 0);
    CU_ASSERT_TRUE(picked[0] > 850 && picked[0] < 1150);
    CU_ASSERT_TRUE(picked[2] > 850 && picked[2] < 1150);
    end();
}

/* --- chbounded ----------------------------------------------------------------------------- */

static void
chbounded_keeps_its_bound(void)
{
    begin("chbounded", "epsilon = 0.25", 50);
    for (uint64_t i = 0; i < 5000; i++) {
        int picked;

        t.function.hash = hf_random_below(&t.random, 10); /* few functions, none popular enough */
        t.function.hash = hf_hash_mix(t.function.hash);
        picked = pick();
        place(picked);
        CU_ASSERT_TRUE(t.worker[picked].instances <= 1.25 * (double)(i + 1) / 50 + 1);
    }
    for (int i = 0; i < 50; i++) {
        t.closed[i] = i != 7; /* all others are full */
    }
    t.worker[7].instances = 1000;
    UNIT_INT(pick(), 7);
    UNIT_STR(reason(), "all_above_bound");
    t.closed[7] = true;
    UNIT_INT(pick(), -1);
    end();
}

static void
chbounded_moves_few_functions(void)
{
    static int home[2000];
    int moved = 0;
    int returned = 0;

    begin("chbounded", "epsilon = 100", 20);
    for (uint64_t i = 0; i < hf_countof(home); i++) {
        t.function.hash = hf_hash_mix(i + 1);
        home[i] = pick();
    }
    /* One leaves in the middle, so that the others stand elsewhere in the view. */
    t.ops->worker_removed(t.scheduler, &t.worker[4]);
    memmove(&t.list[4], &t.list[5], 15 * sizeof t.list[0]);
    t.view.worker_count = 19;
    for (uint64_t i = 0; i < hf_countof(home); i++) {
        int now;

        t.function.hash = hf_hash_mix(i + 1);
        now = pick();
        CU_ASSERT_TRUE(now != 4);
        if (now != home[i]) {
            UNIT_INT(home[i], 4);
            moved++;
        }
    }
    CU_ASSERT_TRUE(moved > 50 && moved < 170); /* a twentieth is 100 */
    memmove(&t.list[5], &t.list[4], 15 * sizeof t.list[0]);
    t.list[4] = &t.worker[4];
    t.worker[4].handle.generation = 2;
    t.view.worker_count = 20;
    CU_ASSERT_EQUAL_FATAL(t.ops->worker_added(t.scheduler, &t.worker[4]), 0);
    for (uint64_t i = 0; i < hf_countof(home); i++) {
        t.function.hash = hf_hash_mix(i + 1);
        returned += pick() == home[i];
    }
    UNIT_INT(returned, hf_countof(home)); /* places follow from ids alone */
    end();
}

/* --- by what is there ---------------------------------------------------------------------- */

static void
hermod_packs_and_spreads(void)
{
    begin("hermod", "", 5);
    UNIT_INT(pick(), 0);
    t.share[3].instances = 1;
    UNIT_INT(pick(), 3); /* empty and warm */
    t.worker[2].in_flight = 1;
    UNIT_INT(pick(), 2); /* busy with room */
    t.worker[4].in_flight = 3;
    t.share[4].instances = 1;
    UNIT_INT(pick(), 4);       /* busy and warm */
    t.worker[4].in_flight = 4; /* four cores: not low any more */
    UNIT_INT(pick(), 2);
    for (int i = 0; i < 5; i++) {
        t.worker[i].in_flight = 10 - (uint32_t)i % 3;
    }
    UNIT_INT(pick(), 2); /* none is: the fewest calls */
    UNIT_STR(reason(), "none_of_low_load");
    end();
}

static void
locality_warm_then_image_then_rest(void)
{
    unsigned picked[5];

    begin("locality", "", 5);
    t.worker[0].memory_used_bytes = 100;
    UNIT_INT(pick(), 1);
    t.share[4].image_present = true;
    UNIT_INT(pick(), 4);
    UNIT_STR(reason(), "has_image");
    t.share[3].idle = 2;
    UNIT_INT(pick(), 3);
    UNIT_STR(reason(), "warm");
    t.closed[3] = true;
    UNIT_INT(pick(), 4);
    end();
    begin("locality", "inner = random", 5);
    picks(5000, picked, 5);
    CU_ASSERT_TRUE(picked[0] > 850 && picked[0] < 1150);
    CU_ASSERT_TRUE(picked[4] > 850 && picked[4] < 1150);
    t.share[2].image_present = true;
    UNIT_INT(pick(), 2);
    end();
}

static void
starts_then_pressure_then_instances(void)
{
    begin("coldstartaware", "", 4);
    t.worker[0].starting = 1;
    t.worker[1].memory_used_bytes = 10;
    t.worker[2].cpu_used_millis = 10;
    t.worker[3].instances = 2;
    UNIT_INT(pick(), 3);
    t.worker[3].starting = 1;
    UNIT_INT(pick(), 2);
    t.worker[1].memory_used_bytes = t.worker[2].cpu_used_millis = 0;
    t.worker[1].instances = 1;
    UNIT_INT(pick(), 2);
    end();
}

static void
reservationaware_takes_the_better_of_two(void)
{
    unsigned picked[3];

    begin("reservationaware", "", 3);
    t.worker[1].starting = 1;
    t.worker[2].starting = 2;
    picks(3000, picked, 3);
    CU_ASSERT_TRUE(picked[0] > 1850 && picked[0] < 2150); /* in two pairs of three */
    UNIT_U64(picked[2], 0);
    t.closed[0] = true;
    picks(10, picked, 3);
    UNIT_U64(picked[1], 10);
    end();
}

static void
imageaware_before_load(void)
{
    begin("imageaware", "", 4);
    t.worker[0].cpu_used_millis = 1000;
    UNIT_INT(pick(), 1);
    t.share[2].image_present = t.share[3].image_present = true;
    t.worker[2].memory_used_bytes = 900;
    t.worker[3].memory_used_bytes = 800;
    UNIT_INT(pick(), 3);
    UNIT_STR(reason(), "has_image");
    end();
}

/* --- by load averages ---------------------------------------------------------------------- */

/* The workers in the order of the ring. */
static void
ring_order(uint32_t vnodes, uint32_t *ret)
{
    for (uint32_t i = 0; i < t.view.worker_count; i++) {
        uint32_t at = i;

        for (; at > 0 && hf_ring_distance(t.worker[ret[at - 1]].hash, vnodes, t.function.hash) >
                             hf_ring_distance(t.worker[i].hash, vnodes, t.function.hash);
             at--) {
            ret[at] = ret[at - 1];
        }
        ret[at] = i;
    }
}

static void
resourceaware_by_the_scarcest(void)
{
    begin("resourceaware", "", 4);
    t.worker[0].memory_used_bytes = 500;
    t.worker[1].cpu_used_millis = 1600; /* 0.4 */
    t.worker[2].disk_bytes = 100;
    t.worker[2].disk_used_bytes = 60;
    t.worker[3].load_millis = 450;
    UNIT_INT(pick(), 1);
    t.worker[1].load_millis = 100;
    UNIT_INT(pick(), 3);
    t.worker[3].memory_used_bytes = 300;
    UNIT_INT(pick(), 0);
    end();
}

static void
boundedloads_walks_a_short_chain(void)
{
    uint32_t order[10] = { 0 };

    begin("boundedloads", "", 10);
    t.function.hash = 77;
    ring_order(128, order);
    UNIT_INT(pick(), order[0]);
    t.worker[order[0]].load_millis = 1000; /* not above the bound */
    UNIT_INT(pick(), order[0]);
    t.worker[order[0]].load_millis = 1001;
    UNIT_INT(pick(), order[1]);
    t.closed[order[1]] = true; /* has no part in the chain */
    t.worker[order[2]].load_millis = 2000;
    UNIT_INT(pick(), order[3]);
    for (int i = 0; i < 10; i++) {
        t.worker[order[i]].load_millis = i == 7 ? 1200 : 3000;
    }
    UNIT_INT(pick(), order[7]);
    t.worker[order[6]].load_millis = 1200;
    t.worker[order[7]].instances = 1;
    UNIT_INT(pick(), order[6]);
    end();
}

/* Each of so many functions asks once, this long after the one before. */
static void
ask_in_turn(uint64_t functions, uint64_t gap_ns)
{
    for (uint64_t i = 0; i < functions; i++) {
        t.view.now_ns += gap_ns;
        t.function.hash = hf_hash_mix(1000 + i);
        pick();
    }
}

static void
chrlu_spreads_popular_functions_alone(void)
{
    const uint64_t popular = hf_hash_mix(1); /* asks ten times as often as the others */
    uint32_t order[10] = { 0 };
    bool met[10] = { false };

    begin("chrlu", "popular_pct = 0.05\nvnodes = 16", 10);
    for (int i = 0; i < 200; i++) {
        ask_in_turn(20, HF_SEC);
        for (int k = 0; k < 10; k++) {
            t.view.now_ns += HF_SEC;
            t.function.hash = popular;
            pick();
        }
    }
    for (int i = 0; i < 10; i++) {
        t.worker[i].load_millis = 1480; /* a little noise is too much, most times */
    }
    t.function.hash = hf_hash_mix(1000);
    ring_order(16, order);
    t.view.now_ns += 600 * HF_SEC;
    UNIT_INT(pick(), order[0]); /* home, whatever its load */
    t.closed[order[0]] = true;
    t.view.now_ns += HF_SEC;
    UNIT_INT(pick(), order[1]);
    t.closed[order[0]] = false;
    t.function.hash = popular;
    ring_order(16, order);
    for (int i = 0; i < 50; i++) {
        t.view.now_ns += 600 * HF_MSEC; /* more than `refresh` */
        met[pick()] = true;
    }
    CU_ASSERT_TRUE(met[order[0]] && met[order[1]] && met[order[2]]);
    for (int i = 4; i < 10; i++) {
        CU_ASSERT_FALSE(met[order[i]]); /* the chain has four */
    }
    end();
}

UNIT_MAIN("scheduler-rules", UNIT_TEST(random_is_uniform_over_those_with_room),
          UNIT_TEST(leastloaded_by_each_metric), UNIT_TEST(leastloaded_prefers_warm_and_fresh),
          UNIT_TEST(mostloaded_fills_one_after_the_other),
          UNIT_TEST(powerofd_of_all_is_the_least_loaded),
          UNIT_TEST(two_choices_spread_better_than_one), UNIT_TEST(hashprobe_goes_by_coprime_steps),
          UNIT_TEST(hashprobe_meets_each_worker_once), UNIT_TEST(k8sscore_adds_room_and_balance),
          UNIT_TEST(k8sscore_breaks_ties_at_random), UNIT_TEST(chbounded_keeps_its_bound),
          UNIT_TEST(chbounded_moves_few_functions), UNIT_TEST(hermod_packs_and_spreads),
          UNIT_TEST(locality_warm_then_image_then_rest),
          UNIT_TEST(starts_then_pressure_then_instances),
          UNIT_TEST(reservationaware_takes_the_better_of_two), UNIT_TEST(imageaware_before_load),
          UNIT_TEST(resourceaware_by_the_scarcest), UNIT_TEST(boundedloads_walks_a_short_chain),
          UNIT_TEST(chrlu_spreads_popular_functions_alone))
