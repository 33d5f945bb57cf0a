/*
 * pool.c - the path of a call: slots, the queue, and the lb policy between them.
 *
 * Endpoints lie in a table by their handles; those that may take a call lie also
 * in a dense array, the policy's view.  Both have room for every endpoint from
 * the moment it is added, so nothing on the path of a call allocates.
 *
 * The invariant behind `take` and `release`: while calls wait, either no
 * endpoint is usable or the policy has declined those that are.
 */
#include "engine/pool.h"

#include "base/assert.h"
#include "base/counters.h"
#include "base/guest.h"
#include "base/hash.h"
#include "engine/pool_private.h"

HF_COUNTER(policy_lb_invalid, "Answers of lb policies that were no usable endpoint; replaced.");

void
hf_waiter_init(struct hf_waiter *waiter)
{
    *waiter = (struct hf_waiter){ .state = HF_WAITER_IDLE };
    hf_list_init(&waiter->node);
}

void
hf_pool_out_init(struct hf_pool_out *out)
{
    *out = (struct hf_pool_out){ 0 };
    hf_list_init(&out->woken);
}

/* --- usable and idle ----------------------------------------------------------------------- */

static bool
has_room(const struct hf_pool_endpoint *endpoint)
{
    return !endpoint->draining &&
           (endpoint->base.capacity == 0 || endpoint->in_flight < endpoint->base.capacity);
}

void
hf_pool_usable_update(struct hf_pool *pool, struct hf_pool_endpoint *endpoint)
{
    bool is = endpoint->position != HF_NOT_USABLE;
    bool should = has_room(endpoint);

    if (should && !is) {
        hf_pool_usable_add(pool, endpoint);
        if (pool->ops->freed) {
            hf_guest_do(pool->ops, freed, pool->id, pool->lb, &endpoint->base);
        }
    } else if (is && !should) {
        hf_pool_usable_remove(pool, endpoint);
        if (pool->ops->full) {
            hf_guest_do(pool->ops, full, pool->id, pool->lb, &endpoint->base);
        }
    }
}

void
hf_pool_idle_begin(struct hf_pool *pool, struct hf_pool_endpoint *endpoint, uint64_t now_ns)
{
    endpoint->idle_since_ns = now_ns;
    hf_list_append(&pool->idle, &endpoint->idle_node);
    pool->load.idle++;
}

static void
idle_end(struct hf_pool *pool, struct hf_pool_endpoint *endpoint)
{
    if (!hf_list_is_empty(&endpoint->idle_node)) {
        hf_list_remove(&endpoint->idle_node);
        pool->load.idle--;
    }
}

/* Its calls are not as they were when the pool was last asked about it. */
static void
note_change(struct hf_pool *pool, struct hf_pool_endpoint *endpoint)
{
    if (hf_list_is_empty(&endpoint->changed_node)) {
        hf_list_append(&pool->changed, &endpoint->changed_node);
    }
}

/* --- picking and granting ------------------------------------------------------------------ */

uint64_t
hf_pool_random(struct hf_pool *pool)
{
    pool->random += UINT64_C(0x9e3779b97f4a7c15);
    return hf_hash_mix(pool->random);
}

/* The usable endpoint with that handle, or NULL. */
static struct hf_pool_endpoint *
find_usable(const struct hf_pool *pool, struct hf_handle handle)
{
    struct hf_pool_endpoint *endpoint = hf_handles_find(&pool->endpoints, handle);

    return endpoint && endpoint->position != HF_NOT_USABLE ? endpoint : NULL;
}

/* Asks the policy; NULL: nothing is usable, or it declined. */
static struct hf_pool_endpoint *
pick(struct hf_pool *pool, uint64_t now_ns)
{
    struct hf_pool_endpoint *endpoint;
    struct hf_handle handle;

    if (pool->view.usable_count == 0) {
        return NULL;
    }
    pool->view.now_ns = now_ns;
    pool->view.random = hf_pool_random(pool);
    handle = hf_unlikely(pool->prepares) ? hf_pool_pick_prepared(pool) : hf_pool_ask(pool);
    if (handle.generation == 0) {
        return NULL;
    }
    endpoint = find_usable(pool, handle);
    if (hf_unlikely(!endpoint)) {
        pool->load.invalid_picks++;
        hf_count(&policy_lb_invalid);
        endpoint = hf_pool_endpoint_at(pool, pool->usable[0].handle.index);
    }
    return endpoint;
}

static bool
avoids(const struct hf_waiter *waiter, const struct hf_pool_endpoint *endpoint)
{
    struct hf_handle handle = endpoint->base.handle;

    return waiter->avoid.generation == handle.generation && waiter->avoid.index == handle.index;
}

