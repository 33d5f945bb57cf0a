/*
 * functions.c - the functions that are called through a load balancer: made at the first
 * call, given the children that the tree names, forgotten when nobody calls them.
 */
#include <stdlib.h>
#include <string.h>

#include "base/counters.h"
#include "base/err.h"
#include "base/hash.h"
#include "base/options.h"
#include "grpc/health.h"
#include "node/lb/balancer.h"
#include "node/node.h"

HF_COUNTER(tree_cold, "Functions that no child had warm when their first call came.");
HF_COUNTER(tree_forgotten, "Functions forgotten because nobody called them.");

/* Functions looked at in one turn. */
#define BATCH 256

/* Idle functions that may go when there is no room for a new one. */
#define MAKE_ROOM_LOOKS 16

static uint64_t
now_of(const struct hf_balancer *balancer)
{
    return hf_loop_policy_now(balancer->front.control);
}

/* --- making and forgetting ------------------------------------------------------------------ */

static struct hf_balancer_function *
find(const struct hf_balancer *balancer, const char *id, size_t len)
{
    struct hf_front_function *found = hf_front_find(&balancer->front, id, len);

    return found ? hf_container_of(found, struct hf_balancer_function, front) : NULL;
}

static void
function_free(struct hf_balancer_function *function)
{
    hf_front_unlist(&function->balancer->front, &function->front);
    hf_balancer_drop_endpoints(&function->endpoints);
    hf_list_remove(&function->due_link);
    hf_list_remove(&function->review_link);
    hf_callee_disown(function->front.callee);
    function->magic = 0;
    free(function);
}

/* Looks at the function again after the idle time. */
static void
look_later(struct hf_balancer_function *function)
{
    struct hf_balancer *balancer = function->balancer;

    function->due_ns = now_of(balancer) + balancer->idle_ns;
    hf_list_remove(&function->due_link);
    hf_list_append(&balancer->by_due, &function->due_link);
    if (!hf_timer_is_set(&balancer->look)) {
        hf_timer_set_at(&balancer->look, function->due_ns);
    }
}

/* Forgets a function that has no call; false: one has come just now. */
static bool
retire(struct hf_balancer_function *function)
{
    hf_balancer_drop_endpoints(&function->endpoints);
    if (!hf_callee_retire(function->front.callee)) {
        hf_balancer_refresh(function);
        return false;
    }
    hf_count(&tree_forgotten);
    function_free(function);
    return true;
}

/* Whether no call is there, and none has been since that time. */
static bool
is_idle(struct hf_balancer_function *function, uint64_t since_ns, struct hf_pool_load *ret)
{
    hf_callee_load(function->front.callee, ret);
    return ret->in_flight == 0 && ret->waiting == 0 && ret->last_finished_ns <= since_ns;
}

/* There are as many functions as there may be: forgets an idle one. */
static bool
make_room(struct hf_balancer *balancer)
{
    for (int i = 0; i < MAKE_ROOM_LOOKS && !hf_list_is_empty(&balancer->by_due); i++) {
        struct hf_balancer_function *function =
            hf_container_of(balancer->by_due.next, struct hf_balancer_function, due_link);
        struct hf_pool_load load;

        if (is_idle(function, UINT64_MAX, &load) && retire(function)) {
            return true;
        }
        look_later(function);
    }
    return false;
}

struct hf_function
hf_balancer_about(const char *id, uint32_t slots)
{
    return (struct hf_function){
        .size = sizeof(struct hf_function),
        .id = id,
        .hash = hf_hash(id, strlen(id)),
        .image = "",
        .max_concurrency = slots,
    };
}

static int
function_new(struct hf_balancer *balancer, const char *id, struct hf_balancer_function **ret,
             struct hf_err *err)
{
    const struct hf_function about = hf_balancer_about(id, balancer->spill);
    struct hf_balancer_function *function = calloc(1, sizeof *function);
    int r;

    if (!function) {
        return hf_fail(err, HF_ENOMEM, "no memory to take calls of it");
    }
    function->magic = HF_BALANCER_FUNCTION_MAGIC;
    function->balancer = balancer;
    function->wanted = 1;
    hf_list_init(&function->endpoints);
    hf_list_init(&function->due_link);
    hf_list_init(&function->review_link);
    r = hf_callee_new(&balancer->callee, &about, hf_node_seed(balancer->front.node, id), function,
                      &function->front.callee, err);
    if (r < 0) {
        free(function);
        return r;
    }
    r = hf_front_list(&balancer->front, &function->front);
    if (r < 0) {
        hf_callee_disown(function->front.callee);
        free(function);
        return hf_fail(err, r, "no memory to take calls of it");
    }
    look_later(function);
    hf_balancer_refresh(function);
    if (!hf_tree_is_warm(balancer->tree, id)) {
        hf_count(&tree_cold);
    }
    *ret = function;
    return 0;
}

