/*
 * hyperfaas-function.h - writing functions for HyperFaaS in C.
 *
 * A function is a program that serves gRPC.  It lists its methods and hands them to
 * `hf_function_main`, which does the rest: listens, serves health, tells the worker
 * that it is ready, and ends gracefully on SIGTERM.  README.md has a whole example.
 *
 * One thread serves all calls: a callback must not block.  What takes time waits with
 * `hf_call_after`, or answers later from an event of its own.
 */
#ifndef HYPERFAAS_FUNCTION_LIBRARY_H
#define HYPERFAAS_FUNCTION_LIBRARY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <protobuf-c/protobuf-c.h>

#ifdef __cplusplus
extern "C" {
#endif

#define HF_FUNCTION_API __attribute__((visibility("default")))

/* One call of a method. */
struct hf_call;

/* --- methods ------------------------------------------------------------------------------- */

enum hf_method_kind {
    HF_UNARY,            /* one request, one response */
    HF_SERVER_STREAMING, /* one request, any number of responses */
    HF_CLIENT_STREAMING, /* any number of requests, one response */
    HF_BIDI_STREAMING    /* any number of both, in any order */
};

/* A call is the function's from its first callback until it is finished: by
 * `hf_call_reply`, or by `hf_call_finish`.  Callbacks marked optional may be NULL. */
struct hf_method {
    const char *path; /* "/package.Service/Method" */
    enum hf_method_kind kind;

    /* What requests are decoded to; NULL: bytes, seen as a ProtobufCBinaryData. */
    const ProtobufCMessageDescriptor *request;

    /* A call began; its metadata are there.  Optional. */
    void (*begin)(struct hf_call *);

    /* A request message: a struct of type `request`, or a ProtobufCBinaryData.  Where
     * there is one, it stays valid until the call is finished; one of many is valid
     * for the callback only.  Required. */
    void (*message)(struct hf_call *, const void *message);

    /* The caller has sent its last message.  Required where there may be many. */
    void (*half_close)(struct hf_call *);

    /* There is room again after a send that returned false.  Optional. */
    void (*writable)(struct hf_call *);

    /* Nobody waits for the answer any more: the caller has gone or its deadline has
     * passed.  Free what the call holds and finish it, here or later.  NULL: the call
     * is finished for you, so you must not use it later from an event of your own. */
    void (*cancelled)(struct hf_call *);
};

/* --- the program --------------------------------------------------------------------------- */

/* Serves the methods, up to one whose path is NULL, until SIGTERM or SIGINT; then calls
 * under way may finish.  Returns the program's exit code.
 *
 * Environment: PORT (50052) and LISTEN_ADDRESS (0.0.0.0) to listen on;
 * CONTROLLER_ADDRESS, "HOST:PORT" of the worker to tell that we are ready (nobody);
 * INSTANCE_ID, our name there (the host name); FUNCTION_ID. */
HF_FUNCTION_API int hf_function_main(const struct hf_method *methods);

/* --- a call: what came --------------------------------------------------------------------- */

/* The first metadata value of that name (lower case), NULL if there is none.  Values of
 * names that end in "-bin" come as base64. */
HF_FUNCTION_API const char *hf_call_metadata(const struct hf_call *, const char *name);

/* Nanoseconds until the caller gives up, UINT64_MAX if never. */
HF_FUNCTION_API uint64_t hf_call_time_left(const struct hf_call *);

/* Zeroed memory that lives until the call is finished; NULL if there is none. */
HF_FUNCTION_API void *hf_call_alloc(struct hf_call *, size_t size);

/* Something of the function's own to go with the call; NULL at first. */
HF_FUNCTION_API void hf_call_set_state(struct hf_call *, void *state);
HF_FUNCTION_API void *hf_call_state(const struct hf_call *);

/* Runs `fn` once after that time, unless the call is finished or cancelled before.  A
 * second use replaces the first. */
HF_FUNCTION_API void hf_call_after(struct hf_call *, uint64_t delay_ns,
                                   void (*fn)(struct hf_call *));

/* While paused, no message is delivered and the caller is slowed down. */
HF_FUNCTION_API void hf_call_pause(struct hf_call *);
HF_FUNCTION_API void hf_call_resume(struct hf_call *);

/* --- a call: the answer -------------------------------------------------------------------- */

/* Metadata to go before the first message, or at the end.  Values of names that end in
 * "-bin" are bytes, others visible ASCII.  False: gRPC does not allow name or value, or
 * headers were sent already. */
HF_FUNCTION_API bool hf_call_add_header(struct hf_call *, const char *name, const void *value,
                                        size_t len);
HF_FUNCTION_API bool hf_call_add_trailer(struct hf_call *, const char *name, const void *value,
                                         size_t len);

/* Sends one of many messages; it is copied.  False: it was not sent, because too much
 * waits to be (`writable` follows) or nobody listens (`cancelled` follows or came). */
HF_FUNCTION_API bool hf_call_send(struct hf_call *, const ProtobufCMessage *message);
HF_FUNCTION_API bool hf_call_send_bytes(struct hf_call *, const void *data, size_t len);

/* Finishes with one message and OK.  The call is gone. */
HF_FUNCTION_API void hf_call_reply(struct hf_call *, const ProtobufCMessage *message);
HF_FUNCTION_API void hf_call_reply_bytes(struct hf_call *, const void *data, size_t len);

/* Finishes with a gRPC status code (0: OK) and a message for the caller, which may be
 * NULL.  The call is gone. */
HF_FUNCTION_API void hf_call_finish(struct hf_call *, uint32_t status, const char *message);

#ifdef __cplusplus
}
#endif

#endif
