/* test-autoscale-policies.c - what schedulers and scalers see, and what they are asked. */
#include <string.h>

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
}

#define READY(f) sim_count((f), HF_INSTANCE_READY)

/* A function of that many bytes, with one idle instance that has served one call. */
static struct sim_function *
idle_function(int i, uint64_t memory)
{
    struct sim_function *f = sim_function(&sim, i, 1, 100 * HF_SEC);

    f->spec.memory_bytes = memory;
    sim_call(f, 1, HF_MSEC);
    sim_run(&sim, HF_SEC);
    UNIT_U64(f->done, 1);
    UNIT_U64(READY(f), 1);
    return f;
}

static const char *
show(const struct sim_function *f)
{
    static struct hf_text text;

    hf_text_fini(&text);
    hf_text_init(&text);
    hf_autoscaler_show(sim.autoscaler, f ? f->active : NULL, sim.now, &text);
    return hf_text_str(&text);
}

/* --- what a scheduler sees ------------------------------------------------------------------ */

static void
a_scheduler_sees_the_calls_of_a_worker(void)
{
    struct sim_function *f;

    begin();
    f = sim_function(&sim, 0, 4, 30 * HF_SEC);
    sim_worker_up(&sim, 0, 0);
    sim_call(f, 3, 10 * HF_SEC);
    UNIT_U64(sim_scheduler.worker.in_flight, 0); /* they wait */
    sim_run(&sim, 3 * HF_SEC);
    sim_call(sim_function(&sim, 1, 1, 30 * HF_SEC), 1, 0);
    UNIT_U64(sim_scheduler.worker.in_flight, 3);
    UNIT_U64(sim_scheduler.worker.instances, 1);
    UNIT_U64(sim_scheduler.worker.starting, 0);
    sim_call(sim_function(&sim, 2, 1, 30 * HF_SEC), 1, 0);
    UNIT_U64(sim_scheduler.worker.starting, 1);
    sim_run(&sim, 20 * HF_SEC);
    UNIT_U64(f->done, 3);
    UNIT_U64(sim.workers[0].fleet.base.in_flight, 0);
    end();
}

static void
calls_are_forgotten_with_their_instance(void)
{
    struct sim_function *f;

    begin();
    f = sim_function(&sim, 0, 4, 30 * HF_SEC);
    sim_worker_up(&sim, 0, 0);
    sim_call(f, 3, 10 * HF_SEC);
    sim_run(&sim, 3 * HF_SEC);
    UNIT_U64(sim.workers[0].fleet.base.in_flight, 3);
    sim_crash(f);
    UNIT_U64(sim.workers[0].fleet.base.in_flight, 0);
    end();
}

static void
a_scheduler_sees_what_a_worker_has_of_the_function(void)
{
    struct sim_function *f;

    begin();
    sim_worker_up(&sim, 0, 0);
    f = sim_function(&sim, 0, 1, 30 * HF_SEC);
    sim_call(f, 1, HF_MSEC);
    CU_ASSERT_FALSE(sim_scheduler.share.image_present);
    UNIT_U64(sim_scheduler.share.idle, 0);
    sim_run(&sim, HF_SEC);
    sim_scaler.least = 2; /* so that there is a pick while one is idle */
    sim_call(f, 1, HF_MSEC);
    sim_run(&sim, 31 * HF_SEC);
    UNIT_U64(sim_scheduler.share.instances, 1);
    UNIT_U64(sim_scheduler.share.idle, 1);
    CU_ASSERT_TRUE(sim_scheduler.share.image_present); /* an instance has been started of it */
    sim_scaler.least = 0;
    end();
}

static void
a_worker_tells_its_images(void)
{
    struct sim_function *f;

    begin();
    sim_worker_up(&sim, 0, 0);
    f = sim_function(&sim, 0, 1, 30 * HF_SEC);
    hf_fleet_set_image(&sim.workers[0].fleet, "another:latest", true);
    sim_call(f, 1, HF_MSEC);
    CU_ASSERT_FALSE(sim_scheduler.share.image_present);
    hf_fleet_set_image(&sim.workers[0].fleet, f->spec.image, true);
    hf_fleet_set_image(&sim.workers[0].fleet, f->spec.image, true);
    sim_call(sim_function(&sim, 1, 1, 30 * HF_SEC), 1, HF_MSEC);
    CU_ASSERT_TRUE(sim_scheduler.share.image_present);
    hf_fleet_set_image(&sim.workers[0].fleet, f->spec.image, false);
    sim_call(sim_function(&sim, 2, 1, 30 * HF_SEC), 1, HF_MSEC);
    CU_ASSERT_FALSE(sim_scheduler.share.image_present);
    end();
}

