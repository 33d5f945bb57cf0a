/*
 * leaf.c - the leaf role: its policies, its callees, its end.
 */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/guest.h"
#include "base/log.h"
#include "base/options.h"
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

/* --- policies -------------------------------------------------------------------- */

/* A pool's load for the brain. */
static void
load_of(void *arg, struct hf_fleet_function *fleet, struct hf_pool_load *ret)
{
    (void)arg;
    hf_callee_load(hf_leaf_function_of(fleet)->front.callee, ret);
}

static int
make_scheduler(struct hf_leaf *leaf, struct hf_err *err)
{
    struct hf_node_module plugin;
    int r = hf_node_load(leaf->front.node, "scheduler", &plugin, err);

    if (r < 0) {
        return r;
    }
    leaf->scheduler_ops = plugin.module->ops.scheduler;
    r = hf_guest_call(leaf->scheduler_ops, create, NULL, plugin.module->host, plugin.options,
                      &leaf->scheduler, err);
    return hf_node_module_made(leaf->front.node, &plugin, r, leaf->scheduler, err);
}

static int
make_scaler(struct hf_leaf *leaf, struct hf_err *err)
{
    struct hf_node_module plugin;
    int r = hf_node_load(leaf->front.node, "scaler", &plugin, err);

    if (r < 0) {
        return r;
    }
    leaf->scaler_ops = plugin.module->ops.scaler;
    r = hf_guest_call(leaf->scaler_ops, create, NULL, plugin.module->host, plugin.options,
                      &leaf->scaler, err);
    return hf_node_module_made(leaf->front.node, &plugin, r, leaf->scaler, err);
}

static int
make_brain(struct hf_leaf *leaf, struct hf_err *err)
{
    const struct hf_options *options = leaf->front.options;
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
        .seed = hf_node_seed(leaf->front.node, "autoscaler"),
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

    leaf->upstream.io = hf_node_io(leaf->front.node);
    leaf->upstream.io_count = hf_node_io_count(leaf->front.node);
    hf_h2_channel_options_init(channel);
    channel->conn.idle_ns = INSTANCE_IDLE_NS;
    if (hf_options_u64(leaf->front.options, "hang_timeout") > 0) { /* calls that nobody gives up */
        channel->conn.ping_ns = hf_options_u64(leaf->front.options, "busy_limit");
        channel->conn.ping_timeout_ns = hf_options_u64(leaf->front.options, "hang_timeout");
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
    int r = hf_node_load(leaf->front.node, "balance.leaf", &plugin, err);

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
            .max_waiting = (uint32_t)hf_options_u64(leaf->front.options, "queue_depth"),
            .eject_after = (uint32_t)hf_options_u64(leaf->front.options, "eject_after"),
            .ask_after = hf_options_u64(leaf->front.options, "hang_timeout") > 0 ? ASK_AFTER : 0,
            .max_wait_ns = hf_options_u64(leaf->front.options, "max_wait"),
            .keep_gaps = (leaf->scaler_ops->needs & HF_SCALER_NEEDS_GAPS) != 0,
        },
        .silence_ns = hf_options_u64(leaf->front.options, "hang_timeout"),
        .busy_ns = hf_options_u64(leaf->front.options, "busy_limit"),
        .upstream = &leaf->upstream,
        .control = leaf->front.control,
        .ops = &hf_leaf_callee_ops,
    };
    return hf_front_share(&leaf->front, &plugin, &leaf->callee.pool, err);
}

/* --- leaving the workers ------------------------------------------------------------ */

static void
leave_workers(struct hf_leaf *leaf)
{
    leaf->parting = 0;
    hf_timer_cancel(&leaf->parting_limit);
    hf_peers_close(&leaf->workers); /* what runs stays, for this leaf's next start to adopt */
    hf_front_drained(&leaf->front);
}

static void
on_parted(void *arg)
{
    struct hf_leaf *leaf = hf_leaf_of(arg);

    if (leaf->parting > 0 && --leaf->parting == 0) {
        leave_workers(leaf);
    }
}

static void
on_parting_limit(struct hf_timer *timer)
{
    struct hf_leaf *leaf = hf_container_of(timer, struct hf_leaf, parting_limit);

    hf_log(HF_LOG_WARNING, "a worker does not stop instances; leaving them",
           HF_KV_U64("instances", leaf->parting));
    leave_workers(leaf);
}

static void
leaf_leave(struct hf_front *front)
{
    struct hf_leaf *leaf = hf_leaf_of(front);

    leaf->parting = hf_leaf_stop_unadoptable(leaf, on_parted);
    if (leaf->parting == 0) {
        leave_workers(leaf);
    } else {
        hf_timer_set(&leaf->parting_limit, leaf->stop_timeout_ns);
    }
}

static int
leaf_connect(struct hf_front *front, struct hf_err *err)
{
    return hf_peers_open(&hf_leaf_of(front)->workers, err);
}

/* --- how busy it is ------------------------------------------------------------------- */

