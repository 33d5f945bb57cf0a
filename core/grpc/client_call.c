/*
 * client_call.c - the life of one call on the client's side: its attempts, the response,
 * and its end.
 *
 * A call ends in one place, `conclude`: it lets the stream go and notes the result,
 * which is told at the end of the loop's turn, outside every callback of the layers
 * below, so that whoever hears it may free the client.
 */
#include "grpc/client_call.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/err.h"
#include "base/fault.h"
#include "base/macros.h"
#include "grpc/message.h"
#include "grpc/reply.h"

/* --- ends ---------------------------------------------------------------------------------- */

void
hf_grpc_client_call_free(struct hf_grpc_client_call *call)
{
    hf_h2_channel_cancel(&call->request);
    if (call->stream) {
        hf_h2_stream_abandon(hf_steal(call->stream), HF_H2_CANCEL);
    }
    hf_list_remove(&call->node);
    hf_deferred_cancel(&call->tell);
    hf_timer_fini(&call->deadline);
    hf_grpc_reader_fini(&call->reader);
    hf_h2_fields_unref(call->fields);
    hf_h2_fields_unref(call->headers);
    hf_h2_fields_unref(call->trailers);
    hf_arena_fini(&call->scratch);
    hf_arena_fini(&call->arena);
    call->magic = 0;
    free(call);
}

void
hf_grpc_client_call_tell(struct hf_grpc_client_call *call)
{
    struct hf_grpc_result *result = &call->result;

    hf_list_remove(&call->node);
    result->response = result->code == HF_GRPC_OK ? call->response : NULL;
    result->headers = call->headers;
    result->trailers = call->trailers;
    call->done(call->arg, result);
    hf_grpc_client_call_free(call);
}

static void
tell_deferred(struct hf_deferred *deferred)
{
    hf_grpc_client_call_tell(hf_container_of(deferred, struct hf_grpc_client_call, tell));
}

void
hf_grpc_client_call_conclude(struct hf_grpc_client_call *call, uint32_t code, const char *message)
{
    const char *copy;

    if (call->concluded) {
        return;
    }
    copy = hf_arena_strdup(&call->arena, message);
    call->concluded = true;
    call->result.code = code;
    call->result.message = copy ? copy : "";
    hf_timer_cancel(&call->deadline);
    hf_h2_channel_cancel(&call->request);
    if (call->stream) {
        hf_h2_stream_abandon(hf_steal(call->stream),
                             call->result.answered ? HF_H2_NO_ERROR : HF_H2_CANCEL);
    }
    hf_loop_defer(call->client->loop, &call->tell);
}

static void
deadline_passed(struct hf_timer *timer)
{
    struct hf_grpc_client_call *call = hf_container_of(timer, struct hf_grpc_client_call, deadline);

    call->result.unprocessed = !call->stream && !call->headers;
    hf_grpc_client_call_conclude(call, HF_GRPC_DEADLINE_EXCEEDED,
                                 "the deadline passed before the answer came");
}

/* The peer has sent all of its side: reads the status (gRPC's first, then HTTP's). */
static void
conclude_from_fields(struct hf_grpc_client_call *call)
{
    const struct hf_h2_fields *last = call->trailers ? call->trailers : call->headers;
    const struct hf_h2_field *status = last ? hf_h2_fields_get(last, HF_H2_GRPC_STATUS) : NULL;
    const struct hf_h2_field *message = last ? hf_h2_fields_get(last, HF_H2_GRPC_MESSAGE) : NULL;
    const struct hf_h2_field *http =
        call->headers ? hf_h2_fields_get(call->headers, HF_H2_STATUS) : NULL;
    uint32_t code = HF_GRPC_UNKNOWN;
    char text[HF_GRPC_MESSAGE_MAX * 3 + 1] = "";

    if (status) {
        call->result.answered = true;
        hf_grpc_code_parse(status->value, status->value_len, &code);
        if (message) {
            hf_grpc_message_decode(message->value, message->value_len, text, sizeof text);
        }
    } else if (http && strcmp(http->value, "200") != 0) {
        code = hf_grpc_code_of_http((unsigned)strtoul(http->value, NULL, 10));
        snprintf(text, sizeof text, "the server answered with HTTP status %s and no grpc-status",
                 http->value);
    } else {
        snprintf(text, sizeof text, "the response ended without a grpc-status");
    }
    if (code == HF_GRPC_OK && hf_grpc_reader_in_message(&call->reader)) {
        hf_grpc_client_call_conclude(call, HF_GRPC_INTERNAL, "the response ended inside a message");
    } else if (code == HF_GRPC_OK && !call->on_message && !call->response) {
        hf_grpc_client_call_conclude(call, HF_GRPC_UNIMPLEMENTED,
                                     "the response to a unary call has no message");
    } else {
        hf_grpc_client_call_conclude(call, code, text);
    }
}

