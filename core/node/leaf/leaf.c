/*
 * leaf.c - the leaf role: its policies, its data path, its end.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/guest.h"
#include "base/log.h"
#include "base/options.h"
#include "grpc/health.h"
#include "grpc/server.h"
#include "node/leaf/leaf.h"
#include "node/node.h"
#include "plugin/module.h"

HF_LOG_MODULE(leaf);

/* Connections to instances: they are near, so a failed dial is tried again soon. */
#define INSTANCE_CONNECT_NS     (5 * HF_SEC)
#define INSTANCE_BACKOFF_NS     (20 * HF_MSEC)
#define INSTANCE_BACKOFF_MAX_NS (1 * HF_SEC)
#define INSTANCE_IDLE_NS        (60 * HF_SEC)
#define INSTANCE_USER_TIMEOUT   (10 * HF_SEC)

/* Calls in a row that their callers give up: time to ask the instance. */
#define ASK_AFTER 2

static void leaf_destroy(struct hf_role *role);

static struct hf_leaf *
leaf_of(struct hf_role *role)
{
    struct hf_leaf *leaf = hf_container_of(role, struct hf_leaf, role);

    hf_assert(leaf->magic == HF_LEAF_MAGIC);
    return leaf;
}

/* --- policies -------------------------------------------------------------------- */

/* A pool's load for the brain. */
static void
load_of(void *arg, struct hf_fleet_function *fleet, struct hf_pool_load *ret)
{
    (void)arg;
    hf_callee_load(hf_leaf_function_of(fleet)->callee, ret);
}

static int
make_scheduler(struct hf_leaf *leaf, struct hf_err *err)
{
    struct hf_node_module plugin;
    int r = hf_node_load(leaf->node, "scheduler", &plugin, err);

    if (r < 0) {
        return r;
    }
    leaf->scheduler_ops = plugin.module->ops.scheduler;
    r = hf_guest_call(leaf->scheduler_ops, create, NULL, plugin.module->host, plugin.options,
                      &leaf->scheduler, err);
    return hf_node_module_made(leaf->node, &plugin, r, leaf->scheduler, err);
}

static int
make_scaler(struct hf_leaf *leaf, struct hf_err *err)
{
    struct hf_node_module plugin;
    int r = hf_node_load(leaf->node, "scaler", &plugin, err);

    if (r < 0) {
        return r;
    }
    leaf->scaler_ops = plugin.module->ops.scaler;
    r = hf_guest_call(leaf->scaler_ops, create, NULL, plugin.module->host, plugin.options,
                      &leaf->scaler, err);
    return hf_node_module_made(leaf->node, &plugin, r, leaf->scaler, err);
}

static int
make_brain(struct hf_leaf *leaf, struct hf_err *err)
{
    const struct hf_options *options = leaf->options;
    struct hf_autoscale_config config = {
        .settings = {
            .fleet = {
                .max_instances_per_worker =
                    (uint32_t)hf_options_u64(options, "max_instances_per_worker"),
                .max_starting_per_worker =
                    (uint32_t)hf_options_u64(options, "max_starting_per_worker"),
                .backoff_min_ns = hf_options_u64(options, "start_backoff"),
                .backoff_max_ns = hf_options_u64(options, "start_backoff_max"),
                .instance_size = sizeof(struct hf_leaf_instance),
            },
            .max_instances = (uint32_t)hf_options_u64(options, "max_instances"),
            .start_attempts = (uint32_t)hf_options_u64(options, "start_attempts"),
            .room_wait_ns = hf_options_u64(options, "room_timeout"),
            .drain_limit_ns = hf_options_u64(options, "drain_timeout"),
            .min_uptime_ns = hf_options_u64(options, "min_uptime"),
            .functions_a_tick = 1000,
        },
        .seed = hf_node_seed(leaf->node, "autoscaler"),
        .function_size = sizeof(struct hf_leaf_function),
        .load = load_of,
    };
    int r = make_scheduler(leaf, err);

    if (r < 0 || (r = make_scaler(leaf, err)) < 0) {
        return r;
    }
    config.scheduler_ops = leaf->scheduler_ops;
    config.scheduler = leaf->scheduler;
    config.scaler_ops = leaf->scaler_ops;
    config.scaler = leaf->scaler;
    leaf->autoscaler = hf_autoscaler_new(&config);
    return leaf->autoscaler ? 0 : hf_fail(err, HF_ENOMEM, "leaf: no memory");
}

