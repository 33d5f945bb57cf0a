/* test-autoscale-limit.c - when the autoscaler tells a pool that no instance can come. */
#include "audit-lb.h"
#include "sim-leaf.h"
#include "unit.h"

static struct sim sim;

static void
begin(void)
{
    struct hf_autoscale_settings settings = sim_settings();

    sim_init(&sim, &settings, 1);
}

static void
end(void)
{
    sim_fini(&sim);
    UNIT_U64(audit_violations, 0);
}

/* 16 calls, so that the pool knows how long they take, and then all slots are taken. */
static void
keep_busy(struct sim_function *f, uint32_t slots)
{
    sim_call(f, 16, 100 * HF_MSEC);
    sim_run(&sim, 2 * HF_SEC);
    UNIT_U64(f->done, 16);
    sim_call(f, slots, 100 * HF_MSEC);
    UNIT_U64(f->refused, 0);
}

static bool
at_limit(const struct sim_function *f)
{
    struct hf_pool_load load;

    hf_pool_load(f->pool, &load);
    return load.at_limit;
}

static void
as_many_instances_as_allowed_are_a_limit(void)
{
    struct sim_function *f;

    begin();
    sim.pool_settings.max_wait_ns = 50 * HF_MSEC; /* two calls behind four slots */
    f = sim_function(&sim, 0, 1, 30 * HF_SEC);
    sim_worker_up(&sim, 0, 0);
    keep_busy(f, 4);
    CU_ASSERT_FALSE(at_limit(f)); /* none waits */
    sim_call(f, 10, 100 * HF_MSEC);
    CU_ASSERT_TRUE(at_limit(f));
    UNIT_U64(f->refused, 8);
    UNIT_U64(f->last_refusal, HF_FAILURE_OVERLOADED);

    sim_worker_up(&sim, 1, 0);
    sim_run(&sim, 200 * HF_MSEC);
    sim_call(f, 10, 100 * HF_MSEC);
    CU_ASSERT_FALSE(at_limit(f)); /* there is room again: the first who waits finds it out */
    UNIT_U64(f->refused, 8);
    UNIT_U64(sim.starts, 4 + 4);
    end();
}

static void
a_full_worker_is_a_limit_too(void)
{
    struct hf_worker_info info = { .max_instances = 2 };
    struct sim_function *f;

    begin();
    sim.pool_settings.max_wait_ns = 60 * HF_MSEC;
    f = sim_function(&sim, 0, 1, 30 * HF_SEC);
    sim_worker_up(&sim, 0, 0);
    info.id = sim.workers[0].id;
    hf_autoscaler_worker_set(sim.autoscaler, &sim.workers[0].fleet, &info, sim.now);
    keep_busy(f, 2);
    sim_call(f, 3, 100 * HF_MSEC);
    CU_ASSERT_TRUE(at_limit(f));
    UNIT_U64(f->refused, 2);
    sim_run(&sim, 2 * HF_SEC);
    CU_ASSERT_FALSE(at_limit(f));
    UNIT_U64(f->refused, 2);
    end();
}

/* It is full of another leaf's instances, and says so only when it is asked. */
static void
a_worker_that_refuses_starts_is_a_limit_too(void)
{
    struct sim_function *f;

    begin();
    sim.start_ns = 1 * HF_MSEC;
    sim.pool_settings.max_wait_ns = 150 * HF_MSEC;
    f = sim_function(&sim, 0, 1, 30 * HF_SEC);
    sim_worker_up(&sim, 0, 0);
    for (int i = 0; i < 16; i++) {
        sim_call(f, 1, 100 * HF_MSEC);
        sim_run(&sim, 200 * HF_MSEC);
    }
    sim.workers[0].full = true;
    sim_call(f, 2, 100 * HF_MSEC);
    CU_ASSERT_FALSE(at_limit(f)); /* the start is under way */
    sim_run(&sim, 5 * HF_MSEC);
    CU_ASSERT_TRUE(at_limit(f));
    sim_call(f, 1, 100 * HF_MSEC);
    UNIT_U64(f->last_refusal, HF_FAILURE_OVERLOADED);
    sim.workers[0].full = false;
    sim_run(&sim, 20 * HF_SEC);
    UNIT_U64(f->done, 18);
    UNIT_U64(f->refused, 1);
    end();
}

UNIT_MAIN("autoscale-limit", UNIT_TEST(as_many_instances_as_allowed_are_a_limit),
          UNIT_TEST(a_full_worker_is_a_limit_too),
          UNIT_TEST(a_worker_that_refuses_starts_is_a_limit_too))