/* The usable endpoint beside the one that the waiter avoids; NULL: there is none. */
static struct hf_pool_endpoint *
other_than(const struct hf_pool *pool, const struct hf_pool_endpoint *endpoint)
{
    uint32_t next = endpoint->position + 1;

    if (pool->view.usable_count < 2) {
        return NULL;
    }
    return hf_pool_endpoint_at(pool, pool->usable[next % pool->view.usable_count].handle.index);
}

static inline void
tell_start(struct hf_pool *pool, struct hf_waiter *waiter, uint64_t now_ns)
{
    struct hf_pool_endpoint *endpoint = waiter->endpoint;

    if (hf_unlikely(pool->keeps)) {
        hf_pool_note_start(waiter);
    }
    if (pool->ops->started) {
        endpoint->base.now_ns = now_ns;
        hf_guest_do(pool->ops, started, pool->id, pool->lb, &endpoint->base);
    }
}

/* Takes a slot for the waiter. */
static void
occupy(struct hf_pool *pool, struct hf_waiter *waiter, struct hf_pool_endpoint *endpoint,
       uint64_t now_ns)
{
    if (endpoint->in_flight++ == 0) {
        idle_end(pool, endpoint);
    }
    endpoint->uses++;
    note_change(pool, endpoint);
    pool->load.in_flight++;
    waiter->endpoint = endpoint;
    waiter->since_ns = now_ns;
    waiter->attempts++;
    if (pool->tells) {
        tell_start(pool, waiter, now_ns);
    }
}

/* A waiter's time in the queue is over. */
static void
wake(struct hf_pool *pool, struct hf_waiter *waiter, enum hf_waiter_state state,
     struct hf_pool_out *out)
{
    hf_list_remove(&waiter->node);
    pool->load.waiting--;
    waiter->state = (uint8_t)state;
    hf_list_append(&out->woken, &waiter->node);
}

/* The first who waits and can make use of a slot, or NULL; who cannot any more is refused. */
static struct hf_waiter *
first_in_time(struct hf_pool *pool, uint64_t now_ns, struct hf_pool_out *out)
{
    struct hf_waiter *waiter;

    while ((waiter = hf_list_first(&pool->waiting, struct hf_waiter, node)) &&
           hf_unlikely(hf_pool_is_late(pool, waiter, now_ns))) {
        waiter->refusal = HF_FAILURE_OVERLOADED;
        wake(pool, waiter, HF_WAITER_REFUSED, out);
    }
    return waiter;
}

/* Sets a slot aside for one who waits. */
static void
grant(struct hf_pool *pool, struct hf_waiter *waiter, struct hf_pool_endpoint *endpoint,
      uint64_t now_ns, struct hf_pool_out *out)
{
    occupy(pool, waiter, endpoint, now_ns);
    wake(pool, waiter, HF_WAITER_GRANTED, out);
}

void
hf_pool_dispatch(struct hf_pool *pool, uint64_t now_ns, struct hf_pool_out *out)
{
    struct hf_pool_endpoint *endpoint;
    struct hf_waiter *waiter;

    while (pool->view.usable_count > 0 && (waiter = first_in_time(pool, now_ns, out)) &&
           (endpoint = pick(pool, now_ns))) {
        grant(pool, waiter, endpoint, now_ns, out);
        hf_pool_usable_update(pool, endpoint);
    }
}

static void
notify(struct hf_pool *pool, struct hf_pool_out *out)
{
    if (!pool->notified) {
        pool->notified = true;
        out->notify = true;
    }
}

static enum hf_waiter_state
refuse_new(struct hf_waiter *waiter, enum hf_failure refusal)
{
    waiter->refusal = (uint16_t)refusal;
    return HF_WAITER_REFUSED;
}

enum hf_waiter_state
hf_pool_take(struct hf_pool *pool, struct hf_waiter *waiter, uint64_t now_ns,
             struct hf_pool_out *out)
{
    struct hf_pool_endpoint *endpoint = NULL;

