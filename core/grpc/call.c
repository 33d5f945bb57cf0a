/*
 * call.c - the life of one call on the server's side: its beginning, the messages that
 * come, and its ends.  What the handler does with it is in call_answer.c.
 *
 * Two owners hold a call: the stream, until it closes or the response is complete, and
 * the handler, from its first callback until it finishes the call.  The call is freed
 * when the handler finishes it; the rest of the response leaves without it.
 */
#include "grpc/call.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/err.h"
#include "base/macros.h"
#include "grpc/gzip.h"
#include "grpc/message.h"
#include "grpc/timeout.h"
#include "h2/conn.h"

/* A request up to this is not counted among the long ones. */
#define SHORT_REQUEST ((size_t)4 << 10)

/* --- ends ---------------------------------------------------------------------------------- */

static void
call_free(struct hf_grpc_call *call)
{
    hf_list_remove(&call->node);
    if (call->load) {
        call->load->calls--;
        call->load->bytes -= call->kept;
    }
    hf_deferred_cancel(&call->resumed);
    hf_timer_fini(&call->deadline);
    hf_grpc_reader_fini(&call->reader);
    hf_h2_buffer_clear(&call->inbox);
    hf_h2_fields_unref(call->request);
    hf_h2_fields_unref(call->headers);
    hf_h2_fields_unref(call->trailers);
    hf_arena_fini(&call->scratch);
    hf_arena_fini(&call->arena);
    call->magic = 0;
    free(call);
}

void
hf_grpc_call_enter(struct hf_grpc_call *call)
{
    call->busy++;
}

void
hf_grpc_call_leave(struct hf_grpc_call *call)
{
    if (--call->busy == 0 && call->finished) {
        call_free(call);
    }
}

/* Nobody listens any more: the handler is told, or if it never heard of the call, the
 * call is over. */
static void
cancel(struct hf_grpc_call *call)
{
    if (call->cancelled || call->finished) {
        return;
    }
    call->cancelled = true;
    call->stream = NULL;
    hf_timer_cancel(&call->deadline);
    hf_h2_buffer_clear(&call->inbox);
    hf_grpc_call_enter(call);
    if (!call->told) {
        call->finished = true;
    } else if (call->entry.method->cancelled) {
        call->entry.method->cancelled(call);
    }
    hf_grpc_call_leave(call);
}

/* Ends the call ourselves, because of what its caller sent. */
static void
refuse(struct hf_grpc_call *call, uint32_t code, const char *message)
{
    hf_grpc_call_send_status(call, code, message);
    cancel(call);
}

static void
deadline_passed(struct hf_timer *timer)
{
    struct hf_grpc_call *call = hf_container_of(timer, struct hf_grpc_call, deadline);
    struct hf_h2_stream *stream = call->stream;

    if (hf_h2_stream_unsent(stream) == 0) { /* the caller's clock may be behind ours */
        refuse(call, HF_GRPC_DEADLINE_EXCEEDED, "the deadline passed while the method ran");
        return;
    }
    hf_h2_stream_abandon(stream, HF_H2_CANCEL);
    cancel(call);
}

void
hf_grpc_call_orphan(struct hf_grpc_call *call)
{
    hf_list_remove(&call->node);
    call->load = NULL;
    cancel(call);
}

/* --- what comes ---------------------------------------------------------------------------- */

static void
refuse_undecodable(struct hf_grpc_call *call, const struct hf_grpc_message *message)
{
    const ProtobufCMessageDescriptor *type = call->entry.method->request;

    if (type && !hf_grpc_strings_are_whole(type, message)) {
        refuse(call, HF_GRPC_INVALID_ARGUMENT, "a string in the request has a NUL character");
    } else {
        refuse(call, HF_GRPC_INTERNAL, "the request message cannot be decoded");
    }
}

/* One message of many: decoded for the time of the callback. */
static void
deliver_streamed(struct hf_grpc_call *call, const struct hf_grpc_message *message)
{
    const struct hf_grpc_method *method = call->entry.method;
    ProtobufCBinaryData bytes = { message->len, (uint8_t *)message->data };
    const void *decoded = &bytes;

    if (method->request) {
        decoded = hf_grpc_unpack(method->request, &call->scratch, message);
        if (!decoded) {
            refuse_undecodable(call, message);
            return;
        }
    }
    call->told = true;
    method->message(call, decoded);
    hf_arena_clear(&call->scratch);
}

