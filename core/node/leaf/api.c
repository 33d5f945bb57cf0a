/*
 * api.c - what a leaf serves beside the data path: State, health, commands.
 */
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/parse.h"
#include "base/text.h"
#include "ctl/ctl.h"
#include "grpc/health.h"
#include "node/leaf/leaf.h"

/* --- the API port -------------------------------------------------------------- */

int
hf_leaf_serve(struct hf_front *front, struct hf_err *err)
{
    struct hf_leaf *leaf = hf_leaf_of(front);
    int r = hf_grpc_health_set(front->health, "store", hf_catalog_is_synced(leaf->catalog));

    if (r < 0) {
        return hf_fail(err, r, "no memory for the health service");
    }
    hf_leaf_follow_catalog(leaf);
    return hf_leaf_serve_restart(leaf, err);
}

/* --- commands ------------------------------------------------------------------ */

/* A text from elsewhere as a value in quotes. */
static void
add_quoted(struct hf_text *out, const char *key, const char *value)
{
    if (*value) {
        hf_text_printf(out, " %s=", key);
        hf_text_add_json(out, value, strlen(value));
    }
}

static void
show_load(struct hf_leaf_function *function, struct hf_text *out)
{
    const struct hf_fleet_function *fleet = &function->scaled.base;
    hf_autotext struct hf_text failure;
    struct hf_pool_load load;

    hf_text_init(&failure);
    hf_callee_show_failure(function->front.callee, &failure);
    hf_callee_load(function->front.callee, &load);
    hf_text_printf(out,
                   "function=%s endpoints=%u idle=%u draining=%u in_flight=%u waiting=%u "
                   "calls=%llu at_limit=%s service_us=%llu wait_us=%llu invalid_picks=%llu",
                   hf_callee_id(function->front.callee), load.endpoints, load.idle, load.draining,
                   load.in_flight, load.waiting, (unsigned long long)load.calls_total,
                   load.at_limit ? "yes" : "no", (unsigned long long)(load.service_ns / HF_USEC),
                   (unsigned long long)(load.wait_ns / HF_USEC),
                   (unsigned long long)load.invalid_picks);
    for (int state = 0; state < HF_INSTANCE_STATE_COUNT; state++) {
        hf_text_printf(out, " %s=%u", hf_instance_state_text((enum hf_instance_state)state),
                       fleet->count[state]);
    }
    add_quoted(out, "last_failure", hf_text_str(&failure));
    hf_text_add_char(out, '\n');
}

static int
cmd_functions(void *arg, struct hf_ctl_call *call, struct hf_err *err)
{
    struct hf_leaf *leaf = hf_leaf_of(arg);
    const char *only = hf_ctl_arg(call, 0);
    const struct hf_map_node *node = NULL;
    bool found = !only;

    while ((node = hf_map_next(&leaf->front.by_id, node))) {
        struct hf_leaf_function *function =
            hf_container_of(node, struct hf_leaf_function, front.node);

        if (!only || strcmp(only, hf_callee_id(function->front.callee)) == 0) {
            show_load(function, hf_ctl_out(call));
            found = true;
        }
    }
    return found ? 0 : hf_fail(err, HF_ENOTFOUND, "function '%s' is cold or not registered", only);
}

static void
show_worker(const struct hf_leaf_worker *worker, struct hf_text *out)
{
    static const char *const states[] = {
        [HF_LINK_DOWN] = "down",
        [HF_LINK_HELD] = "held",
        [HF_LINK_GREETING] = "connecting",
        [HF_LINK_LISTENING] = "connecting",
        [HF_LINK_UP] = "up",
    };
    const struct hf_link *link = &worker->link;

    hf_text_printf(out, "worker=%s state=%s ours=%s draining=%s starting=%u stopping=%u",
                   link->address, states[link->state], link->ours ? "yes" : "no",
                   worker->info.draining ? "yes" : "no", worker->start_count, worker->stop_count);
    hf_link_show_error(link, out);
    if (hf_fleet_worker_is_there(&worker->fleet)) {
        const struct hf_worker *seen = &worker->fleet.base;

        hf_text_printf(
            out,
            " instances=%u in_flight=%u max_instances=%u memory=%llu memory_reserved=%llu "
            "cpu_millis=%llu cpu_reserved=%llu images=%zu",
            seen->instances, seen->in_flight, worker->fleet.max_instances,
            (unsigned long long)seen->memory_bytes, (unsigned long long)seen->memory_used_bytes,
            (unsigned long long)seen->cpu_millis, (unsigned long long)seen->cpu_used_millis,
            hf_map_count(&worker->fleet.images));
    }
    hf_text_add_char(out, '\n');
}

