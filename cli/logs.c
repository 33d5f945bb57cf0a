/*
 * logs.c - `hyperfaas logs`: what instances write, from the workers they run on.
 *
 * Each worker is asked what there is on it, and what it remembers of instances that ended.  The
 * logs of those that fit are read at the same time; when following, those of instances that start
 * later too.  Of a function that has no instance now the last one's is read.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/list.h"
#include "base/macros.h"
#include "grpc/client.h"
#include "loop/loop.h"
#include "loop/signals.h"
#include "output.h"
#include "store.h"
#include "workers.h"

/* Of an instance's id; a container's name for itself, and the engine's, begin with it. */
#define ID_LEN_MIN 12

/* Most logs that are read at once. */
#define SOURCES_MAX 4096

/* A line that is longer is shown in several. */
#define LINE_BYTES_MAX ((size_t)64 << 10)

/* Where all lines go. */
struct output {
    bool json;     /* an object for each line */
    bool prefixed; /* lines begin with the instance's id */
    bool failed;   /* nobody reads them */
    struct hf_err *err;
};

struct logs {
    struct cli *cli;
    const char *word; /* the function or the instance */
    bool all;
    uint32_t tail;
    struct cli_workers workers;
    struct hf_list sources;
    size_t source_count;
    bool is_function; /* so the word was found to be */
    bool reading;     /* all workers have been heard: new sources are read at once */
    struct output output;
};

/* The log of an instance. */
struct source {
    struct hf_list node;
    struct logs *logs;
    struct cli_worker *worker;
    char *function;
    struct hf_text line; /* that has not ended */
    uint64_t ended_ns;   /* wall clock; 0: it runs */
    bool of_function;    /* found by the function's id, not by its own */
    bool maybe;          /* its log may not be there any more */
    bool missing;        /* there is no such log */
    bool done;
    char id[];
};

static const struct cli_flag logs_flags[] = {
    { "all", 'a', NULL, "Also of the function's instances that ended and are remembered." },
    { "follow", 'f', NULL,
      "Goes on until the instance ends; for a function until Ctrl-C, also while it has no "
      "instance." },
    { "tail", 'n', "N", "Begins with the last N lines (default: with all that is kept)." },
    { 0 },
};

/* --- lines ------------------------------------------------------------------------------ */

/* Writes the line that is there, and begins the next. */
static void
write_line(struct source *source)
{
    struct output *output = &source->logs->output;
    const char *line = hf_text_str(&source->line);
    hf_autotext struct hf_text text; /* the line in JSON */
    hf_autotext struct hf_text out;
    struct hf_json json;

    hf_text_init(&text);
    hf_text_init(&out);
    if (output->json) {
        hf_text_add_json(&text, line, source->line.len);
        hf_json_init(&json, &out);
        hf_json_object(&json, NULL);
        hf_json_str(&json, "instance", source->id);
        hf_json_str(&json, "function", source->function);
        hf_json_value(&json, "line", hf_text_str(&text), text.len);
        hf_json_end(&json);
    } else {
        hf_text_printf(&out, "%s | ", source->id);
        hf_text_add_mem(&out, line, source->line.len);
    }
    hf_text_add_char(&out, '\n');
    output->failed |= cli_print_foreign(hf_text_str(&out), out.len, output->err) != CLI_OK;
    hf_text_clear(&source->line);
}

/* Writes what is whole: bytes as they are, unless lines have to be told apart. */
static void
add_lines(struct source *source, const void *data, size_t len)
{
    const char *at = data;
    const char *end = at + len;

    if (!source->logs->output.json && !source->logs->output.prefixed) {
        source->logs->output.failed |=
            cli_print_foreign(data, len, source->logs->output.err) != CLI_OK;
        return;
    }
    while (at < end && !source->logs->output.failed) {
        size_t room = hf_min((size_t)(end - at), LINE_BYTES_MAX - source->line.len);
        const char *newline = memchr(at, '\n', room);

        hf_text_add_mem(&source->line, at, newline ? (size_t)(newline - at) : room);
        at += newline ? (size_t)(newline - at) + 1 : room;
        if (newline || source->line.len == LINE_BYTES_MAX) {
            write_line(source);
        }
    }
}

/* Writes the last line, if it has no end. */
static void
end_lines(struct source *source)
{
    if (source->line.len > 0) {
        write_line(source);
    }
}

/* --- reading ---------------------------------------------------------------------------- */

static void
on_chunk(void *arg, const void *message)
{
    const Hyperfaas__V1__LogChunk *chunk = message;

    add_lines(arg, chunk->data.data, chunk->data.len);
}

static void
on_log_end(void *arg, const struct hf_grpc_result *result)
{
    struct source *source = arg;
    struct hf_err err = HF_ERR_INIT;

    if (source->worker->all->ending) {
        return;
    }
    source->done = true;
    end_lines(source);
    if (result->code == HF_GRPC_NOT_FOUND && source->maybe) {
        source->missing = true;
    } else if (hf_grpc_result_error(result, source->id, &err) < 0) {
        cli_worker_complain(source->worker, &err);
    }
}