/* --- data path --------------------------------------------------------------------- */

static void
init_upstream(struct hf_leaf *leaf)
{
    struct hf_h2_channel_options *channel = &leaf->upstream.channel;

    leaf->upstream.io = hf_node_io(leaf->node);
    leaf->upstream.io_count = hf_node_io_count(leaf->node);
    hf_h2_channel_options_init(channel);
    channel->conn.idle_ns = INSTANCE_IDLE_NS;
    if (hf_options_u64(leaf->options, "hang_timeout") > 0) { /* calls that nobody gives up */
        channel->conn.ping_ns = hf_options_u64(leaf->options, "busy_limit");
        channel->conn.ping_timeout_ns = hf_options_u64(leaf->options, "hang_timeout");
    }
    channel->connect_ns = INSTANCE_CONNECT_NS;
    channel->backoff_ns = INSTANCE_BACKOFF_NS;
    channel->backoff_max_ns = INSTANCE_BACKOFF_MAX_NS;
    channel->user_timeout_ns = INSTANCE_USER_TIMEOUT;
    channel->max_waiting = UINT32_MAX; /* slots bound it */
    channel->fail_fast = true;         /* the call goes to another instance */
}

static int
make_callees(struct hf_leaf *leaf, struct hf_err *err)
{
    struct hf_node_module plugin;
    int r = hf_node_load(leaf->node, "balance.leaf", &plugin, err);

    if (r < 0) {
        return r;
    }
    init_upstream(leaf);
    leaf->callee = (struct hf_callee_config){
        .pool = {
            .lb = plugin.module->ops.lb,
            .endpoint_size = sizeof(struct hf_callee_endpoint),
            .endpoint_fini = hf_callee_endpoint_fini,
            .host = plugin.module->host,
            .options = plugin.options,
            .section = plugin.section,
            .max_waiting = (uint32_t)hf_options_u64(leaf->options, "queue_depth"),
            .eject_after = (uint32_t)hf_options_u64(leaf->options, "eject_after"),
            .ask_after = hf_options_u64(leaf->options, "hang_timeout") > 0 ? ASK_AFTER : 0,
            .max_wait_ns = hf_options_u64(leaf->options, "max_wait"),
        },
        .silence_ns = hf_options_u64(leaf->options, "hang_timeout"),
        .busy_ns = hf_options_u64(leaf->options, "busy_limit"),
        .upstream = &leaf->upstream,
        .control = leaf->control,
        .ops = &hf_leaf_callee_ops,
    };
    return 0;
}

/* The last of a drain. */
static void
leave_workers(struct hf_leaf *leaf)
{
    leaf->parting = 0;
    hf_timer_cancel(&leaf->drain_limit);
    hf_peers_close(&leaf->workers); /* what runs stays, for this leaf's next start to adopt */
    leaf->drained(leaf->drained_arg);
}

static void
on_parted(void *arg)
{
    struct hf_leaf *leaf = hf_cast(arg, struct hf_leaf, HF_LEAF_MAGIC);

    if (leaf->parting > 0 && --leaf->parting == 0) {
        leave_workers(leaf);
    }
}

static void
on_proxy_drained(void *arg)
{
    struct hf_leaf *leaf = hf_cast(arg, struct hf_leaf, HF_LEAF_MAGIC);

    leaf->parting = hf_leaf_stop_unadoptable(leaf, on_parted);
    if (leaf->parting == 0) {
        leave_workers(leaf);
    } else {
        hf_timer_set(&leaf->drain_limit, hf_options_u64(leaf->options, "stop_timeout"));
    }
}

static const struct hf_proxy_words words = {
    .while_waiting = "while waiting for an instance",
    .while_running = "while the function ran",
    .refused = "the instance refused the call",
    .lost = "the instance's connection was lost while it had the call",
    .no_status = "the instance ended the call without a status",
    .broken = "the instance's answer broke the rules of HTTP/2",
};

