/*
 * load.c - how busy the children are: for the policy, and for who stands above this node.
 *
 * Children are asked (hyperfaas.v1.Node/Load) while the policy needs that or a parent asks this
 * node.
 */
#include <string.h>

#include "base/hash.h"
#include "hyperfaas/v1/node.pb-c.h"
#include "node/front/shared.h"
#include "node/lb/balancer.h"

static bool
is_needed(const struct hf_balancer *balancer)
{
    return (balancer->needs & HF_LB_NEEDS_REPORTS) != 0 ||
           hf_load_service_is_wanted(balancer->front.load);
}

/* --- what children say -------------------------------------------------------------------------
 */

void
hf_balancer_tell_room(struct hf_balancer_endpoint *endpoint)
{
    uint32_t room;
    bool known =
        hf_tree_room(endpoint->child->tree, hf_callee_id(endpoint->function->front.callee), &room);

    hf_callee_endpoint_set_room(endpoint->callee, known, room);
}

static void
take_room(struct hf_balancer_child *child, const Hyperfaas__V1__FunctionRoom *told)
{
    struct hf_balancer *balancer = child->balancer;
    struct hf_front_function *found =
        hf_front_find(&balancer->front, told->function_id, strlen(told->function_id));
    struct hf_balancer_function *function;
    struct hf_balancer_endpoint *endpoint;

    hf_tree_set_room(child->tree, told->function_id, told->room);
    if (!found || (balancer->needs & HF_LB_NEEDS_REPORTS) == 0) {
        return;
    }
    function = hf_container_of(found, struct hf_balancer_function, front);
    HF_LIST_FOR (endpoint, &function->endpoints, link) {
        if (endpoint->child == child) {
            hf_balancer_tell_room(endpoint);
        }
    }
}

static void
on_report(void *arg, const void *message)
{
    struct hf_balancer_child *child =
        hf_container_of(hf_link_of(arg), struct hf_balancer_child, link);
    const Hyperfaas__V1__LoadReport *told = message;
    const struct hf_endpoint_load load = {
        .known = HF_LOAD_REPORTED | (told->load_known ? HF_LOAD_AVERAGE : 0),
        .calls = told->calls,
        .waiting = told->waiting,
        .starting = told->starting,
        .load_millis = told->load_millis,
        .reported_ns = hf_loop_policy_now(child->balancer->front.control),
    };

    hf_node_load_report(hf_upstream_load(child->upstream), &load);
    for (size_t i = 0; i < told->n_rooms; i++) {
        take_room(child, told->rooms[i]);
    }
}

void
hf_balancer_ask_load(struct hf_balancer_child *child)
{
    if (is_needed(child->balancer)) {
        hf_link_ask_load(&child->link, true, on_report);
    }
}

void
hf_balancer_forget_load(struct hf_balancer_child *child)
{
    const struct hf_endpoint_load nothing = { 0 };

    hf_link_forget_load(&child->link);
    if (child->upstream) {
        hf_node_load_report(hf_upstream_load(child->upstream), &nothing);
    }
}

/* How busy the child is, as far as it is known. */
static struct hf_endpoint_load
load_of(const struct hf_balancer_child *child)
{
    struct hf_endpoint_load load = { .size = sizeof load };

    if (child->upstream) {
        hf_node_load_read(hf_upstream_load(child->upstream), &load);
    }
    return load;
}

/* --- what the policy shares ------------------------------------------------------------------- */

void
hf_balancer_add_children(struct hf_front *front, struct hf_shared *shared)
{
    const struct hf_balancer *balancer = hf_balancer_of(front);
    const struct hf_balancer_child *child;

    HF_LIST_FOR (child, &balancer->children.list, link.node) {
        const struct hf_endpoint_load load = load_of(child);
        const struct hf_lb_child about = {
            .size = sizeof about,
            .usable = child->tree->usable,
            .handle = child->handle,
            .id = child->tree->id,
            .hash = hf_hash(child->tree->id, strlen(child->tree->id)),
        };

        hf_shared_add_child(shared, &about, &load);
    }
}

/* --- what is said above ------------------------------------------------------------------------
 */

static uint32_t
add(uint32_t sum, uint32_t n)
{
    return n > UINT32_MAX - sum ? UINT32_MAX : sum + n;
}

/* The calls of this node's functions are at children, whose reports count them. */
void
hf_balancer_measure(struct hf_front *front, struct hf_load_figures *ret)
{
    const struct hf_balancer *balancer = hf_balancer_of(front);
    const struct hf_balancer_child *child;
    uint64_t load_millis = 0;
    uint32_t known = 0;

    ret->calls = 0;
    HF_LIST_FOR (child, &balancer->children.list, link.node) {
        const struct hf_endpoint_load load = load_of(child);

        ret->calls = add(ret->calls, load.calls);
        ret->waiting = add(ret->waiting, load.waiting);
        ret->starting = add(ret->starting, load.starting);
        if (load.known & HF_LOAD_AVERAGE) {
            load_millis += load.load_millis;
            known++;
        }
    }
    ret->load_known = known > 0;
    ret->load_millis = known > 0 ? (uint32_t)(load_millis / known) : 0;
}

bool
hf_balancer_room(struct hf_front_function *found, const struct hf_pool_load *load, uint32_t *ret)
{
    const struct hf_balancer_function *function =
        hf_container_of(found, struct hf_balancer_function, front);
    const struct hf_balancer_child *child;
    bool known = false;

    (void)load; /* what is free here says nothing of what is free below */
    *ret = 0;
    HF_LIST_FOR (child, &function->balancer->children.list, link.node) {
        uint32_t room;

        if (child->tree->usable && hf_tree_room(child->tree, hf_callee_id(found->callee), &room)) {
            *ret = add(*ret, room);
            known = true;
        }
    }
    return known;
}

void
hf_balancer_load_wanted(struct hf_front *front, bool wanted)
{
    struct hf_balancer *balancer = hf_balancer_of(front);
    struct hf_balancer_child *child;

    (void)wanted; /* the policy may need it still */
    HF_LIST_FOR (child, &balancer->children.list, link.node) {
        if (is_needed(balancer)) {
            hf_balancer_ask_load(child);
        } else {
            hf_balancer_forget_load(child);
        }
    }
}
