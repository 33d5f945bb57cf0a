/*
 * token.c - who we are to etcd.
 *
 * A token dies when it is not used for five minutes, and with the server that gave it.  So it is
 * asked for when a call needs one, by one request for all that wait, and again when it is refused.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <hyperfaas/error.h>

#include "../kit/json.h"
#include "client_private.h"

/* For one attempt to get a token. */
#define AUTHENTICATE_LIMIT (5 * SEC)

#define GRPC_UNAVAILABLE     14
#define GRPC_UNAUTHENTICATED 16

bool
client_is_token_refusal(uint32_t grpc_code, const char *message)
{
    return grpc_code == GRPC_UNAUTHENTICATED || strstr(message, "invalid auth token") ||
           strstr(message, "user name is empty") ||
           strstr(message, "revision of auth store is old");
}

void
client_forget_token(struct client *client)
{
    free(client->token);
    client->token = NULL;
    client->auth_is_off = false;
}

bool
client_lacks_token(const struct client *client)
{
    return client->user && !client->token && !client->auth_is_off;
}

/* --- those who wait ----------------------------------------------------------------------- */

void
token_stop_waiting(struct call *call)
{
    struct call **link = &call->client->waiting;

    while (*link && *link != call) {
        link = &(*link)->next_waiting;
    }
    if (*link) {
        *link = call->next_waiting;
    }
}

static struct call *
next_waiting(struct client *client)
{
    struct call *call = client->waiting;

    if (call) {
        client->waiting = call->next_waiting;
    }
    return call;
}

/* A member that failed costs each its attempt; a refusal ends them. */
static void
fail_waiting(struct client *client, int code, bool refused, const char *message)
{
    struct call *call;

    while ((call = next_waiting(client))) {
        if (refused) {
            call_finish(call, code, message, NULL);
        } else {
            call->endpoint = client->authenticating_at;
            call_attempt_failed(call, code, false, message);
        }
    }
}

/* --- asking ------------------------------------------------------------------------------- */

/* Keeps the token as the line of the header. */
static bool
keep_token(struct client *client, const char *body, size_t len)
{
    struct json_object *answer = answer_parse(body, len);
    const char *token = json_text(JSON_AT(answer, "token"));
    char *line = NULL;

    if (*token && asprintf(&line, "Authorization: %s", token) < 0) {
        line = NULL;
    }
    json_object_put(answer);
    free(client->token);
    client->token = line;
    return line;
}

static void
take_refusal(struct client *client, const struct hf_host_http_answer *answer)
{
    char message[MESSAGE_SIZE];
    uint32_t code = answer_refusal(answer->body, answer->body_len, message);
    char text[2 * MESSAGE_SIZE];

    if (strstr(message, "authentication is not enabled")) {
        client->auth_is_off = true;
        return;
    }
    snprintf(text, sizeof text, "user '%s' is refused: %s", client->user,
             *message ? message : "no reason given");
    fail_waiting(client, code == GRPC_UNAVAILABLE ? HF_EUNAVAILABLE : HF_EDENIED,
                 code != GRPC_UNAVAILABLE, text);
}

static void
on_token(void *arg, struct hf_host_exchange *exchange, const struct hf_host_http_answer *answer)
{
    struct client *client = arg;
    struct call *call;

    (void)exchange;
    client->authenticating = NULL;
    if (answer->code < 0) {
        fail_waiting(client, answer->code, false, answer->message);
    } else if (answer->status != 200) {
        take_refusal(client, answer);
    } else if (!keep_token(client, answer->body, answer->body_len)) {
        fail_waiting(client, HF_EIO, false, "the answer to a request for a token has none");
    }
    while (!client_lacks_token(client) && (call = next_waiting(client))) {
        call_attempt(call);
    }
}

static int
authenticate(struct client *client)
{
    static const struct hf_host_http_events events = { .size = sizeof events, .on_done = on_token };
    char *body = request_authenticate(client->user, client->password);
    const struct client_post post = {
        .endpoint = client->current,
        .path = PATH_AUTHENTICATE,
        .body = body,
        .limit_ns = AUTHENTICATE_LIMIT,
    };
    int r = HF_ENOMEM;

    if (body) {
        client->authenticating_at = client->current;
        r = client_send(client, &post, &events, client, &client->authenticating);
    }
    free(body);
    return r;
}

void
token_await(struct call *call)
{
    struct client *client = call->client;

    if (!client->authenticating && authenticate(client) < 0) {
        call_finish(call, HF_ENOMEM, "no memory to ask for a token", NULL);
        return;
    }
    call->next_waiting = client->waiting;
    client->waiting = call;
}
