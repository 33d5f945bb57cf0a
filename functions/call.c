/*
 * call.c - hyperfaas-function.h's methods and calls, on those of the gRPC server.
 *
 * A `struct hf_call` lies on the arena of the server's call and adds what the server
 * does not have: a timer, and that a call is finished for whoever does not mind.
 */
#include "hyperfaas-function.h"

#include <string.h>

#include "base/arena.h"
#include "base/macros.h"
#include "grpc/reply.h"
#include "grpc/server.h"
#include "loop/loop.h"
#include "loop/timer.h"
#include "service.h"

struct hf_call {
    struct hf_grpc_call *inner;
    const struct hf_method *method;
    void *state;
    struct hf_timer timer;
    void (*after)(struct hf_call *);
};

/* --- from the server to the function ------------------------------------------------------- */

static void
on_timer(struct hf_timer *timer)
{
    struct hf_call *call = hf_container_of(timer, struct hf_call, timer);

    call->after(call);
}

static void
on_begin(struct hf_grpc_call *inner)
{
    struct hf_call *call = hf_arena_calloc(hf_grpc_call_arena(inner), 1, sizeof *call);

    if (!call) {
        hf_grpc_call_finish(inner, HF_GRPC_RESOURCE_EXHAUSTED, "out of memory");
        return;
    }
    call->inner = inner;
    call->method = hf_grpc_call_arg(inner);
    hf_timer_init(&call->timer, hf_grpc_call_loop(inner), HF_TIMER_REAL, on_timer);
    hf_grpc_call_set_state(inner, call);
    if (call->method->begin) {
        call->method->begin(call);
    }
}

static void
on_message(struct hf_grpc_call *inner, const void *message)
{
    struct hf_call *call = hf_grpc_call_state(inner);

    call->method->message(call, message);
}

static void
on_half_close(struct hf_grpc_call *inner)
{
    struct hf_call *call = hf_grpc_call_state(inner);

    call->method->half_close(call);
}

static void
on_writable(struct hf_grpc_call *inner)
{
    struct hf_call *call = hf_grpc_call_state(inner);

    if (call->method->writable) {
        call->method->writable(call);
    }
}

static void
on_cancelled(struct hf_grpc_call *inner)
{
    struct hf_call *call = hf_grpc_call_state(inner);

    hf_timer_cancel(&call->timer);
    if (call->method->cancelled) {
        call->method->cancelled(call);
    } else {
        hf_call_finish(call, HF_GRPC_CANCELLED, NULL);
    }
}

static enum hf_grpc_kind
kind_of(const struct hf_method *method)
{
    switch (method->kind) {
    case HF_UNARY:
        return HF_GRPC_UNARY;
    case HF_SERVER_STREAMING:
        return HF_GRPC_SERVER_STREAMING;
    case HF_CLIENT_STREAMING:
        return HF_GRPC_CLIENT_STREAMING;
    case HF_BIDI_STREAMING:
    default:
        return HF_GRPC_BIDI;
    }
}

struct hf_grpc_method
hf_function_adapt(const struct hf_method *method)
{
    return (struct hf_grpc_method){
        .path = method->path,
        .kind = kind_of(method),
        .request = method->request,
        .begin = on_begin,
        .message = on_message,
        .half_close = on_half_close,
        .writable = on_writable,
        .cancelled = on_cancelled,
    };
}

/* --- what came ----------------------------------------------------------------------------- */

const char *
hf_call_metadata(const struct hf_call *call, const char *name)
{
    return hf_grpc_metadata(hf_grpc_call_metadata(call->inner), name);
}

uint64_t
hf_call_time_left(const struct hf_call *call)
{
    uint64_t deadline = hf_grpc_call_deadline(call->inner);

    return deadline == 0 ? UINT64_MAX
                         : hf_sub_saturated(deadline, hf_loop_now(hf_grpc_call_loop(call->inner)));
}

void *
hf_call_alloc(struct hf_call *call, size_t size)
{
    return hf_arena_calloc(hf_grpc_call_arena(call->inner), 1, size);
}

void
hf_call_set_state(struct hf_call *call, void *state)
{
    call->state = state;
}

void *
hf_call_state(const struct hf_call *call)
{
    return call->state;
}

void
hf_call_after(struct hf_call *call, uint64_t delay_ns, void (*fn)(struct hf_call *))
{
    if (!hf_grpc_call_is_cancelled(call->inner)) {
        call->after = fn;
        hf_timer_set(&call->timer, delay_ns);
    }
}

void
hf_call_pause(struct hf_call *call)
{
    hf_grpc_call_pause(call->inner);
}

void
hf_call_resume(struct hf_call *call)
{
    hf_grpc_call_resume(call->inner);
}

/* --- the answer ---------------------------------------------------------------------------- */

bool
hf_call_add_header(struct hf_call *call, const char *name, const void *value, size_t len)
{
    return hf_grpc_call_add_header(call->inner, name, value, len) == 0;
}

bool
hf_call_add_trailer(struct hf_call *call, const char *name, const void *value, size_t len)
{
    return hf_grpc_call_add_trailer(call->inner, name, value, len) == 0;
}

bool
hf_call_send(struct hf_call *call, const ProtobufCMessage *message)
{
    return hf_grpc_call_send(call->inner, message) == 0;
}

bool
hf_call_send_bytes(struct hf_call *call, const void *data, size_t len)
{
    return hf_grpc_call_send_bytes(call->inner, data, len) == 0;
}

void
hf_call_reply(struct hf_call *call, const ProtobufCMessage *message)
{
    hf_call_send(call, message);
    hf_call_finish(call, HF_GRPC_OK, NULL);
}

void
hf_call_reply_bytes(struct hf_call *call, const void *data, size_t len)
{
    hf_call_send_bytes(call, data, len);
    hf_call_finish(call, HF_GRPC_OK, NULL);
}

void
hf_call_finish(struct hf_call *call, uint32_t status, const char *message)
{
    hf_timer_fini(&call->timer);
    hf_grpc_call_finish(call->inner, status, message);
}
