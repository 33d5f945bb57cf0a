/* test-scheduler.c - what the scheduler roundrobin promises beyond the contract of all. */
#include <string.h>

#include "contract.h"
#include "engine/fleet.h"

#define WORKERS 5

static const struct hf_fleet_settings settings = { .max_instances_per_worker = 4 };
static const struct hf_function specs[2] = {
    { .size = sizeof specs[0], .id = "f", .image = "i:latest", .memory_bytes = 10 },
    { .size = sizeof specs[1], .id = "g", .image = "i:latest", .memory_bytes = 10 },
};

static struct policy policy;
static struct hf_scheduler *scheduler;
static struct hf_fleet *fleet;
static struct hf_fleet_function functions[2];
static struct hf_fleet_worker workers[WORKERS];
static uint64_t states[2];
static struct hf_fleet_instance *placed[64];
static size_t n_placed;

static void
add_worker(int i, uint64_t memory)
{
    static const char *const ids[WORKERS] = { "w0", "w1", "w2", "w3", "w4" };
    struct hf_worker_info info = { .id = ids[i], .memory_bytes = memory };

    hf_fleet_worker_init(&workers[i]);
    CU_ASSERT_EQUAL_FATAL(hf_fleet_add_worker(fleet, &workers[i], &info, 0), 0);
}

static void
begin(const char *options)
{
    policy = policy_load(HF_PLUGIN_SCHEDULER, "roundrobin", options);
    CU_ASSERT_EQUAL_FATAL(
        policy.module->ops.scheduler->create(policy.module->host, policy.options, &scheduler, NULL),
        0);
    fleet = hf_fleet_new(&settings, policy.module->ops.scheduler, scheduler, 1);
    CU_ASSERT_PTR_NOT_NULL_FATAL(fleet);
    n_placed = 0;
    CU_ASSERT_FATAL(policy.module->ops.scheduler->function_state_size <= sizeof states[0]);
    for (int i = 0; i < 2; i++) {
        states[i] = 0;
        hf_fleet_function_init(&functions[i], &specs[i], &states[i]);
    }
    for (int i = WORKERS - 1; i >= 0; i--) { /* the order of joining does not matter */
        add_worker(i, 40);
    }
}

/* The instance is lost, if it has not been. */
static void
lose(struct hf_fleet_instance **instance)
{
    struct hf_scale_action action;

    if (*instance) {
        hf_fleet_lose(fleet, *instance, false, 0);
        *instance = NULL;
    }
    while (hf_fleet_next(fleet, &action)) {
        if (action.kind == HF_SCALE_DROP) {
            hf_fleet_instance_free(action.instance);
        }
    }
}

static void
end(void)
{
    for (size_t i = 0; i < n_placed; i++) {
        lose(&placed[i]);
    }
    hf_fleet_function_fini(&functions[0]);
    hf_fleet_function_fini(&functions[1]);
    hf_fleet_free(fleet);
    for (int i = 0; i < WORKERS; i++) {
        hf_fleet_worker_fini(&workers[i]);
    }
    policy.module->ops.scheduler->destroy(scheduler);
    policy_free(&policy);
}

/* The worker that the next instance goes to, or "-". */
static const char *
place(int f)
{
    uint32_t started;

    if (hf_fleet_start(fleet, &functions[f], 1, 0, &started) < 0) {
        return "-";
    }
    placed[n_placed] = hf_list_last(&functions[f].instances[HF_INSTANCE_STARTING],
                                    struct hf_fleet_instance, of_function);
    return placed[n_placed++]->worker->base.id;
}

static void
each_function_takes_turns(void)
{
    begin("");
    UNIT_STR(place(0), "w0");
    UNIT_STR(place(0), "w1");
    UNIT_STR(place(1), "w0");
    UNIT_STR(place(0), "w2");
    UNIT_STR(place(1), "w1");
    UNIT_STR(place(0), "w3");
    UNIT_STR(place(0), "w4");
    UNIT_STR(place(0), "w0");
    end();
}

static void
all_functions_share_one_turn(void)
{
    begin("scope = global");
    UNIT_STR(place(0), "w0");
    UNIT_STR(place(1), "w1");
    UNIT_STR(place(1), "w2");
    UNIT_STR(place(0), "w3");
    UNIT_STR(place(0), "w4");
    UNIT_STR(place(1), "w0");
    end();
}

static void
full_workers_are_passed_over(void)
{
    struct hf_worker_info info = { .id = "w1", .memory_bytes = 40, .draining = true };

    begin("");
    hf_fleet_change_worker(fleet, &workers[1], &info, 0);
    info = (struct hf_worker_info){ .id = "w3", .memory_bytes = 5 };
    hf_fleet_change_worker(fleet, &workers[3], &info, 0);
    for (int i = 0; i < 4; i++) {
        UNIT_STR(place(0), "w0");
        UNIT_STR(place(0), "w2");
        UNIT_STR(place(0), "w4");
    }
    UNIT_STR(place(0), "-");
    UNIT_STR(place(1), "-"); /* the memory is used up */
    end();
}

static void
workers_leave_under_the_cursor(void)
{
    begin("");
    for (int i = 0; i < 4; i++) {
        place(0); /* the cursor stands at w4 */
    }
    for (int i = 4; i > 0; i--) {
        for (size_t k = 0; k < n_placed; k++) {
            if (placed[k] && placed[k]->worker == &workers[i]) {
                lose(&placed[k]);
            }
        }
        hf_fleet_remove_worker(fleet, &workers[i]);
    }
    UNIT_STR(place(0), "w0");
    end();
}

UNIT_MAIN("scheduler", UNIT_TEST(each_function_takes_turns),
          UNIT_TEST(all_functions_share_one_turn), UNIT_TEST(full_workers_are_passed_over),
          UNIT_TEST(workers_leave_under_the_cursor))