/* Begins to read it. */
static void
read_source(struct source *source)
{
    struct logs *logs = source->logs;
    Hyperfaas__V1__LogsRequest question = HYPERFAAS__V1__LOGS_REQUEST__INIT;
    const struct hf_grpc_request request = {
        .path = "/hyperfaas.v1.Node/Logs",
        .message = &question.base,
        .response = &hyperfaas__v1__log_chunk__descriptor,
        .timeout_ns = logs->workers.follow ? 0 : logs->cli->timeout_ns,
    };

    question.instance_id = source->id;
    question.tail_lines = logs->tail;
    question.follow = logs->workers.follow;
    source->done = hf_grpc_client_stream(source->worker->client, &request, on_chunk, on_log_end,
                                         source, NULL) < 0;
    logs->workers.complete &= !source->done;
}

static bool
has_source(const struct logs *logs, const struct cli_worker *worker, const char *id)
{
    struct source *source;

    HF_LIST_FOR (source, &logs->sources, node) {
        if (source->worker == worker && strcmp(source->id, id) == 0) {
            return true;
        }
    }
    return false;
}

/* Adds an instance's log.  NULL: it is there, or there are too many. */
static struct source *
add_source(struct logs *logs, struct cli_worker *worker, const char *id, const char *function)
{
    size_t len = strlen(id);
    struct source *source;

    if (has_source(logs, worker, id)) {
        return NULL;
    }
    source = logs->source_count < SOURCES_MAX ? calloc(1, sizeof *source + len + 1) : NULL;
    if (!source) {
        logs->workers.complete = false;
        return NULL;
    }
    memcpy(source->id, id, len);
    source->logs = logs;
    source->worker = worker;
    source->function = strdup(function);
    hf_text_init(&source->line);
    hf_list_append(&logs->sources, &source->node);
    logs->source_count++;
    return source;
}

static void
source_free(struct source *source)
{
    hf_list_remove(&source->node);
    hf_text_fini(&source->line);
    free(source->function);
    free(source);
}

/* --- waiting ---------------------------------------------------------------------------- */

static void
on_signal(void *arg, int signal)
{
    (void)signal;
    ((struct logs *)arg)->workers.interrupted = true;
}

/* Nothing more can come, or is wanted. */
static bool
is_over(void *arg)
{
    const struct logs *logs = arg;
    const struct source *source;

    if (logs->workers.interrupted || logs->output.failed) {
        return true;
    }
    HF_LIST_FOR (source, &logs->sources, node) {
        if (!source->done) {
            return false;
        }
    }
    for (size_t i = 0; logs->workers.follow && logs->is_function && i < logs->workers.count; i++) {
        if (logs->workers.items[i].watch) {
            return false; /* the function may start again */
        }
    }
    return true;
}

/* --- which logs -------------------------------------------------------------------------- */

/* By its id, also one that is longer than ours, or by the name that the runtime gave it. */
static bool
is_named(const Hyperfaas__V1__Instance *instance, const char *word)
{
    size_t len = strlen(instance->instance_id);

    return strcmp(instance->instance_id, word) == 0 ||
           (len >= ID_LEN_MIN && strncmp(instance->instance_id, word, len) == 0) ||
           (*instance->name && strcmp(instance->name, word) == 0);
}

/* Whoever follows sees in between how an instance ended. */
static void
report_end(const struct logs *logs, const Hyperfaas__V1__InstanceEnded *end)
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

/* There is such an instance; or was, and `end` says how it ended. */
static void
on_instance(void *arg, struct cli_worker *worker, const Hyperfaas__V1__Instance *instance,
            const Hyperfaas__V1__InstanceEnded *end)
{
    struct logs *logs = arg;
    bool of_function = strcmp(instance->function_id, logs->word) == 0;
    struct source *source;

    if (end && logs->reading) {
        report_end(logs, end);
        return;
    }
    source = *instance->instance_id && (of_function || is_named(instance, logs->word))
                 ? add_source(logs, worker, instance->instance_id, instance->function_id)
                 : NULL;
    if (!source) {
        return;
    }
    logs->is_function |= of_function;
    source->of_function = of_function;
    source->maybe = end != NULL;
    source->ended_ns = end ? cli_timestamp_ns(end->ended) : 0;
    if (logs->reading) {
        read_source(source);
    }
}

/* The one that ended last; NULL if one runs, or none is known. */
static struct source *
last_ended(const struct logs *logs)
{
    struct source *source;
    struct source *last = NULL;

    HF_LIST_FOR (source, &logs->sources, node) {
        if (source->ended_ns == 0 || !source->of_function) {
            return NULL;
        }
        if (!last || source->ended_ns > last->ended_ns) {
            last = source;
        }
    }
    return last;
}