static int
open_proxy(struct hf_leaf *leaf, const char *address, struct hf_err *err)
{
    const struct hf_proxy_config config = {
        .address = address,
        .loop = leaf->control,
        .io = hf_node_io(leaf->node),
        .io_count = hf_node_io_count(leaf->node),
        .router = &hf_leaf_router,
        .router_arg = leaf,
        .budget = hf_node_budget(leaf->node),
        .words = &words,
        .node = hf_node_id(leaf->node),
        .max_attempts = (uint32_t)hf_options_u64(leaf->options, "max_attempts"),
        .max_streams = (uint32_t)hf_options_u64(leaf->options, "max_streams"),
        .replay_bytes = (size_t)hf_options_u64(leaf->options, "replay_bytes"),
        .trusted = hf_options_bool(leaf->options, "trust_callers"),
        .errors = hf_proxy_errors_of(hf_options_str(leaf->options, "errors")),
        .max_per_address = hf_options_u64(leaf->options, "max_connections_per_address"),
        .connection_idle_ns = hf_options_u64(leaf->options, "connection_idle"),
        .seed = hf_node_seed(leaf->node, "proxy"),
        .on_drained = on_proxy_drained,
        .on_drained_arg = leaf,
    };

    int r = hf_proxy_new(&config, &leaf->proxy, err);

    if (r == 0) {
        snprintf(leaf->proxy_address, sizeof leaf->proxy_address, "%s",
                 hf_proxy_address(leaf->proxy));
    }
    return r;
}

/* --- life --------------------------------------------------------------------------- */

static void
on_drain_limit(struct hf_timer *timer)
{
    struct hf_leaf *leaf = hf_container_of(timer, struct hf_leaf, drain_limit);
    struct hf_proxy_stats stats;

    if (leaf->parting > 0) {
        hf_log(HF_LOG_WARNING, "a worker does not stop instances; leaving them",
               HF_KV_U64("instances", leaf->parting));
        leave_workers(leaf);
        return;
    }
    hf_proxy_stats(leaf->proxy, &stats);
    hf_log(HF_LOG_WARNING, "drain limit reached; cutting calls", HF_KV_U64("calls", stats.calls));
    hf_node_add_forced(leaf->node, stats.calls, 0);
    hf_proxy_cut(leaf->proxy);
}

static void
init_workers(struct hf_leaf *leaf)
{
    leaf->workers = (struct hf_peers){
        .kind = "worker",
        .ops = &hf_leaf_worker_ops,
        .record_size = sizeof(struct hf_leaf_worker),
        .role = "worker",
        .loop = leaf->control,
        .directory = hf_node_directory(leaf->node),
        .access = hf_node_access(leaf->node),
        .heartbeat_ns = hf_options_u64(leaf->options, "heartbeat"),
        .loss_ns = hf_options_u64(leaf->options, "loss_timeout"),
        .seed = hf_node_seed(leaf->node, "workers"),
    };
    hf_peers_init(&leaf->workers);
}

static int
leaf_create(struct hf_node *node, struct hf_role **ret, struct hf_err *err)
{
    struct hf_leaf *leaf = calloc(1, sizeof *leaf);
    int r;

    if (!leaf) {
        return hf_fail(err, HF_ENOMEM, "leaf: no memory");
    }
    leaf->magic = HF_LEAF_MAGIC;
    leaf->role.ops = &hf_leaf_role;
    leaf->node = node;
    leaf->control = hf_node_control(node);
    leaf->catalog = hf_node_catalog(node);
    leaf->options = hf_node_options(node, "leaf");
    pthread_rwlock_init(&leaf->lock, NULL);
    hf_map_init(&leaf->by_id, hf_node_seed(node, "leaf functions"));
    hf_timer_init(&leaf->tick, leaf->control, HF_TIMER_POLICY, hf_leaf_on_tick);
    hf_timer_init(&leaf->drain_limit, leaf->control, HF_TIMER_REAL, on_drain_limit);
    hf_list_init(&leaf->functions);
    hf_list_init(&leaf->listener.node);
    init_workers(leaf);
    if ((r = hf_peers_read(&leaf->workers, leaf->options, "workers", "worker", err)) < 0 ||
        (r = make_callees(leaf, err)) < 0 || (r = make_brain(leaf, err)) < 0 ||
        (r = hf_state_service_new(&leaf->state, err)) < 0) {
        leaf_destroy(&leaf->role);
        return r;
    }
    *ret = &leaf->role;
    return 0;
}

