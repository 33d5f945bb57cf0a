/*
 * log_sources.c - the logs that `hyperfaas logs` reads, and the workers that have them.
 */
#include "log_sources.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "cli.h"
#include "grpc/client.h"
#include "instance_text.h"
#include "secret.h"
#include "table.h"
#include "workers.h"

/* Most logs that are read at once. */
#define SOURCES_MAX 4096

/* Of an instance's id; a container's name for itself, and the engine's, begin with it. */
#define ID_LEN_MIN 12

/* --- one log ---------------------------------------------------------------------------- */

static void
complain(struct cli_logs *logs, const char *worker, struct hf_err *err)
{
    hf_err_wrap(err, hf_err_code(err), "worker '%s'", worker);
    cli_complain(logs->cli, err);
    logs->complete = false;
}

static void
on_chunk(void *arg, const void *message)
{
    struct cli_log_source *source = arg;
    const Hyperfaas__V1__LogChunk *chunk = message;

    cli_log_lines_add(&source->lines, chunk->data.data, chunk->data.len);
}

static void
on_log_end(void *arg, const struct hf_grpc_result *result)
{
    struct cli_log_source *source = arg;
    struct hf_err err = HF_ERR_INIT;

    if (source->logs->ending) {
        return;
    }
    source->done = true;
    cli_log_lines_end(&source->lines);
    if (result->code == HF_GRPC_NOT_FOUND && source->maybe) {
        source->lines.missing = true;
    } else if (hf_grpc_result_error(result, source->id, &err) < 0) {
        complain(source->logs, source->worker->address, &err);
    }
}

void
cli_log_source_read(struct cli_log_source *source)
{
    struct cli_logs *logs = source->logs;
    Hyperfaas__V1__LogsRequest question = HYPERFAAS__V1__LOGS_REQUEST__INIT;
    const struct hf_grpc_request request = {
        .path = "/hyperfaas.v1.Node/Logs",
        .message = &question.base,
        .response = &hyperfaas__v1__log_chunk__descriptor,
        .timeout_ns = logs->follow ? 0 : logs->cli->timeout_ns,
    };

    question.instance_id = source->id;
    question.tail_lines = logs->tail;
    question.follow = logs->follow;
    source->done = hf_grpc_client_stream(source->worker->client, &request, on_chunk, on_log_end,
                                         source, NULL) < 0;
    logs->complete &= !source->done;
}

struct cli_log_source *
cli_log_source_add(struct cli_log_worker *worker, const char *id, const char *function)
{
    struct cli_logs *logs = worker->logs;
    size_t len = strlen(id);
    struct cli_log_source *source =
        logs->source_count < SOURCES_MAX ? calloc(1, sizeof *source + len + 1) : NULL;

    if (!source) {
        logs->complete = false;
        return NULL;
    }
    memcpy(source->id, id, len);
    source->logs = logs;
    source->worker = worker;
    cli_log_lines_init(&source->lines, &logs->output, source->id, function);
    hf_list_append(&logs->sources, &source->node);
    logs->source_count++;
    return source;
}

static bool
has_source(const struct cli_log_worker *worker, const char *id)
{
    struct cli_log_source *source;

    HF_LIST_FOR (source, &worker->logs->sources, node) {
        if (source->worker == worker && strcmp(source->id, id) == 0) {
            return true;
        }
    }
    return false;
}

/* --- workers ---------------------------------------------------------------------------- */

/* By its id, also one that is longer than ours, or by the name that the runtime gave it. */
static bool
is_named(const Hyperfaas__V1__Instance *instance, const char *word)
{
    size_t len = strlen(instance->instance_id);

    return strcmp(instance->instance_id, word) == 0 ||
           (len >= ID_LEN_MIN && strncmp(instance->instance_id, word, len) == 0) ||
           (*instance->name && strcmp(instance->name, word) == 0);
}

