/* test-fleet.c - workers, reservations, failed starts: every rule of engine/fleet.h. */
#include "engine/fleet.h"

#include <stdlib.h>
#include <string.h>

#include "unit.h"

/* A scheduler that does as it is told, and remembers what it heard. */
static struct {
    struct hf_handle answer; /* generation 0: the first feasible worker */
    uint32_t confirmed;
    uint32_t rolled_back;
    uint32_t added;
    uint32_t removed;
    uint32_t changed;
    int added_code;
    struct hf_worker_share share; /* of the first worker, at the last pick */
    uint32_t seen;                /* workers, then */
    bool sorted;                  /* by their ids */
} scheduler;

static struct hf_handle
told_pick(struct hf_scheduler *self, const struct hf_function *function, void *state,
          const struct hf_fleet_view *view)
{
    (void)self;
    (void)function;
    *(uint64_t *)state += 1; /* it is there, and writable */
    scheduler.share = (struct hf_worker_share){ .size = sizeof scheduler.share };
    view->share(view, 0, &scheduler.share);
    scheduler.seen = view->worker_count;
    scheduler.sorted = true;
    for (uint32_t i = 1; i < view->worker_count; i++) {
        scheduler.sorted &= strcmp(view->workers[i - 1]->id, view->workers[i]->id) < 0;
    }
    CU_ASSERT_FALSE(view->feasible(view, view->worker_count));
    if (scheduler.answer.generation > 0) {
        return scheduler.answer;
    }
    for (uint32_t i = 0; i < view->worker_count; i++) {
        if (view->feasible(view, i)) {
            return view->workers[i]->handle;
        }
    }
    return HF_NONE;
}

static void
told_confirm(struct hf_scheduler *self, const struct hf_function *function, struct hf_handle worker)
{
    (void)self;
    (void)function;
    (void)worker;
    scheduler.confirmed++;
}

static void
told_rollback(struct hf_scheduler *self, const struct hf_function *function,
              struct hf_handle worker)
{
    (void)self;
    (void)function;
    (void)worker;
    scheduler.rolled_back++;
}

static int
told_added(struct hf_scheduler *self, const struct hf_worker *worker)
{
    (void)self;
    (void)worker;
    scheduler.added++;
    return scheduler.added_code;
}

static void
told_removed(struct hf_scheduler *self, const struct hf_worker *worker)
{
    (void)self;
    (void)worker;
    scheduler.removed++;
}

static void
told_changed(struct hf_scheduler *self, const struct hf_worker *worker)
{
    (void)self;
    (void)worker;
    scheduler.changed++;
}

static const struct hf_scheduler_ops ops = {
    .size = sizeof ops,
    .function_state_size = sizeof(uint64_t),
    .pick = told_pick,
    .confirm = told_confirm,
    .rollback = told_rollback,
    .worker_added = told_added,
    .worker_removed = told_removed,
    .worker_changed = told_changed,
};

#define WORKERS 16

static struct hf_fleet *fleet;
static struct hf_fleet_worker workers[WORKERS];
static size_t worker_count;
static struct hf_function spec;
static struct hf_fleet_function function;
static uint64_t scheduler_state;

static void
begin(const struct hf_fleet_settings *settings)
{
    memset(&scheduler, 0, sizeof scheduler);
    spec = (struct hf_function){ .size = sizeof spec, .id = "f", .image = "i:latest" };
    fleet = hf_fleet_new(settings, &ops, NULL, 7);
    CU_ASSERT_PTR_NOT_NULL_FATAL(fleet);
    scheduler_state = 0;
    worker_count = 0;
    hf_fleet_function_init(&function, &spec, &scheduler_state);
}

/* Performs what is to be done, by halves: what is dropped is freed. */
static void
perform(void)
{
    struct hf_scale_action action;

    while (hf_fleet_next(fleet, &action)) {
        if (action.kind == HF_SCALE_DROP) {
            CU_ASSERT_PTR_NULL(action.instance->function);
            hf_fleet_instance_free(action.instance);
        }
    }
}

