/*
 * logs.c - `hyperfaas logs`: what instances write, from the workers they run on.
 *
 * Each worker is asked what runs on it.  The logs of the instances that fit are read at the same
 * time; when following, those of instances that start later too.
 */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/list.h"
#include "base/macros.h"
#include "base/parse.h"
#include "cli.h"
#include "grpc/client.h"
#include "log_lines.h"
#include "loop/loop.h"
#include "loop/signals.h"
#include "workers.h"

/* Most logs that are read at once. */
#define SOURCES_MAX 4096

static const struct cli_flag logs_flags[] = {
    { "follow", 'f', NULL, "Goes on until the instances end, or until Ctrl-C for a function." },
    { "tail", 'n', "N", "Begins with the last N lines (default: with all that is kept)." },
    { 0 },
};

struct logs;

/* A worker that is asked. */
struct worker {
    struct logs *logs;
    const char *address;
    struct hf_grpc_client *client;
    struct hf_grpc_client_call *watch; /* NULL: it has ended */
    bool synced;                       /* it has told what there is, or will not */
};

/* The log of an instance. */
struct source {
    struct hf_list node;
    struct logs *logs;
    struct worker *worker;
    struct cli_log_lines lines;
    bool asked; /* not known to run: asked for by its name */
    bool done;
    char id[];
};

struct logs {
    struct cli *cli;
    const char *word; /* the function or the instance */
    bool follow;
    uint32_t tail;
    struct hf_loop *loop;
    struct worker *workers;
    size_t worker_count;
    struct hf_list sources;
    size_t source_count;
    bool is_function; /* so the word was found to be */
    bool reading;     /* all workers have been heard: new sources are read at once */
    bool interrupted;
    bool complete;
    bool ending; /* what ends now is ended by us */
    struct cli_log_output output;
};

/* --- one log ---------------------------------------------------------------------------- */

static void
complain(struct logs *logs, const char *worker, struct hf_err *err)
{
    hf_err_wrap(err, hf_err_code(err), "worker '%s'", worker);
    cli_complain(logs->cli, err);
    logs->complete = false;
}

static void
on_chunk(void *arg, const void *message)
{
    struct source *source = arg;
    const Hyperfaas__V1__LogChunk *chunk = message;

    cli_log_lines_add(&source->lines, chunk->data.data, chunk->data.len);
}

static void
on_log_end(void *arg, const struct hf_grpc_result *result)
{
    struct source *source = arg;
    struct hf_err err = HF_ERR_INIT;

    if (source->logs->ending) {
        return;
    }
    source->done = true;
    cli_log_lines_end(&source->lines);
    if (result->code == HF_GRPC_NOT_FOUND && source->asked) {
        source->lines.missing = true;
    } else if (hf_grpc_result_error(result, source->id, &err) < 0) {
        complain(source->logs, source->worker->address, &err);
    }
}

