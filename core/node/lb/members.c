/*
 * members.c - which children a load balancer has, and how long calls wait for them at the start.
 *
 * What a child that goes has left behind - functions it had warm, endpoints, calls - goes first, in
 * the steps of hf_balancer_on_work, and then its record.
 */
#include <string.h>

#include "base/err.h"
#include "base/options.h"
#include "node/lb/balancer.h"
#include "node/node.h"
#include "node/node_place.h"

/* --- after a start --------------------------------------------------------------------------- */

/* One of those that calls wait for has been heard of. */
static void
settle_one(struct hf_balancer *balancer)
{
    if (balancer->unsettled > 0 && --balancer->unsettled == 0) {
        hf_timer_cancel(&balancer->settle);
        hf_balancer_changed(balancer);
    }
}

void
hf_balancer_settle(struct hf_balancer_child *child)
{
    if (!child->settled) {
        child->settled = true;
        settle_one(child->balancer);
    }
}

void
hf_balancer_on_settled(struct hf_timer *timer)
{
    struct hf_balancer *balancer = hf_container_of(timer, struct hf_balancer, settle);

    balancer->unsettled = 0;
    hf_balancer_changed(balancer);
}

/* The store has told all: until now more could come. */
static void
on_synced(struct hf_peers *peers)
{
    struct hf_balancer *balancer = hf_container_of(peers, struct hf_balancer, children);

    if (!balancer->directory_settled) {
        balancer->directory_settled = true;
        settle_one(balancer);
    }
}

/* --- all of them ------------------------------------------------------------------------------ */

int
hf_balancer_read_children(struct hf_balancer *balancer, struct hf_err *err)
{
    struct hf_peers *children = &balancer->children;
    const struct hf_selector *selector = &children->discovery.selector;
    int r;

    children->on_synced = on_synced;
    r = hf_peers_read(children, balancer->front.options, "children", "leaf", err);
    if (r < 0) {
        return r;
    }
    if (selector->discover && !children->directory) {
        return hf_node_refuse(hf_node_config(balancer->front.node), "lb", "children", "discover",
                              err, "to discover them, a section [store] is needed that says where");
    }
    if (strcmp(selector->role, "lb") == 0) {
        children->discovery.not_id = hf_node_id(balancer->front.node);
    }
    if (children->count == 0 && !selector->discover) {
        return hf_node_refuse(hf_node_config(balancer->front.node), "lb", "children", NULL, err,
                              "expected at least one, as API-ADDRESS/PROXY-ADDRESS, or 'discover'");
    }
    return 0;
}

int
hf_balancer_connect(struct hf_front *front, struct hf_err *err)
{
    struct hf_balancer *balancer = hf_balancer_of(front);
    bool discover = balancer->children.discovery.selector.discover;

    hf_peers_close(&balancer->children); /* of an attempt before that failed */
    balancer->hopeless = false;
    balancer->unsettled = discover;
    balancer->directory_settled = !discover;
    hf_timer_set(&balancer->settle, hf_options_u64(balancer->front.options, "child_wait"));
    hf_balancer_update_hope(balancer);
    return hf_peers_open(&balancer->children, err);
}

void
hf_balancer_disconnect(struct hf_balancer *balancer)
{
    hf_peers_close(&balancer->children);
    hf_timer_cancel(&balancer->settle);
    hf_timer_cancel(&balancer->hope);
    hf_balancer_changed(balancer); /* what they had goes */
}