static void
lose(struct hf_fleet_instance *instance, bool blame, uint64_t now)
{
    hf_fleet_lose(fleet, instance, blame, now);
    perform();
}

static void
end(void)
{
    struct hf_fleet_instance *instance;

    for (size_t state = 0; state < HF_INSTANCE_GONE; state++) {
        while ((instance = hf_list_first(&function.instances[state], struct hf_fleet_instance,
                                         of_function))) {
            lose(instance, false, 0);
        }
    }
    hf_fleet_function_fini(&function);
    hf_fleet_free(fleet);
    for (size_t i = 0; i < worker_count; i++) {
        hf_fleet_worker_fini(&workers[i]);
    }
    UNIT_U64(scheduler.removed, scheduler.added);
}

static struct hf_fleet_worker *
add_worker(const char *id, uint64_t memory, uint64_t cpu)
{
    struct hf_worker_info info = { .id = id, .memory_bytes = memory, .cpu_millis = cpu };
    struct hf_fleet_worker *worker = &workers[worker_count++];

    CU_ASSERT_FATAL(worker_count <= WORKERS);
    hf_fleet_worker_init(worker);
    CU_ASSERT_EQUAL_FATAL(hf_fleet_add_worker(fleet, worker, &info, 0), 0);
    return worker;
}

static int
place_code(uint64_t now)
{
    uint32_t started;
    int r = hf_fleet_start(fleet, &function, 1, now, &started);

    CU_ASSERT_EQUAL(started, r == 0);
    return r;
}

static struct hf_fleet_instance *
place(uint64_t now)
{
    CU_ASSERT_EQUAL_FATAL(place_code(now), 0);
    return hf_list_last(&function.instances[HF_INSTANCE_STARTING], struct hf_fleet_instance,
                        of_function);
}

static const struct hf_fleet_settings no_limits = {
    .backoff_min_ns = 100,
    .backoff_max_ns = 1000,
};

static void
workers_are_sorted_and_unique(void)
{
    static const char *const ids[] = { "m", "c", "x", "a", "z", "k", "b", "y", "d", "e", "f", "g" };
    struct hf_worker_info again = { .id = "x" };
    struct hf_fleet_worker worker;

    begin(&no_limits);
    for (size_t i = 0; i < hf_countof(ids); i++) {
        add_worker(ids[i], 0, 0);
    }
    hf_fleet_worker_init(&worker);
    CU_ASSERT_EQUAL(hf_fleet_add_worker(fleet, &worker, &again, 0), HF_EEXISTS);
    CU_ASSERT_FALSE(hf_fleet_worker_is_there(&worker));
    hf_fleet_worker_fini(&worker);
    place(0);
    UNIT_U64(scheduler.seen, hf_countof(ids));
    CU_ASSERT_TRUE(scheduler.sorted);
    end();
}

static void
a_worker_that_the_scheduler_refuses_stays_out(void)
{
    struct hf_worker_info info = { .id = "w" };
    struct hf_fleet_worker worker;

    begin(&no_limits);
    scheduler.added_code = HF_ENOMEM;
    hf_fleet_worker_init(&worker);
    CU_ASSERT_EQUAL(hf_fleet_add_worker(fleet, &worker, &info, 0), HF_ENOMEM);
    CU_ASSERT_FALSE(hf_fleet_worker_is_there(&worker));
    hf_fleet_worker_fini(&worker);
    UNIT_U64(hf_fleet_usable_workers(fleet), 0);
    CU_ASSERT_EQUAL(place_code(0), HF_ENOTFOUND);
    scheduler.added = 0;
    end();
}