static void
leaf_measure(struct hf_front *front, struct hf_load_figures *ret)
{
    const struct hf_leaf *leaf = hf_leaf_of(front);
    const struct hf_leaf_worker *worker;
    uint64_t load_millis = 0;
    uint32_t known = 0;

    HF_LIST_FOR (worker, &leaf->workers.list, link.node) {
        ret->starting += worker->fleet.base.starting;
        if (worker->load_known) {
            load_millis += worker->fleet.base.load_millis;
            known++;
        }
    }
    ret->load_known = known > 0;
    ret->load_millis = known > 0 ? (uint32_t)(load_millis / known) : 0;
}

static bool
leaf_room(struct hf_front_function *function, const struct hf_pool_load *load, uint32_t *ret)
{
    (void)function;
    *ret = load->room;
    return true;
}

static void
leaf_load_wanted(struct hf_front *front, bool wanted)
{
    struct hf_leaf *leaf = hf_leaf_of(front);
    struct hf_leaf_worker *worker;

    HF_LIST_FOR (worker, &leaf->workers.list, link.node) {
        if (wanted) {
            hf_leaf_worker_ask_load(worker);
        } else if ((leaf->scheduler_ops->needs & HF_SCHEDULER_NEEDS_LOAD) == 0) {
            hf_leaf_worker_forget_load(worker);
        }
    }
}

static const struct hf_front_ops front_ops = {
    .state_path = "/leaf.Leaf/State",
    .commands = hf_leaf_commands,
    .words = {
        .while_waiting = "while waiting for an instance",
        .while_running = "while the function ran",
        .refused = "the instance refused the call",
        .lost = "the instance's connection was lost while it had the call",
        .no_status = "the instance ended the call without a status",
        .broken = "the instance's answer broke the rules of HTTP/2",
    },
    .serve = hf_leaf_serve,
    .connect = leaf_connect,
    .leave = leaf_leave,
    .measure = leaf_measure,
    .room = leaf_room,
    .load_wanted = leaf_load_wanted,
    .resolve = hf_leaf_resolve,
};

/* --- life --------------------------------------------------------------------------- */

static void
init_workers(struct hf_leaf *leaf)
{
    leaf->workers = (struct hf_peers){
        .kind = "worker",
        .record_size = sizeof(struct hf_leaf_worker),
        .directory = hf_node_directory(leaf->front.node),
        .links = {
            .ops = &hf_leaf_worker_ops,
            .role = "worker",
            .loop = leaf->front.control,
            .access = hf_node_access(leaf->front.node),
            .heartbeat_ns = hf_options_u64(leaf->front.options, "heartbeat"),
            .loss_ns = hf_options_u64(leaf->front.options, "loss_timeout"),
            .seed = hf_node_seed(leaf->front.node, "workers"),
        },
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
    hf_list_init(&leaf->functions);
    hf_list_init(&leaf->listener.node);
    r = hf_front_init(&leaf->front, &hf_leaf_role, &front_ops, node, err);
    leaf->catalog = hf_node_catalog(node);
    leaf->start_timeout_ns = hf_options_u64(leaf->front.options, "start_timeout");
    leaf->stop_timeout_ns = hf_options_u64(leaf->front.options, "stop_timeout");
    leaf->containerized = hf_options_bool(leaf->front.options, "containerized");
    hf_timer_init(&leaf->tick, leaf->front.control, HF_TIMER_POLICY, hf_leaf_on_tick);
    hf_timer_init(&leaf->parting_limit, leaf->front.control, HF_TIMER_REAL, on_parting_limit);
    init_workers(leaf);
    if (r < 0 ||
        (r = hf_peers_read(&leaf->workers, leaf->front.options, "workers", "worker", err)) < 0 ||
        (r = make_brain(leaf, err)) < 0 || (r = make_callees(leaf, err)) < 0) {
        leaf_destroy(&leaf->front.role);
        return r;
    }
    *ret = &leaf->front.role;
    return 0;
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
    struct hf_leaf *leaf = hf_leaf_of(hf_front_of(role));

    leaf->parting = 0; /* nobody waits for its drain any more */
    hf_timer_cancel(&leaf->parting_limit);
    hf_front_close(role);
}

static void
leaf_destroy(struct hf_role *role)
{
    struct hf_leaf *leaf;

    if (!role) {
        return;
    }
    leaf = hf_leaf_of(hf_front_of(role));
    hf_catalog_unlisten(&leaf->listener);
    hf_front_cut(&leaf->front);
    hf_peers_fini(&leaf->workers);
    forget_functions(leaf);
    hf_timer_cancel(&leaf->tick);
    hf_loop_flush(leaf->front.control); /* what pools have posted refers to the leaf */
    hf_autoscaler_free(leaf->autoscaler);
    if (leaf->scaler) {
        hf_guest_do(leaf->scaler_ops, destroy, NULL, leaf->scaler);
    }
    if (leaf->scheduler) {
        hf_guest_do(leaf->scheduler_ops, destroy, NULL, leaf->scheduler);
    }
    hf_timer_fini(&leaf->tick);
    hf_timer_fini(&leaf->parting_limit);
    hf_front_fini(&leaf->front);
    free(leaf);
}

const struct hf_role_ops hf_leaf_role = {
    .name = "leaf",
    .knows_functions = true,
    .create = leaf_create,
    .start = hf_front_start,
    .drain = hf_front_drain,
    .undrain = hf_front_undrain,
    .close = leaf_close,
    .destroy = leaf_destroy,
    .addresses = hf_front_addresses,
};
