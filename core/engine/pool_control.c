/*
 * pool_control.c - making pools and endpoints, changing and reading them.
 *
 * What is not on the path of a call; here memory may be allocated.
 */
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/err.h"
#include "base/guest.h"
#include "base/hash.h"
#include "engine/pool_private.h"

/* --- endpoints ----------------------------------------------------------------------------- */

struct hf_pool_endpoint *
hf_pool_endpoint_ref(struct hf_pool_endpoint *endpoint)
{
    atomic_fetch_add_explicit(&endpoint->refs, 1, memory_order_relaxed);
    return endpoint;
}

void
hf_pool_endpoint_unref(struct hf_pool_endpoint *endpoint)
{
    if (!endpoint || atomic_fetch_sub_explicit(&endpoint->refs, 1, memory_order_acq_rel) > 1) {
        return;
    }
    hf_assert(endpoint->removed);
    if (endpoint->fini) {
        endpoint->fini(endpoint);
    }
    free(endpoint);
}

/* One block for the endpoint, the caller's part of it, the policy's state and the texts. */
static struct hf_pool_endpoint *
endpoint_new(const struct hf_pool_settings *settings, const struct hf_pool_endpoint_spec *spec)
{
    const size_t align = _Alignof(max_align_t);
    size_t own_size = hf_max(settings->endpoint_size, sizeof(struct hf_pool_endpoint));
    size_t state_at = (own_size + align - 1) & ~(align - 1);
    size_t state_size = settings->lb->endpoint_state_size;
    size_t id_size = strlen(spec->id) + 1;
    size_t address_size = strlen(spec->address) + 1;
    struct hf_pool_endpoint *endpoint;
    char *block = calloc(1, state_at + state_size + id_size + address_size);
    char *texts;

    if (!block) {
        return NULL;
    }
    texts = block + state_at + state_size;
    endpoint = (struct hf_pool_endpoint *)(void *)block;
    endpoint->base = (struct hf_endpoint){
        .size = sizeof endpoint->base,
        .capacity = spec->capacity,
        .id = memcpy(texts, spec->id, id_size),
        .state = block + state_at,
        .hash = hf_hash(spec->id, id_size - 1),
        .child = spec->child.generation != 0 ? spec->child : HF_NONE,
    };
    endpoint->node = spec->node;
    endpoint->cold = spec->cold;
    endpoint->address = memcpy(texts + id_size, spec->address, address_size);
    endpoint->fini = settings->endpoint_fini;
    endpoint->position = HF_NOT_USABLE;
    hf_list_init(&endpoint->idle_node);
    hf_list_init(&endpoint->changed_node);
    atomic_init(&endpoint->refs, 1);
    return endpoint;
}

/* --- pools --------------------------------------------------------------------------------- */

/* The policy's own words, behind its name; words are found if it gave none. */
static int
fail_policy(const struct hf_pool *pool, int r, struct hf_err *err)
{
    const struct hf_guest policy = { .owner = pool->ops };
    const char *section = pool->settings->section;

    if (r >= 0) {
        r = hf_fail(err, HF_EINTERNAL, "its `create` returned %d and made nothing", r);
    } else if (hf_err_code(err) == 0) {
        hf_fail(err, r, "it does not say why (%s)", hf_error_name(r));
    }
    return hf_err_wrap(err, r, "[%s] %s", section ? section : "lb", hf_guest_name(&policy));
}

int
hf_pool_new(const struct hf_pool_settings *settings, const struct hf_function *function,
            uint64_t seed, struct hf_pool **ret, struct hf_err *err)
{
    hf_autofree struct hf_pool *pool = calloc(1, sizeof *pool);
    int r;

    if (!pool) {
        return hf_fail(err, HF_ENOMEM, "function '%s': no memory for its pool", function->id);
    }
    pool->settings = settings;
    pool->ops = settings->lb;
    pool->function = function;
    pool->id = function->id;
    pool->random = hf_hash_mix(seed ^ function->hash);
    hf_handles_init(&pool->endpoints);
    hf_list_init(&pool->waiting);
    hf_list_init(&pool->idle);
    hf_list_init(&pool->changed);
    if (hf_pool_view_init(pool) < 0) {
        return hf_fail(err, HF_ENOMEM, "function '%s': no memory for its pool", function->id);
    }
    r = hf_guest_call(pool->ops, create, pool->id, settings->host, settings->options, function,
                      &pool->lb, err);
    if (r < 0 || !pool->lb) {
        hf_reasons_fini(&pool->reasons);
        return fail_policy(pool, r, err);
    }
    *ret = hf_steal(pool);
    return 0;
}

void
hf_pool_free(struct hf_pool *pool)
{
    if (!pool) {
        return;
    }
    hf_assert(hf_pool_is_cold(pool));
    hf_guest_do(pool->ops, destroy, pool->id, pool->lb);
    hf_handles_fini(&pool->endpoints);
    hf_reasons_fini(&pool->reasons);
    free(pool->usable);
    free(pool->reason);
    free(pool);
}

bool
hf_pool_is_cold(const struct hf_pool *pool)
{
    return pool->load.endpoints == 0 && pool->load.draining == 0 && pool->load.waiting == 0;
}

