/* test-counters.c - counting in many threads, and asking for the sums. */
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/counters.h"
#include "base/err.h"
#include "unit.h"

HF_COUNTER(unit_b, "The second.");
HF_COUNTER(unit_a, "The first.");

static void
counts(void)
{
    uint64_t before = hf_counter_value(&unit_a);

    hf_count(&unit_a);
    hf_count_n(&unit_a, 9);
    UNIT_U64(hf_counter_value(&unit_a), before + 10);
    UNIT_U64(hf_counter_value(&unit_b), 0);
}

static void *
count_many(void *arg)
{
    (void)arg;
    for (int i = 0; i < 10000; i++) {
        hf_count(&unit_a);
    }
    return NULL;
}

static void
sums_over_threads(void)
{
    uint64_t before = hf_counter_value(&unit_a);
    uint64_t last = before;
    pthread_t threads[4];

    for (int i = 0; i < 4; i++) {
        CU_ASSERT_EQUAL_FATAL(pthread_create(&threads[i], NULL, count_many, NULL), 0);
    }
    for (int i = 0; i < 100; i++) { /* reading meanwhile, also while threads end */
        uint64_t now = hf_counter_value(&unit_a);

        CU_ASSERT(now >= last && now <= before + 40000);
        last = now;
    }
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
    }
    UNIT_U64(hf_counter_value(&unit_a), before + 40000);
}

struct visit {
    int n;
    char names[512];
};

static void
visit_one(void *arg, const struct hf_counter *counter, uint64_t value)
{
    struct visit *visit = arg;
    size_t len = strlen(visit->names);

    (void)value;
    visit->n++;
    snprintf(visit->names + len, sizeof visit->names - len, "%s;", counter->name);
}

static void
is_found_by_name(void)
{
    struct hf_counter twin = { .name = "unit_a", .help = "Another." };
    struct visit visit = { 0 };

    CU_ASSERT_PTR_EQUAL(hf_counter_find("unit_a"), &unit_a);
    CU_ASSERT_PTR_NULL(hf_counter_find("unit_c"));
    UNIT_INT(hf_counter_register(&twin), HF_EEXISTS);
    hf_counters_visit(visit_one, &visit);
    UNIT_CONTAINS(visit.names, "unit_a;unit_b;");
}

static void
is_bounded(void)
{
    static struct hf_counter many[HF_COUNTERS_MAX];
    static char names[HF_COUNTERS_MAX][16];
    int r = 0;

    for (size_t i = 0; i < HF_COUNTERS_MAX && r == 0; i++) {
        snprintf(names[i], sizeof names[i], "z_%zu", i);
        many[i].name = names[i];
        r = hf_counter_register(&many[i]);
    }
    UNIT_INT(r, HF_EFULL);
    hf_count(&many[HF_COUNTERS_MAX - 1]); /* has no slot of its own; harmless */
}

UNIT_MAIN("counters", UNIT_TEST(counts), UNIT_TEST(sums_over_threads), UNIT_TEST(is_found_by_name),
          UNIT_TEST(is_bounded))
