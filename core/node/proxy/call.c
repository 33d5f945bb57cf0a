/*
 * call.c - the life of a proxied call: whom it calls, its slot, its end.
 *
 * What flows between the two streams once they are joined is in forward.c.
 */
#include "node/proxy/call.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/counters.h"
#include "base/text.h"
#include "grpc/timeout.h"
#include "node/proxy/control.h"

/* Bytes of a function's id that a failure repeats. */
#define ID_SHOWN 128

/* Calls kept for reuse by each thread; more are given back to the system. */
#define FREE_CALLS_MAX 1024

/* How long before its deadline a call that waits is answered: a share of the time it had, and at
 * most. */
#define ANSWER_SHARE  20
#define ANSWER_MAX_NS (20 * HF_MSEC)

HF_COUNTER(proxy_calls, "Calls that arrived at a proxy port.");
HF_COUNTER(proxy_waited, "Calls that found no free slot and waited.");
HF_COUNTER(proxy_retries,
           "Calls sent to another endpoint because the first cannot have seen them.");
HF_COUNTER(proxy_failed, "Calls that the platform itself ended with a failure.");
HF_COUNTER(proxy_overloaded, "Calls refused because too many wait for the same function.");
HF_COUNTER(proxy_deadline, "Calls whose deadline passed at this node.");

/* --- memory -------------------------------------------------------------- */

static struct hf_proxy_call *
call_new(struct hf_proxy_thread *thread)
{
    struct hf_proxy_call *call = thread->free_calls;

    if (call) {
        thread->free_calls = call->next_free;
        thread->free_count--;
        memset(call, 0, sizeof *call);
    } else {
        call = calloc(1, sizeof *call);
        if (!call) {
            return NULL;
        }
    }
    call->magic = HF_PROXY_CALL_MAGIC;
    call->thread = thread;
    hf_proxy_thread_count_calls(thread, 1);
    return call;
}

static void
call_free(struct hf_proxy_call *call)
{
    struct hf_proxy_thread *thread = call->thread;

    hf_ticket_fini(&call->ticket);
    hf_timer_fini(&call->deadline);
    hf_h2_fields_unref(call->request);
    hf_h2_fields_unref(call->request_trailers);
    hf_h2_fields_unref(call->refusal);
    hf_proxy_call_account_end(call);
    free(call->lost);
    call->magic = 0;
    if (thread->free_count < FREE_CALLS_MAX) {
        call->next_free = thread->free_calls;
        thread->free_calls = call;
        thread->free_count++;
    } else {
        free(call);
    }
    hf_proxy_thread_count_calls(thread, -1);
    hf_proxy_thread_check_drained(thread);
}

void
hf_proxy_call_free_spares(struct hf_proxy_thread *thread)
{
    while (thread->free_calls) {
        struct hf_proxy_call *call = thread->free_calls;

        thread->free_calls = call->next_free;
        free(call);
    }
}

void
hf_proxy_call_settle(struct hf_proxy_call *call)
{
    if (!call->down && !call->up && !call->route_pending && !call->ticket_pending) {
        hf_assert(call->state == HF_CALL_ENDED);
        call_free(call);
    }
}

/* --- ends ---------------------------------------------------------------- */

void
hf_proxy_call_release(struct hf_proxy_call *call, enum hf_outcome outcome)
{
    hf_ticket_release(&call->ticket, outcome);
}

/* Takes the call back from wherever it waits, or from the endpoint. */
static void
withdraw(struct hf_proxy_call *call)
{
    switch ((enum hf_call_state)call->state) {
    case HF_CALL_ROUTING:
    case HF_CALL_ENDED:
        break;
    case HF_CALL_WAITING:
        if (call->ticket_pending && hf_ticket_cancel(&call->ticket)) {
            call->ticket_pending = false;
        }
        break;
    case HF_CALL_CONNECTING:
        hf_h2_channel_cancel(&call->opening);
        hf_proxy_call_release(call, HF_OUTCOME_RELEASED);
        break;
    case HF_CALL_FORWARDING:
        if (call->up) {
            hf_h2_stream_abandon(call->up, HF_H2_CANCEL);
            call->up = NULL;
            hf_proxy_call_release(call, HF_OUTCOME_CANCELLED);
        }
        break;
    }
    call->state = HF_CALL_ENDED;
    hf_timer_cancel(&call->deadline);
    hf_proxy_call_account_end(call);
}

