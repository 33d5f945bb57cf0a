/*
 * balancer.c - the role lb: its policies, its data path, its end.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "base/options.h"
#include "grpc/health.h"
#include "grpc/server.h"
#include "node/lb/balancer.h"
#include "node/node.h"
#include "plugin/module.h"
#include "spop/agent.h"

HF_LOG_MODULE(lb);

/* Connections to children.  A failed dial ejects the child, so the next one follows at the
 * earliest when it is readmitted. */
#define CHILD_CONNECT_NS     (2 * HF_SEC)
#define CHILD_BACKOFF_NS     (20 * HF_MSEC)
#define CHILD_BACKOFF_MAX_NS (100 * HF_MSEC)
#define CHILD_IDLE_NS        (300 * HF_SEC)
#define CHILD_USER_TIMEOUT   (10 * HF_SEC)

/* A call that failed at a child takes it out of use, for all functions. */
#define EJECT_AFTER 1

/* For what was posted to the control loop to run, at the end. */
#define FLUSH_LIMIT_NS (5 * HF_SEC)

static void balancer_destroy(struct hf_role *role);

static struct hf_balancer *
balancer_of(struct hf_role *role)
{
    struct hf_balancer *balancer = hf_container_of(role, struct hf_balancer, role);

    hf_assert(balancer->magic == HF_BALANCER_MAGIC);
    return balancer;
}

/* --- making -------------------------------------------------------------------------------- */

static void
on_warm(void *arg, const char *function, bool warm)
{
    struct hf_balancer *balancer = hf_cast(arg, struct hf_balancer, HF_BALANCER_MAGIC);

    hf_state_service_set(balancer->state, function, warm);
}

static int
make_tree(struct hf_balancer *balancer, struct hf_err *err)
{
    const struct hf_tree_config config = {
        .seed = hf_node_seed(balancer->node, "tree"),
        .max_known = (size_t)hf_options_u64(balancer->options, "max_warm"),
        .on_warm = on_warm,
        .arg = balancer,
    };

    balancer->tree = hf_tree_new(&config);
    return balancer->tree ? hf_balancer_read_children(balancer, err)
                          : hf_fail(err, HF_ENOMEM, "lb: no memory");
}

static void
init_upstream(struct hf_balancer *balancer)
{
    struct hf_h2_channel_options *channel = &balancer->upstream.channel;

    balancer->upstream.io = hf_node_io(balancer->node);
    balancer->upstream.io_count = hf_node_io_count(balancer->node);
    hf_h2_channel_options_init(channel);
    channel->conn.idle_ns = CHILD_IDLE_NS;
    channel->connect_ns = CHILD_CONNECT_NS;
    channel->backoff_ns = CHILD_BACKOFF_NS;
    channel->backoff_max_ns = CHILD_BACKOFF_MAX_NS;
    channel->user_timeout_ns = CHILD_USER_TIMEOUT;
    channel->max_waiting = (uint32_t)hf_options_u64(balancer->options, "queue_depth");
    channel->fail_fast = true; /* the call goes to another child */
}

static int
make_callees(struct hf_balancer *balancer, struct hf_err *err)
{
    const struct hf_options *policy = hf_node_options(balancer->node, "balance.lb");
    struct hf_node_module plugin;
    int r = hf_node_load(balancer->node, "balance.lb", &plugin, err);

    if (r < 0) {
        return r;
    }
    balancer->cold_any = strcmp(hf_options_str(policy, "cold"), "any") == 0;
    balancer->spill = (uint32_t)hf_options_u64(policy, "spill_inflight");
    balancer->idle_ns = hf_options_u64(balancer->options, "idle_timeout");
    init_upstream(balancer);
    balancer->callee = (struct hf_callee_config){
        .pool = {
            .lb = plugin.module->ops.lb,
            .endpoint_size = sizeof(struct hf_callee_endpoint),
            .endpoint_fini = hf_callee_endpoint_fini,
            .host = plugin.module->host,
            .options = plugin.options,
            .section = plugin.section,
            .max_waiting = (uint32_t)hf_options_u64(balancer->options, "queue_depth"),
            .eject_after = EJECT_AFTER,
        },
        .upstream = &balancer->upstream,
        .control = balancer->control,
        .ops = &hf_balancer_callee_ops,
    };
    return 0;
}

static void
on_drain_limit(struct hf_timer *timer)
{
    struct hf_balancer *balancer = hf_container_of(timer, struct hf_balancer, drain_limit);
    struct hf_proxy_stats stats;

    hf_proxy_stats(balancer->proxy, &stats);
    hf_log(HF_LOG_WARNING, "drain limit reached; cutting calls", HF_KV_U64("calls", stats.calls));
    hf_node_add_forced(balancer->node, stats.calls, 0);
    hf_proxy_cut(balancer->proxy);
}

