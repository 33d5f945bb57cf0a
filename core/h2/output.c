/*
 * output.c - from frames to the socket, with as few writes and copies as can be.
 *
 * At the end of a turn everything that a connection has to send is gathered
 * and written by one system call.  Frames are copied into a buffer, except bulk
 * data: a chunk that makes up a whole DATA frame is written from where it is.
 * What the socket does not take stays, nothing more is gathered until it has
 * gone, and only then is the socket asked for writability.
 *
 * A connection has an output buffer only while it writes.
 */
#include "h2/conn_private.h"

#include <errno.h>
#include <string.h>

#include "base/assert.h"
#include "h2/mem.h"

/* Copied bytes, and pieces, in one write. */
#define OUT_BYTES  (64u * 1024)
#define OUT_PIECES 48
/* nghttp2 hands out one frame at a time, at most this long. */
#define FRAME_MAX (9u + 16384u)
/* A DATA frame's head, its payload, and the frame that follows. */
#define PIECES_PER_STEP 3
/* Payload worth a piece of its own instead of a copy. */
#define PIECE_MIN 2048u

struct hf_h2_out {
    struct hf_h2_chunk *chunks; /* that pieces point into */
    uint32_t used;              /* of `bytes` */
    bool full;                  /* something did not fit: gather again once this is written */
    int n;                      /* pieces */
    int first;                  /* the first that is not written */
    struct iovec piece[OUT_PIECES];
    uint8_t bytes[OUT_BYTES];
};

_Static_assert(sizeof(struct hf_h2_out) <= HF_H2_MEM_WRITE,
               "an output buffer is a block of the size that is kept");

static struct hf_h2_out *
out_new(void)
{
    struct hf_h2_out *out = hf_h2_mem_alloc(HF_H2_MEM_WRITE);

    if (!out) {
        return NULL;
    }
    out->chunks = NULL;
    out->used = 0;
    out->full = false;
    out->n = 0;
    out->first = 0;
    return out;
}

static void
out_free(struct hf_h2_out *out)
{
    while (out->chunks) {
        struct hf_h2_chunk *chunk = out->chunks;

        out->chunks = chunk->next;
        hf_h2_mem_free(chunk);
    }
    hf_h2_mem_free(out);
}

void
hf_h2_output_drop(struct hf_h2_conn *conn)
{
    while (hf_list_pop(&conn->in_flight)) {
    }
    if (conn->out) {
        out_free(conn->out);
        conn->out = NULL;
    }
}

/* --- gathering ------------------------------------------------------------- */

static bool
has_room(const struct hf_h2_out *out, size_t len)
{
    return out->used + len <= OUT_BYTES && out->n + PIECES_PER_STEP <= OUT_PIECES;
}

/* Appends a copy; there is room. */
static void
put_bytes(struct hf_h2_out *out, const void *data, size_t len)
{
    struct iovec *last = out->n > 0 ? &out->piece[out->n - 1] : NULL;
    uint8_t *to = out->bytes + out->used;

    hf_assert(out->used + len <= OUT_BYTES && out->n < OUT_PIECES);
    memcpy(to, data, len);
    out->used += (uint32_t)len;
    if (last && (uint8_t *)last->iov_base + last->iov_len == to) {
        last->iov_len += len;
    } else {
        out->piece[out->n++] = (struct iovec){ .iov_base = to, .iov_len = len };
    }
}

static void
put_chunk(struct hf_h2_out *out, struct hf_h2_chunk *chunk)
{
    out->piece[out->n++] = (struct iovec){
        .iov_base = chunk->data + chunk->begin,
        .iov_len = chunk->end - chunk->begin,
    };
    chunk->next = out->chunks;
    out->chunks = chunk;
}

/* The payload of a DATA frame; nghttp2 has written its head. */
static void
put_payload(struct hf_h2_out *out, struct hf_h2_buffer *from, size_t len)
{
    size_t first;

    hf_h2_buffer_peek(from, &first);
    if (first == len && len >= PIECE_MIN) {
        put_chunk(out, hf_h2_buffer_take_chunk(from));
        return;
    }
    while (len > 0) {
        const uint8_t *data = hf_h2_buffer_peek(from, &first);
        size_t n = first < len ? first : len;

        put_bytes(out, data, n);
        hf_h2_buffer_skip(from, n);
        len -= n;
    }
}

int
hf_h2_output_data(struct hf_h2_conn *conn, struct hf_h2_stream *stream, const uint8_t *frame_head,
                  size_t len)
{
    struct hf_h2_out *out = conn->out;

    /* nghttp2 goes straight on to the next frame, which must have room as well. */
    if (!has_room(out, 9 + len + FRAME_MAX)) {
        out->full = true;
        return NGHTTP2_ERR_WOULDBLOCK;
    }
    put_bytes(out, frame_head, 9);
    conn->gathered += 9 + len;
    if (len > 0) {
        put_payload(out, &stream->unsent, len);
        stream->in_flight_len += len;
        if (hf_list_is_empty(&stream->in_flight)) {
            hf_list_append(&conn->in_flight, &stream->in_flight);
        }
        if (stream->unsent.len == 0) {
            conn->n_unsent--;
        }
        stream->progress_ns = hf_loop_now(conn->loop);
    }
    return 0;
}

/* Fills the buffer with all there is to send, or all that fits.  Returns false
 * if the session failed. */
