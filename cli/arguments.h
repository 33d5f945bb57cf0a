/*
 * arguments.h - command lines and the tables of commands: reading by them, and explaining them.
 */
#ifndef HF_CLI_ARGUMENTS_H
#define HF_CLI_ARGUMENTS_H

#include "cli.h"

/* The flags that every command takes. */
extern const struct cli_flag cli_global_flags[];

/* Runs the block for each command of the tables, of which NULL is the last.  `break` leaves one
 * table only. */
#define CLI_EACH_COMMAND(command, tables)                                                          \
    for (const struct cli_command *const *cli_table_at = (tables); *cli_table_at; cli_table_at++)  \
        for (const struct cli_command *command = *cli_table_at; (command)->words; (command)++)

/* Finds the command and takes apart its flags and arguments; `tables` ends with NULL.
 * Without a command, `cli->command` stays NULL and `cli->group` may be set.
 * HF_EINVALID: what is wrong, and what would be right. */
int cli_arguments_read(int argc, char **argv, const struct cli_command *const *tables,
                       struct cli *cli, struct hf_err *err);

/* Whether the command's first word is `group`, and it has more than one. */
bool cli_is_of_group(const struct cli_command *command, const char *group);

/* Explains one command; or those of a group; or, with both NULL, the whole tool. */
void cli_help(const struct cli_command *const *tables, const struct cli_command *command,
              const char *group, struct hf_text *out);

#endif
