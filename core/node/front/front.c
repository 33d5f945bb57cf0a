/*
 * front.c - what a role that takes calls has towards callers and parents.
 */
#include "node/front/front.h"

#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/guest.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/options.h"
#include "ctl/ctl.h"
#include "grpc/health.h"
#include "grpc/server.h"
#include "node/access.h"
#include "node/front/shared.h"
#include "node/node.h"
#include "node/node_service.h"
#include "plugin/module.h"

HF_LOG_MODULE(node);

struct hf_front *
hf_front_of(struct hf_role *role)
{
    return hf_cast(hf_container_of(role, struct hf_front, role), struct hf_front, HF_FRONT_MAGIC);
}

/* --- functions ------------------------------------------------------------------------------- */

struct hf_front_function *
hf_front_find(const struct hf_front *front, const char *id, size_t len)
{
    struct hf_map_node *node = hf_map_find(&front->by_id, id, len);

    return node ? hf_container_of(node, struct hf_front_function, node) : NULL;
}

int
hf_front_list(struct hf_front *front, struct hf_front_function *function)
{
    const char *id = hf_callee_id(function->callee);
    int r = 0;

    if (!function->listed) {
        function->room_told = -1;
        pthread_rwlock_wrlock(&front->lock);
        r = hf_map_add(&front->by_id, &function->node, id, strlen(id));
        pthread_rwlock_unlock(&front->lock);
        function->listed = r == 0;
    }
    return r;
}

void
hf_front_unlist(struct hf_front *front, struct hf_front_function *function)
{
    if (function->listed) {
        pthread_rwlock_wrlock(&front->lock);
        hf_map_remove(&front->by_id, &function->node);
        pthread_rwlock_unlock(&front->lock);
        function->listed = false;
    }
}

static struct hf_callee *
router_find(void *arg, const char *id, size_t len)
{
    struct hf_front *front = arg;
    const struct hf_front_function *function;
    struct hf_callee *callee = NULL;

    pthread_rwlock_rdlock(&front->lock);
    function = hf_front_find(front, id, len);
    if (function) {
        callee = hf_callee_ref(function->callee);
    }
    pthread_rwlock_unlock(&front->lock);
    return callee;
}

static void
resolve(struct hf_task *task)
{
    struct hf_route *route = hf_container_of(task, struct hf_route, task);
    struct hf_front *front = hf_cast(route->router, struct hf_front, HF_FRONT_MAGIC);

    front->ops->resolve(front, route);
}

static void
router_resolve(void *arg, struct hf_route *route)
{
    struct hf_front *front = arg;

    route->router = front;
    route->task.run = resolve;
    hf_loop_post(front->control, &route->task);
}

static const struct hf_router_ops router = {
    .find = router_find,
    .resolve = router_resolve,
};

/* --- how busy it is -------------------------------------------------------------------------- */

static void
say_rooms(void *arg, struct hf_load_service *service)
{
    struct hf_front *front = hf_cast(arg, struct hf_front, HF_FRONT_MAGIC);
    const struct hf_map_node *node = NULL;

    while ((node = hf_map_next(&front->by_id, node))) {
        struct hf_front_function *function = hf_container_of(node, struct hf_front_function, node);
        struct hf_pool_load load;
        uint32_t room;

        hf_callee_peek(function->callee, &load);
        if (front->ops->room(function, &load, &room)) {
            hf_load_service_room(service, hf_callee_id(function->callee), room,
                                 &function->room_told);
        }
    }
}

static void
measure(void *arg, struct hf_load_figures *ret)
{
    struct hf_front *front = hf_cast(arg, struct hf_front, HF_FRONT_MAGIC);
    const struct hf_map_node *node = NULL;

    while ((node = hf_map_next(&front->by_id, node))) {
        struct hf_pool_load load;

        hf_callee_peek(hf_container_of(node, struct hf_front_function, node)->callee, &load);
        ret->calls += load.in_flight;
        ret->waiting += load.waiting;
    }
    front->ops->measure(front, ret);
}

static void
on_load_wanted(void *arg, bool wanted)
{
    struct hf_front *front = hf_cast(arg, struct hf_front, HF_FRONT_MAGIC);

    front->ops->load_wanted(front, wanted);
}

static int
make_load_service(struct hf_front *front, struct hf_err *err)
{
    const struct hf_load_service_config config = {
        .loop = front->control,
        .measure = measure,
        .rooms = say_rooms,
        .wanted = on_load_wanted,
        .arg = front,
    };

    return hf_load_service_new(&config, &front->load, err);
}

/* --- what the policy shares ------------------------------------------------------------------ */