/* --- the response -------------------------------------------------------------------------- */

static struct hf_grpc_client_call *
call_of(const struct hf_h2_stream *stream)
{
    return hf_cast(hf_h2_stream_arg(stream), struct hf_grpc_client_call, HF_GRPC_CLIENT_CALL_MAGIC);
}

static void
on_headers(struct hf_h2_stream *stream, struct hf_h2_fields *fields, enum hf_h2_kind kind, bool end)
{
    struct hf_grpc_client_call *call = call_of(stream);

    if (kind == HF_H2_INFORMATIONAL) {
        hf_h2_fields_unref(fields);
        return;
    }
    if (hf_h2_fields_truncated(fields)) { /* its status may be what is missing */
        hf_h2_fields_unref(fields);
        hf_grpc_client_call_conclude(call, HF_GRPC_RESOURCE_EXHAUSTED,
                                     "the response's metadata are too long");
        return;
    }
    if (kind == HF_H2_TRAILERS) {
        hf_h2_fields_unref(call->trailers);
        call->trailers = fields;
        return;
    }
    call->headers = fields;
    if (end) {
        call->trailers = hf_h2_fields_ref(fields);
    }
}

static void
deliver_streamed(struct hf_grpc_client_call *call, const struct hf_grpc_message *message)
{
    ProtobufCBinaryData bytes = { message->len, (uint8_t *)message->data };
    const void *decoded = &bytes;

    if (hf_fault(HF_FAULT_STREAM)) {
        hf_grpc_client_call_conclude(call, HF_GRPC_UNAVAILABLE, "fault stream is set");
        return;
    }
    if (call->response_type) {
        decoded = hf_grpc_unpack(call->response_type, &call->scratch, message);
    }
    if (!decoded) {
        hf_grpc_client_call_conclude(call, HF_GRPC_INTERNAL,
                                     "a response message cannot be decoded");
        return;
    }
    call->on_message(call->arg, decoded);
    hf_arena_clear(&call->scratch);
}

static void
take_message(struct hf_grpc_client_call *call, const struct hf_grpc_message *message)
{
    if (message->compressed) {
        hf_grpc_client_call_conclude(call, HF_GRPC_INTERNAL,
                                     "a response message is compressed, unasked");
    } else if (call->on_message) {
        deliver_streamed(call, message);
    } else if (call->response) {
        hf_grpc_client_call_conclude(call, HF_GRPC_UNIMPLEMENTED,
                                     "a unary call was answered with several messages");
    } else {
        call->response = hf_grpc_unpack(call->response_type, &call->arena, message);
        if (!call->response) {
            hf_grpc_client_call_conclude(call, HF_GRPC_INTERNAL,
                                         "the response message cannot be decoded");
        }
    }
}

/* Reads the messages in `data`. */
static void
feed(struct hf_grpc_client_call *call, const uint8_t *data, size_t len)
{
    int r = 1;

    while (r == 1 && !call->concluded && !call->cancelled) {
        struct hf_grpc_message message;

        r = hf_grpc_reader_next(&call->reader, &data, &len, &message);
        if (r == 1) {
            take_message(call, &message);
        }
    }
    if (r == HF_EFULL) {
        hf_grpc_client_call_conclude(call, HF_GRPC_RESOURCE_EXHAUSTED,
                                     "a response message is longer than allowed");
    } else if (r < 0) {
        hf_grpc_client_call_conclude(call, HF_GRPC_INTERNAL, "a response message cannot be read");
    }
}

