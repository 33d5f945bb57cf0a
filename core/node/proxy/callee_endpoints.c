/*
 * callee_endpoints.c - a callee's endpoints: added, drained, ejected, dropped.
 */
#include <stdlib.h>

#include "base/counters.h"
#include "base/err.h"
#include "node/proxy/callee_private.h"

HF_COUNTER(proxy_asked, "Times that an endpoint was asked whether it still answers.");

#define ENDPOINT_MAGIC HF_MAGIC('c', 'e', 'n', 'd')

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
    hf_pool_endpoint_unref(endpoint->pool);
}

static void
on_ejected(struct hf_task *task)
{
    struct hf_callee_endpoint *endpoint = hf_container_of(task, struct hf_callee_endpoint, ejected);

    if (!endpoint->dropped) {
        endpoint->callee->config->ops->on_ejected(endpoint, endpoint->user);
    }
    hf_pool_endpoint_unref(endpoint->pool);
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
    hf_pool_trust(callee->pool, endpoint->pool);
    pthread_mutex_unlock(&callee->mutex);
    if (hangs && !endpoint->dropped) {
        callee->config->ops->on_hung(endpoint, endpoint->user);
    }
    hf_pool_endpoint_unref(endpoint->pool);
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
    check.fresh = endpoint->pool->unanswered <= FRESH_MAX;
    pthread_mutex_unlock(&callee->mutex);
    if (!endpoint->dropped && hf_upstream_check(endpoint->upstream, &check)) {
        hf_count(&proxy_asked);
    } else {
        on_checked(endpoint, false);
    }
}

/* --- adding --------------------------------------------------------------- */

static void
endpoint_free(void *user)
{
    struct hf_callee_endpoint *endpoint = hf_cast(user, struct hf_callee_endpoint, ENDPOINT_MAGIC);

    hf_upstream_unref(endpoint->upstream);
    hf_callee_unref(endpoint->callee);
    endpoint->magic = 0;
    free(endpoint);
}

static struct hf_callee_endpoint *
endpoint_new(struct hf_callee *callee, const struct hf_callee_endpoint_spec *spec)
{
    struct hf_callee_endpoint *endpoint = calloc(1, sizeof *endpoint);

    if (!endpoint) {
        return NULL;
    }
    *endpoint = (struct hf_callee_endpoint){
        .magic = ENDPOINT_MAGIC,
        .callee = hf_callee_ref(callee),
        .user = spec->user,
        .drained.run = on_drained,
        .ejected.run = on_ejected,
        .suspected.run = on_suspected,
    };
    endpoint->upstream = spec->upstream ? hf_upstream_ref(spec->upstream)
                                        : hf_upstream_new(callee->config->upstream,
                                                          callee->function.max_concurrency);
    if (!endpoint->upstream) {
        endpoint_free(endpoint);
        return NULL;
    }
    return endpoint;
}

int
hf_callee_add(struct hf_callee *callee, const struct hf_callee_endpoint_spec *spec,
              struct hf_callee_endpoint **ret, struct hf_err *err)
{
    struct hf_callee_endpoint *endpoint = endpoint_new(callee, spec);
    const struct hf_pool_endpoint_spec pool_spec = {
        .id = spec->id,
        .address = spec->address,
        .capacity = callee->function.max_concurrency,
        .user = endpoint,
        .user_free = endpoint_free,
    };
    struct hf_pool_out out;
    int r;

    if (!endpoint) {
        return hf_fail(err, HF_ENOMEM, "endpoint '%s': no memory", spec->id);
    }
    hf_callee_lock(callee, &out);
    r = hf_pool_add(callee->pool, &pool_spec, hf_loop_policy_now(callee->config->control), &out,
                    &endpoint->pool);
    if (r == 0) {
        hf_pool_endpoint_ref(endpoint->pool); /* the role's, until hf_callee_drop */
    }
    hf_callee_unlock(callee, &out);
    if (r < 0) {
        endpoint_free(endpoint);
        return hf_fail(err, r, "endpoint '%s': the lb policy has no place for it", spec->id);
    }
    *ret = endpoint;
    return 0;
}

void
hf_callee_drain(struct hf_callee_endpoint *endpoint)
{
    struct hf_pool_out out;

    hf_callee_lock(endpoint->callee, &out);
    hf_pool_drain(endpoint->callee->pool, endpoint->pool, &out);
    hf_callee_unlock(endpoint->callee, &out);
}

void
hf_callee_leave(struct hf_callee_endpoint *endpoint)
{
    struct hf_pool_out out;

    hf_callee_lock(endpoint->callee, &out);
    hf_pool_leave(endpoint->callee->pool, endpoint->pool, &out);
    hf_callee_unlock(endpoint->callee, &out);
}

bool
hf_callee_drain_idle(struct hf_callee *callee, uint64_t before_ns)
{
    struct hf_pool_out out;
    bool found;

    hf_callee_lock(callee, &out);
    found = hf_pool_drain_idle(callee->pool, before_ns, &out);
    hf_callee_unlock(callee, &out);
    return found;
}

void
hf_callee_endpoint_cut(struct hf_callee_endpoint *endpoint)
{
    hf_upstream_cut(endpoint->upstream);
}

bool
hf_callee_endpoint_served(struct hf_callee_endpoint *endpoint)
{
    bool served;

    pthread_mutex_lock(&endpoint->callee->mutex);
    served = endpoint->pool->served;
    pthread_mutex_unlock(&endpoint->callee->mutex);
    return served;
}

void
hf_callee_endpoint_load(struct hf_callee_endpoint *endpoint, uint32_t *ret_in_flight,
                        uint64_t *ret_calls)
{
    pthread_mutex_lock(&endpoint->callee->mutex);
    *ret_in_flight = endpoint->pool->in_flight;
    *ret_calls = endpoint->pool->uses;
    pthread_mutex_unlock(&endpoint->callee->mutex);
}

void
hf_callee_drop(struct hf_callee_endpoint *endpoint)
{
    endpoint->dropped = true;
    if (endpoint->callee->config->ops->on_hung) {
        hf_upstream_check_cancel(endpoint->upstream);
    }
    hf_callee_drain(endpoint);
    hf_pool_endpoint_unref(endpoint->pool);
}