static void
describe(void *arg, struct hf_shared *shared)
{
    struct hf_front *front = hf_cast(arg, struct hf_front, HF_FRONT_MAGIC);
    const struct hf_map_node *node = NULL;

    if (front->ops->add_children) {
        front->ops->add_children(front, shared);
    }
    while (front->share_functions && (node = hf_map_next(&front->by_id, node))) {
        struct hf_callee *callee = hf_container_of(node, struct hf_front_function, node)->callee;
        const char *id = hf_callee_id(callee);
        struct hf_pool_load load;

        hf_callee_peek(callee, &load);
        hf_shared_add_function(shared, &(struct hf_lb_function){
                                           .size = sizeof(struct hf_lb_function),
                                           .in_flight = load.in_flight,
                                           .waiting = load.waiting,
                                           .id = id,
                                           .hash = hf_hash(id, strlen(id)),
                                           .gap_ns = load.gap_ns,
                                           .cold_ns = load.cold_ns,
                                           .warm_ns = load.warm_ns,
                                           .last_arrival_ns = load.last_arrival_ns,
                                       });
    }
}

int
hf_front_share(struct hf_front *front, const struct hf_node_module *policy,
               struct hf_pool_settings *pools, struct hf_err *err)
{
    const struct hf_lb_ops *ops = policy->module->ops.lb;
    const struct hf_shared_config config = {
        .ops = ops,
        .control = front->control,
        .io = hf_node_io(front->node),
        .io_count = hf_node_io_count(front->node),
        .seed = hf_node_seed(front->node, "shared"),
        .describe = describe,
        .arg = front,
    };
    struct hf_lb_shared *object = NULL;
    int r;

    if (!ops->shared_create) {
        return 0;
    }
    front->share_functions = (ops->needs & HF_LB_NEEDS_FIGURES) != 0;
    r = hf_guest_call(ops, shared_create, NULL, policy->module->host, policy->options, &object,
                      err);
    r = hf_node_module_made(front->node, policy, r, object, err);
    if (r < 0) {
        return r;
    }
    r = hf_shared_new(&config, object, &front->shared, err);
    if (r < 0) {
        hf_guest_do(ops, shared_destroy, NULL, object);
        return r;
    }
    pools->shared = hf_shared_current(front->shared);
    return 0;
}

/* --- ways in --------------------------------------------------------------------------------- */

static void
on_calls_ended(void *arg)
{
    struct hf_front *front = arg;

    hf_timer_cancel(&front->drain_limit);
    front->ops->leave(front);
}

static int
open_proxy(struct hf_front *front, const char *address, struct hf_err *err)
{
    const struct hf_options *options = front->options;
    const struct hf_proxy_config config = {
        .address = address,
        .loop = front->control,
        .io = hf_node_io(front->node),
        .io_count = hf_node_io_count(front->node),
        .router = &router,
        .router_arg = front,
        .budget = hf_node_budget(front->node),
        .words = &front->ops->words,
        .node = hf_node_id(front->node),
        .to_nodes = front->ops->to_nodes,
        .max_attempts = (uint32_t)hf_options_u64(options, "max_attempts"),
        .max_streams = (uint32_t)hf_options_u64(options, "max_streams"),
        .replay_bytes = (size_t)hf_options_u64(options, "replay_bytes"),
        .trusted = hf_options_bool(options, "trust_callers"),
        .errors = hf_proxy_errors_of(hf_options_str(options, "errors")),
        .max_per_address = hf_options_u64(options, "max_connections_per_address"),
        .connection_idle_ns = hf_options_u64(options, "connection_idle"),
        .seed = hf_node_seed(front->node, front->role.ops->name),
        .on_drained = on_calls_ended,
        .on_drained_arg = front,
    };
    int r = hf_proxy_new(&config, &front->proxy, err);

    if (r == 0) {
        snprintf(front->proxy_address, sizeof front->proxy_address, "%s",
                 hf_proxy_address(front->proxy));
    }
    return r;
}

static int
open_ways(struct hf_front *front, const char *proxy_address, struct hf_err *err)
{
    int r = front->forwards ? open_proxy(front, proxy_address, err) : 0;

    return r < 0 || !front->ops->open ? r : front->ops->open(front, err);
}

static void
shut_ways(struct hf_front *front)
{
    if (front->ops->shut) {
        front->ops->shut(front);
    }
}

static int
serve(struct hf_front *front, struct hf_err *err)
{
    struct hf_grpc_server_options options;
    int r;

    hf_grpc_server_options_init(&options);
    hf_access_guard(hf_node_access(front->node), &options);
    r = hf_grpc_server_new(front->control, &options, &front->api, err);
    if (r < 0) {
        return r;
    }
    r = hf_grpc_health_new(front->api, &front->health);
    if (r < 0 || (r = hf_grpc_health_set(front->health, front->role.ops->name, true)) < 0) {
        return hf_fail(err, r, "no memory for the health service");
    }
    if ((r = hf_state_service_serve(front->state, front->api, front->ops->state_path, err)) < 0 ||
        (r = hf_load_service_serve(front->load, front->api, err)) < 0 ||
        (r = front->ops->serve(front, err)) < 0 ||
        (r = hf_node_service_add(front->node, front->api, err)) < 0) {
        return r;
    }
    return hf_grpc_server_listen(front->api, hf_options_str(front->options, "api"), err);
}

