/*
 * worker.c - the worker role: its runtime module, its API, its end.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/guest.h"
#include "base/log.h"
#include "base/options.h"
#include "ctl/ctl.h"
#include "grpc/health.h"
#include "grpc/server.h"
#include "node/load_service.h"
#include "node/node.h"
#include "node/node_document.h"
#include "node/node_service.h"
#include "node/worker/worker.h"
#include "plugin/module.h"

HF_LOG_MODULE(worker);

/* What a runtime is given beyond the grace to stop instances and to put them away: a busy engine
 * takes seconds for each, and what is still there then stays. */
#define STOP_MARGIN_NS (25 * HF_SEC)

/* How often a runtime is asked whether it has. */
#define DRAIN_AGAIN_NS (10 * HF_MSEC)

static struct hf_worker_role *
worker_of(struct hf_role *role)
{
    struct hf_worker_role *worker = hf_container_of(role, struct hf_worker_role, role);

    hf_assert(worker->magic == HF_WORKER_MAGIC);
    return worker;
}

static void worker_close(struct hf_role *role);
static void worker_destroy(struct hf_role *role);
static void on_drain_limit(struct hf_timer *timer);
static void on_drain_again(struct hf_timer *timer);

/* --- the control socket ------------------------------------------------------ */

static int
cmd_runtime(void *arg, struct hf_ctl_call *call, struct hf_err *err)
{
    struct hf_worker_role *worker = hf_cast(arg, struct hf_worker_role, HF_WORKER_MAGIC);

    if (!worker->ops->show) {
        return hf_fail(err, HF_EUNSUPPORTED, "the runtime has nothing to show");
    }
    worker->ops->show(worker->runtime, hf_ctl_out(call));
    return 0;
}

static const struct hf_ctl_command commands[] = {
    { "runtime/show", "", "Shows what the worker's runtime holds.", 0, 0, false, cmd_runtime },
    { 0 },
};

/* --- making ------------------------------------------------------------------ */

static uint8_t
readiness_of(const char *word)
{
    if (strcmp(word, "signal") == 0) {
        return HF_READY_BY_SIGNAL;
    }
    return strcmp(word, "probe") == 0 ? HF_READY_BY_PROBE : HF_READY_BY_EITHER;
}

static void
read_options(struct hf_worker_role *worker)
{
    const struct hf_options *options = worker->options;

    worker->readiness = readiness_of(hf_options_str(options, "readiness"));
    worker->internal = hf_options_bool(options, "containerized");
    worker->ready_ns = hf_options_u64(options, "ready_timeout");
    worker->grace_ns = hf_options_u64(options, "stop_grace");
    worker->orphan_ns = hf_options_u64(options, "orphan_timeout");
    worker->max_instances = (uint32_t)hf_options_u64(options, "max_instances");
    worker->memory_bytes = hf_options_u64(options, "memory");
    worker->cpu_millis = (uint64_t)(hf_options_double(options, "cpus") * 1000.0);
    worker->ended_max = (uint32_t)hf_options_u64(options, "ended_keep");
    worker->ended_ns = hf_options_u64(options, "ended_time");
}

/* Whether work can be given to this worker. */
static void
tell_health(struct hf_worker_role *worker)
{
    bool serving = !worker->unusable && !worker->draining;

    if (worker->health && (hf_grpc_health_set(worker->health, "worker", serving) < 0 ||
                           hf_grpc_health_set(worker->health, "", serving) < 0)) {
        hf_log(HF_LOG_WARNING, "no memory to tell the health of this worker");
    }
}

/* What the configuration leaves open, the runtime knows, or the machine. */
static void
find_capacity(struct hf_worker_role *worker)
{
    struct hf_runtime_stats stats = { .size = sizeof stats };

    if (worker->ops->stats) {
        worker->ops->stats(worker->runtime, &stats);
    }
    if (worker->memory_bytes == 0 && stats.memory_bytes != HF_UNLIMITED) {
        worker->memory_bytes = stats.memory_bytes ? stats.memory_bytes : hf_metrics_memory_total();
    }
    if (worker->cpu_millis == 0 && stats.cpu_millis != HF_UNLIMITED) {
        worker->cpu_millis = stats.cpu_millis;
    }
}

static void
on_health(void *arg, bool usable, const char *why)
{
    struct hf_worker_role *worker = hf_cast(arg, struct hf_worker_role, HF_WORKER_MAGIC);

    if (usable) {
        hf_log(HF_LOG_NOTICE, "the runtime can be used again", HF_KV_STR("why", why));
    } else {
        hf_log(HF_LOG_WARNING, "the runtime cannot be used; retrying", HF_KV_STR("why", why));
    }
    worker->unusable = !usable;
    tell_health(worker);
}

