/*
 * test-NAME.c - what the policy NAME promises; see <hyperfaas/testing_lb.h>.
 */
#include <hyperfaas/testing_lb.h>

#define SECOND UINT64_C(1000000000)

/* With one endpoint there is no choice, and when it is full the call waits. */
static void
takes_the_only_one(void)
{
    struct hf_test_lb t;

    hf_test_lb_begin(&t, 1, 2, "");
    HF_CHECK_EQUAL(hf_test_lb_take(&t), 0);
    HF_CHECK_EQUAL(hf_test_lb_take(&t), 0);
    HF_CHECK_EQUAL(hf_test_lb_take(&t), -1);
    hf_test_lb_finish(&t, 0, HF_OUTCOME_FAILED, SECOND);
    HF_CHECK_EQUAL(hf_test_lb_take(&t), 0);
    hf_test_lb_end(&t);
}

/* A thousand calls that last are spread so that no endpoint has many more than its share. */
static void
spreads_the_calls(void)
{
    struct hf_test_lb t;

    hf_test_lb_begin(&t, 10, 0, "choices=2");
    for (int i = 0; i < 1000; i++) {
        HF_CHECK(hf_test_lb_take(&t) >= 0);
    }
    for (uint32_t i = 0; i < t.count; i++) {
        HF_CHECK(t.in_flight[i] > 90 && t.in_flight[i] < 110);
    }
    hf_test_lb_end(&t);
}

int
main(void)
{
    HF_RUN(takes_the_only_one);
    HF_RUN(spreads_the_calls);
    return hf_test_failures > 0;
}
