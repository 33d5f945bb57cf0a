/*
 * driver_service.c - gRPC served for instances that live inside a driver.
 *
 * One server takes all connections; which instance a caller means is known by the
 * address it dialled.
 */
#include "node/driver_host.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/err.h"
#include "base/list.h"
#include "grpc/server.h"
#include "loop/loop.h"

#define LISTENER_MAGIC HF_MAGIC('d', 'l', 's', 'n')
#define CALL_MAGIC     HF_MAGIC('d', 'c', 'a', 'l')

struct hf_host_listener {
    uint32_t magic;
    struct hf_loop *loop;
    struct hf_grpc_server *server;
    const struct hf_host_service *service; /* NULL: the driver has freed the listener */
    void *arg;
    struct hf_list calls; /* that have a state */
    struct hf_task freeing;
};

struct hf_host_call {
    uint32_t magic;
    bool ended;      /* the driver has heard `end` */
    bool end_posted; /* `end_task` will still run */
    struct hf_host_listener *listener;
    struct hf_grpc_call *call; /* NULL: finished */
    void *state;               /* the driver's; NULL while and unless it has begun */
    struct hf_list node;       /* in `calls` */
    struct hf_task end_task;
};

static struct hf_host_listener *
listener_of(const struct hf_grpc_call *call)
{
    return hf_cast(hf_grpc_call_arg(call), struct hf_host_listener, LISTENER_MAGIC);
}

static struct hf_host_call *
call_of(const struct hf_grpc_call *call)
{
    return hf_cast(hf_grpc_call_state(call), struct hf_host_call, CALL_MAGIC);
}

/* --- ends ------------------------------------------------------------------------ */

static void
release(struct hf_host_call *call)
{
    if (!call->call && !call->end_posted) {
        hf_list_remove(&call->node);
        call->magic = 0;
        free(call);
    }
}

/* Tells the driver, once. */
static void
end(struct hf_host_call *call)
{
    if (call->state && !call->ended) {
        call->ended = true;
        call->listener->service->end(call->state);
    }
}

static void
run_end(struct hf_task *task)
{
    struct hf_host_call *call = hf_container_of(task, struct hf_host_call, end_task);

    call->end_posted = false;
    end(call);
    release(call);
}

int
hf_driver_call_send(struct hf_host_call *call, const void *data, size_t len)
{
    return call->call ? hf_grpc_call_send_bytes(call->call, data, len) : HF_ECANCELLED;
}

void
hf_driver_call_finish(struct hf_host_call *call, uint32_t grpc_status, const char *message)
{
    struct hf_grpc_call *grpc = hf_steal(call->call);

    hf_assert(grpc);
    if (!call->end_posted) {
        call->end_posted = true;
        call->end_task.run = run_end;
        hf_loop_post(call->listener->loop, &call->end_task);
    }
    hf_grpc_call_finish(grpc, grpc_status, message);
}

/* --- what callers do --------------------------------------------------------------- */

static void
on_begin(struct hf_grpc_call *grpc)
{
    struct hf_host_listener *listener = listener_of(grpc);
    struct hf_host_call *call = calloc(1, sizeof *call);
    void *state;

    if (!call || !listener->service) {
        free(call);
        hf_grpc_call_finish(grpc, HF_GRPC_UNAVAILABLE, "the instance is going away");
        return;
    }
    call->magic = CALL_MAGIC;
    call->listener = listener;
    call->call = grpc;
    hf_list_append(&listener->calls, &call->node);
    hf_grpc_call_set_state(grpc, call);
    state = listener->service->begin(listener->arg, call, hf_grpc_call_local(grpc),
                                     hf_grpc_call_path(grpc));
    hf_assert(state || !call->call); /* it took the call, or has answered it */
    call->state = state;
}

static void
on_message(struct hf_grpc_call *grpc, const void *message)
{
    struct hf_host_call *call = call_of(grpc);
    const ProtobufCBinaryData *bytes = message;

    if (!call->ended) {
        call->listener->service->message(call->state, bytes->data, bytes->len);
    }
}

static void
on_half_close(struct hf_grpc_call *grpc)
{
    struct hf_host_call *call = call_of(grpc);

    if (!call->ended) {
        call->listener->service->half_close(call->state);
    }
}

static void
on_cancelled(struct hf_grpc_call *grpc)
{
    struct hf_host_call *call = call_of(grpc);

    call->call = NULL;
    hf_grpc_call_finish(grpc, HF_GRPC_CANCELLED, NULL);
    end(call);
    release(call);
}

static const struct hf_grpc_method any_method = {
    .kind = HF_GRPC_BIDI,
    .begin = on_begin,
    .message = on_message,
    .half_close = on_half_close,
    .cancelled = on_cancelled,
};

/* --- the listener ------------------------------------------------------------------ */

static bool
admit(void *arg, const char *local)
{
    const struct hf_host_listener *listener = hf_cast(arg, struct hf_host_listener, LISTENER_MAGIC);

    return listener->service && listener->service->admit(listener->arg, local);
}

int
hf_driver_service_listen(struct hf_loop *loop, const char *address,
                         const struct hf_host_service *service, void *arg,
                         const struct hf_host_service_options *options,
                         struct hf_host_listener **ret, struct hf_err *err)
{
    struct hf_host_listener *listener = calloc(1, sizeof *listener);
    struct hf_grpc_server_options server;
    int r;

    if (!listener) {
        return hf_fail(err, HF_ENOMEM, "no memory to listen on '%s'", address);
    }
    *listener = (struct hf_host_listener){
        .magic = LISTENER_MAGIC,
        .loop = loop,
        .service = service,
        .arg = arg,
    };
    hf_list_init(&listener->calls);
    hf_grpc_server_options_init(&server);
    server.h2.max_streams = options->max_streams;
    server.h2.trusted = true; /* a leaf may cancel many calls at once */
    server.h2.idle_ns = 0;    /* it closes them */
    server.max_connections = UINT32_MAX;
    server.max_message_bytes = (size_t)options->max_message_bytes;
    server.send_queue_bytes = SIZE_MAX;
    server.admit = admit;
    server.admit_arg = listener;
    r = hf_grpc_server_new(loop, &server, &listener->server, err);
    if (r == 0) {
        hf_grpc_server_set_fallback(listener->server, &any_method, listener);
        r = hf_grpc_server_listen(listener->server, address, err);
    }
    if (r < 0) {
        hf_grpc_server_free(listener->server);
        free(listener);
        return r;
    }
    *ret = listener;
    return 0;
}

uint16_t
hf_driver_service_port(const struct hf_host_listener *listener)
{
    const char *colon = strrchr(hf_grpc_server_address(listener->server), ':');

    return (uint16_t)strtoul(colon + 1, NULL, 10);
}

void
hf_driver_service_drop(struct hf_host_listener *listener, const char *local)
{
    hf_grpc_server_drop(listener->server, local);
}

/* A server may not be freed inside one of its callbacks. */
static void
free_later(struct hf_task *task)
{
    struct hf_host_listener *listener = hf_container_of(task, struct hf_host_listener, freeing);

    hf_assert(listener->magic == LISTENER_MAGIC);
    hf_grpc_server_free(listener->server);
    listener->magic = 0;
    free(listener);
}

void
hf_driver_service_free(struct hf_host_listener *listener)
{
    struct hf_list *node;

    if (!listener) {
        return;
    }
    for (node = listener->calls.next; node != &listener->calls; node = node->next) {
        end(hf_container_of(node, struct hf_host_call, node));
    }
    listener->service = NULL;
    listener->freeing.run = free_later;
    hf_loop_post(listener->loop, &listener->freeing);
}
