/*
 * output.h - writing what came from elsewhere: logs of instances, answers of functions, messages.
 *
 * Such bytes go to a file or a pipe as they are.  A terminal acts upon some of them (moves its
 * cursor, changes its title, answers as if somebody typed), so there they are shown as escapes.
 */
#ifndef HF_CLI_OUTPUT_H
#define HF_CLI_OUTPUT_H

#include <stddef.h>

#include "base/text.h"

struct hf_err;

/* Appends bytes as a terminal may have them: lines, tabs and what is printable as they are, all
 * else as "\x1b".  `len` may end inside a character. */
void cli_add_harmless(const char *data, size_t len, struct hf_text *out);

/* Writes to stdout; an exit code. */
int cli_print_foreign(const char *data, size_t len, struct hf_err *err);

#endif
