/*
 * bench-NAME.c - what a decision of the policy NAME costs among few and many workers.
 */
#include <hyperfaas/testing_scheduler.h>

#define DECISIONS 1000

/* Nanoseconds for one pick. */
static double
measure(uint32_t workers)
{
    struct hf_test_scheduler t;
    uint64_t begin;

    hf_test_scheduler_begin(&t, workers, 0, "");
    begin = hf_test_clock_ns();
    for (int i = 0; i < DECISIONS; i++) {
        hf_test_scheduler_place(&t);
    }
    begin = hf_test_clock_ns() - begin;
    hf_test_scheduler_end(&t);
    return (double)begin / DECISIONS;
}

int
main(void)
{
    printf("workers  ns per pick\n");
    for (uint32_t workers = 1; workers <= 10000; workers *= 10) {
        printf("%7u  %11.1f\n", workers, measure(workers));
    }
    return hf_test_failures > 0;
}
