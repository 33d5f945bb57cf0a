/* test-autoscale.c - event scripts in virtual time for the autoscaler, pools included. */
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
a_first_call_starts_an_instance_at_once(void)
{
    struct sim_function *f;

    begin();
    f = sim_function(&sim, 0, 1, 30 * HF_SEC);
    sim_worker_up(&sim, 0, 0);
    sim_call(f, 1, 10 * HF_MSEC);
    UNIT_U64(sim.starts, 1); /* without any time passing */
    sim_run(&sim, 200 * HF_MSEC);
    UNIT_U64(READY(f), 1);
    sim_run(&sim, 10 * HF_MSEC);
    UNIT_U64(f->done, 1);
    end();
}

static void
many_first_calls_start_as_many_as_allowed(void)
{
    struct sim_function *f;

    begin();
    f = sim_function(&sim, 0, 1, 30 * HF_SEC);
    sim_worker_up(&sim, 0, 0);
    sim_worker_up(&sim, 1, 0);
    sim_call(f, 1500, 10 * HF_MSEC);
    UNIT_U64(sim.starts, 8); /* four per worker */
    sim_run(&sim, 10 * HF_SEC);
    UNIT_U64(f->done, 1500);
    UNIT_U64(f->refused, 0);
    UNIT_U64(sim.admitted_most, 8);
    end();
}

static void
an_idle_function_goes_to_zero_from_its_last_call(void)
{
    struct sim_function *f;
    uint64_t looks;

    begin();
    f = sim_function(&sim, 0, 10, 30 * HF_SEC);
    sim_worker_up(&sim, 0, 0);
    sim_call(f, 1, 0);
    sim_run(&sim, 20 * HF_SEC);
    sim_call(f, 1, HF_SEC); /* ends at 21 s */
    sim_run(&sim, HF_SEC);
    UNIT_U64(f->done, 2);
    looks = sim_scaler.looks;
    sim_run(&sim, 29999 * HF_MSEC);
    UNIT_U64(READY(f), 1);
    CU_ASSERT_TRUE(sim_scaler.looks <= looks + 2); /* an idle function costs no time */
    sim_run(&sim, 2 * HF_MSEC);
    UNIT_U64(READY(f), 0);
    UNIT_U64(sim.stops, 1);
    sim_run(&sim, HF_SEC);
    UNIT_U64(f->colds, 1);
    UNIT_U64(hf_autoscaler_deadline(sim.autoscaler), UINT64_MAX);

    sim_call(f, 1, 0); /* and back */
    sim_run(&sim, HF_SEC);
    UNIT_U64(f->done, 3);
    end();
}

static void
surplus_goes_idle_first_and_no_call_is_cut(void)
{
    struct sim_function *f;

    begin();
    f = sim_function(&sim, 0, 1, 30 * HF_SEC);
    sim_worker_up(&sim, 0, 0);
    sim_call(f, 1, 100 * HF_SEC);
    sim_call(f, 3, HF_SEC);
    sim_run(&sim, 500 * HF_MSEC);
    UNIT_U64(READY(f), 4);
    sim_run(&sim, 3 * HF_SEC); /* three are idle, one serves on */
    UNIT_U64(READY(f), 1);
    UNIT_U64(sim.stops, 3);
    sim_run(&sim, 100 * HF_SEC);
    UNIT_U64(f->done, 4);
    UNIT_U64(f->cut, 0);
    end();
}

static void
load_that_flaps_loses_nothing(void)
{
    struct sim_function *f;

    begin();
    sim_scaler.tick_ns = 50 * HF_MSEC;
    f = sim_function(&sim, 0, 1, 100 * HF_MSEC);
    sim_worker_up(&sim, 0, 0);
    sim_worker_up(&sim, 1, 0);
    for (int i = 0; i < 300; i++) {
        sim_call(f, i % 2 ? 1 : 8, (uint64_t)(i % 7) * 10 * HF_MSEC);
        sim_run(&sim, (uint64_t)(i % 5) * 100 * HF_MSEC);
    }
    sim_run(&sim, 10 * HF_SEC);
    UNIT_U64(f->done, 150 * 9);
    UNIT_U64(f->refused + f->cut, 0);
    CU_ASSERT_TRUE(f->colds > 10);
    CU_ASSERT_TRUE(sim.stops > 50);
    end();
}

