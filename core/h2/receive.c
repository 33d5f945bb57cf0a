/*
 * receive.c - frames received become events of connections and streams.
 *
 * nghttp2 checks the protocol; here blocks are collected, limits counted and
 * owners called.  Callbacks may submit frames but never send, receive or delete:
 * whoever wants to end the connection from here marks it, and the end of the turn
 * acts.
 */
#include "h2/conn_private.h"

#include <string.h>

#include "base/assert.h"

/* Tells nghttp2 to stop reading once the connection is ending. */
static int
verdict(const struct hf_h2_conn *conn)
{
    return conn->state == HF_H2_STATE_OPEN ? 0 : NGHTTP2_ERR_CALLBACK_FAILURE;
}

/* --- receiving header blocks ----------------------------------------------- */

void
hf_h2_receive_drop(struct hf_h2_conn *conn)
{
    hf_h2_fields_unref(conn->incoming);
    conn->incoming = NULL;
    conn->incoming_stream = NULL;
}

static int
on_begin_headers(nghttp2_session *session, const nghttp2_frame *frame, void *arg)
{
    struct hf_h2_conn *conn = arg;
    struct hf_h2_stream *stream;

    if (conn->state != HF_H2_STATE_OPEN) {
        return NGHTTP2_ERR_CALLBACK_FAILURE;
    }
    hf_h2_receive_drop(conn);
    if (frame->headers.cat == NGHTTP2_HCAT_REQUEST) {
        stream = hf_h2_stream_new(conn, frame->hd.stream_id);
        if (!stream) {
            return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
        }
        nghttp2_session_set_stream_user_data(session, frame->hd.stream_id, stream);
    } else {
        stream = hf_h2_stream_of(session, frame->hd.stream_id);
    }
    if (!stream || stream->closing) {
        return 0; /* decoded, for the compression's sake, and dropped */
    }
    conn->incoming = hf_h2_fields_new();
    if (!conn->incoming) {
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    }
    conn->incoming_stream = stream;
    return 0;
}

static int
on_header(nghttp2_session *session, const nghttp2_frame *frame, nghttp2_rcbuf *name,
          nghttp2_rcbuf *value, uint8_t flags, void *arg)
{
    struct hf_h2_conn *conn = arg;

    (void)session;
    (void)frame;
    if (conn->incoming) {
        hf_h2_fields_receive(conn->incoming, name, value, flags, conn->options->max_header_bytes,
                             conn->options->max_header_fields);
        if (conn->incoming->truncated) {
            hf_h2_limits_block(conn, conn->incoming);
        }
    }
    return verdict(conn);
}

/* A field that HTTP does not allow is not dropped but refused: what one hop
 * drops, another may see. */
static int
on_invalid_header(nghttp2_session *session, const nghttp2_frame *frame, nghttp2_rcbuf *name,
                  nghttp2_rcbuf *value, uint8_t flags, void *arg)
{
    (void)session;
    (void)frame;
    (void)name;
    (void)value;
    (void)flags;
    (void)arg;
    return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
}

/* Leaves exactly one authority.  False if the request has two different ones. */
static bool
settle_authority(struct hf_h2_fields *fields)
{
    const struct hf_h2_field *host = hf_h2_fields_get(fields, HF_H2_HOST);
    const struct hf_h2_field *authority = hf_h2_fields_get(fields, HF_H2_AUTHORITY);

    if (!host) {
        return true;
    }
    if (!authority) {
        hf_h2_fields_set(fields, HF_H2_AUTHORITY, host->value, host->value_len);
    } else if (authority->value_len != host->value_len ||
               memcmp(authority->value, host->value, host->value_len) != 0) {
        return false;
    }
    hf_h2_fields_remove(fields, HF_H2_HOST);
    return true;
}

static void
receive_request(struct hf_h2_conn *conn, struct hf_h2_stream *stream, struct hf_h2_fields *fields,
                bool end)
{
    if (!settle_authority(fields)) {
        hf_h2_fields_unref(fields);
        hf_h2_stream_reset(stream, HF_H2_PROTOCOL_ERROR);
        hf_h2_limits_reset_forced(conn);
        return;
    }
    stream->told = true;
    conn->ops->on_request(conn, stream, fields, end);
    hf_assert(stream->ops);
}

