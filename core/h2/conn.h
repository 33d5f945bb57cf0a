/*
 * conn.h - one HTTP/2 connection (RFC 9113), as server or as client.
 *
 * A connection lives on one loop and is made from a connected socket.  It
 * frames, compresses, controls flow, answers PING and SETTINGS, and defends
 * itself; what requests mean is for the layers above, which see streams
 * (stream.h) and blocks of fields (fields.h).  Nothing of the library below
 * shows here.
 *
 * Output is gathered and written once per turn of the loop.  An idle
 * connection holds neither input nor output buffer.
 *
 * Everything runs on the loop's thread.
 */
#ifndef HF_H2_CONN_H
#define HF_H2_CONN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

#include <hyperfaas/error.h>

#include "h2/stream.h"

struct hf_loop;

enum hf_h2_side { HF_H2_SERVER, HF_H2_CLIENT };

/* Why a connection ended. */
enum hf_h2_end {
    HF_H2_END_EOF,      /* the peer closed it */
    HF_H2_END_IO,       /* read or write failed */
    HF_H2_END_PROTOCOL, /* the peer broke the protocol or its limits */
    HF_H2_END_TIMEOUT,  /* the peer kept us waiting beyond a limit */
    HF_H2_END_IDLE,     /* nothing happened for `idle_ns` */
    HF_H2_END_DRAINED,  /* a drain, ours or the peer's, is complete */
    HF_H2_END_CLOSED    /* hf_h2_conn_close */
};

/* What the owner of a connection hears.  Members marked optional may be NULL. */
struct hf_h2_conn_ops {
    /* The peer's first SETTINGS arrived: it speaks HTTP/2.  Optional. */
    void (*on_ready)(struct hf_h2_conn *);

    /* Server: a request's headers are complete.  The block is the callee's and
     * has `:authority`, never `host` (RFC 9113 8.3.1: one that disagrees is refused).
     * It must call hf_h2_stream_set before returning.  `end`: no body follows;
     * the stream's `on_end` comes next.  Required for servers. */
    void (*on_request)(struct hf_h2_conn *, struct hf_h2_stream *, struct hf_h2_fields *, bool end);

    /* The peer will take no new streams; those at or below `last_id` go on.
     * Optional. */
    void (*on_goaway)(struct hf_h2_conn *, int32_t last_id, uint32_t code);

    /* Client: hf_h2_conn_room may have changed (a stream closed, SETTINGS, drain,
     * ids running out, output that waited has gone).  Not called inside
     * hf_h2_conn_request.  Optional. */
    void (*on_room)(struct hf_h2_conn *);

    /* The connection has ended; all its streams have heard `on_close`.  The
     * last callback, exactly once, never inside an action; the connection is
     * freed on return.  `text` says more, for a log line; borrowed. */
    void (*on_closed)(struct hf_h2_conn *, enum hf_h2_end, const char *text);
};

/* Limits and habits; hf_h2_options_init gives those for strangers. */
struct hf_h2_options {
    uint32_t stream_window;     /* bytes a peer may send on one stream unconsumed */
    uint32_t first_window;      /* the same until more than so many have been consumed: what nobody
                                 * takes costs less; 0: as above */
    uint32_t connection_window; /* and on all of them within one round trip */
    uint32_t max_streams;       /* streams the peer may have open; SETTINGS */
    uint32_t max_header_bytes;  /* one block: names + values + 32 each (RFC 9113 6.5.2) */
    uint32_t max_header_fields; /* beyond either a block is cut: hf_h2_fields_truncated */
    uint32_t stream_room;       /* bytes of hf_h2_stream_room */

    /* Nanoseconds; 0: no limit. */
    uint64_t setup_ns;        /* until preface and SETTINGS have arrived */
    uint64_t header_ns;       /* for one header block to be complete */
    uint64_t settings_ack_ns; /* for the peer to acknowledge ours */
    uint64_t blocked_ns;      /* bytes to send, but the peer gives no window */
    uint64_t write_ns;        /* bytes to send, but the socket takes none */
    uint64_t idle_ns;         /* without a stream: drain and close */
    uint64_t drain_ns;        /* a drain longer than this is cut off; streams are cancelled */

    /* Our own PINGs; 0: none.  gRPC servers punish more than one in 5 minutes
     * (gRFC A8), so only towards peers known to be ours. */
    uint64_t ping_ns;         /* silence before a PING is sent */
    uint64_t ping_timeout_ns; /* silence after it that means the peer is gone */
    bool ping_idle;           /* also without streams */
    /* The peer's: closer together than this are strikes; the third is answered
     * with GOAWAY(ENHANCE_YOUR_CALM) "too_many_pings". */
    uint64_t ping_permit_ns;