static int
make_runtime(struct hf_worker_role *worker, struct hf_err *err)
{
    struct hf_node_module plugin;
    int r = hf_node_load(worker->node, "runtime", &plugin, err);

    if (r < 0) {
        return r;
    }
    worker->ops = plugin.module->ops.runtime;
    worker->events = (struct hf_runtime_events){
        .size = sizeof worker->events,
        .on_end = hf_worker_on_end,
        .on_health = on_health,
        .on_images = hf_worker_on_images,
    };
    r = hf_guest_call(worker->ops, create, NULL, plugin.driver, plugin.options, &worker->events,
                      worker, &worker->runtime, err);
    r = hf_node_module_made(worker->node, &plugin, r, worker->runtime, err);
    if (r == 0) {
        find_capacity(worker);
    }
    return r;
}

static int
worker_create(struct hf_node *node, struct hf_role **ret, struct hf_err *err)
{
    struct hf_worker_role *worker = calloc(1, sizeof *worker);
    int r;

    if (!worker) {
        return hf_fail(err, HF_ENOMEM, "worker: no memory");
    }
    worker->magic = HF_WORKER_MAGIC;
    worker->role.ops = &hf_worker_role;
    worker->node = node;
    worker->loop = hf_node_control(node);
    worker->catalog = hf_node_catalog(node);
    worker->options = hf_node_options(node, "worker");
    hf_map_init(&worker->by_id, hf_node_seed(node, "worker"));
    hf_map_init(&worker->by_start_id, hf_node_seed(node, "worker starts"));
    worker->early_seed = hf_node_seed(node, "worker signals");
    hf_map_init(&worker->owners, hf_node_seed(node, "worker owners"));
    hf_worker_images_init(worker, hf_node_seed(node, "worker images"));
    hf_list_init(&worker->instances);
    hf_list_init(&worker->status_listeners);
    hf_list_init(&worker->watchers);
    hf_list_init(&worker->log_readers);
    hf_list_init(&worker->claims);
    hf_list_init(&worker->unwanted);
    hf_worker_running_init(worker);
    hf_worker_ended_init(worker);
    hf_timer_init(&worker->list_again, worker->loop, HF_TIMER_REAL, hf_worker_on_list_again);
    hf_timer_init(&worker->resources, worker->loop, HF_TIMER_REAL, hf_worker_on_resources);
    hf_timer_init(&worker->drain_limit, worker->loop, HF_TIMER_REAL, on_drain_limit);
    hf_timer_init(&worker->drain_again, worker->loop, HF_TIMER_REAL, on_drain_again);
    read_options(worker);
    r = make_runtime(worker, err);
    if (r == 0) {
        r = hf_ctl_register(hf_node_ctl(node), commands, worker, err);
    }
    if (r < 0) {
        worker_close(&worker->role);
        worker_destroy(&worker->role);
        return r;
    }
    *ret = &worker->role;
    return 0;
}

/* --- starting ------------------------------------------------------------------ */

static int
worker_start(struct hf_role *role, struct hf_err *err)
{
    struct hf_worker_role *worker = worker_of(role);
    int r = hf_worker_open_api(worker, err);

    if (r < 0) {
        return hf_err_wrap(err, r, "worker");
    }
    hf_worker_running_open(worker, "instances");
    hf_worker_adopt_begin(worker);
    return 0;
}

/* --- draining -------------------------------------------------------------------- */

static void
stop_all(struct hf_worker_role *worker)
{
    struct hf_worker_instance *instance;
    struct hf_worker_instance *next;

    HF_LIST_FOR_SAFE (instance, next, &worker->instances, node) {
        hf_worker_instance_stop(instance);
    }
}

static void
drained(struct hf_worker_role *worker)
{
    void (*done)(void *arg) = worker->drained;

    worker->drained = NULL;
    hf_timer_cancel(&worker->drain_limit);
    hf_timer_cancel(&worker->drain_again);
    if (hf_node_is_ending(worker->node)) {
        hf_worker_end_events(worker);
        hf_worker_end_logs(worker);
        hf_worker_end_api(worker);
    }
    done(worker->drained_arg);
}

/* Nobody moves the instances elsewhere any more: stops what is left. */
static void
stop_rest(struct hf_worker_role *worker)
{
    worker->stopping_all = true;
    hf_node_add_forced(worker->node, 0, worker->count);
    hf_timer_set(&worker->drain_limit, worker->grace_ns + STOP_MARGIN_NS);
    stop_all(worker);
}

/* What was given up may still have to be put away. */
static bool
runtime_is_empty(const struct hf_worker_role *worker)
{
    struct hf_runtime_stats stats = { .size = sizeof stats };

    if (worker->ops->stats) {
        worker->ops->stats(worker->runtime, &stats);
    }
    return stats.instances == 0;
}

void
hf_worker_check_drained(struct hf_worker_role *worker)
{
    if (!worker->drained) {
        return;
    }
    if (!hf_list_is_empty(&worker->instances)) {
        if (!worker->stopping_all && hf_list_is_empty(&worker->watchers)) {
            stop_rest(worker);
        }
    } else if (!hf_list_is_empty(&worker->unwanted) || !runtime_is_empty(worker)) {
        hf_timer_set(&worker->drain_again, DRAIN_AGAIN_NS);
    } else if (!hf_worker_list_last(worker)) {
        hf_timer_cancel(&worker->drain_again);
        drained(worker);
    }
}