void
hf_proxy_call_fail(struct hf_proxy_call *call, enum hf_failure failure, const char *why)
{
    struct hf_h2_stream *down = call->down;
    char id[ID_SHOWN] = "";
    const struct hf_failure_report report = {
        .failure = failure,
        .brief = call->conn && call->conn->is_stranger,
        .dispatched = call->dispatched,
        .retries = call->retries,
        .pushback_ns = call->ticket.pushback_ns,
        .function = id,
        .why = why,
    };

    if (call->ticket.callee) {
        snprintf(id, sizeof id, "%s", hf_callee_id(call->ticket.callee));
    } else if (call->request && call->route.id) {
        snprintf(id, sizeof id, "%.*s", (int)hf_min(call->route.id_len, sizeof id - 1),
                 call->route.id);
    }
    withdraw(call);
    hf_count(&proxy_failed);
    if (!down || call->finished) {
        return;
    }
    call->finished = true;
    if (!call->responded) {
        hf_failure_reply(down, &report);
    } else if (hf_message_tracker_at_boundary(&call->response)) {
        hf_failure_trailers(down, &report);
    } else {
        hf_h2_stream_reset(down, HF_H2_INTERNAL_ERROR);
    }
}

/* The caller has gone. */
void
hf_proxy_call_abandon(struct hf_proxy_call *call)
{
    hf_proxy_call_account_end(call);
    call->down = NULL;
    call->conn = NULL;
    withdraw(call);
    hf_proxy_call_settle(call);
}

static void
on_deadline(struct hf_timer *timer)
{
    struct hf_proxy_call *call = hf_container_of(timer, struct hf_proxy_call, deadline);
    const struct hf_proxy_words *words = call->thread->shared->words;
    hf_autotext struct hf_text where;

    hf_assert(call->magic == HF_PROXY_CALL_MAGIC);
    hf_text_init(&where);
    if (call->lost) {
        hf_proxy_call_look(call);
        return;
    }
    if (call->state == HF_CALL_FORWARDING) {
        hf_text_add(&where, words->while_running);
    } else {
        hf_text_add(&where, words->while_waiting);
        if (call->ticket.callee) {
            hf_ticket_explain_wait(&call->ticket, &where);
        }
    }
    hf_count(&proxy_deadline);
    hf_proxy_call_fail(call, HF_FAILURE_DEADLINE, hf_text_str(&where));
    hf_proxy_call_settle(call);
}

/* --- connecting ---------------------------------------------------------- */

static void
on_open_failed(void *arg, int code, const char *why)
{
    struct hf_proxy_call *call = hf_cast(arg, struct hf_proxy_call, HF_PROXY_CALL_MAGIC);

    if (code == HF_EINVALID) { /* no other instance of the function would take it either */
        hf_proxy_call_release(call, HF_OUTCOME_RELEASED);
        call->state = HF_CALL_ENDED;
        hf_proxy_call_fail(call, HF_FAILURE_HEADERS_TOO_LARGE, why);
        hf_proxy_call_settle(call);
        return;
    }
    /* Only a failed dial says something about the endpoint. */
    hf_proxy_call_release(call, code == HF_EUNAVAILABLE ? HF_OUTCOME_FAILED : HF_OUTCOME_RELEASED);
    call->state = HF_CALL_WAITING;
    hf_proxy_call_retry(call, why);
}

static void
on_open(void *arg, struct hf_h2_stream *up)
{
    struct hf_proxy_call *call = hf_cast(arg, struct hf_proxy_call, HF_PROXY_CALL_MAGIC);

    call->up = up;
    hf_proxy_forward_begin(call);
}

/* What the endpoint is told beyond the caller's own headers. */
static void
prepare_request(struct hf_proxy_call *call, uint64_t now_ns)
{
    if (call->deadline_ns > 0 && now_ns > call->began_ns) {
        char text[HF_GRPC_TIMEOUT_SIZE];
        uint64_t left = call->deadline_ns > now_ns ? call->deadline_ns - now_ns : 1;
        size_t len = hf_grpc_timeout_format(left, text);

        hf_h2_fields_set(call->request, HF_H2_GRPC_TIMEOUT, text, len);
    }
    if (call->retries > 0) {
        hf_control_set(call->request, HF_H2_GRPC_PREVIOUS_RPC_ATTEMPTS, call->retries);
    }
    if (call->thread->shared->to_nodes) {
        hf_control_set_hops(call->request, call->hops + 1);
    }
}

