/*
 * decisions.c - nanoseconds per decision of policies.
 *
 * Each policy is asked about a made-up world, so that nothing but the policy is measured: a
 * scheduler about 10,000 workers that are half full, an lb about 10,000 endpoints (those that
 * compare the loads of children: about 30), a scaler about 10,000 functions.  A hundred thousand
 * decisions, or as many as are made within two seconds.
 *
 *     decisions [KIND [NAME]]         all of the build folder, with their defaults
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/err.h"
#include "base/hash.h"
#include "base/macros.h"
#include "base/options.h"
#include "base/random.h"
#include "plugin/module.h"

#define MANY     10000
#define CHILDREN 30
#define PICKS    100000
#define HELD     (MANY * 2) /* instances, or calls, that are there at a time */
#define LIMIT_NS UINT64_C(2000000000)

static struct hf_random chance;

static uint64_t
real_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

/* Times `decide` and prints a row of a table. */
static void
measure(const struct hf_module *module, const char *kind, uint32_t among,
        void (*decide)(uint64_t i))
{
    uint64_t begun_ns = real_ns();
    uint64_t passed_ns = 0;
    uint64_t n = 0;

    while (n < PICKS && passed_ns < LIMIT_NS) {
        for (uint64_t i = 0; i < 100; i++) {
            decide(n++);
        }
        passed_ns = real_ns() - begun_ns;
    }
    printf("| %s-%s | %u | %llu | %llu |\n", kind, module->name, among, (unsigned long long)n,
           (unsigned long long)(passed_ns / n));
    fflush(stdout);
}

static void
die(const char *what)
{
    fprintf(stderr, "decisions: %s\n", what);
    exit(EXIT_FAILURE);
}

static void *
zeroed(size_t count, size_t size)
{
    void *memory = calloc(count, size + 1);

    if (!memory) {
        die("out of memory");
    }
    return memory;
}

/* --- schedulers ----------------------------------------------------------------------------- */

static struct {
    const struct hf_scheduler_ops *ops;
    struct hf_scheduler *scheduler;
    struct hf_fleet_view view;
    struct hf_worker worker[MANY];
    const struct hf_worker *list[MANY];
    char id[MANY][8];
    struct hf_function function;
    void *state;
    uint32_t placed[HELD]; /* worker by instance */
} fleet;

static bool
feasible(const struct hf_fleet_view *view, uint32_t i)
{
    const struct hf_worker *worker = view->workers[i];

    return worker->memory_used_bytes + fleet.function.memory_bytes <= worker->memory_bytes;
}

static void
share(const struct hf_fleet_view *view, uint32_t i, struct hf_worker_share *ret)
{
    ret->instances = view->workers[i]->instances % 3;
    ret->idle = i % 7 == 0;
    ret->image_present = i % 3 == 0;
}

static void
put(uint32_t i, uint64_t number)
{
    fleet.worker[i].instances++;
    fleet.worker[i].memory_used_bytes += fleet.function.memory_bytes;
    fleet.placed[number % HELD] = i;
}

/* The oldest instance goes, and another one is placed. */
static void
place(uint64_t number)
{
    struct hf_worker *left = &fleet.worker[fleet.placed[number % HELD]];
    struct hf_handle picked;

    left->instances--;
    left->memory_used_bytes -= fleet.function.memory_bytes;
    fleet.view.now_ns += UINT64_C(1000000);
    fleet.view.random = hf_random_u64(&chance);
    fleet.function.hash = hf_hash_mix(number % 1000);
    picked = fleet.ops->pick(fleet.scheduler, &fleet.function, fleet.state, &fleet.view);
    if (picked.generation == 0) {
        die("a scheduler found no worker");
    }
    put(picked.index, number);
}