    hf_assert(waiter->state == HF_WAITER_IDLE);
    if (pool->closed) {
        return refuse_new(waiter, pool->closed);
    }
    pool->load.calls_total += waiter->attempts == 0;
    if (hf_unlikely(pool->keeps)) {
        hf_pool_note_arrival(pool, waiter, now_ns);
    }
    if (hf_unlikely(pool->refusing) && pool->load.endpoints == 0) {
        return refuse_new(waiter, pool->refusing); /* nobody needs to look: nothing can be done */
    }
    if (pool->quiet) {
        pool->quiet = false;
        notify(pool, out);
    }
    if (pool->load.waiting == 0) {
        endpoint = pick(pool, now_ns);
        if (endpoint && hf_unlikely(avoids(waiter, endpoint))) {
            endpoint = other_than(pool, endpoint);
        }
    }
    if (endpoint) {
        occupy(pool, waiter, endpoint, now_ns);
        hf_pool_usable_update(pool, endpoint);
        return waiter->state = HF_WAITER_TAKEN;
    }
    if (waiter->avoid.generation != 0) {
        return refuse_new(waiter, HF_FAILURE_NO_OTHER);
    }
    if (pool->load.waiting >= pool->settings->max_waiting) {
        return refuse_new(waiter, HF_FAILURE_QUEUE_FULL);
    }
    if (hf_unlikely(pool->load.at_limit) && hf_pool_waits_in_vain(pool, waiter, now_ns)) {
        return refuse_new(waiter, HF_FAILURE_OVERLOADED);
    }
    if (waiter->attempts > 0) {
        hf_list_prepend(&pool->waiting, &waiter->node);
    } else {
        hf_list_append(&pool->waiting, &waiter->node);
    }
    pool->load.waiting++;
    waiter->since_ns = now_ns;
    notify(pool, out);
    return waiter->state = HF_WAITER_WAITING;
}

enum hf_waiter_state
hf_pool_accept(struct hf_pool *pool, struct hf_waiter *waiter)
{
    enum hf_waiter_state state = waiter->state;

    (void)pool; /* names the lock that must be held */
    hf_assert(state == HF_WAITER_GRANTED || state == HF_WAITER_REFUSED ||
              state == HF_WAITER_CANCELLED);
    if (state == HF_WAITER_GRANTED) {
        return waiter->state = HF_WAITER_TAKEN;
    }
    waiter->state = HF_WAITER_IDLE;
    return state;
}

/* --- giving back --------------------------------------------------------------------------- */

/* The endpoint leaves for good. */
static void
leave(struct hf_pool *pool, struct hf_pool_endpoint *endpoint, struct hf_pool_out *out)
{
    if (pool->ops->removed) {
        hf_guest_do(pool->ops, removed, pool->id, pool->lb, &endpoint->base);
    }
    hf_handles_remove(&pool->endpoints, endpoint->base.handle);
    hf_list_remove(&endpoint->changed_node);
    pool->load.draining--;
    endpoint->removed = true;
    hf_assert(!out->drained);
    out->drained = endpoint;
}

void
hf_pool_drain(struct hf_pool *pool, struct hf_pool_endpoint *endpoint, struct hf_pool_out *out)
{
    if (endpoint->draining) {
        return;
    }
    endpoint->draining = true;
    pool->load.endpoints--;
    pool->load.draining++;
    idle_end(pool, endpoint);
    hf_pool_usable_update(pool, endpoint);
    if (endpoint->in_flight == 0) {
        leave(pool, endpoint, out);
    }
}

void
hf_pool_leave(struct hf_pool *pool, struct hf_pool_endpoint *endpoint, struct hf_pool_out *out)
{
    endpoint->leaving = true;
    if (endpoint->in_flight == 0) {
        hf_pool_drain(pool, endpoint, out);
    }
}

bool
hf_pool_drain_idle(struct hf_pool *pool, uint64_t before_ns, struct hf_pool_out *out)
{
    struct hf_pool_endpoint *endpoint =
        hf_list_first(&pool->idle, struct hf_pool_endpoint, idle_node);

    if (!endpoint || endpoint->idle_since_ns > before_ns) {
        return false;
    }
    hf_pool_drain(pool, endpoint, out);
    return true;
}

/* Keeps count of failures in a row; whether there are too many now. */
static bool
must_eject(struct hf_pool *pool, struct hf_pool_endpoint *endpoint, uint32_t outcome)
{
    uint32_t limit = pool->settings->eject_after;

    endpoint->served |= outcome == HF_OUTCOME_OK || outcome == HF_OUTCOME_CANCELLED;
    if (outcome == HF_OUTCOME_OK) {
        endpoint->failures = 0;
    } else if (outcome == HF_OUTCOME_FAILED) {
        endpoint->failures++;
    }
    return limit > 0 && endpoint->failures >= limit && !endpoint->draining;
}

/* Keeps count of calls given up in a row; whether that is a reason to ask if it still answers. */
static bool
must_ask(const struct hf_pool *pool, struct hf_pool_endpoint *endpoint, uint32_t outcome)
{
    uint32_t after = pool->settings->ask_after;

    if (outcome == HF_OUTCOME_OK) {
        endpoint->unanswered = 0;
    } else if (outcome == HF_OUTCOME_CANCELLED) {
        uint32_t n = ++endpoint->unanswered;

        return after > 0 && n >= after && (n & (n - 1)) == 0 && !endpoint->suspected &&
               !endpoint->draining;
    }
    return false;
}

