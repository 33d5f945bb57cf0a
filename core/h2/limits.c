/*
 * limits.c - how long a peer may keep us waiting, and how often it may do what
 * costs us more than itself.
 *
 * Time: one timer per connection, set for the earliest of what is being waited
 * for.  Progress does not touch it; when it fires, it is set again for what is
 * still waited for.
 *
 * Frequency: leaky buckets.  Nuisances are frames that carry nothing (PING and its
 * answers, SETTINGS, PRIORITY, WINDOW_UPDATE, GOAWAY, extensions, DATA that is empty
 * or padding; CVE-2019-9511 to 9518); frames that do pay for some.  Resets are counted in both
 * directions: those received (rapid reset, CVE-2023-44487), of which a stream that runs to its end
 * pays for one, and those a peer makes us send by breaking rules (CVE-2025-8671).
 */
#include "h2/conn_private.h"

#include "base/assert.h"

#define SECOND UINT64_C(1000000000)

/* Nuisances at once, and per second. */
#define NUISANCE_BURST 1000u
#define NUISANCE_RATE  100u
/* How many a frame of ours may cause: WINDOW_UPDATEs, bandwidth probing. */
#define NUISANCE_PER_SENT 10u
/* Resets, received or forced: at once, and the time in which as many drain. */
#define RESET_BURST 200u
#define RESET_DRAIN (30 * SECOND)
/* Streams before received resets count: a client may well give up its first calls. */
#define RESET_GRACE 500u
/* PINGs too close together before the connection is closed (gRFC A8). */
#define PING_STRIKES 2u
/* Frames waiting to be sent: at least this many, and some for each stream. */
#define QUEUE_MAX        5000u
#define QUEUE_PER_STREAM 4u
/* Beyond this many a client adds no more requests. */
#define CHOKED_AT 2500u
/* A block beyond the limits is still decoded, and costs only its own stream, up to this many times
 * the limit on bytes. */
#define BLOCK_EXCESS 64u
/* 1xx blocks that a response may begin with. */
#define INFORMATIONAL_MAX 100u
/* How long a server may go on about a stream that we have reset. */
#define STRAY_NS (1 * SECOND)
/* How long a peer may take to answer the PING of a drain. */
#define DRAIN_PING_NS (1 * SECOND)

/* --- frequency ------------------------------------------------------------- */

/* Adds what takes `cost_ns` to drain; false if the bucket now holds more than
 * what drains in `limit_ns`. */
static bool
bucket_add(struct hf_h2_bucket *bucket, uint64_t now, uint64_t cost_ns, uint64_t limit_ns)
{
    uint64_t from = bucket->empty_ns > now ? bucket->empty_ns : now;

    bucket->empty_ns = from + cost_ns;
    return bucket->empty_ns - now <= limit_ns;
}

static void
bucket_credit(struct hf_h2_bucket *bucket, uint64_t ns)
{
    bucket->empty_ns = bucket->empty_ns > ns ? bucket->empty_ns - ns : 0;
}

void
hf_h2_limits_nuisance(struct hf_h2_conn *conn, uint32_t weight)
{
    const uint64_t unit = SECOND / NUISANCE_RATE;

    if (!bucket_add(&conn->nuisance, hf_loop_now(conn->loop), weight * unit,
                    NUISANCE_BURST * unit)) {
        hf_h2_conn_fail(conn, HF_H2_END_PROTOCOL, HF_H2_ENHANCE_YOUR_CALM,
                        "too many frames that carry nothing");
    }
}

void
hf_h2_limits_useful(struct hf_h2_conn *conn)
{
    bucket_credit(&conn->nuisance, SECOND / NUISANCE_RATE);
}

void
hf_h2_limits_sent(struct hf_h2_conn *conn)
{
    bucket_credit(&conn->nuisance, NUISANCE_PER_SENT * (SECOND / NUISANCE_RATE));
    conn->ping_strikes = 0;
}

