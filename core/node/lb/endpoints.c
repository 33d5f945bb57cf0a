/*
 * endpoints.c - the children that take a function's calls: those that the tree names, and
 * more of them when they are not enough.
 */
#include <stdlib.h>

#include "base/counters.h"
#include "base/log.h"
#include "node/lb/balancer.h"

HF_LOG_MODULE(lb);

HF_COUNTER(tree_spills, "Times that a child more was given calls of a function.");

/* Functions, or what children have of them, looked at in one turn. */
#define BATCH 256

/* What makes a difference between children that have a function warm and others. */
#define NEEDS_WARMTH (HF_LB_NEEDS_ALL_CHILDREN | HF_LB_NEEDS_FIGURES)

/* --- endpoints ----------------------------------------------------------------------------- */

static void
endpoint_add(struct hf_balancer_function *function, struct hf_balancer_child *child)
{
    struct hf_balancer_endpoint *endpoint = calloc(1, sizeof *endpoint);
    const struct hf_callee_endpoint_spec spec = {
        .id = child->tree->id,
        .address = child->link.proxy,
        .upstream = child->upstream,
        .user = endpoint,
        .child = child->handle,
        .cold = child->cold,
    };

    if (!endpoint || hf_callee_add(function->front.callee, &spec, &endpoint->callee, NULL) < 0) {
        hf_log_limited(HF_LOG_ERROR, "no memory to use a child",
                       HF_KV_STR("child", child->link.address));
        free(endpoint);
        return;
    }
    endpoint->magic = HF_BALANCER_ENDPOINT_MAGIC;
    endpoint->function = function;
    endpoint->child = child;
    endpoint->cold = child->cold;
    hf_list_append(&function->endpoints, &endpoint->link);
    child->endpoints++;
    if (function->balancer->needs & HF_LB_NEEDS_REPORTS) {
        hf_balancer_tell_room(endpoint);
    }
}

/* What is known of its child may have changed. */
static void
endpoint_update(struct hf_balancer_endpoint *endpoint)
{
    if (endpoint->cold != endpoint->child->cold) {
        endpoint->cold = endpoint->child->cold;
        hf_callee_endpoint_set_warm(endpoint->callee, !endpoint->cold);
    }
    if (endpoint->function->balancer->needs & HF_LB_NEEDS_REPORTS) {
        hf_balancer_tell_room(endpoint);
    }
}

/* Calls that it has go on. */
static void
endpoint_drop(struct hf_balancer_endpoint *endpoint)
{
    hf_list_remove(&endpoint->link);
    endpoint->child->endpoints--;
    hf_callee_drop(endpoint->callee);
    endpoint->magic = 0;
    free(endpoint);
}

void
hf_balancer_drop_endpoints(struct hf_list *endpoints)
{
    while (!hf_list_is_empty(endpoints)) {
        endpoint_drop(hf_container_of(endpoints->next, struct hf_balancer_endpoint, link));
    }
}

static size_t
count_endpoints(const struct hf_balancer_function *function)
{
    const struct hf_list *link;
    size_t n = 0;

    for (link = function->endpoints.next; link != &function->endpoints; link = link->next) {
        n++;
    }
    return n;
}

/* The children that should take the function's calls now, in `balancer->found`; `*warm`: so many of
 * them, the first, have it warm. */
static size_t
find_children(struct hf_balancer_function *function, size_t *warm)
{
    struct hf_balancer *balancer = function->balancer;
    const char *id = hf_callee_id(function->front.callee);
    size_t max = balancer->children.count;
    size_t wanted = function->wanted;

    *warm = 0;
    if (balancer->unsettled > 0) {
        return 0; /* somebody may have it warm and has not said so yet */
    }
    if (balancer->cold_any || balancer->needs != 0) {
        *warm = hf_tree_candidates(balancer->tree, id, 0, balancer->found, max);
    }
    if ((balancer->cold_any && *warm == 0) || (balancer->needs & HF_LB_NEEDS_ALL_CHILDREN)) {
        wanted = max;
    }
    return hf_tree_candidates(balancer->tree, id, wanted, balancer->found, max);
}

void
hf_balancer_refresh(struct hf_balancer_function *function)
{
    struct hf_balancer *balancer = function->balancer;
    size_t warm;
    size_t n = find_children(function, &warm);
    uint64_t mark = ++balancer->mark;
    struct hf_balancer_endpoint *endpoint;
    struct hf_balancer_endpoint *next;
    struct hf_list leaving;

    for (size_t i = 0; i < n; i++) {
        struct hf_balancer_child *child = balancer->found[i]->user;

        child->mark = mark;
        child->cold = i >= warm && (balancer->needs & NEEDS_WARMTH) != 0;
    }
    hf_list_init(&leaving);
    HF_LIST_FOR_SAFE (endpoint, next, &function->endpoints, link) {
        if (endpoint->child->mark == mark) {
            endpoint->child->mark = 0; /* it stays */
            endpoint_update(endpoint);
        } else {
            hf_list_remove(&endpoint->link);
            hf_list_append(&leaving, &endpoint->link);
        }
    }
    for (size_t i = 0; i < n; i++) {
        struct hf_balancer_child *child = balancer->found[i]->user;

        if (child->mark == mark) {
            endpoint_add(function, child);
        }
    }
    hf_balancer_drop_endpoints(&leaving); /* last, so that calls find an endpoint at any time */
    function->reviewed = balancer->review;
    hf_list_remove(&function->review_link);
    hf_list_append(&balancer->by_review, &function->review_link);
}

