/*
 * callee.c - one function as its callers meet it: a pool of endpoints behind a lock.
 */
#include "node/proxy/callee.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/parse.h"
#include "base/text.h"
#include "node/proxy/callee_private.h"

#define CALLEE_MAGIC HF_MAGIC('c', 'a', 'l', 'e')

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
    free(callee->failure);
    free(callee->ends);
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

static struct hf_callee_endpoint *
endpoint_of(struct hf_pool_endpoint *endpoint)
{
    return hf_container_of(endpoint, struct hf_callee_endpoint, base);
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
        hf_loop_post(callee->config->control, &endpoint_of(out->ejected)->ejected);
    }
    if (out->suspect) {
        hf_loop_post(callee->config->control, &endpoint_of(out->suspect)->suspected);
    }
    if (out->drained) {
        hf_loop_post(callee->config->control, &endpoint_of(out->drained)->drained);
    }
    if (out->notify && !atomic_exchange(&callee->demand_posted, true)) {
        hf_callee_ref(callee);
        hf_loop_post(callee->config->control, &callee->demand);
    }
}

struct hf_pool *
hf_callee_lock(struct hf_callee *callee, struct hf_pool_out *out)
{
    hf_pool_out_init(out);
    pthread_mutex_lock(&callee->mutex);
    return callee->pool;
}

void
hf_callee_unlock(struct hf_callee *callee, struct hf_pool_out *out)
{
    pthread_mutex_unlock(&callee->mutex);
    act(callee, out);
}

/* --- tickets ------------------------------------------------------------- */