void
hf_h2_limits_ping(struct hf_h2_conn *conn)
{
    uint64_t now = hf_loop_now(conn->loop);

    hf_h2_limits_nuisance(conn, 1);
    if (conn->side == HF_H2_CLIENT || conn->options->trusted) {
        return;
    }
    if (conn->peer_ping_ns && now - conn->peer_ping_ns < conn->options->ping_permit_ns &&
        ++conn->ping_strikes > PING_STRIKES) {
        hf_h2_conn_fail(conn, HF_H2_END_PROTOCOL, HF_H2_ENHANCE_YOUR_CALM, "too_many_pings");
    }
    conn->peer_ping_ns = now;
}

static bool
reset_allowed(struct hf_h2_conn *conn, struct hf_h2_bucket *bucket)
{
    return bucket_add(bucket, hf_loop_now(conn->loop), RESET_DRAIN / RESET_BURST, RESET_DRAIN);
}

void
hf_h2_limits_reset_received(struct hf_h2_conn *conn)
{
    if (conn->side == HF_H2_CLIENT || conn->options->trusted || conn->opened < RESET_GRACE) {
        return;
    }
    if (!reset_allowed(conn, &conn->resets_received)) {
        hf_h2_conn_fail(conn, HF_H2_END_PROTOCOL, HF_H2_ENHANCE_YOUR_CALM,
                        "too many streams reset");
    }
}

void
hf_h2_limits_completed(struct hf_h2_conn *conn)
{
    bucket_credit(&conn->resets_received, RESET_DRAIN / RESET_BURST);
}

void
hf_h2_limits_reset_forced(struct hf_h2_conn *conn)
{
    if (!reset_allowed(conn, &conn->resets_forced)) {
        hf_h2_conn_fail(conn, HF_H2_END_PROTOCOL, HF_H2_ENHANCE_YOUR_CALM,
                        "too many streams in error");
    }
}

/* Client: headers came for a stream that is gone.  Many may have been on their way when it was
 * reset. */
void
hf_h2_limits_stray(struct hf_h2_conn *conn)
{
    if (hf_loop_now(conn->loop) - conn->reset_ns > STRAY_NS) {
        hf_h2_limits_nuisance(conn, 1);
    }
}

void
hf_h2_limits_block(struct hf_h2_conn *conn, const struct hf_h2_fields *fields)
{
    if (fields->bytes / BLOCK_EXCESS > conn->options->max_header_bytes) {
        hf_h2_conn_fail(conn, HF_H2_END_PROTOCOL, HF_H2_ENHANCE_YOUR_CALM,
                        "header block far too large");
    }
}

void
hf_h2_limits_queue(struct hf_h2_conn *conn)
{
    size_t limit = QUEUE_PER_STREAM * (size_t)conn->n_streams;

    limit = limit > QUEUE_MAX ? limit : QUEUE_MAX;
    if (nghttp2_session_get_outbound_queue_size(conn->session) > limit) {
        hf_h2_conn_fail(conn, HF_H2_END_PROTOCOL, HF_H2_ENHANCE_YOUR_CALM,
                        "too many frames to answer");
    }
}

bool
hf_h2_limits_informational(struct hf_h2_stream *stream)
{
    if (++stream->informational <= INFORMATIONAL_MAX) {
        return true;
    }
    hf_h2_stream_reset(stream, HF_H2_ENHANCE_YOUR_CALM);
    return false;
}

/* Requests that are cancelled before they are sent still wait in the library, and new ones
 * take the streams that they leave. */
bool
hf_h2_limits_is_choked(const struct hf_h2_conn *conn)
{
    return nghttp2_session_get_outbound_queue_size(conn->session) >= CHOKED_AT;
}

/* --- time ------------------------------------------------------------------ */

