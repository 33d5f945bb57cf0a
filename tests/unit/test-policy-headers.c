/* test-policy-headers.c - the mathematics that policies share, <hyperfaas/policy/...>. */
#include <math.h>
#include <stdlib.h>

#include <hyperfaas/policy/average.h>
#include <hyperfaas/policy/draw.h>
#include <hyperfaas/policy/fleet.h>
#include <hyperfaas/policy/histogram.h>
#include <hyperfaas/policy/order.h>
#include <hyperfaas/policy/ring.h>
#include <hyperfaas/policy/table.h>
#include <hyperfaas/policy/tournament.h>

#include "base/hash.h"
#include "base/macros.h"
#include "base/random.h"
#include "unit.h"

#define S UINT64_C(1000000000)

static bool
is_near(double a, double b, double by)
{
    return fabs(a - b) <= by;
}

/* --- draws --------------------------------------------------------------------------------- */

static void
draws_follow_from_the_bits(void)
{
    struct hf_draw a = hf_draw_from(7);
    struct hf_draw b = hf_draw_from(7);
    struct hf_draw zero = hf_draw_from(0);

    UNIT_U64(hf_draw_bits(&a), hf_draw_bits(&b));
    UNIT_U64(hf_draw_bits(&zero), UINT64_C(0xe220a8397b1dcdaf)); /* splitmix64's first of seed 0 */
    UNIT_U64(hf_draw_below(&a, 1), 0);
    UNIT_U64(hf_draw_below(&a, 0), 0);
}

static void
draws_have_their_distributions(void)
{
    struct hf_draw draw = hf_draw_from(1);
    uint32_t pairs[6] = { 0 };
    uint32_t kept[5] = { 0 };
    double sum = 0.0;
    double squares = 0.0;

    for (int i = 0; i < 100000; i++) {
        double z = hf_draw_normal(&draw, 3.0, 2.0);

        sum += z;
        squares += (z - 3.0) * (z - 3.0);
    }
    CU_ASSERT_TRUE(is_near(sum / 100000, 3.0, 0.03));
    CU_ASSERT_TRUE(is_near(sqrt(squares / 100000), 2.0, 0.03));
    for (int i = 0; i < 6000; i++) {
        uint32_t a;
        uint32_t b;
        uint32_t last = 0;

        hf_draw_two(&draw, 3, &a, &b);
        CU_ASSERT_FATAL(a < 3 && b < 3 && a != b);
        pairs[a * 2 + (b > a ? b - 1 : b)]++;
        for (uint32_t k = 1; k <= 5; k++) {
            last = hf_draw_keeps(&draw, k) ? k - 1 : last;
        }
        kept[last]++;
    }
    for (int i = 0; i < 6; i++) {
        CU_ASSERT_TRUE(pairs[i] > 880 && pairs[i] < 1120);
    }
    for (int i = 0; i < 5; i++) {
        CU_ASSERT_TRUE(kept[i] > 1070 && kept[i] < 1330);
    }
}

/* --- the ring ------------------------------------------------------------------------------ */

#define NODES 100

static struct hf_handle
node(uint32_t i)
{
    return (struct hf_handle){ i, 1 };
}

static void
fill(struct hf_ring *ring, uint32_t from, uint32_t to)
{
    for (uint32_t i = from; i < to; i++) {
        CU_ASSERT_EQUAL_FATAL(hf_ring_add(ring, node(i), hf_hash_mix(i + 1)), 0);
    }
}

static uint32_t
home(struct hf_ring *ring, uint64_t key)
{
    struct hf_ring_walk walk = hf_ring_from(ring, key);

    return hf_ring_next(ring, &walk).index;
}

static void
a_walk_meets_each_node_once(void)
{
    struct hf_ring ring = { .vnodes = 8 };
    struct hf_ring_walk walk = hf_ring_from(&ring, 5);

    CU_ASSERT_EQUAL(hf_ring_next(&ring, &walk).generation, 0); /* an empty ring */
    fill(&ring, 0, NODES);
    for (uint64_t key = 0; key < 50; key++) {
        bool met[NODES] = { false };

        walk = hf_ring_from(&ring, hf_hash_mix(key));
        for (int i = 0; i < NODES; i++) {
            struct hf_handle next = hf_ring_next(&ring, &walk);

            CU_ASSERT_FATAL(next.generation == 1 && !met[next.index]);
            met[next.index] = true;
        }
        CU_ASSERT_EQUAL(hf_ring_next(&ring, &walk).generation, 0);
    }
    hf_ring_clear(&ring);
}

