/*
 * main.c - hyperfaas, the command line tool.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "arguments.h"
#include "base/config.h"
#include "base/crash.h"
#include "base/err.h"
#include "base/log.h"
#include "base/macros.h"
#include "base/options.h"
#include "base/parse.h"
#include "cli.h"
#include "secret.h"
#include "help.h"
#include "loop/signals.h"
#include "node/node_config.h"
#include "node/node_paths.h"
#include "output.h"
#include "plugin/module.h"

/* --- what commands use ------------------------------------------------------------------- */

const char *
cli_flag(const struct cli *cli, const char *name)
{
    const char *value = NULL;

    for (unsigned int i = 0; i < cli->given_count; i++) {
        if (strcmp(cli->given[i].flag->name, name) == 0) {
            value = cli->given[i].value;
        }
    }
    return value;
}

const char *
cli_flag_at(const struct cli *cli, const char *name, unsigned int at)
{
    for (unsigned int i = 0; i < cli->given_count; i++) {
        if (strcmp(cli->given[i].flag->name, name) == 0 && at-- == 0) {
            return cli->given[i].value;
        }
    }
    return NULL;
}

const char *
cli_setting(const struct cli *cli, const char *section, const char *key)
{
    const struct hf_config_value *value =
        hf_config_value(hf_config_section(cli->config, section), key);
    const struct hf_option *row = hf_node_section(section)->rows;

    while (!value && row->key && strcmp(row->key, key) != 0) {
        row++;
    }
    return value ? value->text : row->fallback;
}

const char *
cli_proxy_address(const struct cli *cli)
{
    return cli_setting(cli, hf_config_section(cli->config, "lb") ? "lb" : "leaf", "proxy");
}

/* The checked values of [node]; NULL if the configuration has no such section. */
static int
node_options(const struct cli *cli, struct hf_options **ret, struct hf_err *err)
{
    const struct hf_config_section *section = hf_config_section(cli->config, "node");

    *ret = NULL;
    return section ? hf_options_new("node", section, hf_node_section("node")->rows, ret, err) : 0;
}

int
cli_plugin_path(struct cli *cli, struct hf_plugin_path *ret, struct hf_err *err)
{
    int r = cli->node ? 0 : node_options(cli, &cli->node, err);

    if (r == 0 && !cli->plugin_folders) {
        r = hf_node_plugin_folders(cli->node, &cli->plugin_folders, &cli->plugin_folder_count, err);
    }
    *ret = (struct hf_plugin_path){ cli->plugin_folders, cli->plugin_folder_count };
    return r;
}

int
cli_state_folder(struct cli *cli, char **ret, struct hf_err *err)
{
    int r = cli->node ? 0 : node_options(cli, &cli->node, err);

    return r < 0 ? r
                 : hf_node_state_folder(cli->node ? hf_options_str(cli->node, "state_dir") : NULL,
                                        ret, err);
}

int
cli_print_bytes(const void *data, size_t len, struct hf_err *err)
{
    if (fwrite(data, 1, len, stdout) == len && fflush(stdout) == 0) {
        return CLI_OK;
    }
    if (errno != EPIPE) { /* a reader that has enough, such as head(1), is no news */
        hf_fail_errno(err, errno, "can't write the result");
    }
    return CLI_FAILED;
}

int
cli_print(const struct hf_text *text, struct hf_err *err)
{
    if (text->truncated) {
        hf_fail(err, HF_EFULL, "the result is too long");
        return CLI_FAILED;
    }
    return cli_print_bytes(hf_text_str(text), text->len, err);
}

int
cli_print_json(struct hf_text *text, struct hf_err *err)
{
    hf_text_add_char(text, '\n');
    return cli_print(text, err);
}

void
cli_complain(const struct cli *cli, const struct hf_err *err)
{
    hf_autotext struct hf_text out;
    struct hf_json json;

    hf_text_init(&out);
    if (!cli->json) {
        cli_add_harmless(hf_err_message(err), strlen(hf_err_message(err)), &out);
        fprintf(stderr, "hyperfaas: %s\n", hf_text_str(&out));
        return;
    }
    hf_json_init(&json, &out);
    hf_json_object(&json, NULL);
    hf_json_str(&json, "error", hf_err_message(err));
    hf_json_str(&json, "code", hf_error_name(hf_err_code(err)));
    hf_json_end(&json);
    fprintf(stderr, "%s\n", hf_text_str(&out));
}

/* --- version --------------------------------------------------------------------------------- */

static int
version(struct cli *cli, struct hf_err *err)
{
    hf_autotext struct hf_text out;

    hf_text_init(&out);
    hf_text_printf(&out, cli->json ? "{\"version\":\"%s\"}\n" : "hyperfaas %s\n", PACKAGE_VERSION);
    return cli_print(&out, err);
}

static const struct cli_command version_commands[] = {
    { "version", "", "Says which version this is.", NULL, 0, 0, version, "hyperfaas version" },
    { 0 },
};

