/* test-autoscale-changes.c - functions, workers and instances that change under the autoscaler, in
 * virtual time. */
#include "engine/autoscale.h"

#include "audit-lb.h"
#include "sim-leaf.h"
#include "unit.h"

#define READY(f) sim_count((f), HF_INSTANCE_READY)

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

static void
an_update_forgives_failed_starts(void)
{
    struct sim_function *f;

    begin();
    f = sim_function(&sim, 0, 1, 30 * HF_SEC);
    f->broken = true;
    sim_worker_up(&sim, 0, 0);
    for (int i = 0; i < 100; i++) {
        sim_call(f, 1, 0);
        sim_run(&sim, 100 * HF_MSEC);
    }
    UNIT_U64(f->done, 0);
    f->broken = false;
    sim_update(f, 1, true);
    sim_call(f, 1, 0);
    sim_run(&sim, 300 * HF_MSEC);
    CU_ASSERT_TRUE(f->done > 0);
    end();
}

static void
a_new_revision_replaces_the_old_without_a_gap(void)
{
    struct sim_function *f;
    uint32_t starts;

    begin();
    f = sim_function(&sim, 0, 1, 300 * HF_SEC);
    sim_worker_up(&sim, 0, 0);
    sim_call(f, 4, HF_SEC);
    sim_run(&sim, 1300 * HF_MSEC);
    UNIT_U64(READY(f), 4);
    starts = sim.starts;
    sim_call(f, 2, 60 * HF_SEC); /* long ones, at the old revision */
    sim_update(f, 1, true);
    UNIT_U64(sim.starts, starts + 4); /* beside the old ones, above the limit per worker */
    UNIT_U64(READY(f), 4);
    sim_run(&sim, 250 * HF_MSEC);
    UNIT_U64(READY(f), 4);
    UNIT_U64(f->active->obsolete[HF_INSTANCE_READY], 0);
    UNIT_U64(sim_count(f, HF_INSTANCE_DRAINING), 2); /* the busy ones */
    sim_run(&sim, 100 * HF_SEC);
    UNIT_U64(f->cut, 2); /* their limit was 30 s */
    end();
}

static void
a_new_revision_makes_room_for_itself(void)
{
    struct sim_function *f;

    begin();
    f = sim_function(&sim, 0, 1, 300 * HF_SEC);
    f->spec.memory_bytes = 50;
    sim_worker_up(&sim, 0, 100);
    sim_call(f, 2, HF_SEC);
    sim_run(&sim, 1300 * HF_MSEC);
    UNIT_U64(READY(f), 2);
    sim_update(f, 1, true); /* no room for a third one */
    for (int i = 0; i < 20; i++) {
        sim_run(&sim, 100 * HF_MSEC);
        CU_ASSERT_TRUE(READY(f) >= 1); /* one at a time */
    }
    UNIT_U64(READY(f), 2);
    UNIT_U64(f->active->obsolete[HF_INSTANCE_READY], 0);
    end();
}

static void
new_concurrency_counts_at_once(void)
{
    struct sim_function *f;

    begin();
    f = sim_function(&sim, 0, 1, 300 * HF_SEC);
    sim_worker_up(&sim, 0, 0);
    sim_call(f, 20, 10 * HF_SEC);
    sim_run(&sim, HF_SEC);
    UNIT_U64(sim.starts, 4);
    sim_update(f, 5, false);
    sim_run(&sim, 10 * HF_SEC);
    UNIT_U64(f->done, 20); /* all ran together from then on */
    UNIT_U64(sim.starts, 4);
    end();
}

static void
an_update_while_starting_starts_anew(void)
{
    struct sim_function *f;

    begin();
    f = sim_function(&sim, 0, 1, 300 * HF_SEC);
    sim_worker_up(&sim, 0, 0);
    sim_call(f, 1, HF_SEC);
    sim_run(&sim, 100 * HF_MSEC);
    sim_update(f, 1, true);
    UNIT_U64(sim.starts, 2);
    sim_run(&sim, 5 * HF_SEC);
    UNIT_U64(f->done, 1);
    UNIT_U64(READY(f), 1);
    UNIT_U64(sim.stops, 1); /* the outdated one never served */
    end();
}