/* A walk on the ring and the order by distance are the same. */
static void
a_walk_goes_by_distance(void)
{
    struct hf_ring ring = { .vnodes = 16 };

    fill(&ring, 0, NODES);
    for (uint64_t key = 1; key < 200; key++) {
        struct hf_ring_walk walk = hf_ring_from(&ring, hf_hash_mix(key));
        uint64_t last = 0;

        for (int i = 0; i < NODES; i++) {
            uint32_t next = hf_ring_next(&ring, &walk).index;
            uint64_t distance =
                hf_ring_distance(hf_hash_mix(next + 1), ring.vnodes, hf_hash_mix(key));

            CU_ASSERT_FATAL(distance >= last);
            last = distance;
        }
    }
    hf_ring_clear(&ring);
}

static void
a_new_node_moves_few_keys(void)
{
    struct hf_ring ring = { .vnodes = 64 };
    static uint32_t before[10000];
    uint32_t moved = 0;

    fill(&ring, 0, 20);
    for (uint64_t key = 0; key < hf_countof(before); key++) {
        before[key] = home(&ring, hf_hash_mix(key));
    }
    fill(&ring, 20, 21);
    for (uint64_t key = 0; key < hf_countof(before); key++) {
        uint32_t after = home(&ring, hf_hash_mix(key));

        CU_ASSERT_TRUE(after == before[key] || after == 20);
        moved += after != before[key];
    }
    CU_ASSERT_TRUE(moved > 300 && moved < 700); /* a part of 21: 476 */
    hf_ring_remove(&ring, node(20));
    hf_ring_remove(&ring, node(20)); /* is no matter */
    for (uint64_t key = 0; key < hf_countof(before); key++) {
        UNIT_U64(home(&ring, hf_hash_mix(key)), before[key]);
    }
    hf_ring_clear(&ring);
}

/* However nodes came and went, the ring is that of those who are there. */
static void
a_ring_has_no_memory(void)
{
    struct hf_ring ring = { .vnodes = 5 };
    struct hf_ring plain = { .vnodes = 5 };
    uint32_t generation[NODES] = { 0 };
    bool there[NODES] = { false };
    struct hf_random random;

    hf_random_init(&random, 1);
    for (int i = 0; i < 3000; i++) {
        uint32_t k = (uint32_t)hf_random_below(&random, NODES);
        struct hf_handle handle = { k, there[k] ? generation[k] : ++generation[k] };

        if (there[k]) {
            hf_ring_remove(&ring, handle);
        } else {
            CU_ASSERT_EQUAL_FATAL(hf_ring_add(&ring, handle, hf_hash_mix(k + 1)), 0);
        }
        there[k] = !there[k];
        if (hf_random_below(&random, 3) == 0 && ring.nodes > 0) {
            CU_ASSERT_TRUE(there[home(&ring, hf_random_u64(&random))]);
        }
    }
    for (uint32_t k = NODES; k-- > 0;) {
        if (there[k]) {
            fill(&plain, k, k + 1);
        }
    }
    UNIT_U64(ring.nodes, plain.nodes);
    CU_ASSERT_TRUE(ring.room <= 4 * NODES * 5); /* those that left don't pile up */
    for (uint64_t key = 0; key < 2000; key++) {
        UNIT_U64(home(&ring, hf_hash_mix(key)), home(&plain, hf_hash_mix(key)));
    }
    hf_ring_clear(&ring);
    hf_ring_clear(&plain);
}

static void
bounded_loads(void)
{
    UNIT_U64(hf_bounded_load(0.25, 0, 10), 1);
    UNIT_U64(hf_bounded_load(0.25, 99, 10), 13); /* 12.5 */
    UNIT_U64(hf_bounded_load(0.0, 99, 10), 10);
    UNIT_U64(hf_bounded_load(0.0, 100, 10), 11);
    UNIT_U64(hf_bounded_load(1.0, 9, 0), 20);
    UNIT_U64(hf_bounded_load(100.0, UINT64_MAX, 1), UINT64_MAX);
}

