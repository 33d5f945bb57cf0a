/* test-backoff.c - pauses that double, are spread, and begin anew. */
#include "base/backoff.h"
#include "base/macros.h"
#include "unit.h"

#define MIN (50 * HF_MSEC)
#define MAX (1 * HF_SEC)

static struct hf_backoff backoff;

/* The next pause is about `ns`. */
static void
expect(uint64_t held_ns, uint64_t ns)
{
    uint64_t pause = hf_backoff_next(&backoff, held_ns);

    CU_ASSERT_TRUE(pause >= ns - ns / 5 && pause <= ns + ns / 5);
}

static void
pauses_double_up_to_the_limit(void)
{
    hf_backoff_init(&backoff, MIN, MAX, 1);
    for (uint64_t ns = MIN; ns < MAX; ns *= 2) {
        expect(0, ns);
    }
    for (int i = 0; i < 100; i++) {
        expect(0, MAX);
    }
}

/* A peer that takes a connection and drops it at once is not asked twenty times a second. */
static void
a_short_success_does_not_count(void)
{
    hf_backoff_init(&backoff, MIN, MAX, 1);
    for (int i = 0; i < 10; i++) {
        hf_backoff_next(&backoff, HF_MSEC);
    }
    expect(MAX, MAX);
    expect(MAX + 1, MIN);
    expect(0, 2 * MIN);
}

static void
pauses_are_spread(void)
{
    struct hf_backoff other;
    int equal = 0;

    hf_backoff_init(&backoff, MIN, MAX, 1);
    hf_backoff_init(&other, MIN, MAX, 2);
    for (int i = 0; i < 100; i++) {
        equal += hf_backoff_next(&backoff, 0) == hf_backoff_next(&other, 0);
    }
    CU_ASSERT_TRUE(equal < 5);
}

UNIT_MAIN("backoff", UNIT_TEST(pauses_double_up_to_the_limit),
          UNIT_TEST(a_short_success_does_not_count), UNIT_TEST(pauses_are_spread))