static bool
gather(struct hf_h2_conn *conn)
{
    struct hf_h2_out *out = conn->out;

    for (;;) {
        const uint8_t *data;
        ssize_t n;

        if (!has_room(out, FRAME_MAX)) {
            out->full = true;
            return true;
        }
        if (!hf_h2_session_reserve(conn)) {
            return false;
        }
        conn->inside = true;
        n = nghttp2_session_mem_send(conn->session, &data);
        conn->inside = false;
        if (conn->state != HF_H2_STATE_OPEN) {
            return false; /* a callback has ended it: the rest will not be sent */
        }
        if (n == 0) {
            return true;
        }
        if (n < 0) {
            hf_h2_conn_fail(conn, HF_H2_END_PROTOCOL, HF_H2_INTERNAL_ERROR, "cannot send: %s",
                            nghttp2_strerror((int)n));
            return false;
        }
        put_bytes(out, data, (size_t)n);
        conn->gathered += (size_t)n;
    }
}

/* The last frame of a connection that ends, behind those gathered before; not by the session,
 * which may have failed. */
static void
put_goaway(struct hf_h2_conn *conn)
{
    uint32_t last = (uint32_t)nghttp2_session_get_last_proc_stream_id(conn->session);
    uint32_t code = conn->end_code;
    uint8_t len = (uint8_t)strlen(conn->text);
    const uint8_t frame[] = { 0,
                              0,
                              (uint8_t)(8 + len),
                              NGHTTP2_GOAWAY,
                              0,
                              0,
                              0,
                              0,
                              0,
                              (uint8_t)(last >> 24),
                              (uint8_t)(last >> 16),
                              (uint8_t)(last >> 8),
                              (uint8_t)last,
                              (uint8_t)(code >> 24),
                              (uint8_t)(code >> 16),
                              (uint8_t)(code >> 8),
                              (uint8_t)code };

    put_bytes(conn->out, frame, sizeof frame);
    put_bytes(conn->out, conn->text, len);
    conn->gathered += sizeof frame + len;
}

/* --- writing --------------------------------------------------------------- */

static void
advance(struct hf_h2_out *out, size_t len)
{
    while (len > 0) {
        struct iovec *piece = &out->piece[out->first];

        if (piece->iov_len > len) {
            piece->iov_base = (uint8_t *)piece->iov_base + len;
            piece->iov_len -= len;
            return;
        }
        len -= piece->iov_len;
        out->first++;
    }
}

/* Everything gathered has entered the socket. */
static void
report_sent(struct hf_h2_conn *conn)
{
    struct hf_list *node;

    while ((node = hf_list_pop(&conn->in_flight))) {
        struct hf_h2_stream *stream = hf_container_of(node, struct hf_h2_stream, in_flight);
        size_t len = stream->in_flight_len;

        stream->in_flight_len = 0;
        if (stream->told && !stream->closing && conn->state == HF_H2_STATE_OPEN) {
            stream->ops->on_sent(stream, len);
        }
    }
}

/* Writes what is gathered.  1: all; 0: the socket takes no more; -1: it failed. */
static int
write_out(struct hf_h2_conn *conn)
{
    struct hf_h2_out *out = conn->out;

    while (out->first < out->n) {
        ssize_t n =
            conn->transport.send(conn->transport.arg, out->piece + out->first, out->n - out->first);

        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
            return 0;
        }
        if (n < 0) {
            hf_h2_conn_fail(conn, HF_H2_END_IO, HF_H2_NO_ERROR, "write: %s", strerror(errno));
            return -1;
        }
        conn->written += (size_t)n;
        conn->write_ns = hf_loop_now(conn->loop);
        advance(out, (size_t)n);
    }
    out_free(out);
    conn->out = NULL;
    report_sent(conn);
    return 1;
}

/* Gathers into a fresh buffer; none is kept if there is nothing to send. */
static bool
refill(struct hf_h2_conn *conn)
{
    conn->out = out_new();
    if (!conn->out) {
        hf_h2_conn_fail(conn, HF_H2_END_IO, HF_H2_INTERNAL_ERROR, "out of memory");
        return false;
    }
    if (conn->goaway_due) {
        conn->goaway_due = false;
        put_goaway(conn);
    } else if (conn->state == HF_H2_STATE_OPEN && !gather(conn)) {
        return false;
    }
    if (conn->out->n == 0) {
        out_free(conn->out);
        conn->out = NULL;
    }
    conn->write_ns = hf_loop_now(conn->loop);
    return true;
}

bool
hf_h2_output_run(struct hf_h2_conn *conn)
{
    uint32_t events = HF_READABLE;
    bool more = true; /* not only what an earlier turn left: more may have been queued since */

    for (;;) {
        int written = conn->out ? write_out(conn) : 1;

        if (written < 0) {
            return false;
        }
        if (written == 0) {
            events |= HF_WRITABLE;
            break;
        }
        if (!more) {
            break;
        }
        if (!refill(conn)) {
            return false;
        }
        if (!conn->out) {
            break;
        }
        more = conn->out->full;
    }
    if (events != conn->watch.events && hf_watch_set(&conn->watch, events) < 0) {
        hf_h2_conn_fail(conn, HF_H2_END_IO, HF_H2_INTERNAL_ERROR, "out of memory");
        return false;
    }
    if (conn->choked && !conn->out) {
        conn->choked = false;
        hf_h2_conn_room_changed(conn);
    }
    return true;
}
