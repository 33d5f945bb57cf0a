/*
 * callee.c - one function as its callers meet it: a pool of endpoints behind a lock.
 */
#include "node/proxy/callee.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/err.h"
#include "node/proxy/upstream.h"

#define CALLEE_MAGIC   HF_MAGIC('c', 'a', 'l', 'e')
#define ENDPOINT_MAGIC HF_MAGIC('c', 'e', 'n', 'd')

struct hf_callee {
    uint32_t magic;
    _Atomic uint32_t refs;
    const struct hf_callee_config *config;
    void *user; /* NULL: the role has let go; control thread */
    atomic_bool retired;
    atomic_bool demand_posted;
    struct hf_task demand; /* tells the control thread; holds a reference while posted */
    pthread_mutex_t mutex; /* guards the pool */
    struct hf_pool *pool;
    struct hf_function function; /* what the pool and its policy see; under the lock */
    char *image;                 /* of `function` */
    size_t id_len;
    char id[];
};

struct hf_callee_endpoint {
    uint32_t magic;
    bool dropped;             /* the role hears no more of it; control thread */
    struct hf_callee *callee; /* with a reference */
    struct hf_pool_endpoint *pool;
    struct hf_upstream *upstream;
    void *user;
    struct hf_task drained; /* each holds a reference of `pool` while posted */
    struct hf_task ejected;
};

/* --- references ---------------------------------------------------------- */

struct hf_callee *
hf_callee_ref(struct hf_callee *callee)
{
    atomic_fetch_add_explicit(&callee->refs, 1, memory_order_relaxed);
    return callee;
}

void
hf_callee_unref(struct hf_callee *callee)
{
    if (!callee || atomic_fetch_sub_explicit(&callee->refs, 1, memory_order_acq_rel) != 1) {
        return;
    }
    hf_pool_free(callee->pool);
    pthread_mutex_destroy(&callee->mutex);
    free(callee->image);
    callee->magic = 0;
    free(callee);
}

const char *
hf_callee_id(const struct hf_callee *callee)
{
    return callee->id;
}

bool
hf_callee_is(const struct hf_callee *callee, const char *id, size_t len)
{
    return callee->id_len == len && memcmp(callee->id, id, len) == 0;
}

bool
hf_callee_is_retired(const struct hf_callee *callee)
{
    return atomic_load_explicit(&callee->retired, memory_order_acquire);
}

/* --- what an operation set off -------------------------------------------- */

static void
on_demand(struct hf_task *task)
{
    struct hf_callee *callee = hf_container_of(task, struct hf_callee, demand);

    atomic_store(&callee->demand_posted, false);
    if (callee->user) {
        callee->config->ops->on_demand(callee, callee->user);
    }
    hf_callee_unref(callee);
}

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

/* Acts on what an operation set off; the lock has been let go. */
static void
act(struct hf_callee *callee, struct hf_pool_out *out)
{
    struct hf_list *node;

    while ((node = hf_list_pop(&out->woken))) {
        struct hf_waiter *waiter = hf_container_of(node, struct hf_waiter, node);
        struct hf_ticket *ticket = hf_container_of(waiter, struct hf_ticket, waiter);

        hf_loop_post(ticket->loop, &ticket->wake);
    }
    if (out->ejected) {
        struct hf_callee_endpoint *endpoint = out->ejected->user;

        hf_loop_post(callee->config->control, &endpoint->ejected);
    }
    if (out->drained) {
        struct hf_callee_endpoint *endpoint = out->drained->user;

        hf_loop_post(callee->config->control, &endpoint->drained);
    }
    if (out->notify && !atomic_exchange(&callee->demand_posted, true)) {
        hf_callee_ref(callee);
        hf_loop_post(callee->config->control, &callee->demand);
    }
}

static void
lock(struct hf_callee *callee, struct hf_pool_out *out)
{
    hf_pool_out_init(out);
    pthread_mutex_lock(&callee->mutex);
}

static void
unlock(struct hf_callee *callee, struct hf_pool_out *out)
{
    pthread_mutex_unlock(&callee->mutex);
    act(callee, out);
}

/* --- tickets ------------------------------------------------------------- */

/* Under the lock: keeps why, since the pool's text may change. */
static void
note_refusal(struct hf_ticket *ticket)
{
    ticket->refusal = (enum hf_refusal)ticket->waiter.refusal;
    if (ticket->refusal != HF_REFUSED_QUEUE_FULL) { /* which says all, at the worst of times */
        free(ticket->reason);
        ticket->reason = strdup(hf_pool_reason(ticket->callee->pool));
    }
}

static void
on_wake(struct hf_task *task)
{
    struct hf_ticket *ticket = hf_container_of(task, struct hf_ticket, wake);
    enum hf_waiter_state state;

    pthread_mutex_lock(&ticket->callee->mutex);
    if (ticket->waiter.state == HF_WAITER_REFUSED) {
        note_refusal(ticket);
    }
    state = hf_pool_accept(ticket->callee->pool, &ticket->waiter);
    pthread_mutex_unlock(&ticket->callee->mutex);
    ticket->done(ticket, state == HF_WAITER_TAKEN ? HF_TICKET_TAKEN : HF_TICKET_REFUSED);
}

