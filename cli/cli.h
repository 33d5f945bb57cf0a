/*
 * cli.h - what all commands of `hyperfaas` share.
 *
 * A command is a row of a table: its words, its arguments, its flags, its function.
 * The same rows parse the command line and write the help.  Results go to stdout,
 * as text for people or with --json for programs; errors are one message on stderr.
 */
#ifndef HF_CLI_CLI_H
#define HF_CLI_CLI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/json.h"
#include "base/macros.h"
#include "base/text.h"
#include "node/secret.h"

struct hf_config;
struct hf_err;
struct hf_options;
struct hf_plugin_path;

/* Exit codes, for scripts. */
enum cli_exit {
    CLI_OK = 0,
    CLI_FAILED = 1, /* what was asked for failed */
    CLI_USAGE = 2,  /* the command line or the configuration is wrong */
    CLI_CALL = 3    /* `call`: it was answered with a status that is not OK */
};

/* A flag of a command; a table ends with a row without name. */
struct cli_flag {
    const char *name;  /* without dashes */
    char letter;       /* 0: none */
    const char *value; /* what it takes, in capitals; NULL: takes nothing.  DURATION, SIZE, N and
                        * MICROSECONDS are numbers, which are checked when the line is read */
    const char *help;
};

struct cli;

struct cli_command {
    const char *words;     /* "function create" */
    const char *arguments; /* "[IMAGE]" */
    const char *summary;   /* one line */
    const struct cli_flag *flags;
    unsigned int min_args;
    unsigned int max_args;
    /* Returns an enum cli_exit; on failure fills `err` unless it has told all. */
    int (*run)(struct cli *cli, struct hf_err *err);
    const char *example; /* a line for a shell */
};

/* The longest wait. */
#define CLI_FOR_EVER (UINT64_C(100) * 365 * 24 * 3600 * HF_SEC)

/* Most flags that a command line may give, and arguments. */
#define CLI_MAX_GIVEN 64

struct cli {
    const struct cli_command *command;
    const char *group; /* the first word of several commands, when no second one was given */
    bool json;
    bool help;
    uint64_t timeout_ns;
    struct hf_config *config; /* what --config and --set say; never NULL in a command */
    const char *config_path;  /* NULL: none was given */
    bool config_in_environment;

    char secret[HF_SECRET_MAX]; /* what managers of the configuration's node send; "": not known */

    /* Made when first needed. */
    struct hf_options *node; /* [node] */
    const char *const *plugin_folders;
    size_t plugin_folder_count;

    unsigned int argc;
    const char *argv[CLI_MAX_GIVEN]; /* arguments after the command's words */

    struct {
        const struct cli_flag *flag;
        const char *value;
        uint64_t number; /* if the value is one */
    } given[CLI_MAX_GIVEN];
    unsigned int given_count;
};

/* The value of a flag: the last one given, or NULL; "" for one that takes nothing. */
const char *cli_flag(const struct cli *cli, const char *name);

/* The value of a flag that may be repeated; NULL behind the last. */
const char *cli_flag_at(const struct cli *cli, const char *name, unsigned int at);

/* The number of a flag, a duration in nanoseconds; `fallback`: it was not given. */
uint64_t cli_number(const struct cli *cli, const char *name, uint64_t fallback);

/* The same of a duration that must be above zero. */
int cli_duration(const struct cli *cli, const char *name, uint64_t fallback_ns, uint64_t *ret_ns,
                 struct hf_err *err);

/* Reads another configuration instead, with the same --set. */
int cli_load_config(struct cli *cli, const char *path, struct hf_err *err);

/* What the configuration says about a key of ours, or the key's default; may be NULL. */
const char *cli_setting(const struct cli *cli, const char *section, const char *key);

/* Where callers reach functions: the load balancer's proxy if there is one, else the leaf's. */
const char *cli_proxy_address(const struct cli *cli);

/* Tells of a failure that does not end the command, on stderr. */
void cli_complain(const struct cli *cli, const struct hf_err *err);

/* Where modules are looked for: as configured, or where they lie by default. */
int cli_plugin_path(struct cli *cli, struct hf_plugin_path *ret, struct hf_err *err);

/* The folder of the node's state; the caller frees it. */
int cli_state_folder(struct cli *cli, char **ret, struct hf_err *err);

/* The tables of the files. */
extern const struct cli_command cli_function_commands[];
extern const struct cli_command cli_function_restart_commands[];
extern const struct cli_command cli_function_watch_commands[];
extern const struct cli_command cli_call_commands[];
extern const struct cli_command cli_instances_commands[];
extern const struct cli_command cli_logs_commands[];
extern const struct cli_command cli_worker_commands[];
extern const struct cli_command cli_nodes_commands[];
extern const struct cli_command cli_node_commands[];
extern const struct cli_command cli_plugin_commands[];
extern const struct cli_command cli_plugin_check_commands[];
extern const struct cli_command cli_plugin_new_commands[];

#endif
