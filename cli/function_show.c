/*
 * function_show.c - functions as people and programs read them.
 */
#include "function_show.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "hint.h"

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
        hf_json_init(&json, &out);
        hf_json_object(&json, NULL);
        cli_function_members(id, spec, &json);
        hf_json_end(&json);
        return cli_print_json(&out, err);
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
    cli_hint_call(cli, id, spec->image, &hint);
    if (cli->json) {
        hf_json_init(&json, &out);
        hf_json_object(&json, NULL);
        cli_function_members(id, spec, &json);
        hf_json_str(&json, "call", hf_text_str(&hint));
        hf_json_end(&json);
        return cli_print_json(&out, err);
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