/* A whole message came, uncompressed. */
static void
take_message(struct hf_grpc_call *call, const struct hf_grpc_message *message)
{
    if (!hf_grpc_call_has_one_request(call)) {
        deliver_streamed(call, message);
    } else if (call->message) {
        refuse(call, HF_GRPC_UNIMPLEMENTED, "the method takes one request message, more came");
    } else {
        call->message = hf_grpc_unpack(call->entry.method->request, &call->arena, message);
        call->message_len = message->len;
        if (!call->message) {
            refuse_undecodable(call, message);
        }
    }
}

static void
take_compressed(struct hf_grpc_call *call, const struct hf_grpc_message *message)
{
    hf_autofree uint8_t *bytes = NULL;
    struct hf_grpc_message plain = { .compressed = false };
    int r;

    if (!call->gzip) {
        refuse(call, HF_GRPC_INTERNAL, "a message is marked as compressed, without grpc-encoding");
        return;
    }
    r = hf_grpc_gunzip(message->data, message->len, call->reader.limit, &bytes, &plain.len);
    if (r == 0) {
        plain.data = bytes;
        take_message(call, &plain);
    } else if (r == HF_EFULL) {
        refuse(call, HF_GRPC_RESOURCE_EXHAUSTED, "a request message is longer than allowed");
    } else {
        refuse(call, HF_GRPC_INTERNAL, "a request message cannot be decompressed");
    }
}

/* Accounts for what the call keeps of its request: a short one always may, of longer ones only so
 * many as the server has room for. */
static void
account(struct hf_grpc_call *call)
{
    struct hf_grpc_load *load = call->load;
    size_t kept = call->reader.capacity + call->message_len;

    if (!load || !call->stream) {
        return;
    }
    load->bytes += kept - call->kept;
    call->kept = kept;
    if (kept > SHORT_REQUEST && load->limit > 0 && load->bytes > load->limit) {
        refuse(call, HF_GRPC_RESOURCE_EXHAUSTED, "too many long requests at once");
    }
}

/* Reads messages out of `data` while somebody wants them; returns the bytes taken. */
static size_t
feed(struct hf_grpc_call *call, const uint8_t *data, size_t len)
{
    const uint8_t *at = data;
    size_t left = len;
    int r = 1;

    while (r == 1 && call->stream && !call->paused) {
        struct hf_grpc_message message;

        r = hf_grpc_reader_next(&call->reader, &at, &left, &message);
        if (r == 1 && message.compressed) {
            take_compressed(call, &message);
        } else if (r == 1) {
            take_message(call, &message);
        }
    }
    account(call);
    if (r == HF_EFULL) {
        refuse(call, HF_GRPC_RESOURCE_EXHAUSTED, "a request message is longer than allowed");
    } else if (r == HF_EINVALID) {
        refuse(call, HF_GRPC_INTERNAL, "a request message has an unknown flag");
    } else if (r < 0) {
        refuse(call, HF_GRPC_RESOURCE_EXHAUSTED, "out of memory");
    }
    return len - left;
}

/* The caller's half-close, once everything before it was delivered. */
static void
handle_end(struct hf_grpc_call *call)
{
    const struct hf_grpc_method *method = call->entry.method;

    if (!call->remote_ended || call->end_handled || call->inbox.len > 0 || !call->stream) {
        return;
    }
    call->end_handled = true;
    if (hf_grpc_reader_in_message(&call->reader)) {
        refuse(call, HF_GRPC_INTERNAL, "the request ended inside a message");
    } else if (!hf_grpc_call_has_one_request(call)) {
        call->told = true;
        method->half_close(call);
    } else if (!call->message) {
        refuse(call, HF_GRPC_UNIMPLEMENTED, "the method takes one request message, none came");
    } else {
        call->told = true;
        method->message(call, call->message);
    }
}

/* Delivers what waits in the inbox. */
static void
drain_inbox(struct hf_deferred *deferred)
{
    struct hf_grpc_call *call = hf_container_of(deferred, struct hf_grpc_call, resumed);

    hf_grpc_call_enter(call);
    while (call->stream && !call->paused && call->inbox.len > 0) {
        size_t len;
        const uint8_t *data = hf_h2_buffer_peek(&call->inbox, &len);
        size_t taken = feed(call, data, len);

        if (call->stream) {
            hf_h2_buffer_skip(&call->inbox, taken);
            hf_h2_stream_consume(call->stream, taken);
        }
    }
    if (!call->paused) {
        handle_end(call);
    }
    hf_grpc_call_leave(call);
}