static void
a_lost_worker_is_replaced(void)
{
    struct sim_function *f;

    begin();
    f = sim_function(&sim, 0, 1, 30 * HF_SEC);
    sim_worker_up(&sim, 0, 0);
    sim_call(f, 2, 10 * HF_SEC);
    sim_run(&sim, HF_SEC);
    UNIT_U64(READY(f), 2);
    sim_worker_down(&sim, 0);
    UNIT_U64(READY(f), 0);
    UNIT_U64(f->cut, 2); /* nobody can save these */
    sim_call(f, 2, HF_SEC);
    sim_run(&sim, HF_SEC);
    UNIT_U64(f->refused, 0); /* they wait for a worker */
    sim_worker_up(&sim, 1, 0);
    sim_run(&sim, 3 * HF_SEC);
    UNIT_U64(f->done, 2);
    end();
}

static void
calls_that_outlive_their_worker_keep_the_function_warm(void)
{
    struct sim_function *f;

    begin();
    sim.calls_survive = true;
    f = sim_function(&sim, 0, 1, 30 * HF_SEC);
    sim_worker_up(&sim, 0, 0);
    sim_call(f, 1, 10 * HF_SEC);
    sim_run(&sim, HF_SEC);
    sim_worker_down(&sim, 0);
    sim_run(&sim, 5 * HF_SEC);
    UNIT_U64(f->colds, 0);
    sim_run(&sim, 5 * HF_SEC);
    UNIT_U64(f->done, 1);
    UNIT_U64(f->colds, 1);
    end();
}

static void
a_worker_lost_while_starting(void)
{
    struct sim_function *f;

    begin();
    f = sim_function(&sim, 0, 1, 30 * HF_SEC);
    sim_worker_up(&sim, 0, 0);
    sim_worker_up(&sim, 1, 0);
    sim_call(f, 1, HF_SEC);
    sim_run(&sim, 100 * HF_MSEC);
    sim_worker_down(&sim, 0);
    sim_run(&sim, 2 * HF_SEC);
    UNIT_U64(f->done, 1);
    UNIT_U64(sim.starts, 2);
    end();
}

static void
without_a_worker_calls_are_refused_in_time(void)
{
    struct sim_function *f;

    begin();
    f = sim_function(&sim, 0, 1, 30 * HF_SEC);
    sim_call(f, 3, HF_SEC);
    sim_run(&sim, 4999 * HF_MSEC);
    UNIT_U64(f->refused, 0);
    sim_run(&sim, 2 * HF_MSEC);
    UNIT_U64(f->refused, 3);
    UNIT_U64(f->last_refusal, HF_FAILURE_NO_WORKER);
    UNIT_CONTAINS(f->reason, "no worker is connected");
    sim_run(&sim, 2 * HF_SEC);
    UNIT_U64(f->colds, 1);
    end();
}

static void
a_full_fleet_makes_calls_wait_for_room(void)
{
    struct sim_function *f;
    struct sim_function *g;

    begin();
    f = sim_function(&sim, 0, 1, HF_SEC);
    g = sim_function(&sim, 1, 1, HF_SEC);
    f->spec.memory_bytes = 100;
    g->spec.memory_bytes = 60;
    sim_worker_up(&sim, 0, 120);
    sim_call(f, 1, HF_SEC);
    sim_run(&sim, 500 * HF_MSEC);
    sim_call(g, 1, HF_SEC);
    UNIT_U64(sim.starts, 1);   /* no room */
    sim_run(&sim, 2 * HF_SEC); /* f is idle at 1.2 s and gone at 2.2 s */
    UNIT_U64(f->done, 1);
    UNIT_U64(sim.starts, 2);
    sim_run(&sim, 2 * HF_SEC);
    UNIT_U64(g->done, 1);
    f->spec.memory_bytes = 1000; /* fits nowhere, ever */
    sim_call(f, 1, HF_SEC);
    sim_run(&sim, 6 * HF_SEC);
    UNIT_U64(f->refused, 1);
    UNIT_STR(f->reason, "no worker has room for an instance: of 1 workers 1 have too little memory "
                        "left (it needs 1000B, 120B are left at most)");
    end();
}

static void
a_failed_start_goes_to_another_worker(void)
{
    struct sim_function *f;

    begin();
    f = sim_function(&sim, 0, 1, 30 * HF_SEC);
    sim_worker_up(&sim, 0, 0);
    sim_worker_up(&sim, 1, 0);
    sim.workers[0].broken = true;
    sim_call(f, 1, 0);
    sim_run(&sim, 400 * HF_MSEC); /* two starts, one after the other, without a pause */
    UNIT_U64(f->done, 1);
    UNIT_U64(sim.starts, 2);
    end();
}

static void
a_failed_start_is_tried_again_after_a_pause(void)
{
    struct sim_function *f;

    begin();
    f = sim_function(&sim, 0, 1, 30 * HF_SEC);
    f->broken = true;
    sim_worker_up(&sim, 0, 0);
    sim_call(f, 1, 0);
    sim_run(&sim, 240 * HF_MSEC); /* failed at 200 ms, pause of 50 to 100 ms */
    UNIT_U64(sim.starts, 1);
    f->broken = false;
    sim_run(&sim, 300 * HF_MSEC);
    UNIT_U64(sim.starts, 2);
    UNIT_U64(f->done, 1);
    end();
}

