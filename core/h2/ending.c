/*
 * ending.c - how connections end: failed, closed, or drained.
 *
 * An end is marked where its cause is found, which may be inside a callback of
 * nghttp2, and carried out at the end of the turn: the streams are told, a GOAWAY
 * says why, our side is shut, and the owner hears of it once the peer has closed
 * too.  From the mark on the library's session is only asked and freed: it may have
 * failed, and what it has still to send refers to streams that are gone.
 */
#include "h2/conn_private.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"

void
hf_h2_conn_fail(struct hf_h2_conn *conn, enum hf_h2_end end, uint32_t code, const char *fmt, ...)
{
    va_list args;

    if (conn->state != HF_H2_STATE_OPEN) {
        return;
    }
    va_start(args, fmt);
    vsnprintf(conn->text, sizeof conn->text, fmt, args);
    va_end(args);
    conn->state = HF_H2_STATE_ENDING;
    conn->end = end;
    conn->end_code = code;
    conn->ending_ns = hf_loop_now(conn->loop);
    conn->goaway_due = end != HF_H2_END_EOF && end != HF_H2_END_IO;
    hf_h2_conn_dirty(conn);
}

void
hf_h2_conn_lose_streams(struct hf_h2_conn *conn)
{
    struct hf_h2_stream *stream;

    HF_LIST_FOR (stream, &conn->streams, node) {
        stream->closing = true;
    }
    while ((stream = hf_list_first(&conn->streams, struct hf_h2_stream, node))) {
        struct hf_h2_close close = {
            .code = HF_H2_INTERNAL_ERROR,
            .complete = stream->remote_ended && stream->local_ended,
            .remote_ended = stream->remote_ended,
            .lost = true,
            .unprocessed = conn->side == HF_H2_CLIENT &&
                           (!stream->head_framed || conn->written <= stream->head_mark),
        };

        hf_h2_stream_closed(stream, &close);
    }
}

void
hf_h2_conn_destroy(struct hf_h2_conn *conn)
{
    hf_h2_output_drop(conn);
    hf_h2_fields_unref(conn->incoming);
    nghttp2_session_del(conn->session);
    hf_timer_fini(&conn->timer);
    hf_deferred_cancel(&conn->turn_end);
    hf_watch_fini(&conn->watch);
    conn->transport.close(conn->transport.arg);
    free(conn->local);
    free(conn->peer);
    conn->magic = 0;
    free(conn);
}

static void
finish(struct hf_h2_conn *conn)
{
    conn->ops->on_closed(conn, conn->end, conn->text);
    hf_h2_conn_destroy(conn);
}

/* The last bytes are on their way: shut our side and wait for the peer to close,
 * or the kernel would answer what it still sends with a reset that destroys them. */
static void
linger(struct hf_h2_conn *conn)
{
    conn->state = HF_H2_STATE_LINGERING;
    conn->transport.shut(conn->transport.arg);
    if (hf_watch_set(&conn->watch, HF_READABLE) < 0) {
        finish(conn);
        return;
    }
    hf_h2_limits_arm(conn);
}

static bool
has_lingered(const struct hf_h2_conn *conn)
{
    return hf_loop_now(conn->loop) >= conn->ending_ns + HF_H2_LINGER_NS;
}

void
hf_h2_conn_go_on_ending(struct hf_h2_conn *conn)
{
    bool gone = conn->end == HF_H2_END_EOF || conn->end == HF_H2_END_IO || conn->peer_closed;

    if (conn->state == HF_H2_STATE_LINGERING && !gone && !has_lingered(conn)) {
        return;
    }
    if (!conn->streams_told) {
        conn->streams_told = true;
        conn->inside = true;
        hf_h2_conn_lose_streams(conn);
        conn->inside = false;
    }
    if (gone || has_lingered(conn) || !hf_h2_output_run(conn)) {
        finish(conn);
        return;
    }
    if (!conn->out) {
        linger(conn);
    } else {
        hf_h2_limits_arm(conn);
    }
}

/* --- draining -------------------------------------------------------------- */

void
hf_h2_conn_drain(struct hf_h2_conn *conn)
{
    if (conn->drain != HF_H2_DRAIN_NONE || conn->state != HF_H2_STATE_OPEN) {
        return;
    }
    conn->drain_ns = hf_loop_now(conn->loop);
    if (conn->side == HF_H2_SERVER) {
        conn->drain = HF_H2_DRAIN_NOTICE;
        hf_h2_session_result(conn, nghttp2_submit_shutdown_notice(conn->session));
    } else {
        conn->drain = HF_H2_DRAIN_WAIT;
    }
    hf_h2_conn_dirty(conn);
}

/* At the end of a turn with nothing left to write.  The last GOAWAY is framed
 * before more is read: a request that came between would be served although the
 * peer is told that it was not. */
void
hf_h2_conn_go_on_draining(struct hf_h2_conn *conn)
{
    if (conn->drain == HF_H2_DRAIN_FINAL) {
        conn->drain = HF_H2_DRAIN_WAIT;
        hf_h2_session_result(
            conn, nghttp2_submit_goaway(conn->session, NGHTTP2_FLAG_NONE,
                                        nghttp2_session_get_last_proc_stream_id(conn->session),
                                        NGHTTP2_NO_ERROR, NULL, 0));
        if (!hf_h2_output_run(conn)) {
            return;
        }
    }
    if (conn->n_streams == 0 && (conn->drain == HF_H2_DRAIN_WAIT || conn->peer_leaving)) {
        hf_h2_conn_fail(conn, HF_H2_END_DRAINED, HF_H2_NO_ERROR, "drained");
    }
}