void
hf_balancer_forget_functions(struct hf_balancer *balancer)
{
    while (!hf_list_is_empty(&balancer->by_due)) {
        function_free(
            hf_container_of(balancer->by_due.next, struct hf_balancer_function, due_link));
    }
}

/* --- the router ------------------------------------------------------------------------------ */

/* The function of that id, made if it is new. */
static int
activate(struct hf_balancer *balancer, const struct hf_route *route,
         struct hf_balancer_function **ret, struct hf_err *err)
{
    hf_autofree char *id = NULL;

    *ret = find(balancer, route->id, route->id_len);
    if (*ret) {
        return 0;
    }
    if (route->id_len > HF_TREE_ID_MAX) { /* callers choose ids, and they are kept for a while */
        return hf_fail(err, HF_ENOTFOUND, "no function has an id of more than %u bytes",
                       HF_TREE_ID_MAX);
    }
    if (hf_map_count(&balancer->front.by_id) >=
            hf_options_u64(balancer->front.options, "max_functions") &&
        !make_room(balancer)) {
        return hf_fail(err, HF_EFULL, "as many functions are called at once as may");
    }
    id = strndup(route->id, route->id_len);
    return id ? function_new(balancer, id, ret, err)
              : hf_fail(err, HF_ENOMEM, "no memory to take calls of it");
}

void
hf_balancer_resolve(struct hf_front *front, struct hf_route *route)
{
    struct hf_balancer *balancer = hf_balancer_of(front);
    struct hf_balancer_function *function;
    struct hf_err err = HF_ERR_INIT;
    int r = activate(balancer, route, &function, &err);

    if (r < 0) {
        hf_route_answer(route, NULL, r, hf_err_message(&err));
        return;
    }
    if (route->widen) {
        hf_balancer_widen(function);
    }
    hf_route_answer(route, hf_callee_ref(function->front.callee), 0, "");
}

/* --- children tell --------------------------------------------------------------------------- */

void
hf_balancer_refresh_id(struct hf_balancer *balancer, const char *id)
{
    struct hf_balancer_function *function = find(balancer, id, strlen(id));

    if (function) {
        hf_balancer_refresh(function);
    }
}

/* --- time ------------------------------------------------------------------------------------ */

/* The function's time has come: forgets it, or lets it have fewer children again. */
static void
look_at(struct hf_balancer_function *function)
{
    struct hf_balancer *balancer = function->balancer;
    struct hf_pool_load load;

    if (is_idle(function, now_of(balancer) - hf_min(balancer->idle_ns, now_of(balancer)), &load) &&
        retire(function)) {
        return;
    }
    if (load.in_flight <= balancer->spill || balancer->spill == 0) {
        function->wanted = 1;
        if (function->unbounded) {
            hf_balancer_set_bound(function, balancer->spill);
        }
        hf_balancer_refresh(function);
    }
    look_later(function);
}

void
hf_balancer_on_look(struct hf_timer *timer)
{
    struct hf_balancer *balancer = hf_container_of(timer, struct hf_balancer, look);
    uint64_t now = now_of(balancer);

    for (int i = 0; i < BATCH && !hf_list_is_empty(&balancer->by_due); i++) {
        struct hf_balancer_function *function =
            hf_container_of(balancer->by_due.next, struct hf_balancer_function, due_link);

        if (function->due_ns > now) {
            break;
        }
        look_at(function);
    }
    if (!hf_list_is_empty(&balancer->by_due)) {
        hf_timer_set_at(
            timer,
            hf_container_of(balancer->by_due.next, struct hf_balancer_function, due_link)->due_ns);
    }
}

void
hf_balancer_on_hopeless(struct hf_timer *timer)
{
    struct hf_balancer *balancer = hf_container_of(timer, struct hf_balancer, hope);
    struct hf_balancer_function *function;

    balancer->hopeless = true;
    hf_grpc_health_set_all(balancer->front.health, false); /* parents may know better children */
    HF_LIST_FOR (function, &balancer->by_due, due_link) {
        hf_callee_refuse(function->front.callee, HF_FAILURE_NO_CHILD,
                         hf_balancer_no_child(balancer));
    }
}
