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

#include <hyperfaas/error.h>

#include "../kit/json.h"
#include "follow.h"

/* A longer line is not read, and no more is kept that comes faster than it is reported: what they
 * hold is listed instead, page by page. */
#define LINE_MAX    ((size_t)512 << 10)
#define WAITING_MAX ((size_t)4 << 20)

/* For the first message of a stream, and for a probe. */
#define CREATED_LIMIT (5 * SEC)
#define PROBE_LIMIT   (3 * SEC)

/* --- what a message tells ----------------------------------------------------------------- */

/* A message that is none of a watch: the stream has failed. */
static void
take_error(struct follow *follow, struct json_object *object)
{
    struct json_object *error = JSON_AT(object, "error");
    const char *text = json_text(JSON_AT(error, "message"));
    char message[MESSAGE_SIZE];

    if (!*text) {
        text = json_text(
            JSON_AT(object, *json_text(JSON_AT(object, "message")) ? "message" : "error"));
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
    const char *reason = json_text(JSON_AT(result, "cancel_reason"));
    char message[MESSAGE_SIZE];

    if (json_u64(JSON_AT(result, "compact_revision")) > 0) {
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

    if (!pair_read(JSON_AT(event, "kv"), &pair)) {
        return;
    }
    if (pair.revision >= follow->events_end) {
        follow->events_end = pair.revision + 1;
    }
    if (strcmp(json_text(JSON_AT(event, "type")), "DELETE") == 0) {
        follow_take_removed(follow, &pair);
    } else {
        follow_take(follow, &pair);
    }
    pair_fini(&pair);
}

/* Tells events of the line, as many as may be.  Only when all are reported a stream can go on
 * behind them: those of one revision may be many. */
static void
take_events(struct follow *follow, unsigned *left)
{
    for (; follow->events && follow->next_event < json_count(follow->events) && *left > 0;
         --*left) {
        take_event(follow, json_item(follow->events, follow->next_event++));
    }
    if (follow->events && follow->next_event == json_count(follow->events)) {
        json_object_put(follow->events);
        follow->events = NULL;
        follow->resume = follow->events_end;
        follow->failures = 0;
    }
}

static void
take_result(struct follow *follow, struct json_object *result)
{
    struct json_object *events = JSON_AT(result, "events");
    struct header header = answer_header(result);

    if (json_true(JSON_AT(result, "canceled"))) {
        take_cancellation(follow, result);
        return;
    }
    if (json_true(JSON_AT(result, "created"))) {
        if (!follow_accepts(follow, &header)) {
            return;
        }
        follow->state = FOLLOW_WATCHING;
        follow->store->driver->timer_set(follow->timer, (int64_t)PROBE_EVERY);
    }
    if (json_count(events) > 0) {
        follow->events = json_object_get(events);
        follow->next_event = 0;
        follow->events_end = follow->resume;
    }
    if (header.revision > follow->highest) {
        follow->highest = header.revision;
    }
}

/* Whether the stream is still the one that is being read. */
static bool
is_streaming(const struct follow *follow)
{
    return follow->watcher && (follow->state == FOLLOW_OPENING || follow->state == FOLLOW_WATCHING);
}

static void
take_line(struct follow *follow, const char *line, size_t len)
{
    struct json_object *object = answer_parse(line, len);
    struct json_object *result = JSON_AT(object, "result");

    if (!object) {
        follow_lose(follow, "etcd's watch sends what is not JSON");
    } else if (!result) {
        take_error(follow, object);
    } else {
        take_result(follow, result);
    }
    json_object_put(object);
}

void
stream_go_on(struct follow *follow)
{
    unsigned left = TOLD_A_TURN;
    const char *line;
    size_t len;

    while (left > 0 && is_streaming(follow)) {
        if (follow->events) {
            take_events(follow, &left);
        } else if ((line = lines_next(&follow->lines, &len)) && len <= LINE_MAX) {
            take_line(follow, line, len);
            left--;
        } else if (line || lines_waiting(&follow->lines) > LINE_MAX) {
            follow_list_anew(follow); /* page by page it can be read */
        } else {
            return; /* no whole line is left */
        }
    }
    if (is_streaming(follow)) {
        follow_go_on(follow);
    }
}

/* --- the stream --------------------------------------------------------------------------- */

static void
on_data(void *arg, const void *data, size_t len)
{
    struct follow *follow = arg;

    follow->busy++;
    if (!lines_add(&follow->lines, data, len, WAITING_MAX)) {
        follow_list_anew(follow);
    } else if (!follow->goes_on) {
        stream_go_on(follow);
    }
    follow_leave(follow);
}

static void
on_done(void *arg, struct hf_host_exchange *exchange, const struct hf_host_http_answer *answer)
{
    struct follow *follow = arg;
    char message[2 * MESSAGE_SIZE];
    const char *line;
    size_t len;

    (void)exchange;
    follow->busy++;
    follow->exchange = NULL;
    /* What waits to be reported comes once more, from where the next stream goes on. */
    if (!follow->goes_on && (line = lines_rest(&follow->lines, &len))) {
        take_line(follow, line, len);
    }
    if (is_streaming(follow)) {
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
    json_object_put(follow->events);
    follow->events = NULL;
}

/* --- a quiet stream ----------------------------------------------------------------------- */

static void
on_probe(void *arg, int code, const char *message, struct json_object *answer)
{
    struct follow *follow = arg;
    struct header header = answer_header(answer);

    follow->call = NULL;
    if (code < 0) {
        follow_lose(follow, message);
    } else if (follow_accepts(follow, &header)) {
        follow->failures = 0;
        follow->store->driver->timer_set(follow->timer, (int64_t)PROBE_EVERY);
    }
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