/* Leaves out what ended, unless it was asked for or nothing else is there. */
static void
choose(struct logs *logs)
{
    struct source *last = last_ended(logs);
    struct source *source;
    char age[CLI_AGE_MAX];

    if (logs->all || (logs->workers.follow && last)) {
        last = NULL;
    } else if (last && !logs->output.json) {
        fprintf(stderr,
                "hyperfaas: '%s' has no instance now; this is the log of %s, which ended %s ago "
                "(see 'hyperfaas instances %s --all')\n",
                logs->word, last->id, cli_age(last->ended_ns, age), logs->word);
    }
    HF_LIST_FOR (source, &logs->sources, node) {
        if (source->ended_ns > 0 && source->of_function && !logs->all && source != last) {
            source->done = true;
            source->missing = true;
            logs->source_count--;
        }
    }
}

/* A worker that was restarted may still have the log of an instance that it does not remember. */
static void
ask_by_name(struct logs *logs)
{
    for (size_t i = 0; i < logs->workers.count; i++) {
        struct source *source = logs->workers.items[i].watch
                                    ? add_source(logs, &logs->workers.items[i], logs->word, "")
                                    : NULL;

        if (source) {
            source->maybe = true;
        }
    }
}

/* One that has no instance, and of which no worker remembers any. */
static bool
is_registered(struct logs *logs)
{
    hf_auto(cli_store_close) struct cli_store *store = NULL;
    struct cli_document document = { .data = NULL };
    bool found = cli_store_open(logs->cli, &store, NULL) == 0 &&
                 cli_store_get(store, logs->word, &document, NULL) == 0;

    free(document.data);
    return found;
}

static bool
was_found(const struct logs *logs)
{
    const struct source *source;

    HF_LIST_FOR (source, &logs->sources, node) {
        if (!source->missing) {
            return true;
        }
    }
    return false;
}

static int
fail_without_log(const struct logs *logs, struct hf_err *err)
{
    if (logs->is_function) {
        hf_fail(err, HF_ENOTFOUND,
                "function '%s' has no instance now, and no log of an earlier one is kept: --follow "
                "waits for the next",
                logs->word);
    } else {
        hf_fail(
            err, HF_ENOTFOUND,
            "'%s' is neither a function, nor an instance whose log is kept: 'hyperfaas instances "
            "--all' shows those that run and those that ended lately",
            logs->word);
    }
    return CLI_FAILED;
}

/* Reads all there is; an exit code. */
static int
read_logs(struct logs *logs, struct hf_err *err)
{
    struct source *source;

    if (cli_workers_watch(logs->cli, &logs->workers, err) < 0) {
        return CLI_FAILED;
    }
    if (logs->source_count == 0) {
        logs->is_function = is_registered(logs);
        ask_by_name(logs);
    }
    choose(logs);
    logs->output.prefixed = logs->source_count > 1 || (logs->workers.follow && logs->is_function);
    logs->reading = true;
    HF_LIST_FOR (source, &logs->sources, node) {
        if (!source->done) {
            read_source(source);
        }
    }
    if (!hf_loop_run_until(logs->workers.loop, is_over, logs,
                           logs->workers.follow ? CLI_FOR_EVER : logs->cli->timeout_ns + HF_SEC)) {
        hf_fail(err, HF_ETIMEOUT, "the logs did not come to their end in time");
        return CLI_FAILED;
    }
    if (!was_found(logs) && !logs->workers.interrupted) {
        return fail_without_log(logs, err);
    }
    return logs->workers.complete && !logs->output.failed ? CLI_OK : CLI_FAILED;
}

/* --- the command ------------------------------------------------------------------------ */

static int
logs(struct cli *cli, struct hf_err *err)
{
    struct logs logs = {
        .cli = cli,
        .word = cli->argv[0],
        .all = cli_flag(cli, "all"),
        .tail = (uint32_t)cli_number(cli, "tail", 0),
        .workers = { .follow = cli_flag(cli, "follow"), .each = on_instance, .arg = &logs },
        .output = { .json = cli->json, .err = err },
    };
    struct hf_signals *signals = NULL;
    struct source *source;
    struct source *next;
    int exit_code = CLI_FAILED;

    hf_list_init(&logs.sources);
    if (hf_loop_new("logs", &logs.workers.loop, err) == 0 &&
        hf_signals_new(logs.workers.loop, on_signal, &logs, &signals, err) == 0) {
        exit_code = read_logs(&logs, err);
    }
    hf_signals_free(signals);
    cli_workers_fini(&logs.workers);
    HF_LIST_FOR_SAFE (source, next, &logs.sources, node) {
        source_free(source);
    }
    return exit_code;
}

const struct cli_command cli_logs_commands[] = {
    { "logs", "FUNCTION|INSTANCE",
      "Shows what instances have written. The lines of several instances begin with the id of "
      "theirs.",
      logs_flags, 1, 1, logs, "hyperfaas logs echo --follow" },
    { 0 },
};