static void
starts_that_keep_failing_refuse_the_calls(void)
{
    struct sim_function *f;
    uint32_t starts;

    begin();
    f = sim_function(&sim, 0, 1, 30 * HF_SEC);
    f->broken = true;
    sim_worker_up(&sim, 0, 0);
    sim_call(f, 1, 0);
    sim_run(&sim, 2 * HF_SEC);
    UNIT_U64(sim.starts, 3);
    UNIT_U64(f->refused, 1);
    UNIT_U64(f->last_refusal, HF_FAILURE_START_FAILED);
    UNIT_STR(f->reason, "exec format error");

    /* Calls that come while the function rests fail at once, and starts come ever more rarely. */
    starts = sim.starts;
    sim.demands = 0;
    for (int i = 0; i < 600; i++) {
        sim_call(f, 1, 0);
        sim_run(&sim, 100 * HF_MSEC);
    }
    CU_ASSERT_TRUE(sim.demands < 120); /* the others are refused without a look */
    CU_ASSERT_TRUE(f->refused >= 595);
    CU_ASSERT_TRUE(sim.starts - starts < 15);

    f->broken = false;
    sim_run(&sim, 10 * HF_SEC);
    UNIT_U64(f->done, 0);
    sim_call(f, 1, 0);
    sim_run(&sim, HF_SEC);
    UNIT_U64(f->done, 1);
    end();
}

/* Five workers refuse, for others fill them; the sixth takes the start, whatever start_attempts is.
 */
static void
a_refused_start_goes_to_another_worker(void)
{
    struct sim_function *f;

    begin();
    f = sim_function(&sim, 0, 1, 30 * HF_SEC);
    sim.start_ns = 1 * HF_MSEC; /* a refusal is quick */
    for (int i = 0; i < 6; i++) {
        sim_worker_up(&sim, i, 0);
        sim.workers[i].full = i < 5;
    }
    sim_call(f, 1, 0);
    sim_run(&sim, 20 * HF_MSEC);
    UNIT_U64(f->done, 1);
    UNIT_U64(sim.starts, 6);
    end();
}

static void
calls_wait_for_room_where_all_starts_are_refused(void)
{
    struct sim_function *f;

    begin();
    f = sim_function(&sim, 0, 1, 30 * HF_SEC);
    sim_worker_up(&sim, 0, 0);
    sim.workers[0].full = true;
    sim_call(f, 2, 0);
    sim_run(&sim, 4500 * HF_MSEC);
    UNIT_U64(f->refused, 0);
    sim_run(&sim, 1 * HF_SEC);
    UNIT_U64(f->refused, 2); /* after room_wait_ns, 5 s */
    UNIT_STR(f->reason, "no worker has room for an instance: it is full");
    sim.workers[0].full = false;
    sim_run(&sim, 11 * HF_SEC);
    sim_call(f, 1, 0);
    sim_run(&sim, 1 * HF_SEC);
    UNIT_U64(f->done, 1);
    end();
}

static void
a_worker_takes_no_more_instances_than_it_says(void)
{
    struct sim_function *f;
    struct hf_worker_info info = { .max_instances = 2 };

    begin();
    f = sim_function(&sim, 0, 1, 30 * HF_SEC);
    sim_worker_up(&sim, 0, 0);
    info.id = sim.workers[0].id;
    hf_autoscaler_worker_set(sim.autoscaler, &sim.workers[0].fleet, &info, sim.now);
    sim_call(f, 9, 10 * HF_MSEC);
    sim_run(&sim, 1 * HF_SEC);
    UNIT_U64(sim.starts, 2);
    UNIT_U64(f->done, 9);
    end();
}

static void
instances_that_die_young_are_failed_starts(void)
{
    struct sim_function *f;

    begin();
    f = sim_function(&sim, 0, 1, 30 * HF_SEC);
    sim_worker_up(&sim, 0, 0);
    for (int i = 0; i < 100; i++) {
        sim_call(f, 1, HF_SEC);
        sim_run(&sim, 100 * HF_MSEC);
        if (READY(f) > 0) {
            sim_crash(f);
        }
    }
    CU_ASSERT_TRUE(sim.starts < 50); /* in ten seconds, not one every 200 ms for each call */
    end();
}

