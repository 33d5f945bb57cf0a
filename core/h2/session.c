/*
 * session.c - a session of nghttp2: made, and what it tells of frames sent and
 * streams closed.  What it tells of frames received is in receive.c.
 */
#include "h2/conn_private.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/assert.h"
#include "h2/mem.h"

/* Blocks we send may be as large as those we accept, and then some. */
#define SEND_BLOCK_MAX (256u * 1024)
/* CONTINUATION frames per block.  nghttp2 counts partial reads of one, too; what
 * a block may hold is limited by its fields. */
#define CONTINUATIONS_MAX 1024u

/* --- sending --------------------------------------------------------------- */

/* Server: whether we sent a RST_STREAM of our own will (a client asked for each stream, and
 * a server that answers wrongly only has that one reset).  The stream may be gone when it
 * leaves, ended by a frame of the peer that crossed it; then its code tells,
 * for the library cancels nothing by itself. */
static bool
is_reset_of_ours(const struct hf_h2_stream *stream, uint32_t code)
{
    return stream ? stream->closing : code == NGHTTP2_CANCEL || code == NGHTTP2_NO_ERROR;
}

static int
on_frame_send(nghttp2_session *session, const nghttp2_frame *frame, void *arg)
{
    struct hf_h2_conn *conn = arg;
    struct hf_h2_stream *stream;

    if (conn->state != HF_H2_STATE_OPEN) {
        return 0; /* the streams are gone */
    }
    if (frame->hd.type == NGHTTP2_GOAWAY && conn->drain == HF_H2_DRAIN_NOTICE) {
        /* Not before: nghttp2 sends PING first, and its answer would prove nothing. */
        hf_h2_session_result(conn,
                             nghttp2_submit_ping(session, NGHTTP2_FLAG_NONE, HF_H2_PING_DRAIN));
    }
    if (frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA &&
        frame->hd.type != NGHTTP2_RST_STREAM) {
        return 0;
    }
    stream = hf_h2_stream_of(session, frame->hd.stream_id);
    if (frame->hd.type == NGHTTP2_RST_STREAM) {
        conn->reset_ns = hf_loop_now(conn->loop);
        if (conn->side == HF_H2_SERVER && !is_reset_of_ours(stream, frame->rst_stream.error_code)) {
            hf_h2_limits_reset_forced(conn); /* the library's: the peer broke a rule */
        }
        return 0;
    }
    if (!stream) {
        return 0;
    }
    if (frame->hd.type == NGHTTP2_HEADERS) {
        hf_h2_stream_block_done(stream);
        if (!stream->head_framed) {
            stream->head_framed = true;
            stream->head_mark = conn->gathered;
        }
    }
    hf_h2_limits_sent(conn);
    if (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) {
        stream->local_ended = true;
        if (conn->side == HF_H2_SERVER && !stream->remote_ended && !stream->closing) {
            /* RFC 9113 8.1: the answer is complete, the rest of the request not wanted. */
            stream->closing = true;
            hf_h2_session_result(conn, nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE,
                                                                 stream->id, NGHTTP2_NO_ERROR));
        }
    }
    return 0;
}

static int
on_frame_not_send(nghttp2_session *session, const nghttp2_frame *frame, int error, void *arg)
{
    struct hf_h2_conn *conn = arg;
    struct hf_h2_stream *stream;

    if (conn->state != HF_H2_STATE_OPEN || frame->hd.type != NGHTTP2_HEADERS) {
        return 0;
    }
    stream = hf_h2_stream_of(session, frame->hd.stream_id);
    if (!stream) {
        return 0;
    }
    hf_h2_stream_block_done(stream);
    if (stream->closing) {
        return 0;
    }
    stream->failed_here = error != NGHTTP2_ERR_START_STREAM_NOT_ALLOWED;
    if (frame->headers.cat != NGHTTP2_HCAT_REQUEST) { /* which the library closes by itself */
        hf_h2_stream_reset(stream, HF_H2_INTERNAL_ERROR);
    }
    return 0;
}

static int
on_send_data(nghttp2_session *session, nghttp2_frame *frame, const uint8_t *frame_head, size_t len,
             nghttp2_data_source *source, void *arg)
{
    struct hf_h2_conn *conn = arg;

    (void)session;
    (void)frame;
    return hf_h2_output_data(conn, source->ptr, frame_head, len);
}

/* --- ends ------------------------------------------------------------------ */

/* Client: whether the peer cannot have acted on a request that ended. */
static bool
is_unprocessed(const struct hf_h2_stream *stream, uint32_t code)
{
    const struct hf_h2_conn *conn = stream->conn;

    if (conn->side == HF_H2_SERVER || stream->failed_here) {
        return false;
    }
    if (!stream->head_framed || conn->written <= stream->head_mark) {
        return true;
    }
    return code == NGHTTP2_REFUSED_STREAM && !stream->response_begun;
}

