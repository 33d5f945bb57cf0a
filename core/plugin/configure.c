/* configure.c - from a section of the configuration to a module with its options; see module.h. */
#include <stdio.h>
#include <string.h>

#include "base/config.h"
#include "base/err.h"
#include "base/options.h"
#include "base/text.h"
#include "plugin/module.h"

/* The section of a module's own, such as [scaler.concurrency]; NULL: there is none. */
static const struct hf_config_section *
own_section(const struct hf_config *config, const char *shared, const char *module)
{
    char name[512]; /* more than a file's name can have */

    snprintf(name, sizeof name, "%s.%s", shared, module);
    return hf_config_section(config, name);
}

/* The name or path that `value` gives; a relative path begins at the file's folder. */
static char *
locate(const struct hf_config_value *value)
{
    const char *slash = strrchr(value->file, '/');

    if (slash && strchr(value->text, '/') && *value->text != '/') {
        return hf_strdup_printf("%.*s/%s", (int)(slash - value->file), value->file, value->text);
    }
    return strdup(value->text);
}

/* The name or path of the module that is asked for.  A section of a module's own may say where
 * its file lies: then the module goes by the section's name. */
static int
requested_name(const struct hf_config *config, const struct hf_config_section *section,
               const struct hf_module_request *request, const char *key, char **ret,
               struct hf_err *err)
{
    const struct hf_config_value *value = hf_config_value(section, key);
    const char *name = value && *value->text ? value->text : request->fallback;
    const struct hf_config_value *path;

    if (!name) {
        return hf_fail(err, HF_EINVALID,
                       "section [%s] needs %s: the %s module to use, by name or by path",
                       request->section, key, hf_plugin_kind_name(request->kind));
    }
    path = strchr(name, '/') ? NULL
                             : hf_config_value(own_section(config, request->section, name), key);
    *ret = path ? locate(path) : value && name == value->text ? locate(value) : strdup(name);
    return *ret ? 0 : hf_fail(err, HF_ENOMEM, "no memory for a module's name");
}

static int
wrap_section(const struct hf_config_section *section, const struct hf_module_request *request,
             const char *key, int code, struct hf_err *err)
{
    const struct hf_config_value *value = hf_config_value(section, key);
    hf_autotext struct hf_text where;

    hf_text_init(&where);
    if (value) {
        hf_config_where(value, &where);
        hf_text_add(&where, ": ");
    }
    return hf_err_wrap(err, code, "%s[%s] %s", hf_text_str(&where), request->section, key);
}

/* The module's options must not have the names of what the section says beside them. */
static int
check_names(const struct hf_module *module, const struct hf_option *others, const char *key,
            struct hf_err *err)
{
    for (const struct hf_option *row = module->options; row && row->key; row++) {
        bool taken = strcmp(row->key, key) == 0;

        for (const struct hf_option *other = others; other && other->key && !taken; other++) {
            taken = strcmp(row->key, other->key) == 0;
        }
        if (taken) {
            return hf_fail(err, HF_EINVALID,
                           "module '%s' has an option '%s', which means something else in this "
                           "section",
                           module->path, row->key);
        }
    }
    return 0;
}

static bool
has_key(const struct hf_option *rows, const char *key)
{
    while (rows && rows->key && strcmp(rows->key, key) != 0) {
        rows++;
    }
    return rows && rows->key;
}

/* The name of a module of the kind that has an option of that name; NULL: none has. */
static const char *
find_owner(uint32_t kind, const char *key, const struct hf_plugin_path *path)
{
    struct hf_module_list list;
    const char *owner = NULL;

    if (hf_module_list_init(&list, kind, path, NULL) < 0) {
        return NULL;
    }
    for (size_t i = 0; i < list.n && !owner; i++) {
        const struct hf_module *module;

        if (hf_module_load(kind, list.files[i].name, path, &module, NULL) == 0 &&
            has_key(module->options, key)) {
            owner = module->name;
        }
    }
    hf_module_list_fini(&list);
    return owner;
}

/* Finds a key that means something only to another module than the one that is chosen. */
static int
check_owners(const struct hf_config_section *section, const struct hf_option *const *tables,
             size_t n, const struct hf_module *module, const struct hf_plugin_path *path,
             struct hf_err *err)
{
    const struct hf_config_value *value;

