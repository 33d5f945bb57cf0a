/*
 * test-NAME.c - what the policy NAME promises; see <hyperfaas/testing_scheduler.h>.
 */
#include <hyperfaas/testing_scheduler.h>

#define GIB (UINT64_C(1) << 30)

/* One instance on each worker before the second on any. */
static void
spreads(void)
{
    struct hf_test_scheduler t;

    hf_test_scheduler_begin(&t, 5, GIB, "");
    for (int i = 0; i < 20; i++) {
        HF_CHECK_EQUAL(hf_test_scheduler_place(&t), i % 5);
    }
    hf_test_scheduler_end(&t);
}

/* A worker is filled before the next one gets any; four instances fit on each. */
static void
packs(void)
{
    struct hf_test_scheduler t;

    hf_test_scheduler_begin(&t, 3, GIB, "pack=yes");
    for (int i = 0; i < 12; i++) {
        HF_CHECK_EQUAL(hf_test_scheduler_place(&t), i / 4);
    }
    HF_CHECK_EQUAL(hf_test_scheduler_place(&t), -1);
    hf_test_scheduler_stop(&t, 1);
    HF_CHECK_EQUAL(hf_test_scheduler_place(&t), 1);
    hf_test_scheduler_end(&t);
}

static void
leaves_out_workers_that_drain(void)
{
    struct hf_test_scheduler t;

    hf_test_scheduler_begin(&t, 2, GIB, "");
    t.workers[0].flags |= HF_WORKER_DRAINING;
    HF_CHECK_EQUAL(hf_test_scheduler_place(&t), 1);
    hf_test_scheduler_end(&t);
}

int
main(void)
{
    HF_RUN(spreads);
    HF_RUN(packs);
    HF_RUN(leaves_out_workers_that_drain);
    return hf_test_failures > 0;
}
