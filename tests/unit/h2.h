/*
 * h2.h - HTTP/2 connections for tests: a pair of ours on a socketpair, or one of
 * ours against a peer that sends whatever bytes the test likes.
 *
 * Everything runs on one loop, turned by `h2_until`; nothing sleeps.
 */
#ifndef HF_UNIT_H2_H
#define HF_UNIT_H2_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "h2/conn.h"

#define H2_STREAMS_MAX 2048

/* What a stream's owner heard. */
struct h2_heard {
    struct h2_end *side;
    struct hf_h2_stream *stream;  /* NULL once closed */
    struct hf_h2_fields *request; /* server */
    bool request_end;             /* server: END_STREAM was on the headers */
    struct hf_h2_fields *response;
    bool response_end; /* END_STREAM was on the headers */
    struct hf_h2_fields *trailers;
    struct hf_h2_buffer data;
    unsigned informational;
    unsigned ended;
    unsigned closed;
    size_t sent;
    size_t received;
    struct hf_h2_close close;
};

/* One side of a connection. */
struct h2_end {
    struct hf_h2_conn *conn; /* NULL once closed */
    unsigned ready;
    unsigned goaways;
    int32_t goaway_id;
    unsigned closed;
    enum hf_h2_end end;
    char text[128];
    bool hold; /* does not consume what it receives */
    /* Server: called for each request, after it was noted. */
    void (*on_request)(struct h2_heard *);
    /* Called for each chunk of data, after it was noted, and at the end of the peer's side. */
    void (*on_data)(struct h2_heard *, const uint8_t *, size_t);
    void (*on_end)(struct h2_heard *);
    void (*on_close)(struct h2_heard *);
    struct h2_heard heard[H2_STREAMS_MAX];
    unsigned n;
};

struct h2_test {
    struct hf_loop *loop;
    struct h2_end client;
    struct h2_end server;
    int raw;             /* the descriptor of a peer made by hand; -1: none */
    uint8_t in[1 << 20]; /* what came on `raw` */
    size_t n_in;
    size_t parsed;
    bool raw_eof;
};

/* Both sides ours; options may be NULL. */
struct h2_test *h2_pair(const struct hf_h2_options *client, const struct hf_h2_options *server);
/* Ours on one side, `raw` on the other. */
struct h2_test *h2_against(enum hf_h2_side ours, const struct hf_h2_options *);
void h2_free(struct h2_test *);

/* Turns the loop until the condition holds; fails the test after ten seconds. */
bool h2_until(struct h2_test *, bool (*done)(void *), void *arg);
#define H2_UNTIL(test, condition)                                                                  \
    __extension__({                                                                                \
        bool h2_done_ = false;                                                                     \
        for (int h2_i_ = 0; h2_i_ < 20000 && !(h2_done_ = (condition)); h2_i_++) {                 \
            h2_turn(test);                                                                         \
        }                                                                                          \
        if (!h2_done_) {                                                                           \
            CU_FAIL("never came true: " #condition);                                               \
        }                                                                                          \
        h2_done_;                                                                                  \
    })
/* One turn, at most half a millisecond. */
void h2_turn(struct h2_test *);
/* Some turns in which nothing is waited for. */
void h2_settle(struct h2_test *);

/* A POST request with a path; `extra` may be NULL, "name: value\n" otherwise. */
struct hf_h2_fields *h2_request_fields(const char *path, const char *extra);
struct hf_h2_fields *h2_fields(const char *lines);
struct h2_heard *h2_call(struct h2_test *, struct hf_h2_fields *, bool end);
/* The value of a field or "". */
const char *h2_value(const struct hf_h2_fields *, const char *name);
/* Servers' on_request: 200, echoes what comes, then trailers. */
void h2_echo(struct h2_end *);

/* --- the peer made by hand ------------------------------------------------- */

struct h2_frame {
    size_t len;
    uint8_t type;
    uint8_t flags;
    int32_t id;
    const uint8_t *payload;
};

enum {
    H2_DATA,
    H2_HEADERS,
    H2_PRIORITY,
    H2_RST,
    H2_SETTINGS,
    H2_PUSH,
    H2_PING,
    H2_GOAWAY,
    H2_WINDOW,
    H2_CONTINUATION
};
#define H2_F_END         0x1
#define H2_F_ACK         0x1
#define H2_F_HEADERS_END 0x4

/* Sends bytes; turns the loop while the socket is full. */
void h2_raw(struct h2_test *, const void *, size_t len);
void h2_raw_frame(struct h2_test *, uint8_t type, uint8_t flags, int32_t id, const void *, size_t);
/* Preface (as a client) and empty SETTINGS. */
void h2_raw_hello(struct h2_test *);
void h2_raw_u32(struct h2_test *, uint8_t type, int32_t id, uint32_t value);
/* HEADERS with fields as literals ("name: value\n"), whole. */
void h2_raw_headers(struct h2_test *, int32_t id, const char *lines, bool end);
size_t h2_encode(const char *lines, uint8_t *to, size_t size);
/* A request of path "/" by h2_raw_headers. */
void h2_raw_request(struct h2_test *, int32_t id, bool end);
/* Whether a frame is here, without turning the loop. */
bool h2_raw_have(struct h2_test *);
/* The next frame that came, in order, after turning the loop if need be; false: none. */
bool h2_raw_next(struct h2_test *, struct h2_frame *ret);
/* Skips to the next frame of a type (and stream, if `id` >= 0). */
bool h2_raw_expect(struct h2_test *, uint8_t type, int32_t id, struct h2_frame *ret);
uint32_t h2_u32(const uint8_t *);

#endif
