/*
 * api.c - a load balancer's commands.
 */
#include <string.h>

#include "base/err.h"
#include "base/text.h"
#include "ctl/ctl.h"
#include "node/lb/balancer.h"
#include "spop/agent.h"

static int
cmd_show(void *arg, struct hf_ctl_call *call, struct hf_err *err)
{
    const struct hf_balancer *balancer = hf_balancer_of(arg);
    const struct hf_balancer_child *child;

    (void)err;
    hf_text_printf(hf_ctl_out(call),
                   "children=%zu usable=%zu called=%zu warm_pairs=%zu ignored=%llu haproxy=%zu\n",
                   balancer->children.count, hf_tree_usable(balancer->tree),
                   hf_map_count(&balancer->front.by_id), hf_tree_known(balancer->tree),
                   (unsigned long long)hf_tree_ignored(balancer->tree),
                   balancer->agent ? hf_spop_agent_conns(balancer->agent) : 0);
    HF_LIST_FOR (child, &balancer->children.list, link.node) {
        hf_balancer_show_child(child, hf_ctl_out(call));
    }
    return 0;
}

static void
show_function(struct hf_balancer_function *function, struct hf_text *out)
{
    const char *id = hf_callee_id(function->front.callee);
    const struct hf_balancer_endpoint *endpoint;
    struct hf_pool_load load;

    hf_callee_load(function->front.callee, &load);
    hf_text_printf(out, "function=%s warm=%s in_flight=%u waiting=%u calls=%llu children=", id,
                   hf_tree_is_warm(function->balancer->tree, id) ? "yes" : "no", load.in_flight,
                   load.waiting, (unsigned long long)load.calls_total);
    HF_LIST_FOR (endpoint, &function->endpoints, link) {
        hf_text_printf(out, "%s%s", endpoint->link.prev == &function->endpoints ? "" : ",",
                       endpoint->child->link.address);
    }
    hf_text_add_char(out, '\n');
}

static int
cmd_functions(void *arg, struct hf_ctl_call *call, struct hf_err *err)
{
    struct hf_balancer *balancer = hf_balancer_of(arg);
    const char *only = hf_ctl_arg(call, 0);
    const struct hf_map_node *node = NULL;
    bool found = !only;

    while ((node = hf_map_next(&balancer->front.by_id, node))) {
        struct hf_balancer_function *function =
            hf_container_of(node, struct hf_balancer_function, front.node);

        if (!only || strcmp(only, hf_callee_id(function->front.callee)) == 0) {
            show_function(function, hf_ctl_out(call));
            if (only) {
                hf_callee_show(function->front.callee, hf_ctl_out(call));
            }
            found = true;
        }
    }
    return found ? 0 : hf_fail(err, HF_ENOTFOUND, "nobody calls function '%s' here", only);
}

static int
cmd_state(void *arg, struct hf_ctl_call *call, struct hf_err *err)
{
    (void)err;
    hf_state_service_show(hf_balancer_of(arg)->front.state, hf_ctl_out(call));
    return 0;
}

const struct hf_ctl_command hf_balancer_commands[] = {
    { "lb/show", "", "Shows the children and whether they can be used.", 0, 0, false, cmd_show },
    { "lb/functions", "[FUNCTION]", "Shows the functions that are called, and where.", 0, 1, false,
      cmd_functions },
    { "lb/state", "", "Shows what parents are told.", 0, 0, false, cmd_state },
    { 0 },
};
