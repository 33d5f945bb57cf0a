/*
 * agent_conn.c - one connection from HAProxy: frames in, answers out.
 *
 * HELLO comes first and settles the size of frames; then each NOTIFY is answered by an
 * ACK.  A frame is handled only while there is room for the longest answer, and nothing
 * is read while answers wait, so that a connection never needs more than its two buffers.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/counters.h"
#include "base/err.h"
#include "loop/timer.h"
#include "loop/watch.h"
#include "spop/agent_private.h"
#include "spop/fragments.h"
#include "spop/hello.h"

/* The longest frame with its length. */
#define FRAME_SIZE (HF_SPOP_LENGTH_SIZE + HF_SPOP_FRAME_MAX)

/* Most of what HAProxy says when it parts. */
#define MESSAGE_SHOWN 100

HF_COUNTER(spop_healthchecks, "HAProxy's health checks answered.");
HF_COUNTER(spop_notified, "Questions from HAProxy (NOTIFY frames) answered.");
HF_COUNTER(spop_fragmented, "Questions from HAProxy that came in several frames.");
HF_COUNTER(spop_aborted, "Questions from HAProxy refused for their length.");
HF_COUNTER(spop_invalid, "Connections to the agent ended for what came in them.");
HF_COUNTER(spop_timeouts,
           "Connections to the agent ended because nothing came, or nothing was read.");

enum conn_state {
    CONN_HELLO,   /* HAProxy has not said who it is */
    CONN_OPEN,    /* questions and answers */
    CONN_PARTING, /* what is in `out` goes out */
    CONN_CLOSING  /* it has; what comes is dropped, as closing with it unread could undo that */
};

/* What the time limit is for. */
enum conn_wait { WAIT_HELLO, WAIT_IDLE, WAIT_TRANSFER };

struct spop_conn {
    struct hf_list node;
    struct hf_spop_agent *agent;
    struct hf_watch watch;
    struct hf_timer limit;
    enum conn_state state;
    enum conn_wait wait;
    uint32_t max_frame;
    struct hf_spop_fragments fragments;
    size_t in_len;
    size_t out_len;
    size_t sent; /* of `out` */
    uint8_t in[FRAME_SIZE];
    uint8_t out[2 * FRAME_SIZE];
};

struct spop_conn *
hf_spop_first_conn(const struct hf_spop_agent *agent)
{
    return hf_list_first(&agent->conns, struct spop_conn, node);
}

static void
conn_free(struct spop_conn *conn)
{
    hf_list_remove(&conn->node);
    conn->agent->conn_count--;
    hf_timer_fini(&conn->limit);
    hf_watch_fini(&conn->watch);
    close(conn->watch.fd);
    hf_spop_fragments_clear(&conn->fragments);
    free(conn);
}

/* --- answers ------------------------------------------------------------------------------- */

/* Room for one frame. */
static struct hf_spop_writer
begin_answer(struct spop_conn *conn)
{
    uint8_t *at = conn->out + conn->out_len;

    return (struct hf_spop_writer){ .at = at, .end = at + HF_SPOP_LENGTH_SIZE + conn->max_frame };
}

static void
end_answer(struct spop_conn *conn, const struct hf_spop_writer *writer)
{
    conn->out_len = (size_t)(writer->at - conn->out);
}

/* The connection closes when HAProxy has heard why. */
static void
part(struct spop_conn *conn, enum hf_spop_status status)
{
    struct hf_spop_writer writer = begin_answer(conn);

    hf_spop_disconnect_write(&writer, status);
    end_answer(conn, &writer);
    conn->state = CONN_PARTING;
}

/* The same for what a peer did wrong. */
static void
complain(struct spop_conn *conn, enum hf_spop_status status)
{
    hf_count(&spop_invalid);
    conn->agent->config.on_trouble(conn->agent->config.arg, hf_spop_status_text(status));
    part(conn, status);
}

static struct hf_spop_frame
ack_of(const struct hf_spop_frame *frame, uint32_t flags)
{
    return (struct hf_spop_frame){ .type = HF_SPOP_ACK,
                                   .flags = HF_SPOP_FIN | flags,
                                   .stream_id = frame->stream_id,
                                   .frame_id = frame->frame_id };
}

static void
refuse_payload(struct spop_conn *conn, const struct hf_spop_frame *frame)
{
    struct hf_spop_frame head = ack_of(frame, HF_SPOP_ABORT);
    struct hf_spop_writer writer = begin_answer(conn);

    hf_count(&spop_aborted);
    hf_spop_frame_end(&writer, hf_spop_frame_begin(&writer, &head));
    end_answer(conn, &writer);
}

static void
answer_messages(struct spop_conn *conn, const struct hf_spop_frame *frame,
                struct hf_spop_reader payload)
{
    const struct hf_spop_agent_config *config = &conn->agent->config;
    struct hf_spop_frame head = ack_of(frame, 0);
    struct hf_spop_writer writer = begin_answer(conn);
    uint8_t *begin = hf_spop_frame_begin(&writer, &head);

