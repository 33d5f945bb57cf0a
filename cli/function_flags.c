/*
 * function_flags.c - the flags that say what a function is.
 */
#include "function_flags.h"

#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "arguments.h"
#include "base/err.h"
#include "base/macros.h"
#include "base/parse.h"

/* The defaults of the existing command line tool, which scripts rely on. */
void
cli_function_defaults(struct hf_function_spec *ret)
{
    *ret = (struct hf_function_spec){
        .memory_bytes = INT64_C(256) << 20,
        .cpu_period_us = 100000,
        .cpu_quota_us = 50000,
        .timeout_s = 30,
        .max_concurrency = 500,
    };
}

/* Reads a positive number into `*ret` if the flag was given. */
static int
take_number(const struct cli *cli, const char *flag, uint64_t max, int64_t *ret, struct hf_err *err)
{
    const char *text = cli_flag(cli, flag);
    uint64_t value;
    int r;

    if (!text) {
        return 0;
    }
    r = hf_parse_u64_range(text, 1, max, &value, err);
    if (r < 0) {
        return hf_err_wrap(err, r, "--%s", flag);
    }
    *ret = (int64_t)value;
    return 0;
}

static int
take_memory(const struct cli *cli, int64_t *ret, struct hf_err *err)
{
    const char *text = cli_flag(cli, "memory");
    uint64_t bytes;
    int r;

    if (!text) {
        return 0;
    }
    r = hf_parse_size(text, &bytes, err);
    if (r < 0) {
        return hf_err_wrap(err, r, "--memory");
    }
    if (bytes == 0 || bytes > INT64_MAX) {
        return hf_fail(err, HF_EINVALID, "--memory: must be above zero%s, found '%s'",
                       bytes ? " and below 8 EiB" : "", text);
    }
    *ret = (int64_t)bytes;
    return 0;
}

/* Whole seconds, as the document has them. */
static int
take_timeout(const struct cli *cli, int32_t *ret, struct hf_err *err)
{
    const char *text = cli_flag(cli, "function-timeout");
    uint64_t ns;
    int r;

    if (!text) {
        return 0;
    }
    r = cli_parse_duration(text, &ns, err);
    if (r == 0 && (ns == 0 || ns % HF_SEC != 0 || ns / HF_SEC > INT32_MAX)) {
        r = hf_fail(err, HF_EINVALID, "must be whole seconds above zero, found '%s'", text);
    }
    if (r < 0) {
        return hf_err_wrap(err, r, "--function-timeout");
    }
    *ret = (int32_t)(ns / HF_SEC);
    return 0;
}

static int
take_image(const struct cli *cli, char **ret, struct hf_err *err)
{
    const char *text = cli_flag(cli, "image-tag");
    char *image;

    if (!text) {
        return 0;
    }
    if (!*text) {
        return hf_fail(err, HF_EINVALID, "--image-tag: must not be empty");
    }
    image = strdup(text);
    if (!image) {
        return hf_fail(err, HF_ENOMEM, "no memory for an image");
    }
    free(*ret);
    *ret = image;
    return 0;
}

int
cli_function_take_flags(const struct cli *cli, struct hf_function_spec *spec, struct hf_err *err)
{
    int64_t concurrency = spec->max_concurrency;
    int r;

    if ((r = take_number(cli, "cpu-period", INT64_MAX, &spec->cpu_period_us, err)) < 0 ||
        (r = take_number(cli, "cpu-quota", INT64_MAX, &spec->cpu_quota_us, err)) < 0 ||
        (r = take_number(cli, "max-concurrency", INT32_MAX, &concurrency, err)) < 0 ||
        (r = take_memory(cli, &spec->memory_bytes, err)) < 0 ||
        (r = take_timeout(cli, &spec->timeout_s, err)) < 0 ||
        (r = take_image(cli, &spec->image, err)) < 0) {
        return r;
    }
    spec->max_concurrency = (int32_t)concurrency;
    return 0;
}
