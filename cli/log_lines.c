/*
 * log_lines.c - the lines of several logs, on one output.
 */
#include "log_lines.h"

#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "cli.h"
#include "output.h"

/* A line that is longer is shown in several. */
#define LINE_BYTES_MAX ((size_t)64 << 10)

void
cli_log_lines_init(struct cli_log_lines *lines, struct cli_log_output *output, const char *instance,
                   const char *function)
{
    *lines = (struct cli_log_lines){
        .output = output,
        .instance = instance,
        .function = strdup(function),
    };
    hf_text_init(&lines->line);
}

void
cli_log_lines_fini(struct cli_log_lines *lines)
{
    hf_text_fini(&lines->line);
    free(lines->function);
}

/* Writes the line that is there, and begins the next. */
static void
write_line(struct cli_log_lines *lines)
{
    struct cli_log_output *output = lines->output;
    const char *line = hf_text_str(&lines->line);
    hf_autotext struct hf_text text; /* the line in JSON */
    hf_autotext struct hf_text out;
    struct hf_json json;

    hf_text_init(&text);
    hf_text_init(&out);
    if (output->json) {
        hf_text_add_json(&text, line, lines->line.len);
        hf_json_init(&json, &out);
        hf_json_object(&json, NULL);
        hf_json_str(&json, "instance", lines->instance);
        hf_json_str(&json, "function", lines->function);
        hf_json_value(&json, "line", hf_text_str(&text), text.len);
        hf_json_end(&json);
    } else {
        hf_text_printf(&out, "%s | ", lines->instance);
        hf_text_add_mem(&out, line, lines->line.len);
    }
    hf_text_add_char(&out, '\n');
    output->failed |= cli_print_foreign(hf_text_str(&out), out.len, output->err) != CLI_OK;
    hf_text_clear(&lines->line);
}

void
cli_log_lines_add(struct cli_log_lines *lines, const void *data, size_t len)
{
    const char *at = data;
    const char *end = at + len;

    if (!lines->output->json && !lines->output->prefixed) {
        lines->output->failed |= cli_print_foreign(data, len, lines->output->err) != CLI_OK;
        return;
    }
    while (at < end && !lines->output->failed) {
        size_t room = hf_min((size_t)(end - at), LINE_BYTES_MAX - lines->line.len);
        const char *newline = memchr(at, '\n', room);

        hf_text_add_mem(&lines->line, at, newline ? (size_t)(newline - at) : room);
        at += newline ? (size_t)(newline - at) + 1 : room;
        if (newline || lines->line.len == LINE_BYTES_MAX) {
            write_line(lines);
        }
    }
}

void
cli_log_lines_end(struct cli_log_lines *lines)
{
    if (lines->line.len > 0) {
        write_line(lines);
    }
}
