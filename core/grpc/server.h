/*
 * server.h - serving gRPC calls: methods, calls, connections.
 *
 * A server has tables of methods and connections on one loop; for several loops make
 * one server on each, with the same tables.  It decodes requests with protobuf-c, or
 * hands over their bytes; it enforces deadlines, limits and the number of messages that
 * a kind of method has.  Everything runs on the loop's thread.
 *
 * Handlers are asynchronous: a call is the handler's from its first callback until
 * `hf_grpc_call_finish` (or a shorthand for it), which must come exactly once, now or
 * later, whatever happens to the caller.  Until then the call may be used, even when
 * its caller or the server has gone: then what is sent goes nowhere.
 */
#ifndef HF_GRPC_SERVER_H
#define HF_GRPC_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <protobuf-c/protobuf-c.h>

#include "grpc/status.h"
#include "h2/conn.h"
#include "h2/fields.h"

struct hf_arena;
struct hf_err;
struct hf_loop;
struct hf_grpc_call;
struct hf_grpc_server;

/* --- methods ------------------------------------------------------------------------------- */

enum hf_grpc_kind {
    HF_GRPC_UNARY,            /* one request, one response */
    HF_GRPC_SERVER_STREAMING, /* one request, any number of responses */
    HF_GRPC_CLIENT_STREAMING, /* any number of requests, one response */
    HF_GRPC_BIDI              /* any number of both, in any order */
};

/* One method.  Callbacks marked optional may be NULL.  No callback runs inside an
 * action on the same call, none after the call was finished. */
struct hf_grpc_method {
    const char *path; /* "/package.Service/Method"; NULL for a fallback */
    enum hf_grpc_kind kind;

    /* Not for everybody: the server's `refuse` is asked first. */
    bool managed;

    /* What requests are decoded to.  NULL: bytes, seen as a ProtobufCBinaryData.  What
     * cannot be decoded ends the call with INTERNAL before a callback runs. */
    const ProtobufCMessageDescriptor *request;

    /* A call began; its metadata are there.  Optional. */
    void (*begin)(struct hf_grpc_call *);

    /* A request message: a struct of type `request`, or a ProtobufCBinaryData.  Kinds
     * with one request hear it exactly once, after the caller's half-close, and may
     * keep the message until the call is finished; for the others it is borrowed for
     * the callback.  Required. */
    void (*message)(struct hf_grpc_call *, const void *message);

    /* The caller has sent its last message.  Required for kinds with any number of
     * requests, not called for the others. */
    void (*half_close)(struct hf_grpc_call *);

    /* There is room again after a send that returned HF_EFULL.  Optional. */
    void (*writable)(struct hf_grpc_call *);

    /* Nobody waits for the answer any more: the caller cancelled or was lost, its
     * deadline passed, or the server is being freed.  At most once.  Stop what can be
     * stopped, and finish the call, here or later.  Optional. */
    void (*cancelled)(struct hf_grpc_call *);
};

/* --- the server ---------------------------------------------------------------------------- */

/* Who calls a managed method. */
struct hf_grpc_caller {
    int fd; /* the connection's socket, only to be asked about */
    const char *peer;
    const char *path;
    const struct hf_h2_fields *metadata;
    uint32_t *memo; /* the refuser's, for each connection; 0 at first */
};

struct hf_grpc_server_options {
    struct hf_h2_options h2;  /* of each connection; `idle_ns` is gRPC's MAX_CONNECTION_IDLE */
    uint32_t max_connections; /* more are closed at once */
    size_t max_message_bytes; /* of a request; above: RESOURCE_EXHAUSTED */
    size_t max_kept_bytes;    /* of requests, of all calls: then long ones are refused; 0: none */
    size_t send_queue_bytes;  /* unsent bytes of a call from which a send says HF_EFULL */

    /* Whether a connection made to `local` ("IP:PORT") is taken.  Optional. */
    bool (*admit)(void *arg, const char *local);
    void *admit_arg;

    /* Why a call of a managed method is refused, with PERMISSION_DENIED; NULL: it is not. Optional:
     * without it everybody may call everything. */
    const char *(*refuse)(void *arg, const struct hf_grpc_caller *caller);
    void *refuse_arg;
};

/* 4 MiB messages, of which any number may be kept, 256 KiB queues, 1,000 streams. */
void hf_grpc_server_options_init(struct hf_grpc_server_options *options);

/* `options` is copied; NULL: the defaults. */
int hf_grpc_server_new(struct hf_loop *loop, const struct hf_grpc_server_options *options,
                       struct hf_grpc_server **ret, struct hf_err *err);

/* Closes everything; calls in flight are cancelled (callbacks run) and stay until their
 * handlers finish them.  Not inside a callback of the server.  NULL is allowed. */
void hf_grpc_server_free(struct hf_grpc_server *server);