    /* The peer is one of our own components: it may cancel many streams at
     * once, so limits on resets do not apply. */
    bool trusted;
};

void hf_h2_options_init(struct hf_h2_options *);

/* Where bytes come from and go to; the seam for TLS.  Both return a number of
 * bytes or -1 with errno (EAGAIN: not now); recv returns 0 at the end. */
struct hf_h2_transport {
    ssize_t (*recv)(void *arg, void *data, size_t len);
    ssize_t (*send)(void *arg, const struct iovec *, int n);
    void (*shut)(void *arg);  /* no more will be sent; the peer sees an end */
    void (*close)(void *arg); /* closes the descriptor too */
    void *arg;
};

/* How to make a connection.  Everything pointed to but `options` and the
 * addresses' text must outlive it. */
struct hf_h2_conn_config {
    struct hf_loop *loop;
    enum hf_h2_side side;
    int fd; /* connected, non-blocking; the connection's from now on, also on failure */
    const struct hf_h2_transport *transport; /* NULL: the plain socket; copied */
    const struct hf_h2_options *options;     /* NULL: the defaults; must outlive it otherwise */
    const struct hf_h2_conn_ops *ops;
    void *arg;
};

/* Sends our preface and SETTINGS at the end of this turn.  HF_ENOMEM, HF_EIO. */
int hf_h2_conn_new(const struct hf_h2_conn_config *, struct hf_h2_conn **ret, struct hf_err *);

void *hf_h2_conn_arg(const struct hf_h2_conn *);
struct hf_loop *hf_h2_conn_loop(const struct hf_h2_conn *);

/* Client: sends a request.  Takes the caller's reference of `fields`, also on
 * failure.  `end`: no body follows.  NULL if there is no room (see
 * hf_h2_conn_room) or memory. */
struct hf_h2_stream *hf_h2_conn_request(struct hf_h2_conn *, struct hf_h2_fields *fields, bool end,
                                        const struct hf_h2_stream_ops *, void *arg);

/* Client: how many more requests can be sent now: the peer's limit (100 until
 * its SETTINGS arrive) less those open; 0 when draining, closing, or out of
 * stream ids, or while too much waits to be sent to a peer that reads nothing. */
uint32_t hf_h2_conn_room(struct hf_h2_conn *);
/* Client: whether it is worth keeping for new requests: not draining, not
 * closing, stream ids left (new ones stop at 75 % of 2^31). */
bool hf_h2_conn_usable(const struct hf_h2_conn *);

/* How large a block the peer takes, in bytes as hf_h2_fields_size counts them; UINT32_MAX: any
 * (SETTINGS_MAX_HEADER_LIST_SIZE).  Peers may end the connection for a larger one. */
uint32_t hf_h2_conn_accepts(const struct hf_h2_conn *);
bool hf_h2_conn_fits(const struct hf_h2_conn *, const struct hf_h2_fields *);

/* Open streams. */
uint32_t hf_h2_conn_streams(const struct hf_h2_conn *);
/* Since when it has had none, of the loop's clock; UINT64_MAX: it has some, or is ending. */
uint64_t hf_h2_conn_idle_since(const struct hf_h2_conn *);

/* Client: sends a PING.  Returns a mark that tells requests sent before it from later ones.  gRPC
 * servers bear few that come without data from them in between: only with a reason. */
int32_t hf_h2_conn_ask(struct hf_h2_conn *);
uint64_t hf_h2_conn_heard(const struct hf_h2_conn *); /* when the last byte came */
/* Whether a request sent before the mark is still open. */
bool hf_h2_conn_has_stream_before(const struct hf_h2_conn *, int32_t mark);

/* "127.0.0.1:50053", "[::1]:50053", "unix:"; live as long as the connection. */
const char *hf_h2_conn_local(struct hf_h2_conn *);
const char *hf_h2_conn_peer(struct hf_h2_conn *);

/* Ends gracefully: the peer learns that no new stream is taken (two GOAWAYs
 * and a PING between them, so that none is refused in flight), open ones
 * finish, then the connection closes.  Harmless to repeat. */
void hf_h2_conn_drain(struct hf_h2_conn *);

/* Ends soon: a GOAWAY with `code` is written if the socket takes it, streams are
 * lost at the end of this turn, `on_closed` follows when the peer has closed too, or
 * after a second. */
void hf_h2_conn_close(struct hf_h2_conn *, enum hf_h2_code);

/* Ends now, without a callback for connection or streams: for owners that are
 * going away themselves.  Not inside a callback of this connection. */
void hf_h2_conn_free(struct hf_h2_conn *);

/* Gives the memory that this thread keeps for reuse back to the system; before
 * a loop's thread ends. */
void hf_h2_thread_release(void);

#endif
