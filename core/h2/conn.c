/*
 * conn.c - connections: made, read from, asked.
 *
 * Reading feeds nghttp2, whose callbacks (receive.c) call the owners.  Whatever
 * must not happen inside such a callback - sending, ending - is marked and done
 * by `turn_end`, which the loop runs after the events of a turn.
 */
#include "h2/conn.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/assert.h"
#include "base/err.h"
#include "h2/conn_private.h"
#include "h2/mem.h"
#include "loop/address.h"

#define SECOND UINT64_C(1000000000)

/* Bytes taken from a socket in one turn; also bounds the requests of a turn. */
#define READ_MAX (64u * 1024)

/* Streams that the peer allows until it says otherwise (RFC 9113 6.5.2 advises 100). */
#define PEER_STREAMS_UNTOLD 100u
/* No new streams above this id: three quarters of what there are. */
#define LAST_ID (INT32_MAX / 4 * 3)

static _Thread_local uint8_t *read_buffer;

static const struct hf_h2_options defaults = {
    .stream_window = 256 * 1024,
    .connection_window = 1024 * 1024,
    .max_streams = 1000,
    .max_header_bytes = 64 * 1024,
    .max_header_fields = 100,
    .setup_ns = 10 * SECOND,
    .header_ns = 10 * SECOND,
    .settings_ack_ns = 10 * SECOND,
    .blocked_ns = 60 * SECOND,
    .write_ns = 30 * SECOND,
    .drain_ns = 30 * SECOND,
    .ping_timeout_ns = 20 * SECOND,
    .ping_permit_ns = 300 * SECOND,
};

void
hf_h2_options_init(struct hf_h2_options *options)
{
    *options = defaults;
}

void
hf_h2_thread_release(void)
{
    free(read_buffer);
    read_buffer = NULL;
    hf_h2_mem_release();
}

/* --- the turn -------------------------------------------------------------- */

void
hf_h2_conn_dirty(struct hf_h2_conn *conn)
{
    hf_loop_defer(conn->loop, &conn->turn_end);
}

/* The library has nothing more to do: it has sent the GOAWAY of a fatal error. */
static void
check_session(struct hf_h2_conn *conn)
{
    if (conn->state == HF_H2_STATE_OPEN && !conn->out &&
        !nghttp2_session_want_read(conn->session) && !nghttp2_session_want_write(conn->session)) {
        hf_h2_conn_fail(conn, HF_H2_END_PROTOCOL, HF_H2_PROTOCOL_ERROR, "%s",
                        conn->text[0] ? conn->text : "protocol error");
        conn->goaway_due = false;
    }
}

static void
turn_end(struct hf_deferred *deferred)
{
    struct hf_h2_conn *conn = hf_container_of(deferred, struct hf_h2_conn, turn_end);

    hf_assert(conn->magic == HF_H2_CONN_MAGIC);
    if (conn->state == HF_H2_STATE_OPEN && hf_h2_output_run(conn) && !conn->out) {
        hf_h2_conn_go_on_draining(conn);
        check_session(conn);
    }
    if (conn->state == HF_H2_STATE_OPEN) {
        hf_h2_limits_arm(conn);
    } else {
        hf_h2_conn_go_on_ending(conn);
    }
}

/* Hands the library some input. */
static void
feed_piece(struct hf_h2_conn *conn, const struct hf_h2_piece *piece)
{
    ssize_t n;

    conn->inside = true;
    n = nghttp2_session_mem_recv(conn->session, piece->data, piece->len);
    conn->inside = false;
    if (n == NGHTTP2_ERR_BAD_CLIENT_MAGIC) {
        hf_h2_conn_fail(conn, HF_H2_END_PROTOCOL, HF_H2_PROTOCOL_ERROR,
                        "not HTTP/2: no connection preface");
    } else if (n < 0) {
        bool flood = n == NGHTTP2_ERR_FLOODED || n == NGHTTP2_ERR_TOO_MANY_CONTINUATIONS;

        hf_h2_conn_fail(conn, HF_H2_END_PROTOCOL,
                        flood ? HF_H2_ENHANCE_YOUR_CALM : HF_H2_INTERNAL_ERROR, "%s",
                        nghttp2_strerror((int)n));
    }
}

/* Whether a header block is under way is seen in the bytes: the library does not tell of
 * blocks that it refuses. */
static void
note_block(struct hf_h2_conn *conn)
{
    if (!hf_h2_intake_in_block(&conn->intake)) {
        conn->header_ns = 0;
        hf_h2_receive_drop(conn);
    } else if (conn->header_ns == 0) {
        conn->header_ns = hf_loop_now(conn->loop);
    }
}

