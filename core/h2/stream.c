/*
 * stream.c - actions on a stream.
 *
 * Actions give frames to nghttp2 or put bytes into the stream's buffer, and mark
 * the connection; the end of the turn sends.  nghttp2 asks for data when it may
 * send some (`read_data`); trailers are handed over only when the data before
 * them has been taken, for it would send them first and drop the data.
 */
#include "h2/stream.h"

#include <string.h>

#include "base/assert.h"
#include "h2/conn_private.h"
#include "h2/mem.h"

/* Blocks up to this size become nghttp2's form on the stack. */
#define NV_ON_STACK 64
/* 1xx blocks of a stream that are sent on.  They are hints: no flow control holds them back,
 * so all else is left out. */
#define INFORM_MAX 8u

static nghttp2_data_provider provider_of(struct hf_h2_stream *stream);

/* --- life ------------------------------------------------------------------ */

struct hf_h2_stream *
hf_h2_stream_new(struct hf_h2_conn *conn, int32_t id)
{
    struct hf_h2_stream *stream = hf_h2_mem_zalloc(HF_H2_ROOM_AT + conn->options->stream_room);

    if (!stream) {
        return NULL;
    }
    stream->magic = HF_H2_STREAM_MAGIC;
    stream->id = id;
    stream->conn = conn;
    stream->window = hf_h2_first_window(conn->options);
    hf_list_init(&stream->in_flight);
    hf_list_append(&conn->streams, &stream->node);
    conn->n_streams++;
    conn->opened++;
    return stream;
}

static void
drop_unsent(struct hf_h2_stream *stream)
{
    if (stream->unsent.len > 0) {
        stream->conn->n_unsent--;
        hf_h2_buffer_clear(&stream->unsent);
    }
    hf_h2_fields_unref(stream->trailers);
    stream->trailers = NULL;
}

void
hf_h2_stream_closed(struct hf_h2_stream *stream, const struct hf_h2_close *close)
{
    struct hf_h2_conn *conn = stream->conn;

    hf_list_remove(&stream->node);
    hf_list_remove(&stream->in_flight);
    conn->n_streams--;
    if (conn->n_streams == 0) {
        conn->idle_ns = hf_loop_now(conn->loop);
    }
    if (conn->incoming_stream == stream) {
        conn->incoming_stream = NULL;
    }
    stream->closing = true;
    if (stream->told) {
        stream->ops->on_close(stream, close);
    }
    drop_unsent(stream);
    while (stream->sending) {
        hf_h2_stream_block_done(stream);
    }
    stream->magic = 0;
    hf_h2_mem_free(stream);
}

void
hf_h2_stream_set(struct hf_h2_stream *stream, const struct hf_h2_stream_ops *ops, void *arg)
{
    stream->ops = ops;
    stream->arg = arg;
}

void *
hf_h2_stream_arg(const struct hf_h2_stream *stream)
{
    return stream->arg;
}

void *
hf_h2_stream_room(struct hf_h2_stream *stream)
{
    return (char *)stream + HF_H2_ROOM_AT;
}

struct hf_h2_conn *
hf_h2_stream_conn(const struct hf_h2_stream *stream)
{
    return stream->conn;
}

int32_t
hf_h2_stream_id(const struct hf_h2_stream *stream)
{
    return stream->id;
}

/* Whether it is too late for actions: the stream is closing, or its connection ending, in whose
 * session nothing may be put any more. */
static bool
is_over(const struct hf_h2_stream *stream)
{
    return stream->closing || stream->conn->state != HF_H2_STATE_OPEN;
}

/* --- headers --------------------------------------------------------------- */

/* Which of nghttp2's functions takes a block. */
enum submit { SUBMIT_REQUEST, SUBMIT_HEADERS, SUBMIT_TRAILERS };

static int
submit_nv(struct hf_h2_stream *stream, enum submit how, const nghttp2_nv *nv, size_t n, bool end)
{
    nghttp2_session *session = stream->conn->session;
    nghttp2_data_provider provider = provider_of(stream);
    int32_t r;

    switch (how) {
    case SUBMIT_REQUEST:
        r = nghttp2_submit_request(session, NULL, nv, n, end ? NULL : &provider, stream);
        if (r > 0) {
            stream->id = r;
            stream->data_submitted = !end;
        }
        return r < 0 ? r : 0;
    case SUBMIT_HEADERS:
        return nghttp2_submit_headers(session, end ? NGHTTP2_FLAG_END_STREAM : NGHTTP2_FLAG_NONE,
                                      stream->id, NULL, nv, n, NULL);
    case SUBMIT_TRAILERS:
        return nghttp2_submit_trailer(session, stream->id, nv, n);
    }
    hf_unreachable();
}

