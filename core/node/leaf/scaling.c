/*
 * scaling.c - carries out what the autoscaler decides: starts and stops at workers,
 * endpoints in pools.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "node/leaf/leaf.h"
#include "node/node.h"

HF_LOG_MODULE(leaf);

/* Until a stop is tried again for which there was no memory. */
#define STOP_AGAIN_NS (1 * HF_SEC)

static void on_stop_again(struct hf_timer *timer);

uint64_t
hf_leaf_now(const struct hf_leaf *leaf)
{
    return hf_loop_policy_now(leaf->front.control);
}

/* --- instances ------------------------------------------------------------- */

struct hf_leaf_instance *
hf_leaf_instance_begin(struct hf_fleet_instance *fleet)
{
    struct hf_leaf_instance *instance = hf_leaf_instance_of(fleet);

    instance->worker = hf_container_of(fleet->worker, struct hf_leaf_worker, fleet);
    hf_timer_init(&instance->stop_again, instance->worker->leaf->front.control, HF_TIMER_REAL,
                  on_stop_again);
    return instance;
}

bool
hf_leaf_instance_name(struct hf_leaf_instance *instance, const struct hf_remote_instance *remote)
{
    instance->id = strdup(remote->id);
    instance->address = strdup(remote->address);
    if (instance->id && instance->address &&
        hf_map_add(&instance->worker->instances, &instance->by_id, instance->id,
                   strlen(instance->id)) == 0) {
        return true;
    }
    free(hf_steal(instance->id));
    free(hf_steal(instance->address));
    return false;
}

/* Frees an instance if nothing refers to it any more. */
static void
instance_settle(struct hf_leaf_instance *instance)
{
    if (instance->fleet.function || instance->starting || instance->stopping) {
        return;
    }
    if (instance->id) {
        hf_map_remove(&instance->worker->instances, &instance->by_id);
    }
    free(instance->id);
    free(instance->address);
    hf_timer_fini(&instance->stop_again);
    hf_fleet_instance_free(&instance->fleet);
}

/* --- starting -------------------------------------------------------------- */

/* Tells the callee what those who wait do so for. */
static void
note_starting(struct hf_fleet_function *fleet)
{
    const struct hf_leaf_function *function = hf_leaf_function_of(fleet);
    const struct hf_fleet_instance *first = hf_list_first(&fleet->instances[HF_INSTANCE_STARTING],
                                                          struct hf_fleet_instance, of_function);

    hf_callee_set_starting(function->front.callee, first ? first->since_ns : 0);
}

static void
note_failure(const struct hf_fleet_instance *fleet, const char *why)
{
    hf_callee_set_failure(hf_leaf_function_of(fleet->function)->front.callee, why);
}

static void
start_refused(struct hf_leaf_instance *instance, const char *why)
{
    hf_log_limited(HF_LOG_INFO, "worker has no room; trying another",
                   HF_KV_STR("function", instance->fleet.function->spec->id),
                   HF_KV_STR("worker", instance->worker->link.address), HF_KV_STR("why", why));
    hf_autoscaler_start_refused(instance->worker->leaf->autoscaler, &instance->fleet, why,
                                hf_leaf_now(instance->worker->leaf));
}

void
hf_leaf_start_failed(struct hf_leaf_instance *instance, const char *why)
{
    hf_log_limited(HF_LOG_NOTICE, "start failed",
                   HF_KV_STR("function", instance->fleet.function->spec->id),
                   HF_KV_STR("worker", instance->worker->link.address), HF_KV_STR("why", why));
    note_failure(&instance->fleet, why);
    hf_autoscaler_gone(instance->worker->leaf->autoscaler, &instance->fleet, why,
                       hf_leaf_now(instance->worker->leaf));
}

/* A start succeeded that nobody wants any more: its worker was lost meanwhile.  Once found again
 * it may have shown the instance, which is then in use. */
static void
discard(struct hf_leaf_worker *worker, const struct hf_remote_instance *remote)
{
    if (!hf_map_find(&worker->instances, remote->id, strlen(remote->id))) {
        hf_leaf_worker_stop(worker, remote->id, NULL, NULL, NULL);
    }
}

static void
begin_serving(struct hf_leaf_instance *instance)
{
    struct hf_leaf *leaf = instance->worker->leaf;

    if (instance->worker->link.ours) {
        hf_autoscaler_started(leaf->autoscaler, &instance->fleet, hf_leaf_now(leaf));
    } else {
        hf_leaf_await_answer(instance);
    }
}

