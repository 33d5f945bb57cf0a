/*
 * contract-scheduler.c - the suite for placement policies.
 *
 * Histories are driven through a real fleet, which counts wrong answers.
 */
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/random.h"
#include "contract.h"
#include "engine/fleet.h"

#define WORKERS   20
#define FUNCTIONS 6
#define INSTANCES 120
#define MANY      10000
#define PICKS     2000

static const struct hf_fleet_settings settings = {
    .max_instances_per_worker = 4,
    .backoff_min_ns = 1000,
    .backoff_max_ns = 1000000,
};

static struct hf_scheduler *
create(const struct policy *policy)
{
    const struct hf_module *module = policy->module;
    struct hf_scheduler *scheduler = NULL;

    CU_ASSERT_EQUAL_FATAL(
        module->ops.scheduler->create(module->host, policy->options, &scheduler, NULL), 0);
    CU_ASSERT_PTR_NOT_NULL_FATAL(scheduler);
    return scheduler;
}

struct history {
    const struct policy *policy;
    struct hf_scheduler *scheduler;
    struct hf_fleet *fleet;
    struct hf_random random;
    struct hf_fleet_worker workers[WORKERS];
    char ids[WORKERS][3];
    void *states[FUNCTIONS];
    struct hf_function specs[FUNCTIONS];
    struct hf_fleet_function functions[FUNCTIONS];
    struct hf_fleet_instance *instances[INSTANCES];
    uint64_t now;
    uint64_t digest; /* of all choices */
};

static void
history_begin(struct history *h, const struct policy *policy, uint64_t seed)
{
    static const char *const ids[] = { "a", "b", "c", "d", "e", "f" };

    *h = (struct history){ .policy = policy, .now = 1000 };
    hf_random_init(&h->random, seed);
    h->scheduler = create(policy);
    h->fleet = hf_fleet_new(&settings, policy->module->ops.scheduler, h->scheduler, seed);
    CU_ASSERT_PTR_NOT_NULL_FATAL(h->fleet);
    for (size_t i = 0; i < FUNCTIONS; i++) {
        h->specs[i] = (struct hf_function){
            .size = sizeof h->specs[i],
            .id = ids[i],
            .hash = hf_hash(ids[i], 1),
            .image = "image:latest",
            .memory_bytes = 10 * (i + 1),
        };
        h->states[i] = calloc(1, policy->module->ops.scheduler->function_state_size + 1);
        CU_ASSERT_PTR_NOT_NULL_FATAL(h->states[i]);
        hf_fleet_function_init(&h->functions[i], &h->specs[i], h->states[i]);
    }
    for (size_t i = 0; i < WORKERS; i++) {
        hf_fleet_worker_init(&h->workers[i]);
    }
}

static void
instance_gone(struct history *h, size_t i)
{
    struct hf_scale_action action;

    hf_fleet_lose(h->fleet, h->instances[i], false, h->now);
    while (hf_fleet_next(h->fleet, &action)) {
        if (action.kind == HF_SCALE_DROP) {
            hf_fleet_instance_free(action.instance);
        }
    }
    h->instances[i] = NULL;
}

static bool
is_up(const struct history *h, size_t w)
{
    return hf_fleet_worker_is_there(&h->workers[w]);
}

static void
worker_up(struct history *h, size_t i, uint64_t memory)
{
    struct hf_worker_info info = { .id = h->ids[i], .memory_bytes = memory };

    h->ids[i][0] = 'w';
    h->ids[i][1] = (char)('a' + i);
    CU_ASSERT_EQUAL_FATAL(hf_fleet_add_worker(h->fleet, &h->workers[i], &info, h->now), 0);
}

/* A worker leaves, and takes along what it holds, starting instances too. */
static void
worker_down(struct history *h, size_t w)
{
    for (size_t i = 0; i < INSTANCES; i++) {
        if (h->instances[i] && h->instances[i]->worker == &h->workers[w]) {
            instance_gone(h, i);
        }
    }
    hf_fleet_remove_worker(h->fleet, &h->workers[w]);
}

static void
worker_changes(struct history *h, size_t i)
{
    struct hf_worker_info info = {
        .id = h->workers[i].base.id,
        .memory_bytes = 100 + hf_random_below(&h->random, 100),
        .draining = hf_random_below(&h->random, 3) == 0,
    };

    hf_fleet_change_worker(h->fleet, &h->workers[i], &info, h->now);
}

