/* test-random.c - the generator against its published sequence, and its distributions. */
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "unit.h"

#define DRAWS 100000

/* From the authors' xoshiro256starstar.c, begun with the state 1, 2, 3, 4. */
static void
follows_the_reference(void)
{
    static const uint64_t expected[] = { 11520,
                                         0,
                                         1509978240,
                                         1215971899390074240,
                                         1216172134540287360,
                                         607988272756665600,
                                         UINT64_C(16172922978634559625),
                                         8476171486693032832,
                                         UINT64_C(10595114339597558777),
                                         2904607092377533576 };
    struct hf_random random = { .s = { 1, 2, 3, 4 } };

    for (size_t i = 0; i < 10; i++) {
        UNIT_U64(hf_random_u64(&random), expected[i]);
    }
}

/* From splitmix64.c by the same authors, begun with 1234567. */
static void
seeds_like_the_reference(void)
{
    struct hf_random random;

    hf_random_init(&random, 1234567);
    UNIT_U64(random.s[0], UINT64_C(6457827717110365317));
    UNIT_U64(random.s[1], UINT64_C(3203168211198807973));
    UNIT_U64(random.s[2], UINT64_C(9817491932198370423));
    UNIT_U64(random.s[3], UINT64_C(4593380528125082431));
}

static void
repeats_with_the_seed(void)
{
    struct hf_random a;
    struct hf_random b;

    hf_random_init(&a, 42);
    hf_random_init(&b, 42);
    for (int i = 0; i < 100; i++) {
        UNIT_U64(hf_random_u64(&a), hf_random_u64(&b));
    }
    hf_random_init(&b, 43);
    CU_ASSERT_NOT_EQUAL(hf_random_u64(&a), hf_random_u64(&b));
}

static void
stays_below(void)
{
    struct hf_random random;
    unsigned seen[7] = { 0 };

    hf_random_init(&random, 1);
    UNIT_U64(hf_random_below(&random, 0), 0);
    UNIT_U64(hf_random_below(&random, 1), 0);
    for (int i = 0; i < DRAWS; i++) {
        uint64_t n = hf_random_below(&random, 7);
        double d = hf_random_double(&random);

        CU_ASSERT_FATAL(n < 7);
        CU_ASSERT_FATAL(d >= 0 && d < 1);
        seen[n]++;
    }
    for (int i = 0; i < 7; i++) {
        CU_ASSERT(abs((int)seen[i] - DRAWS / 7) < DRAWS / 100);
    }
}

static void
spreads_by_a_fraction(void)
{
    struct hf_random random;
    uint64_t least = UINT64_MAX;
    uint64_t most = 0;

    hf_random_init(&random, 3);
    UNIT_U64(hf_random_jitter(&random, 1000, 0), 1000);
    for (int i = 0; i < 10000; i++) {
        uint64_t ns = hf_random_jitter(&random, 1000000, 0.2);

        least = ns < least ? ns : least;
        most = ns > most ? ns : most;
    }
    CU_ASSERT(least >= 799999 && least < 801000);
    CU_ASSERT(most <= 1200000 && most > 1199000);
    CU_ASSERT(hf_random_jitter(&random, UINT64_MAX, 1) > 0);
}

static void
makes_uuids(void)
{
    char a[HF_UUID_MAX];
    char b[HF_UUID_MAX];

    hf_uuid4(a);
    hf_uuid4(b);
    CU_ASSERT_STRING_NOT_EQUAL(a, b);
    UNIT_U64(strlen(a), 36);
    UNIT_U64(strspn(a, "0123456789abcdef-"), 36);
    for (int i = 0; i < 100; i++) {
        hf_uuid4(a);
        CU_ASSERT(a[8] == '-' && a[13] == '-' && a[18] == '-' && a[23] == '-');
        CU_ASSERT_EQUAL(a[14], '4');
        CU_ASSERT_PTR_NOT_NULL(strchr("89ab", a[19]));
    }
    CU_ASSERT_NOT_EQUAL(hf_random_os_u64(), hf_random_os_u64());
}

UNIT_MAIN("random", UNIT_TEST(follows_the_reference), UNIT_TEST(seeds_like_the_reference),
          UNIT_TEST(repeats_with_the_seed), UNIT_TEST(stays_below),
          UNIT_TEST(spreads_by_a_fraction), UNIT_TEST(makes_uuids))
