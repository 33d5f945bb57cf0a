/*
 * client_call.h - a call on the client's side: shared by client.c and client_call.c.
 */
#ifndef HF_GRPC_CLIENT_CALL_H
#define HF_GRPC_CLIENT_CALL_H

#include "base/arena.h"
#include "base/list.h"
#include "grpc/client.h"
#include "grpc/frame.h"
#include "loop/loop.h"
#include "loop/timer.h"

#define HF_GRPC_CLIENT_CALL_MAGIC UINT32_C(0x67524363)

struct hf_grpc_client {
    struct hf_loop *loop;
    struct hf_h2_channel *channel;
    struct hf_grpc_client_options options;
    struct hf_list calls;
};

struct hf_grpc_client_call {
    uint32_t magic;
    struct hf_list node; /* among the client's calls */
    struct hf_grpc_client *client;
    const ProtobufCMessageDescriptor *response_type;
    hf_grpc_message_fn *on_message; /* NULL: unary */
    hf_grpc_done_fn *done;
    void *arg;

    struct hf_h2_request request; /* its wait for a stream */
    struct hf_h2_stream *stream;
    struct hf_h2_fields *fields; /* of the request, for a second attempt */
    const uint8_t *body;         /* the same, with its prefix, on the arena */
    size_t body_len;
    struct hf_timer deadline;

    struct hf_h2_fields *headers; /* of the response */
    struct hf_h2_fields *trailers;
    struct hf_grpc_reader reader;
    struct hf_arena arena;   /* the call's */
    struct hf_arena scratch; /* one message of a stream of them */
    const void *response;    /* the one message of a unary call */
    struct hf_grpc_result result;
    struct hf_deferred tell;

    bool repeated;
    bool concluded;
    bool busy;      /* `on_message` is running */
    bool cancelled; /* meanwhile */
};

/* An empty call of the client. */
void hf_grpc_client_call_init(struct hf_grpc_client_call *call, struct hf_grpc_client *client);

/* Makes an attempt with the call's fields and body. */
void hf_grpc_client_call_start(struct hf_grpc_client_call *call);

/* Notes the result, once, stops everything that is under way, and tells at the end of
 * the turn.  `message` is copied. */
void hf_grpc_client_call_conclude(struct hf_grpc_client_call *call, uint32_t code,
                                  const char *message);

/* Tells what was concluded now, and frees the call. */
void hf_grpc_client_call_tell(struct hf_grpc_client_call *call);

/* Frees it; nobody is told. */
void hf_grpc_client_call_free(struct hf_grpc_client_call *call);

#endif
