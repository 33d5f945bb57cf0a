/*
 * above.c - which children a load balancer must not have: itself, and what stands above it.
 *
 * Calls would go round.  Load balancers that discover each other do that by themselves, so of two
 * that find each other the one whose id comes first has the other as a child.  Each tells its
 * children who stands above them (metadata hyperfaas-above of State), and passes on what it hears
 * itself, so that a longer circle is found as well: in each there is a child whose id comes before
 * its parent's, which is not used.
 */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/text.h"
#include "node/lb/balancer.h"
#include "node/node.h"

static bool
is_lb(const struct hf_link *link)
{
    return link->role && strcmp(link->role, "lb") == 0;
}

const char *
hf_balancer_refuse(struct hf_link *link)
{
    struct hf_balancer *balancer = hf_balancer_child_of(link)->balancer;
    const char *own = hf_node_id(balancer->front.node);
    int order = strcmp(link->node_id, own);

    if (!is_lb(link) || order > 0) {
        return NULL;
    }
    if (order == 0) {
        return "it is this node itself";
    }
    return hf_state_service_is_above(balancer->front.state, link->node_id)
               ? "it stands above this node"
               : NULL;
}

int
hf_balancer_read_above(struct hf_balancer *balancer, struct hf_err *err)
{
    const char *own = hf_node_id(balancer->front.node);
    struct hf_text text;
    char *above;

    hf_text_init(&text);
    hf_text_add(&text, own);
    hf_state_service_add_above(balancer->front.state, own, &text);
    above = hf_text_steal(&text);
    if (!above) {
        return hf_fail(err, HF_ENOMEM, "lb: no memory");
    }
    free(balancer->above);
    balancer->above = above;
    return 0;
}

void
hf_balancer_on_above(void *arg)
{
    struct hf_balancer *balancer = hf_balancer_of(arg);
    hf_autofree char *before = strdup(balancer->above);
    struct hf_link *link;

    HF_LIST_FOR (link, &balancer->children.list, node) {
        if (is_lb(link)) {
            hf_link_review(link);
        }
    }
    if (hf_balancer_read_above(balancer, NULL) < 0 ||
        (before && strcmp(before, balancer->above) == 0)) {
        return;
    }
    HF_LIST_FOR (link, &balancer->children.list, node) {
        if (!link->role || is_lb(link)) {
            hf_link_renew(link);
        }
    }
}
