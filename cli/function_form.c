/*
 * function_form.c - functions as flags define them, and as people and programs read them.
 */
#include "function_form.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/macros.h"
#include "output.h"

/* --- flags ------------------------------------------------------------------------------ */

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

/* Whole seconds, as the document has them. */
static int
take_timeout(const struct cli *cli, int32_t *ret, struct hf_err *err)
{
    const char *text = cli_flag(cli, "function-timeout");
    uint64_t ns = cli_number(cli, "function-timeout", (uint64_t)*ret * HF_SEC);

    if (text && (ns == 0 || ns % HF_SEC != 0 || ns / HF_SEC > INT32_MAX)) {
        return hf_fail(err, HF_EINVALID,
                       "--function-timeout: must be whole seconds above zero, found '%s'", text);
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
    uint64_t concurrency = cli_number(cli, "max-concurrency", (uint64_t)spec->max_concurrency);
    int r = take_timeout(cli, &spec->timeout_s, err);

    spec->cpu_period_us = (int64_t)cli_number(cli, "cpu-period", (uint64_t)spec->cpu_period_us);
    spec->cpu_quota_us = (int64_t)cli_number(cli, "cpu-quota", (uint64_t)spec->cpu_quota_us);
    spec->memory_bytes = (int64_t)cli_number(cli, "memory", (uint64_t)spec->memory_bytes);
    spec->max_concurrency = (int32_t)concurrency;
    return r < 0 ? r : take_image(cli, &spec->image, err);
}

/* --- how to call one -------------------------------------------------------------------- */

/* The sample functions, with a request in protobuf's binary form. */
static const struct {
    const char *name; /* in the image tag */
    const char *method;
    const char *request; /* for printf(1); NULL: an empty message */
} samples[] = {
    { "hello", "examples.hello.v1.Hello/SayHello", NULL },
    { "greeter", "examples.greeter.v1.Greeter/SayHello", "\\n\\005World" },
    { "grpc-proxy-greeter", "examples.greeter.v1.Greeter/SayHello", "\\n\\005World" },
    { "echo", "examples.echo.v1.Echo/Echo", "\\n\\005hello" },
    { "sleep", "examples.sleep.v1.Sleep/Sleep",
      "\\b\\200\\312\\265\\356\\001" }, /* half a second */
    { "crash", "examples.crash.v1.Crash/Crash", NULL },
};

/* The name in "registry/hyperfaas-<name>:version" and its length. */
static const char *
name_of(const char *image, size_t *ret_len)
{
    static const char prefix[] = "hyperfaas-";
    const char *slash = strrchr(image, '/');
    const char *name = slash ? slash + 1 : image;

    if (strncmp(name, prefix, strlen(prefix)) == 0) {
        name += strlen(prefix);
    }
    *ret_len = strcspn(name, ":@");
    return name;
}

/* Adds a word as a shell reads it back. */
static void
add_word(const char *word, struct hf_text *out)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "._-/:@%+=,";

    if (*word && word[strspn(word, plain)] == '\0') {
        hf_text_add(out, word);
        return;
    }
    hf_text_add_char(out, '\'');
    for (; *word; word++) {
        if (*word == '\'') {
            hf_text_add(out, "'\\''");
        } else {
            hf_text_add_char(out, *word);
        }
    }
    hf_text_add_char(out, '\'');
}

/* Appends the command that calls it, for pasting into a shell: whole for a sample function, else
 * with a method to be filled in. */
static void
add_call(const struct cli *cli, const char *id, const char *image, struct hf_text *out)
{
    const char *method = "package.Service/Method";
    const char *request = NULL;
    size_t len;
    const char *name = name_of(image, &len);

    for (size_t i = 0; i < hf_countof(samples); i++) {
        if (strlen(samples[i].name) == len && memcmp(samples[i].name, name, len) == 0) {
            method = samples[i].method;
            request = samples[i].request;
        }
    }
    if (request) {
        hf_text_printf(out, "printf '%s' | ", request);
    }
    hf_text_add(out, "hyperfaas ");
    if (cli->config_path && !cli->config_in_environment) {
        hf_text_add(out, "-c ");
        add_word(cli->config_path, out);
        hf_text_add_char(out, ' ');
    }
    hf_text_add(out, "call ");
    add_word(id, out);
    hf_text_printf(out, " %s%s", method, request ? "" : " --data ''");
}

/* --- in words and JSON ------------------------------------------------------------------ */

void
cli_function_members(const char *id, const struct hf_function_spec *spec, struct hf_json *json)
{
    hf_json_str(json, "id", id);
    hf_json_str(json, "image", spec->image);
    hf_json_i64(json, "memory", spec->memory_bytes);
    hf_json_i64(json, "cpu_period", spec->cpu_period_us);
    hf_json_i64(json, "cpu_quota", spec->cpu_quota_us);
    hf_json_i64(json, "timeout", spec->timeout_s);
    hf_json_i64(json, "max_concurrency", spec->max_concurrency);
}

void
cli_function_values(const struct hf_function_spec *spec, struct cli_function_shown *ret)
{
    memset(ret, 0, sizeof *ret);
    if (spec->memory_bytes) {
        hf_format_size((uint64_t)spec->memory_bytes, ret->memory);
    }
    if (spec->cpu_quota_us) {
        snprintf(ret->cpu, sizeof ret->cpu, "%" PRId64 "/%" PRId64, spec->cpu_quota_us,
                 spec->cpu_period_us);
    }
    if (spec->max_concurrency) {
        snprintf(ret->concurrency, sizeof ret->concurrency, "%d", spec->max_concurrency);
    }
    if (spec->timeout_s) {
        snprintf(ret->timeout, sizeof ret->timeout, "%ds", spec->timeout_s);
    }
}

int
cli_function_print(const struct cli *cli, const char *id, const struct hf_function_spec *spec,
                   struct hf_err *err)
{
    hf_autotext struct hf_text out;
    struct hf_json json;
    struct cli_function_shown shown;

    hf_text_init(&out);
    if (cli->json) {
        cli_object_begin(&json, &out);
        cli_function_members(id, spec, &json);
        return cli_object_print(&json, err);
    }
    cli_function_values(spec, &shown);
    hf_text_printf(&out,
                   "id               %s\nimage            %s\nmemory           %s\n"
                   "cpu              %s\nmax concurrency  %s\ntimeout          %s\n",
                   id, spec->image, *shown.memory ? shown.memory : "unlimited",
                   *shown.cpu ? shown.cpu : "unlimited",
                   *shown.concurrency ? shown.concurrency : "unlimited",
                   *shown.timeout ? shown.timeout : "the leaf's own");
    return cli_print(&out, err);
}

int
cli_function_print_created(const struct cli *cli, const char *id,
                           const struct hf_function_spec *spec, struct hf_err *err)
{
    hf_autotext struct hf_text hint;
    hf_autotext struct hf_text out;
    struct hf_json json;

    hf_text_init(&hint);
    hf_text_init(&out);
    add_call(cli, id, spec->image, &hint);
    if (cli->json) {
        cli_object_begin(&json, &out);
        cli_function_members(id, spec, &json);
        hf_json_str(&json, "call", hf_text_str(&hint));
        return cli_object_print(&json, err);
    }
    hf_text_printf(&out, "%s\n", id);
    if (cli_print(&out, err) != CLI_OK) {
        return CLI_FAILED;
    }
    /* For people, so not on stdout: scripts read the id there. */
    fprintf(stderr,
            "To call it:\n    %s\n"
            "or from any gRPC client at %s, with the id as :authority.\n",
            hf_text_str(&hint), cli_proxy_address(cli));
    return CLI_OK;
}
