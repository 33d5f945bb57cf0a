/*
 * state.c - what a load balancer's children have warm.
 *
 * leaf.Leaf/State says it, or routingcontroller.RoutingController/State where the first is
 * UNIMPLEMENTED, which makes the child a load balancer.  All that it has comes first, up to a
 * message without a function, then changes.  An existing peer may never end its beginning.
 */
#include <string.h>

#include "base/macros.h"
#include "common/common.pb-c.h"
#include "node/lb/balancer.h"

/* Under which names a child may serve State, in the order of asking. */
static const char *const state_paths[] = {
    "/leaf.Leaf/State",
    "/routingcontroller.RoutingController/State",
};

/* As much is known of the child as will be. */
static void
come_up(struct hf_balancer_child *child)
{
    child->link.role = child->path == 1 ? "lb" : "leaf";
    hf_link_come_up(&child->link);
}

static void
on_state(void *arg, const void *message)
{
    struct hf_balancer_child *child = hf_balancer_child_of(arg);
    const Common__StateResponse *told = message;

    if (!*told->function_id) {
        hf_tree_snapshot_end(child->tree);
        hf_balancer_changed(child->balancer);
        come_up(child);
    } else if (hf_tree_have(child->tree, told->function_id, told->have)) {
        hf_balancer_refresh_id(child->balancer, told->function_id);
    }
}

int
hf_balancer_listen(struct hf_link *link)
{
    struct hf_balancer_child *child = hf_balancer_child_of(link);
    const char *above = child->balancer->above;
    Common__StateRequest message = COMMON__STATE_REQUEST__INIT;
    struct hf_h2_fields *metadata;
    struct hf_grpc_request request = {
        .message = &message.base,
        .response = &common__state_response__descriptor,
    };
    int r;

    if (child->path == hf_countof(state_paths)) { /* cold calls can still go there */
        come_up(child);
        return 0;
    }
    hf_tree_snapshot_begin(child->tree);
    metadata = hf_h2_fields_new();
    if (metadata) {
        hf_h2_fields_set(metadata, HF_H2_HYPERFAAS_ABOVE, above, strlen(above));
    }
    request.path = state_paths[child->path];
    request.metadata = metadata;
    r = hf_link_stream(link, &request, on_state);
    hf_h2_fields_unref(metadata);
    if (r == 0 && !link->ours) {
        come_up(child); /* it may never end its snapshot */
    }
    return r;
}

enum hf_link_end
hf_balancer_listened(struct hf_link *link, const struct hf_grpc_result *result)
{
    if (result->code == HF_GRPC_UNIMPLEMENTED && result->answered) {
        hf_balancer_child_of(link)->path++;
        return HF_LINK_ANOTHER;
    }
    return link->state == HF_LINK_UP ? HF_LINK_STAYS : HF_LINK_LOST;
}

const char *
hf_balancer_state_path(const struct hf_balancer_child *child)
{
    return child->link.stream ? state_paths[child->path] : "none";
}