/* Hands a block to nghttp2 and keeps it until its frame has been made. */
static int
submit(struct hf_h2_stream *stream, enum submit how, struct hf_h2_fields *fields, bool end)
{
    nghttp2_nv on_stack[NV_ON_STACK];
    nghttp2_nv *nv = on_stack;
    int r = NGHTTP2_ERR_NOMEM;

    if (fields->n > NV_ON_STACK) {
        nv = hf_h2_mem_alloc(fields->n * sizeof *nv);
    }
    if (nv && !fields->failed) {
        hf_h2_fields_to_nv(fields, nv);
        r = hf_h2_session_result(stream->conn, submit_nv(stream, how, nv, fields->n, end));
    }
    if (nv != on_stack) {
        hf_h2_mem_free(nv);
    }
    if (r != 0) {
        hf_h2_fields_unref(fields);
        return HF_ENOMEM;
    }
    fields->next = NULL;
    if (stream->sending) {
        stream->sending_last->next = fields;
    } else {
        stream->sending = fields;
    }
    stream->sending_last = fields;
    hf_h2_conn_dirty(stream->conn);
    return 0;
}

void
hf_h2_stream_block_done(struct hf_h2_stream *stream)
{
    struct hf_h2_fields *fields = stream->sending;

    stream->sending = fields->next;
    hf_h2_fields_unref(fields);
}

int
hf_h2_stream_submit_request(struct hf_h2_stream *stream, struct hf_h2_fields *fields, bool end)
{
    stream->end_requested = end;
    return submit(stream, SUBMIT_REQUEST, fields, end);
}

bool
hf_h2_stream_fits(const struct hf_h2_stream *stream, const struct hf_h2_fields *fields)
{
    return hf_h2_conn_fits(stream->conn, fields);
}

static int
out_of_memory(struct hf_h2_stream *stream)
{
    hf_h2_stream_reset(stream, HF_H2_INTERNAL_ERROR);
    return HF_ENOMEM;
}

int
hf_h2_stream_inform(struct hf_h2_stream *stream, struct hf_h2_fields *fields)
{
    hf_assert(stream->conn->side == HF_H2_SERVER && !stream->response_begun);
    /* One at a time: a peer that reads nothing is owed no more than that. */
    if (is_over(stream) || stream->sending || stream->informed >= INFORM_MAX) {
        hf_h2_fields_unref(fields);
        return 0;
    }
    stream->informed++;
    return submit(stream, SUBMIT_HEADERS, fields, false) < 0 ? out_of_memory(stream) : 0;
}

int
hf_h2_stream_respond(struct hf_h2_stream *stream, struct hf_h2_fields *fields, bool end)
{
    hf_assert(stream->conn->side == HF_H2_SERVER);
    if (is_over(stream)) {
        hf_h2_fields_unref(fields);
        return 0;
    }
    hf_assert(!stream->response_begun);
    stream->response_begun = true;
    stream->end_requested = end;
    return submit(stream, SUBMIT_HEADERS, fields, end) < 0 ? out_of_memory(stream) : 0;
}

/* --- data ------------------------------------------------------------------ */

/* Hands over trailers whose data has been taken. */
static int
submit_trailers(struct hf_h2_stream *stream)
{
    struct hf_h2_fields *trailers = stream->trailers;

    stream->trailers = NULL;
    return submit(stream, SUBMIT_TRAILERS, trailers, true);
}

/* nghttp2 may send up to `max` bytes of DATA on this stream. */
static ssize_t
read_data(nghttp2_session *session, int32_t id, uint8_t *data, size_t max, uint32_t *flags,
          nghttp2_data_source *source, void *arg)
{
    const struct hf_h2_conn *conn = arg;
    struct hf_h2_stream *stream = source->ptr;
    size_t first;
    size_t len;

    (void)session;
    (void)id;
    (void)data;
    if (conn->state != HF_H2_STATE_OPEN) {
        return NGHTTP2_ERR_DEFERRED; /* the stream is gone */
    }
    len = stream->unsent.len;
    if (len == 0 && !stream->end_requested) {
        stream->data_deferred = true;
        return NGHTTP2_ERR_DEFERRED;
    }
    /* A large chunk goes out as a frame of its own, so that it need not be copied. */
    hf_h2_buffer_peek(&stream->unsent, &first);
    if (first < len && first >= HF_H2_CHUNK_MAX / 4) {
        len = first;
    }
    *flags |= NGHTTP2_DATA_FLAG_NO_COPY;
    if (len > max) {
        return (ssize_t)max;
    }
    if (len == stream->unsent.len && stream->end_requested) {
        *flags |= NGHTTP2_DATA_FLAG_EOF;
        if (stream->trailers) {
            *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
            if (submit_trailers(stream) < 0) {
                return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
            }
        }
    }
    return (ssize_t)len;
}

static nghttp2_data_provider
provider_of(struct hf_h2_stream *stream)
{
    return (nghttp2_data_provider){ .source.ptr = stream, .read_callback = read_data };
}