static int
cmd_workers(void *arg, struct hf_ctl_call *call, struct hf_err *err)
{
    struct hf_leaf *leaf = hf_leaf_of(arg);
    const struct hf_leaf_worker *worker;

    (void)err;
    HF_LIST_FOR (worker, &leaf->workers.list, link.node) {
        show_worker(worker, hf_ctl_out(call));
    }
    return 0;
}

static void
show_instance(const struct hf_leaf_instance *instance, struct hf_text *out)
{
    const struct hf_fleet_instance *fleet = &instance->fleet;
    char age[HF_FORMAT_MAX];
    uint64_t age_ns;
    struct hf_callee_endpoint_load load = { 0 };

    if (!fleet->function) {
        return;
    }
    age_ns = hf_sub_saturated(hf_leaf_now(instance->worker->leaf), fleet->since_ns);
    if (instance->endpoint) {
        hf_callee_endpoint_load(instance->endpoint, &load);
    }
    hf_text_printf(out,
                   "instance=%s function=%s worker=%s address=%s state=%s for=%s in_flight=%u "
                   "calls=%llu memory=%llu outdated=%s\n",
                   instance->id, fleet->function->spec->id, instance->worker->link.address,
                   instance->address, hf_instance_state_text((enum hf_instance_state)fleet->state),
                   hf_format_duration(age_ns - age_ns % HF_MSEC, age), load.in_flight,
                   (unsigned long long)load.calls, (unsigned long long)fleet->memory_bytes,
                   fleet->obsolete ? "yes" : "no");
}

static int
cmd_instances(void *arg, struct hf_ctl_call *call, struct hf_err *err)
{
    struct hf_leaf *leaf = hf_leaf_of(arg);
    const struct hf_leaf_worker *worker;

    (void)err;
    HF_LIST_FOR (worker, &leaf->workers.list, link.node) {
        const struct hf_map_node *node = NULL;

        while ((node = hf_map_next(&worker->instances, node))) {
            show_instance(hf_container_of(node, struct hf_leaf_instance, by_id), hf_ctl_out(call));
        }
    }
    return 0;
}

static int
cmd_state(void *arg, struct hf_ctl_call *call, struct hf_err *err)
{
    struct hf_leaf *leaf = hf_leaf_of(arg);

    (void)err;
    hf_state_service_show(leaf->front.state, hf_ctl_out(call));
    return 0;
}

static int
cmd_policy(void *arg, struct hf_ctl_call *call, struct hf_err *err)
{
    struct hf_leaf *leaf = hf_leaf_of(arg);
    const char *id = hf_ctl_arg(call, 0);
    const struct hf_front_function *function = hf_front_find(&leaf->front, id, strlen(id));

    if (!function) {
        return hf_fail(err, HF_ENOTFOUND, "function '%s' is cold or not registered", id);
    }
    hf_callee_show(function->callee, hf_ctl_out(call));
    return 0;
}

static int
cmd_policies(void *arg, struct hf_ctl_call *call, struct hf_err *err)
{
    struct hf_leaf *leaf = hf_leaf_of(arg);
    const char *id = hf_ctl_arg(call, 0);
    struct hf_front_function *found = id ? hf_front_find(&leaf->front, id, strlen(id)) : NULL;
    struct hf_fleet_function *function =
        found ? &hf_container_of(found, struct hf_leaf_function, front)->scaled.base : NULL;

    if (id && !function) {
        return hf_fail(err, HF_ENOTFOUND, "function '%s' is cold or not registered", id);
    }
    hf_autoscaler_show(leaf->autoscaler, function, hf_leaf_now(leaf), hf_ctl_out(call));
    return 0;
}

const struct hf_ctl_command hf_leaf_commands[] = {
    { "leaf/functions", "[FUNCTION]", "Shows the functions that are called or warm.", 0, 1, false,
      cmd_functions },
    { "leaf/instances", "", "Shows the instances that this leaf uses.", 0, 0, false,
      cmd_instances },
    { "leaf/workers", "", "Shows the workers and whether they are there.", 0, 0, false,
      cmd_workers },
    { "leaf/state", "", "Shows what parents are told.", 0, 0, false, cmd_state },
    { "leaf/policy", "FUNCTION", "Shows what the lb policy holds of a function.", 1, 1, false,
      cmd_policy },
    { "leaf/policies", "[FUNCTION]",
      "Shows what scheduler and scaler hold, and their wrong answers.", 0, 1, false, cmd_policies },
    { 0 },
};