static void
init(struct hf_balancer *balancer, struct hf_node *node)
{
    balancer->magic = HF_BALANCER_MAGIC;
    balancer->role.ops = &hf_lb_role;
    balancer->node = node;
    balancer->control = hf_node_control(node);
    balancer->options = hf_node_options(node, "lb");
    balancer->work.run = hf_balancer_on_work;
    pthread_rwlock_init(&balancer->lock, NULL);
    hf_map_init(&balancer->by_id, hf_node_seed(node, "lb functions"));
    hf_list_init(&balancer->by_due);
    hf_list_init(&balancer->by_review);
    hf_timer_init(&balancer->look, balancer->control, HF_TIMER_POLICY, hf_balancer_on_look);
    hf_timer_init(&balancer->settle, balancer->control, HF_TIMER_REAL, hf_balancer_on_settled);
    hf_timer_init(&balancer->hope, balancer->control, HF_TIMER_REAL, hf_balancer_on_hopeless);
    hf_timer_init(&balancer->drain_limit, balancer->control, HF_TIMER_REAL, on_drain_limit);
    balancer->children = (struct hf_peers){
        .kind = "child",
        .ops = &hf_balancer_child_ops,
        .record_size = sizeof(struct hf_balancer_child),
        .loop = balancer->control,
        .directory = hf_node_directory(node),
        .heartbeat_ns = hf_options_u64(balancer->options, "heartbeat"),
        .loss_ns = hf_options_u64(balancer->options, "loss_timeout"),
        .seed = hf_node_seed(node, "children"),
    };
    hf_peers_init(&balancer->children);
}

static int
balancer_create(struct hf_node *node, struct hf_role **ret, struct hf_err *err)
{
    struct hf_balancer *balancer = calloc(1, sizeof *balancer);
    int r;

    if (!balancer) {
        return hf_fail(err, HF_ENOMEM, "lb: no memory");
    }
    init(balancer, node);
    if ((r = make_callees(balancer, err)) < 0 || (r = make_tree(balancer, err)) < 0 ||
        (r = hf_state_service_new(&balancer->state, err)) < 0 ||
        (r = hf_balancer_read_above(balancer, err)) < 0) {
        balancer_destroy(&balancer->role);
        return r;
    }
    hf_state_service_on_above(balancer->state, hf_balancer_on_above, balancer);
    *ret = &balancer->role;
    return 0;
}

/* --- life ----------------------------------------------------------------------------------- */

static void
on_proxy_drained(void *arg)
{
    struct hf_balancer *balancer = hf_cast(arg, struct hf_balancer, HF_BALANCER_MAGIC);

    hf_timer_cancel(&balancer->drain_limit);
    hf_balancer_disconnect(balancer);
    balancer->drained(balancer->drained_arg);
}

static const struct hf_proxy_words words = {
    .while_waiting = "while waiting for a child node",
    .while_running = "while a child node had the call",
    .refused = "the child node refused the call",
    .lost = "the child node's connection was lost while it had the call",
    .no_status = "the child node ended the call without a status",
    .broken = "the child node's answer broke the rules of HTTP/2",
};

static int
open_proxy(struct hf_balancer *balancer, const char *address, struct hf_err *err)
{
    const struct hf_options *options = balancer->options;
    const struct hf_proxy_config config = {
        .address = address,
        .loop = balancer->control,
        .io = hf_node_io(balancer->node),
        .io_count = hf_node_io_count(balancer->node),
        .router = &hf_balancer_router,
        .router_arg = balancer,
        .budget = hf_node_budget(balancer->node),
        .words = &words,
        .max_attempts = (uint32_t)hf_options_u64(options, "max_attempts"),
        .to_nodes = true,
        .node = hf_node_id(balancer->node),
        .trusted = hf_options_bool(options, "trust_callers"),
        .max_streams = (uint32_t)hf_options_u64(options, "max_streams"),
        .replay_bytes = (size_t)hf_options_u64(options, "replay_bytes"),
        .errors = hf_proxy_errors_of(hf_options_str(options, "errors")),
        .max_per_address = hf_options_u64(options, "max_connections_per_address"),
        .connection_idle_ns = hf_options_u64(options, "connection_idle"),
        .seed = hf_node_seed(balancer->node, "lb proxy"),
        .on_drained = on_proxy_drained,
        .on_drained_arg = balancer,
    };

    int r = hf_proxy_new(&config, &balancer->proxy, err);

    if (r == 0) {
        snprintf(balancer->proxy_address, sizeof balancer->proxy_address, "%s",
                 hf_proxy_address(balancer->proxy));
    }
    return r;
}

/* What callers, or HAProxy in front of them, come by. */
static int
open_ways(struct hf_balancer *balancer, const char *proxy_address, struct hf_err *err)
{
    int r = hf_options_bool(balancer->options, "forward") ? open_proxy(balancer, proxy_address, err)
                                                          : 0;

    return r < 0 ? r : hf_balancer_open_agent(balancer, err);
}