static void
memory_and_cpu_are_reserved_and_given_back(void)
{
    struct hf_fleet_instance *first;
    struct hf_fleet_worker *w;

    begin(&no_limits);
    w = add_worker("w", 100, 1000);
    spec.memory_bytes = 40;
    first = place(0);
    place(0);
    UNIT_U64(w->base.memory_used_bytes, 80);
    CU_ASSERT_EQUAL(place_code(0), HF_EFULL); /* memory */
    hf_fleet_ready(fleet, first, 1);
    UNIT_U64(w->base.memory_used_bytes, 80);
    lose(first, false, 2);
    UNIT_U64(w->base.memory_used_bytes, 40);
    spec.cpu_period_us = 100000;
    spec.cpu_quota_us = 60000;
    place(3);
    UNIT_U64(w->base.cpu_used_millis, 600);
    spec.memory_bytes = 0;
    CU_ASSERT_EQUAL(place_code(3), HF_EFULL); /* CPU */
    UNIT_U64(w->base.instances, 2);
    UNIT_U64(scheduler.confirmed, 1);
    UNIT_U64(scheduler.rolled_back, 0);
    end();
    UNIT_U64(scheduler.rolled_back, 2); /* those that never started */
}

static void
instances_per_worker_are_limited(void)
{
    const struct hf_fleet_settings settings = { .max_instances_per_worker = 2 };
    struct hf_fleet_instance *a;

    begin(&settings);
    add_worker("w", 0, 0);
    a = place(0);
    place(0);
    CU_ASSERT_EQUAL(place_code(0), HF_EFULL);
    UNIT_U64(scheduler.share.instances, 2);
    hf_fleet_ready(fleet, a, 0);
    hf_fleet_outdate(a); /* makes room for its successor */
    UNIT_U64(function.obsolete[HF_INSTANCE_READY], 1);
    place(0);
    CU_ASSERT_EQUAL(place_code(0), HF_EFULL);
    hf_fleet_drain(fleet, a, 0);
    UNIT_U64(function.obsolete[HF_INSTANCE_DRAINING], 1);
    lose(a, false, 0); /* and makes room only once */
    CU_ASSERT_EQUAL(place_code(0), HF_EFULL);
    end();
}

static void
starts_at_once_are_limited(void)
{
    const struct hf_fleet_settings settings = { .max_starting_per_worker = 2 };
    struct hf_fleet_instance *a;
    struct hf_fleet_worker *w;

    begin(&settings);
    w = add_worker("w", 0, 0);
    a = place(0);
    place(0);
    CU_ASSERT_EQUAL(place_code(0), HF_EFULL);
    hf_fleet_ready(fleet, a, 0);
    UNIT_U64(w->base.starting, 1);
    place(0);
    end();
}

static void
draining_workers_take_nothing(void)
{
    struct hf_worker_info info = { .id = "w", .draining = true };
    struct hf_fleet_worker *w;

    begin(&no_limits);
    w = add_worker("w", 0, 0);
    UNIT_U64(hf_fleet_usable_workers(fleet), 1);
    hf_fleet_change_worker(fleet, w, &info, 5);
    UNIT_U64(hf_fleet_usable_workers(fleet), 0);
    UNIT_U64(scheduler.changed, 1);
    UNIT_U64(w->base.reported_ns, 5);
    CU_ASSERT_EQUAL(place_code(0), HF_ENOTFOUND);
    info.draining = false;
    hf_fleet_change_worker(fleet, w, &info, 6);
    place(0);
    end();
}

static void
failed_starts_back_off_and_double(void)
{
    uint64_t now = 0;
    uint64_t longest = 100;

    begin(&no_limits);
    add_worker("w", 0, 0);
    for (int i = 0; i < 8; i++) {
        struct hf_fleet_instance *instance = place(now);
        uint64_t retry;

        lose(instance, true, now);
        retry = hf_fleet_retry_ns(&function, now);
        CU_ASSERT_TRUE(retry >= now + longest / 2 && retry <= now + longest);
        CU_ASSERT_EQUAL(place_code(retry - 1), HF_EUNAVAILABLE);
        now = retry;
        longest = hf_min(longest * 2, UINT64_C(1000));
    }
    UNIT_U64(hf_fleet_retry_ns(&function, now), UINT64_MAX);
    hf_fleet_forgive(&function);
    lose(place(now), true, now);
    CU_ASSERT_TRUE(hf_fleet_retry_ns(&function, now) <= now + 100);
    end();
}

