/*
 * service.c - the calls of fake instances.
 */
#include <stdlib.h>
#include <string.h>

#include "fake.h"
#include "models.h"

enum {
    GRPC_OK = 0,
    GRPC_RESOURCE_EXHAUSTED = 8,
    GRPC_UNIMPLEMENTED = 12,
    GRPC_INTERNAL = 13,
    GRPC_UNAVAILABLE = 14
};

const struct hf_host_service_options fake_service_options = {
    .size = sizeof fake_service_options,
    .max_streams = 10000,
    .max_message_bytes = 128 << 20,
};

struct call *
call_of(struct due *due)
{
    return (struct call *)(void *)((char *)due - offsetof(struct call, due));
}

/* --- answering: the last thing done with a call -------------------------------------- */

static void
call_finish(struct call *call, uint32_t status, const char *message)
{
    call->answered = true;
    call->runtime->driver->call_finish(call->host_call, status, message);
}

void
call_fail(struct call *call, uint32_t grpc_status, const char *message)
{
    call_finish(call, grpc_status, message);
}

void
call_reply(struct call *call, const void *data, size_t len, bool raw)
{
    const struct hf_driver_host *driver = call->runtime->driver;
    uint8_t head[CODEC_HEAD_MAX];
    size_t head_len = raw || len == 0 ? 0 : codec_head(head, len);
    uint8_t *message = malloc(head_len + len + 1);

    if (!message) {
        call_fail(call, GRPC_RESOURCE_EXHAUSTED, "out of memory");
        return;
    }
    memcpy(message, head, head_len);
    if (len > 0) {
        memcpy(message + head_len, data, len);
    }
    if (driver->call_send(call->host_call, message, head_len + len) == 0) {
        call_finish(call, GRPC_OK, NULL);
    } else {
        call->answered = true; /* the caller has gone; `end` comes by itself */
    }
    free(message);
}

void
call_wait(struct call *call, uint64_t delay_ns, void (*run)(struct due *, int code))
{
    if (!schedule_add(call->runtime->schedule, &call->due, delay_ns, run)) {
        call_fail(call, GRPC_RESOURCE_EXHAUSTED, "out of memory");
    }
}

void
calls_detach(struct instance *instance)
{
    struct call *call;

    while ((call = instance->calls)) {
        instance->calls = call->next;
        call->instance = NULL;
        call->link = NULL;
        schedule_remove(instance->runtime->schedule, &call->due);
    }
}

/* --- the host's side ------------------------------------------------------------------ */

static bool
service_admit(void *arg, const char *local)
{
    const struct instance *instance = table_find_address(arg, local);

    return instance && instance->state == INSTANCE_RUNNING;
}

static void *
service_begin(void *arg, struct hf_host_call *host_call, const char *local, const char *path)
{
    struct hf_runtime *runtime = arg;
    struct instance *instance = table_find_address(runtime, local);
    struct call *call;

    if (!instance || instance->state != INSTANCE_RUNNING) {
        runtime->driver->call_finish(host_call, GRPC_UNAVAILABLE, "this instance has ended");
        return NULL;
    }
    if (instance->model->method ? strcmp(path, instance->model->method) != 0
                                : strncmp(path, "/grpc.", 6) == 0) {
        runtime->driver->call_finish(host_call, GRPC_UNIMPLEMENTED, "the model has no such method");
        return NULL;
    }
    call = calloc(1, sizeof *call);
    if (!call) {
        runtime->driver->call_finish(host_call, GRPC_RESOURCE_EXHAUSTED, "out of memory");
        return NULL;
    }
    call->runtime = runtime;
    call->instance = instance;
    call->host_call = host_call;
    call->next = instance->calls;
    call->link = &instance->calls;
    if (call->next) {
        call->next->link = &call->next;
    }
    instance->calls = call;
    runtime->calls++;
    return call;
}

static void
service_message(void *state, const uint8_t *data, size_t len)
{
    struct call *call = state;

    if (!call->instance || call->answered) {
        return;
    }
    if (!call->instance->model->serve) {
        if (call->runtime->driver->call_send(call->host_call, data, len) != 0) {
            call->answered = true;
        }
        return;
    }
    if (call->received) {
        call_fail(call, GRPC_UNIMPLEMENTED, "the model answers unary calls only");
        return;
    }
    call->received = true;
    call->request = malloc(len + 1);
    if (!call->request) {
        call_fail(call, GRPC_RESOURCE_EXHAUSTED, "out of memory");
        return;
    }
    if (len > 0) {
        memcpy(call->request, data, len);
    }
    call->len = len;
}

static void
crash_now(struct due *due, int code)
{
    (void)code;
    instance_crash(call_of(due)->instance, "crashed by chance (option 'crash')");
}

static void
service_half_close(void *state)
{
    struct call *call = state;
    struct hf_runtime *runtime = call->runtime;

    if (!call->instance || call->answered) {
        return;
    }
    if (chance_happens(&runtime->chance, runtime->settings.crash)) {
        /* Not from here: the connection that calls us is one of those that drop. */
        call_wait(call, 0, crash_now);
    } else if (chance_happens(&runtime->chance, runtime->settings.call_failure)) {
        call_fail(call, GRPC_INTERNAL, "failed by chance (option 'call_failure')");
    } else if (!call->instance->model->serve) {
        call_finish(call, GRPC_OK, NULL);
    } else if (!call->received) {
        call_fail(call, GRPC_INTERNAL, "the request is missing");
    } else {
        call->instance->model->serve(call);
    }
}

static void
service_end(void *state)
{
    struct call *call = state;
    struct instance *instance = call->instance;

    schedule_remove(call->runtime->schedule, &call->due);
    if (instance) {
        *call->link = call->next;
        if (call->next) {
            call->next->link = call->link;
        }
    }
    free(call->request);
    free(call);
    if (instance) {
        instance_call_ended(instance);
    }
}

const struct hf_host_service fake_service = {
    .size = sizeof fake_service,
    .admit = service_admit,
    .begin = service_begin,
    .message = service_message,
    .half_close = service_half_close,
    .end = service_end,
};
