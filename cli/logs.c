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
#include "log_sources.h"
#include "loop/loop.h"
#include "loop/signals.h"
#include "output.h"
#include "store.h"

/* Of an instance's id; a container's name for itself, and the engine's, begin with it. */
#define ID_LEN_MIN 12

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
    (void)signal;
    ((struct cli_logs *)arg)->workers.interrupted = true;
}

/* Nothing more can come, or is wanted. */
static bool
is_over(void *arg)
{
    const struct cli_logs *logs = arg;
    const struct cli_log_source *source;

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

/* There is such an instance; or was, and `end` says how it ended. */
static void
on_instance(void *arg, struct cli_worker *worker, const Hyperfaas__V1__Instance *instance,
            const Hyperfaas__V1__InstanceEnded *end)
{
    struct cli_logs *logs = arg;
    bool of_function = strcmp(instance->function_id, logs->word) == 0;
    struct cli_log_source *source;

    if (end && logs->reading) {
        report_end(logs, end);
        return;
    }
    source = *instance->instance_id && (of_function || is_named(instance, logs->word))
                 ? cli_log_source_add(logs, worker, instance->instance_id, instance->function_id)
                 : NULL;
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
ask_by_name(struct cli_logs *logs)
{
    for (size_t i = 0; i < logs->workers.count; i++) {
        struct cli_log_source *source =
            logs->workers.items[i].watch
                ? cli_log_source_add(logs, &logs->workers.items[i], logs->word, "")
                : NULL;

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
        if (!source->missing) {
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
            cli_log_source_read(source);
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
    struct cli_logs logs = {
        .cli = cli,
        .word = cli->argv[0],
        .all = cli_flag(cli, "all"),
        .tail = (uint32_t)cli_number(cli, "tail", 0),
        .workers = { .follow = cli_flag(cli, "follow"), .each = on_instance, .arg = &logs },
        .output = { .json = cli->json, .err = err },
    };
    struct hf_signals *signals = NULL;
    struct cli_log_source *source;
    struct cli_log_source *next;
    int exit_code = CLI_FAILED;

    hf_list_init(&logs.sources);
    if (hf_loop_new("logs", &logs.workers.loop, err) == 0 &&
        hf_signals_new(logs.workers.loop, on_signal, &logs, &signals, err) == 0) {
        exit_code = read_logs(&logs, err);
    }
    hf_signals_free(signals);
    cli_workers_fini(&logs.workers);
    HF_LIST_FOR_SAFE (source, next, &logs.sources, node) {
        cli_log_source_free(source);
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