/* Adds methods; the table is kept, not copied, and `arg` is what hf_grpc_call_arg gives.
 * HF_EEXISTS: a path is there already.  HF_ENOMEM. */
int hf_grpc_server_add(struct hf_grpc_server *server, const struct hf_grpc_method *methods,
                       size_t count, void *arg);

/* The method for unknown paths, which otherwise get UNIMPLEMENTED. */
void hf_grpc_server_set_fallback(struct hf_grpc_server *server, const struct hf_grpc_method *method,
                                 void *arg);

/* Listens on `address` ("IP:PORT", port 0: any free one; "unix:PATH"); may be called for
 * several addresses. */
int hf_grpc_server_listen(struct hf_grpc_server *server, const char *address, struct hf_err *err);

/* The address of the last `listen` as bound, with the port it got; NULL before. */
const char *hf_grpc_server_address(const struct hf_grpc_server *server);

/* Stops listening; connections take no new call and close when theirs have ended, or
 * after `h2.drain_ns`.  `done` runs once, later, when the last has closed.  At most one
 * drain at a time. */
void hf_grpc_server_drain(struct hf_grpc_server *server, void (*done)(void *arg), void *arg);

/* Closes the connections that were made to `local` ("IP:PORT") at once, as if the
 * program behind that address had crashed. */
void hf_grpc_server_drop(struct hf_grpc_server *server, const char *local);

uint32_t hf_grpc_server_connections(const struct hf_grpc_server *server);
uint32_t hf_grpc_server_calls(const struct hf_grpc_server *server); /* not yet finished */

/* --- a call: what came --------------------------------------------------------------------- */

void *hf_grpc_call_arg(const struct hf_grpc_call *call); /* of the method's table */
void hf_grpc_call_set_state(struct hf_grpc_call *call, void *state);
void *hf_grpc_call_state(const struct hf_grpc_call *call); /* the handler's own; NULL at first */

const char *hf_grpc_call_path(const struct hf_grpc_call *call);
/* What the caller dialled, and the caller's own address; "" once the caller has gone.  They live as
 * long as its connection. */
const char *hf_grpc_call_local(const struct hf_grpc_call *call);
const char *hf_grpc_call_peer(const struct hf_grpc_call *call);

/* The request's header block: metadata are read with hf_grpc_metadata (reply.h). */
const struct hf_h2_fields *hf_grpc_call_metadata(const struct hf_grpc_call *call);

struct hf_loop *hf_grpc_call_loop(const struct hf_grpc_call *call);

/* Memory that lives until the call is finished. */
struct hf_arena *hf_grpc_call_arena(struct hf_grpc_call *call);

/* When the caller gives up, in the loop's real time; 0: never. */
uint64_t hf_grpc_call_deadline(const struct hf_grpc_call *call);

/* Whether `cancelled` is due or was called. */
bool hf_grpc_call_is_cancelled(const struct hf_grpc_call *call);

/* Kinds with any number of requests: while paused, no message is delivered and the
 * caller may send no more than a stream window.  Resuming delivers later. */
void hf_grpc_call_pause(struct hf_grpc_call *call);
void hf_grpc_call_resume(struct hf_grpc_call *call);

/* --- a call: the answer -------------------------------------------------------------------- */

/* Metadata before the first message and at the end; as hf_grpc_metadata_add.
 * HF_ESTATE: headers were sent already. */
int hf_grpc_call_add_header(struct hf_grpc_call *call, const char *name, const void *value,
                            size_t len);
int hf_grpc_call_add_trailer(struct hf_grpc_call *call, const char *name, const void *value,
                             size_t len);

/* Sends the response headers now; otherwise they go with the first message or the end. */
int hf_grpc_call_send_headers(struct hf_grpc_call *call);

/* Sends one message; it is copied.  HF_EFULL: the queue is full, nothing was sent;
 * `writable` follows when it is half empty.  HF_ECANCELLED: nobody listens.
 * HF_ENOMEM: the call is lost.  For kinds with one response, use reply. */
int hf_grpc_call_send(struct hf_grpc_call *call, const ProtobufCMessage *message);
int hf_grpc_call_send_bytes(struct hf_grpc_call *call, const void *data, size_t len);

/* Bytes that were sent and have not left yet. */
size_t hf_grpc_call_unsent(const struct hf_grpc_call *call);

/* The last thing done with a call: its status and, if that is not OK, a message for the
 * caller (NULL: none).  What was sent goes out first.  The call is gone. */
void hf_grpc_call_finish(struct hf_grpc_call *call, uint32_t code, const char *message);

/* Finishes with one message and OK. */
void hf_grpc_call_reply(struct hf_grpc_call *call, const ProtobufCMessage *message);
void hf_grpc_call_reply_bytes(struct hf_grpc_call *call, const void *data, size_t len);

/* Finishes with the status of an HF_E code and the text of `err` (may be NULL). */
void hf_grpc_call_fail(struct hf_grpc_call *call, int error, const struct hf_err *err);

#endif