/* All commands, in the order of the help. */
static const struct cli_command *const command_tables[] = {
    cli_function_commands,
    cli_function_watch_commands,
    cli_call_commands,
    cli_instances_commands,
    cli_logs_commands,
    cli_worker_commands,
    cli_nodes_commands,
    cli_node_commands,
    cli_plugin_commands,
    version_commands,
    NULL,
};

/* --- main ------------------------------------------------------------------------------------ */

/* Sets [store] `key`. */
static int
set_store(struct hf_config *config, const char *key, const char *value, struct hf_err *err)
{
    hf_autofree char *text = hf_strdup_printf("store.%s=%s", key, value);

    return text ? hf_config_set(config, text, err) : hf_fail(err, HF_ENOMEM, "no memory");
}

/* What the flags for etcd say is what --set can say too; options of another store go. */
static int
use_etcd(struct hf_config *config, const struct cli_globals *globals, struct hf_err *err)
{
    const struct hf_config_value *plugin =
        hf_config_value(hf_config_section(config, "store"), "plugin");
    hf_autotext struct hf_text endpoints;
    char dial[HF_FORMAT_MAX];
    uint64_t dial_ns;
    int r;

    hf_text_init(&endpoints);
    for (unsigned int i = 0; i < globals->etcd_endpoint_count; i++) {
        hf_text_printf(&endpoints, "%s%s", i > 0 ? "," : "", globals->etcd_endpoints[i]);
    }
    if (!plugin || strcmp(plugin->text, "etcd") != 0) {
        hf_config_drop(config, "store");
    }
    r = set_store(config, "plugin", "etcd", err);
    if (r == 0 && globals->etcd_endpoint_count > 0) {
        r = set_store(config, "endpoints", hf_text_str(&endpoints), err);
    }
    if (r == 0 && globals->metadata_prefix) {
        r = set_store(config, "prefix", globals->metadata_prefix, err);
    }
    if (r == 0 && globals->metadata_dial_timeout) {
        r = cli_parse_duration(globals->metadata_dial_timeout, &dial_ns, err);
        r = r < 0 ? hf_err_wrap(err, r, "--metadata-dial-timeout")
                  : set_store(config, "dial_timeout", hf_format_duration(dial_ns, dial), err);
    }
    return r;
}

int
cli_load_config(struct cli *cli, const char *path, struct hf_err *err)
{
    hf_auto(hf_config_free) struct hf_config *config = NULL;
    int r = path ? hf_config_load(path, &config, err) : hf_config_new(&config, err);

    if (r == 0 && (cli->globals->etcd_endpoint_count > 0 || cli->globals->metadata_prefix ||
                   cli->globals->metadata_dial_timeout)) {
        r = use_etcd(config, cli->globals, err);
    }
    for (unsigned int i = 0; r == 0 && i < cli->globals->set_count; i++) {
        r = hf_config_set(config, cli->globals->set[i], err);
    }
    if (r == 0) {
        hf_config_free(cli->config);
        cli->config = hf_steal(config);
        cli->config_path = path;
    }
    return r;
}

/* Reads the configuration that is named, or none: then defaults hold. */
static int
read_config(struct cli *cli, struct hf_err *err)
{
    const char *given = getenv("HYPERFAAS_CONFIG");

    cli->config_in_environment = !cli->globals->config && given && *given;
    return cli_load_config(cli, cli->config_in_environment ? given : cli->globals->config, err);
}

/* Tells what went wrong, if anything did. */
static int
conclude(const struct cli *cli, int exit_code, const struct hf_err *err)
{
    if (hf_err_code(err) != 0) {
        cli_complain(cli, err);
    }
    return exit_code;
}

static int
help(const struct cli *cli, struct hf_err *err)
{
    hf_autotext struct hf_text out;

    hf_text_init(&out);
    cli_help(command_tables, cli->command, cli->group, &out);
    return cli_print(&out, err);
}

/* The line has no command. */
static int
fail_without_command(const struct cli *cli)
{
    hf_autotext struct hf_text out;

    hf_text_init(&out);
    cli_help(command_tables, NULL, cli->group, &out);
    fputs(hf_text_str(&out), stderr);
    return CLI_USAGE;
}

static int
run(struct cli *cli, struct hf_err *err)
{
    if (cli->globals->version) {
        return version(cli, err);
    }
    if (cli->globals->help) {
        return help(cli, err);
    }
    if (!cli->command) {
        return fail_without_command(cli);
    }
    if (read_config(cli, err) < 0) {
        return CLI_USAGE;
    }
    cli_secret_load(cli);
    return cli->command->run(cli, err);
}

int
main(int argc, char **argv)
{
    struct cli_globals globals = { 0 };
    struct cli cli = { .globals = &globals };
    struct hf_err err = HF_ERR_INIT;
    int exit_code = CLI_USAGE;

    hf_signals_clean();
    hf_crash_catch();
    hf_log_set_level(NULL, HF_LOG_WARNING, NULL);
    if (cli_arguments_read(argc, argv, command_tables, &cli, &globals, &err) == 0) {
        exit_code = run(&cli, &err);
    }
    free((void *)(uintptr_t)cli.plugin_folders);
    hf_options_free(cli.node);
    hf_config_free(cli.config);
    return conclude(&cli, exit_code, &err);
}
