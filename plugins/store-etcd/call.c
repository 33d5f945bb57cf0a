/*
 * call.c - one call, from member to member until one answers.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <json-c/json_object.h>

#include <hyperfaas/error.h>

#include "client_private.h"

#define GRPC_INVALID_ARGUMENT    3
#define GRPC_NOT_FOUND           5
#define GRPC_PERMISSION_DENIED   7
#define GRPC_RESOURCE_EXHAUSTED  8
#define GRPC_FAILED_PRECONDITION 9
#define GRPC_OUT_OF_RANGE        11
#define GRPC_UNAVAILABLE         14
#define GRPC_UNAUTHENTICATED     16

/* --- ends --------------------------------------------------------------------------------- */

static void
call_free(struct call *call)
{
    call->client->driver->timer_free(call->timer);
    free(call->body);
    free(call);
}

void
call_finish(struct call *call, int code, const char *message, struct json_object *answer)
{
    call_done_fn *done = call->done;
    void *arg = call->arg;
    char text[2 * MESSAGE_SIZE] = "";

    if (code < 0) {
        snprintf(text, sizeof text, "etcd at %s: %s", call->client->endpoints[call->endpoint],
                 message);
    }
    call_free(call);
    done(arg, code, text, answer);
}

void
call_cancel(struct call *call)
{
    if (!call) {
        return;
    }
    token_stop_waiting(call);
    if (call->exchange) {
        call->client->driver->http_cancel(call->exchange);
    }
    call_free(call);
}

const char *
call_last_failure(const struct call *call)
{
    return call->failure;
}

/* --- failures ----------------------------------------------------------------------------- */

void
call_attempt_failed(struct call *call, int code, bool seen, const char *message)
{
    struct client *client = call->client;
    uint64_t delay;

    client_blame(client, call->endpoint);
    if (call->writes && seen) {
        char text[MESSAGE_SIZE + 64];

        snprintf(text, sizeof text, "%s (it may have been carried out all the same)", message);
        call_finish(call, code, text, NULL);
        return;
    }
    snprintf(call->failure, sizeof call->failure, "%s", message);
    call->attempts++;
    if (call->attempts % client->n_endpoints != 0) {
        client->driver->timer_set(call->timer, 0); /* the next member */
        return;
    }
    delay = client_backoff(client, call->attempts / client->n_endpoints - 1);
    if (delay > call->patience_ns) {
        call_finish(call, code == HF_ETIMEOUT ? HF_ETIMEOUT : HF_EUNAVAILABLE, message, NULL);
        return;
    }
    call->patience_ns -= delay;
    client->driver->timer_set(call->timer, (int64_t)delay);
}

static int
code_of_refusal(uint32_t grpc_code)
{
    switch (grpc_code) {
    case GRPC_INVALID_ARGUMENT:
        return HF_EINVALID;
    case GRPC_NOT_FOUND:
        return HF_ENOTFOUND;
    case GRPC_PERMISSION_DENIED:
    case GRPC_UNAUTHENTICATED:
        return HF_EDENIED;
    case GRPC_RESOURCE_EXHAUSTED:
        return HF_EFULL;
    case GRPC_FAILED_PRECONDITION:
    case GRPC_OUT_OF_RANGE:
        return HF_ESTATE;
    case GRPC_UNAVAILABLE:
        return HF_EUNAVAILABLE;
    default:
        return HF_EIO;
    }
}

/* A member answers, but not with 200. */
static void
take_refusal(struct call *call, const struct hf_host_http_answer *answer)
{
    struct client *client = call->client;
    char message[MESSAGE_SIZE];
    char text[MESSAGE_SIZE + 128];
    uint32_t grpc_code = answer_refusal(answer->body, answer->body_len, message);

    if (client->user && !call->token_renewed && client_is_token_refusal(grpc_code, message)) {
        call->token_renewed = true;
        client_forget_token(client);
        call_attempt(call);
        return;
    }
    if (!*message) {
        snprintf(text, sizeof text,
                 "HTTP status %u instead of an answer: is this etcd 3.4 or later?", answer->status);
        call_attempt_failed(call, HF_EUNAVAILABLE, false, text);
    } else if (grpc_code == GRPC_UNAVAILABLE) {
        /* Without a leader nothing is even proposed; anything else may come about yet. */
        call_attempt_failed(call, HF_EUNAVAILABLE, !strstr(message, "no leader"), message);
    } else if (strstr(message, "user name is empty")) {
        call_finish(call, HF_EDENIED, "it asks who we are: set the options 'user' and 'password'",
                    NULL);
    } else if (strstr(message, "database space exceeded")) {
        snprintf(text, sizeof text,
                 "%s; it takes no more writes until it is compacted, defragmented and its alarm is "
                 "disarmed",
                 message);
        call_finish(call, HF_EFULL, text, NULL);
    } else {
        call_finish(call, code_of_refusal(grpc_code), message, NULL);
    }
}

static void
on_done(void *arg, struct hf_host_exchange *exchange, const struct hf_host_http_answer *answer)
{
    struct call *call = arg;
    struct json_object *object;

    (void)exchange;
    call->exchange = NULL;
    if (answer->code == HF_EFULL) {
        call_finish(call, HF_EFULL, answer->message, NULL); /* another member would say the same */
    } else if (answer->code < 0) {
        call_attempt_failed(call, answer->code, answer->sent != 0, answer->message);
    } else if (answer->status != 200) {
        take_refusal(call, answer);
    } else if (!(object = answer_parse(answer->body, answer->body_len))) {
        call_attempt_failed(call, HF_EIO, true, "the answer is not JSON: is this etcd?");
    } else {
        call_finish(call, 0, "", object);
        json_object_put(object);
    }
}

/* --- attempts ----------------------------------------------------------------------------- */

void
call_attempt(struct call *call)
{
    static const struct hf_host_http_events events = { .size = sizeof events, .on_done = on_done };
    struct client *client = call->client;
    const struct client_post post = {
        .endpoint = client->current,
        .path = call->path,
        .body = call->body,
        .limit_ns = call->limit_ns,
        .max_answer = call->max_answer,
    };

    call->endpoint = client->current;
    if (client_lacks_token(client)) {
        token_await(call);
    } else if (client_send(client, &post, &events, call, &call->exchange) < 0) {
        call_finish(call, HF_ENOMEM, "no memory for a request", NULL);
    }
}

static void
on_timer(void *arg)
{
    call_attempt(arg);
}

struct call *
call_begin(struct client *client, const struct call_request *request, call_done_fn *done, void *arg)
{
    struct call *call = calloc(1, sizeof *call);

    if (!call) {
        free(request->body);
        return NULL;
    }
    *call = (struct call){
        .client = client,
        .path = request->path,
        .body = request->body,
        .writes = request->writes,
        .limit_ns = request->limit_ns,
        .patience_ns = request->patience_ns,
        .max_answer = request->max_answer,
        .done = done,
        .arg = arg,
        .endpoint = client->current,
        .timer = client->driver->timer_new(client->driver, HF_CLOCK_REAL, on_timer, call),
    };
    if (!call->body || !call->timer) {
        call_free(call);
        return NULL;
    }
    client->driver->timer_set(call->timer, 0);
    return call;
}