static void
on_data(struct hf_h2_stream *stream, const uint8_t *data, size_t len)
{
    struct hf_grpc_client_call *call = call_of(stream);

    /* A page of HTML from something that is no gRPC server has no messages. */
    if (hf_grpc_is_grpc(call->headers)) {
        call->busy = true;
        feed(call, data, len);
        call->busy = false;
        if (call->cancelled) {
            hf_grpc_client_call_free(call);
            return;
        }
    }
    if (call->stream) {
        hf_h2_stream_consume(stream, len);
    }
}

static void
on_end(struct hf_h2_stream *stream)
{
    conclude_from_fields(call_of(stream));
}

static void
on_sent(struct hf_h2_stream *stream, size_t len)
{
    (void)stream;
    (void)len;
}

static void
on_close(struct hf_h2_stream *stream, const struct hf_h2_close *how)
{
    struct hf_grpc_client_call *call = call_of(stream);
    char text[HF_GRPC_MESSAGE_MAX];

    call->stream = NULL;
    if (how->unprocessed && !call->headers && !call->repeated) {
        call->repeated = true;
        hf_grpc_client_call_start(call);
        return;
    }
    call->result.unprocessed = how->unprocessed;
    if (how->lost || how->unprocessed) {
        hf_grpc_client_call_conclude(call, HF_GRPC_UNAVAILABLE,
                                     "the connection was lost before the answer came");
        return;
    }
    snprintf(text, sizeof text, "the stream was reset by %s with HTTP/2 code %" PRIu32,
             how->by_peer ? "the server" : "us", how->code);
    hf_grpc_client_call_conclude(call, hf_grpc_code_of_reset(how->code), text);
}

static const struct hf_h2_stream_ops call_ops = {
    .on_headers = on_headers,
    .on_data = on_data,
    .on_end = on_end,
    .on_sent = on_sent,
    .on_close = on_close,
};

/* --- the attempt --------------------------------------------------------------------------- */

static void
send_body(struct hf_grpc_client_call *call, struct hf_h2_stream *stream)
{
    call->stream = stream;
    if (hf_h2_stream_write(stream, call->body, call->body_len) == 0) {
        hf_h2_stream_end(stream);
    } else {
        hf_grpc_client_call_conclude(call, HF_GRPC_RESOURCE_EXHAUSTED, "out of memory");
    }
}

static void
on_open(void *arg, struct hf_h2_stream *stream)
{
    send_body(hf_cast(arg, struct hf_grpc_client_call, HF_GRPC_CLIENT_CALL_MAGIC), stream);
}

static void
on_fail(void *arg, int code, const char *text)
{
    struct hf_grpc_client_call *call =
        hf_cast(arg, struct hf_grpc_client_call, HF_GRPC_CLIENT_CALL_MAGIC);

    call->result.unprocessed = true;
    hf_grpc_client_call_conclude(
        call, code == HF_EINVALID ? HF_GRPC_RESOURCE_EXHAUSTED : hf_error_to_grpc(code), text);
}

void
hf_grpc_client_call_start(struct hf_grpc_client_call *call)
{
    struct hf_h2_stream *stream;

    call->request = (struct hf_h2_request){
        .fields = hf_h2_fields_ref(call->fields),
        .deadline_ns = call->deadline.due_ns,
        .ops = &call_ops,
        .arg = call,
        .on_open = on_open,
        .on_fail = on_fail,
    };
    stream = hf_h2_channel_open(call->client->channel, &call->request);
    if (stream) {
        send_body(call, stream);
    }
}

void
hf_grpc_client_call_init(struct hf_grpc_client_call *call, struct hf_grpc_client *client)
{
    call->magic = HF_GRPC_CLIENT_CALL_MAGIC;
    call->client = client;
    hf_list_append(&client->calls, &call->node);
    hf_arena_init(&call->arena);
    hf_arena_init(&call->scratch);
    hf_grpc_reader_init(&call->reader, client->options.max_message_bytes);
    hf_timer_init(&call->deadline, client->loop, HF_TIMER_REAL, deadline_passed);
    hf_deferred_init(&call->tell, tell_deferred);
}