static void
read_log(struct source *source)
{
    struct logs *logs = source->logs;
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

static void
add_source(struct worker *worker, const char *id, const char *function, bool asked)
{
    struct logs *logs = worker->logs;
    size_t len = strlen(id);
    struct source *source =
        logs->source_count < SOURCES_MAX ? calloc(1, sizeof *source + len + 1) : NULL;

    if (!source) {
        logs->complete = false;
        return;
    }
    memcpy(source->id, id, len);
    source->logs = logs;
    source->worker = worker;
    source->asked = asked;
    cli_log_lines_init(&source->lines, &logs->output, source->id, function);
    hf_list_append(&logs->sources, &source->node);
    logs->source_count++;
    if (logs->reading) {
        read_log(source);
    }
}

static bool
has_source(const struct worker *worker, const char *id)
{
    struct source *source;

    HF_LIST_FOR (source, &worker->logs->sources, node) {
        if (source->worker == worker && strcmp(source->id, id) == 0) {
            return true;
        }
    }
    return false;
}

/* --- workers ---------------------------------------------------------------------------- */

static void
on_instance(struct worker *worker, const Hyperfaas__V1__Instance *instance)
{
    struct logs *logs = worker->logs;
    bool of_function = strcmp(instance->function_id, logs->word) == 0;

    if ((of_function || strcmp(instance->instance_id, logs->word) == 0) &&
        !has_source(worker, instance->instance_id)) {
        logs->is_function |= of_function;
        add_source(worker, instance->instance_id, instance->function_id, false);
    }
}

static void
on_event(void *arg, const void *message)
{
    struct worker *worker = arg;
    const Hyperfaas__V1__WatchEvent *event = message;

    if (event->event_case == HYPERFAAS__V1__WATCH_EVENT__EVENT_INSTANCE) {
        on_instance(worker, event->instance);
    } else if (event->event_case == HYPERFAAS__V1__WATCH_EVENT__EVENT_SNAPSHOT_END) {
        worker->synced = true;
    }
}

static void
on_watch_end(void *arg, const struct hf_grpc_result *result)
{
    struct worker *worker = arg;
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

static void
watch_worker(struct worker *worker, struct hf_err *err)
{
    Hyperfaas__V1__WatchRequest question = HYPERFAAS__V1__WATCH_REQUEST__INIT;
    const struct hf_grpc_request request = {
        .path = "/hyperfaas.v1.Node/Watch",
        .message = &question.base,
        .response = &hyperfaas__v1__watch_event__descriptor,
        .timeout_ns = worker->logs->follow ? 0 : worker->logs->cli->timeout_ns,
    };
    int r = hf_grpc_client_new(worker->logs->loop, worker->address, NULL, &worker->client, err);

    question.node_id = (char *)(uintptr_t) "hyperfaas logs"; /* only read */
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

/* --- waiting ---------------------------------------------------------------------------- */

static void
on_signal(void *arg, int signal)
{
    struct logs *logs = arg;

    (void)signal;
    logs->interrupted = true;
}

static bool
are_all_heard(void *arg)
{
    const struct logs *logs = arg;

    for (size_t i = 0; i < logs->worker_count; i++) {
        if (!logs->workers[i].synced && !logs->interrupted) {
            return false;
        }
    }
    return true;
}

/* Nothing more can come, or is wanted. */
static bool
is_over(void *arg)
{
    const struct logs *logs = arg;
    const struct source *source;

    if (logs->interrupted || logs->output.failed) {
        return true;
    }
    HF_LIST_FOR (source, &logs->sources, node) {
        if (!source->done) {
            return false;
        }
    }
    for (size_t i = 0; logs->follow && logs->is_function && i < logs->worker_count; i++) {
        if (logs->workers[i].watch) {
            return false; /* the function may start again */
        }
    }
    return true;
}

/* An instance that no worker knows as running may have left its log. */
static void
ask_by_name(struct logs *logs)
{
    for (size_t i = 0; i < logs->worker_count; i++) {
        if (logs->workers[i].watch) {
            add_source(&logs->workers[i], logs->word, "", true);
        }
    }
}

static bool
was_found(const struct logs *logs)
{
    const struct source *source;

    HF_LIST_FOR (source, &logs->sources, node) {
        if (!source->lines.missing) {
            return true;
        }
    }
    return false;
}

/* Reads all there is; an exit code. */
static int
read_logs(struct logs *logs, struct hf_err *err)
{
    struct source *source;

    if (!hf_loop_run_until(logs->loop, are_all_heard, logs, logs->cli->timeout_ns)) {
        hf_fail(err, HF_ETIMEOUT, "the workers did not answer in time");
        return CLI_FAILED;
    }
    if (logs->source_count == 0) {
        ask_by_name(logs);
    }
    logs->output.prefixed = logs->source_count > 1 || (logs->follow && logs->is_function);
    logs->reading = true;
    HF_LIST_FOR (source, &logs->sources, node) {
        read_log(source);
    }
    if (!hf_loop_run_until(logs->loop, is_over, logs,
                           logs->follow ? CLI_FOR_EVER : logs->cli->timeout_ns + HF_SEC)) {
        hf_fail(err, HF_ETIMEOUT, "the logs did not come to their end in time");
        return CLI_FAILED;
    }
    if (!was_found(logs) && !logs->interrupted) {
        hf_fail(err, HF_ENOTFOUND,
                "'%s' is neither a function that has an instance now, nor an instance whose log is "
                "kept: 'hyperfaas instances' shows those that run",
                logs->word);
        return CLI_FAILED;
    }
    return logs->complete && !logs->output.failed ? CLI_OK : CLI_FAILED;
}

/* --- the command ------------------------------------------------------------------------ */

static void
free_logs(struct logs *logs)
{
    struct source *source;
    struct source *next;

    logs->ending = true;
    for (size_t i = 0; i < logs->worker_count; i++) {
        hf_grpc_client_free(logs->workers[i].client);
    }
    HF_LIST_FOR_SAFE (source, next, &logs->sources, node) {
        cli_log_lines_fini(&source->lines);
        free(source);
    }
    free(logs->workers);
    hf_loop_free(logs->loop);
}

static int
run(struct logs *logs, struct hf_err *err)
{
    struct hf_signals *signals = NULL;
    struct cli_workers workers = { .count = 0 };
    int exit_code = CLI_FAILED;

    if (cli_workers_find(logs->cli, &workers, err) == 0 &&
        hf_loop_new("logs", &logs->loop, err) == 0 &&
        hf_signals_new(logs->loop, on_signal, logs, &signals, err) == 0) {
        logs->workers = calloc(workers.count + 1, sizeof *logs->workers);
        logs->worker_count = logs->workers ? workers.count : 0;
        for (size_t i = 0; i < logs->worker_count; i++) {
            logs->workers[i].logs = logs;
            logs->workers[i].address = workers.address[i];
            watch_worker(&logs->workers[i], err);
        }
        exit_code = read_logs(logs, err);
    }
    hf_signals_free(signals);
    free_logs(logs);
    cli_workers_fini(&workers);
    return exit_code;
}

static int
logs(struct cli *cli, struct hf_err *err)
{
    const char *tail = cli_flag(cli, "tail");
    struct logs logs = {
        .cli = cli,
        .word = cli->argv[0],
        .follow = cli_flag(cli, "follow"),
        .complete = true,
        .output = { .json = cli->json, .err = err },
    };
    uint64_t lines = 0;
    int r = tail ? hf_parse_u64_range(tail, 1, UINT32_MAX, &lines, err) : 0;

    if (r < 0) {
        hf_err_wrap(err, r, "--tail");
        return CLI_USAGE;
    }
    logs.tail = (uint32_t)lines;
    hf_list_init(&logs.sources);
    return run(&logs, err);
}

const struct cli_command cli_logs_commands[] = {
    { "logs", "FUNCTION|INSTANCE",
      "Shows what instances have written. The lines of several instances begin with the id of "
      "theirs.",
      logs_flags, 1, 1, logs, "hyperfaas logs echo --follow" },
    { 0 },
};
