/*
 * pool_figures.c - what a pool keeps for policies that need it: how often calls come, how long
 * they take, how busy endpoints are.
 *
 * For others nothing here runs.
 */
#include <string.h>

#include "base/macros.h"
#include "engine/pool_private.h"

/* Each value of a moving average counts one part in so many. */
#define WEIGHT 8

static uint64_t
average(uint64_t mean, uint64_t value)
{
    if (mean == 0) {
        return hf_max(value, UINT64_C(1)); /* 0: not known */
    }
    return value > mean ? mean + (value - mean) / WEIGHT : mean - (mean - value) / WEIGHT;
}

void
hf_pool_note_arrival(struct hf_pool *pool, struct hf_waiter *waiter, uint64_t now_ns)
{
    struct hf_pool_load *load = &pool->load;

    if (waiter->attempts > 0) {
        return;
    }
    waiter->arrived_ns = now_ns;
    waiter->cold = load->endpoints == 0;
    if (load->last_arrival_ns > 0) {
        pool->view.gap_ns =
            average(pool->view.gap_ns, hf_sub_saturated(now_ns, load->last_arrival_ns));
    }
    if (load->in_flight == 0 && load->waiting == 0 && load->last_finished_ns > 0) {
        load->last_gap_ns = hf_sub_saturated(now_ns, load->last_finished_ns);
        load->gaps_sum_ns += load->last_gap_ns;
        load->gaps_total++;
    }
    load->last_arrival_ns = now_ns;
}

void
hf_pool_note_start(struct hf_waiter *waiter)
{
    const struct hf_pool_endpoint *endpoint = waiter->endpoint;

    waiter->cold = waiter->cold || endpoint->cold;
    if (endpoint->node) {
        atomic_fetch_add_explicit(&endpoint->node->in_flight, 1, memory_order_relaxed);
    }
}

void
hf_pool_note_end(struct hf_pool *pool, const struct hf_waiter *waiter, uint32_t outcome,
                 uint64_t now_ns)
{
    const struct hf_pool_endpoint *endpoint = waiter->endpoint;

    if (endpoint->node) {
        atomic_fetch_sub_explicit(&endpoint->node->in_flight, 1, memory_order_relaxed);
    }
    if (outcome == HF_OUTCOME_OK && waiter->cold) {
        pool->view.cold_ns =
            average(pool->view.cold_ns, hf_sub_saturated(now_ns, waiter->arrived_ns));
    } else if (outcome == HF_OUTCOME_OK) {
        pool->view.warm_ns =
            average(pool->view.warm_ns, hf_sub_saturated(now_ns, waiter->since_ns));
    }
}

/* For `hf_lb_view`. */
static bool
view_load(const struct hf_lb_view *view, uint32_t i, struct hf_endpoint_load *ret)
{
    const struct hf_pool *pool = hf_container_of(view, struct hf_pool, view);
    struct hf_endpoint_load filled = { .size = ret->size };
    const struct hf_pool_endpoint *endpoint;

    if ((pool->ops->needs & (HF_LB_NEEDS_LOAD | HF_LB_NEEDS_REPORTS)) == 0 ||
        i >= view->usable_count) {
        return false;
    }
    endpoint = hf_handles_at(&pool->endpoints, view->usable[i].handle.index);
    filled.known = HF_LOAD_OWN;
    filled.in_flight = filled.node_in_flight = endpoint->in_flight;
    if (endpoint->node) {
        hf_node_load_read(endpoint->node, &filled);
    }
    if (endpoint->room_known) {
        filled.known |= HF_LOAD_ROOM;
        filled.room = endpoint->room;
    }
    memcpy(ret, &filled, hf_min(ret->size, sizeof filled));
    return true;
}

int
hf_pool_view_init(struct hf_pool *pool)
{
    const struct hf_lb_ops *ops = pool->ops;

    pool->view = (struct hf_lb_view){ .size = sizeof pool->view, .load = view_load };
    pool->keeps = pool->settings->keep_gaps || (ops->needs & ~HF_LB_NEEDS_ALL_CHILDREN) != 0;
    pool->tells = pool->keeps || ops->started || ops->finished;
    pool->prepares = pool->settings->shared || (ops->reasons && ops->reason_count > 0);
    return hf_reasons_init(&pool->reasons, ops->reasons, ops->reason_count);
}

struct hf_handle
hf_pool_pick_prepared(struct hf_pool *pool)
{
    struct hf_handle handle;

    if (pool->settings->shared) {
        pool->view.shared = atomic_load_explicit(pool->settings->shared, memory_order_acquire);
    }
    pool->view.decision = hf_reasons_begin(&pool->reasons);
    handle = hf_pool_ask(pool);
    hf_reasons_end(&pool->reasons);
    return handle;
}

void
hf_pool_set_warm(struct hf_pool *pool, struct hf_pool_endpoint *endpoint, bool warm)
{
    bool usable = endpoint->position != HF_NOT_USABLE;

    if (endpoint->cold == !warm) {
        return;
    }
    if (usable) {
        hf_pool_usable_remove(pool, endpoint);
    }
    endpoint->cold = !warm;
    if (usable) {
        hf_pool_usable_add(pool, endpoint);
    }
}

void
hf_pool_set_room(struct hf_pool *pool, struct hf_pool_endpoint *endpoint, bool known, uint32_t room)
{
    (void)pool; /* names the lock that must be held */
    endpoint->room_known = known;
    endpoint->room = room;
}
