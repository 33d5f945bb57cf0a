/*
 * function_flags.h - the flags that say what a function is.
 */
#ifndef HF_CLI_FUNCTION_FLAGS_H
#define HF_CLI_FUNCTION_FLAGS_H

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

#endif