static void
on_started(void *arg, const struct hf_remote_instance *remote, int code, const char *why)
{
    struct hf_leaf_instance *instance =
        hf_cast(arg, struct hf_leaf_instance, HF_FLEET_INSTANCE_MAGIC);
    struct hf_leaf *leaf = instance->worker->leaf;

    instance->starting = false;
    if (!instance->fleet.function) {
        if (remote) {
            discard(instance->worker, remote);
        }
        instance_settle(instance);
        return;
    }
    if (code == HF_EFULL) {
        start_refused(instance, why);
    } else if (!remote) {
        hf_leaf_start_failed(instance, why);
    } else if (!hf_leaf_instance_name(instance, remote)) {
        hf_leaf_worker_stop(instance->worker, remote->id, NULL, NULL, NULL);
        hf_leaf_start_failed(instance, "no memory, or the worker gave the same id twice");
    } else {
        hf_log(HF_LOG_INFO, "instance started",
               HF_KV_STR("function", instance->fleet.function->spec->id),
               HF_KV_STR("instance", instance->id), HF_KV_STR("address", instance->address));
        begin_serving(instance);
    }
    hf_leaf_pump(leaf);
}

static void
start(struct hf_leaf *leaf, struct hf_fleet_instance *fleet)
{
    const struct hf_leaf_function *function = hf_leaf_function_of(fleet->function);
    struct hf_leaf_instance *instance = hf_leaf_instance_begin(fleet);
    struct hf_err err = HF_ERR_INIT;
    char start_id[96];

    snprintf(start_id, sizeof start_id, "%s-%llu", hf_node_boot_id(leaf->front.node),
             (unsigned long long)fleet->number);
    instance->starting = true;
    note_starting(fleet->function);
    if (hf_leaf_worker_start(instance->worker, fleet->function->spec->id, function->def->revision,
                             start_id, on_started, instance, &err) < 0) {
        instance->starting = false;
        hf_leaf_start_failed(instance, hf_err_message(&err));
    }
}

/* --- serving --------------------------------------------------------------- */

static void
admit(struct hf_leaf *leaf, struct hf_fleet_instance *fleet)
{
    struct hf_leaf_instance *instance = hf_leaf_instance_of(fleet);
    struct hf_leaf_function *function = hf_leaf_function_of(fleet->function);
    const struct hf_callee_endpoint_spec spec = {
        .id = instance->id,
        .address = instance->address,
        .user = instance,
    };
    struct hf_err err = HF_ERR_INIT;

    if (hf_callee_add(function->front.callee, &spec, &instance->endpoint, &err) < 0) {
        hf_log(HF_LOG_ERROR, "can't use an instance", HF_KV_STR("instance", instance->id),
               HF_KV_ERR(&err));
        hf_autoscaler_retire(leaf->autoscaler, fleet, hf_leaf_now(leaf));
        return;
    }
    note_starting(fleet->function);
    note_failure(fleet, NULL);
    hf_leaf_tell_state(function); /* which says also what calls it has got */
}

/* Takes an instance out of use with `how`: now, or as soon as it is idle. */
static void
drain(struct hf_leaf *leaf, struct hf_fleet_instance *fleet,
      void (*how)(struct hf_pool *, struct hf_pool_endpoint *, struct hf_pool_out *))
{
    struct hf_leaf_instance *instance = hf_leaf_instance_of(fleet);
    struct hf_leaf_function *function = hf_leaf_function_of(fleet->function);
    struct hf_pool_out out;

    if (!instance->endpoint) { /* it could not be admitted */
        hf_autoscaler_drained(leaf->autoscaler, fleet, hf_leaf_now(leaf));
        return;
    }
    how(hf_callee_lock(function->front.callee, &out), &instance->endpoint->base, &out);
    hf_callee_unlock(function->front.callee, &out);
    hf_leaf_tell_state(function);
}

static void
shrink(const struct hf_scale_action *action)
{
    struct hf_leaf_function *function = hf_leaf_function_of(action->function);
    bool found = true;

    for (uint32_t i = 0; i < action->count && found; i++) {
        struct hf_pool_out out;
        struct hf_pool *pool = hf_callee_lock(function->front.callee, &out);

        found = hf_pool_drain_idle(pool, action->before_ns, &out);
        hf_callee_unlock(function->front.callee, &out);
    }
    hf_leaf_tell_state(function);
}

/* --- stopping -------------------------------------------------------------- */

static void
on_stopped(void *arg)
{
    struct hf_leaf_instance *instance =
        hf_cast(arg, struct hf_leaf_instance, HF_FLEET_INSTANCE_MAGIC);
    struct hf_leaf *leaf = instance->worker->leaf;

    instance->stopping = false;
    if (instance->fleet.function) {
        hf_autoscaler_gone(leaf->autoscaler, &instance->fleet, "", hf_leaf_now(leaf));
        hf_leaf_pump(leaf);
    } else {
        instance_settle(instance);
    }
}