/* Whether any worker could take one more instance, by a look at all. */
static bool
has_room(const struct history *h, size_t f)
{
    for (size_t w = 0; w < WORKERS; w++) {
        const struct hf_fleet_worker *worker = &h->workers[w];
        uint32_t held = 0;

        if (!is_up(h, w) || (worker->base.flags & HF_WORKER_DRAINING) ||
            worker->base.memory_used_bytes + h->specs[f].memory_bytes > worker->base.memory_bytes) {
            continue;
        }
        for (size_t i = 0; i < INSTANCES; i++) {
            held += h->instances[i] && h->instances[i]->worker == worker &&
                    h->instances[i]->function == &h->functions[f];
        }
        if (held < settings.max_instances_per_worker) {
            return true;
        }
    }
    return false;
}

/* Starts an instance of the function; a code as of `hf_fleet_start`. */
static int
start(struct history *h, size_t f, uint64_t now, struct hf_fleet_instance **ret)
{
    uint32_t started;
    int r = hf_fleet_start(h->fleet, &h->functions[f], 1, now, &started);

    CU_ASSERT_EQUAL(started, r == 0);
    if (r == 0) {
        *ret = hf_list_last(&h->functions[f].instances[HF_INSTANCE_STARTING],
                            struct hf_fleet_instance, of_function);
    }
    return r;
}

static void
place(struct history *h, size_t i)
{
    size_t f = hf_random_below(&h->random, FUNCTIONS);
    bool room = has_room(h, f);
    int r = start(h, f, h->now, &h->instances[i]);

    CU_ASSERT_EQUAL(r == 0, room);
    if (r == 0) {
        h->digest = hf_hash_mix(h->digest + h->instances[i]->worker->base.handle.index + 1);
    }
}

static void
history_step(struct history *h)
{
    size_t w = hf_random_below(&h->random, WORKERS);
    size_t i = hf_random_below(&h->random, INSTANCES);

    h->now += hf_random_below(&h->random, 1000);
    switch (hf_random_below(&h->random, 30)) {
    case 0:
        if (is_up(h, w)) {
            worker_down(h, w);
        }
        break;
    case 1:
    case 2:
        if (!is_up(h, w)) {
            worker_up(h, w, 150);
        } else {
            worker_changes(h, w);
        }
        break;
    default:
        if (!h->instances[i]) {
            place(h, i);
        } else if (h->instances[i]->state == HF_INSTANCE_STARTING &&
                   hf_random_below(&h->random, 2) == 0) {
            hf_fleet_ready(h->fleet, h->instances[i], h->now);
        } else {
            instance_gone(h, i);
        }
    }
}

static uint64_t
history_end(struct history *h)
{
    for (size_t w = 0; w < WORKERS; w++) {
        if (is_up(h, w)) {
            worker_down(h, w);
        }
        hf_fleet_worker_fini(&h->workers[w]);
    }
    for (size_t i = 0; i < FUNCTIONS; i++) {
        hf_fleet_function_fini(&h->functions[i]);
        free(h->states[i]);
    }
    UNIT_U64(hf_fleet_invalid_picks(h->fleet), 0);
    hf_fleet_free(h->fleet);
    h->policy->module->ops.scheduler->destroy(h->scheduler);
    return h->digest;
}

static uint64_t
random_history(const struct policy *policy, uint64_t seed)
{
    struct history h;

    history_begin(&h, policy, seed);
    for (int i = 0; i < 5000; i++) {
        history_step(&h);
    }
    return history_end(&h);
}

static void
answers_well_and_repeats_itself(const struct policy *policy)
{
    for (uint64_t seed = 1; seed <= 5; seed++) {
        UNIT_U64(random_history(policy, seed), random_history(policy, seed));
    }
}

static void
lives_and_dies(const struct policy *policy)
{
    struct hf_scheduler *a = create(policy);
    struct hf_scheduler *b = create(policy);

    CU_ASSERT_PTR_NOT_EQUAL(a, b);
    policy->module->ops.scheduler->destroy(a);
    policy->module->ops.scheduler->destroy(b);
    policy->module->ops.scheduler->destroy(NULL);
}