static int
balancer_start(struct hf_role *role, struct hf_err *err)
{
    struct hf_balancer *balancer = balancer_of(role);
    int r = hf_balancer_register_commands(balancer, err);

    if (r == 0) {
        r = hf_balancer_serve(balancer, err);
    }
    if (r == 0) {
        r = open_ways(balancer, hf_options_str(balancer->options, "proxy"), err);
    }
    if (r == 0) {
        r = hf_balancer_connect(balancer, err);
    }
    return r < 0 ? hf_err_wrap(err, r, "lb") : 0;
}

static void
on_nothing_runs(struct hf_task *task)
{
    struct hf_balancer *balancer = hf_container_of(task, struct hf_balancer, nothing_runs);

    if (balancer->drained) {
        on_proxy_drained(balancer);
    }
}

static void
balancer_drain(struct hf_role *role, uint64_t limit_ns, void (*done)(void *arg), void *arg)
{
    struct hf_balancer *balancer = balancer_of(role);

    balancer->drained = done;
    balancer->drained_arg = arg;
    hf_grpc_health_set_all(balancer->health, false);
    hf_grpc_health_end_watches(balancer->health);
    hf_state_service_end(balancer->state);
    hf_balancer_close_agent(balancer);
    if (!balancer->proxy) {
        balancer->nothing_runs.run = on_nothing_runs;
        hf_loop_post(balancer->control, &balancer->nothing_runs);
        return;
    }
    hf_timer_set(&balancer->drain_limit, limit_ns);
    hf_proxy_drain(balancer->proxy);
}

static int
balancer_undrain(struct hf_role *role, struct hf_err *err)
{
    struct hf_balancer *balancer = balancer_of(role);
    int r;

    hf_proxy_free(hf_steal(balancer->proxy)); /* what is left, of an attempt before too */
    hf_balancer_close_agent(balancer);
    r = open_ways(balancer, balancer->proxy_address, err);
    if (r == 0) {
        hf_balancer_disconnect(balancer);
        r = hf_balancer_connect(balancer, err);
    }
    if (r == 0) {
        hf_state_service_begin(balancer->state);
        hf_grpc_health_set_all(balancer->health, true);
    }
    return r;
}

static void
on_flushed(struct hf_task *task)
{
    hf_container_of(task, struct hf_balancer, flush)->flushed = true;
}

static bool
is_quiet(void *arg)
{
    const struct hf_balancer *balancer = arg;

    return balancer->flushed && !balancer->working;
}

/* Lets what was posted to the control loop run: endpoints that were dropped go with it, and
 * need what will be freed. */
static void
flush(struct hf_balancer *balancer)
{
    balancer->flush.run = on_flushed;
    hf_loop_post(balancer->control, &balancer->flush);
    hf_loop_run_until(balancer->control, is_quiet, balancer, FLUSH_LIMIT_NS);
}

static void
balancer_close(struct hf_role *role)
{
    struct hf_balancer *balancer = balancer_of(role);

    balancer->drained = NULL; /* nobody waits for it any more */
    hf_timer_cancel(&balancer->drain_limit);
    hf_balancer_unregister_commands(balancer);
    hf_balancer_close_agent(balancer);
    hf_grpc_server_free(hf_steal(balancer->api));
}

static void
balancer_destroy(struct hf_role *role)
{
    struct hf_balancer *balancer;

    if (!role) {
        return;
    }
    balancer = balancer_of(role);
    hf_proxy_free(hf_steal(balancer->proxy));
    hf_balancer_disconnect(balancer);
    hf_balancer_forget_functions(balancer);
    flush(balancer);
    hf_grpc_health_free(balancer->health);
    balancer->unsettled = 0;
    hf_peers_fini(&balancer->children);
    free(balancer->found);
    hf_tree_free(balancer->tree);
    hf_state_service_free(balancer->state);
    free(balancer->above);
    hf_timer_fini(&balancer->look);
    hf_timer_fini(&balancer->settle);
    hf_timer_fini(&balancer->hope);
    hf_timer_fini(&balancer->drain_limit);
    hf_map_fini(&balancer->by_id);
    pthread_rwlock_destroy(&balancer->lock);
    balancer->magic = 0;
    free(balancer);
}

static size_t
balancer_addresses(const struct hf_role *role, struct hf_role_address *ret, size_t max)
{
    const struct hf_balancer *balancer = hf_container_of(role, struct hf_balancer, role);
    size_t n = 0;

    if (max < 3 || !balancer->api) {
        return 0;
    }
    if (balancer->proxy) {
        ret[n++] = (struct hf_role_address){ "proxy", hf_proxy_address(balancer->proxy) };
    }
    if (balancer->agent) {
        ret[n++] = (struct hf_role_address){ "spoe", hf_spop_agent_address(balancer->agent) };
    }
    ret[n++] = (struct hf_role_address){ "api", hf_grpc_server_address(balancer->api) };
    return n;
}

const struct hf_role_ops hf_lb_role = {
    .name = "lb",
    .create = balancer_create,
    .start = balancer_start,
    .drain = balancer_drain,
    .undrain = balancer_undrain,
    .close = balancer_close,
    .destroy = balancer_destroy,
    .addresses = balancer_addresses,
};
