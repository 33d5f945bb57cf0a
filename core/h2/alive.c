/*
 * alive.c - whether a peer still answers, for owners that have a reason to ask.
 *
 * A PING stands in the stream of bytes behind the requests sent before it and before those
 * sent after it.  So a peer that does one thing at a time, and does not answer, may still be
 * at one of the former, but not at one of the latter.
 */
#include "h2/conn_private.h"

int32_t
hf_h2_conn_ask(struct hf_h2_conn *conn)
{
    if (conn->state == HF_H2_STATE_OPEN) {
        hf_h2_session_result(
            conn, nghttp2_submit_ping(conn->session, NGHTTP2_FLAG_NONE, HF_H2_PING_ALIVE));
    }
    hf_h2_conn_dirty(conn);
    return (int32_t)nghttp2_session_get_next_stream_id(conn->session) - 1;
}

uint64_t
hf_h2_conn_heard(const struct hf_h2_conn *conn)
{
    return conn->heard_ns;
}

bool
hf_h2_conn_has_stream_before(const struct hf_h2_conn *conn, int32_t mark)
{
    const struct hf_h2_stream *stream;

    HF_LIST_FOR (stream, &conn->streams, node) {
        if (stream->id > 0 && stream->id <= mark) {
            return true;
        }
    }
    return false;
}