static void
a_deleted_function_finishes_and_stops(void)
{
    struct sim_function *f;

    begin();
    f = sim_function(&sim, 0, 1, 300 * HF_SEC);
    sim_worker_up(&sim, 0, 0);
    sim_call(f, 6, HF_SEC);
    sim_run(&sim, 300 * HF_MSEC);
    sim_delete(f);
    UNIT_U64(f->refused, 2); /* those that waited */
    UNIT_U64(f->last_refusal, HF_FAILURE_DELETED);
    sim_run(&sim, 5 * HF_SEC);
    UNIT_U64(f->done, 4);
    UNIT_U64(f->cut, 0);
    UNIT_U64(f->colds, 1);
    end();
}

static void
a_function_deleted_while_starting(void)
{
    struct sim_function *f;

    begin();
    f = sim_function(&sim, 0, 1, 300 * HF_SEC);
    sim_worker_up(&sim, 0, 0);
    sim_call(f, 1, HF_SEC);
    sim_delete(f);
    UNIT_U64(f->refused, 1);
    sim_run(&sim, HF_SEC);
    UNIT_U64(f->colds, 1);
    UNIT_U64(sim.instances, 0);
    end();
}

static void
a_draining_worker_is_emptied(void)
{
    struct sim_function *f;

    begin();
    f = sim_function(&sim, 0, 1, 300 * HF_SEC);
    sim_worker_up(&sim, 0, 0);
    sim_call(f, 2, 5 * HF_SEC);
    sim_run(&sim, HF_SEC);
    sim_worker_up(&sim, 1, 0);
    sim_worker_draining(&sim, 0, true);
    sim_run(&sim, HF_SEC);
    UNIT_U64(READY(f), 2);
    UNIT_U64(sim.workers[1].fleet.base.instances, 2);
    sim_run(&sim, 5 * HF_SEC);
    UNIT_U64(f->done, 2);
    UNIT_U64(sim.workers[0].fleet.base.instances, 0);
    end();
}

static void
a_draining_worker_that_is_the_only_one(void)
{
    struct sim_function *f;
    struct sim_function *g;

    begin();
    f = sim_function(&sim, 0, 1, 300 * HF_SEC);
    g = sim_function(&sim, 1, 1, 300 * HF_SEC);
    sim_worker_up(&sim, 0, 0);
    sim_call(f, 2, HF_SEC);
    sim_call(g, 1, 0);
    sim_run(&sim, 2 * HF_SEC);
    sim_call(f, 1, 3 * HF_SEC);
    sim_worker_draining(&sim, 0, true);
    sim_run(&sim, 10 * HF_MSEC);
    UNIT_U64(READY(g), 0); /* idle ones go at once, without successors */
    UNIT_U64(READY(f), 1);
    UNIT_U64(sim.starts, 3);
    sim_run(&sim, 2 * HF_SEC);
    UNIT_U64(READY(f), 1); /* nobody else could take its call */
    sim_run(&sim, HF_SEC);
    UNIT_U64(f->done, 3);
    UNIT_U64(READY(f), 0); /* it goes with its last call, not after the limit of 30 s */
    UNIT_U64(sim.workers[0].fleet.base.instances, 0);
    sim_call(g, 1, 0);
    sim_run(&sim, 6 * HF_SEC);
    UNIT_U64(g->refused, 1); /* there is no other worker */
    end();
}

static void
adopted_instances_serve(void)
{
    struct hf_fleet_instance *instance;
    struct sim_function *f;

    begin();
    f = sim_function(&sim, 0, 1, 30 * HF_SEC);
    sim_worker_up(&sim, 0, 0);
    sim_call(f, 1, 0);
    sim_run(&sim, HF_SEC);
    CU_ASSERT_EQUAL(
        hf_autoscaler_adopt(sim.autoscaler, f->active, &sim.workers[0].fleet, sim.now, &instance),
        0);
    sim.instances++;
    sim_run(&sim, 0);
    sim_call(f, 2, HF_SEC);
    UNIT_U64(READY(f), 2);
    sim_run(&sim, 2 * HF_SEC);
    UNIT_U64(f->done, 3);
    UNIT_U64(sim.starts, 1);
    end();
}

UNIT_MAIN("autoscale-changes", UNIT_TEST(an_update_forgives_failed_starts),
          UNIT_TEST(a_new_revision_replaces_the_old_without_a_gap),
          UNIT_TEST(a_new_revision_makes_room_for_itself),
          UNIT_TEST(new_concurrency_counts_at_once),
          UNIT_TEST(an_update_while_starting_starts_anew),
          UNIT_TEST(a_deleted_function_finishes_and_stops),
          UNIT_TEST(a_function_deleted_while_starting), UNIT_TEST(a_draining_worker_is_emptied),
          UNIT_TEST(a_draining_worker_that_is_the_only_one), UNIT_TEST(adopted_instances_serve))
