/*
 * arguments.h - reading a command line against the tables of commands.
 */
#ifndef HF_CLI_ARGUMENTS_H
#define HF_CLI_ARGUMENTS_H

#include "cli.h"

/* What stands before or among a command's own words. */
struct cli_globals {
    const char *config;             /* --config FILE; NULL: not given */
    const char *set[CLI_MAX_GIVEN]; /* --set section.key=value */
    unsigned int set_count;
    const char *etcd_endpoints[CLI_MAX_GIVEN]; /* --etcd-endpoint */
    unsigned int etcd_endpoint_count;
    const char *metadata_prefix;
    const char *metadata_dial_timeout;
    bool help;
    bool version;
};

/* The flags that every command takes. */
extern const struct cli_flag cli_global_flags[];

/* Finds the command and takes apart its flags and arguments; `tables` ends with NULL.
 * Without a command, `cli->command` stays NULL and `cli->group` may be set.
 * HF_EINVALID: what is wrong, and what would be right. */
int cli_arguments_read(int argc, char **argv, const struct cli_command *const *tables,
                       struct cli *cli, struct cli_globals *globals, struct hf_err *err);

/* Whether the command's first word is `group`, and it has more than one. */
bool cli_is_of_group(const struct cli_command *command, const char *group);

/* Reads a duration in nanoseconds; a bare number means seconds. */
int cli_parse_duration(const char *text, uint64_t *ret_ns, struct hf_err *err);

#endif
