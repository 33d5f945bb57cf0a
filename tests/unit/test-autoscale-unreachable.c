/* test-autoscale-unreachable.c - instances that start and then cannot be called. */
#include "audit-lb.h"
#include "sim-leaf.h"
#include "unit.h"

static struct sim sim;

static struct sim_function *
begin(void)
{
    struct hf_autoscale_settings settings = sim_settings();
    struct sim_function *f;

    settings.fleet.max_instances_per_worker = 1;
    sim_init(&sim, &settings, 1);
    sim.start_ns = 1 * HF_MSEC;
    f = sim_function(&sim, 0, 1, 30 * HF_SEC);
    sim_worker_up(&sim, 0, 0);
    return f;
}

static void
end(void)
{
    sim_fini(&sim);
    UNIT_U64(audit_violations, 0);
}

/* Calls come every 10 ms for ten seconds, and no instance lasts. */
static void
call_and_lose(struct sim_function *f, bool served)
{
    for (int i = 0; i < 1000; i++) {
        sim_call(f, 1, HF_MSEC);
        sim_run(&sim, 10 * HF_MSEC);
        if (sim_count(f, HF_INSTANCE_READY) > 0) {
            sim_unreachable(f, served);
        }
    }
}

static void
one_that_never_served_is_a_failed_start(void)
{
    struct sim_function *f = begin();

    call_and_lose(f, false);
    CU_ASSERT_TRUE(sim.starts < 15); /* pauses of 100 ms, 200 ms, ... */
    CU_ASSERT_TRUE(f->refused > 0);
    UNIT_U64(f->last_refusal, HF_FAILURE_START_FAILED);
    UNIT_STR(f->reason, "nobody listens");
    end();
}

static void
one_that_has_served_is_replaced_without_a_pause(void)
{
    struct sim_function *f = begin();

    call_and_lose(f, true);
    CU_ASSERT_TRUE(sim.starts > 400);
    UNIT_U64(f->refused, 0);
    end();
}

/* The limit of one instance per worker does not hold it up. */
static void
its_successor_starts_beside_it(void)
{
    struct sim_function *f = begin();

    sim_call(f, 1, 20 * HF_SEC);
    sim_run(&sim, 10 * HF_MSEC);
    sim_unreachable(f, true); /* it drains, for its call goes on */
    sim_call(f, 1, HF_MSEC);
    sim_run(&sim, 10 * HF_MSEC);
    UNIT_U64(sim_count(f, HF_INSTANCE_DRAINING), 1);
    UNIT_U64(sim_count(f, HF_INSTANCE_READY), 1);
    UNIT_U64(f->done, 1);
    end();
}

static void
one_that_is_going_anyway_is_nobodys_fault(void)
{
    struct sim_function *f = begin();

    sim_call(f, 1, HF_MSEC);
    sim_run(&sim, 10 * HF_MSEC);
    sim_worker_draining(&sim, 0, true);
    sim_worker_up(&sim, 1, 0);
    if (sim_count(f, HF_INSTANCE_READY) > 0) {
        sim_unreachable(f, false);
    }
    sim_call(f, 1, HF_MSEC);
    sim_run(&sim, 10 * HF_MSEC);
    UNIT_U64(f->done, 2);
    UNIT_U64(f->refused, 0);
    end();
}

UNIT_MAIN("autoscale-unreachable", UNIT_TEST(one_that_never_served_is_a_failed_start),
          UNIT_TEST(one_that_has_served_is_replaced_without_a_pause),
          UNIT_TEST(its_successor_starts_beside_it),
          UNIT_TEST(one_that_is_going_anyway_is_nobodys_fault))
