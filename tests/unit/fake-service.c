/*
 * fake-service.c - the fake host's listeners, called by the test itself.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake-host-private.h"

/* Both sides of a call. */
struct hf_host_call {
    struct fake_call seen; /* first: the caller's handle */
    struct hf_host_call *next;
    struct hf_host_listener *listener; /* NULL once that has gone */
    struct fake_host *fake;
    char local[64];
    void *state;
    bool begun;
    bool end_posted;
};

static int
service_listen(const struct hf_driver_host *driver, const char *address,
               const struct hf_host_service *service, void *arg,
               const struct hf_host_service_options *options, struct hf_host_listener **ret,
               struct hf_err *err)
{
    struct fake_host *fake = fake_of(driver);
    struct hf_host_listener *listener = calloc(1, sizeof *listener);
    const char *colon = strrchr(address, ':');
    int port = colon ? (int)strtol(colon + 1, NULL, 10) : 0;

    (void)options;
    (void)err;
    assert(listener && colon);
    *listener = (struct hf_host_listener){
        .next = fake->listeners,
        .fake = fake,
        .port = (uint16_t)(port ? port : 40000),
        .service = service,
        .arg = arg,
    };
    fake->listeners = listener;
    *ret = listener;
    return 0;
}

static uint16_t
listener_port(const struct hf_host_listener *listener)
{
    return listener->port;
}

static void
end_call(struct hf_host_call *call)
{
    if (call->begun && !call->seen.ended) {
        call->seen.ended = true;
        call->listener->service->end(call->state);
    }
}

static void
listener_drop(struct hf_host_listener *listener, const char *local)
{
    for (struct hf_host_call *call = listener->calls; call; call = call->next) {
        if (strcmp(call->local, local) == 0) {
            end_call(call);
        }
    }
}

static void
listener_free(struct hf_host_listener *listener)
{
    struct hf_host_listener **link = &listener->fake->listeners;

    for (struct hf_host_call *call = listener->calls; call; call = call->next) {
        end_call(call);
        call->listener = NULL;
    }
    while (*link != listener) {
        link = &(*link)->next;
    }
    *link = listener->next;
    free(listener);
}

static int
call_send(struct hf_host_call *call, const void *data, size_t len)
{
    struct fake_call *seen = &call->seen;

    assert(!seen->finished && !seen->ended);
    free(seen->reply);
    seen->reply = malloc(len + 1);
    assert(seen->reply);
    if (len > 0) {
        memcpy(seen->reply, data, len);
    }
    seen->reply[len] = '\0';
    seen->reply_len = len;
    seen->n_replies++;
    return 0;
}

/* `end` follows from the loop, as with the real host. */
static void
end_later(void *arg)
{
    struct hf_host_call *call = arg;

    call->end_posted = false;
    end_call(call);
}

static void
call_finish(struct hf_host_call *call, uint32_t status, const char *message)
{
    struct fake_call *seen = &call->seen;

    assert(!seen->finished && !seen->ended);
    seen->finished = true;
    seen->status = status;
    snprintf(seen->message, sizeof seen->message, "%s", message ? message : "");
    if (call->begun) {
        call->end_posted = true;
        call->fake->driver.post(&call->fake->driver, end_later, call);
    }
}

/* --- the caller --------------------------------------------------------------- */

struct fake_call *
fake_call_new(struct fake_host *fake, const char *local, const char *path)
{
    struct hf_host_call *call = calloc(1, sizeof *call);
    const char *colon = strrchr(local, ':');
    struct hf_host_listener *listener = fake->listeners;

    assert(call && colon);
    while (listener && listener->port != (int)strtol(colon + 1, NULL, 10)) {
        listener = listener->next;
    }
    snprintf(call->local, sizeof call->local, "%s", local);
    if (listener && listener->service->admit(listener->arg, local)) {
        call->seen.admitted = true;
        call->fake = fake;
        call->listener = listener;
        call->next = listener->calls;
        listener->calls = call;
        call->state = listener->service->begin(listener->arg, call, local, path);
        call->begun = call->state;
    }
    call->seen.ended = !call->begun;
    return &call->seen;
}

void
fake_call_send(struct fake_call *seen, const void *data, size_t len)
{
    struct hf_host_call *call = (struct hf_host_call *)(void *)seen;

    if (!seen->ended && !seen->finished) {
        call->listener->service->message(call->state, data, len);
    }
}

void
fake_call_half_close(struct fake_call *seen)
{
    struct hf_host_call *call = (struct hf_host_call *)(void *)seen;

    if (!seen->ended && !seen->finished) {
        call->listener->service->half_close(call->state);
    }
}

void
fake_call_free(struct fake_call *seen)
{
    struct hf_host_call *call = (struct hf_host_call *)(void *)seen;

    while (call->end_posted) {
        fake_turn(call->fake, 0);
    }
    if (call->listener) {
        struct hf_host_call **link = &call->listener->calls;

        end_call(call);
        while (*link != call) {
            link = &(*link)->next;
        }
        *link = call->next;
    }
    free(seen->reply);
    free(call);
}

uint16_t
fake_port(const struct fake_host *fake)
{
    return fake->listeners ? fake->listeners->port : 0;
}

void
fake_service_init(struct fake_host *fake)
{
    fake->driver.listen = service_listen;
    fake->driver.listener_port = listener_port;
    fake->driver.listener_drop = listener_drop;
    fake->driver.listener_free = listener_free;
    fake->driver.call_send = call_send;
    fake->driver.call_finish = call_finish;
}
