/*
 * call.h - a call as its server sees it: shared by server.c, call.c and call_answer.c.
 */
#ifndef HF_GRPC_CALL_H
#define HF_GRPC_CALL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/list.h"
#include "grpc/frame.h"
#include "grpc/server.h"
#include "h2/stream.h"
#include "loop/timer.h"

#define HF_GRPC_CALL_MAGIC UINT32_C(0x67524331)

/* A method and the argument that its table was added with. */
struct hf_grpc_entry {
    const struct hf_grpc_method *method;
    void *arg;
};

/* What a server's calls are together. */
struct hf_grpc_load {
    uint32_t calls;
    size_t bytes; /* of requests that are kept, whole or not */
    size_t limit; /* of these; 0: none */
};

struct hf_grpc_call {
    uint32_t magic;
    struct hf_list node;       /* among the server's calls */
    struct hf_grpc_load *load; /* the server's; NULL once it has gone */
    size_t kept;               /* its part of the bytes */
    struct hf_loop *loop;
    struct hf_grpc_entry entry;
    void *state;

    struct hf_h2_stream *stream;   /* NULL: nobody listens any more */
    struct hf_h2_fields *request;  /* header block */
    struct hf_h2_fields *headers;  /* of the response, until they are sent; may be NULL */
    struct hf_h2_fields *trailers; /* metadata for the end; may be NULL */

    struct hf_arena arena;   /* the call's */
    struct hf_arena scratch; /* one message of a stream of them */
    struct hf_grpc_reader reader;
    struct hf_h2_buffer inbox; /* what came while paused; at most a stream window */
    void *message;             /* the one request, until the half-close */
    size_t message_len;
    size_t queue_limit;

    struct hf_timer deadline;
    struct hf_deferred resumed; /* delivers what waits in the inbox */

    uint32_t busy; /* callbacks under way: freed only after them */
    bool told;     /* the handler has heard of the call */
    bool gzip;     /* grpc-encoding of the request */
    bool headers_sent;
    bool message_sent;
    bool want_writable;
    bool remote_ended; /* the caller's half-close came */
    bool end_handled;  /* and was acted upon */
    bool paused;
    bool cancelled;
    bool finished;
};

/* Begins a call for a request that was accepted.  Takes the caller's reference of
 * `request`.  HF_ENOMEM: nothing happened to the stream. */
int hf_grpc_call_begin(struct hf_h2_stream *stream, struct hf_h2_fields *request,
                       const struct hf_grpc_entry *entry,
                       const struct hf_grpc_server_options *options, struct hf_list *calls,
                       struct hf_grpc_load *load);

/* The server goes away: forgets stream and server, and tells the handler. */
void hf_grpc_call_orphan(struct hf_grpc_call *call);

/* Around everything that may run a callback, which may finish the call: a finished
 * call is freed by the last `leave`. */
void hf_grpc_call_enter(struct hf_grpc_call *call);
void hf_grpc_call_leave(struct hf_grpc_call *call);

/* Sends the status and lets the stream, which must be there, go: `stream` is NULL after. */
void hf_grpc_call_send_status(struct hf_grpc_call *call, uint32_t code, const char *message);

static inline bool
hf_grpc_call_has_one_request(const struct hf_grpc_call *call)
{
    return call->entry.method->kind == HF_GRPC_UNARY ||
           call->entry.method->kind == HF_GRPC_SERVER_STREAMING;
}

static inline bool
hf_grpc_call_has_one_response(const struct hf_grpc_call *call)
{
    return call->entry.method->kind == HF_GRPC_UNARY ||
           call->entry.method->kind == HF_GRPC_CLIENT_STREAMING;
}

#endif