/* --- more children ---------------------------------------------------------------------------- */

bool
hf_balancer_widen(struct hf_balancer_function *function)
{
    size_t before = count_endpoints(function);

    function->wanted = before + 1;
    hf_balancer_refresh(function);
    if (count_endpoints(function) <= before) {
        return false;
    }
    hf_count(&tree_spills);
    return true;
}

/* --- what pools tell ------------------------------------------------------------------------- */

void
hf_balancer_set_bound(struct hf_balancer_function *function, uint32_t slots)
{
    const struct hf_function about = hf_balancer_about(hf_callee_id(function->front.callee), slots);

    if (hf_callee_redefine(function->front.callee, &about) == 0) {
        function->unbounded = slots == 0;
    }
}

/* Calls of the function wait: gives them children, as far as there are any. */
static void
serve_waiting(struct hf_balancer_function *function)
{
    uint32_t spill = function->balancer->spill;
    struct hf_pool_load load;

    hf_balancer_refresh(function);
    hf_callee_load(function->front.callee, &load);
    while (spill > 0 && load.waiting > 0 && load.endpoints > 0) {
        if (!hf_balancer_widen(function)) {
            hf_balancer_set_bound(function, 0); /* all are beyond it: it has done its work */
            return;
        }
        hf_callee_load(function->front.callee, &load);
    }
}

static void
on_demand(struct hf_callee *callee, void *user)
{
    struct hf_balancer_function *function =
        hf_cast(user, struct hf_balancer_function, HF_BALANCER_FUNCTION_MAGIC);
    struct hf_balancer *balancer = function->balancer;
    struct hf_pool_load load;

    hf_callee_load(callee, &load);
    if (load.waiting > 0 && balancer->hopeless) {
        hf_callee_refuse(callee, HF_FAILURE_NO_CHILD, hf_balancer_no_child(balancer));
    } else if (load.waiting > 0) {
        serve_waiting(function);
    }
}

static void
on_drained(struct hf_callee_endpoint *endpoint, void *endpoint_user)
{
    (void)endpoint; /* it was ejected, and is dropped with that */
    (void)endpoint_user;
}

static void
on_ejected(struct hf_callee_endpoint *callee, void *endpoint_user)
{
    struct hf_balancer_endpoint *endpoint =
        hf_cast(endpoint_user, struct hf_balancer_endpoint, HF_BALANCER_ENDPOINT_MAGIC);
    struct hf_balancer_function *function = endpoint->function;

    (void)callee; /* the endpoint's */
    hf_balancer_eject(endpoint->child);
    endpoint_drop(endpoint);
    hf_balancer_refresh(function); /* its calls wait; other functions follow in their turn */
}

const struct hf_callee_ops hf_balancer_callee_ops = {
    .on_demand = on_demand,
    .on_drained = on_drained,
    .on_ejected = on_ejected,
};

/* --- what the tree tells ---------------------------------------------------------------------- */

/* Refreshes functions that have not seen the last change; whether there are more. */
static bool
review(struct hf_balancer *balancer)
{
    for (int i = 0; i < BATCH && !hf_list_is_empty(&balancer->by_review); i++) {
        struct hf_balancer_function *function =
            hf_container_of(balancer->by_review.next, struct hf_balancer_function, review_link);

        if (function->reviewed == balancer->review) {
            return false; /* and so have all behind it */
        }
        hf_balancer_refresh(function);
    }
    return !hf_list_is_empty(&balancer->by_review);
}

void
hf_balancer_on_work(struct hf_task *task)
{
    struct hf_balancer *balancer = hf_container_of(task, struct hf_balancer, work);
    bool more = review(balancer);

    balancer->working = false;
    if (hf_tree_work(balancer->tree, BATCH) || more) {
        balancer->working = true;
        hf_loop_post(balancer->front.control, &balancer->work);
    } else {
        hf_peers_reap(&balancer->children);
    }
}

void
hf_balancer_changed(struct hf_balancer *balancer)
{
    balancer->review++;
    if (!balancer->working) {
        balancer->working = true;
        hf_loop_post(balancer->front.control, &balancer->work);
    }
}