void
hf_ticket_init(struct hf_ticket *ticket, struct hf_callee *callee, struct hf_loop *loop,
               void (*done)(struct hf_ticket *, enum hf_ticket_result))
{
    ticket->callee = callee;
    ticket->loop = loop;
    ticket->done = done;
    ticket->refusal = HF_REFUSED_NOT;
    ticket->reason = NULL;
    ticket->wake.run = on_wake;
    hf_waiter_init(&ticket->waiter);
}

void
hf_ticket_fini(struct hf_ticket *ticket)
{
    hf_assert(!ticket->callee || ticket->waiter.state == HF_WAITER_IDLE);
    hf_callee_unref(hf_steal(ticket->callee));
    free(hf_steal(ticket->reason));
}

enum hf_ticket_result
hf_ticket_take(struct hf_ticket *ticket)
{
    struct hf_callee *callee = ticket->callee;
    enum hf_ticket_result result = HF_TICKET_STALE;
    uint64_t now = hf_loop_policy_now(ticket->loop);
    struct hf_pool_out out;

    lock(callee, &out);
    if (!hf_callee_is_retired(callee)) {
        switch (hf_pool_take(callee->pool, &ticket->waiter, now, &out)) {
        case HF_WAITER_TAKEN:
            result = HF_TICKET_TAKEN;
            break;
        case HF_WAITER_WAITING:
            result = HF_TICKET_WAITING;
            break;
        default:
            result = HF_TICKET_REFUSED;
            note_refusal(ticket);
            break;
        }
    }
    unlock(callee, &out);
    return result;
}

void
hf_ticket_release(struct hf_ticket *ticket, enum hf_outcome outcome)
{
    struct hf_pool_out out;
    uint64_t now = hf_loop_policy_now(ticket->loop);

    lock(ticket->callee, &out);
    hf_pool_release(ticket->callee->pool, &ticket->waiter, outcome, now, &out);
    unlock(ticket->callee, &out);
}

bool
hf_ticket_cancel(struct hf_ticket *ticket)
{
    struct hf_pool_out out;
    uint64_t now = hf_loop_policy_now(ticket->loop);
    bool gone;

    lock(ticket->callee, &out);
    gone = hf_pool_cancel(ticket->callee->pool, &ticket->waiter, now, &out);
    unlock(ticket->callee, &out);
    return gone;
}

struct hf_h2_channel *
hf_ticket_channel(struct hf_ticket *ticket, uint32_t thread)
{
    struct hf_callee_endpoint *endpoint = ticket->waiter.endpoint->user;

    return hf_upstream_channel(endpoint->upstream, ticket->waiter.endpoint->address, thread);
}

const char *
hf_ticket_endpoint_id(const struct hf_ticket *ticket)
{
    return ticket->waiter.endpoint->base.id;
}

/* --- the role's side ------------------------------------------------------ */

/* Copies a definition; its texts become the callee's own. */
static void
define(struct hf_callee *callee, const struct hf_function *function, char *image)
{
    callee->function = *function;
    callee->function.id = callee->id;
    callee->function.image = image;
    free(callee->image);
    callee->image = image;
}

static void
callee_init(struct hf_callee *callee, const struct hf_callee_config *config, const char *id,
            void *user)
{
    callee->magic = CALLEE_MAGIC;
    callee->config = config;
    callee->user = user;
    callee->demand.run = on_demand;
    callee->id_len = strlen(id);
    memcpy(callee->id, id, callee->id_len + 1);
    atomic_init(&callee->refs, 1);
    pthread_mutex_init(&callee->mutex, NULL);
}

int
hf_callee_new(const struct hf_callee_config *config, const struct hf_function *function,
              uint64_t seed, void *user, struct hf_callee **ret, struct hf_err *err)
{
    struct hf_callee *callee = calloc(1, sizeof *callee + strlen(function->id) + 1);
    char *image;
    int r = HF_ENOMEM;

    if (!callee) {
        return hf_fail(err, HF_ENOMEM, "function '%s': no memory", function->id);
    }
    callee_init(callee, config, function->id, user);
    image = strdup(function->image);
    if (image) {
        define(callee, function, image);
        r = hf_pool_new(&config->pool, &callee->function, seed, &callee->pool, err);
    }
    if (r < 0) {
        hf_callee_unref(callee);
        return hf_err_wrap(err, r, "function '%s'", function->id);
    }
    *ret = callee;
    return 0;
}

void
hf_callee_disown(struct hf_callee *callee)
{
    if (callee) {
        callee->user = NULL;
        hf_callee_unref(callee);
    }
}

bool
hf_callee_retire(struct hf_callee *callee)
{
    bool cold;

    pthread_mutex_lock(&callee->mutex);
    cold = hf_pool_is_cold(callee->pool);
    if (cold) {
        atomic_store_explicit(&callee->retired, true, memory_order_release);
    }
    pthread_mutex_unlock(&callee->mutex);
    return cold;
}

