/*
 * functions.c - the functions that are called or warm at a leaf: found by callers,
 * made at the first call, updated and deleted with the catalog, forgotten when cold.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/counters.h"
#include "base/err.h"
#include "base/log.h"
#include "grpc/health.h"
#include "node/leaf/leaf.h"
#include "node/node.h"

HF_LOG_MODULE(leaf);

HF_COUNTER(leaf_hung, "Instances replaced because they did not answer any more.");
HF_COUNTER(leaf_unreachable, "Instances that could not be reached before they had served a call.");

/* --- making and forgetting ------------------------------------------------- */

static struct hf_leaf_function *
find(const struct hf_leaf *leaf, const char *id)
{
    struct hf_front_function *found = hf_front_find(&leaf->front, id, strlen(id));

    return found ? hf_container_of(found, struct hf_leaf_function, front) : NULL;
}

void
hf_leaf_function_free(struct hf_leaf_function *function)
{
    hf_front_unlist(&function->leaf->front, &function->front);
    hf_list_remove(&function->link);
    hf_callee_disown(function->front.callee);
    hf_function_def_unref(function->def);
    hf_autoscaler_forget(function->leaf->autoscaler, &function->scaled.base);
}

/* Gives the function its pool, with a policy of its own. */
static int
equip(struct hf_leaf_function *function, struct hf_err *err)
{
    struct hf_leaf *leaf = function->leaf;
    const struct hf_function *spec = &function->def->function;
    int r = hf_callee_new(&leaf->callee, spec, hf_node_seed(leaf->front.node, spec->id), function,
                          &function->front.callee, err);

    if (r == 0 && hf_front_list(&leaf->front, &function->front) < 0) {
        r = hf_fail(err, HF_ENOMEM, "no memory to make it active");
    }
    return r;
}

struct hf_leaf_function *
hf_leaf_activate(struct hf_leaf *leaf, struct hf_function_def *def, struct hf_err *err)
{
    const struct hf_function *spec = &def->function;
    struct hf_leaf_function *function = find(leaf, spec->id);
    struct hf_fleet_function *fleet;

    if (function) {
        return function;
    }
    if (hf_autoscaler_activate(leaf->autoscaler, spec, &fleet) < 0) {
        hf_fail(err, HF_ENOMEM, "no memory to make it active");
        return NULL;
    }
    function = hf_leaf_function_of(fleet);
    function->leaf = leaf;
    function->def = hf_function_def_ref(def);
    hf_list_append(&leaf->functions, &function->link);
    if (equip(function, err) < 0) {
        hf_log_limited(HF_LOG_ERROR, "a function cannot be served", HF_KV_STR("function", spec->id),
                       HF_KV_ERR(err));
        hf_leaf_function_free(function);
        return NULL;
    }
    return function;
}

/* --- the router ------------------------------------------------------------ */

static void
answer_with(struct hf_leaf *leaf, struct hf_route *route, struct hf_function_def *def)
{
    struct hf_err err = HF_ERR_INIT;
    struct hf_leaf_function *function = hf_leaf_activate(leaf, def, &err);

    if (function) {
        hf_route_answer(route, hf_callee_ref(function->front.callee), 0, "");
    } else {
        hf_route_answer(route, NULL, hf_err_code(&err), hf_err_message(&err));
    }
    hf_function_def_unref(def);
}

static void
on_found(void *arg, struct hf_function_def *def, int code, const char *message)
{
    struct hf_route *route = arg;

    if (def) {
        answer_with(hf_leaf_of(route->router), route, def);
    } else {
        hf_route_answer(route, NULL, code, message);
    }
}

void
hf_leaf_resolve(struct hf_front *front, struct hf_route *route)
{
    struct hf_leaf *leaf = hf_leaf_of(front);
    struct hf_function_def *def = hf_catalog_find(leaf->catalog, route->id, route->id_len);
    struct hf_err err = HF_ERR_INIT;
    int r;

    if (def) {
        answer_with(leaf, route, def);
        return;
    }
    r = hf_catalog_resolve(leaf->catalog, front->control, route->id, route->id_len, on_found, route,
                           NULL, &err);
    if (r < 0) {
        hf_route_answer(route, NULL, r, hf_err_message(&err));
    }
}

/* --- the catalog ------------------------------------------------------------ */

void
hf_leaf_tell_state(struct hf_leaf_function *function)
{
    struct hf_pool_load load;

    hf_callee_load(function->front.callee, &load);
    hf_state_service_set(function->leaf->front.state, hf_callee_id(function->front.callee),
                         load.endpoints > 0 && function->front.listed);
}

static void
on_put(struct hf_catalog_listener *listener, struct hf_function_def *def,
       struct hf_function_def *old)
{
    struct hf_leaf *leaf = hf_container_of(listener, struct hf_leaf, listener);
    const char *id = def->function.id;
    struct hf_leaf_function *function = find(leaf, id);
    struct hf_function_def *before;
    bool replace;

    (void)old; /* `function->def` says what is running */
    if (!function) {
        return;
    }
    before = function->def;
    replace = before->instance_revision != def->instance_revision;
    if (hf_callee_redefine(function->front.callee, &def->function) < 0) {
        hf_log(HF_LOG_ERROR, "no memory to update a function", HF_KV_STR("function", id));
        return;
    }
    function->def = hf_function_def_ref(def);
    hf_autoscaler_update(leaf->autoscaler, &function->scaled.base, &def->function, replace,
                         hf_leaf_now(leaf));
    hf_function_def_unref(before);
    hf_leaf_pump(leaf);
}

