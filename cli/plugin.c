/*
 * plugin.c - `hyperfaas plugin ...`: the modules there are, and what they take.
 */
#include <string.h>

#include "base/err.h"
#include "base/macros.h"
#include "output.h"
#include "plugin.h"
#include "plugin/module.h"

static const struct cli_flag list_flags[] = {
    { "kind", 'k', "KIND", "Only modules of one kind: lb, scheduler, scaler, store or runtime." },
    { 0 },
};

/* One row of the list; a file that is no module says why. */
static void
list_one(const struct hf_module_file *file, const struct hf_plugin_path *path, bool as_json,
         struct cli_list *list)
{
    const struct hf_module *module;
    struct hf_err err = HF_ERR_INIT;
    int r = hf_module_load(file->kind, file->path, path, &module, &err);
    const char *what = r < 0 ? hf_err_message(&err) : module->summary;

    if (as_json) {
        hf_json_object(&list->json, NULL);
        hf_json_str(&list->json, "kind", hf_plugin_kind_name(file->kind));
        hf_json_str(&list->json, "name", file->name);
        hf_json_str(&list->json, "file", file->path);
        hf_json_str(&list->json, r < 0 ? "error" : "summary", what);
        hf_json_end(&list->json);
    } else {
        cli_list_row(list, CLI_CELLS(hf_plugin_kind_name(file->kind), file->name, what));
    }
}

static int
list(struct cli *cli, struct hf_err *err)
{
    const char *kind_name = cli_flag(cli, "kind");
    struct hf_module_list modules;
    struct hf_plugin_path path;
    struct cli_list list;
    uint32_t kind = 0;

    if (kind_name && hf_plugin_kind_parse(kind_name, &kind, err) < 0) {
        return CLI_USAGE;
    }
    if (cli_plugin_path(cli, &path, err) < 0 ||
        hf_module_list_init(&modules, kind, &path, err) < 0) {
        return CLI_FAILED;
    }
    cli_list_init(&list, cli, CLI_CELLS("KIND", "NAME", "SUMMARY"));
    for (size_t i = 0; i < modules.n; i++) {
        list_one(&modules.files[i], &path, cli->json, &list);
    }
    hf_module_list_fini(&modules);
    return cli_list_print(&list, err);
}

/* The kind in "lb-leastload" or "../lb-mine.so"; 0: it does not begin with one. */
static uint32_t
kind_of(const char *base)
{
    const char *dash = strchr(base, '-');
    hf_autofree char *name = dash ? strndup(base, (size_t)(dash - base)) : NULL;
    uint32_t kind = 0;

    return name && hf_plugin_kind_parse(name, &kind, NULL) == 0 ? kind : 0;
}

/* The one module of that name, of whatever kind. */
static int
load_by_name(const char *name, const struct hf_plugin_path *path, const struct hf_module **ret,
             struct hf_err *err)
{
    const struct hf_module_file *found = NULL;
    struct hf_module_list modules;
    int r = hf_module_list_init(&modules, 0, path, err);

    if (r < 0) {
        return r;
    }
    for (size_t i = 0; i < modules.n && r == 0; i++) {
        if (strcmp(modules.files[i].name, name) != 0) {
            continue;
        }
        if (found) {
            r = hf_fail(err, HF_EINVALID, "'%s' is the name of several modules: say %s-%s or %s-%s",
                        name, hf_plugin_kind_name(found->kind), name,
                        hf_plugin_kind_name(modules.files[i].kind), name);
        }
        found = &modules.files[i];
    }
    if (r == 0) {
        r = found
                ? hf_module_load(found->kind, name, path, ret, err)
                : hf_fail(err, HF_ENOTFOUND,
                          "there is no module '%s': 'hyperfaas plugin list' shows those there are",
                          name);
    }
    hf_module_list_fini(&modules);
    return r;
}

/* A file whose name does not say its kind. */
static int
load_file(const char *file, const struct hf_plugin_path *path, const struct hf_module **ret,
          struct hf_err *err)
{
    int r = HF_EINVALID;

    for (uint32_t kind = 1; r == HF_EINVALID && hf_plugin_kind_name(kind); kind++) {
        r = hf_module_load(kind, file, path, ret, err);
    }
    return r;
}

int
cli_plugin_load(struct cli *cli, const char *text, const struct hf_module **ret, struct hf_err *err)
{
    const char *slash = strrchr(text, '/');
    uint32_t kind = kind_of(slash ? slash + 1 : text);
    struct hf_plugin_path path;
    int r = cli_plugin_path(cli, &path, err);

    if (r < 0) {
        return r;
    }
    if (slash) {
        return kind ? hf_module_load(kind, text, &path, ret, err)
                    : load_file(text, &path, ret, err);
    }
    return kind ? hf_module_load(kind, strchr(text, '-') + 1, &path, ret, err)
                : load_by_name(text, &path, ret, err);
}

static int
info(struct cli *cli, struct hf_err *err)
{
    const struct hf_module *module = NULL;
    hf_autotext struct hf_text out;
    struct hf_json json;

    hf_text_init(&out);
    if (cli_plugin_load(cli, cli->argv[0], &module, err) < 0) {
        return CLI_FAILED;
    }
    if (cli->json) {
        hf_json_init(&json, &out);
        hf_module_describe_json(module, NULL, &json);
        hf_text_add_char(&out, '\n');
    } else {
        hf_module_describe(module, &out);
    }
    return cli_print(&out, err);
}

const struct cli_command cli_plugin_commands[] = {
    { "plugin list", "", "Lists the modules there are.", list_flags, 0, 0, list,
      "hyperfaas plugin list --kind lb" },
    { "plugin info", "[KIND-]NAME|FILE", "Shows a module and the options it takes.", NULL, 1, 1,
      info, "hyperfaas plugin info lb-leastload" },
    { 0 },
};