    while (payload.at < payload.end) {
        struct hf_spop_message message;
        enum hf_spop_status status = hf_spop_message_read(&payload, &message);

        if (status != HF_SPOP_NORMAL) {
            complain(conn, status);
            return;
        }
        config->on_message(config->arg, &message, &writer);
    }
    hf_spop_frame_end(&writer, begin);
    end_answer(conn, &writer);
    hf_count(&spop_notified);
}

/* --- frames -------------------------------------------------------------------------------- */

static void
on_hello(struct spop_conn *conn, const struct hf_spop_frame *frame)
{
    struct hf_spop_hello hello;
    enum hf_spop_status status = hf_spop_hello_read(frame, &hello);
    struct hf_spop_writer writer;

    if (status != HF_SPOP_NORMAL) {
        complain(conn, status);
        return;
    }
    hello.max_frame = hf_min(hello.max_frame, HF_SPOP_FRAME_MAX);
    hello.fragmentation = true; /* what this side accepts, whatever HAProxy does */
    writer = begin_answer(conn);
    hf_spop_hello_write(&writer, &hello);
    end_answer(conn, &writer);
    conn->max_frame = hello.max_frame;
    conn->state = CONN_OPEN;
    if (hello.healthcheck) {
        hf_count(&spop_healthchecks);
        conn->state = CONN_PARTING;
    }
}

static void
on_disconnect(struct spop_conn *conn, const struct hf_spop_frame *frame)
{
    struct hf_spop_disconnect disconnect;
    enum hf_spop_status status = hf_spop_disconnect_read(frame, &disconnect);

    if (status != HF_SPOP_NORMAL) {
        complain(conn, status);
        return;
    }
    /* A timeout is how HAProxy ends what it has not used for long. */
    if (disconnect.status != HF_SPOP_NORMAL && disconnect.status != HF_SPOP_TIMEOUT) {
        char what[MESSAGE_SHOWN + 64];

        snprintf(what, sizeof what, "HAProxy says: %.*s (%llu)",
                 (int)hf_min(disconnect.message.len, (size_t)MESSAGE_SHOWN),
                 disconnect.message.len ? disconnect.message.data : "",
                 (unsigned long long)disconnect.status);
        conn->agent->config.on_trouble(conn->agent->config.arg, what);
    }
    part(conn, HF_SPOP_NORMAL);
}

static void
on_notify(struct spop_conn *conn, const struct hf_spop_frame *frame)
{
    struct hf_spop_reader payload;

    switch (hf_spop_fragments_take(&conn->fragments, frame, &payload)) {
    case HF_SPOP_WHOLE:
        if (frame->type == HF_SPOP_UNSET) {
            hf_count(&spop_fragmented);
        }
        answer_messages(conn, frame, payload);
        hf_spop_fragments_clear(&conn->fragments);
        break;
    case HF_SPOP_PARTIAL:
        break;
    case HF_SPOP_REFUSED:
        refuse_payload(conn, frame);
        break;
    case HF_SPOP_BROKEN:
        complain(conn, HF_SPOP_INTERLACED);
        break;
    }
}

static void
on_frame(struct spop_conn *conn, const uint8_t *data, size_t len)
{
    struct hf_spop_frame frame;
    enum hf_spop_status status = hf_spop_frame_read(data, len, &frame);

    if (status != HF_SPOP_NORMAL) {
        complain(conn, status);
    } else if (frame.type == HF_SPOP_HAPROXY_DISCONNECT) {
        on_disconnect(conn, &frame);
    } else if (conn->state == CONN_HELLO) {
        on_hello(conn, &frame);
    } else if (frame.type == HF_SPOP_NOTIFY || frame.type == HF_SPOP_UNSET) {
        on_notify(conn, &frame);
    } else if (frame.type == HF_SPOP_HAPROXY_HELLO) {
        complain(conn, HF_SPOP_INVALID);
    } /* else nobody knows it, and it may be skipped */
}

/* The size of the frame at `at` with its length; 0: it is not whole yet, or too long. */
static size_t
whole_frame(struct spop_conn *conn, size_t at)
{
    struct hf_spop_reader reader = { .at = conn->in + at, .end = conn->in + conn->in_len };
    uint32_t len;

    if (!hf_spop_read_u32(&reader, &len)) {
        return 0;
    }
    if (len > conn->max_frame) {
        complain(conn, HF_SPOP_TOO_BIG);
        return 0;
    }
    return (size_t)(reader.end - reader.at) < len ? 0 : HF_SPOP_LENGTH_SIZE + len;
}

static bool
has_room(const struct spop_conn *conn)
{
    return sizeof conn->out - conn->out_len >= FRAME_SIZE;
}

/* Handles the whole frames that came, as long as there is room for answers.  Returns whether
 * there was one. */
