/*
 * help.h - what `--help` says, from the same tables that read the command line.
 */
#ifndef HF_CLI_HELP_H
#define HF_CLI_HELP_H

#include "cli.h"

/* Explains one command; or those of a group; or, with both NULL, the whole tool. */
void cli_help(const struct cli_command *const *tables, const struct cli_command *command,
              const char *group, struct hf_text *out);

#endif
