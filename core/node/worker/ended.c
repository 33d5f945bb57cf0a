/*
 * ended.c - instances that ended lately, and how: for the one who asks what became of them.
 *
 * The memory is bounded in number, bytes and time (the policy clock's), and in what one function
 * may have of it: one that crashes again and again does not displace what is known of others.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "node/node.h"
#include "node/worker/worker.h"

/* Of one function. */
#define PER_FUNCTION_MAX 32

/* Of all together, their own fields included. */
#define BYTES_MAX (1u << 20)

/* Kept of what a runtime says about an end. */
#define REASON_MAX 512

/* What is remembered of a function's instances. */
struct past {
    struct hf_map_node by_id; /* in the worker's `pasts` */
    struct hf_list ended;     /* oldest first */
    uint32_t count;
    char id[];
};

static void
ended_free(struct hf_worker_ended *ended)
{
    if (ended) {
        free(ended->texts);
        free(ended);
    }
}

static void
forget(struct hf_worker_role *worker, struct hf_worker_ended *ended)
{
    struct past *past = ended->past;

    worker->ended_count--;
    worker->ended_bytes -= ended->bytes;
    hf_list_remove(&ended->node);
    hf_list_remove(&ended->of_function);
    ended_free(ended);
    if (--past->count == 0) {
        hf_map_remove(&worker->pasts, &past->by_id);
        free(past);
    }
}

static struct past *
past_get(struct hf_worker_role *worker, const char *function)
{
    size_t len = strlen(function);
    struct hf_map_node *node = hf_map_find(&worker->pasts, function, len);
    struct past *past;

    if (node) {
        return hf_container_of(node, struct past, by_id);
    }
    past = calloc(1, sizeof *past + len + 1);
    if (!past) {
        return NULL;
    }
    memcpy(past->id, function, len + 1);
    hf_list_init(&past->ended);
    if (hf_map_add(&worker->pasts, &past->by_id, past->id, len) < 0) {
        free(past);
        return NULL;
    }
    return past;
}

/* A copy of what is told. */
static struct hf_worker_ended *
copy(const struct hf_worker_ended *told)
{
    struct hf_worker_ended *ended = calloc(1, sizeof *ended);

    if (!ended) {
        return NULL;
    }
    *ended = *told;
    ended->texts = hf_worker_facts_keep(&ended->facts, &ended->reason, REASON_MAX);
    ended->bytes = sizeof *ended + ended->facts.bytes;
    if (!ended->texts) {
        free(ended);
        return NULL;
    }
    return ended;
}

/* Sets the timer for the oldest. */
static void
expire_later(struct hf_worker_role *worker)
{
    const struct hf_worker_ended *oldest =
        hf_list_first(&worker->ended, struct hf_worker_ended, node);

    if (oldest) {
        hf_timer_set_at(&worker->ended_expiry, oldest->expires_ns);
    } else {
        hf_timer_cancel(&worker->ended_expiry);
    }
}

static void
on_expiry(struct hf_timer *timer)
{
    struct hf_worker_role *worker = hf_container_of(timer, struct hf_worker_role, ended_expiry);
    uint64_t now = hf_loop_policy_now(worker->loop);
    struct hf_worker_ended *ended;
    struct hf_worker_ended *next;

    HF_LIST_FOR_SAFE (ended, next, &worker->ended, node) {
        if (ended->expires_ns > now) {
            break;
        }
        forget(worker, ended);
    }
    expire_later(worker);
}

static void
remember(struct hf_worker_role *worker, const struct hf_worker_ended *told)
{
    struct hf_worker_ended *ended = copy(told);
    struct past *past = ended ? past_get(worker, told->facts.function_id) : NULL;

    if (!past) {
        ended_free(ended);
        return;
    }
    ended->past = past;
    ended->expires_ns = hf_loop_policy_now(worker->loop) + worker->ended_ns;
    hf_list_append(&worker->ended, &ended->node);
    hf_list_append(&past->ended, &ended->of_function);
    past->count++;
    worker->ended_count++;
    worker->ended_bytes += ended->bytes;
    if (past->count > PER_FUNCTION_MAX) {
        forget(worker, hf_container_of(past->ended.next, struct hf_worker_ended, of_function));
    }
    while (worker->ended_count > worker->ended_max || worker->ended_bytes > BYTES_MAX) {
        forget(worker, hf_container_of(worker->ended.next, struct hf_worker_ended, node));
    }
    expire_later(worker);
}

/* --- what is told -------------------------------------------------------------------------- */

static void
note(struct hf_worker_role *worker, const struct hf_worker_ended *told)
{
    hf_worker_tell_ended(worker, told);
    if (worker->ended_max > 0) {
        remember(worker, told);
    }
}

void
hf_worker_note_end(const struct hf_worker_instance *instance, const struct hf_instance_end *end,
                   const char *reason)
{
    struct hf_worker_ended told = {
        .facts = instance->facts,
        .reason = end ? end->message : reason,
        .ended_wall_ns = hf_wall_now(),
        .served = instance->served,
        .expected = !end && !instance->failure,
        .known = end && (end->exit_code >= 0 || end->signal > 0),
    };

    if (end) {
        told.exit_code = end->exit_code;
        told.signal = end->signal;
        told.out_of_memory = end->out_of_memory != 0;
    }
    note(instance->worker, &told);
}

void
hf_worker_note_claim_end(struct hf_worker_role *worker, const struct hf_worker_facts *facts,
                         const char *reason)
{
    const struct hf_worker_ended told = {
        .facts = *facts,
        .reason = reason,
        .ended_wall_ns = hf_wall_now(),
        .served = true,
    };

    note(worker, &told);
}

void
hf_worker_ended_init(struct hf_worker_role *worker)
{
    hf_list_init(&worker->ended);
    hf_map_init(&worker->pasts, hf_node_seed(worker->node, "worker pasts"));
    hf_timer_init(&worker->ended_expiry, worker->loop, HF_TIMER_POLICY, on_expiry);
}

void
hf_worker_ended_fini(struct hf_worker_role *worker)
{
    while (!hf_list_is_empty(&worker->ended)) {
        forget(worker, hf_container_of(worker->ended.next, struct hf_worker_ended, node));
    }
    hf_map_fini(&worker->pasts);
    hf_timer_fini(&worker->ended_expiry);
}