static void
on_delete(struct hf_catalog_listener *listener, struct hf_function_def *def)
{
    struct hf_leaf *leaf = hf_container_of(listener, struct hf_leaf, listener);
    const char *id = def->function.id;
    struct hf_leaf_function *function = find(leaf, id);

    if (!function) {
        return;
    }
    hf_front_unlist(&leaf->front, &function->front);
    hf_leaf_tell_state(function);
    hf_callee_delete(function->front.callee, "it has been deleted");
    hf_autoscaler_delete(leaf->autoscaler, &function->scaled.base, hf_leaf_now(leaf));
    hf_leaf_pump(leaf);
}

/* What is known is served all the same: only who asks for the store by name hears of it. */
static void
tell_store_health(struct hf_leaf *leaf, bool is_there)
{
    if (leaf->front.health && hf_grpc_health_set(leaf->front.health, "store", is_there) < 0) {
        hf_log(HF_LOG_ERROR, "no memory for the health service");
    }
}

static void
on_synced(struct hf_catalog_listener *listener)
{
    tell_store_health(hf_container_of(listener, struct hf_leaf, listener), true);
}

static void
on_lost(struct hf_catalog_listener *listener, const char *message)
{
    (void)message; /* the catalog has logged it */
    tell_store_health(hf_container_of(listener, struct hf_leaf, listener), false);
}

void
hf_leaf_follow_catalog(struct hf_leaf *leaf)
{
    leaf->listener.on_put = on_put;
    leaf->listener.on_delete = on_delete;
    leaf->listener.on_synced = on_synced;
    leaf->listener.on_lost = on_lost;
    hf_catalog_listen(leaf->catalog, &leaf->listener);
}

/* --- what a pool tells ------------------------------------------------------ */

static void
on_demand(struct hf_callee *callee, void *user)
{
    struct hf_leaf_function *function =
        hf_cast(user, struct hf_leaf_function, HF_FLEET_FUNCTION_MAGIC);

    (void)callee;
    hf_autoscaler_demand(function->leaf->autoscaler, &function->scaled.base,
                         hf_leaf_now(function->leaf));
    hf_leaf_pump(function->leaf);
}

static void
on_drained(struct hf_callee_endpoint *endpoint, void *endpoint_user)
{
    struct hf_leaf_instance *instance =
        hf_cast(endpoint_user, struct hf_leaf_instance, HF_FLEET_INSTANCE_MAGIC);
    struct hf_leaf *leaf = instance->worker->leaf;

    (void)endpoint;
    hf_autoscaler_drained(leaf->autoscaler, &instance->fleet, hf_leaf_now(leaf));
    hf_leaf_pump(leaf);
}

static void
on_ejected(struct hf_callee_endpoint *endpoint, void *endpoint_user)
{
    struct hf_leaf_instance *instance =
        hf_cast(endpoint_user, struct hf_leaf_instance, HF_FLEET_INSTANCE_MAGIC);
    struct hf_leaf_function *function = hf_leaf_function_of(instance->fleet.function);
    struct hf_leaf *leaf = function->leaf;
    struct hf_callee_endpoint_load load;
    char why[256];

    hf_callee_endpoint_load(endpoint, &load);
    snprintf(why, sizeof why, "instance '%s' cannot be reached at %s, and has not served any call",
             instance->id, instance->address);
    if (!load.served) {
        hf_count(&leaf_unreachable);
        hf_callee_set_failure(function->front.callee, why);
    }
    hf_log_limited(HF_LOG_WARNING, "instance can't be reached; replacing it",
                   HF_KV_STR("function", hf_callee_id(function->front.callee)),
                   HF_KV_STR("instance", instance->id), HF_KV_STR("address", instance->address),
                   HF_KV_BOOL("served", load.served));
    hf_autoscaler_unreachable(leaf->autoscaler, &instance->fleet, load.served, why,
                              hf_leaf_now(leaf));
    hf_leaf_tell_state(function);
    hf_leaf_pump(leaf);
}

static void
on_hung(struct hf_callee_endpoint *endpoint, void *endpoint_user)
{
    struct hf_leaf_instance *instance =
        hf_cast(endpoint_user, struct hf_leaf_instance, HF_FLEET_INSTANCE_MAGIC);
    struct hf_leaf *leaf = instance->worker->leaf;
    struct hf_fleet_instance *fleet = &instance->fleet;
    struct hf_callee_endpoint_load load;
    char why[256];

    if (fleet->state != HF_INSTANCE_READY) { /* it is going already */
        return;
    }
    hf_callee_endpoint_load(endpoint, &load);
    snprintf(why, sizeof why, "instance '%s' hangs, and has not served any call", instance->id);
    hf_count(&leaf_hung);
    hf_log_limited(HF_LOG_WARNING, "instance does not answer; replacing it",
                   HF_KV_STR("function", fleet->function->spec->id),
                   HF_KV_STR("instance", instance->id), HF_KV_STR("address", instance->address));
    hf_autoscaler_unreachable(leaf->autoscaler, fleet, load.served, why, hf_leaf_now(leaf));
    hf_leaf_pump(leaf);
    hf_callee_endpoint_cut(endpoint);
}

static void
on_load(const struct hf_pool_endpoint *endpoint, void *endpoint_user)
{
    struct hf_leaf_instance *instance =
        hf_cast(endpoint_user, struct hf_leaf_instance, HF_FLEET_INSTANCE_MAGIC);

    hf_fleet_note_load(&instance->fleet, endpoint->in_flight, endpoint->uses,
                       endpoint->idle_since_ns);
}

const struct hf_callee_ops hf_leaf_callee_ops = {
    .on_demand = on_demand,
    .on_drained = on_drained,
    .on_ejected = on_ejected,
    .on_hung = on_hung,
    .on_load = on_load,
};
