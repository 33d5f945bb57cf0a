/*
 * channel.h - a client's connections to one address, on one loop.
 *
 * A channel dials when there is something to send, opens streams on the
 * connection with most room, never more than the peer allows, adds connections
 * up to a limit, and closes those that are idle.  Requests that find no room
 * wait in a bounded queue, each with its deadline, outside the connection, so
 * that they can be cancelled and moved until a stream is theirs.
 *
 * A connection that fails leaves at its first error.  The next dial follows at
 * once; after that with a backoff (gRPC's connection-backoff.md: 1 s x 1.6,
 * jitter 0.2, at most 120 s) that ends when SETTINGS arrive.
 *
 * Everything runs on the loop's thread.
 */
#ifndef HF_H2_CHANNEL_H
#define HF_H2_CHANNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <hyperfaas/error.h>

#include "base/list.h"
#include "h2/conn.h"

struct hf_loop;
struct hf_h2_channel;

struct hf_h2_channel_options {
    struct hf_h2_options conn; /* of each connection; `idle_ns` closes those without streams */
    uint32_t max_connections;  /* 1 or more */
    uint32_t max_waiting;      /* requests without a stream; more fail with HF_EFULL */
    uint64_t connect_ns;       /* for one dial, until the peer's SETTINGS */
    uint64_t user_timeout_ns;  /* TCP_USER_TIMEOUT: a peer that acknowledges nothing is gone */
    uint64_t backoff_ns;       /* after the second failed dial in a row */
    uint64_t backoff_max_ns;
    bool fail_fast; /* requests fail when a dial does, rather than wait for the next */
};

void hf_h2_channel_options_init(struct hf_h2_channel_options *);

/* "HOST:PORT" with a numeric host; `options` is copied.  Dials nothing yet. */
int hf_h2_channel_new(struct hf_loop *, const char *address, const struct hf_h2_channel_options *,
                      struct hf_h2_channel **ret, struct hf_err *);

/* Closes all connections and forgets all requests; nothing waiting and no stream
 * hears of it.  Not inside a callback of the channel, its connections or streams.
 * NULL is ignored. */
void hf_h2_channel_free(struct hf_h2_channel *);

/* The peer is given up: closes all connections and loses their streams, at the end of the turn.
 * New requests dial again. */
void hf_h2_channel_cut(struct hf_h2_channel *);

/* A request on its way to a stream.  The caller's memory, usually part of its
 * call; untouched after one of the two callbacks or a cancel. */
struct hf_h2_request {
    /* Set by the caller. */
    struct hf_h2_fields *fields;        /* a reference that the channel takes over */
    bool end;                           /* no body follows */
    uint64_t deadline_ns;               /* of the loop's clock, for getting a stream; 0: none */
    const struct hf_h2_stream_ops *ops; /* for the stream */
    void *arg;                          /* for the stream and the callbacks below */

    /* A stream is open and the request queued on it. */
    void (*on_open)(void *arg, struct hf_h2_stream *);
    /* There will be no stream; nothing was sent, so another address may be
     * tried.  `code`: HF_ETIMEOUT (deadline), HF_EFULL (queue), HF_EUNAVAILABLE
     * (dial failed), HF_EINVALID (the fields are more than the peer accepts);
     * `text` says why, borrowed. */
    void (*on_fail)(void *arg, int code, const char *text);

    /* The channel's own. */
    struct hf_h2_channel *channel; /* NULL: not waiting */
    bool too_large;                /* refused, for this and not for want of room */
    uint32_t accepted;             /* bytes that the peer accepts */
    struct hf_list node;
};

/* Opens a stream.  With room on a connection returns it at once and no callback
 * runs.  Otherwise NULL, and exactly one of the callbacks follows, never inside
 * this call.  Takes over `request->fields` either way. */
struct hf_h2_stream *hf_h2_channel_open(struct hf_h2_channel *, struct hf_h2_request *request);

/* Forgets a waiting request; no callback follows.  Harmless if it is not
 * waiting (`channel` must have been NULL at first). */
void hf_h2_channel_cancel(struct hf_h2_request *);

/* Dials if there is no connection, so that the next request need not wait.
 * `done` runs once, later: 0 when the peer's SETTINGS have arrived, or why
 * not (HF_EUNAVAILABLE).  At most one probe at a time.  For readiness probes. */
void hf_h2_channel_probe(struct hf_h2_channel *, void (*done)(void *arg, int code), void *arg);

/* What a check has found. */
enum hf_h2_check {
    HF_H2_CHECK_NOBODY, /* no connection could be asked */
    HF_H2_CHECK_ALIVE,  /* something came */
    HF_H2_CHECK_SILENT  /* nothing did */
};

/* Asks with a PING on each connection whether the peer is still there.
 * `done` runs once, perhaps at once: SILENT if nothing came for `silence_ns`, and
 * no request sent before the PING is still open or `busy_ns` have passed.  One at a time. */
void hf_h2_channel_check(struct hf_h2_channel *, uint64_t silence_ns, uint64_t busy_ns,
                         void (*done)(void *arg, enum hf_h2_check), void *arg);

/* Ends a check under way with NOBODY, at once.  Harmless if there is none. */
void hf_h2_channel_check_cancel(struct hf_h2_channel *);

const char *hf_h2_channel_address(const struct hf_h2_channel *);
uint32_t hf_h2_channel_streams(const struct hf_h2_channel *);     /* open */
uint32_t hf_h2_channel_connections(const struct hf_h2_channel *); /* open or being made */
uint32_t hf_h2_channel_waiting(const struct hf_h2_channel *);     /* requests without a stream */

/* Why the last dial failed, or "". */
const char *hf_h2_channel_last_error(const struct hf_h2_channel *);

#endif
