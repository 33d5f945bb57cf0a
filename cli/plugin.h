/*
 * plugin.h - finding the module that a command line names.
 */
#ifndef HF_CLI_PLUGIN_H
#define HF_CLI_PLUGIN_H

struct cli;
struct hf_err;
struct hf_module;

/* Loads "KIND-NAME", "NAME", or a file by its path. */
int cli_plugin_load(struct cli *cli, const char *text, const struct hf_module **ret,
                    struct hf_err *err);

#endif
