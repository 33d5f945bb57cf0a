/*
 * options.c - writes what hyperfaas.ini(5) says about options, from the tables that check them.
 *
 * A part of the build: the core's sections come from its own tables, those of modules from
 * the modules of the build tree, so that the manual cannot say anything else than the program.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/options.h"
#include "base/text.h"
#include "node/node_config.h"
#include "plugin/module.h"

/* --- roff ------------------------------------------------------------------------------------ */

/* Adds text of ours: what roff would act upon is escaped. */
static void
add(struct hf_text *out, const char *text)
{
    if (*text == '.' || *text == '\'') {
        hf_text_add(out, "\\&");
    }
    for (; *text; text++) {
        switch (*text) {
        case '\\':
            hf_text_add(out, "\\e");
            break;
        case '-':
            hf_text_add(out, "\\-");
            break;
        case '\'':
            hf_text_add(out, "\\(aq");
            break;
        case '"':
            hf_text_add(out, "\\(dq");
            break;
        default:
            hf_text_add_char(out, *text);
        }
    }
}

/* Adds a choice's words: "logfmt or json". */
static void
add_choices(struct hf_text *out, const char *choices)
{
    while (*choices) {
        size_t len = strcspn(choices, "|");
        char word[64];

        snprintf(word, sizeof word, "%.*s", (int)len, choices);
        choices += len + (choices[len] == '|');
        add(out, word);
        hf_text_add(out, !*choices ? "" : strchr(choices, '|') ? ", " : " or ");
    }
}

static void
add_bounds(struct hf_text *out, const struct hf_option *row)
{
    if (row->min) {
        hf_text_add(out, row->max ? ", " : ", at least ");
        add(out, row->min);
    }
    if (row->max) {
        hf_text_add(out, row->min ? " to " : ", at most ");
        add(out, row->max);
    }
}

static void
add_option(struct hf_text *out, const struct hf_option *row)
{
    hf_text_printf(out, ".TP\n\\fB%s\\fR (", row->key);
    if (row->choices) {
        add_choices(out, row->choices);
    } else {
        add(out, hf_option_type_name(row->type));
    }
    add_bounds(out, row);
    if (row->fallback && *row->fallback) {
        hf_text_add(out, "; default ");
        add(out, row->fallback);
    }
    hf_text_add(out, row->flags & HF_OPT_REQUIRED ? "; required)\n" : ")\n");
    if (row->help) {
        add(out, row->help);
        hf_text_add_char(out, '\n');
    }
    if (row->flags & HF_OPT_RELOAD) {
        hf_text_add(out, "Read anew on SIGHUP.\n");
    }
}

static void
add_options(struct hf_text *out, const struct hf_option *rows)
{
    for (; rows && rows->key; rows++) {
        add_option(out, rows);
    }
}

/* --- sections ----------------------------------------------------------------------------------
 */

static int
add_modules(struct hf_text *out, const struct hf_node_section *section,
            const struct hf_plugin_path *path, struct hf_err *err)
{
    struct hf_module_list modules;
    int r = hf_module_list_init(&modules, section->kind, path, err);

    for (size_t i = 0; r == 0 && i < modules.n; i++) {
        const struct hf_module *module;

        r = hf_module_load(section->kind, modules.files[i].name, path, &module, err);
        if (r == 0) {
            hf_text_printf(out, ".PP\n\\fBplugin = %s\\fR: ", module->name);
            add(out, module->summary);
            hf_text_add_char(out, '\n');
            add_options(out, module->options);
        }
    }
    hf_module_list_fini(&modules);
    return r;
}

static int
add_section(struct hf_text *out, const struct hf_node_section *section,
            const struct hf_plugin_path *path, struct hf_err *err)
{
    hf_text_printf(out, ".SS [%s]\n", section->name);
    add(out, section->help);
    hf_text_add_char(out, '\n');
    if (!section->kind) {
        add_options(out, section->rows);
        return 0;
    }
    hf_text_printf(out,
                   ".TP\n\\fBplugin\\fR (string; default %s)\nThe module: its name, or the path of "
                   "its file.\n",
                   section->plugin);
    add_options(out, section->rows);
    return add_modules(out, section, path, err);
}

int
main(void)
{
    const char *const folders[] = { hf_plugin_folder() };
    const struct hf_plugin_path path = { folders, 1 };
    struct hf_err err = HF_ERR_INIT;
    hf_autotext struct hf_text out;

    hf_text_init(&out);
    for (size_t i = 0; i < hf_node_section_count; i++) {
        if (add_section(&out, &hf_node_sections[i], &path, &err) < 0) {
            fprintf(stderr, "options: %s\n", hf_err_message(&err));
            return EXIT_FAILURE;
        }
    }
    return fputs(hf_text_str(&out), stdout) < 0 || fflush(stdout) != 0 ? EXIT_FAILURE
                                                                       : EXIT_SUCCESS;
}