/* What the session makes of some input. */
static void
feed(struct hf_h2_conn *conn, uint8_t *data, size_t len)
{
    struct hf_h2_piece piece;

    conn->heard_ns = hf_loop_now(conn->loop);
    while (conn->state == HF_H2_STATE_OPEN &&
           hf_h2_intake_next(&conn->intake, &data, &len, &piece)) {
        if (conn->intake.nuisances > 0) {
            hf_h2_limits_nuisance(conn, conn->intake.nuisances);
            conn->intake.nuisances = 0;
        }
        if (conn->intake.guard.lost) {
            hf_h2_conn_fail(conn, HF_H2_END_PROTOCOL, HF_H2_COMPRESSION_ERROR,
                            "header block cannot be read");
        }
        if (conn->state == HF_H2_STATE_OPEN) {
            feed_piece(conn, &piece);
        }
    }
    note_block(conn);
    hf_h2_limits_queue(conn);
    hf_h2_conn_dirty(conn);
}

static void
on_readable(struct hf_h2_conn *conn)
{
    ssize_t n;

    if (!read_buffer) {
        read_buffer = malloc(READ_MAX);
        if (!read_buffer) {
            hf_h2_conn_fail(conn, HF_H2_END_IO, HF_H2_INTERNAL_ERROR, "out of memory");
            return;
        }
    }
    n = conn->transport.recv(conn->transport.arg, read_buffer, READ_MAX);
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) {
        return;
    }
    if (conn->state != HF_H2_STATE_OPEN) {
        if (n <= 0) {
            conn->peer_closed = true;
            hf_h2_conn_dirty(conn);
        }
    } else if (n < 0) {
        hf_h2_conn_fail(conn, HF_H2_END_IO, HF_H2_NO_ERROR, "read: %s", strerror(errno));
    } else if (n == 0) {
        hf_h2_conn_fail(conn, HF_H2_END_EOF, HF_H2_NO_ERROR, "closed by the peer");
    } else {
        feed(conn, read_buffer, (size_t)n);
    }
}

static void
on_event(struct hf_watch *watch, uint32_t events)
{
    struct hf_h2_conn *conn = hf_container_of(watch, struct hf_h2_conn, watch);

    hf_assert(conn->magic == HF_H2_CONN_MAGIC);
    if (events & HF_WRITABLE) {
        hf_h2_conn_dirty(conn);
    }
    if (events & HF_READABLE) {
        on_readable(conn);
    }
}

/* --- making ---------------------------------------------------------------- */

static void
init_times(struct hf_h2_conn *conn)
{
    uint64_t now = hf_loop_now(conn->loop);

    conn->created_ns = now;
    conn->idle_ns = now;
    conn->heard_ns = now;
}

int
hf_h2_conn_new(const struct hf_h2_conn_config *config, struct hf_h2_conn **ret, struct hf_err *err)
{
    struct hf_h2_transport transport =
        config->transport ? *config->transport : hf_h2_socket_transport(config->fd);
    struct hf_h2_conn *conn = calloc(1, sizeof *conn);

    if (!conn) {
        goto fail;
    }
    conn->magic = HF_H2_CONN_MAGIC;
    conn->side = config->side;
    conn->loop = config->loop;
    conn->options = config->options ? config->options : &defaults;
    conn->ops = config->ops;
    conn->arg = config->arg;
    conn->transport = transport;
    hf_h2_intake_init(&conn->intake, conn->side == HF_H2_SERVER);
    hf_list_init(&conn->streams);
    hf_list_init(&conn->in_flight);
    init_times(conn);
    if (hf_h2_session_new(conn, &conn->session) < 0) {
        goto fail;
    }
    hf_deferred_init(&conn->turn_end, turn_end);
    hf_timer_init(&conn->timer, conn->loop, HF_TIMER_REAL, hf_h2_limits_timer);
    hf_watch_init(&conn->watch, conn->loop, config->fd, on_event);
    if (hf_watch_set(&conn->watch, HF_READABLE) < 0) {
        hf_h2_conn_destroy(conn);
        return hf_fail(err, HF_ENOMEM, "HTTP/2 connection: out of memory");
    }
    hf_h2_conn_dirty(conn);
    *ret = conn;
    return 0;

fail:
    transport.close(transport.arg);
    free(conn);
    return hf_fail(err, HF_ENOMEM, "HTTP/2 connection: out of memory");
}

