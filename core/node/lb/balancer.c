/*
 * balancer.c - the role lb: its policies, its data path, its end.
 */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/options.h"
#include "node/lb/balancer.h"
#include "node/node.h"
#include "plugin/module.h"
#include "spop/agent.h"

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

/* --- making -------------------------------------------------------------------------------- */

static void
on_warm(void *arg, const char *function, bool warm)
{
    struct hf_balancer *balancer = hf_balancer_of(arg);

    hf_state_service_set(balancer->front.state, function, warm);
}

static int
make_tree(struct hf_balancer *balancer, struct hf_err *err)
{
    const struct hf_tree_config config = {
        .seed = hf_node_seed(balancer->front.node, "tree"),
        .max_known = (size_t)hf_options_u64(balancer->front.options, "max_warm"),
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

    balancer->upstream.io = hf_node_io(balancer->front.node);
    balancer->upstream.io_count = hf_node_io_count(balancer->front.node);
    hf_h2_channel_options_init(channel);
    channel->conn.idle_ns = CHILD_IDLE_NS;
    channel->connect_ns = CHILD_CONNECT_NS;
    channel->backoff_ns = CHILD_BACKOFF_NS;
    channel->backoff_max_ns = CHILD_BACKOFF_MAX_NS;
    channel->user_timeout_ns = CHILD_USER_TIMEOUT;
    channel->max_waiting = (uint32_t)hf_options_u64(balancer->front.options, "queue_depth");
    channel->fail_fast = true; /* the call goes to another child */
}

static int
make_callees(struct hf_balancer *balancer, struct hf_err *err)
{
    const struct hf_options *policy = hf_node_options(balancer->front.node, "balance.lb");
    struct hf_node_module plugin;
    int r = hf_node_load(balancer->front.node, "balance.lb", &plugin, err);

    if (r < 0) {
        return r;
    }
    balancer->needs = plugin.module->ops.lb->needs;
    balancer->cold_any = strcmp(hf_options_str(policy, "cold"), "any") == 0;
    balancer->spill = (uint32_t)hf_options_u64(policy, "spill_inflight");
    balancer->idle_ns = hf_options_u64(balancer->front.options, "idle_timeout");
    init_upstream(balancer);
    balancer->callee = (struct hf_callee_config){
        .pool = {
            .lb = plugin.module->ops.lb,
            .endpoint_size = sizeof(struct hf_callee_endpoint),
            .endpoint_fini = hf_callee_endpoint_fini,
            .host = plugin.module->host,
            .options = plugin.options,
            .section = plugin.section,
            .max_waiting = (uint32_t)hf_options_u64(balancer->front.options, "queue_depth"),
            .eject_after = EJECT_AFTER,
        },
        .upstream = &balancer->upstream,
        .control = balancer->front.control,
        .ops = &hf_balancer_callee_ops,
    };
    return hf_front_share(&balancer->front, &plugin, &balancer->callee.pool, err);
}

static void
balancer_leave(struct hf_front *front)
{
    hf_balancer_disconnect(hf_balancer_of(front));
    hf_front_drained(front);
}

static int
balancer_serve(struct hf_front *front, struct hf_err *err)
{
    (void)front; /* nothing beside what each front has */
    (void)err;
    return 0;
}

static const struct hf_front_ops front_ops = {
    .state_path = "/routingcontroller.RoutingController/State",
    .commands = hf_balancer_commands,
    .words = {
        .while_waiting = "while waiting for a child node",
        .while_running = "while a child node had the call",
        .refused = "the child node refused the call",
        .lost = "the child node's connection was lost while it had the call",
        .no_status = "the child node ended the call without a status",
        .broken = "the child node's answer broke the rules of HTTP/2",
    },
    .to_nodes = true,
    .serve = balancer_serve,
    .open = hf_balancer_open_agent,
    .shut = hf_balancer_close_agent,
    .connect = hf_balancer_connect,
    .leave = balancer_leave,
    .measure = hf_balancer_measure,
    .add_children = hf_balancer_add_children,
    .room = hf_balancer_room,
    .load_wanted = hf_balancer_load_wanted,
    .resolve = hf_balancer_resolve,
};

static void
init(struct hf_balancer *balancer, struct hf_node *node)
{
    balancer->front.forwards = hf_options_bool(balancer->front.options, "forward");
    balancer->work.run = hf_balancer_on_work;
    hf_handles_init(&balancer->handles);
    hf_list_init(&balancer->by_due);
    hf_list_init(&balancer->by_review);
    hf_timer_init(&balancer->look, balancer->front.control, HF_TIMER_POLICY, hf_balancer_on_look);
    hf_timer_init(&balancer->settle, balancer->front.control, HF_TIMER_REAL,
                  hf_balancer_on_settled);
    hf_timer_init(&balancer->hope, balancer->front.control, HF_TIMER_REAL, hf_balancer_on_hopeless);
    balancer->children = (struct hf_peers){
        .kind = "child",
        .record_size = sizeof(struct hf_balancer_child),
        .directory = hf_node_directory(node),
        .links = {
            .ops = &hf_balancer_child_ops,
            .loop = balancer->front.control,
            .heartbeat_ns = hf_options_u64(balancer->front.options, "heartbeat"),
            .loss_ns = hf_options_u64(balancer->front.options, "loss_timeout"),
            .seed = hf_node_seed(node, "children"),
        },
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
    r = hf_front_init(&balancer->front, &hf_lb_role, &front_ops, node, err);
    init(balancer, node);
    if (r < 0 || (r = make_callees(balancer, err)) < 0 || (r = make_tree(balancer, err)) < 0 ||
        (r = hf_balancer_read_above(balancer, err)) < 0) {
        balancer_destroy(&balancer->front.role);
        return r;
    }
    hf_state_service_on_above(balancer->front.state, hf_balancer_on_above, balancer);
    *ret = &balancer->front.role;
    return 0;
}

/* --- life ----------------------------------------------------------------------------------- */

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
    hf_loop_post(balancer->front.control, &balancer->flush);
    hf_loop_run_until(balancer->front.control, is_quiet, balancer, FLUSH_LIMIT_NS);
}

static void
balancer_destroy(struct hf_role *role)
{
    struct hf_balancer *balancer;

    if (!role) {
        return;
    }
    balancer = hf_balancer_of(hf_front_of(role));
    hf_front_cut(&balancer->front);
    hf_balancer_disconnect(balancer);
    hf_balancer_forget_functions(balancer);
    flush(balancer);
    balancer->unsettled = 0;
    hf_peers_fini(&balancer->children);
    hf_handles_fini(&balancer->handles);
    free(balancer->found);
    hf_tree_free(balancer->tree);
    free(balancer->above);
    hf_timer_fini(&balancer->look);
    hf_timer_fini(&balancer->settle);
    hf_timer_fini(&balancer->hope);
    hf_front_fini(&balancer->front);
    free(balancer);
}

static size_t
balancer_addresses(const struct hf_role *role, struct hf_role_address *ret, size_t max)
{
    const struct hf_balancer *balancer = hf_container_of(role, struct hf_balancer, front.role);
    size_t n = hf_front_addresses(role, ret, max);

    if (balancer->agent && n < max) {
        ret[n++] = (struct hf_role_address){ "spoe", hf_spop_agent_address(balancer->agent) };
    }
    return n;
}

const struct hf_role_ops hf_lb_role = {
    .name = "lb",
    .create = balancer_create,
    .start = hf_front_start,
    .drain = hf_front_drain,
    .undrain = hf_front_undrain,
    .close = hf_front_close,
    .destroy = balancer_destroy,
    .addresses = balancer_addresses,
};
