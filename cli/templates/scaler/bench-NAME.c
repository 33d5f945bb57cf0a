/*
 * bench-NAME.c - what a decision of the policy NAME costs.
 */
#include <hyperfaas/testing_scaler.h>

#define DECISIONS 1000000

int
main(void)
{
    struct hf_test_scaler t;
    uint64_t wanted = 0;
    uint64_t seed = 1;
    uint64_t begin;

    hf_test_scaler_begin(&t, "");
    t.view.ready = 4;
    begin = hf_test_clock_ns();
    for (int i = 0; i < DECISIONS; i++) {
        t.view.in_flight = (uint32_t)(hf_test_random(&seed) % 16);
        t.view.now_ns += 1000000;
        wanted += hf_test_scaler_tick(&t);
    }
    begin = hf_test_clock_ns() - begin;
    printf("%.1f ns per tick, %.1f instances wanted\n", (double)begin / DECISIONS,
           (double)wanted / DECISIONS);
    hf_test_scaler_end(&t);
    return hf_test_failures > 0;
}