static void
run_scheduler(const struct hf_module *module, const struct hf_options *options)
{
    fleet.ops = module->ops.scheduler;
    if (fleet.ops->create(module->host, options, &fleet.scheduler, NULL) < 0) {
        die("a scheduler cannot be created");
    }
    fleet.state = zeroed(1, fleet.ops->function_state_size);
    fleet.function = (struct hf_function){
        .size = sizeof fleet.function, .id = "f", .image = "i:latest", .memory_bytes = 100
    };
    fleet.view = (struct hf_fleet_view){ .size = sizeof fleet.view,
                                         .worker_count = MANY,
                                         .workers = fleet.list,
                                         .now_ns = 1,
                                         .feasible = feasible,
                                         .share = share };
    for (uint32_t i = 0; i < MANY; i++) {
        snprintf(fleet.id[i], sizeof fleet.id[i], "w%05u", i);
        fleet.worker[i] = (struct hf_worker){ .size = sizeof fleet.worker[i],
                                              .flags = HF_WORKER_READY,
                                              .handle = { i, 1 },
                                              .id = fleet.id[i],
                                              .hash = hf_hash(fleet.id[i], strlen(fleet.id[i])),
                                              .memory_bytes = 400,
                                              .cpu_millis = 8000,
                                              .in_flight = i % 10,
                                              .load_millis = i % 2000 };
        fleet.list[i] = &fleet.worker[i];
        if (fleet.ops->worker_added &&
            fleet.ops->worker_added(fleet.scheduler, &fleet.worker[i]) < 0) {
            die("a scheduler refuses a worker");
        }
    }
    for (uint32_t i = 0; i < HELD; i++) {
        put(i % MANY, i);
    }
    measure(module, "scheduler", MANY, place);
    fleet.ops->destroy(fleet.scheduler);
    free(fleet.state);
}

/* --- load balancers ------------------------------------------------------------------------- */

static struct {
    const struct hf_lb_ops *ops;
    struct hf_lb *lb;
    struct hf_lb_view view;
    struct hf_endpoint endpoint[MANY];
    struct hf_candidate usable[MANY];
    uint32_t in_flight[MANY];
    uint32_t held[HELD]; /* endpoint by call */
} pool;

static bool
load_of(const struct hf_lb_view *view, uint32_t i, struct hf_endpoint_load *ret)
{
    (void)view;
    *ret = (struct hf_endpoint_load){ .size = sizeof *ret,
                                      .known = HF_LOAD_OWN | HF_LOAD_REPORTED | HF_LOAD_AVERAGE |
                                               HF_LOAD_ROOM,
                                      .in_flight = pool.in_flight[i],
                                      .node_in_flight = pool.in_flight[i],
                                      .load_millis = i * 70,
                                      .reported_ns = 1,
                                      .room = 1000 };
    return true;
}

static void
begin_call(uint32_t i, uint64_t number)
{
    pool.in_flight[i]++;
    pool.held[number % HELD] = i;
    if (pool.ops->started) {
        pool.ops->started(pool.lb, &pool.endpoint[i]);
    }
}

/* The oldest call ends, and another one begins. */
static void
call(uint64_t number)
{
    uint32_t oldest = pool.held[number % HELD];

    pool.in_flight[oldest]--;
    if (pool.ops->finished) {
        pool.endpoint[oldest].now_ns = pool.view.now_ns;
        pool.ops->finished(pool.lb, &pool.endpoint[oldest], HF_OUTCOME_OK, 1000000);
    }
    pool.view.now_ns += 1000;
    pool.view.random = hf_random_u64(&chance);
    begin_call(pool.ops->pick(pool.lb, &pool.view).index, number);
}

static void
run_lb(const struct hf_module *module, const struct hf_options *options)
{
    static const struct hf_function function = { .size = sizeof function, .id = "f", .hash = 7 };
    bool compares = module->ops.lb->needs & (HF_LB_NEEDS_LOAD | HF_LB_NEEDS_REPORTS);
    uint32_t n = compares ? CHILDREN : MANY;
    char *states;
    size_t size;

    pool.ops = module->ops.lb;
    size = (pool.ops->endpoint_state_size + 15) & ~(size_t)15;
    states = zeroed(n, size);
    memset(pool.in_flight, 0, sizeof pool.in_flight);
    if (pool.ops->create(module->host, options, &function, &pool.lb, NULL) < 0) {
        die("an lb cannot be created");
    }
    for (uint32_t i = 0; i < n; i++) {
        pool.endpoint[i] = (struct hf_endpoint){ .size = sizeof pool.endpoint[i],
                                                 .handle = { i, 1 },
                                                 .id = "e",
                                                 .state = states + i * size,
                                                 .hash = hf_hash_mix(i + 1) };
        pool.usable[i] = (struct hf_candidate){ { i, 1 }, pool.endpoint[i].state };
        if (pool.ops->added && pool.ops->added(pool.lb, &pool.endpoint[i]) < 0) {
            die("an lb refuses an endpoint");
        }
    }
    pool.view = (struct hf_lb_view){ .size = sizeof pool.view,
                                     .usable_count = n,
                                     .usable = pool.usable,
                                     .now_ns = 1000,
                                     .warm_count = n,
                                     .load = load_of,
                                     .gap_ns = 1000000,
                                     .cold_ns = 1000000000,
                                     .warm_ns = 1000000 };
    for (uint32_t i = 0; i < HELD; i++) {
        begin_call(i % n, i);
    }
    measure(module, "lb", n, call);
    pool.ops->destroy(pool.lb);
    free(states);
}