static enum hf_h2_kind
kind_of(const struct hf_h2_stream *stream, const struct hf_h2_fields *fields)
{
    const struct hf_h2_field *status = hf_h2_fields_get(fields, HF_H2_STATUS);

    if (stream->conn->side == HF_H2_SERVER || !status) {
        return HF_H2_TRAILERS;
    }
    return status->value[0] == '1' ? HF_H2_INFORMATIONAL : HF_H2_RESPONSE;
}

/* The peer has ended its side. */
static void
receive_end(struct hf_h2_stream *stream)
{
    stream->remote_ended = true;
    if (stream->closing) {
        return;
    }
    stream->ops->on_end(stream);
    /* Nobody waits for the rest of a request that has been answered. */
    if (stream->conn->side == HF_H2_CLIENT && !stream->end_requested) {
        hf_h2_stream_reset(stream, HF_H2_NO_ERROR);
    }
}

/* A block that is no request. */
static void
receive_more_headers(struct hf_h2_stream *stream, struct hf_h2_fields *fields, bool end)
{
    enum hf_h2_kind kind = kind_of(stream, fields);

    if (kind == HF_H2_INFORMATIONAL && !hf_h2_limits_informational(stream)) {
        hf_h2_fields_unref(fields);
        return;
    }
    if (kind != HF_H2_INFORMATIONAL) {
        hf_h2_limits_useful(stream->conn);
    }
    if (kind == HF_H2_RESPONSE) {
        stream->response_begun = true;
    }
    stream->ops->on_headers(stream, fields, kind, end);
}

static void
receive_headers(struct hf_h2_conn *conn, const nghttp2_frame *frame)
{
    struct hf_h2_fields *fields = conn->incoming;
    struct hf_h2_stream *stream = conn->incoming_stream;
    bool end = frame->hd.flags & NGHTTP2_FLAG_END_STREAM;

    conn->incoming = NULL;
    hf_h2_receive_drop(conn);
    if (fields) {
        fields->truncated |= conn->intake.guard.cut;
    }
    if (!stream || stream->closing) {
        hf_h2_fields_unref(fields);
    } else if (frame->headers.cat == NGHTTP2_HCAT_REQUEST) {
        hf_h2_limits_useful(conn);
        receive_request(conn, stream, fields, end);
    } else {
        receive_more_headers(stream, fields, end);
    }
    if (stream && end) {
        receive_end(stream);
    }
}

/* --- receiving the rest ---------------------------------------------------- */

/* The connection's window is given back at once: only the stream's own waits for
 * its owner, so that one unread stream holds up no other. */
static void
return_connection_credit(struct hf_h2_conn *conn, size_t len)
{
    conn->unconsumed += (uint32_t)len;
    if (conn->unconsumed >= conn->options->connection_window / 4) {
        hf_h2_session_result(conn,
                             nghttp2_session_consume_connection(conn->session, conn->unconsumed));
        conn->unconsumed = 0;
    }
}

static int
on_data_chunk(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *data, size_t len,
              void *arg)
{
    struct hf_h2_conn *conn = arg;
    struct hf_h2_stream *stream = hf_h2_stream_of(session, id);

    (void)flags;
    return_connection_credit(conn, len);
    if (stream && !stream->closing && conn->state == HF_H2_STATE_OPEN) {
        hf_h2_limits_useful(conn);
        stream->unconsumed += (uint32_t)len;
        stream->ops->on_data(stream, data, len);
    }
    return verdict(conn);
}

static void
receive_data_end(struct hf_h2_conn *conn, const nghttp2_frame *frame)
{
    struct hf_h2_stream *stream = hf_h2_stream_of(conn->session, frame->hd.stream_id);

    if (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) {
        if (stream) {
            receive_end(stream);
        }
    } else if (frame->hd.length > 0 && frame->hd.length == frame->data.padlen) {
        hf_h2_limits_nuisance(conn, 1); /* an empty one was counted by its head (intake.c) */
    }
}

static void
receive_settings(struct hf_h2_conn *conn, const nghttp2_frame *frame)
{
    if (frame->hd.flags & NGHTTP2_FLAG_ACK) {
        conn->settings_acked = true;
        return;
    }
    hf_h2_limits_nuisance(conn, 10);
    if (!conn->ready) {
        conn->ready = true;
        conn->idle_ns = hf_loop_now(conn->loop); /* the time of setting up does not count */
        if (conn->ops->on_ready) {
            conn->ops->on_ready(conn);
        }
    }
    hf_h2_conn_room_changed(conn);
}

