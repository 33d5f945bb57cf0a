/*
 * bench-NAME.c - what a decision of the policy NAME costs among few and many endpoints.
 */
#include <hyperfaas/testing_lb.h>

#define DECISIONS 100000

/* Nanoseconds for one call: pick, started and finished. */
static double
measure(uint32_t endpoints)
{
    struct hf_test_lb t;
    struct hf_lb_view view = { .size = sizeof view, .usable_count = endpoints };
    uint64_t seed = 1;
    uint64_t begin;

    hf_test_lb_begin(&t, endpoints, 0, "");
    for (uint32_t i = 0; i < endpoints; i++) {
        t.usable[i] = (struct hf_candidate){ t.endpoints[i].handle, t.endpoints[i].state };
    }
    view.usable = t.usable;
    begin = hf_test_clock_ns();
    for (int i = 0; i < DECISIONS; i++) {
        struct hf_handle handle;

        view.random = hf_test_random(&seed);
        view.now_ns += 1000;
        handle = t.ops.pick(t.lb, &view);
        if (t.ops.started) {
            t.ops.started(t.lb, &t.endpoints[handle.index]);
        }
        if (t.ops.finished) {
            t.ops.finished(t.lb, &t.endpoints[handle.index], HF_OUTCOME_OK, 1000);
        }
    }
    begin = hf_test_clock_ns() - begin;
    hf_test_lb_end(&t);
    return (double)begin / DECISIONS;
}

int
main(void)
{
    printf("endpoints  ns per call\n");
    for (uint32_t endpoints = 1; endpoints <= 10000; endpoints *= 10) {
        printf("%9u  %11.1f\n", endpoints, measure(endpoints));
    }
    return hf_test_failures > 0;
}