/* There is such an instance; or was, and `end` says how it ended. */
static void
on_instance(struct cli_log_worker *worker, const Hyperfaas__V1__Instance *instance,
            const Hyperfaas__V1__InstanceEnded *end)
{
    struct cli_logs *logs = worker->logs;
    bool of_function = strcmp(instance->function_id, logs->word) == 0;
    struct cli_log_source *source;

    if (!*instance->instance_id || (!of_function && !is_named(instance, logs->word)) ||
        has_source(worker, instance->instance_id)) {
        return;
    }
    source = cli_log_source_add(worker, instance->instance_id, instance->function_id);
    if (!source) {
        return;
    }
    logs->is_function |= of_function;
    source->of_function = of_function;
    source->maybe = end != NULL;
    source->ended_ns = end ? cli_timestamp_ns(end->ended) : 0;
    if (logs->reading) {
        cli_log_source_read(source);
    }
}

/* Whoever follows sees in between how an instance ended. */
static void
report_end(const struct cli_logs *logs, const Hyperfaas__V1__InstanceEnded *end)
{
    hf_autotext struct hf_text out;

    hf_text_init(&out);
    if (logs->output.json || strcmp(end->instance->function_id, logs->word) != 0) {
        return;
    }
    cli_add_shown(end->instance->instance_id, &out);
    hf_text_add(&out, " ended: ");
    cli_add_end(end, &out);
    fprintf(stderr, "hyperfaas: %s\n", hf_text_str(&out));
}

static void
on_event(void *arg, const void *message)
{
    struct cli_log_worker *worker = arg;
    const Hyperfaas__V1__WatchEvent *event = message;

    if (event->event_case == HYPERFAAS__V1__WATCH_EVENT__EVENT_INSTANCE) {
        on_instance(worker, event->instance, NULL);
    } else if (event->event_case == HYPERFAAS__V1__WATCH_EVENT__EVENT_INSTANCE_ENDED &&
               event->instance_ended->instance) {
        if (worker->logs->reading) {
            report_end(worker->logs, event->instance_ended);
        } else {
            on_instance(worker, event->instance_ended->instance, event->instance_ended);
        }
    } else if (event->event_case == HYPERFAAS__V1__WATCH_EVENT__EVENT_SNAPSHOT_END) {
        worker->synced = true;
    }
}

static void
on_watch_end(void *arg, const struct hf_grpc_result *result)
{
    struct cli_log_worker *worker = arg;
    struct hf_err err = HF_ERR_INIT;

    if (worker->logs->ending) {
        return;
    }
    worker->watch = NULL;
    worker->synced = true;
    if (result->code == HF_GRPC_UNIMPLEMENTED) {
        hf_fail(&err, HF_EUNSUPPORTED, "it is of another implementation, which gives no logs");
    } else if (hf_grpc_result_error(result, "listing instances", &err) == 0) {
        return;
    }
    complain(worker->logs, worker->address, &err);
}

void
cli_log_worker_watch(struct cli_log_worker *worker, struct hf_err *err)
{
    Hyperfaas__V1__WatchRequest question = HYPERFAAS__V1__WATCH_REQUEST__INIT;
    const struct hf_grpc_request request = {
        .path = "/hyperfaas.v1.Node/Watch",
        .message = &question.base,
        .response = &hyperfaas__v1__watch_event__descriptor,
        .timeout_ns = worker->logs->follow ? 0 : worker->logs->cli->timeout_ns,
    };
    int r = cli_manager_new(worker->logs->cli, worker->logs->loop, worker->address, &worker->client,
                            err);

    question.node_id = (char *)(uintptr_t) "hyperfaas logs"; /* only read */
    question.all = true;
    if (r == 0) {
        r = hf_grpc_client_stream(worker->client, &request, on_event, on_watch_end, worker,
                                  &worker->watch);
        r = r < 0 ? hf_fail(err, r, "no memory to ask it") : 0;
    }
    if (r < 0) {
        worker->synced = true;
        complain(worker->logs, worker->address, err);
        hf_err_clear(err);
    }
}