/* --- what a scheduler is asked --------------------------------------------------------------- */

static void
several_starts_are_asked_for_at_once(void)
{
    struct sim_function *f;

    begin();
    sim_worker_up(&sim, 0, 0);
    sim_worker_up(&sim, 1, 0);
    f = idle_function(0, 0);
    UNIT_U64(sim_scheduler.most_at_once, 1);
    sim_scaler.least = 6;
    sim_call(f, 1, HF_MSEC);
    sim_run(&sim, 40 * HF_SEC);
    UNIT_U64(sim_scheduler.most_at_once, 5);
    UNIT_U64(READY(f), 6); /* four fit on the first; what was named beyond goes to the second */
    UNIT_U64(sim.workers[1].fleet.base.instances, 2);
    CU_ASSERT_PTR_NOT_NULL(strstr(show(f), " invalid=2\n"));
    sim_scaler.least = 0;
    end();
}

static void
wrong_answers_of_a_scheduler_are_shown(void)
{
    struct sim_function *f;

    begin();
    sim_worker_up(&sim, 0, 0);
    f = sim_function(&sim, 0, 1, 30 * HF_SEC);
    CU_ASSERT_PTR_NOT_NULL(strstr(show(NULL), " invalid=0\norder=first\n"));
    sim_scheduler.wrong = true;
    sim_call(f, 1, HF_MSEC);
    CU_ASSERT_PTR_NOT_NULL(strstr(show(NULL), " invalid=1\norder=first\n"));
    sim_scheduler.wrong = false;
    sim_run(&sim, 10 * HF_SEC);
    UNIT_U64(f->done, 1);
    end();
}

static void
a_scheduler_sees_what_a_worker_reports(void)
{
    const struct hf_worker_load load = {
        .load_millis = 1500, .disk_bytes = 100, .disk_used_bytes = 40, .reported_ns = 77
    };

    begin();
    sim_worker_up(&sim, 0, 0);
    sim_call(sim_function(&sim, 0, 1, 30 * HF_SEC), 1, 0);
    UNIT_U64(sim_scheduler.worker.load_ns, 0);
    hf_fleet_note_worker_load(&sim.workers[0].fleet, &load);
    sim_call(sim_function(&sim, 1, 1, 30 * HF_SEC), 1, 0);
    UNIT_U64(sim_scheduler.worker.load_millis, 1500);
    UNIT_U64(sim_scheduler.worker.disk_bytes, 100);
    UNIT_U64(sim_scheduler.worker.disk_used_bytes, 40);
    UNIT_U64(sim_scheduler.worker.load_ns, 77);
    end();
}

static void
reasons_are_counted(void)
{
    begin();
    sim_worker_up(&sim, 0, 0);
    sim_call(sim_function(&sim, 0, 1, 30 * HF_SEC), 1, 0);
    UNIT_CONTAINS(show(NULL), "reason=first decisions=1 last_score=0\n");
    UNIT_CONTAINS(show(NULL), "reason=calls decisions=1 last_score=1\n");
    CU_ASSERT_PTR_NULL(strstr(show(NULL), "reason=none"));
    end();
}

/* --- what a scaler is asked ------------------------------------------------------------------ */

