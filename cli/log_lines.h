/*
 * log_lines.h - the lines of several logs, on one output.
 */
#ifndef HF_CLI_LOG_LINES_H
#define HF_CLI_LOG_LINES_H

#include <stdbool.h>

#include "base/text.h"

struct hf_err;

/* Where all lines go. */
struct cli_log_output {
    bool json;     /* an object for each line */
    bool prefixed; /* lines begin with the instance's id */
    bool failed;   /* nobody reads them */
    struct hf_err *err;
};

/* The log of one instance, as it comes in pieces. */
struct cli_log_lines {
    struct cli_log_output *output;
    const char *instance; /* borrowed */
    char *function;
    struct hf_text line; /* that has not ended */
    bool missing;        /* there is no such log */
};

void cli_log_lines_init(struct cli_log_lines *lines, struct cli_log_output *output,
                        const char *instance, const char *function);

/* Writes what is whole: bytes as they are, unless lines have to be told apart. */
void cli_log_lines_add(struct cli_log_lines *lines, const void *data, size_t len);

/* Writes the last line, if it has no end. */
void cli_log_lines_end(struct cli_log_lines *lines);

void cli_log_lines_fini(struct cli_log_lines *lines);

#endif
