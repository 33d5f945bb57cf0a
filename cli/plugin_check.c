/*
 * plugin_check.c - `hyperfaas plugin check`: whether a policy keeps the contract of its kind.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "output.h"
#include "plugin.h"
#include "plugin/module.h"
#include "verify/verify.h"

static const struct cli_flag check_flags[] = {
    { "set", 0, "KEY=VALUE", "Sets an option of the module; may repeat." },
    { "junit", 0, "FILE", "Writes the verdicts as JUnit XML, too." },
    { "limit", 0, "DURATION",
      "Processor time that one check may use (default 5s); one that waits has twenty times as "
      "long." },
    { 0 },
};

/* Shows a verdict as soon as it is there. */
static void
on_verdict(void *arg, const struct hf_verdict *verdict)
{
    hf_autotext struct hf_text out;

    hf_text_init(&out);
    hf_verdict_write(verdict, &out);
    cli_print(&out, arg);
}

static int
write_junit(const char *path, const struct hf_module *module, const struct hf_verify_report *report,
            struct hf_err *err)
{
    hf_autotext struct hf_text out;
    FILE *file = fopen(path, "we");
    bool ok;

    if (!file) {
        return hf_fail_errno(err, errno, "cannot write '%s'", path);
    }
    hf_text_init(&out);
    hf_verify_write_junit(module, report, &out);
    ok = fwrite(hf_text_str(&out), 1, out.len, file) == out.len;
    if (fclose(file) != 0 || !ok) {
        return hf_fail_errno(err, errno, "cannot write '%s'", path);
    }
    return 0;
}

static int
print_sum(struct cli *cli, const struct hf_module *module, const struct hf_verify_report *report,
          struct hf_err *err)
{
    hf_autotext struct hf_text out;
    struct hf_json json;

    if (!cli->json) {
        hf_text_init(&out);
        hf_verify_write_sum(report, &out);
        return cli_print(&out, err);
    }
    cli_object_begin(&json, &out);
    hf_json_str(&json, "kind", hf_plugin_kind_name(module->kind));
    hf_json_str(&json, "name", module->name);
    hf_json_str(&json, "file", module->path);
    hf_verify_write_json(report, &json);
    return cli_object_print(&json, err);
}

static int
check(struct cli *cli, struct hf_err *err)
{
    const char *junit = cli_flag(cli, "junit");
    const char *set[CLI_MAX_GIVEN];
    struct hf_verify_settings settings = { .set = set, .arg = err };
    struct hf_verify_report report = { 0 };
    const struct hf_module *module = NULL;
    int r;

    if (cli_duration(cli, "limit", 5 * HF_SEC, &settings.cpu_ns, err) < 0) {
        return CLI_USAGE;
    }
    while ((set[settings.set_count] = cli_flag_at(cli, "set", (unsigned)settings.set_count))) {
        settings.set_count++;
    }
    settings.on_verdict = cli->json ? NULL : on_verdict;
    if (cli_plugin_load(cli, cli->argv[0], &module, err) < 0 ||
        hf_verify(module, &settings, &report, err) < 0) {
        return CLI_FAILED;
    }
    r = print_sum(cli, module, &report, err);
    if (r == CLI_OK && junit && write_junit(junit, module, &report, err) < 0) {
        r = CLI_FAILED;
    }
    r = r == CLI_OK && report.failed > 0 ? CLI_FAILED : r;
    hf_verify_fini(&report);
    return r;
}

const struct cli_command cli_plugin_check_commands[] = {
    { "plugin check", "[KIND-]NAME|FILE",
      "Checks whether a policy keeps the contract of its kind, each check in a process of its own.",
      check_flags, 1, 1, check, "hyperfaas plugin check ./lb-mine.so --set choices=3" },
    { 0 },
};
