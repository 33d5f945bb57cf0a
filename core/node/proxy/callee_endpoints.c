/*
 * callee_endpoints.c - a callee's endpoints: added, drained, ejected, dropped.
 */
#include <stdlib.h>

#include "base/counters.h"
#include "base/err.h"
#include "node/proxy/callee_private.h"

HF_COUNTER(proxy_asked, "Times that an endpoint was asked whether it still answers.");

/* --- what the role hears -------------------------------------------------- */

static void
on_drained(struct hf_task *task)
{
    struct hf_callee_endpoint *endpoint = hf_container_of(task, struct hf_callee_endpoint, drained);
    struct hf_callee *callee = endpoint->callee;

    if (!endpoint->dropped) {
        callee->config->ops->on_drained(endpoint, endpoint->user);
    } else if (callee->user) {
        callee->config->ops->on_demand(callee, callee->user);
    }
    hf_pool_endpoint_unref(&endpoint->base);
}

static void
on_ejected(struct hf_task *task)
{
    struct hf_callee_endpoint *endpoint = hf_container_of(task, struct hf_callee_endpoint, ejected);

    if (!endpoint->dropped) {
        endpoint->callee->config->ops->on_ejected(endpoint, endpoint->user);
    }
    hf_pool_endpoint_unref(&endpoint->base);
}

/* --- whether it hangs ------------------------------------------------------- */

/* Calls given up before an answer that still count as the first after one. */
#define FRESH_MAX 3u

static void
on_checked(void *arg, bool hangs)
{
    struct hf_callee_endpoint *endpoint = arg;
    struct hf_callee *callee = endpoint->callee;

    pthread_mutex_lock(&callee->mutex);
    hf_pool_trust(callee->pool, &endpoint->base);
    pthread_mutex_unlock(&callee->mutex);
    if (hangs && !endpoint->dropped) {
        callee->config->ops->on_hung(endpoint, endpoint->user);
    }
    hf_pool_endpoint_unref(&endpoint->base);
}

static void
on_suspected(struct hf_task *task)
{
    struct hf_callee_endpoint *endpoint =
        hf_container_of(task, struct hf_callee_endpoint, suspected);
    struct hf_callee *callee = endpoint->callee;
    struct hf_upstream_check check = {
        .loop = callee->config->control,
        .silence_ns = callee->config->silence_ns,
        .busy_ns = callee->config->busy_ns,
        .done = on_checked,
        .arg = endpoint,
    };

    pthread_mutex_lock(&callee->mutex);
    check.fresh = endpoint->base.unanswered <= FRESH_MAX;
    pthread_mutex_unlock(&callee->mutex);
    if (!endpoint->dropped && hf_upstream_check(endpoint->upstream, &check)) {
        hf_count(&proxy_asked);
    } else {
        on_checked(endpoint, false);
    }
}

/* --- adding --------------------------------------------------------------- */

void
hf_callee_endpoint_fini(struct hf_pool_endpoint *base)
{
    struct hf_callee_endpoint *endpoint = hf_container_of(base, struct hf_callee_endpoint, base);

    hf_upstream_unref(endpoint->upstream);
    hf_callee_unref(endpoint->callee);
}

int
hf_callee_add(struct hf_callee *callee, const struct hf_callee_endpoint_spec *spec,
              struct hf_callee_endpoint **ret, struct hf_err *err)
{
    const struct hf_callee_config *config = callee->config;
    struct hf_pool_endpoint_spec pool_spec = {
        .id = spec->id,
        .address = spec->address,
        .capacity = callee->function.max_concurrency,
        .child = spec->child,
        .cold = spec->cold,
    };
    struct hf_upstream *upstream = spec->upstream
                                       ? hf_upstream_ref(spec->upstream)
                                       : hf_upstream_new(config->upstream, pool_spec.capacity);
    struct hf_pool_endpoint *base;
    struct hf_pool_out out;
    int r;

    if (!upstream) {
        return hf_fail(err, HF_ENOMEM, "endpoint '%s': no memory", spec->id);
    }
    if (spec->upstream && (config->pool.lb->needs & (HF_LB_NEEDS_LOAD | HF_LB_NEEDS_REPORTS))) {
        pool_spec.node = hf_upstream_load(upstream);
    }
    hf_callee_lock(callee, &out);
    r = hf_pool_add(callee->pool, &pool_spec, hf_loop_policy_now(config->control), &out, &base);
    if (r == 0) {
        struct hf_callee_endpoint *endpoint =
            hf_container_of(hf_pool_endpoint_ref(base), struct hf_callee_endpoint, base);

        endpoint->callee = hf_callee_ref(callee); /* the role's reference: until hf_callee_drop */
        endpoint->upstream = upstream;
        endpoint->user = spec->user;
        endpoint->drained.run = on_drained;
        endpoint->ejected.run = on_ejected;
        endpoint->suspected.run = on_suspected;
        *ret = endpoint;
    }
    hf_callee_unlock(callee, &out);
    if (r < 0) {
        hf_upstream_unref(upstream);
        return hf_fail(err, r, "endpoint '%s': the lb policy has no place for it", spec->id);
    }
    return 0;
}

void
hf_callee_endpoint_set_warm(struct hf_callee_endpoint *endpoint, bool warm)
{
    pthread_mutex_lock(&endpoint->callee->mutex);
    hf_pool_set_warm(endpoint->callee->pool, &endpoint->base, warm);
    pthread_mutex_unlock(&endpoint->callee->mutex);
}

void
hf_callee_endpoint_set_room(struct hf_callee_endpoint *endpoint, bool known, uint32_t room)
{
    pthread_mutex_lock(&endpoint->callee->mutex);
    hf_pool_set_room(endpoint->callee->pool, &endpoint->base, known, room);
    pthread_mutex_unlock(&endpoint->callee->mutex);
}

void
hf_callee_endpoint_cut(struct hf_callee_endpoint *endpoint)
{
    hf_upstream_cut(endpoint->upstream);
}

void
hf_callee_endpoint_load(struct hf_callee_endpoint *endpoint, struct hf_callee_endpoint_load *ret)
{
    pthread_mutex_lock(&endpoint->callee->mutex);
    *ret = (struct hf_callee_endpoint_load){
        .in_flight = endpoint->base.in_flight,
        .calls = endpoint->base.uses,
        .served = endpoint->base.served,
    };
    pthread_mutex_unlock(&endpoint->callee->mutex);
}

void
hf_callee_drop(struct hf_callee_endpoint *endpoint)
{
    struct hf_pool_out out;

    endpoint->dropped = true;
    if (endpoint->callee->config->ops->on_hung) {
        hf_upstream_check_cancel(endpoint->upstream);
    }
    hf_pool_drain(hf_callee_lock(endpoint->callee, &out), &endpoint->base, &out);
    hf_callee_unlock(endpoint->callee, &out);
    hf_pool_endpoint_unref(&endpoint->base);
}
