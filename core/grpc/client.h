/*
 * client.h - calling gRPC services.
 *
 * A client makes calls to one address over a channel (h2/channel.h), with protobuf-c's
 * types or raw bytes: it sends all of the request, then hears the answer message by
 * message.  Everything runs on the loop's thread.
 *
 * What a call ends with follows grpc's own rules: grpc-status beats the HTTP status,
 * which beats the code of a reset; a unary OK without exactly one message is an error;
 * a request that the server cannot have seen is sent once more.
 */
#ifndef HF_GRPC_CLIENT_H
#define HF_GRPC_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <protobuf-c/protobuf-c.h>

#include "grpc/status.h"
#include "h2/channel.h"

struct hf_err;
struct hf_loop;
struct hf_grpc_client;
struct hf_grpc_client_call;

struct hf_grpc_client_options {
    struct hf_h2_channel_options channel;
    size_t max_message_bytes; /* of a response; above: RESOURCE_EXHAUSTED */

    /* A field that goes with each call; both NULL, or both must outlive the client. */
    const char *credential_name;
    const char *credential;
};

/* 4 MiB messages, one connection, failing fast. */
void hf_grpc_client_options_init(struct hf_grpc_client_options *options);

/* `address` is "HOST:PORT" and also the :authority of calls.  `options` is copied; NULL: the
 * defaults.  Dials nothing yet. */
int hf_grpc_client_new(struct hf_loop *loop, const char *address,
                       const struct hf_grpc_client_options *options, struct hf_grpc_client **ret,
                       struct hf_err *err);

/* Closes the connections.  Calls in flight end with CANCELLED: their `done` runs before
 * this returns and must not use the client.  Not inside an `on_message`.  NULL is allowed. */
void hf_grpc_client_free(struct hf_grpc_client *client);

const char *hf_grpc_client_address(const struct hf_grpc_client *client);
struct hf_h2_channel *hf_grpc_client_channel(struct hf_grpc_client *client);

/* --- calls --------------------------------------------------------------------------------- */

/* What to call.  Borrowed for the starting function. */
struct hf_grpc_request {
    const char *path; /* "/package.Service/Method" */

    /* The message, or if that is NULL the bytes of one; `framed`: of any number of messages, each
     * behind its prefix (frame.h), for a method with a stream of requests. */
    const ProtobufCMessage *message;
    const void *data;
    size_t len;
    bool framed;

    /* What responses are decoded to.  NULL: bytes, seen as a ProtobufCBinaryData. */
    const ProtobufCMessageDescriptor *response;

    uint64_t timeout_ns;                 /* for the whole call; 0: none */
    const char *authority;               /* NULL: the client's address */
    const struct hf_h2_fields *metadata; /* added to the request; copied.  NULL: none */
};

/* How a call ended.  Everything is borrowed for the callback. */
struct hf_grpc_result {
    uint32_t code;                       /* gRPC status; HF_GRPC_OK only if the whole answer came */
    const char *message;                 /* never NULL */
    const void *response;                /* unary and OK: the message, of type `response` or a
                                            ProtobufCBinaryData; otherwise NULL */
    const struct hf_h2_fields *headers;  /* of the response; NULL if none came */
    const struct hf_h2_fields *trailers; /* of a Trailers-Only response the same as `headers` */
    bool answered;    /* the status is the server's own, not made up here for a failure */
    bool unprocessed; /* the server cannot have seen the request */
};

typedef void hf_grpc_message_fn(void *arg, const void *message);
typedef void hf_grpc_done_fn(void *arg, const struct hf_grpc_result *result);

/* Each starts a call.  On 0, `done` runs exactly once, later, unless the call is
 * cancelled before; after it the call is gone.  `done` may free the client.  On an error
 * (HF_ENOMEM) never.  `ret` may be NULL if it will not be cancelled. */
int hf_grpc_client_unary(struct hf_grpc_client *client, const struct hf_grpc_request *request,
                         hf_grpc_done_fn *done, void *arg, struct hf_grpc_client_call **ret);

/* `on_message` runs for each message before `done`; messages are borrowed for it. */
int hf_grpc_client_stream(struct hf_grpc_client *client, const struct hf_grpc_request *request,
                          hf_grpc_message_fn *on_message, hf_grpc_done_fn *done, void *arg,
                          struct hf_grpc_client_call **ret);

/* Ends the call; no callback follows.  Also inside its `on_message`, not inside its
 * `done`.  NULL is allowed. */
void hf_grpc_client_call_cancel(struct hf_grpc_client_call *call);

/* Turns a result that is not OK into an HF_E code, with a message that begins with
 * `what`: what was being done, and where. */
int hf_grpc_result_error(const struct hf_grpc_result *result, const char *what, struct hf_err *err);

#endif