/* There is something to read for nghttp2, or an end to hear of. */
static int
wake_data(struct hf_h2_stream *stream)
{
    nghttp2_session *session = stream->conn->session;
    int r = 0;

    if (!stream->data_submitted) {
        nghttp2_data_provider provider = provider_of(stream);

        if (!hf_h2_session_reserve(stream->conn)) {
            return HF_ENOMEM;
        }
        stream->data_submitted = true;
        r = nghttp2_submit_data(session, NGHTTP2_FLAG_END_STREAM, stream->id, &provider);
    } else if (stream->data_deferred) {
        stream->data_deferred = false;
        r = nghttp2_session_resume_data(session, stream->id);
    }
    hf_h2_conn_dirty(stream->conn);
    return nghttp2_is_fatal(hf_h2_session_result(stream->conn, r)) ? HF_ENOMEM : 0;
}

/* Whether data may be queued; it may not on a stream that is closing. */
static bool
may_write(const struct hf_h2_stream *stream)
{
    if (is_over(stream)) {
        return false;
    }
    hf_assert(!stream->end_requested);
    hf_assert(stream->conn->side == HF_H2_CLIENT || stream->response_begun);
    return true;
}

/* Bytes begin to wait. */
static void
note_unsent(struct hf_h2_stream *stream)
{
    if (stream->unsent.len == 0) {
        stream->conn->n_unsent++;
        stream->progress_ns = hf_loop_now(stream->conn->loop);
    }
}

int
hf_h2_stream_write(struct hf_h2_stream *stream, const void *data, size_t len)
{
    bool first;

    if (!may_write(stream) || len == 0) {
        return 0;
    }
    first = stream->unsent.len == 0;
    if (first) {
        note_unsent(stream);
    }
    if (hf_h2_buffer_append(&stream->unsent, data, len) < 0) {
        if (first) {
            stream->conn->n_unsent--;
        }
        return out_of_memory(stream);
    }
    return first ? wake_data(stream) : 0;
}

int
hf_h2_stream_write_buffer(struct hf_h2_stream *stream, struct hf_h2_buffer *buffer)
{
    if (!may_write(stream)) {
        hf_h2_buffer_clear(buffer);
        return 0;
    }
    if (buffer->len == 0) {
        return 0;
    }
    note_unsent(stream);
    hf_h2_buffer_move(&stream->unsent, buffer);
    return wake_data(stream);
}

void
hf_h2_stream_end(struct hf_h2_stream *stream)
{
    if (is_over(stream) || stream->end_requested) {
        return;
    }
    stream->end_requested = true;
    wake_data(stream);
}

int
hf_h2_stream_trailers(struct hf_h2_stream *stream, struct hf_h2_fields *fields)
{
    if (!may_write(stream)) {
        hf_h2_fields_unref(fields);
        return 0;
    }
    stream->end_requested = true;
    stream->trailers = fields;
    if (stream->unsent.len > 0) {
        return wake_data(stream);
    }
    if (stream->data_submitted && !stream->data_deferred) {
        return 0; /* nghttp2 is about to ask */
    }
    return submit_trailers(stream) < 0 ? out_of_memory(stream) : 0;
}

/* --- ends ------------------------------------------------------------------ */

void
hf_h2_stream_reset(struct hf_h2_stream *stream, enum hf_h2_code code)
{
    struct hf_h2_conn *conn = stream->conn;

    if (stream->closing || conn->state != HF_H2_STATE_OPEN) {
        return;
    }
    stream->closing = true;
    if (stream->local_ended && stream->remote_ended) {
        return; /* it closes by itself; a reset would only come after that */
    }
    drop_unsent(stream);
    hf_h2_session_result(
        conn, nghttp2_submit_rst_stream(conn->session, NGHTTP2_FLAG_NONE, stream->id, code));
    hf_h2_conn_dirty(conn);
}

/* --- flow control ---------------------------------------------------------- */

/* Whoever gets the bytes takes them: the peer may send more at once. */
static void
open_window(struct hf_h2_stream *stream)
{
    struct hf_h2_conn *conn = stream->conn;

    stream->window = conn->options->stream_window;
    hf_h2_session_result(conn, nghttp2_session_set_local_window_size(conn->session,
                                                                     NGHTTP2_FLAG_NONE, stream->id,
                                                                     (int32_t)stream->window));
    hf_h2_conn_dirty(conn);
}

void
hf_h2_stream_consume(struct hf_h2_stream *stream, size_t len)
{
    struct hf_h2_conn *conn = stream->conn;

    hf_assert(len <= stream->unconsumed);
    stream->unconsumed -= (uint32_t)len;
    if (is_over(stream) || stream->remote_ended) {
        return;
    }
    /* Announced by the half window: the peer always has the other half. */
    stream->consumed += (uint32_t)len;
    if (stream->window < conn->options->stream_window) {
        stream->taken += (uint32_t)len;
        if (stream->taken > stream->window) {
            open_window(stream);
        }
    }
    if (stream->consumed >= stream->window / 2 && !is_over(stream)) {
        hf_h2_session_result(
            conn, nghttp2_session_consume_stream(conn->session, stream->id, stream->consumed));
        stream->consumed = 0;
        hf_h2_conn_dirty(conn);
    }
}

size_t
hf_h2_stream_unsent(const struct hf_h2_stream *stream)
{
    return stream->unsent.len + stream->in_flight_len;
}