static void
receive_ping(struct hf_h2_conn *conn, const nghttp2_frame *frame)
{
    if (!(frame->hd.flags & NGHTTP2_FLAG_ACK)) {
        hf_h2_limits_ping(conn);
        return;
    }
    if (conn->ping_outstanding && memcmp(frame->ping.opaque_data, HF_H2_PING_ALIVE, 8) == 0) {
        conn->ping_outstanding = false;
    } else if (conn->drain == HF_H2_DRAIN_NOTICE &&
               memcmp(frame->ping.opaque_data, HF_H2_PING_DRAIN, 8) == 0) {
        conn->drain = HF_H2_DRAIN_FINAL;
        hf_h2_conn_dirty(conn);
    } else {
        hf_h2_limits_nuisance(conn, 1); /* the answer to nothing */
    }
}

static void
receive_goaway(struct hf_h2_conn *conn, const nghttp2_frame *frame)
{
    conn->peer_leaving = true;
    if (conn->ops->on_goaway) {
        conn->ops->on_goaway(conn, frame->goaway.last_stream_id, frame->goaway.error_code);
    }
    hf_h2_conn_room_changed(conn);
    hf_h2_conn_dirty(conn);
}

static void
receive_reset(struct hf_h2_conn *conn, const nghttp2_frame *frame)
{
    struct hf_h2_stream *stream = hf_h2_stream_of(conn->session, frame->hd.stream_id);

    if (stream) {
        stream->reset_by_peer = true;
    }
    /* NO_ERROR ends an answered request early and costs nobody anything. */
    if (frame->rst_stream.error_code != NGHTTP2_NO_ERROR) {
        hf_h2_limits_reset_received(conn);
    }
}

/* nghttp2 drops PRIORITY without a word, as it tells the peer that it would, and so it does
 * with what comes for a stream that we gave up. */
static int
on_begin_frame(nghttp2_session *session, const nghttp2_frame_hd *head, void *arg)
{
    struct hf_h2_conn *conn = arg;

    if (head->type == NGHTTP2_PRIORITY && head->stream_id == 0) {
        /* The library ignores PRIORITY altogether; this is an error still (RFC 9113, 6.3). */
        hf_h2_conn_fail(conn, HF_H2_END_PROTOCOL, HF_H2_PROTOCOL_ERROR, "PRIORITY on stream 0");
    } else if (head->type == NGHTTP2_HEADERS && conn->side == HF_H2_CLIENT &&
               !hf_h2_stream_of(session, head->stream_id)) {
        hf_h2_limits_stray(conn);
    }
    return verdict(conn);
}

static int
on_frame_recv(nghttp2_session *session, const nghttp2_frame *frame, void *arg)
{
    struct hf_h2_conn *conn = arg;

    (void)session;
    if (conn->state != HF_H2_STATE_OPEN) {
        return NGHTTP2_ERR_CALLBACK_FAILURE;
    }
    switch (frame->hd.type) {
    case NGHTTP2_HEADERS:
        receive_headers(conn, frame);
        break;
    case NGHTTP2_DATA:
        receive_data_end(conn, frame);
        break;
    case NGHTTP2_SETTINGS:
        receive_settings(conn, frame);
        break;
    case NGHTTP2_PING:
        receive_ping(conn, frame);
        break;
    case NGHTTP2_GOAWAY:
        receive_goaway(conn, frame);
        break;
    case NGHTTP2_RST_STREAM:
        receive_reset(conn, frame);
        break;
    default: /* WINDOW_UPDATE */
        break;
    }
    return verdict(conn);
}

void
hf_h2_receive_register(nghttp2_session_callbacks *callbacks)
{
    nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, on_begin_headers);
    nghttp2_session_callbacks_set_on_header_callback2(callbacks, on_header);
    nghttp2_session_callbacks_set_on_invalid_header_callback2(callbacks, on_invalid_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data_chunk);
    nghttp2_session_callbacks_set_on_begin_frame_callback(callbacks, on_begin_frame);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame_recv);
}
