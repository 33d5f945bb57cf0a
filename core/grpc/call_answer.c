/*
 * call_answer.c - what a handler asks of its call, and how it answers.  See server.h.
 */
#include "grpc/call.h"

#include "base/assert.h"
#include "base/err.h"
#include "base/macros.h"
#include "grpc/message.h"
#include "grpc/reply.h"

/* --- what handlers ask --------------------------------------------------------------------- */

void *
hf_grpc_call_arg(const struct hf_grpc_call *call)
{
    return call->entry.arg;
}

void
hf_grpc_call_set_state(struct hf_grpc_call *call, void *state)
{
    call->state = state;
}

void *
hf_grpc_call_state(const struct hf_grpc_call *call)
{
    return call->state;
}

const char *
hf_grpc_call_path(const struct hf_grpc_call *call)
{
    return hf_h2_fields_get(call->request, HF_H2_PATH)->value;
}

const char *
hf_grpc_call_local(const struct hf_grpc_call *call)
{
    return call->stream ? hf_h2_conn_local(hf_h2_stream_conn(call->stream)) : "";
}

const char *
hf_grpc_call_peer(const struct hf_grpc_call *call)
{
    return call->stream ? hf_h2_conn_peer(hf_h2_stream_conn(call->stream)) : "";
}

const struct hf_h2_fields *
hf_grpc_call_metadata(const struct hf_grpc_call *call)
{
    return call->request;
}

struct hf_arena *
hf_grpc_call_arena(struct hf_grpc_call *call)
{
    return &call->arena;
}

struct hf_loop *
hf_grpc_call_loop(const struct hf_grpc_call *call)
{
    return call->loop;
}

uint64_t
hf_grpc_call_deadline(const struct hf_grpc_call *call)
{
    return hf_timer_is_set(&call->deadline) ? call->deadline.due_ns : 0;
}

bool
hf_grpc_call_is_cancelled(const struct hf_grpc_call *call)
{
    return call->cancelled;
}

void
hf_grpc_call_pause(struct hf_grpc_call *call)
{
    call->paused = true;
}

void
hf_grpc_call_resume(struct hf_grpc_call *call)
{
    if (call->paused) {
        call->paused = false;
        hf_loop_defer(call->loop, &call->resumed);
    }
}

/* --- what handlers answer ------------------------------------------------------------------ */

static int
add_metadata(struct hf_h2_fields **block, const char *name, const void *value, size_t len)
{
    if (!*block) {
        *block = hf_h2_fields_new();
        if (!*block) {
            return HF_ENOMEM;
        }
    }
    return hf_grpc_metadata_add(*block, name, value, len);
}

int
hf_grpc_call_add_header(struct hf_grpc_call *call, const char *name, const void *value, size_t len)
{
    return call->headers_sent ? HF_ESTATE : add_metadata(&call->headers, name, value, len);
}

int
hf_grpc_call_add_trailer(struct hf_grpc_call *call, const char *name, const void *value, size_t len)
{
    return add_metadata(&call->trailers, name, value, len);
}

int
hf_grpc_call_send_headers(struct hf_grpc_call *call)
{
    struct hf_h2_fields *fields;

    if (!call->stream) {
        return HF_ECANCELLED;
    }
    if (call->headers_sent) {
        return 0;
    }
    fields = call->headers ? hf_steal(call->headers) : hf_h2_fields_new();
    if (!fields) {
        return HF_ENOMEM;
    }
    call->headers_sent = true;
    hf_grpc_set_headers(fields);
    return hf_h2_stream_respond(call->stream, fields, false);
}

/* What every send asks first, and does. */
static int
prepare_send(struct hf_grpc_call *call)
{
    if (!call->stream) {
        return HF_ECANCELLED;
    }
    if (hf_grpc_call_has_one_response(call) && call->message_sent) {
        return HF_ESTATE;
    }
    if (hf_h2_stream_unsent(call->stream) >= call->queue_limit) {
        call->want_writable = true;
        return HF_EFULL;
    }
    return hf_grpc_call_send_headers(call);
}

/* Queues what was packed, `r` saying how that went. */
static int
send_packed(struct hf_grpc_call *call, struct hf_h2_buffer *packed, int r)
{
    if (r == 0) {
        call->message_sent = true;
        r = hf_h2_stream_write_buffer(call->stream, packed);
    } else {
        hf_h2_stream_reset(call->stream, HF_H2_INTERNAL_ERROR);
    }
    hf_h2_buffer_clear(packed);
    return r;
}

int
hf_grpc_call_send(struct hf_grpc_call *call, const ProtobufCMessage *message)
{
    struct hf_h2_buffer packed = { 0 };
    int r = prepare_send(call);

    return r < 0 ? r : send_packed(call, &packed, hf_grpc_pack(message, &packed));
}

int
hf_grpc_call_send_bytes(struct hf_grpc_call *call, const void *data, size_t len)
{
    struct hf_h2_buffer packed = { 0 };
    int r = prepare_send(call);

    return r < 0 ? r : send_packed(call, &packed, hf_grpc_pack_bytes(data, len, &packed));
}

size_t
hf_grpc_call_unsent(const struct hf_grpc_call *call)
{
    return call->stream ? hf_h2_stream_unsent(call->stream) : 0;
}

void
hf_grpc_call_send_status(struct hf_grpc_call *call, uint32_t code, const char *message)
{
    struct hf_h2_stream *stream = hf_steal(call->stream);
    struct hf_h2_fields *fields = hf_steal(call->trailers);

    hf_h2_stream_set(stream, &hf_h2_stream_unheard, NULL);
    if (call->headers && !call->headers_sent) {
        call->headers_sent = true;
        hf_h2_stream_respond(stream, hf_steal(call->headers), false);
    }
    if (!fields) {
        fields = hf_h2_fields_new();
    }
    if (!fields) {
        hf_h2_stream_reset(stream, HF_H2_INTERNAL_ERROR);
        return;
    }
    hf_grpc_set_status(fields, code, message);
    if (call->headers_sent) {
        hf_h2_stream_trailers(stream, fields);
    } else {
        hf_grpc_set_headers(fields);
        hf_h2_stream_respond(stream, fields, true);
    }
}

void
hf_grpc_call_finish(struct hf_grpc_call *call, uint32_t code, const char *message)
{
    hf_assert(call->magic == HF_GRPC_CALL_MAGIC && !call->finished);
    if (call->stream) {
        if (code == HF_GRPC_OK && hf_grpc_call_has_one_response(call) && !call->message_sent) {
            code = HF_GRPC_INTERNAL;
            message = "the method finished without a response message";
        }
        hf_grpc_call_send_status(call, code, message);
    }
    call->finished = true;
    hf_grpc_call_enter(call);
    hf_grpc_call_leave(call);
}

void
hf_grpc_call_reply(struct hf_grpc_call *call, const ProtobufCMessage *message)
{
    hf_grpc_call_send(call, message);
    hf_grpc_call_finish(call, HF_GRPC_OK, NULL);
}

void
hf_grpc_call_reply_bytes(struct hf_grpc_call *call, const void *data, size_t len)
{
    hf_grpc_call_send_bytes(call, data, len);
    hf_grpc_call_finish(call, HF_GRPC_OK, NULL);
}

void
hf_grpc_call_fail(struct hf_grpc_call *call, int error, const struct hf_err *err)
{
    hf_grpc_call_finish(call, hf_error_to_grpc(error),
                        hf_err_code(err) < 0 ? hf_err_message(err) : hf_error_name(error));
}