void
hf_callee_delete(struct hf_callee *callee, const char *reason)
{
    struct hf_pool_out out;

    lock(callee, &out);
    hf_pool_close(callee->pool, HF_REFUSED_DELETED, reason, &out);
    atomic_store_explicit(&callee->retired, true, memory_order_release);
    unlock(callee, &out);
}

int
hf_callee_redefine(struct hf_callee *callee, const struct hf_function *function)
{
    struct hf_pool_out out;
    uint64_t now = hf_loop_policy_now(callee->config->control);
    char *image = strdup(function->image);

    if (!image) {
        return HF_ENOMEM;
    }
    lock(callee, &out);
    define(callee, function, image);
    hf_pool_set_capacity(callee->pool, function->max_concurrency, now, &out);
    unlock(callee, &out);
    return 0;
}

void
hf_callee_refuse(struct hf_callee *callee, enum hf_refusal refusal, const char *reason)
{
    struct hf_pool_out out;

    lock(callee, &out);
    hf_pool_refuse(callee->pool, refusal, reason, &out);
    unlock(callee, &out);
}

void
hf_callee_load(struct hf_callee *callee, struct hf_pool_load *ret)
{
    pthread_mutex_lock(&callee->mutex);
    hf_pool_load(callee->pool, ret);
    pthread_mutex_unlock(&callee->mutex);
}

void
hf_callee_show(struct hf_callee *callee, struct hf_text *out)
{
    pthread_mutex_lock(&callee->mutex);
    hf_pool_show(callee->pool, out);
    pthread_mutex_unlock(&callee->mutex);
}

/* --- endpoints ----------------------------------------------------------- */

static void
endpoint_free(void *user)
{
    struct hf_callee_endpoint *endpoint = hf_cast(user, struct hf_callee_endpoint, ENDPOINT_MAGIC);

    hf_upstream_free(endpoint->upstream);
    hf_callee_unref(endpoint->callee);
    endpoint->magic = 0;
    free(endpoint);
}

static struct hf_callee_endpoint *
endpoint_new(struct hf_callee *callee, void *user)
{
    struct hf_callee_endpoint *endpoint = calloc(1, sizeof *endpoint);

    if (!endpoint) {
        return NULL;
    }
    *endpoint = (struct hf_callee_endpoint){
        .magic = ENDPOINT_MAGIC,
        .callee = hf_callee_ref(callee),
        .user = user,
        .drained.run = on_drained,
        .ejected.run = on_ejected,
    };
    endpoint->upstream =
        hf_upstream_new(callee->config->upstream, callee->function.max_concurrency);
    if (!endpoint->upstream) {
        endpoint_free(endpoint);
        return NULL;
    }
    return endpoint;
}

int
hf_callee_add(struct hf_callee *callee, const char *id, const char *address, void *user,
              struct hf_callee_endpoint **ret, struct hf_err *err)
{
    struct hf_callee_endpoint *endpoint = endpoint_new(callee, user);
    struct hf_pool_endpoint_spec spec = {
        .id = id,
        .address = address,
        .capacity = callee->function.max_concurrency,
        .user = endpoint,
        .user_free = endpoint_free,
    };
    struct hf_pool_out out;
    int r;

    if (!endpoint) {
        return hf_fail(err, HF_ENOMEM, "instance '%s': no memory", id);
    }
    lock(callee, &out);
    r = hf_pool_add(callee->pool, &spec, hf_loop_policy_now(callee->config->control), &out,
                    &endpoint->pool);
    if (r == 0) {
        hf_pool_endpoint_ref(endpoint->pool); /* the role's, until hf_callee_drop */
    }
    unlock(callee, &out);
    if (r < 0) {
        endpoint_free(endpoint);
        return hf_fail(err, r, "instance '%s': the lb policy has no place for it", id);
    }
    *ret = endpoint;
    return 0;
}

void
hf_callee_drain(struct hf_callee_endpoint *endpoint)
{
    struct hf_pool_out out;

    lock(endpoint->callee, &out);
    hf_pool_drain(endpoint->callee->pool, endpoint->pool, &out);
    unlock(endpoint->callee, &out);
}

void
hf_callee_leave(struct hf_callee_endpoint *endpoint)
{
    struct hf_pool_out out;

    lock(endpoint->callee, &out);
    hf_pool_leave(endpoint->callee->pool, endpoint->pool, &out);
    unlock(endpoint->callee, &out);
}

bool
hf_callee_drain_idle(struct hf_callee *callee, uint64_t before_ns)
{
    struct hf_pool_out out;
    bool found;

    lock(callee, &out);
    found = hf_pool_drain_idle(callee->pool, before_ns, &out);
    unlock(callee, &out);
    return found;
}

void
hf_callee_drop(struct hf_callee_endpoint *endpoint)
{
    endpoint->dropped = true;
    hf_callee_drain(endpoint);
    hf_pool_endpoint_unref(endpoint->pool);
}
