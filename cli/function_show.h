/*
 * function_show.h - functions as people and programs read them.
 */
#ifndef HF_CLI_FUNCTION_SHOW_H
#define HF_CLI_FUNCTION_SHOW_H

#include "base/parse.h"
#include "cli.h"
#include "node/function_spec.h"

/* A function's values for people; "" for what its document does not say. */
struct cli_function_shown {
    char memory[HF_FORMAT_MAX];
    char cpu[64];
    char concurrency[16];
    char timeout[16];
};

void cli_function_values(const struct hf_function_spec *spec, struct cli_function_shown *ret);

/* The members of a function's object. */
void cli_function_members(const char *id, const struct hf_function_spec *spec,
                          struct hf_json *json);

/* Prints one function, whole; an exit code. */
int cli_function_print(const struct cli *cli, const char *id, const struct hf_function_spec *spec,
                       struct hf_err *err);

/* The same for a new one: its id, and how to call it. */
int cli_function_print_created(const struct cli *cli, const char *id,
                               const struct hf_function_spec *spec, struct hf_err *err);

#endif