void
hf_h2_conn_free(struct hf_h2_conn *conn)
{
    struct hf_h2_stream *stream;

    if (!conn) {
        return;
    }
    hf_assert(!conn->inside);
    conn->state = HF_H2_STATE_ENDING;
    HF_LIST_FOR (stream, &conn->streams, node) {
        stream->told = false; /* nobody listens any more */
        stream->closing = true;
    }
    hf_h2_conn_lose_streams(conn);
    hf_h2_conn_destroy(conn);
}

void
hf_h2_conn_close(struct hf_h2_conn *conn, enum hf_h2_code code)
{
    hf_h2_conn_fail(conn, HF_H2_END_CLOSED, code, "closed");
}

/* --- requests -------------------------------------------------------------- */

bool
hf_h2_conn_usable(const struct hf_h2_conn *conn)
{
    return conn->state == HF_H2_STATE_OPEN && conn->drain == HF_H2_DRAIN_NONE &&
           !conn->peer_leaving && !conn->out_of_ids;
}

uint32_t
hf_h2_conn_room(struct hf_h2_conn *conn)
{
    uint32_t limit = PEER_STREAMS_UNTOLD;

    if (!hf_h2_conn_usable(conn)) {
        return 0;
    }
    conn->choked = hf_h2_limits_is_choked(conn);
    if (conn->choked) {
        return 0;
    }
    if (conn->ready) {
        limit = nghttp2_session_get_remote_settings(conn->session,
                                                    NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS);
    }
    return limit > conn->n_streams ? limit - conn->n_streams : 0;
}

void
hf_h2_conn_room_changed(struct hf_h2_conn *conn)
{
    if (conn->ops->on_room && conn->state == HF_H2_STATE_OPEN) {
        conn->ops->on_room(conn);
    }
}

struct hf_h2_stream *
hf_h2_conn_request(struct hf_h2_conn *conn, struct hf_h2_fields *fields, bool end,
                   const struct hf_h2_stream_ops *ops, void *arg)
{
    static const struct hf_h2_close unsent = { .code = HF_H2_INTERNAL_ERROR };
    struct hf_h2_stream *stream = NULL;

    hf_assert(conn->side == HF_H2_CLIENT);
    if (hf_h2_conn_room(conn) > 0) {
        stream = hf_h2_stream_new(conn, 0);
    }
    if (!stream) {
        hf_h2_fields_unref(fields);
        return NULL;
    }
    if (hf_h2_stream_submit_request(stream, fields, end) < 0) {
        hf_h2_stream_closed(stream, &unsent);
        return NULL;
    }
    hf_h2_stream_set(stream, ops, arg);
    stream->told = true;
    conn->out_of_ids = stream->id >= LAST_ID;
    return stream;
}

/* --- asking ---------------------------------------------------------------- */

void *
hf_h2_conn_arg(const struct hf_h2_conn *conn)
{
    return conn->arg;
}

struct hf_loop *
hf_h2_conn_loop(const struct hf_h2_conn *conn)
{
    return conn->loop;
}

uint32_t
hf_h2_conn_accepts(const struct hf_h2_conn *conn)
{
    return nghttp2_session_get_remote_settings(conn->session,
                                               NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE);
}

bool
hf_h2_conn_fits(const struct hf_h2_conn *conn, const struct hf_h2_fields *fields)
{
    uint32_t most = hf_h2_conn_accepts(conn);

    return most == UINT32_MAX || hf_h2_fields_size(fields) <= most;
}

uint32_t
hf_h2_conn_streams(const struct hf_h2_conn *conn)
{
    return conn->n_streams;
}

uint64_t
hf_h2_conn_idle_since(const struct hf_h2_conn *conn)
{
    return conn->n_streams == 0 && conn->state == HF_H2_STATE_OPEN ? conn->idle_ns : UINT64_MAX;
}

/* Formats an address once and keeps it. */
static const char *
address_text(char **kept, int fd, int (*get)(int, struct sockaddr *, socklen_t *))
{
    char text[HF_ADDRESS_TEXT_MAX];
    struct hf_address address = { .len = sizeof address.u };

    if (!*kept) {
        if (get(fd, &address.u.any, &address.len) != 0) {
            return "unknown";
        }
        hf_address_format(&address, text);
        *kept = strdup(text);
    }
    return *kept ? *kept : "unknown";
}

const char *
hf_h2_conn_local(struct hf_h2_conn *conn)
{
    return address_text(&conn->local, conn->watch.fd, getsockname);
}

const char *
hf_h2_conn_peer(struct hf_h2_conn *conn)
{
    return address_text(&conn->peer, conn->watch.fd, getpeername);
}