static void
an_order_stays_sorted(void)
{
    struct hf_order order = { 0 };
    struct hf_endpoint endpoints[NODES];
    struct hf_random random;

    hf_random_init(&random, 1);
    for (uint32_t i = 0; i < NODES; i++) {
        endpoints[i] = (struct hf_endpoint){ .handle = node(i), .state = &endpoints[i] };
        CU_ASSERT_EQUAL_FATAL(hf_order_add(&order, &endpoints[i], hf_random_u64(&random)), 0);
    }
    for (uint32_t i = 0; i < NODES; i += 2) {
        hf_order_remove(&order, &endpoints[i]);
        hf_order_remove(&order, &endpoints[i]); /* is no matter */
    }
    UNIT_U64(order.count, NODES / 2);
    for (uint32_t i = 0; i < order.count; i++) {
        CU_ASSERT_TRUE(i == 0 || order.entries[i].distance >= order.entries[i - 1].distance);
        CU_ASSERT_EQUAL(order.entries[i].handle.index % 2, 1);
        CU_ASSERT_PTR_EQUAL(order.entries[i].state, &endpoints[order.entries[i].handle.index]);
    }
    hf_order_clear(&order);
}

/* --- the tournament ------------------------------------------------------------------------ */

static void
the_fewest_wins(void)
{
    struct hf_tournament t = { 0 };
    uint32_t number[600];
    struct hf_random random;

    hf_random_init(&random, 1);
    CU_ASSERT_EQUAL(hf_tournament_winner(&t, 3).generation, 0);
    for (uint32_t i = 0; i < hf_countof(number); i++) {
        CU_ASSERT_EQUAL_FATAL(hf_tournament_reserve(&t, node(i)), 0);
        number[i] = HF_TOURNAMENT_OUT;
    }
    CU_ASSERT_EQUAL(hf_tournament_winner(&t, 3).generation, 0);
    for (int i = 0; i < 20000; i++) {
        uint32_t k = (uint32_t)hf_random_below(&random, hf_countof(number));
        uint64_t rank = hf_random_u64(&random);
        uint32_t fewest = HF_TOURNAMENT_OUT;
        uint32_t ties = 0;
        struct hf_handle winner;

        number[k] =
            hf_random_below(&random, 3) ? (uint32_t)hf_random_below(&random, 5) : HF_TOURNAMENT_OUT;
        hf_tournament_set(&t, node(k), number[k]);
        winner = hf_tournament_winner(&t, rank);
        for (k = 0; k < hf_countof(number); k++) {
            ties = number[k] < fewest ? 1 : ties + (number[k] == fewest);
            fewest = hf_min(fewest, number[k]);
        }
        if (fewest == HF_TOURNAMENT_OUT) {
            CU_ASSERT_EQUAL(winner.generation, 0);
            continue;
        }
        CU_ASSERT_FATAL(winner.generation == 1 && number[winner.index] == fewest);
        rank %= ties;
        for (k = 0; k < winner.index; k++) {
            rank -= number[k] == fewest; /* as many stand before it */
        }
        UNIT_U64(rank, 0);
    }
    hf_tournament_clear(&t);
}

/* --- averages ------------------------------------------------------------------------------ */