static void
on_drain_again(struct hf_timer *timer)
{
    hf_worker_check_drained(hf_container_of(timer, struct hf_worker_role, drain_again));
}

/* The time is over: whatever a runtime still has is dealt with by its `destroy`. */
static void
on_drain_limit(struct hf_timer *timer)
{
    struct hf_worker_role *worker = hf_container_of(timer, struct hf_worker_role, drain_limit);

    if (worker->stopping_all || hf_list_is_empty(&worker->instances)) {
        hf_log(HF_LOG_WARNING, "drain limit reached; leaving instances to the runtime",
               HF_KV_U64("instances", worker->count));
        drained(worker);
    } else {
        stop_rest(worker);
    }
}

static void
worker_drain(struct hf_role *role, uint64_t limit_ns, void (*done)(void *arg), void *arg)
{
    struct hf_worker_role *worker = worker_of(role);

    worker->draining = true;
    worker->last_list = HF_LAST_LIST_TO_DO;
    worker->drained = done;
    worker->drained_arg = arg;
    hf_grpc_health_set_all(worker->health, false);
    hf_worker_adopt_refuse(worker);
    hf_worker_tell_draining(worker); /* leaves that watch move their instances elsewhere */
    hf_timer_set(&worker->drain_limit, hf_max(limit_ns, DRAIN_AGAIN_NS));
    hf_timer_set(&worker->drain_again, 0);
}

static int
worker_undrain(struct hf_role *role, struct hf_err *err)
{
    struct hf_worker_role *worker = worker_of(role);

    (void)err;
    worker->draining = false;
    worker->stopping_all = false;
    hf_grpc_health_set_all(worker->health, true);
    tell_health(worker);
    hf_worker_tell_draining(worker);
    return 0;
}

/* --- the end ---------------------------------------------------------------------- */

/* Without the runtime nothing ends any more: forgets what is left. */
static void
forget_instances(struct hf_worker_role *worker)
{
    while (!hf_list_is_empty(&worker->instances)) {
        hf_worker_instance_forget(
            hf_container_of(worker->instances.next, struct hf_worker_instance, node));
    }
}

static void
worker_close(struct hf_role *role)
{
    struct hf_worker_role *worker = worker_of(role);

    worker->draining = true;
    worker->drained = NULL; /* nobody waits for it any more */
    hf_timer_cancel(&worker->drain_limit);
    hf_timer_cancel(&worker->drain_again);
    hf_ctl_unregister(hf_node_ctl(worker->node), commands, worker); /* registered or not */
    hf_worker_close_api(worker);
}

static void
worker_destroy(struct hf_role *role)
{
    struct hf_worker_role *worker;

    if (!role) {
        return;
    }
    worker = worker_of(role);
    if (worker->runtime) {
        hf_guest_do(worker->ops, destroy, NULL, worker->runtime); /* completes what is under way */
    }
    hf_worker_adopt_end(worker);
    hf_worker_forget_unwanted(worker);
    forget_instances(worker);
    hf_worker_running_fini(worker);
    hf_grpc_health_free(worker->health);
    hf_grpc_health_free(worker->instance_health);
    hf_load_service_free(worker->load);
    hf_worker_ended_fini(worker);
    hf_timer_fini(&worker->list_again);
    hf_timer_fini(&worker->resources);
    hf_timer_fini(&worker->drain_limit);
    hf_timer_fini(&worker->drain_again);
    hf_worker_images_fini(worker);
    hf_map_fini(&worker->by_id);
    hf_map_fini(&worker->by_start_id);
    hf_map_fini(&worker->owners); /* went with instances and listeners */
    hf_metrics_sample_free(worker->sample);
    free(worker->controller_address);
    worker->magic = 0;
    free(worker);
}

static size_t
worker_addresses(const struct hf_role *role, struct hf_role_address *ret, size_t max)
{
    const struct hf_worker_role *worker = hf_container_of(role, struct hf_worker_role, role);

    if (max < 1 || !worker->api || !hf_grpc_server_address(worker->api)) {
        return 0;
    }
    ret[0] = (struct hf_role_address){ "api", hf_grpc_server_address(worker->api) };
    return 1;
}

static void
worker_capacity(const struct hf_role *role, Hyperfaas__V1__Capacity *ret)
{
    const struct hf_worker_role *worker = hf_container_of(role, struct hf_worker_role, role);

    ret->memory_bytes = worker->memory_bytes;
    ret->cpu_millis = worker->cpu_millis;
    ret->max_instances = worker->max_instances;
}

const struct hf_role_ops hf_worker_role = {
    .name = "worker",
    .knows_functions = true,
    .create = worker_create,
    .start = worker_start,
    .drain = worker_drain,
    .undrain = worker_undrain,
    .close = worker_close,
    .destroy = worker_destroy,
    .addresses = worker_addresses,
    .capacity = worker_capacity,
};
