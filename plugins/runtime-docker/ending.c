/*
 * ending.c - why an instance ended, before its container is removed.
 *
 * The engine's event says that it did; looking at the container says how, and the last line of
 * its log says more to the one who has to mend it.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "instance.h"
#include "session.h"
#include "streams.h"

#define LOOK_NS (5 * SECOND_NS)

/* The end of a log. */
struct log_end {
    struct demux demux;
    char text[512];
    size_t len;
};

/* --- in words ------------------------------------------------------------------------------- */

/* Keeps the end of what comes. */
static void
keep(void *arg, const void *data, size_t len)
{
    struct log_end *end = arg;
    size_t room = sizeof end->text - 1;
    size_t stay;

    if (len > room) {
        data = (const char *)data + (len - room);
        len = room;
    }
    stay = end->len < room - len ? end->len : room - len;
    memmove(end->text, end->text + end->len - stay, stay);
    memcpy(end->text + stay, data, len);
    end->len = stay + len;
    end->text[end->len] = '\0';
}

/* The last line that is not empty; "" if there is none. */
static const char *
last_line(struct log_end *end)
{
    char *newline;

    while (end->len > 0 && end->text[end->len - 1] <= ' ') {
        end->text[--end->len] = '\0';
    }
    newline = strrchr(end->text, '\n');
    return newline ? newline + 1 : end->text;
}

static int32_t
signal_of(int32_t exit_code)
{
    return exit_code > 128 && exit_code < 128 + SIGRTMAX ? exit_code - 128 : 0;
}

static void
describe(const struct instance *instance, char *text, size_t size)
{
    const struct inspected *found = &instance->found;
    int32_t number = signal_of(found->exit_code);
    const char *name = number ? sigabbrev_np(number) : NULL;

    if (found->paused) {
        snprintf(text, size, "%s was paused by somebody", instance->name);
    } else if (found->reason[0]) {
        snprintf(text, size, "%s did not run: %s", instance->name, found->reason);
    } else if (found->out_of_memory) {
        snprintf(text, size, "%s was killed for using more memory than its limit", instance->name);
    } else if (number) {
        snprintf(text, size, "%s was killed by signal %d (SIG%s)", instance->name, (int)number,
                 name ? name : "?");
    } else {
        snprintf(text, size, "%s exited with code %d", instance->name, (int)found->exit_code);
    }
}

/* Tells whoever has to know, and removes what is left. */
static void
tell(struct instance *instance, const char *message)
{
    struct hf_runtime *runtime = instance->runtime;
    int32_t number = signal_of(instance->found.exit_code);
    const struct hf_instance_end end = {
        .size = sizeof end,
        .exit_code = number ? -1 : instance->found.exit_code,
        .signal = number,
        .out_of_memory = instance->found.out_of_memory,
        .message = message,
    };

    if (instance->done) {
        start_fail(instance, HF_EUNAVAILABLE, message);
    } else if (instance->since > 0 && !instance->stops) {
        runtime->events->on_end(runtime->events_arg, instance->id, &end);
    }
    instance_remove(instance);
}

/* --- the last line of the log --------------------------------------------------------------- */

static void
on_piece(void *arg, const void *data, size_t len)
{
    struct instance *instance = arg;

    demux_add(&instance->log_end->demux, data, len, keep, instance->log_end);
}

static void
on_words(void *arg, const struct engine_reply *reply)
{
    struct instance *instance = arg;
    char how[400], message[900];
    const char *line = last_line(instance->log_end);

    (void)reply; /* without a log the message is shorter */
    instance->call = NULL;
    describe(instance, how, sizeof how);
    snprintf(message, sizeof message, "%s%s%.400s", how, *line ? "; its last line: " : "", line);
    tell(instance, message);
}

void
instance_explain(struct instance *instance)
{
    struct engine_request request = {
        .method = "GET",
        .timeout_ns = LOOK_NS,
        .done = on_words,
        .on_data = on_piece,
        .arg = instance,
    };
    char path[160], how[400];

    instance->state = INSTANCE_ENDED;
    instance->log_end = calloc(1, sizeof *instance->log_end);
    snprintf(path, sizeof path, "/containers/%s/logs?stdout=1&stderr=1&tail=10",
             instance->container);
    request.path = path;
    if (!instance->log_end ||
        engine_begin(instance->runtime->engine, &request, &instance->call, NULL) < 0) {
        describe(instance, how, sizeof how);
        tell(instance, how);
    }
}

/* --- looking at it -------------------------------------------------------------------------- */

static void
on_looked(void *arg, const struct engine_reply *reply)
{
    struct instance *instance = arg;
    struct hf_runtime *runtime = instance->runtime;
    char message[640];

    instance->call = NULL;
    if (reply->code == 0) {
        answer_inspect(reply->json, &runtime->where, &instance->found);
        if (!instance->found.running) {
            instance_explain(instance);
        } else if (instance->stops) {
            instance_remove(instance);
        } else { /* paused and continued, say */
            instance->state = INSTANCE_RUNNING;
            instance->since = ++runtime->moment;
        }
        return;
    }
    if (reply->lost) {
        session_doubt(runtime->session);
    }
    instance->found = (struct inspected){ .exit_code = -1 }; /* nobody knows */
    snprintf(message, sizeof message, "%s has gone: %s", instance->name,
             reply->code == HF_ENOTFOUND ? "somebody removed its container" : reply->message);
    tell(instance, message);
}

void
instance_ended(struct instance *instance)
{
    instance->ended = true;
    if (instance->state == INSTANCE_RUNNING) {
        instance->state = INSTANCE_ENDED;
        instance_ask(instance, "GET", "/json", LOOK_NS, on_looked);
    }
}