/* Makes sure that one more endpoint has room. */
static int
reserve(struct hf_pool *pool)
{
    int r = hf_handles_reserve(&pool->endpoints);
    struct hf_candidate *usable;

    if (r < 0 || pool->usable_room == pool->endpoints.size) {
        return r;
    }
    usable = realloc(pool->usable, pool->endpoints.size * sizeof *usable);
    if (!usable) {
        return HF_ENOMEM;
    }
    pool->view.usable = pool->usable = usable;
    pool->usable_room = pool->endpoints.size;
    return 0;
}

int
hf_pool_add(struct hf_pool *pool, const struct hf_pool_endpoint_spec *spec, uint64_t now_ns,
            struct hf_pool_out *out, struct hf_pool_endpoint **ret)
{
    hf_autofree struct hf_pool_endpoint *made = endpoint_new(pool->settings, spec);
    struct hf_pool_endpoint *endpoint = made;
    int r = made ? reserve(pool) : HF_ENOMEM;

    if (r < 0) {
        return r;
    }
    endpoint->base.handle = hf_handles_next(&pool->endpoints);
    r = pool->ops->added ? hf_guest_call(pool->ops, added, pool->id, pool->lb, &endpoint->base) : 0;
    if (r < 0) {
        return r;
    }
    made = NULL; /* the pool's now */
    hf_handles_add(&pool->endpoints, endpoint);
    pool->load.endpoints++;
    hf_pool_usable_add(pool, endpoint);
    hf_pool_idle_begin(pool, endpoint, now_ns);
    hf_pool_dispatch(pool, now_ns, out);
    *ret = endpoint;
    return 0;
}

void
hf_pool_set_capacity(struct hf_pool *pool, uint32_t capacity, uint64_t now_ns,
                     struct hf_pool_out *out)
{
    for (uint32_t i = 0; i < pool->endpoints.size; i++) {
        struct hf_pool_endpoint *endpoint = hf_handles_at(&pool->endpoints, i);

        if (endpoint) {
            endpoint->base.capacity = capacity;
            hf_pool_usable_update(pool, endpoint);
        }
    }
    hf_pool_dispatch(pool, now_ns, out);
}

void
hf_pool_trust(struct hf_pool *pool, struct hf_pool_endpoint *endpoint)
{
    (void)pool; /* names the lock that must be held */
    endpoint->suspected = false;
}

void
hf_pool_set_refusing(struct hf_pool *pool, enum hf_failure refusal)
{
    pool->refusing = (uint16_t)refusal;
}

void
hf_pool_set_at_limit(struct hf_pool *pool, bool at_limit)
{
    pool->load.at_limit = at_limit;
}

void
hf_pool_refuse(struct hf_pool *pool, enum hf_failure refusal, const char *reason,
               struct hf_pool_out *out)
{
    struct hf_waiter *waiter;

    free(pool->reason);
    pool->reason = strdup(reason); /* without memory the fixed word must do */
    HF_LIST_FOR (waiter, &pool->waiting, node) {
        waiter->state = HF_WAITER_REFUSED;
        waiter->refusal = (uint16_t)refusal;
    }
    hf_list_splice(&out->woken, &pool->waiting);
    pool->load.waiting = 0;
}

void
hf_pool_close(struct hf_pool *pool, enum hf_failure refusal, const char *reason,
              struct hf_pool_out *out)
{
    pool->closed = (uint16_t)refusal;
    hf_pool_refuse(pool, refusal, reason, out);
}

const char *
hf_pool_reason(const struct hf_pool *pool)
{
    return pool->reason ? pool->reason : "";
}

/* Free slots of all endpoints together. */
static uint32_t
room_of(const struct hf_pool *pool)
{
    uint64_t slots = (uint64_t)pool->load.endpoints * pool->function->max_concurrency;

    if (pool->function->max_concurrency == 0 && pool->load.endpoints > 0) {
        return UINT32_MAX;
    }
    return (uint32_t)hf_min(hf_sub_saturated(slots, pool->load.in_flight),
                            (uint64_t)UINT32_MAX - 1);
}

void
hf_pool_peek(const struct hf_pool *pool, struct hf_pool_load *ret)
{
    const struct hf_pool_endpoint *oldest =
        hf_list_first(&pool->idle, struct hf_pool_endpoint, idle_node);
    const struct hf_waiter *first = hf_list_first(&pool->waiting, struct hf_waiter, node);

    *ret = pool->load;
    ret->oldest_idle_ns = oldest ? oldest->idle_since_ns : 0;
    ret->service_ns = pool->service.mean_ns;
    ret->wait_ns = hf_pool_expected_wait(pool);
    ret->room = room_of(pool);
    ret->waiting_since_ns = first ? first->since_ns : 0;
    ret->gap_ns = pool->view.gap_ns;
    ret->cold_ns = pool->view.cold_ns;
    ret->warm_ns = pool->view.warm_ns;
}

void
hf_pool_load(struct hf_pool *pool, struct hf_pool_load *ret)
{
    hf_pool_peek(pool, ret);
    pool->notified = false;
    pool->quiet = ret->in_flight == 0 && ret->waiting == 0;
}

void
hf_pool_changed(struct hf_pool *pool, void (*fn)(struct hf_pool_endpoint *endpoint))
{
    struct hf_list *node;

    while ((node = hf_list_pop(&pool->changed))) {
        fn(hf_container_of(node, struct hf_pool_endpoint, changed_node));
    }
}

void
hf_pool_show(const struct hf_pool *pool, struct hf_text *text)
{
    if (pool->ops->show) {
        hf_guest_do(pool->ops, show, pool->id, pool->lb, text);
    }
    hf_reasons_show(&pool->reasons, text);
}
