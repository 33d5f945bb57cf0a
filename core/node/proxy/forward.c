/*
 * forward.c - joins a caller's stream and an endpoint's, frame by frame.
 *
 * Bytes are given back to their sender's window only when the other side's socket
 * has taken them, so a slow reader slows the sender, and no more than one window is
 * ever held for a stream.
 */
#include "node/proxy/call.h"

#include <stdio.h>
#include <string.h>

#include "base/assert.h"
#include "base/counters.h"
#include "node/proxy/control.h"

/* How often a call whose instance was lost looks whether it is known how that ended; the time
 * between doubles, and all together is 63 ms. */
#define LOOKS_MAX     6
#define LOOK_FIRST_NS (1 * HF_MSEC)

HF_COUNTER(proxy_endpoint_lost, "Calls whose endpoint failed after it could have seen them.");

static struct hf_proxy_call *
call_of(const struct hf_h2_stream *stream)
{
    return hf_cast(hf_h2_stream_arg(stream), struct hf_proxy_call, HF_PROXY_CALL_MAGIC);
}

/* --- the request: from the caller to the endpoint ------------------------- */

/* The request can't be sent again from now on. */
static void
forget_request(struct hf_proxy_call *call)
{
    call->replayable = false;
    hf_h2_buffer_clear(&call->held);
    hf_h2_fields_unref(call->request);
    call->request = NULL;
}

/* Sends what came before there was a stream; keeps a copy while it is small. */
static void
send_held(struct hf_proxy_call *call)
{
    uint8_t copy[HF_PROXY_REPLAY_MAX];
    size_t len = call->held.len;

    if (len == 0) {
        return;
    }
    if (len > call->thread->shared->replay_bytes) {
        hf_h2_stream_write_buffer(call->up, &call->held);
        call->replayable = false;
        return;
    }
    hf_h2_buffer_copy(&call->held, copy, len);
    hf_h2_stream_write(call->up, copy, len);
}

/* The caller has ended its side. */
static void
end_request(struct hf_proxy_call *call)
{
    struct hf_h2_fields *trailers = call->request_trailers;

    if (!trailers) {
        hf_h2_stream_end(call->up);
    } else if (hf_h2_stream_fits(call->up, trailers)) {
        hf_h2_stream_trailers(call->up, hf_h2_fields_ref(trailers));
    } else {
        hf_proxy_call_fail(call, HF_FAILURE_HEADERS_TOO_LARGE,
                           "the request's trailers exceed what the function accepts");
    }
}

void
hf_proxy_forward_begin(struct hf_proxy_call *call)
{
    call->state = HF_CALL_FORWARDING;
    call->dispatched = true; /* unless it turns out that the endpoint did not take it */
    call->sent = 0;
    send_held(call);
    if (call->down_ended) {
        end_request(call);
    }
}

/* Keeps what a later attempt would have to send again. */
static void
hold(struct hf_proxy_call *call, const uint8_t *data, size_t len)
{
    bool forwarding = call->state == HF_CALL_FORWARDING;

    if (!call->replayable) {
        return;
    }
    if (forwarding && call->held.len + len > call->thread->shared->replay_bytes) {
        call->replayable = false;
        hf_h2_buffer_clear(&call->held);
        return;
    }
    if (hf_h2_buffer_append(&call->held, data, len) < 0) {
        call->replayable = false;
        hf_h2_buffer_clear(&call->held);
        if (!forwarding) {
            hf_proxy_call_fail(call, HF_FAILURE_NO_MEMORY, "no memory to hold the request");
        }
    }
}

static void
down_on_data(struct hf_h2_stream *down, const uint8_t *data, size_t len)
{
    struct hf_proxy_call *call = call_of(down);

    if (call->state == HF_CALL_ENDED || (call->state == HF_CALL_FORWARDING && !call->up)) {
        hf_h2_stream_consume(down, len); /* nobody wants it any more */
        return;
    }
    call->received += len;
    hold(call, data, len);
    if (hf_proxy_call_account(call) && call->state == HF_CALL_FORWARDING) {
        hf_h2_stream_write(call->up, data, len);
    }
}