/* Opens a stream to the endpoint of the slot that the call now holds. */
static void
connect_call(struct hf_proxy_call *call)
{
    struct hf_proxy_thread *thread = call->thread;
    struct hf_h2_channel *channel = hf_ticket_channel(&call->ticket, thread->index);

    if (!channel) {
        hf_proxy_call_release(call, HF_OUTCOME_RELEASED);
        call->state = HF_CALL_ENDED;
        hf_proxy_call_fail(call, HF_FAILURE_NO_MEMORY, "no memory for a connection");
        hf_proxy_call_settle(call);
        return;
    }
    if (call->attempted) {
        call->retries++;
        hf_count(&proxy_retries);
    }
    call->attempted = true;
    call->state = HF_CALL_CONNECTING;
    prepare_request(call, hf_loop_now(thread->loop));
    call->opening = (struct hf_h2_request){
        .fields = hf_h2_fields_ref(call->request),
        .end = call->down_ended && call->held.len == 0 && !call->request_trailers,
        .deadline_ns = call->deadline_ns,
        .ops = &hf_proxy_up_ops,
        .arg = call,
        .on_open = on_open,
        .on_fail = on_open_failed,
    };
    call->up = hf_h2_channel_open(channel, &call->opening);
    if (call->up) {
        hf_proxy_forward_begin(call);
    } else {
        hf_proxy_call_account(call);
    }
}

/* --- a slot -------------------------------------------------------------- */

/* Why the ticket was refused, for people. */
static const char *
reason_of(const struct hf_ticket *ticket)
{
    if (ticket->reason) {
        return ticket->reason;
    }
    return ticket->refusal == HF_FAILURE_OVERLOADED
               ? "so many calls wait for it that this one can't be served in time"
               : "as many calls wait for it as may";
}

static void
refused(struct hf_proxy_call *call)
{
    if (call->ticket.refusal == HF_FAILURE_NO_OTHER) {
        hf_proxy_call_no_other(call);
        return;
    }
    if (call->deadline_ns > 0 && hf_loop_now(call->thread->loop) >= call->deadline_ns) {
        call->ticket.pushback_ns = 0;
        on_deadline(&call->deadline); /* it was about to */
        return;
    }
    if (call->ticket.pushback_ns > 0) {
        hf_count(&proxy_overloaded);
    }
    call->state = HF_CALL_ENDED;
    hf_proxy_call_fail(call, call->ticket.refusal, reason_of(&call->ticket));
    hf_proxy_call_settle(call);
}

static void
on_ticket(struct hf_ticket *ticket, enum hf_ticket_result result)
{
    struct hf_proxy_call *call = hf_container_of(ticket, struct hf_proxy_call, ticket);

    hf_assert(call->magic == HF_PROXY_CALL_MAGIC);
    call->ticket_pending = false;
    if (call->state != HF_CALL_WAITING) {
        hf_proxy_call_settle(call); /* it was taken back while the word was on its way */
    } else if (result == HF_TICKET_TAKEN) {
        if (call->deadline_ns > 0) {
            hf_timer_set_at(&call->deadline, call->deadline_ns);
        }
        connect_call(call);
    } else {
        refused(call);
    }
}

/* Callers end a call at its deadline by themselves.  One that waits has no use for the last moment,
 * so it is answered before, and the caller hears why it waited. */
static void
begin_waiting(struct hf_proxy_call *call)
{
    uint64_t given = hf_sub_saturated(call->deadline_ns, call->began_ns);

    call->state = HF_CALL_WAITING;
    call->ticket_pending = true;
    hf_count(&proxy_waited);
    if (call->deadline_ns > 0) {
        hf_timer_set_at(&call->deadline,
                        call->deadline_ns - hf_min(given / ANSWER_SHARE, ANSWER_MAX_NS));
    }
    hf_proxy_call_account(call); /* which may end it */
}

void
hf_proxy_call_take_slot(struct hf_proxy_call *call)
{
    switch (hf_ticket_take(&call->ticket, call->deadline_ns)) {
    case HF_TICKET_TAKEN:
        connect_call(call);
        break;
    case HF_TICKET_WAITING:
        begin_waiting(call);
        break;
    case HF_TICKET_REFUSED:
        refused(call);
        break;
    case HF_TICKET_STALE:
        call->state = HF_CALL_ROUTING;
        hf_ticket_fini(&call->ticket);
        hf_proxy_call_resolve(call);
        break;
    }
}