static void
the_longest_idle_makes_room(void)
{
    struct sim_function *f;
    struct sim_function *g;
    struct sim_function *h;
    uint64_t done_ns;

    begin();
    sim_worker_up(&sim, 0, 25);
    g = idle_function(1, 10);
    done_ns = sim.now;
    h = idle_function(2, 10);
    f = sim_function(&sim, 0, 1, 100 * HF_SEC);
    f->spec.memory_bytes = 10;
    sim_scaler.victims = SIM_ALL;
    sim_call(f, 1, HF_MSEC);
    UNIT_U64(sim_scaler.asked, 1);
    UNIT_U64(sim_scaler.offered, 2);
    UNIT_U64(sim_scaler.need_bytes, 5);
    UNIT_STR(sim_scaler.victim.function->id, g->spec.id);
    UNIT_U64(sim_scaler.victim.memory_bytes, 10);
    UNIT_U64(sim_scaler.victim.uses, 1);
    UNIT_U64(sim_scaler.victim.start_ns, sim.start_ns);
    CU_ASSERT_TRUE(sim_scaler.victim.idle_since_ns > 0 &&
                   sim_scaler.victim.idle_since_ns < done_ns);
    CU_ASSERT_TRUE(sim_scaler.victim.instance.generation > 0);
    CU_ASSERT_PTR_EQUAL(sim_scaler.victim.state, ((struct hf_scaled *)g->active)->scaler_state);
    UNIT_U64(sim_scaler.victim.warm_ns, HF_MSEC);
    UNIT_U64(sim_scaler.victim.function_uses, 1);
    UNIT_U64(sim_scaler.victim.instances, 1);
    sim_run(&sim, 2 * HF_SEC);
    UNIT_U64(f->done, 1);
    UNIT_U64(READY(f), 1);
    UNIT_U64(READY(g), 0);
    UNIT_U64(READY(h), 1); /* one is enough */
    UNIT_U64(sim_scaler.asked, 1);
    end();
}

static void
who_serves_is_no_victim(void)
{
    struct sim_function *f;
    struct sim_function *g;
    struct sim_function *h;

    begin();
    sim_worker_up(&sim, 0, 20);
    g = idle_function(1, 10);
    h = idle_function(2, 10);
    sim_call(g, 1, 10 * HF_SEC); /* of which the scaler's ticks would tell only later */
    f = sim_function(&sim, 0, 1, 100 * HF_SEC);
    f->spec.memory_bytes = 10;
    sim_scaler.victims = SIM_ALL;
    sim_call(f, 1, HF_MSEC);
    UNIT_U64(sim_scaler.offered, 1);
    UNIT_STR(sim_scaler.victim.function->id, h->spec.id);
    sim_run(&sim, 2 * HF_SEC);
    UNIT_U64(f->done, 1);
    UNIT_U64(READY(g), 1);
    UNIT_U64(READY(h), 0);
    sim_run(&sim, 20 * HF_SEC);
    UNIT_U64(g->done, 2);
    UNIT_U64(g->cut, 0);
    end();
}

/* A call has begun and another ended since their functions were last looked at. */
static void
who_is_idle_is_asked_anew(void)
{
    struct sim_function *f;
    struct sim_function *g;
    struct sim_function *h;

    begin();
    sim_scaler.tick_ns = 100 * HF_SEC;
    sim_worker_up(&sim, 0, 20);
    g = sim_function(&sim, 1, 2, 100 * HF_SEC);
    h = sim_function(&sim, 2, 1, 100 * HF_SEC);
    f = sim_function(&sim, 0, 1, 100 * HF_SEC);
    g->spec.memory_bytes = h->spec.memory_bytes = f->spec.memory_bytes = 10;
    sim_call(g, 1, HF_MSEC);
    sim_call(h, 1, 2 * HF_SEC);
    sim_run(&sim, HF_SEC);
    hf_autoscaler_demand(sim.autoscaler, h->active, sim.now);
    UNIT_U64(sim.workers[0].fleet.base.in_flight, 2); /* one of them ended since */
    sim_call(g, 1, 10 * HF_SEC);
    sim_run(&sim, 2 * HF_SEC);
    UNIT_U64(h->done, 1); /* which nobody has noticed yet */
    sim_scaler.victims = SIM_ALL;
    sim_call(f, 1, HF_MSEC);
    UNIT_U64(sim_scaler.offered, 1);
    UNIT_STR(sim_scaler.victim.function->id, h->spec.id);
    sim_run(&sim, 20 * HF_SEC);
    UNIT_U64(f->done, 1);
    UNIT_U64(g->done, 2);
    UNIT_U64(g->cut, 0);
    end();
}

/* Nobody goes; returns what is shown of the policies then. */
static const char *
nobody_makes_room(int victims, uint64_t memory)
{
    struct sim_function *f;

    begin();
    sim_worker_up(&sim, 0, 20);
    idle_function(1, 10);
    idle_function(2, 10);
    f = sim_function(&sim, 0, 1, 100 * HF_SEC);
    f->spec.memory_bytes = memory;
    sim_scaler.victims = victims;
    sim_call(f, 1, HF_MSEC);
    sim_run(&sim, 6 * HF_SEC);
    UNIT_U64(f->refused, 1);
    CU_ASSERT_EQUAL(f->last_refusal, HF_FAILURE_NO_WORKER);
    UNIT_U64(READY(&sim.functions[1]), 1);
    UNIT_U64(READY(&sim.functions[2]), 1);
    return show(NULL);
}