/* Under the lock: keeps why, since the pool's text may change. */
static void
note_refusal(struct hf_ticket *ticket)
{
    ticket->refusal = (enum hf_failure)ticket->waiter.refusal;
    if (ticket->refusal == HF_FAILURE_QUEUE_FULL || ticket->refusal == HF_FAILURE_OVERLOADED) {
        ticket->pushback_ns = hf_pool_pushback(ticket->callee->pool);
    } else {
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
    ticket->refusal = HF_FAILURE_NONE;
    ticket->reason = NULL;
    ticket->pushback_ns = 0;
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
hf_ticket_take(struct hf_ticket *ticket, uint64_t deadline_ns)
{
    struct hf_callee *callee = ticket->callee;
    enum hf_ticket_result result = HF_TICKET_STALE;
    uint64_t now = hf_loop_policy_now(ticket->loop);
    struct hf_pool_out out;

    if (deadline_ns > 0) { /* the pool knows only the policies' clock */
        ticket->waiter.deadline_ns =
            hf_add_saturated(now, hf_sub_saturated(deadline_ns, hf_loop_now(ticket->loop)));
    }
    hf_callee_lock(callee, &out);
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
    hf_callee_unlock(callee, &out);
    return result;
}

void
hf_ticket_release(struct hf_ticket *ticket, enum hf_outcome outcome)
{
    struct hf_pool_out out;
    uint64_t now = hf_loop_policy_now(ticket->loop);

    hf_callee_lock(ticket->callee, &out);
    hf_pool_release(ticket->callee->pool, &ticket->waiter, outcome, now, &out);
    hf_callee_unlock(ticket->callee, &out);
}

void
hf_ticket_avoid(struct hf_ticket *ticket)
{
    ticket->waiter.avoid = ticket->waiter.endpoint->base.handle;
}

bool
hf_ticket_cancel(struct hf_ticket *ticket)
{
    struct hf_pool_out out;
    uint64_t now = hf_loop_policy_now(ticket->loop);
    bool gone;

    hf_callee_lock(ticket->callee, &out);
    gone = hf_pool_cancel(ticket->callee->pool, &ticket->waiter, now, &out);
    hf_callee_unlock(ticket->callee, &out);
    return gone;
}

struct hf_h2_channel *
hf_ticket_channel(struct hf_ticket *ticket, uint32_t thread)
{
    return hf_upstream_channel(endpoint_of(ticket->waiter.endpoint)->upstream,
                               ticket->waiter.endpoint->address, thread);
}

bool
hf_ticket_is_node(const struct hf_ticket *ticket)
{
    return hf_upstream_is_node(endpoint_of(ticket->waiter.endpoint)->upstream);
}

const char *
hf_ticket_endpoint_id(const struct hf_ticket *ticket)
{
    return ticket->waiter.endpoint->base.id;
}

void
hf_ticket_explain_wait(struct hf_ticket *ticket, struct hf_text *out)
{
    struct hf_callee *callee = ticket->callee;
    uint64_t now = hf_loop_policy_now(ticket->loop);
    char age[HF_FORMAT_MAX];

    pthread_mutex_lock(&callee->mutex);
    if (callee->starting_ns > 0) {
        uint64_t for_ns = hf_sub_saturated(now, callee->starting_ns);

        hf_text_printf(out, "; one has been starting for %s",
                       hf_format_duration(for_ns - for_ns % HF_MSEC, age));
    }
    if (callee->failure) {
        hf_text_printf(out, "; the last start failed: %s", callee->failure);
    }
    pthread_mutex_unlock(&callee->mutex);
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

    hf_callee_lock(callee, &out);
    hf_pool_close(callee->pool, HF_FAILURE_DELETED, reason, &out);
    atomic_store_explicit(&callee->retired, true, memory_order_release);
    hf_callee_unlock(callee, &out);
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
    hf_callee_lock(callee, &out);
    define(callee, function, image);
    hf_pool_set_capacity(callee->pool, function->max_concurrency, now, &out);
    hf_callee_unlock(callee, &out);
    return 0;
}

void
hf_callee_refuse(struct hf_callee *callee, enum hf_failure refusal, const char *reason)
{
    struct hf_pool_out out;

    hf_callee_lock(callee, &out);
    hf_pool_refuse(callee->pool, refusal, reason, &out);
    hf_callee_unlock(callee, &out);
}

void
hf_callee_set_starting(struct hf_callee *callee, uint64_t since_ns)
{
    pthread_mutex_lock(&callee->mutex);
    callee->starting_ns = since_ns;
    pthread_mutex_unlock(&callee->mutex);
}

void
hf_callee_note_end(struct hf_callee *callee, const char *endpoint_id, const char *how)
{
    struct hf_callee_ends *made = calloc(1, sizeof *made);
    struct hf_callee_ends *ends;
    unsigned i;

    pthread_mutex_lock(&callee->mutex);
    if (!callee->ends) {
        callee->ends = hf_steal(made);
    }
    ends = callee->ends;
    if (ends) {
        i = ends->next++ % HF_CALLEE_ENDS;
        snprintf(ends->of[i].id, sizeof ends->of[i].id, "%s", endpoint_id);
        snprintf(ends->of[i].how, sizeof ends->of[i].how, "%s", how);
    }
    pthread_mutex_unlock(&callee->mutex);
    free(made);
}

bool
hf_callee_find_end(struct hf_callee *callee, const char *endpoint_id, char *ret, size_t size)
{
    bool found = false;

    pthread_mutex_lock(&callee->mutex);
    for (unsigned i = 0; callee->ends && i < HF_CALLEE_ENDS && !found; i++) {
        found = strcmp(callee->ends->of[i].id, endpoint_id) == 0;
        if (found) {
            snprintf(ret, size, "%s", callee->ends->of[i].how);
        }
    }
    pthread_mutex_unlock(&callee->mutex);
    return found;
}

void
hf_callee_set_failure(struct hf_callee *callee, const char *why)
{
    char *copy = why ? strdup(why) : NULL;
    char *old;

    pthread_mutex_lock(&callee->mutex);
    old = callee->failure;
    callee->failure = copy;
    pthread_mutex_unlock(&callee->mutex);
    free(old);
}

void
hf_callee_show_failure(struct hf_callee *callee, struct hf_text *out)
{
    pthread_mutex_lock(&callee->mutex);
    hf_text_add(out, callee->failure ? callee->failure : "");
    pthread_mutex_unlock(&callee->mutex);
}

static void
note_load(struct hf_pool_endpoint *base)
{
    const struct hf_callee_endpoint *endpoint = endpoint_of(base);

    if (!endpoint->dropped) {
        endpoint->callee->config->ops->on_load(base, endpoint->user);
    }
}

void
hf_callee_load(struct hf_callee *callee, struct hf_pool_load *ret)
{
    pthread_mutex_lock(&callee->mutex);
    hf_pool_load(callee->pool, ret);
    if (callee->config->ops->on_load) {
        hf_pool_changed(callee->pool, note_load);
    }
    pthread_mutex_unlock(&callee->mutex);
}

void
hf_callee_peek(struct hf_callee *callee, struct hf_pool_load *ret)
{
    pthread_mutex_lock(&callee->mutex);
    hf_pool_peek(callee->pool, ret);
    pthread_mutex_unlock(&callee->mutex);
}

void
hf_callee_show(struct hf_callee *callee, struct hf_text *out)
{
    pthread_mutex_lock(&callee->mutex);
    hf_pool_show(callee->pool, out);
    pthread_mutex_unlock(&callee->mutex);
}