static inline void
tell_end(struct hf_pool *pool, const struct hf_waiter *waiter, uint32_t outcome,
         uint64_t elapsed_ns, uint64_t now_ns)
{
    struct hf_pool_endpoint *endpoint = waiter->endpoint;

    if (hf_unlikely(pool->keeps)) {
        hf_pool_note_end(pool, waiter, outcome, now_ns);
    }
    if (pool->ops->finished) {
        endpoint->base.now_ns = now_ns;
        hf_guest_do(pool->ops, finished, pool->id, pool->lb, &endpoint->base, outcome, elapsed_ns);
    }
}

/* The books of a call that ended. */
static void
vacate(struct hf_pool *pool, struct hf_waiter *waiter, uint32_t outcome, uint64_t now_ns)
{
    struct hf_pool_endpoint *endpoint = waiter->endpoint;
    uint64_t elapsed_ns = hf_sub_saturated(now_ns, waiter->since_ns);

    endpoint->in_flight--;
    note_change(pool, endpoint);
    pool->load.in_flight--;
    if (outcome == HF_OUTCOME_RELEASED) {
        endpoint->uses--;
    } else {
        pool->load.last_finished_ns = now_ns;
    }
    if (outcome == HF_OUTCOME_OK || outcome == HF_OUTCOME_CANCELLED) {
        hf_pool_note_service(pool, elapsed_ns);
    }
    if (endpoint->in_flight == 0 && !endpoint->draining) {
        hf_pool_idle_begin(pool, endpoint, now_ns);
    }
    if (pool->tells) {
        tell_end(pool, waiter, outcome, elapsed_ns, now_ns);
    }
    waiter->endpoint = NULL;
}

static void
give_back(struct hf_pool *pool, struct hf_waiter *waiter, uint32_t outcome, uint64_t now_ns,
          struct hf_pool_out *out)
{
    struct hf_pool_endpoint *endpoint = waiter->endpoint;
    struct hf_waiter *next;

    vacate(pool, waiter, outcome, now_ns);
    if (hf_unlikely(must_ask(pool, endpoint, outcome))) {
        hf_assert(!out->suspect);
        endpoint->suspected = true;
        out->suspect = hf_pool_endpoint_ref(endpoint);
    }
    if (must_eject(pool, endpoint, outcome)) {
        hf_assert(!out->ejected);
        out->ejected = hf_pool_endpoint_ref(endpoint);
        hf_pool_drain(pool, endpoint, out);
        return;
    }
    if (endpoint->draining) {
        if (endpoint->in_flight == 0) {
            leave(pool, endpoint, out);
        }
        return;
    }
    /* Under load the freed slot goes straight to the next call, and the endpoint
     * stays out of the usable set, as it was. */
    if (pool->load.waiting > 0 && pool->view.usable_count == 0 && has_room(endpoint) &&
        (next = first_in_time(pool, now_ns, out))) {
        grant(pool, next, endpoint, now_ns, out);
    }
    hf_pool_usable_update(pool, endpoint);
    hf_pool_dispatch(pool, now_ns, out);
    if (endpoint->leaving && endpoint->in_flight == 0) {
        hf_pool_drain(pool, endpoint, out);
    }
}

void
hf_pool_release(struct hf_pool *pool, struct hf_waiter *waiter, uint32_t outcome, uint64_t now_ns,
                struct hf_pool_out *out)
{
    hf_assert(waiter->state == HF_WAITER_TAKEN);
    waiter->state = HF_WAITER_IDLE;
    give_back(pool, waiter, outcome, now_ns, out);
}

bool
hf_pool_cancel(struct hf_pool *pool, struct hf_waiter *waiter, uint64_t now_ns,
               struct hf_pool_out *out)
{
    switch ((enum hf_waiter_state)waiter->state) {
    case HF_WAITER_IDLE:
        return true;
    case HF_WAITER_WAITING:
        hf_list_remove(&waiter->node);
        pool->load.waiting--;
        waiter->state = HF_WAITER_IDLE;
        return true;
    case HF_WAITER_GRANTED:
        waiter->state = HF_WAITER_CANCELLED;
        give_back(pool, waiter, HF_OUTCOME_RELEASED, now_ns, out);
        return false;
    case HF_WAITER_REFUSED:
    case HF_WAITER_CANCELLED:
        waiter->state = HF_WAITER_CANCELLED;
        return false;
    case HF_WAITER_TAKEN:
        break;
    }
    hf_unreachable();
}