/* --- life ------------------------------------------------------------------------------------ */

int
hf_front_start(struct hf_role *role, struct hf_err *err)
{
    struct hf_front *front = hf_front_of(role);
    int r = hf_ctl_register(hf_node_ctl(front->node), front->ops->commands, front, err);

    if (r == 0) {
        r = serve(front, err);
    }
    if (r == 0) {
        r = open_ways(front, hf_options_str(front->options, "proxy"), err);
    }
    if (r == 0) {
        r = front->ops->connect(front, err);
    }
    return r < 0 ? hf_err_wrap(err, r, "%s", role->ops->name) : 0;
}

static void
on_nothing_runs(struct hf_task *task)
{
    struct hf_front *front = hf_container_of(task, struct hf_front, nothing_runs);

    if (front->done) {
        on_calls_ended(front);
    }
}

static void
on_drain_limit(struct hf_timer *timer)
{
    struct hf_front *front = hf_container_of(timer, struct hf_front, drain_limit);
    struct hf_proxy_stats stats;

    hf_proxy_stats(front->proxy, &stats);
    hf_log(HF_LOG_WARNING, "drain limit reached; cutting calls",
           HF_KV_STR("role", front->role.ops->name), HF_KV_U64("calls", stats.calls));
    hf_node_add_forced(front->node, stats.calls, 0);
    hf_proxy_cut(front->proxy);
}

void
hf_front_drain(struct hf_role *role, uint64_t limit_ns, void (*done)(void *arg), void *arg)
{
    struct hf_front *front = hf_front_of(role);

    front->done = done;
    front->done_arg = arg;
    hf_grpc_health_set_all(front->health, false);
    hf_grpc_health_end_watches(front->health);
    hf_state_service_end(front->state);
    shut_ways(front);
    if (!front->proxy) {
        hf_loop_post(front->control, &front->nothing_runs);
        return;
    }
    hf_timer_set(&front->drain_limit, limit_ns);
    hf_proxy_drain(front->proxy);
}

void
hf_front_drained(struct hf_front *front)
{
    if (front->done) {
        front->done(front->done_arg);
    }
}

int
hf_front_undrain(struct hf_role *role, struct hf_err *err)
{
    struct hf_front *front = hf_front_of(role);
    int r;

    hf_proxy_free(hf_steal(front->proxy)); /* what is left, of an attempt before too */
    shut_ways(front);
    r = open_ways(front, front->proxy_address, err);
    if (r == 0) {
        r = front->ops->connect(front, err);
    }
    if (r == 0) {
        hf_state_service_begin(front->state);
        hf_grpc_health_set_all(front->health, true);
    }
    return r;
}

void
hf_front_close(struct hf_role *role)
{
    struct hf_front *front = hf_front_of(role);

    front->done = NULL; /* nobody waits for it any more */
    hf_timer_cancel(&front->drain_limit);
    hf_ctl_unregister(hf_node_ctl(front->node), front->ops->commands, front);
    shut_ways(front);
    hf_load_service_end(front->load);
    hf_grpc_server_free(hf_steal(front->api));
}

size_t
hf_front_addresses(const struct hf_role *role, struct hf_role_address *ret, size_t max)
{
    const struct hf_front *front = hf_container_of(role, struct hf_front, role);
    size_t n = 0;

    if (max < 2 || !front->api) {
        return 0;
    }
    if (front->proxy) {
        ret[n++] = (struct hf_role_address){ "proxy", hf_proxy_address(front->proxy) };
    }
    ret[n++] = (struct hf_role_address){ "api", hf_grpc_server_address(front->api) };
    return n;
}

int
hf_front_init(struct hf_front *front, const struct hf_role_ops *role,
              const struct hf_front_ops *ops, struct hf_node *node, struct hf_err *err)
{
    int r;

    front->role.ops = role;
    front->magic = HF_FRONT_MAGIC;
    front->ops = ops;
    front->node = node;
    front->control = hf_node_control(node);
    front->options = hf_node_options(node, role->name);
    front->forwards = true;
    front->nothing_runs.run = on_nothing_runs;
    pthread_rwlock_init(&front->lock, NULL);
    hf_map_init(&front->by_id, hf_node_seed(node, role->name));
    hf_timer_init(&front->drain_limit, front->control, HF_TIMER_REAL, on_drain_limit);
    r = hf_state_service_new(&front->state, err);
    return r < 0 ? r : make_load_service(front, err);
}

void
hf_front_cut(struct hf_front *front)
{
    hf_proxy_free(hf_steal(front->proxy));
}

void
hf_front_fini(struct hf_front *front)
{
    hf_grpc_health_free(front->health);
    hf_state_service_free(front->state);
    hf_load_service_free(front->load);
    hf_shared_free(front->shared);
    hf_timer_fini(&front->drain_limit);
    hf_map_fini(&front->by_id);
    pthread_rwlock_destroy(&front->lock);
    front->magic = 0;
}