static void
down_on_headers(struct hf_h2_stream *down, struct hf_h2_fields *fields, enum hf_h2_kind kind,
                bool end)
{
    struct hf_proxy_call *call = call_of(down);

    (void)kind; /* a caller sends only trailers after its request */
    (void)end;  /* on_end follows */
    hf_control_strip(fields);
    hf_h2_fields_unref(call->request_trailers);
    call->request_trailers = fields;
    if (hf_h2_fields_truncated(fields) && call->state != HF_CALL_ENDED) {
        hf_proxy_call_fail(call, HF_FAILURE_HEADERS_TOO_LARGE,
                           "the request's trailers exceed 64 KiB or 100 fields");
    }
}

static void
down_on_end(struct hf_h2_stream *down)
{
    struct hf_proxy_call *call = call_of(down);

    call->down_ended = true;
    if (call->state == HF_CALL_FORWARDING && call->up) {
        end_request(call);
    }
}

static void
up_on_sent(struct hf_h2_stream *up, size_t len)
{
    struct hf_proxy_call *call = call_of(up);

    call->sent += len;
    if (call->down && call->sent > call->credited) {
        hf_h2_stream_consume(call->down, call->sent - call->credited);
        call->credited = call->sent;
        hf_proxy_call_account(call);
    }
}

/* --- the response: from the endpoint to the caller ------------------------ */

/* Ends the call if a block of the response cannot be passed on whole: a status that lost
 * some of its fields would be a lie. */
static bool
refuse_response(struct hf_proxy_call *call, struct hf_h2_fields *fields)
{
    const char *why;

    if (hf_h2_fields_truncated(fields)) {
        why = "the response's metadata exceed 64 KiB or 100 fields";
    } else if (!hf_h2_stream_fits(call->down, fields)) {
        why = "the response's metadata exceed what the caller says that it accepts";
    } else {
        return false;
    }
    hf_h2_fields_unref(fields);
    hf_proxy_call_fail(call, HF_FAILURE_HEADERS_TOO_LARGE, why);
    return true;
}

static void
up_on_headers(struct hf_h2_stream *up, struct hf_h2_fields *fields, enum hf_h2_kind kind, bool end)
{
    struct hf_proxy_call *call = call_of(up);

    if (!hf_ticket_is_node(&call->ticket)) {
        hf_control_strip(fields);
    } else if (call->conn->is_stranger) {
        hf_failure_abridge(fields, hf_callee_id(call->ticket.callee));
    }
    if (kind == HF_H2_INFORMATIONAL && hf_h2_fields_truncated(fields)) {
        hf_h2_fields_unref(fields); /* a hint, and not a whole one */
        return;
    }
    if (kind != HF_H2_INFORMATIONAL && refuse_response(call, fields)) {
        return;
    }
    switch (kind) {
    case HF_H2_INFORMATIONAL:
        hf_h2_stream_inform(call->down, fields);
        break;
    case HF_H2_RESPONSE:
        if (end && hf_proxy_call_refused(call, fields)) {
            break;
        }
        call->responded = true;
        forget_request(call);
        hf_proxy_call_account(call);
        hf_h2_stream_respond(call->down, fields, end);
        break;
    case HF_H2_TRAILERS:
        hf_h2_stream_trailers(call->down, fields);
        break;
    }
}

static void
up_on_data(struct hf_h2_stream *up, const uint8_t *data, size_t len)
{
    struct hf_proxy_call *call = call_of(up);

    hf_message_tracker_feed(&call->response, data, len);
    hf_h2_stream_write(call->down, data, len);
}

static void
up_on_end(struct hf_h2_stream *up)
{
    struct hf_proxy_call *call = call_of(up);

    call->finished = true;
    hf_timer_cancel(&call->deadline);
    hf_h2_stream_end(call->down);
}

