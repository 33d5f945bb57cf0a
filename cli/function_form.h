/*
 * function_form.h - functions as flags define them, and as people and programs read them.
 */
#ifndef HF_CLI_FUNCTION_FORM_H
#define HF_CLI_FUNCTION_FORM_H

#include "base/parse.h"
#include "cli.h"
#include "node/function_spec.h"

/* Rows for a table of flags. */
#define CLI_FUNCTION_FLAGS                                                                         \
    { "image-tag", 0, "IMAGE", "The image, such as hyperfaas-echo:latest." },                      \
        { "memory", 0, "SIZE", "Memory of one instance, such as 256MiB." },                        \
        { "cpu-period", 0, "MICROSECONDS", "Length of the period in which the quota counts." },    \
        { "cpu-quota", 0, "MICROSECONDS", "Processor time of one instance in each period." },      \
        { "max-concurrency", 0, "N", "Calls that one instance serves at once." },                  \
    {                                                                                              \
        "function-timeout", 0, "DURATION",                                                         \
            "Time without calls after which it scales to zero, such as 45s."                       \
    }

/* What a function has that is created without flags; the image is not set. */
void cli_function_defaults(struct hf_function_spec *ret);

/* Changes `spec` by the flags that were given, and by nothing else. */
int cli_function_take_flags(const struct cli *cli, struct hf_function_spec *spec,
                            struct hf_err *err);

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