static int
on_stream_close(nghttp2_session *session, int32_t id, uint32_t code, void *arg)
{
    struct hf_h2_conn *conn = arg;
    struct hf_h2_stream *stream = hf_h2_stream_of(session, id);
    struct hf_h2_close close;

    if (!stream || conn->state != HF_H2_STATE_OPEN) {
        return 0;
    }
    close = (struct hf_h2_close){
        .code = stream->failed_here ? HF_H2_INTERNAL_ERROR : code,
        .complete = stream->remote_ended && stream->local_ended,
        .remote_ended = stream->remote_ended,
        .by_peer = stream->reset_by_peer,
        .unprocessed = is_unprocessed(stream, code),
    };
    if (close.complete) {
        hf_h2_limits_completed(conn);
    }
    nghttp2_session_set_stream_user_data(session, id, NULL);
    hf_h2_stream_closed(stream, &close);
    hf_h2_conn_room_changed(conn);
    if (conn->n_streams == 0) {
        hf_h2_conn_dirty(conn); /* for a drain, and the idle limit */
    }
    return 0;
}

/* What the library says of an error, for the log line of the connection's end. */
static int
on_error(nghttp2_session *session, int code, const char *text, size_t len, void *arg)
{
    struct hf_h2_conn *conn = arg;

    (void)session;
    (void)code;
    if (conn->state == HF_H2_STATE_OPEN) {
        snprintf(conn->text, sizeof conn->text, "%.*s", (int)len, text);
    }
    return 0;
}

/* --- making ---------------------------------------------------------------- */

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER; /* while the tables are made */
static nghttp2_session_callbacks *callbacks;
static nghttp2_option *library_options;

static void
fill_tables(void)
{
    hf_h2_receive_register(callbacks);
    nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, on_frame_send);
    nghttp2_session_callbacks_set_on_frame_not_send_callback(callbacks, on_frame_not_send);
    nghttp2_session_callbacks_set_send_data_callback(callbacks, on_send_data);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_stream_close);
    nghttp2_session_callbacks_set_error_callback2(callbacks, on_error);

    nghttp2_option_set_no_auto_window_update(library_options, 1);
    nghttp2_option_set_no_closed_streams(library_options, 1);
    nghttp2_option_set_max_send_header_block_length(library_options, SEND_BLOCK_MAX);
    nghttp2_option_set_max_continuations(library_options, CONTINUATIONS_MAX);
    /* gRPC's C core sends blanks around a grpc-message as they are; they cross like all else. */
    nghttp2_option_set_no_rfc9113_leading_and_trailing_ws_validation(library_options, 1);
    /* Resets are counted in limits.c, which knows peers of ours from strangers. */
    nghttp2_option_set_stream_reset_rate_limit(library_options, UINT32_MAX, UINT32_MAX);
}

/* Makes what all sessions share, unless it is there.  If there is no memory now, the next
 * connection tries again. */
static int
make_tables(void)
{
    int r = 0;

    pthread_mutex_lock(&mutex);
    if (!library_options) {
        if (!callbacks) {
            r = nghttp2_session_callbacks_new(&callbacks);
        }
        if (r == 0) {
            r = nghttp2_option_new(&library_options);
        }
        if (r == 0) {
            fill_tables();
        }
    }
    pthread_mutex_unlock(&mutex);
    return r == 0 ? 0 : HF_ENOMEM;
}

static int
submit_settings(const struct hf_h2_conn *conn, nghttp2_session *session)
{
    const struct hf_h2_options *options = conn->options;
    nghttp2_settings_entry entries[] = {
        { NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, hf_h2_first_window(options) },
        { NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, options->max_header_bytes },
        { NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1 },
        { NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, options->max_streams },
    };

    if (conn->side == HF_H2_CLIENT) {
        entries[3] = (nghttp2_settings_entry){ NGHTTP2_SETTINGS_ENABLE_PUSH, 0 };
    }
    if (nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, entries,
                                sizeof entries / sizeof *entries) != 0) {
        return HF_ENOMEM;
    }
    return nghttp2_session_set_local_window_size(session, NGHTTP2_FLAG_NONE, 0,
                                                 (int32_t)options->connection_window) != 0
               ? HF_ENOMEM
               : 0;
}

int
hf_h2_session_new(struct hf_h2_conn *conn, nghttp2_session **ret)
{
    nghttp2_session *session;
    int r;

    if (make_tables() < 0) {
        return HF_ENOMEM;
    }
    r = conn->side == HF_H2_SERVER ? nghttp2_session_server_new3(&session, callbacks, conn,
                                                                 library_options, &hf_h2_mem_ops)
                                   : nghttp2_session_client_new3(&session, callbacks, conn,
                                                                 library_options, &hf_h2_mem_ops);
    if (r != 0) {
        return HF_ENOMEM;
    }
    if (submit_settings(conn, session) < 0) {
        nghttp2_session_del(session);
        return HF_ENOMEM;
    }
    *ret = session;
    return 0;
}

int
hf_h2_session_result(struct hf_h2_conn *conn, int r)
{
    if (nghttp2_is_fatal(r)) {
        hf_h2_conn_fail(conn, HF_H2_END_IO, HF_H2_INTERNAL_ERROR, "out of memory");
    }
    return r;
}

bool
hf_h2_session_reserve(struct hf_h2_conn *conn)
{
    /* The queue is an array of pointers that doubles when it is full. */
    return hf_h2_mem_reserve(2 * (conn->n_streams + 2) * sizeof(void *)) ||
           hf_h2_session_result(conn, NGHTTP2_ERR_NOMEM) == 0;
}