static void
ewma_decays(void)
{
    struct hf_ewma e = { 0 };

    hf_ewma_add(&e, 10.0, 5 * S, 10 * S);
    CU_ASSERT_TRUE(is_near(e.value, 10.0, 1e-9)); /* the first counts whole */
    CU_ASSERT_TRUE(is_near(hf_ewma_decayed(&e, 15 * S, 10 * S), 10.0 * exp(-1.0), 1e-9));
    hf_ewma_add(&e, 0.0, 15 * S, 10 * S);
    CU_ASSERT_TRUE(is_near(e.value, 10.0 * exp(-1.0), 1e-9));
    hf_ewma_add(&e, 100.0, 1 * S, 10 * S); /* the clock went back: no time has passed */
    CU_ASSERT_TRUE(is_near(e.value, 10.0 * exp(-1.0), 1e-9));
    hf_ewma_add_peak(&e, 100.0, 15 * S, 10 * S);
    CU_ASSERT_TRUE(is_near(e.value, 100.0, 1e-9));
    hf_ewma_add_peak(&e, 50.0, 25 * S, 10 * S);
    CU_ASSERT_TRUE(is_near(e.value, 100.0 * exp(-1.0) + 50.0 * (1.0 - exp(-1.0)), 1e-9));
    CU_ASSERT_TRUE(is_near(hf_ewma_decayed(&e, UINT64_MAX, 10 * S), 0.0, 1e-9));
}

static void
windows_are_not_diluted(void)
{
    struct hf_window w = { 0 };

    CU_ASSERT_TRUE(hf_window_mean(&w, 60, 5 * S, S) < 0.0);
    hf_window_add(&w, 10.0, 100 * S, S);
    CU_ASSERT_TRUE(is_near(hf_window_mean(&w, 60, 100 * S, S), 10.0, 1e-9));
    hf_window_add(&w, 20.0, 101 * S, S);
    hf_window_add(&w, 40.0, 101 * S, S); /* one bucket: 30 */
    CU_ASSERT_TRUE(is_near(hf_window_mean(&w, 60, 101 * S, S), 20.0, 1e-9));
    CU_ASSERT_TRUE(is_near(hf_window_mean(&w, 1, 101 * S, S), 30.0, 1e-9));
    CU_ASSERT_TRUE(is_near(hf_window_mean(&w, 60, 103 * S, S), 10.0, 1e-9)); /* two empty ones */
    for (uint64_t i = 102; i < 200; i++) {
        hf_window_add(&w, 6.0, i * S, S);
    }
    CU_ASSERT_TRUE(is_near(hf_window_mean(&w, 60, 199 * S, S), 6.0, 1e-9));
    CU_ASSERT_TRUE(is_near(hf_window_mean(&w, 60, 229 * S, S), 3.0, 1e-9));
    CU_ASSERT_TRUE(is_near(hf_window_mean(&w, 60, 9999 * S, S), 0.0, 1e-9));
    hf_window_add(&w, 8.0, 9999 * S, S); /* a jump of the clock: a new window */
    CU_ASSERT_TRUE(is_near(hf_window_mean(&w, 60, 9999 * S, S), 8.0, 1e-9));
    hf_window_add(&w, 4.0, 50 * S, S); /* back: into the newest bucket */
    CU_ASSERT_TRUE(is_near(hf_window_mean(&w, 60, 50 * S, S), 6.0, 1e-9));
    w = (struct hf_window){ 0 };
    hf_window_add(&w, 3.0, 0, S); /* a clock that begins */
    hf_window_add(&w, 5.0, S, S);
    CU_ASSERT_TRUE(is_near(hf_window_mean(&w, 60, S, S), 4.0, 1e-9));
}

static void
histograms(void)
{
    uint32_t counts[10] = { 0 };
    struct hf_histogram h = { counts, 10, 60 };

    UNIT_U64(hf_histogram_quantile(&h, 0.5), 0);
    CU_ASSERT_TRUE(is_near(hf_histogram_variation(&h), 0.0, 0.0));
    CU_ASSERT_FALSE(hf_histogram_add(&h, 600, 1));
    for (uint64_t i = 0; i < 100; i++) {
        CU_ASSERT_TRUE(hf_histogram_add(&h, 120 + (i >= 90 ? 300 : 0), 1));
    }
    UNIT_U64(hf_histogram_total(&h), 100);
    UNIT_U64(counts[2], 90);
    UNIT_U64(hf_histogram_quantile(&h, 0.0), 2);
    UNIT_U64(hf_histogram_quantile(&h, 0.9), 2);
    UNIT_U64(hf_histogram_quantile(&h, 0.91), 7);
    CU_ASSERT_TRUE(hf_histogram_variation(&h) > 2.0); /* peaked */
    for (uint64_t i = 0; i < 10; i++) {
        counts[i] = 7;
    }
    CU_ASSERT_TRUE(is_near(hf_histogram_variation(&h), 0.0, 1e-12)); /* flat */
}