/* What the timer may be set for. */
enum wait {
    WAIT_SETUP = 1 << 0,   /* preface and SETTINGS */
    WAIT_ACK = 1 << 1,     /* of our SETTINGS */
    WAIT_HEADER = 1 << 2,  /* the rest of a header block */
    WAIT_WRITE = 1 << 3,   /* room in the socket */
    WAIT_BLOCKED = 1 << 4, /* the peer's flow control */
    WAIT_IDLE = 1 << 5,    /* a stream */
    WAIT_DRAIN = 1 << 6,   /* the end of a drain */
    WAIT_PING = 1 << 7     /* our keepalive's time, or its answer */
};

/* Limits that hold now. */
static unsigned
waits_of(const struct hf_h2_conn *conn)
{
    const struct hf_h2_options *options = conn->options;
    unsigned waits = 0;

    waits |= !conn->ready && options->setup_ns ? WAIT_SETUP : 0;
    waits |= conn->ready && !conn->settings_acked && options->settings_ack_ns ? WAIT_ACK : 0;
    waits |= conn->header_ns && options->header_ns ? WAIT_HEADER : 0;
    waits |= conn->out && options->write_ns ? WAIT_WRITE : 0;
    waits |= conn->n_unsent && !conn->out && options->blocked_ns ? WAIT_BLOCKED : 0;
    waits |= conn->ready && conn->n_streams == 0 && options->idle_ns ? WAIT_IDLE : 0;
    waits |=
        conn->drain == HF_H2_DRAIN_NOTICE || (conn->drain != HF_H2_DRAIN_NONE && options->drain_ns)
            ? WAIT_DRAIN
            : 0;
    waits |= options->ping_ns && (conn->n_streams || options->ping_idle) ? WAIT_PING : 0;
    return waits;
}

static uint64_t
blocked_since(const struct hf_h2_conn *conn)
{
    const struct hf_h2_stream *stream;
    uint64_t since = UINT64_MAX / 2;

    HF_LIST_FOR (stream, &conn->streams, node) {
        if (stream->unsent.len > 0 && stream->progress_ns < since) {
            since = stream->progress_ns;
        }
    }
    return since;
}

/* When a limit will have been reached. */
static uint64_t
due_of(const struct hf_h2_conn *conn, enum wait wait)
{
    const struct hf_h2_options *options = conn->options;

    switch (wait) {
    case WAIT_SETUP:
        return conn->created_ns + options->setup_ns;
    case WAIT_ACK:
        return conn->created_ns + options->settings_ack_ns;
    case WAIT_HEADER:
        return conn->header_ns + options->header_ns;
    case WAIT_WRITE:
        return conn->write_ns + options->write_ns;
    case WAIT_BLOCKED:
        return blocked_since(conn) + options->blocked_ns;
    case WAIT_IDLE:
        return conn->idle_ns + options->idle_ns;
    case WAIT_DRAIN:
        return conn->drain_ns +
               (conn->drain == HF_H2_DRAIN_NOTICE ? DRAIN_PING_NS : options->drain_ns);
    case WAIT_PING:
        return conn->ping_outstanding ? conn->ping_ns + options->ping_timeout_ns
                                      : conn->heard_ns + options->ping_ns;
    }
    hf_unreachable();
}

static void
set_timer(struct hf_h2_conn *conn, unsigned waits)
{
    uint64_t first = UINT64_MAX;

    conn->timers_armed = (uint8_t)waits;
    for (unsigned left = waits; left; left &= left - 1) {
        uint64_t due = due_of(conn, (enum wait)(left & -left));

        first = due < first ? due : first;
    }
    if (first == UINT64_MAX) {
        hf_timer_cancel(&conn->timer);
    } else {
        hf_timer_set_at(&conn->timer, first);
    }
}

