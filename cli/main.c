/*
 * main.c - hyperfaas, the command line tool.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arguments.h"
#include "base/config.h"
#include "base/crash.h"
#include "base/err.h"
#include "base/log.h"
#include "base/macros.h"
#include "base/options.h"
#include "base/parse.h"
#include "client.h"
#include "loop/signals.h"
#include "node/node_config.h"
#include "node/node_paths.h"
#include "output.h"
#include "plugin/module.h"

/* --- what commands use ------------------------------------------------------------------- */

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
    cli_object_begin(&json, &out);
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
    cli_function_restart_commands,
    cli_function_watch_commands,
    cli_call_commands,
    cli_instances_commands,
    cli_logs_commands,
    cli_worker_commands,
    cli_nodes_commands,
    cli_node_commands,
    cli_plugin_commands,
    cli_plugin_new_commands,
    cli_plugin_check_commands,
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
use_etcd(const struct cli *cli, struct hf_config *config, struct hf_err *err)
{
    const struct hf_config_value *plugin =
        hf_config_value(hf_config_section(config, "store"), "plugin");
    const char *prefix = cli_flag(cli, "metadata-prefix");
    uint64_t dial_ns = cli_number(cli, "metadata-dial-timeout", 0);
    hf_autotext struct hf_text endpoints;
    char dial[HF_FORMAT_MAX];
    const char *endpoint;
    int r;

    hf_text_init(&endpoints);
    for (unsigned int i = 0; (endpoint = cli_flag_at(cli, "etcd-endpoint", i)); i++) {
        hf_text_printf(&endpoints, "%s%s", i > 0 ? "," : "", endpoint);
    }
    if (!plugin || strcmp(plugin->text, "etcd") != 0) {
        hf_config_drop(config, "store");
    }
    r = set_store(config, "plugin", "etcd", err);
    if (r == 0 && cli_flag(cli, "etcd-endpoint")) {
        r = set_store(config, "endpoints", hf_text_str(&endpoints), err);
    }
    if (r == 0 && prefix) {
        r = set_store(config, "prefix", prefix, err);
    }
    if (r == 0 && cli_flag(cli, "metadata-dial-timeout")) {
        r = set_store(config, "dial_timeout", hf_format_duration(dial_ns, dial), err);
    }
    return r;
}

/* Whether the command has a --set of its own, which says nothing about the configuration. */
static bool
has_own_set(const struct cli *cli)
{
    const struct cli_flag *flag = cli->command ? cli->command->flags : NULL;

    while (flag && flag->name && strcmp(flag->name, "set") != 0) {
        flag++;
    }
    return flag && flag->name;
}

int
cli_load_config(struct cli *cli, const char *path, struct hf_err *err)
{
    hf_auto(hf_config_free) struct hf_config *config = NULL;
    int r = path ? hf_config_load(path, &config, err) : hf_config_new(&config, err);
    const char *set;

    if (r == 0 && (cli_flag(cli, "etcd-endpoint") || cli_flag(cli, "metadata-prefix") ||
                   cli_flag(cli, "metadata-dial-timeout"))) {
        r = use_etcd(cli, config, err);
    }
    for (unsigned int i = 0; r == 0 && !has_own_set(cli) && (set = cli_flag_at(cli, "set", i));
         i++) {
        r = hf_config_set(config, set, err);
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
    const char *flag = cli_flag(cli, "config");
    const char *given = getenv("HYPERFAAS_CONFIG");

    cli->config_in_environment = !flag && given && *given;
    return cli_load_config(cli, cli->config_in_environment ? given : flag, err);
}

/* Explains the command, or all; a line without command is wrong, and told so. */
static int
help(const struct cli *cli, struct hf_err *err)
{
    hf_autotext struct hf_text out;

    hf_text_init(&out);
    cli_help(command_tables, cli->command, cli->group, &out);
    if (cli->help) {
        return cli_print(&out, err);
    }
    fputs(hf_text_str(&out), stderr);
    return CLI_USAGE;
}

static int
run(struct cli *cli, struct hf_err *err)
{
    if (cli_flag(cli, "version")) {
        return version(cli, err);
    }
    if (cli->help || !cli->command) {
        return help(cli, err);
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
    struct cli cli = { .command = NULL };
    struct hf_err err = HF_ERR_INIT;
    int exit_code = CLI_USAGE;

    hf_signals_clean();
    hf_crash_catch();
    hf_log_set_level(NULL, HF_LOG_WARNING, NULL);
    if (cli_arguments_read(argc, argv, command_tables, &cli, &err) == 0) {
        exit_code = run(&cli, &err);
    }
    if (hf_err_code(&err) != 0) {
        cli_complain(&cli, &err);
    }
    free((void *)(uintptr_t)cli.plugin_folders);
    hf_options_free(cli.node);
    hf_config_free(cli.config);
    return exit_code;
}
