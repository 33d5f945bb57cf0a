/*
 * node.c - commands that concern a node: its configuration and its control socket.
 */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/macros.h"
#include "base/options.h"
#include "ctl/client.h"
#include "node/node.h"
#include "node/node_config.h"
#include "node/role.h"
#include "output.h"

/* --- configuration ------------------------------------------------------------------------- */

static int
config_check(struct cli *cli, struct hf_err *err)
{
    hf_autotext struct hf_text out;
    struct hf_node *node;

    hf_text_init(&out);
    if (cli->argc > 0 && cli_load_config(cli, cli->argv[0], err) < 0) {
        return CLI_USAGE;
    }
    if (!cli->config_path) {
        hf_fail(err, HF_EINVALID, "which configuration? For example: hyperfaas config check FILE");
        return CLI_USAGE;
    }
    if (hf_node_new(cli->config, hf_roles, &node, err) < 0) {
        return CLI_USAGE;
    }
    hf_node_free(node);
    hf_text_add(&out, cli->json ? "{\"ok\":true}\n" : "The configuration is good.\n");
    return cli_print(&out, err);
}

/* The sections and their options, without those of modules. */
static void
describe_sections(struct hf_json *json)
{
    hf_json_array(json, NULL);
    for (size_t i = 0; i < hf_node_section_count; i++) {
        const struct hf_node_section *section = &hf_node_sections[i];

        hf_json_object(json, NULL);
        hf_json_str(json, "section", section->name);
        hf_json_str(json, "help", section->help);
        hf_json_str(json, "plugin", section->plugin);
        hf_options_write_json(section->rows, "options", json);
        hf_json_end(json);
    }
    hf_json_end(json);
}

static int
config_sample(struct cli *cli, struct hf_err *err)
{
    hf_autotext struct hf_text out;
    struct hf_json json;

    hf_text_init(&out);
    if (cli->json) {
        hf_json_init(&json, &out);
        describe_sections(&json);
        hf_text_add_char(&out, '\n');
    } else {
        hf_node_config_sample(&out);
    }
    return cli_print(&out, err);
}

/* --- control socket ------------------------------------------------------------------------- */

static bool
is_socket_name(const char *name)
{
    size_t len = strlen(name);

    return len > 4 && strcmp(name + len - 4, ".ctl") == 0;
}

/* Adds the names of the sockets in a folder: "leaf, worker". */
static void
add_names(const char *folder, struct hf_text *out)
{
    DIR *dir = opendir(folder);
    struct dirent *entry;

    while (dir && (entry = readdir(dir))) {
        if (is_socket_name(entry->d_name)) {
            hf_text_printf(out, "%s%.*s", out->len ? ", " : "", (int)strlen(entry->d_name) - 4,
                           entry->d_name);
        }
    }
    if (dir) {
        closedir(dir);
    }
}

/* Nobody is at the socket: says why that may be. */
static int
fail_unreachable(const char *node, const char *folder, struct hf_err *err)
{
    hf_autotext struct hf_text names;

    hf_text_init(&names);
    add_names(folder, &names);
    if (names.len == 0) {
        return hf_fail(err, HF_EUNAVAILABLE,
                       "no node '%s': there is no control socket in '%s'. Is the node running, and "
                       "is this its state_dir? --config names the configuration it runs with",
                       node, folder);
    }
    return hf_fail(err, HF_EUNAVAILABLE,
                   "no node answers to the name '%s' in '%s'; control sockets there: %s", node,
                   folder, hf_text_str(&names));
}

/* Asks a node by its socket's path, or by the name of a role in the configured folder. */
static int
ask(struct cli *cli, const char *const *words, size_t count, struct hf_text *out,
    struct hf_err *err)
{
    const char *node = cli->argv[0];
    hf_autofree char *folder = NULL;
    hf_autofree char *path = NULL;
    int r;

    if (strchr(node, '/')) {
        return hf_ctl_ask(node, words, count, cli->timeout_ns, out, err);
    }
    r = cli_state_folder(cli, &folder, err);
    if (r < 0) {
        return r;
    }
    path = hf_strdup_printf("%s/%s.ctl", folder, node);
    if (!path) {
        return hf_fail(err, HF_ENOMEM, "no memory to ask a node");
    }
    r = hf_ctl_ask(path, words, count, cli->timeout_ns, out, err);
    return r == HF_EUNAVAILABLE ? fail_unreachable(node, folder, err) : r;
}

static int
ctl(struct cli *cli, struct hf_err *err)
{
    const char *words[CLI_MAX_GIVEN + 1];
    hf_autotext struct hf_text out;
    size_t count = 0;

    hf_text_init(&out);
    if (cli->json) {
        words[count++] = "--json";
    }
    for (unsigned int i = 1; i < cli->argc; i++) {
        words[count++] = cli->argv[i];
    }
    if (cli->argc == 1) {
        words[count++] = "help";
    }
    if (ask(cli, words, count, &out, err) < 0) {
        return CLI_FAILED;
    }
    if (cli->json && out.len > 0 && out.data[out.len - 1] != '\n') {
        hf_text_add_char(&out, '\n');
    }
    return cli_print(&out, err);
}

const struct cli_command cli_node_commands[] = {
    { "ctl", "NODE [COMMAND...]",
      "Sends a command to a running node of this machine; without one, lists the commands it has. "
      "NODE is one of its roles, or the path of its control socket.",
      NULL, 1, CLI_MAX_GIVEN, ctl, "hyperfaas ctl leaf node/show" },
    { "config check", "[FILE]",
      "Checks a configuration (else that of --config) as a node would at its start.", NULL, 0, 1,
      config_check, "hyperfaas config check conf/standalone.ini" },
    { "config sample", "", "Prints a configuration with all options and their defaults.", NULL, 0,
      0, config_sample, "hyperfaas config sample > hyperfaas.ini" },
    { 0 },
};