/* --- the stream's callbacks ---------------------------------------------------------------- */

static struct hf_grpc_call *
call_of(const struct hf_h2_stream *stream)
{
    return hf_cast(hf_h2_stream_arg(stream), struct hf_grpc_call, HF_GRPC_CALL_MAGIC);
}

/* Trailers of a request mean nothing to gRPC. */
static void
on_headers(struct hf_h2_stream *stream, struct hf_h2_fields *fields, enum hf_h2_kind kind, bool end)
{
    (void)stream;
    (void)kind;
    (void)end;
    hf_h2_fields_unref(fields);
}

static void
on_data(struct hf_h2_stream *stream, const uint8_t *data, size_t len)
{
    struct hf_grpc_call *call = call_of(stream);
    size_t taken = 0;

    hf_grpc_call_enter(call);
    if (call->inbox.len == 0) {
        taken = feed(call, data, len);
        if (call->stream) {
            hf_h2_stream_consume(stream, taken);
        }
    }
    if (call->stream && taken < len &&
        hf_h2_buffer_append(&call->inbox, data + taken, len - taken) < 0) {
        refuse(call, HF_GRPC_RESOURCE_EXHAUSTED, "out of memory");
    }
    hf_grpc_call_leave(call);
}

static void
on_end(struct hf_h2_stream *stream)
{
    struct hf_grpc_call *call = call_of(stream);

    call->remote_ended = true;
    if (!call->paused) {
        hf_grpc_call_enter(call);
        handle_end(call);
        hf_grpc_call_leave(call);
    }
}

static void
on_sent(struct hf_h2_stream *stream, size_t len)
{
    struct hf_grpc_call *call = call_of(stream);

    (void)len;
    if (call->want_writable && hf_h2_stream_unsent(stream) <= call->queue_limit / 2) {
        call->want_writable = false;
        if (call->entry.method->writable) {
            hf_grpc_call_enter(call);
            call->entry.method->writable(call);
            hf_grpc_call_leave(call);
        }
    }
}

static void
on_close(struct hf_h2_stream *stream, const struct hf_h2_close *how)
{
    (void)how;
    cancel(call_of(stream));
}

static const struct hf_h2_stream_ops call_ops = {
    .on_headers = on_headers,
    .on_data = on_data,
    .on_end = on_end,
    .on_sent = on_sent,
    .on_close = on_close,
};

/* --- the beginning ------------------------------------------------------------------------- */

int
hf_grpc_call_begin(struct hf_h2_stream *stream, struct hf_h2_fields *request,
                   const struct hf_grpc_entry *entry, const struct hf_grpc_server_options *options,
                   struct hf_list *calls, struct hf_grpc_load *load)
{
    const struct hf_h2_field *encoding = hf_h2_fields_get(request, HF_H2_GRPC_ENCODING);
    const struct hf_h2_field *timeout = hf_h2_fields_get(request, HF_H2_GRPC_TIMEOUT);
    struct hf_grpc_call *call = calloc(1, sizeof *call);
    uint64_t time;

    if (!call) {
        return HF_ENOMEM;
    }
    call->magic = HF_GRPC_CALL_MAGIC;
    call->loop = hf_h2_conn_loop(hf_h2_stream_conn(stream));
    call->entry = *entry;
    call->stream = stream;
    call->request = request;
    call->gzip = encoding && strcmp(encoding->value, "gzip") == 0;
    call->queue_limit = options->send_queue_bytes;
    call->load = load;
    load->calls++;
    hf_list_append(calls, &call->node);
    hf_arena_init(&call->arena);
    hf_arena_init(&call->scratch);
    hf_grpc_reader_init(&call->reader, options->max_message_bytes);
    hf_timer_init(&call->deadline, call->loop, HF_TIMER_REAL, deadline_passed);
    hf_deferred_init(&call->resumed, drain_inbox);
    hf_h2_stream_set(stream, &call_ops, call);
    if (timeout && hf_grpc_timeout_parse(timeout->value, timeout->value_len, &time) == 0) {
        hf_timer_set(&call->deadline, time);
    }
    if (entry->method->begin) {
        call->told = true;
        hf_grpc_call_enter(call);
        entry->method->begin(call);
        hf_grpc_call_leave(call);
    }
    return 0;
}
