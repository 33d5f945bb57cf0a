/*
 * call_input.h - what a call sends, as the command line gives it.
 */
#ifndef HF_CLI_CALL_INPUT_H
#define HF_CLI_CALL_INPUT_H

#include "cli.h"
#include "h2/fields.h"

/* Longest message, either way. */
#define CLI_MESSAGE_MAX ((size_t)1 << 30)

/* Reads the request: --data, --file, or standard input if `stdin_too`. */
int cli_call_request(const struct cli *cli, bool stdin_too, struct hf_text *ret,
                     struct hf_err *err);

/* Adds what the flags --metadata say. */
int cli_call_metadata(const struct cli *cli, struct hf_h2_fields *fields, struct hf_err *err);

#endif