void
hf_proxy_call_routed(struct hf_proxy_call *call, struct hf_callee *callee)
{
    if (call->ticket.callee == callee) { /* it has asked for more endpoints */
        hf_callee_unref(callee);
    } else {
        hf_ticket_fini(&call->ticket);
        hf_ticket_init(&call->ticket, callee, call->thread->loop, on_ticket);
    }
    hf_proxy_call_take_slot(call);
}

/* --- the beginning ------------------------------------------------------- */

/* Finds the function id in the request; NULL on success or what is wrong. */
static const char *
read_authority(struct hf_proxy_call *call)
{
    const struct hf_h2_field *authority = hf_h2_fields_get(call->request, HF_H2_AUTHORITY);
    const struct hf_h2_field *host = hf_h2_fields_get(call->request, HF_H2_HOST);
    const char *colon;

    if (authority && host &&
        (authority->value_len != host->value_len ||
         memcmp(authority->value, host->value, host->value_len) != 0)) {
        return "':authority' and 'host' disagree";
    }
    if (!authority) {
        authority = host;
    }
    if (!authority) {
        return "the request has neither ':authority' nor 'host'; set it to the function's id";
    }
    colon = memchr(authority->value, ':', authority->value_len);
    call->route.id = authority->value;
    call->route.id_len = colon ? (size_t)(colon - authority->value) : authority->value_len;
    return call->route.id_len > 0 ? NULL : "':authority' must begin with the function's id";
}

/* Reads the caller's deadline; NULL on success or what is wrong. */
static const char *
read_deadline(struct hf_proxy_call *call)
{
    const struct hf_h2_field *timeout = hf_h2_fields_get(call->request, HF_H2_GRPC_TIMEOUT);
    uint64_t ns;

    if (!timeout) {
        return NULL;
    }
    if (hf_grpc_timeout_parse(timeout->value, timeout->value_len, &ns) < 0) {
        return "'grpc-timeout' must be 1 to 8 digits and one of H, M, S, m, u, n";
    }
    call->deadline_ns = call->began_ns + ns;
    hf_timer_set_at(&call->deadline, call->deadline_ns);
    return NULL;
}

/* It has come through more load balancers than any tree has levels. */
static void
fail_loop(struct hf_proxy_call *call)
{
    char why[256];

    snprintf(
        why, sizeof why,
        "it has come through %u load balancers: one of them is below itself (see [lb] children "
        "of '%.100s')",
        call->hops, call->thread->shared->node);
    hf_proxy_call_fail(call, HF_FAILURE_LOOP, why);
}

/* Refuses what can be told from the headers alone; true if the call was answered.  A node that
 * drains takes what comes before its caller can know: few callers would try again. */
static bool
refuse(struct hf_proxy_call *call)
{
    const char *wrong;

    if (hf_h2_fields_truncated(call->request)) {
        hf_proxy_call_fail(call, HF_FAILURE_HEADERS_TOO_LARGE,
                           "the request's headers exceed 64 KiB or 100 fields");
        return true;
    }
    wrong = read_authority(call);
    if (wrong) {
        hf_proxy_call_fail(call, HF_FAILURE_BAD_AUTHORITY, wrong);
        return true;
    }
    if (call->thread->shared->to_nodes && call->hops >= HF_CONTROL_HOPS_MAX) {
        fail_loop(call);
        return true;
    }
    wrong = read_deadline(call);
    if (wrong) {
        hf_proxy_call_fail(call, HF_FAILURE_BAD_TIMEOUT, wrong);
        return true;
    }
    return false;
}

void
hf_proxy_call_begin(struct hf_proxy_conn *conn, struct hf_h2_stream *down,
                    struct hf_h2_fields *request, bool end)
{
    struct hf_proxy_thread *thread = conn->thread;
    struct hf_proxy_call *call = call_new(thread);

    hf_count(&proxy_calls);
    if (!call) {
        hf_h2_fields_unref(request);
        hf_h2_stream_abandon(down, HF_H2_REFUSED_STREAM);
        return;
    }
    call->conn = conn;
    call->down = down;
    call->request = request;
    call->down_ended = end;
    call->replayable = true;
    call->retries = hf_control_get(request, HF_H2_GRPC_PREVIOUS_RPC_ATTEMPTS);
    call->hops = hf_control_take_hops(request);
    call->began_ns = hf_loop_now(thread->loop);
    hf_timer_init(&call->deadline, thread->loop, HF_TIMER_REAL, on_deadline);
    hf_h2_stream_set(down, &hf_proxy_down_ops, call);
    if (!refuse(call)) {
        hf_proxy_call_route(call);
    }
}