static void
an_instance_that_dies_is_replaced_on_demand(void)
{
    struct sim_function *f;

    begin();
    f = sim_function(&sim, 0, 1, 30 * HF_SEC);
    sim_worker_up(&sim, 0, 0);
    sim_call(f, 1, 5 * HF_SEC);
    sim_run(&sim, 3 * HF_SEC);
    sim_crash(f);
    UNIT_U64(f->cut, 1);
    sim_call(f, 1, HF_SEC);
    sim_run(&sim, 2 * HF_SEC);
    UNIT_U64(f->done, 1);
    end();
}

static void
starts_in_parallel_are_bounded(void)
{
    struct hf_autoscale_settings settings = sim_settings();

    settings.fleet.max_starting_per_worker = 3;
    settings.functions_a_tick = 2;
    sim_init(&sim, &settings, 1);
    sim_worker_up(&sim, 0, 0);
    for (int i = 0; i < 50; i++) {
        sim_call(sim_function(&sim, i, 1, 3 * HF_SEC), 1, 0);
        CU_ASSERT_TRUE(sim.workers[0].fleet.base.starting <= 3);
    }
    for (int i = 0; i < 40; i++) {
        sim_run(&sim, 100 * HF_MSEC);
        CU_ASSERT_TRUE(sim.workers[0].fleet.base.starting <= 3);
    }
    for (int i = 0; i < 50; i++) {
        UNIT_U64(sim.functions[i].done, 1); /* all got their turn */
    }
    end();
}

static void
while_no_start_is_free_nobody_is_asked_to_try(void)
{
    struct hf_autoscale_settings settings = sim_settings();
    uint32_t looks;

    settings.fleet.max_starting_per_worker = 2;
    sim_init(&sim, &settings, 1);
    sim.start_ns = 10 * HF_MSEC;
    sim_worker_up(&sim, 0, 0);
    for (int i = 0; i < 12; i++) {
        sim_call(sim_function(&sim, i, 1, 3 * HF_SEC), 1, HF_SEC);
    }
    looks = sim.looks;
    sim_run(&sim, sim.start_ns);
    UNIT_U64(sim.starts, 4);
    UNIT_U64(sim.looks - looks, 4); /* at each that has started, and at its successor */
    end();
}

static void
time_to_live_and_prewarming(void)
{
    struct sim_function *f;

    begin();
    f = sim_function(&sim, 0, 1, 1000 * HF_SEC);
    sim_worker_up(&sim, 0, 0);
    sim_scaler.keep_ns = 5 * HF_SEC;
    sim_scaler.prewarm_ns = 60 * HF_SEC;
    sim_call(f, 1, 0);
    sim_run(&sim, 5 * HF_SEC);
    UNIT_U64(READY(f), 1);
    sim_run(&sim, 5 * HF_SEC);
    UNIT_U64(READY(f), 0);
    UNIT_U64(f->colds, 0); /* remembered for prewarming */
    sim_scaler.prewarm_ns = 0;
    sim_run(&sim, 57 * HF_SEC);
    UNIT_U64(READY(f), 1);
    UNIT_U64(f->done, 1); /* without a call */
    sim_run(&sim, 60 * HF_SEC);
    UNIT_U64(f->colds, 1);
    end();
}

UNIT_MAIN("autoscale", UNIT_TEST(a_first_call_starts_an_instance_at_once),
          UNIT_TEST(many_first_calls_start_as_many_as_allowed),
          UNIT_TEST(an_idle_function_goes_to_zero_from_its_last_call),
          UNIT_TEST(surplus_goes_idle_first_and_no_call_is_cut),
          UNIT_TEST(load_that_flaps_loses_nothing), UNIT_TEST(a_lost_worker_is_replaced),
          UNIT_TEST(calls_that_outlive_their_worker_keep_the_function_warm),
          UNIT_TEST(a_worker_lost_while_starting),
          UNIT_TEST(while_no_start_is_free_nobody_is_asked_to_try),
          UNIT_TEST(without_a_worker_calls_are_refused_in_time),
          UNIT_TEST(a_full_fleet_makes_calls_wait_for_room),
          UNIT_TEST(a_failed_start_goes_to_another_worker),
          UNIT_TEST(a_failed_start_is_tried_again_after_a_pause),
          UNIT_TEST(starts_that_keep_failing_refuse_the_calls),
          UNIT_TEST(a_refused_start_goes_to_another_worker),
          UNIT_TEST(calls_wait_for_room_where_all_starts_are_refused),
          UNIT_TEST(a_worker_takes_no_more_instances_than_it_says),
          UNIT_TEST(instances_that_die_young_are_failed_starts),
          UNIT_TEST(an_instance_that_dies_is_replaced_on_demand),
          UNIT_TEST(starts_in_parallel_are_bounded), UNIT_TEST(time_to_live_and_prewarming))