static int
leaf_start(struct hf_role *role, struct hf_err *err)
{
    struct hf_leaf *leaf = leaf_of(role);
    int r = hf_leaf_register_commands(leaf, err);

    if (r == 0) {
        r = hf_leaf_serve(leaf, err);
    }
    if (r == 0) {
        r = open_proxy(leaf, hf_options_str(leaf->options, "proxy"), err);
    }
    if (r == 0) {
        hf_leaf_follow_catalog(leaf);
        r = hf_peers_open(&leaf->workers, err);
    }
    return r < 0 ? hf_err_wrap(err, r, "leaf") : 0;
}

static void
leaf_drain(struct hf_role *role, uint64_t limit_ns, void (*done)(void *arg), void *arg)
{
    struct hf_leaf *leaf = leaf_of(role);

    leaf->drained = done;
    leaf->drained_arg = arg;
    hf_grpc_health_set_all(leaf->health, false);
    hf_grpc_health_end_watches(leaf->health);
    hf_state_service_end(leaf->state);
    hf_timer_set(&leaf->drain_limit, limit_ns);
    hf_proxy_drain(leaf->proxy);
}

static int
leaf_undrain(struct hf_role *role, struct hf_err *err)
{
    struct hf_leaf *leaf = leaf_of(role);
    int r;

    hf_proxy_free(hf_steal(leaf->proxy));
    r = open_proxy(leaf, leaf->proxy_address, err);
    if (r == 0) {
        r = hf_peers_open(&leaf->workers, err);
    }
    if (r == 0) {
        hf_state_service_begin(leaf->state);
        hf_grpc_health_set_all(leaf->health, true);
    }
    return r;
}

static void
forget_functions(struct hf_leaf *leaf)
{
    while (!hf_list_is_empty(&leaf->functions)) {
        hf_leaf_function_free(hf_container_of(leaf->functions.next, struct hf_leaf_function, link));
    }
}

static void
leaf_close(struct hf_role *role)
{
    struct hf_leaf *leaf = leaf_of(role);

    leaf->parting = 0; /* nobody waits for its drain any more */
    hf_timer_cancel(&leaf->drain_limit);
    hf_leaf_unregister_commands(leaf);
    hf_grpc_server_free(hf_steal(leaf->api));
}

static void
leaf_destroy(struct hf_role *role)
{
    struct hf_leaf *leaf;

    if (!role) {
        return;
    }
    leaf = leaf_of(role);
    hf_catalog_unlisten(&leaf->listener);
    hf_proxy_free(hf_steal(leaf->proxy));
    hf_peers_fini(&leaf->workers);
    forget_functions(leaf);
    hf_timer_cancel(&leaf->tick);
    hf_loop_flush(leaf->control); /* what pools have posted refers to the leaf */
    hf_grpc_health_free(leaf->health);
    hf_state_service_free(leaf->state);
    hf_autoscaler_free(leaf->autoscaler);
    if (leaf->scaler) {
        hf_guest_do(leaf->scaler_ops, destroy, NULL, leaf->scaler);
    }
    if (leaf->scheduler) {
        hf_guest_do(leaf->scheduler_ops, destroy, NULL, leaf->scheduler);
    }
    hf_timer_fini(&leaf->tick);
    hf_timer_fini(&leaf->drain_limit);
    hf_map_fini(&leaf->by_id);
    pthread_rwlock_destroy(&leaf->lock);
    leaf->magic = 0;
    free(leaf);
}

static size_t
leaf_addresses(const struct hf_role *role, struct hf_role_address *ret, size_t max)
{
    const struct hf_leaf *leaf = hf_container_of(role, struct hf_leaf, role);

    if (max < 2 || !leaf->proxy || !leaf->api) {
        return 0;
    }
    ret[0] = (struct hf_role_address){ "proxy", hf_proxy_address(leaf->proxy) };
    ret[1] = (struct hf_role_address){ "api", hf_grpc_server_address(leaf->api) };
    return 2;
}

const struct hf_role_ops hf_leaf_role = {
    .name = "leaf",
    .knows_functions = true,
    .create = leaf_create,
    .start = leaf_start,
    .drain = leaf_drain,
    .undrain = leaf_undrain,
    .close = leaf_close,
    .destroy = leaf_destroy,
    .addresses = leaf_addresses,
};