static void
medians(void)
{
    uint64_t values[] = { 5, 1, 4, 1, 9 };

    UNIT_U64(hf_median(values, 0), 0);
    UNIT_U64(hf_median(values, 1), 5);
    UNIT_U64(hf_median(values, 2), 5); /* the larger of two */
    UNIT_U64(hf_median(values, 5), 4);
}

static void
moments_of_a_histogram(void)
{
    uint32_t counts[4] = { 1, 0, 0, 1 };
    struct hf_histogram h = { counts, 4, 1 };
    double variance;

    CU_ASSERT_TRUE(is_near(hf_histogram_mean(&h, &variance), 1.5, 1e-12));
    CU_ASSERT_TRUE(is_near(variance, 2.25, 1e-12));
    counts[0] = counts[3] = 0;
    CU_ASSERT_TRUE(is_near(hf_histogram_mean(&h, &variance), 0.0, 0.0));
}

static void
peaks_are_forgotten_in_time(void)
{
    struct hf_peak peak = { 0 };

    UNIT_U64(hf_peak_over(&peak, 9, 100 * S, 0), 9);
    UNIT_U64(hf_peak_over(&peak, 3, 100 * S, 0), 3); /* a window of nothing */
    UNIT_U64(hf_peak_over(&peak, 9, 100 * S, 8 * S), 9);
    UNIT_U64(hf_peak_over(&peak, 3, 108 * S, 8 * S), 9);
    UNIT_U64(hf_peak_over(&peak, 1, 109 * S, 8 * S), 3);
    UNIT_U64(hf_peak_over(&peak, 1, UINT64_MAX, 8 * S), 1);
    UNIT_U64(hf_peak_over(&peak, 2, 0, 8 * S), 2); /* a clock that went back */
}

struct remembered {
    struct hf_table_entry entry;
    uint64_t value;
};

/* Against a list: who was looked up least recently makes room. */
static void
tables_forget_the_oldest(void)
{
    struct hf_table table;
    uint64_t used[50] = { 0 };
    uint64_t now = 0;
    struct hf_random random;

    hf_random_init(&random, 1);
    CU_ASSERT_EQUAL_FATAL(hf_table_init(&table, sizeof(struct remembered), 20), 0);
    for (int i = 0; i < 5000; i++) {
        uint64_t k = hf_random_below(&random, hf_countof(used));
        uint64_t hash = k * 16; /* many in one bucket */
        uint32_t younger = 0;
        struct remembered *r = (struct remembered *)hf_table_find(&table, hash);

        for (size_t j = 0; j < hf_countof(used); j++) {
            younger += used[j] > used[k];
        }
        CU_ASSERT_EQUAL_FATAL(r != NULL, used[k] > 0 && younger < 20);
        r = (struct remembered *)hf_table_get(&table, hash);
        CU_ASSERT_TRUE(r->value == 0 || r->value == k + 1);
        CU_ASSERT_EQUAL(r->value == 0, used[k] == 0 || younger >= 20);
        r->value = k + 1;
        used[k] = ++now;
        CU_ASSERT_TRUE(table.count <= 20);
    }
    hf_table_clear(&table);
}

UNIT_MAIN("policy-headers", UNIT_TEST(draws_follow_from_the_bits),
          UNIT_TEST(draws_have_their_distributions), UNIT_TEST(a_walk_meets_each_node_once),
          UNIT_TEST(a_walk_goes_by_distance), UNIT_TEST(a_new_node_moves_few_keys),
          UNIT_TEST(a_ring_has_no_memory), UNIT_TEST(bounded_loads),
          UNIT_TEST(an_order_stays_sorted), UNIT_TEST(the_fewest_wins), UNIT_TEST(ewma_decays),
          UNIT_TEST(windows_are_not_diluted), UNIT_TEST(histograms), UNIT_TEST(medians),
          UNIT_TEST(moments_of_a_histogram), UNIT_TEST(peaks_are_forgotten_in_time),
          UNIT_TEST(tables_forget_the_oldest))
