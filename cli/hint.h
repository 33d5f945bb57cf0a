/*
 * hint.h - the command that calls a function, for pasting into a shell.
 */
#ifndef HF_CLI_HINT_H
#define HF_CLI_HINT_H

#include "cli.h"

/* Appends it: whole for a sample function, else with a method to be filled in. */
void cli_hint_call(const struct cli *cli, const char *id, const char *image, struct hf_text *out);

#endif
