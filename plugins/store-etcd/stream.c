/*
 * stream.c - changes as etcd tells them, one JSON object a line.
 *
 * An error comes inside an answer that began with 200, and a server that stops ends it in good
 * order: so every end is a loss.  A watch that etcd cancels stays open in silence: so it is closed
 * here.  Messages of progress, which old releases send ahead of events, move nothing: at worst
 * all is listed anew after a compaction.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <json-c/json_object.h>

#include <hyperfaas/error.h>

#include "follow.h"
#include "requests.h"

/* A longer line is not kept: what it tells is listed instead. */
#define LINE_MAX ((size_t)8 << 20)

/* For the first message of a stream, and for a probe. */
#define CREATED_LIMIT (5 * SEC)
#define PROBE_LIMIT   (3 * SEC)

/* --- what a message tells ----------------------------------------------------------------- */

/* A message that is none of a watch: the stream has failed. */
static void
take_error(struct follow *follow, struct json_object *object)
{
    struct json_object *error = answer_member(object, "error");
    const char *text = answer_text(error, "message");
    char message[MESSAGE_SIZE];

    if (!*text) {
        text = answer_text(object, *answer_text(object, "message") ? "message" : "error");
    }
    if (client_is_token_refusal(0, text)) {
        client_forget_token(follow->store->client);
    } else {
        client_move_on(follow->store->client);
    }
    snprintf(message, sizeof message, "etcd ends the watch: %s", *text ? text : "no reason given");
    follow_lose(follow, message);
}

static void
take_cancellation(struct follow *follow, struct json_object *result)
{
    const char *reason = answer_text(result, "cancel_reason");
    char message[MESSAGE_SIZE];

    if (answer_u64(result, "compact_revision") > 0) {
        follow_list_anew(follow); /* what happened in between is forgotten */
        return;
    }
    if (client_is_token_refusal(0, reason)) {
        client_forget_token(follow->store->client);
    }
    snprintf(message, sizeof message, "etcd cancels the watch: %s",
             *reason ? reason : "no reason given");
    follow_lose(follow, message);
}

static void
take_event(struct follow *follow, struct json_object *event)
{
    struct pair pair;

    if (!pair_read(answer_member(event, "kv"), &pair)) {
        return;
    }
    if (pair.revision >= follow->resume) {
        follow->resume = pair.revision + 1;
    }
    if (strcmp(answer_text(event, "type"), "DELETE") == 0) {
        follow_take_removed(follow, &pair);
    } else {
        follow_take(follow, &pair);
    }
    pair_fini(&pair);
}

static void
take_result(struct follow *follow, struct json_object *result)
{
    struct json_object *events = answer_member(result, "events");
    uint64_t revision = answer_revision(result);

    if (answer_bool(result, "canceled")) {
        take_cancellation(follow, result);
        return;
    }
    if (answer_bool(result, "created")) {
        if (!follow_accepts(follow, revision)) {
            return;
        }
        follow->state = FOLLOW_WATCHING;
        follow->store->driver->timer_set(follow->timer, (int64_t)PROBE_EVERY);
    }
    for (size_t i = 0; follow->watcher && i < answer_count(events); i++) {
        take_event(follow, json_object_array_get_idx(events, i));
        follow->failures = 0;
    }
    if (revision > follow->highest) {
        follow->highest = revision;
    }
}

/* Whether the stream is still the one that is being read. */
static bool
is_streaming(const struct follow *follow)
{
    return follow->watcher && (follow->state == FOLLOW_OPENING || follow->state == FOLLOW_WATCHING);
}

static bool
take_line(void *arg, const char *line, size_t len)
{
    struct follow *follow = arg;
    struct json_object *object = answer_parse(line, len);
    struct json_object *result = answer_member(object, "result");

    if (!object) {
        follow_lose(follow, "etcd's watch sends what is not JSON");
    } else if (!result) {
        take_error(follow, object);
    } else {
        take_result(follow, result);
    }
    json_object_put(object);
    return is_streaming(follow);
}

/* --- the stream --------------------------------------------------------------------------- */

static void
on_data(void *arg, const void *data, size_t len)
{
    struct follow *follow = arg;

    follow->busy++;
    if (lines_add(&follow->lines, data, len, LINE_MAX, take_line, follow) == LINES_TOO_LONG) {
        follow_list_anew(follow); /* page by page it can be read */
    }
    follow_leave(follow);
}

static void
on_done(void *arg, struct hf_host_exchange *exchange, const struct hf_host_http_answer *answer)
{
    struct follow *follow = arg;
    char message[2 * MESSAGE_SIZE];

    (void)exchange;
    follow->busy++;
    follow->exchange = NULL;
    if (lines_end(&follow->lines, take_line, follow) == LINES_OK) {
        snprintf(message, sizeof message, "etcd at %s ended the watch%s%s",
                 client_endpoint(follow->store->client), answer->code < 0 ? ": " : "",
                 answer->message);
        client_move_on(follow->store->client);
        follow_lose(follow, message);
    }
    follow_leave(follow);
}

void
stream_open(struct follow *follow)
{
    static const struct hf_host_http_events events = {
        .size = sizeof events,
        .on_data = on_data,
        .on_done = on_done,
    };
    struct hf_store *store = follow->store;
    char *body = request_watch(follow->keys->first, follow->keys->end, follow->resume);
    int r = HF_ENOMEM;

    if (body) {
        r = client_open(store->client, PATH_WATCH, body, &events, follow, &follow->exchange);
    }
    free(body);
    if (r < 0) {
        follow_lose(follow, "no memory to ask etcd for a watch");
        return;
    }
    follow->state = FOLLOW_OPENING;
    store->driver->timer_set(follow->timer, (int64_t)CREATED_LIMIT);
}

void
stream_close(struct follow *follow)
{
    if (follow->exchange) {
        client_close(follow->store->client, follow->exchange);
        follow->exchange = NULL;
    }
    lines_fini(&follow->lines);
}

/* --- a quiet stream ----------------------------------------------------------------------- */

static void
on_probe(void *arg, int code, const char *message, struct json_object *answer)
{
    struct follow *follow = arg;

    (void)answer;
    follow->call = NULL;
    if (code < 0) {
        follow_lose(follow, message);
        return;
    }
    follow->failures = 0;
    follow->store->driver->timer_set(follow->timer, (int64_t)PROBE_EVERY);
}

void
stream_probe(struct follow *follow)
{
    const struct call_request request = {
        .path = PATH_RANGE,
        .body = request_list(follow->keys->first, follow->keys->end, 1, 0, true),
        .limit_ns = PROBE_LIMIT,
    };

    follow->call = call_begin(follow->store->client, &request, on_probe, follow);
    if (!follow->call) {
        follow_lose(follow, "no memory to ask etcd whether it is still there");
    }
}
