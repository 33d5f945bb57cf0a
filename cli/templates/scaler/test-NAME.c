/*
 * test-NAME.c - what the policy NAME promises; see <hyperfaas/testing_scaler.h>.
 */
#include <hyperfaas/testing_scaler.h>

#define SECOND UINT64_C(1000000000)

/* Rounded up; a function without a limit of its own goes by `target`. */
static void
follows_the_calls(void)
{
    struct hf_test_scaler t;

    hf_test_scaler_begin(&t, "target=5");
    t.view.waiting = 1;
    HF_CHECK_EQUAL(hf_test_scaler_demand(&t), 1);
    t.view.in_flight = 10;
    HF_CHECK_EQUAL(hf_test_scaler_demand(&t), 11);
    t.function.max_concurrency = 4;
    HF_CHECK_EQUAL(hf_test_scaler_tick(&t), 3);
    t.function.max_concurrency = 0;
    HF_CHECK_EQUAL(hf_test_scaler_tick(&t), 3);
    hf_test_scaler_end(&t);
}

/* What is idle stays for the function's idle timeout, 30 s here, and goes then. */
static void
goes_when_idle(void)
{
    struct hf_test_scaler t;

    hf_test_scaler_begin(&t, "");
    t.view.ready = t.view.idle = 2;
    t.view.idle_since_ns = t.view.now_ns;
    t.view.now_ns += 29 * SECOND;
    HF_CHECK_EQUAL(hf_test_scaler_tick(&t), 2);
    t.view.now_ns += SECOND;
    HF_CHECK_EQUAL(hf_test_scaler_tick(&t), 0);
    hf_test_scaler_end(&t);
}

int
main(void)
{
    HF_RUN(follows_the_calls);
    HF_RUN(goes_when_idle);
    return hf_test_failures > 0;
}