static bool
take_frames(struct spop_conn *conn)
{
    size_t at = 0;
    size_t size;

    while (conn->state < CONN_PARTING && has_room(conn) && (size = whole_frame(conn, at)) > 0) {
        on_frame(conn, conn->in + at + HF_SPOP_LENGTH_SIZE, size - HF_SPOP_LENGTH_SIZE);
        at += size;
    }
    conn->in_len -= at;
    memmove(conn->in, conn->in + at, conn->in_len);
    return at > 0;
}

/* --- the socket ---------------------------------------------------------------------------- */

/* Sends what can be sent. */
static int
send_out(struct spop_conn *conn)
{
    while (conn->sent < conn->out_len) {
        ssize_t n =
            send(conn->watch.fd, conn->out + conn->sent, conn->out_len - conn->sent, MSG_NOSIGNAL);

        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return errno == EAGAIN ? 0 : HF_EIO;
        }
        conn->sent += (size_t)n;
    }
    conn->out_len = 0;
    conn->sent = 0;
    return 0;
}

/* Waits for what the connection is waiting for; a limit moves only with progress. */
static void
wait_on(struct spop_conn *conn, bool progress)
{
    const struct hf_spop_limits *limits = &conn->agent->config.limits;
    const uint64_t limit_ns[] = { [WAIT_HELLO] = limits->hello_ns,
                                  [WAIT_IDLE] = limits->idle_ns,
                                  [WAIT_TRANSFER] = limits->transfer_ns };
    enum conn_wait wait = WAIT_IDLE;

    if (conn->out_len > 0 || conn->state == CONN_CLOSING ||
        (conn->in_len > 0 && conn->state == CONN_OPEN)) {
        wait = WAIT_TRANSFER;
    } else if (conn->state == CONN_HELLO) {
        wait = WAIT_HELLO;
    }
    if (progress || wait != conn->wait) {
        conn->wait = wait;
        hf_timer_set(&conn->limit, limit_ns[wait]);
    }
    if (hf_watch_set(&conn->watch, conn->out_len > 0 ? HF_WRITABLE : HF_READABLE) < 0) {
        conn_free(conn);
    }
}

/* Handles what came and sends what is to be said. */
static void
serve(struct spop_conn *conn)
{
    bool progress = false;
    bool took;
    int r;

    do {
        took = take_frames(conn);
        progress |= took;
        r = send_out(conn);
    } while (r == 0 && took && conn->out_len == 0 && conn->state < CONN_PARTING);
    if (r < 0) {
        conn_free(conn);
        return;
    }
    if (conn->state == CONN_PARTING && conn->out_len == 0) {
        shutdown(conn->watch.fd, SHUT_WR);
        conn->state = CONN_CLOSING;
    }
    wait_on(conn, progress);
}

static int
read_in(struct spop_conn *conn)
{
    ssize_t n;

    if (conn->state == CONN_CLOSING) {
        conn->in_len = 0;
    }
    n = read(conn->watch.fd, conn->in + conn->in_len, sizeof conn->in - conn->in_len);
    if (n < 0) {
        return errno == EAGAIN || errno == EINTR ? 0 : HF_EIO;
    }
    conn->in_len += (size_t)n;
    return n == 0 ? HF_EIO : 0;
}

static void
on_ready(struct hf_watch *watch, uint32_t events)
{
    struct spop_conn *conn = hf_container_of(watch, struct spop_conn, watch);

    if (events == HF_READABLE && read_in(conn) < 0) {
        conn_free(conn);
        return;
    }
    serve(conn);
}

static void
on_limit(struct hf_timer *timer)
{
    struct spop_conn *conn = hf_container_of(timer, struct spop_conn, limit);

    hf_count(&spop_timeouts);
    if (conn->out_len > 0 || conn->state == CONN_CLOSING) {
        conn_free(conn);
        return;
    }
    part(conn, conn->wait == WAIT_IDLE ? HF_SPOP_NORMAL : HF_SPOP_TIMEOUT);
    serve(conn);
}

/* --- life ---------------------------------------------------------------------------------- */

void
hf_spop_conn_new(struct hf_spop_agent *agent, int fd)
{
    struct spop_conn *conn = calloc(1, sizeof *conn);

    if (!conn) {
        close(fd);
        return;
    }
    conn->agent = agent;
    conn->max_frame = HF_SPOP_FRAME_MAX;
    hf_watch_init(&conn->watch, agent->loop, fd, on_ready);
    hf_timer_init(&conn->limit, agent->loop, HF_TIMER_REAL, on_limit);
    hf_list_append(&agent->conns, &conn->node);
    agent->conn_count++;
    wait_on(conn, true);
}

void
hf_spop_conn_dismiss(struct spop_conn *conn)
{
    if (conn->state == CONN_OPEN && has_room(conn)) {
        part(conn, HF_SPOP_NORMAL);
    }
    send_out(conn);
    conn_free(conn);
}