static void
failures_at_the_same_time_count_once(void)
{
    struct hf_fleet_instance *instance[4];
    uint64_t retry;

    begin(&no_limits);
    add_worker("w", 0, 0);
    for (int i = 0; i < 4; i++) {
        instance[i] = place(0);
    }
    lose(instance[0], true, 10);
    retry = hf_fleet_retry_ns(&function, 10);
    for (int i = 1; i < 4; i++) {
        lose(instance[i], true, 11);
    }
    UNIT_U64(hf_fleet_retry_ns(&function, 11), retry);
    end();
}

static void
an_instance_that_proves_good_clears_its_worker(void)
{
    struct hf_fleet_instance *good;
    struct hf_fleet_worker *a;
    struct hf_fleet_worker *b;

    begin(&no_limits);
    a = add_worker("a", 0, 0);
    b = add_worker("b", 0, 0);
    good = place(0);
    CU_ASSERT_PTR_EQUAL(good->worker, a);
    lose(place(0), true, 0);
    CU_ASSERT_PTR_EQUAL(place(1)->worker, b); /* not a, for now */
    hf_fleet_ready(fleet, good, 1);
    hf_fleet_proved(good);
    CU_ASSERT_PTR_EQUAL(place(2)->worker, a);
    end();
}

static void
bad_answers_are_counted(void)
{
    struct hf_fleet_worker *full;
    struct hf_handle gone;

    begin(&no_limits);
    spec.memory_bytes = 10;
    full = add_worker("full", 5, 0);
    scheduler.answer = full->base.handle; /* not feasible */
    CU_ASSERT_EQUAL(place_code(0), HF_EFULL);
    gone = full->base.handle;
    hf_fleet_remove_worker(fleet, full);
    full = add_worker("new", 100, 0); /* has the same index */
    UNIT_U64(full->base.handle.index, gone.index);
    scheduler.answer = gone;
    CU_ASSERT_EQUAL(place_code(0), HF_EFULL);
    scheduler.answer = (struct hf_handle){ 77777, 1 };
    CU_ASSERT_EQUAL(place_code(0), HF_EFULL);
    UNIT_U64(hf_fleet_invalid_picks(fleet), 3);
    scheduler.answer = full->base.handle;
    place(0);
    UNIT_U64(hf_fleet_invalid_picks(fleet), 3);
    end();
}

static void
what_runs_is_adopted_without_asking_for_room(void)
{
    struct hf_fleet_instance *instance;
    struct hf_fleet_worker *w;

    begin(&no_limits);
    spec.memory_bytes = 60;
    w = add_worker("w", 100, 0);
    for (int i = 0; i < 2; i++) {
        CU_ASSERT_EQUAL(hf_fleet_adopt(fleet, &function, w, 0, &instance), 0);
        CU_ASSERT_EQUAL(instance->state, HF_INSTANCE_READY);
    }
    UNIT_U64(w->base.memory_used_bytes, 120);
    CU_ASSERT_EQUAL(place_code(0), HF_EFULL);
    UNIT_U64(hf_fleet_instances(&function), 2);
    end();
}

UNIT_MAIN("fleet", UNIT_TEST(workers_are_sorted_and_unique),
          UNIT_TEST(a_worker_that_the_scheduler_refuses_stays_out),
          UNIT_TEST(memory_and_cpu_are_reserved_and_given_back),
          UNIT_TEST(instances_per_worker_are_limited), UNIT_TEST(starts_at_once_are_limited),
          UNIT_TEST(draining_workers_take_nothing), UNIT_TEST(failed_starts_back_off_and_double),
          UNIT_TEST(failures_at_the_same_time_count_once),
          UNIT_TEST(an_instance_that_proves_good_clears_its_worker),
          UNIT_TEST(bad_answers_are_counted),
          UNIT_TEST(what_runs_is_adopted_without_asking_for_room))