static void
down_on_sent(struct hf_h2_stream *down, size_t len)
{
    struct hf_proxy_call *call = call_of(down);

    if (call->up) {
        hf_h2_stream_consume(call->up, len);
    }
}

/* --- ends ----------------------------------------------------------------- */

static void
down_on_close(struct hf_h2_stream *down, const struct hf_h2_close *how)
{
    struct hf_proxy_call *call = call_of(down);

    (void)how; /* complete or not, the caller is gone */
    hf_proxy_call_abandon(call);
}

/* Why there is no whole response. */
static const char *
reason_of(const struct hf_proxy_words *words, const struct hf_h2_close *how)
{
    if (how->lost) {
        return words->lost;
    }
    return how->by_peer || how->code == HF_H2_NO_ERROR ? words->no_status : words->broken;
}

/* Where it is known how an instance ended, it is known a moment later. */
void
hf_proxy_call_look(struct hf_proxy_call *call)
{
    const char *words = call->thread->shared->words->lost;
    char how[96];
    char why[256];

    if (hf_callee_find_end(call->ticket.callee, call->lost, how, sizeof how)) {
        snprintf(why, sizeof why, "%s: %s", words, how);
        words = why;
    } else if (call->looks < LOOKS_MAX) {
        hf_timer_set(&call->deadline, LOOK_FIRST_NS << call->looks++);
        return;
    }
    hf_proxy_call_fail(call, HF_FAILURE_ENDPOINT, words);
    hf_proxy_call_settle(call);
}

/* The endpoint broke off before its response was complete. */
static void
endpoint_failed(struct hf_proxy_call *call, const struct hf_h2_close *how)
{
    const struct hf_proxy_words *words = call->thread->shared->words;
    bool reset = how->by_peer && how->code != HF_H2_NO_ERROR && how->code != HF_H2_REFUSED_STREAM;

    if (how->unprocessed && !call->responded) {
        call->dispatched = false;
        hf_proxy_call_release(call, HF_OUTCOME_FAILED);
        call->state = HF_CALL_WAITING;
        hf_proxy_call_retry(call, words->refused);
        return;
    }
    hf_count(&proxy_endpoint_lost);
    if (how->lost && !reset && !hf_ticket_is_node(&call->ticket)) {
        call->lost = strdup(hf_ticket_endpoint_id(&call->ticket));
    }
    hf_proxy_call_release(call, how->lost ? HF_OUTCOME_FAILED : HF_OUTCOME_OK);
    hf_timer_cancel(&call->deadline);
    if (call->lost) {
        hf_proxy_call_look(call);
        return;
    }
    call->state = HF_CALL_ENDED;
    if (reset) {
        call->finished = true;
        hf_h2_stream_reset(call->down, (enum hf_h2_code)how->code);
    } else {
        hf_proxy_call_fail(call, HF_FAILURE_ENDPOINT, reason_of(words, how));
    }
    hf_proxy_call_settle(call);
}

static void
up_on_close(struct hf_h2_stream *up, const struct hf_h2_close *how)
{
    struct hf_proxy_call *call = call_of(up);

    call->up = NULL;
    if (!call->finished) {
        endpoint_failed(call, how);
        return;
    }
    hf_proxy_call_release(call, HF_OUTCOME_OK);
    call->state = HF_CALL_ENDED;
    hf_proxy_call_settle(call);
}

const struct hf_h2_stream_ops hf_proxy_down_ops = {
    .on_headers = down_on_headers,
    .on_data = down_on_data,
    .on_end = down_on_end,
    .on_sent = down_on_sent,
    .on_close = down_on_close,
};

const struct hf_h2_stream_ops hf_proxy_up_ops = {
    .on_headers = up_on_headers,
    .on_data = up_on_data,
    .on_end = up_on_end,
    .on_sent = up_on_sent,
    .on_close = up_on_close,
};