static void
stop(struct hf_leaf_instance *instance)
{
    struct hf_err err = HF_ERR_INIT;

    instance->stopping = true;
    if (hf_leaf_worker_stop(instance->worker, instance->id, on_stopped, instance, &err) < 0) {
        instance->stopping = false;
        hf_log_limited(HF_LOG_ERROR, "can't stop an instance yet; retrying", HF_KV_ERR(&err));
        hf_timer_set(&instance->stop_again, STOP_AGAIN_NS);
    }
}

static void
on_stop_again(struct hf_timer *timer)
{
    stop(hf_container_of(timer, struct hf_leaf_instance, stop_again));
}

static void
drop(const struct hf_scale_action *action)
{
    struct hf_leaf_instance *instance = hf_leaf_instance_of(action->instance);

    if (instance->endpoint) {
        hf_callee_drop(hf_steal(instance->endpoint));
        hf_leaf_tell_state(hf_leaf_function_of(action->function));
    }
    note_starting(action->function);
    hf_leaf_forget_answer(instance);
    hf_timer_cancel(&instance->stop_again);
    instance_settle(instance);
}

/* --- the pump -------------------------------------------------------------- */

static void
cold(struct hf_leaf *leaf, struct hf_fleet_function *fleet)
{
    struct hf_leaf_function *function = hf_leaf_function_of(fleet);

    if (hf_callee_retire(function->front.callee)) {
        hf_leaf_function_free(function);
    } else { /* a call has come, or one goes on at an instance that is lost */
        hf_autoscaler_demand(leaf->autoscaler, fleet, hf_leaf_now(leaf));
    }
}

/* What the pool has to know of the function, and those who wait in it. */
static void
tell_pool(const struct hf_scale_action *action)
{
    struct hf_callee *callee = hf_leaf_function_of(action->function)->front.callee;
    struct hf_pool_out out;
    struct hf_pool *pool = hf_callee_lock(callee, &out);

    if (action->kind == HF_SCALE_LIMIT) {
        hf_pool_set_at_limit(pool, action->limit == HF_LIMIT_REACHED);
        hf_pool_set_refusing(pool, action->limit == HF_LIMIT_NO_START ? HF_FAILURE_START_FAILED
                                                                      : HF_FAILURE_NONE);
    } else {
        hf_pool_refuse(pool, action->refusal, action->reason, &out);
    }
    hf_callee_unlock(callee, &out);
}

static void
perform(struct hf_leaf *leaf, const struct hf_scale_action *action)
{
    switch (action->kind) {
    case HF_SCALE_START:
        start(leaf, action->instance);
        break;
    case HF_SCALE_ADMIT:
        admit(leaf, action->instance);
        break;
    case HF_SCALE_DRAIN:
        drain(leaf, action->instance, hf_pool_drain);
        break;
    case HF_SCALE_LEAVE:
        drain(leaf, action->instance, hf_pool_leave);
        break;
    case HF_SCALE_STOP:
        hf_log(HF_LOG_INFO, "stopping instance", HF_KV_STR("function", action->function->spec->id),
               HF_KV_STR("instance", hf_leaf_instance_of(action->instance)->id));
        stop(hf_leaf_instance_of(action->instance));
        break;
    case HF_SCALE_DROP:
        drop(action);
        break;
    case HF_SCALE_SHRINK:
        shrink(action);
        break;
    case HF_SCALE_REFUSE:
        hf_log_limited(HF_LOG_WARNING, "calls refused",
                       HF_KV_STR("function", action->function->spec->id),
                       HF_KV_STR("why", action->reason));
        tell_pool(action);
        break;
    case HF_SCALE_LIMIT:
        tell_pool(action);
        break;
    case HF_SCALE_COLD:
        cold(leaf, action->function);
        break;
    }
}

void
hf_leaf_pump(struct hf_leaf *leaf)
{
    struct hf_scale_action action;
    uint64_t deadline;

    if (leaf->pumping) { /* an action fed an event: the outer turn goes on with it */
        return;
    }
    leaf->pumping = true;
    while (hf_autoscaler_next(leaf->autoscaler, &action)) {
        perform(leaf, &action);
    }
    leaf->pumping = false;
    deadline = hf_autoscaler_deadline(leaf->autoscaler);
    if (deadline == UINT64_MAX) {
        hf_timer_cancel(&leaf->tick);
    } else {
        hf_timer_set_at(&leaf->tick, deadline > 0 ? deadline : 1);
    }
}

void
hf_leaf_on_tick(struct hf_timer *timer)
{
    struct hf_leaf *leaf = hf_container_of(timer, struct hf_leaf, tick);

    hf_autoscaler_tick(leaf->autoscaler, hf_leaf_now(leaf));
    hf_leaf_pump(leaf);
}
