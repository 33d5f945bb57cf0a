/*
 * stream.h - one HTTP/2 stream: a request and its response, on either side.
 *
 * A stream belongs to its connection's loop thread; everything here runs
 * there.  Actions only queue; bytes leave once per turn of the loop, and no
 * callback runs inside an action.  Actions are allowed in every callback,
 * also on streams of other connections.
 *
 * Backpressure: received bytes count against the stream's window until they
 * are given back with `hf_h2_stream_consume`; a peer never has more than that
 * window outstanding.  `on_sent` says when bytes have entered the socket.  A
 * proxy therefore consumes on one side what it heard sent on the other.  The
 * connection's window is given back on arrival, so a stream that nobody reads
 * holds up no other.
 */
#ifndef HF_H2_STREAM_H
#define HF_H2_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "h2/buffer.h"
#include "h2/fields.h"

struct hf_h2_conn;
struct hf_h2_stream;

/* Error codes of RST_STREAM and GOAWAY (RFC 9113 7). */
enum hf_h2_code {
    HF_H2_NO_ERROR = 0x0,
    HF_H2_PROTOCOL_ERROR = 0x1,
    HF_H2_INTERNAL_ERROR = 0x2,
    HF_H2_FLOW_CONTROL_ERROR = 0x3,
    HF_H2_SETTINGS_TIMEOUT = 0x4,
    HF_H2_STREAM_CLOSED = 0x5,
    HF_H2_FRAME_SIZE_ERROR = 0x6,
    HF_H2_REFUSED_STREAM = 0x7,
    HF_H2_CANCEL = 0x8,
    HF_H2_COMPRESSION_ERROR = 0x9,
    HF_H2_CONNECT_ERROR = 0xa,
    HF_H2_ENHANCE_YOUR_CALM = 0xb,
    HF_H2_INADEQUATE_SECURITY = 0xc,
    HF_H2_HTTP_1_1_REQUIRED = 0xd
};

/* What a block of fields is. */
enum hf_h2_kind {
    HF_H2_INFORMATIONAL, /* 1xx; up to a hundred, before the response */
    HF_H2_RESPONSE,      /* the final response headers */
    HF_H2_TRAILERS
};

/* How a stream ended. */
struct hf_h2_close {
    uint32_t code;     /* of the reset, HF_H2_NO_ERROR if there was none; see `complete` */
    bool complete;     /* both sides ended properly; otherwise `code` 0 is a failure too */
    bool remote_ended; /* the peer had sent all of its side (END_STREAM) */
    bool by_peer;      /* a reset came from the peer */
    bool lost;         /* the connection went away under the stream */
    bool unprocessed;  /* client side: the peer cannot have acted on the request: refused,
                          above the last id of a GOAWAY, or never written */
};

/* What the owner of a stream hears.  Every member is required. */
struct hf_h2_stream_ops {
    /* A block of fields arrived, other than the request's own.  The block is
     * the callee's: submit or unref it.  `end`: no DATA follows (`on_end`
     * comes next). */
    void (*on_headers)(struct hf_h2_stream *, struct hf_h2_fields *, enum hf_h2_kind, bool end);

    /* Payload arrived; `data` is borrowed for the call.  Boundaries mean nothing. */
    void (*on_data)(struct hf_h2_stream *, const uint8_t *data, size_t len);

    /* The peer has ended its side.  Once, whatever frame said it. */
    void (*on_end)(struct hf_h2_stream *);

    /* `len` more bytes of what was written have entered the socket. */
    void (*on_sent)(struct hf_h2_stream *, size_t len);

    /* The stream is over: the last callback, exactly once, also when the
     * connection is lost.  The stream and its room are gone on return. */
    void (*on_close)(struct hf_h2_stream *, const struct hf_h2_close *);
};

/* Whoever was told of a stream (`on_request`) or opened it owns it and sets
 * its callbacks; `arg` is theirs. */
void hf_h2_stream_set(struct hf_h2_stream *, const struct hf_h2_stream_ops *, void *arg);
void *hf_h2_stream_arg(const struct hf_h2_stream *);

/* Callbacks for a stream that nobody listens to: bodies are consumed, the rest is dropped. */
extern const struct hf_h2_stream_ops hf_h2_stream_unheard;

/* `stream_room` bytes (an option of the connection) that live exactly as long
 * as the stream, aligned for anything, zero at first. */
void *hf_h2_stream_room(struct hf_h2_stream *);

struct hf_h2_conn *hf_h2_stream_conn(const struct hf_h2_stream *);
int32_t hf_h2_stream_id(const struct hf_h2_stream *); /* 0 until sent, on the client's side */

/* --- sending -------------------------------------------------------------
 *
 * Once a stream is closing, or its connection ending, these do nothing and return 0:
 * `on_close` follows.
 * Each takes the caller's reference of its block, also on failure.  Errors:
 * HF_ENOMEM, after which the stream is reset with INTERNAL_ERROR.
 */

/* Server: a 1xx block, before the response.  It is left out if the last one has not been sent
 * yet, and after the first few. */
int hf_h2_stream_inform(struct hf_h2_stream *, struct hf_h2_fields *);

/* Server: the response headers.  `end`: nothing follows; one HEADERS frame
 * with END_STREAM. */
int hf_h2_stream_respond(struct hf_h2_stream *, struct hf_h2_fields *, bool end);

/* Whether a block to be sent is no larger than the peer accepts (see hf_h2_conn_accepts). */
bool hf_h2_stream_fits(const struct hf_h2_stream *, const struct hf_h2_fields *);

/* Queues a copy of `data`; server: after the response headers. */
int hf_h2_stream_write(struct hf_h2_stream *, const void *data, size_t len);
/* The same, taking over what is in `buffer` (which becomes empty). */
int hf_h2_stream_write_buffer(struct hf_h2_stream *, struct hf_h2_buffer *buffer);

/* Ends our side after what was written, with END_STREAM on the last DATA.
 * Harmless if it has ended. */
void hf_h2_stream_end(struct hf_h2_stream *);
/* Ends our side after what was written, with a block of trailers. */
int hf_h2_stream_trailers(struct hf_h2_stream *, struct hf_h2_fields *);

/* Gives up the stream.  What was queued and not sent is dropped.  `on_close`
 * follows, later.  Harmless if it is closing.
 *
 * Not needed after a complete response: when a server has ended its side
 * before the client, or a client has heard the server's end before ending its
 * own, RST_STREAM(NO_ERROR) goes out by itself (RFC 9113 8.1), after the last
 * frame of ours. */
void hf_h2_stream_reset(struct hf_h2_stream *, enum hf_h2_code);

/* Gives up the stream and hears nothing more of it.  If it is not over, it is
 * reset with `code`.  The room stays until the stream has gone. */
void hf_h2_stream_abandon(struct hf_h2_stream *, enum hf_h2_code);

/* --- flow control -------------------------------------------------------- */

/* `len` bytes handed over by `on_data` have found their place. */
void hf_h2_stream_consume(struct hf_h2_stream *, size_t len);
/* Bytes that were written and have not entered the socket yet. */
size_t hf_h2_stream_unsent(const struct hf_h2_stream *);

#endif
