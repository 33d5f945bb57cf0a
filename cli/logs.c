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
#include "base/macros.h"
#include "base/parse.h"
#include "cli.h"
#include "grpc/client.h"
#include "log_sources.h"
#include "loop/loop.h"
#include "loop/signals.h"
#include "store.h"
#include "table.h"
#include "workers.h"

static const struct cli_flag logs_flags[] = {
    { "all", 'a', NULL, "Also of the function's instances that ended and are remembered." },
    { "follow", 'f', NULL,
      "Goes on until the instance ends; for a function until Ctrl-C, also while it has no "
      "instance." },
    { "tail", 'n', "N", "Begins with the last N lines (default: with all that is kept)." },
    { 0 },
};

/* --- waiting ---------------------------------------------------------------------------- */

static void
on_signal(void *arg, int signal)
{
    struct cli_logs *logs = arg;

    (void)signal;
    logs->interrupted = true;
}

static bool
are_all_heard(void *arg)
{
    const struct cli_logs *logs = arg;

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
    const struct cli_logs *logs = arg;
    const struct cli_log_source *source;

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

/* --- which logs -------------------------------------------------------------------------- */

/* The one that ended last; NULL if one runs, or none is known. */
static struct cli_log_source *
last_ended(const struct cli_logs *logs)
{
    struct cli_log_source *source;
    struct cli_log_source *last = NULL;

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
choose(struct cli_logs *logs)
{
    struct cli_log_source *last = last_ended(logs);
    struct cli_log_source *source;
    char age[CLI_AGE_MAX];

    if (logs->all || (logs->follow && last)) {
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
            source->lines.missing = true;
            logs->source_count--;
        }
    }
}

/* A worker that was restarted may still have the log of an instance that it does not remember. */
static void
ask_by_name(struct cli_logs *logs)
{
    for (size_t i = 0; i < logs->worker_count; i++) {
        struct cli_log_source *source =
            logs->workers[i].watch ? cli_log_source_add(&logs->workers[i], logs->word, "") : NULL;

        if (source) {
            source->maybe = true;
        }
    }
}

/* One that has no instance, and of which no worker remembers any. */
static bool
is_registered(struct cli_logs *logs)
{
    hf_auto(cli_store_close) struct cli_store *store = NULL;
    struct cli_document document = { .data = NULL };
    bool found = cli_store_open(logs->cli, &store, NULL) == 0 &&
                 cli_store_get(store, logs->word, &document, NULL) == 0;

    free(document.data);
    return found;
}

static bool
was_found(const struct cli_logs *logs)
{
    const struct cli_log_source *source;

    HF_LIST_FOR (source, &logs->sources, node) {
        if (!source->lines.missing) {
            return true;
        }
    }
    return false;
}

static int
fail_without_log(const struct cli_logs *logs, struct hf_err *err)
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
read_logs(struct cli_logs *logs, struct hf_err *err)
{
    struct cli_log_source *source;

    if (!hf_loop_run_until(logs->loop, are_all_heard, logs, logs->cli->timeout_ns)) {
        hf_fail(err, HF_ETIMEOUT, "the workers did not answer in time");
        return CLI_FAILED;
    }
    if (logs->source_count == 0) {
        logs->is_function = is_registered(logs);
        ask_by_name(logs);
    }
    choose(logs);
    logs->output.prefixed = logs->source_count > 1 || (logs->follow && logs->is_function);
    logs->reading = true;
    HF_LIST_FOR (source, &logs->sources, node) {
        if (!source->done) {
            cli_log_source_read(source);
        }
    }
    if (!hf_loop_run_until(logs->loop, is_over, logs,
                           logs->follow ? CLI_FOR_EVER : logs->cli->timeout_ns + HF_SEC)) {
        hf_fail(err, HF_ETIMEOUT, "the logs did not come to their end in time");
        return CLI_FAILED;
    }
    if (!was_found(logs) && !logs->interrupted) {
        return fail_without_log(logs, err);
    }
    return logs->complete && !logs->output.failed ? CLI_OK : CLI_FAILED;
}

/* --- the command ------------------------------------------------------------------------ */

static void
free_logs(struct cli_logs *logs)
{
    struct cli_log_source *source;
    struct cli_log_source *next;

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
run(struct cli_logs *logs, struct hf_err *err)
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
            cli_log_worker_watch(&logs->workers[i], err);
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
    struct cli_logs logs = {
        .cli = cli,
        .word = cli->argv[0],
        .follow = cli_flag(cli, "follow"),
        .all = cli_flag(cli, "all"),
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