static void
a_scaler_may_refuse_to_evict(void)
{
    const char *shown = nobody_makes_room(SIM_REFUSE, 10);

    CU_ASSERT_TRUE(sim_scaler.asked > 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(strstr(shown, "scaler="), " invalid=0\n"));
    end();
}

static void
wrong_victims_are_counted_and_spared(void)
{
    const char *shown = nobody_makes_room(SIM_WRONG, 10);

    CU_ASSERT_TRUE(sim_scaler.asked > 0);
    CU_ASSERT_PTR_NULL(strstr(strstr(shown, "scaler="), " invalid=0\n"));
    end();
}

static void
nobody_goes_where_even_an_empty_worker_is_too_small(void)
{
    nobody_makes_room(SIM_ALL, 30);
    UNIT_U64(sim_scaler.asked, 0);
    end();
}

/* --- what a scaler sees ----------------------------------------------------------------------- */

static void
a_scaler_sees_the_gaps_between_calls(void)
{
    struct sim_function *f;

    begin();
    sim.pool_settings.keep_gaps = true;
    sim_worker_up(&sim, 0, 0);
    f = sim_function(&sim, 0, 1, 100 * HF_SEC);
    sim_call(f, 1, HF_MSEC);
    UNIT_U64(sim_scaler.seen.waiting_since_ns, sim.now);
    sim_run(&sim, 10 * HF_SEC);
    UNIT_U64(sim_scaler.seen.gaps_total, 0);
    sim_call(f, 1, HF_MSEC);
    sim_run(&sim, 5 * HF_SEC);
    sim_call(f, 1, HF_MSEC);
    sim_run(&sim, 2 * HF_SEC);
    UNIT_U64(sim_scaler.seen.gaps_total, 2);
    UNIT_U64(sim_scaler.seen.last_gap_ns, 5 * HF_SEC - HF_MSEC);
    CU_ASSERT_TRUE(sim_scaler.seen.gaps_sum_ns > sim_scaler.seen.last_gap_ns);
    UNIT_U64(sim_scaler.seen.last_arrival_ns, sim.now - 2 * HF_SEC);
    UNIT_U64(sim_scaler.seen.service_ns, HF_MSEC);
    end();
}

/* --- looking --------------------------------------------------------------------------------- */

/* The random bits of the last of some ticks, with or without somebody who looks in between. */
static uint64_t
random_of(bool looks)
{
    struct sim_function *f;
    uint64_t random;

    begin();
    sim_worker_up(&sim, 0, 0);
    f = sim_function(&sim, 0, 1, 30 * HF_SEC);
    sim_call(f, 1, 10 * HF_SEC);
    sim_run(&sim, 3 * HF_SEC);
    if (looks) {
        CU_ASSERT_PTR_NOT_NULL(strstr(show(f), "ready=1 random=0\n"));
    }
    sim_run(&sim, 3 * HF_SEC);
    random = sim_scaler.random;
    end();
    return random;
}

static void
who_looks_changes_nothing(void)
{
    CU_ASSERT_TRUE(random_of(false) != 0);
    UNIT_U64(random_of(true), random_of(false));
}

UNIT_MAIN("autoscale-policies", UNIT_TEST(a_scheduler_sees_the_calls_of_a_worker),
          UNIT_TEST(calls_are_forgotten_with_their_instance),
          UNIT_TEST(a_scheduler_sees_what_a_worker_has_of_the_function),
          UNIT_TEST(a_worker_tells_its_images), UNIT_TEST(a_scheduler_sees_what_a_worker_reports),
          UNIT_TEST(reasons_are_counted), UNIT_TEST(a_scaler_sees_the_gaps_between_calls),
          UNIT_TEST(several_starts_are_asked_for_at_once),
          UNIT_TEST(wrong_answers_of_a_scheduler_are_shown), UNIT_TEST(the_longest_idle_makes_room),
          UNIT_TEST(who_serves_is_no_victim), UNIT_TEST(who_is_idle_is_asked_anew),
          UNIT_TEST(a_scaler_may_refuse_to_evict), UNIT_TEST(wrong_victims_are_counted_and_spared),
          UNIT_TEST(nobody_goes_where_even_an_empty_worker_is_too_small),
          UNIT_TEST(who_looks_changes_nothing))