/* --- scalers -------------------------------------------------------------------------------- */

static struct {
    const struct hf_scaler_ops *ops;
    struct hf_scaler *scaler;
    struct hf_function function;
    char *states;
    size_t size;
    uint64_t now_ns;
} scale;

/* A look at one of the functions. */
static void
look(uint64_t number)
{
    struct hf_scale_view view = { .size = sizeof view,
                                  .ready = 4,
                                  .in_flight = (uint32_t)(number % 7),
                                  .waiting = (uint32_t)(number % 3),
                                  .function = &scale.function,
                                  .state = scale.states + number % MANY * scale.size,
                                  .now_ns = scale.now_ns += 100000,
                                  .calls_total = number };

    scale.function.hash = hf_hash_mix(number % MANY);
    scale.ops->on_tick(scale.scaler, &view);
    if (view.waiting > 0) {
        scale.ops->on_demand(scale.scaler, &view);
    }
    if (scale.ops->tick_ns) {
        scale.ops->tick_ns(scale.scaler, &view);
    }
}

static void
run_scaler(const struct hf_module *module, const struct hf_options *options)
{
    scale.ops = module->ops.scaler;
    scale.size = (scale.ops->function_state_size + 15) & ~(size_t)15;
    scale.states = zeroed(MANY, scale.size);
    scale.now_ns = UINT64_C(1000000000);
    scale.function = (struct hf_function){
        .size = sizeof scale.function, .max_concurrency = 4, .id = "f", .idle_timeout_ns = 1
    };
    if (scale.ops->create(module->host, options, &scale.scaler, NULL) < 0) {
        die("a scaler cannot be created");
    }
    measure(module, "scaler", MANY, look);
    scale.ops->destroy(scale.scaler);
    free(scale.states);
}

/* --- all ------------------------------------------------------------------------------------ */

static const struct kind {
    const char *name;
    uint32_t kind;
    void (*run)(const struct hf_module *, const struct hf_options *);
} kinds[] = {
    { "lb", HF_PLUGIN_LB, run_lb },
    { "scheduler", HF_PLUGIN_SCHEDULER, run_scheduler },
    { "scaler", HF_PLUGIN_SCALER, run_scaler },
};

/* All of a kind, or the one with that name. */
static void
run_kind(const struct kind *kind, const char *name)
{
    const char *const folders[] = { hf_plugin_folder() };
    const struct hf_plugin_path path = { folders, 1 };
    struct hf_module_list modules;
    struct hf_err err = HF_ERR_INIT;

    if (hf_module_list_init(&modules, kind->kind, &path, &err) < 0) {
        die(hf_err_message(&err));
    }
    for (size_t i = 0; i < modules.n; i++) {
        hf_auto(hf_options_free) struct hf_options *options = NULL;
        const struct hf_module *module;

        if (name && strcmp(modules.files[i].name, name) != 0) {
            continue;
        }
        if (hf_module_load(kind->kind, modules.files[i].name, &path, &module, &err) < 0 ||
            hf_options_new(kind->name, NULL, module->options, &options, &err) < 0) {
            die(hf_err_message(&err));
        }
        kind->run(module, options);
    }
    hf_module_list_fini(&modules);
}

int
main(int argc, char **argv)
{
    hf_random_init(&chance, 1);
    printf("| policy | among | decisions | ns each |\n|---|---|---|---|\n");
    for (size_t i = 0; i < hf_countof(kinds); i++) {
        if (argc < 2 || strcmp(argv[1], kinds[i].name) == 0) {
            run_kind(&kinds[i], argc > 2 ? argv[2] : NULL);
        }
    }
    return EXIT_SUCCESS;
}