void
hf_h2_limits_arm(struct hf_h2_conn *conn)
{
    unsigned waits;

    if (conn->state != HF_H2_STATE_OPEN) {
        hf_timer_set_at(&conn->timer, conn->ending_ns + HF_H2_LINGER_NS);
        return;
    }
    /* A limit that no longer holds does no harm: the timer will see. */
    waits = waits_of(conn);
    if (waits & ~(unsigned)conn->timers_armed) {
        set_timer(conn, waits);
    }
}

static void
reset_blocked(struct hf_h2_conn *conn, uint64_t now)
{
    struct hf_h2_stream *stream;

    HF_LIST_FOR (stream, &conn->streams, node) {
        if (stream->unsent.len > 0 && now >= stream->progress_ns + conn->options->blocked_ns) {
            hf_h2_stream_reset(stream, HF_H2_CANCEL);
        }
    }
}

static void
ping_due(struct hf_h2_conn *conn, uint64_t now)
{
    if (conn->ping_outstanding) {
        hf_h2_conn_fail(conn, HF_H2_END_TIMEOUT, HF_H2_NO_ERROR, "no answer to PING");
        return;
    }
    conn->ping_outstanding = true;
    conn->ping_ns = now;
    hf_h2_session_result(conn,
                         nghttp2_submit_ping(conn->session, NGHTTP2_FLAG_NONE, HF_H2_PING_ALIVE));
    hf_h2_conn_dirty(conn);
}

static void
drain_due(struct hf_h2_conn *conn)
{
    if (conn->drain == HF_H2_DRAIN_NOTICE) {
        conn->drain = HF_H2_DRAIN_FINAL; /* without the PING's answer */
        hf_h2_conn_dirty(conn);
    } else {
        hf_h2_conn_fail(conn, HF_H2_END_DRAINED, HF_H2_NO_ERROR, "drain took too long");
    }
}

/* A limit has been reached. */
static void
enforce(struct hf_h2_conn *conn, enum wait wait, uint64_t now)
{
    switch (wait) {
    case WAIT_SETUP:
        hf_h2_conn_fail(conn, HF_H2_END_TIMEOUT, HF_H2_SETTINGS_TIMEOUT, "no SETTINGS came");
        break;
    case WAIT_ACK:
        hf_h2_conn_fail(conn, HF_H2_END_TIMEOUT, HF_H2_SETTINGS_TIMEOUT,
                        "SETTINGS not acknowledged");
        break;
    case WAIT_HEADER:
        hf_h2_conn_fail(conn, HF_H2_END_TIMEOUT, HF_H2_ENHANCE_YOUR_CALM,
                        "header block not completed");
        break;
    case WAIT_WRITE:
        hf_h2_conn_fail(conn, HF_H2_END_TIMEOUT, HF_H2_NO_ERROR, "peer reads nothing");
        break;
    case WAIT_BLOCKED:
        reset_blocked(conn, now);
        break;
    case WAIT_IDLE:
        hf_h2_conn_fail(conn, HF_H2_END_IDLE, HF_H2_NO_ERROR, "idle");
        break;
    case WAIT_DRAIN:
        drain_due(conn);
        break;
    case WAIT_PING:
        ping_due(conn, now);
        break;
    }
}

void
hf_h2_limits_timer(struct hf_timer *timer)
{
    struct hf_h2_conn *conn = hf_container_of(timer, struct hf_h2_conn, timer);
    uint64_t now = hf_loop_now(conn->loop);
    unsigned waits;

    conn->timers_armed = 0;
    if (conn->state != HF_H2_STATE_OPEN) {
        hf_h2_conn_dirty(conn); /* has lingered long enough */
        return;
    }
    for (unsigned left = waits_of(conn); left; left &= left - 1) {
        enum wait wait = (enum wait)(left & -left);

        if (conn->state == HF_H2_STATE_OPEN && now >= due_of(conn, wait)) {
            enforce(conn, wait, now);
        }
    }
    if (conn->state == HF_H2_STATE_OPEN) {
        waits = waits_of(conn);
        set_timer(conn, waits);
    }
}
