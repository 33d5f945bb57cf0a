/*
 * log_sources.c - the logs that `hyperfaas logs` reads, and their lines on one output.
 */
#include "log_sources.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/macros.h"
#include "grpc/client.h"
#include "output.h"

/* Most logs that are read at once. */
#define SOURCES_MAX 4096

/* A line that is longer is shown in several. */
#define LINE_BYTES_MAX ((size_t)64 << 10)

/* --- lines ------------------------------------------------------------------------------ */

/* Writes the line that is there, and begins the next. */
static void
write_line(struct cli_log_source *source)
{
    struct cli_log_output *output = &source->logs->output;
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
add_lines(struct cli_log_source *source, const void *data, size_t len)
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
end_lines(struct cli_log_source *source)
{
    if (source->line.len > 0) {
        write_line(source);
    }
}

/* --- logs ------------------------------------------------------------------------------- */

static void
on_chunk(void *arg, const void *message)
{
    const Hyperfaas__V1__LogChunk *chunk = message;

    add_lines(arg, chunk->data.data, chunk->data.len);
}

static void
on_log_end(void *arg, const struct hf_grpc_result *result)
{
    struct cli_log_source *source = arg;
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

void
cli_log_source_read(struct cli_log_source *source)
{
    struct cli_logs *logs = source->logs;
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
has_source(const struct cli_logs *logs, const struct cli_worker *worker, const char *id)
{
    struct cli_log_source *source;

    HF_LIST_FOR (source, &logs->sources, node) {
        if (source->worker == worker && strcmp(source->id, id) == 0) {
            return true;
        }
    }
    return false;
}

struct cli_log_source *
cli_log_source_add(struct cli_logs *logs, struct cli_worker *worker, const char *id,
                   const char *function)
{
    size_t len = strlen(id);
    struct cli_log_source *source;

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

void
cli_log_source_free(struct cli_log_source *source)
{
    hf_list_remove(&source->node);
    hf_text_fini(&source->line);
    free(source->function);
    free(source);
}