    HF_LIST_FOR (value, &section->values, node) {
        const char *owner;
        bool known = false;

        for (size_t i = 0; i < n && !known; i++) {
            known = has_key(tables[i], value->key);
        }
        owner = known ? NULL : find_owner(module->kind, value->key, path);
        if (owner) {
            hf_autotext struct hf_text where;

            hf_text_init(&where);
            hf_config_where(value, &where);
            return hf_fail(err, HF_EINVALID,
                           "%s: [%s] %s is an option of the module '%s', but '%s' is chosen: write "
                           "it below [%s.%s], which counts only for that module",
                           hf_text_str(&where), section->name, value->key, owner, module->name,
                           section->name, owner);
        }
    }
    return 0;
}

static int
check_section(const struct hf_config_section *section, const struct hf_module_request *request,
              const char *key, const struct hf_module *module, const struct hf_plugin_path *path,
              struct hf_err *err)
{
    const struct hf_option own[] = { { .key = key, .type = HF_OPT_STRING }, { .key = NULL } };
    bool shared = section && strcmp(section->name, request->section) == 0;
    const struct hf_option *const tables[] = { own, shared ? request->others : NULL,
                                               module->options };
    int r = shared ? check_owners(section, tables, hf_countof(tables), module, path, err) : 0;

    return r < 0 ? r : hf_options_check_keys(section, tables, hf_countof(tables), err);
}

int
hf_module_configure(const struct hf_config *config, const struct hf_module_request *request,
                    const struct hf_plugin_path *path, const struct hf_module **ret,
                    struct hf_options **ret_options, struct hf_err *err)
{
    const struct hf_config_section *sections[3] = { hf_config_section(config, request->section) };
    const char *key = request->key ? request->key : "plugin";
    const struct hf_module *module = NULL;
    const struct hf_config_value *asked = hf_config_value(sections[0], key);
    hf_autofree char *name = NULL;
    int r = requested_name(config, sections[0], request, key, &name, err);

    if (r < 0) {
        return r;
    }
    r = hf_module_load(request->kind, name, path, &module, err);
    if (r < 0) {
        return wrap_section(sections[0], request, key, r, err);
    }
    if (asked && strcmp(asked->text, module->name) != 0) {
        sections[1] = own_section(config, request->section, asked->text);
    }
    sections[2] = own_section(config, request->section, module->name);
    r = check_names(module, request->others, key, err);
    for (size_t i = 0; i < hf_countof(sections) && r == 0; i++) {
        r = check_section(sections[i], request, key, module, path, err);
    }
    if (r == 0) {
        r = hf_options_new_from(request->section, sections, hf_countof(sections), module->options,
                                ret_options, err);
    }
    if (r == 0) {
        *ret = module;
    }
    return r;
}

/* --- modules that are not chosen ---------------------------------------------------------------
 */

/* Checks a section for a module that may be chosen another time. */
static int
check_unchosen(const struct hf_config_section *section, const struct hf_module_request *request,
               const struct hf_plugin_path *path, struct hf_err *err)
{
    const char *key = request->key ? request->key : "plugin";
    const char *name = section->name + strlen(request->section) + 1;
    const struct hf_config_value *value = hf_config_value(section, key);
    hf_auto(hf_options_free) struct hf_options *options = NULL;
    hf_autofree char *located = value ? locate(value) : strdup(name);
    const struct hf_module *module = NULL;
    int r = located ? hf_module_load(request->kind, located, path, &module, err)
                    : hf_fail(err, HF_ENOMEM, "no memory for a module's name");

    if (r < 0) {
        hf_autotext struct hf_text where;

        hf_text_init(&where);
        hf_config_section_where(section, &where);
        return hf_err_wrap(err, r, "%s: [%s]", hf_text_str(&where), section->name);
    }
    r = check_section(section, request, key, module, path, err);
    return r < 0 ? r : hf_options_new(section->name, section, module->options, &options, err);
}

int
hf_module_check_others(const struct hf_config *config, const struct hf_module_request *request,
                       const struct hf_module *chosen, const struct hf_plugin_path *path,
                       struct hf_err *err)
{
    const struct hf_config_section *section;
    size_t len = strlen(request->section);

    HF_LIST_FOR (section, hf_config_sections(config), node) {
        bool named =
            strncmp(section->name, request->section, len) == 0 && section->name[len] == '.';

        if (named && strcmp(section->name + len + 1, chosen->name) != 0) {
            int r = check_unchosen(section, request, path, err);

            if (r < 0) {
                return r;
            }
        }
    }
    return 0;
}
