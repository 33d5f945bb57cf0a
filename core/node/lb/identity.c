/*
 * identity.c - which children a load balancer must not have.
 *
 * Not itself, nor what stands above it: calls would go round.  Load balancers that discover each
 * other do that by themselves, so of two that find each other the one whose id comes first has the
 * other as a child.  Each tells its children who stands above them (metadata hyperfaas-above of
 * State), and passes on what it hears itself, so that a longer circle is found as well: in each
 * there is a child whose id comes before its parent's, which is not used.
 *
 * And no node twice, under two addresses.  A node is its id and its role: one process may be both
 * leaf and load balancer.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "base/text.h"
#include "node/lb/balancer.h"
#include "node/node.h"

HF_LOG_MODULE(lb);

static const struct hf_balancer_child *
find_twin(const struct hf_balancer_child *child, const char *node_id, bool is_lb)
{
    const struct hf_balancer_child *other;

    HF_LIST_FOR (other, &child->balancer->children, node) {
        if (other != child && other->node_id && other->is_lb == is_lb &&
            strcmp(other->node_id, node_id) == 0) {
            return other;
        }
    }
    return NULL;
}

const char *
hf_balancer_refuse(void *arg, const char *node_id, bool is_lb)
{
    struct hf_balancer_child *child =
        hf_cast(arg, struct hf_balancer_child, HF_BALANCER_CHILD_MAGIC);
    struct hf_balancer *balancer = child->balancer;
    const char *own = hf_node_id(balancer->node);
    const struct hf_balancer_child *twin;

    if (is_lb && strcmp(node_id, own) == 0) {
        return "it is this node itself";
    }
    if (is_lb && strcmp(node_id, own) < 0 && hf_state_service_is_above(balancer->state, node_id)) {
        return "it stands above this node";
    }
    twin = find_twin(child, node_id, is_lb);
    if (twin) {
        snprintf(child->why, sizeof child->why, "it is the same node as %s", twin->api);
        return child->why;
    }
    free(child->node_id);
    child->node_id = strdup(node_id); /* without memory it is told apart by its address */
    child->is_lb = is_lb;
    if (hf_tree_rename(child->tree, node_id) < 0) {
        hf_log(HF_LOG_NOTICE, "a child's node id is taken; using its address instead",
               HF_KV_STR("child", child->api), HF_KV_STR("id", node_id));
    }
    return NULL;
}

void
hf_balancer_forget_identity(struct hf_balancer_child *child)
{
    struct hf_balancer_child *other;

    if (!child->node_id) {
        return;
    }
    free(hf_steal(child->node_id));
    HF_LIST_FOR (other, &child->balancer->children, node) {
        if (other != child && other->link && !other->up) {
            hf_child_link_review(other->link); /* it may be the same node's other address */
        }
    }
}

/* --- above ----------------------------------------------------------------------------------- */

int
hf_balancer_read_above(struct hf_balancer *balancer, struct hf_err *err)
{
    const char *own = hf_node_id(balancer->node);
    struct hf_text text;
    char *above;

    hf_text_init(&text);
    hf_text_add(&text, own);
    hf_state_service_add_above(balancer->state, own, &text);
    above = hf_text_steal(&text);
    if (!above) {
        return hf_fail(err, HF_ENOMEM, "lb: no memory");
    }
    free(balancer->above);
    balancer->above = above;
    return 0;
}

const char *
hf_balancer_above(void *arg)
{
    const struct hf_balancer_child *child =
        hf_cast(arg, struct hf_balancer_child, HF_BALANCER_CHILD_MAGIC);

    return child->balancer->above;
}

void
hf_balancer_on_above(void *arg)
{
    struct hf_balancer *balancer = hf_cast(arg, struct hf_balancer, HF_BALANCER_MAGIC);
    hf_autofree char *before = strdup(balancer->above);
    struct hf_balancer_child *child;

    HF_LIST_FOR (child, &balancer->children, node) {
        if (child->link && child->up && child->is_lb) {
            hf_child_link_review(child->link);
        }
    }
    if (hf_balancer_read_above(balancer, NULL) < 0 ||
        (before && strcmp(before, balancer->above) == 0)) {
        return;
    }
    HF_LIST_FOR (child, &balancer->children, node) {
        if (child->link) {
            hf_child_link_renew(child->link);
        }
    }
}
