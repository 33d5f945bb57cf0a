/* test-autoscale-random.c - random histories of a leaf, drawn from seeds, in virtual time. */
#include <stdlib.h>
#include <string.h>

#include "audit-lb.h"
#include "sim-leaf.h"
#include "unit.h"

static struct sim sim;

/* A busy day, drawn from a seed; returns what happened. */
static char *
random_history(uint64_t seed)
{
    struct hf_autoscale_settings settings = sim_settings();
    struct hf_random random;
    char *log;

    hf_random_init(&random, seed);
    settings.fleet.max_starting_per_worker = 4;
    settings.drain_limit_ns = 3 * HF_SEC;
    sim_init(&sim, &settings, seed);
    sim_scaler.tick_ns = 100 * HF_MSEC;
    sim_scaler.victims = seed % 2 ? SIM_ALL : SIM_REFUSE;
    for (int step = 0; step < 3000; step++) {
        int i = (int)hf_random_below(&random, 8);
        struct sim_function *f = &sim.functions[i];
        struct sim_worker *w = &sim.workers[hf_random_below(&random, 5)];

        if (!f->sim || (f->deleted && !f->pool)) {
            *f = (struct sim_function){ 0 };
            sim_function(&sim, i, (uint32_t)hf_random_below(&random, 4), HF_SEC);
            f->spec.memory_bytes = 10 * hf_random_below(&random, 4);
        }
        switch (hf_random_below(&random, 24)) {
        case 0:
            if (hf_fleet_worker_is_there(&w->fleet)) {
                sim_worker_down(&sim, (int)(w - sim.workers));
            }
            break;
        case 1:
        case 2:
            if (!hf_fleet_worker_is_there(&w->fleet)) {
                sim_worker_up(&sim, (int)(w - sim.workers), 100);
            }
            break;
        case 3:
            if (hf_fleet_worker_is_there(&w->fleet)) {
                sim_worker_draining(&sim, (int)(w - sim.workers), hf_random_below(&random, 2));
            }
            break;
        case 4:
            w->broken = hf_random_below(&random, 3) == 0;
            break;
        case 5:
            if (f->pool && !f->deleted) {
                sim_update(f, (uint32_t)hf_random_below(&random, 4), hf_random_below(&random, 2));
            }
            break;
        case 6:
            if (f->pool && !f->deleted && hf_random_below(&random, 4) == 0) {
                sim_delete(f);
            }
            break;
        case 7:
            if (sim_count(f, HF_INSTANCE_READY) > 0) {
                sim_crash(f);
            }
            break;
        default:
            if (!f->deleted) {
                sim_call(f, (uint32_t)hf_random_below(&random, 10),
                         hf_random_below(&random, 300) * HF_MSEC);
            }
        }
        sim_run(&sim, hf_random_below(&random, 100) * HF_MSEC);
    }
    log = strdup(hf_text_str(&sim.log));
    sim_fini(&sim); /* asserts that no call, instance or function stayed */
    return log;
}

static void
random_histories_end_clean_and_repeat(void)
{
    for (uint64_t seed = 1; seed <= 20; seed++) {
        char *log = random_history(seed);
        char *again = random_history(seed);

        CU_ASSERT_TRUE(strlen(log) > 10000);
        CU_ASSERT_TRUE(strcmp(log, again) == 0);
        free(log);
        free(again);
    }
    UNIT_U64(audit_violations, 0);
}

UNIT_MAIN("autoscale-random", UNIT_TEST(random_histories_end_clean_and_repeat))