static void
none_one_and_all_full(const struct policy *policy)
{
    struct history h;

    history_begin(&h, policy, 1);
    UNIT_INT(start(&h, 0, 1, &h.instances[0]), HF_ENOTFOUND);
    worker_up(&h, 3, 25);
    for (size_t i = 0; i < 2; i++) {
        UNIT_INT(start(&h, 0, 1, &h.instances[i]), 0);
        CU_ASSERT_PTR_EQUAL(h.instances[i]->worker, &h.workers[3]);
    }
    UNIT_INT(start(&h, 0, 1, &h.instances[2]), HF_EFULL);
    worker_up(&h, 4, 5);
    UNIT_INT(start(&h, 0, 1, &h.instances[2]), HF_EFULL);
    history_end(&h);
}

/* Several at once: as many as fit, and no answer that does not. */
static void
places_several(const struct policy *policy)
{
    struct hf_fleet_instance *instance;
    struct history h;
    uint32_t started;

    history_begin(&h, policy, 1);
    worker_up(&h, 3, 35);
    worker_up(&h, 4, 25);
    UNIT_INT(hf_fleet_start(h.fleet, &h.functions[0], 8, 1, &started), HF_EFULL);
    UNIT_U64(started, 5);
    UNIT_U64(h.workers[3].base.starting, 3);
    UNIT_U64(h.workers[4].base.starting, 2);
    HF_LIST_FOR (instance, &h.functions[0].instances[HF_INSTANCE_STARTING], of_function) {
        h.instances[--started] = instance; /* they go with their workers */
    }
    history_end(&h);
}

/* --- many workers -------------------------------------------------------------------------- */

struct crowd {
    struct hf_fleet_view view;
    uint64_t asked; /* questions of the policy */
};

static bool
crowd_feasible(const struct hf_fleet_view *view, uint32_t i)
{
    hf_container_of(view, struct crowd, view)->asked++;
    return i < MANY;
}

static void
crowd_share(const struct hf_fleet_view *view, uint32_t i, struct hf_worker_share *share)
{
    uint32_t size = share->size;

    (void)i;
    hf_container_of(view, struct crowd, view)->asked++;
    memset(share, 0, size);
    share->size = size;
}

/* No more questions than a few per worker, however many picks came before. */
static void
ten_thousand_workers(const struct policy *policy)
{
    static struct hf_worker workers[MANY];
    static const struct hf_worker *list[MANY];
    const struct hf_scheduler_ops *ops = policy->module->ops.scheduler;
    const struct hf_function spec = { .size = sizeof spec, .id = "f", .image = "i:latest" };
    struct hf_scheduler *scheduler = create(policy);
    void *state = calloc(1, ops->function_state_size + 1);
    struct crowd crowd = { .view = { .size = sizeof crowd.view, .worker_count = MANY } };
    struct hf_random random;

    hf_random_init(&random, 1);
    crowd.view.workers = list;
    crowd.view.feasible = crowd_feasible;
    crowd.view.share = crowd_share;
    for (uint32_t i = 0; i < MANY; i++) {
        workers[i] = (struct hf_worker){ .size = sizeof workers[i],
                                         .flags = HF_WORKER_READY,
                                         .handle = { i, 1 },
                                         .id = "w",
                                         .hash = i };
        list[i] = &workers[i];
        CU_ASSERT_FATAL(!ops->worker_added || ops->worker_added(scheduler, &workers[i]) == 0);
    }
    for (uint64_t i = 0; i < PICKS; i++) {
        struct hf_handle handle;

        crowd.view.random = hf_random_u64(&random);
        crowd.view.now_ns = i;
        crowd.asked = 0;
        handle = ops->pick(scheduler, &spec, state, &crowd.view);
        CU_ASSERT_FATAL(handle.index < MANY && crowd.asked <= 4 * MANY);
        if (ops->confirm) {
            ops->confirm(scheduler, &spec, handle);
        }
    }
    for (uint32_t i = 0; i < MANY && ops->worker_removed; i++) {
        ops->worker_removed(scheduler, &workers[i]);
    }
    ops->destroy(scheduler);
    free(state);
}

void
contract_scheduler(const struct policy *policy)
{
    lives_and_dies(policy);
    none_one_and_all_full(policy);
    places_several(policy);
    answers_well_and_repeats_itself(policy);
    ten_thousand_workers(policy);
}
