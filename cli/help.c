/*
 * help.c - what `--help` says, from the same tables that read the command line.
 */
#include "arguments.h"

#include <string.h>

/* Where explanations begin, and where lines end. */
#define COLUMN 34
#define WIDTH  98

/* Adds words in lines that begin at the column `left`; the first one has come to `at`. */
static void
add_wrapped(const char *words, size_t at, size_t left, struct hf_text *out)
{
    hf_text_pad(out, ' ', at < left ? left - at : 0);
    at = at < left ? left : at;
    while (*words) {
        size_t len = strcspn(words, " ");

        if (at > left && at + len > WIDTH) {
            hf_text_add_char(out, '\n');
            hf_text_pad(out, ' ', left);
            at = left;
        }
        hf_text_add(out, at > left ? " " : "");
        hf_text_add_mem(out, words, len);
        words += len + strspn(words + len, " ");
        at += len + 1;
    }
    hf_text_add_char(out, '\n');
}

static void
add_flags(const char *title, const struct cli_flag *flags, struct hf_text *out)
{
    hf_text_printf(out, "\n%s:\n", title);
    for (; flags->name; flags++) {
        size_t start = out->len;

        if (flags->letter) {
            hf_text_printf(out, "  -%c, ", flags->letter);
        } else {
            hf_text_pad(out, ' ', 6);
        }
        hf_text_printf(out, "--%s%s%s", flags->name, flags->value ? " " : "",
                       flags->value ? flags->value : "");
        add_wrapped(flags->help, out->len - start, COLUMN, out);
    }
}

/* The commands of a group, or all. */
static void
add_commands(const struct cli_command *const *tables, const char *group, struct hf_text *out)
{
    hf_text_add(out, "\ncommands:\n");
    CLI_EACH_COMMAND (row, tables) {
        size_t start = out->len;

        if (!group || cli_is_of_group(row, group)) {
            hf_text_printf(out, "  %s%s%s", row->words, *row->arguments ? " " : "", row->arguments);
            add_wrapped(row->summary, out->len - start, COLUMN, out);
        }
    }
}

void
cli_help(const struct cli_command *const *tables, const struct cli_command *command,
         const char *group, struct hf_text *out)
{
    if (command) {
        hf_text_printf(out, "usage: hyperfaas %s%s%s [FLAG...]\n\n", command->words,
                       *command->arguments ? " " : "", command->arguments);
        add_wrapped(command->summary, 0, 0, out);
        hf_text_printf(out, "\nexample:\n  %s\n", command->example);
        if (command->flags) {
            add_flags("flags", command->flags, out);
        }
    } else {
        hf_text_add(out, "usage: hyperfaas COMMAND [ARGUMENT...] [FLAG...]\n\n"
                         "Manages and calls the functions of a HyperFaaS platform.\n");
        add_commands(tables, group, out);
    }
    add_flags("flags of every command", cli_global_flags, out);
    if (!command) {
        hf_text_add(out, "\n'hyperfaas COMMAND --help' explains a command.\n"
                         "Exit codes: 0 done, 1 failed, 2 wrong usage or configuration, 3 a call "
                         "was answered\nwith a status other than OK.\n");
    }
}
