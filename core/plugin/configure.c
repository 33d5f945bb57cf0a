/* configure.c - from a section of the configuration to a module with its options; see module.h. */
#include <string.h>

#include "base/config.h"
#include "base/err.h"
#include "base/options.h"
#include "base/text.h"
#include "plugin/module.h"

/* The name or path that the section gives; a relative path begins at the file's folder. */
static int
requested_name(const struct hf_config_section *section, const struct hf_module_request *request,
               const char *key, char **ret, struct hf_err *err)
{
    const struct hf_config_value *value = hf_config_value(section, key);
    const char *name = value && *value->text ? value->text : request->fallback;
    const char *slash = value ? strrchr(value->file, '/') : NULL;

    if (!name) {
        return hf_fail(err, HF_EINVALID,
                       "section [%s] needs %s: the %s module to use, by name or by path",
                       request->section, key, hf_plugin_kind_name(request->kind));
    }
    if (slash && name == value->text && strchr(name, '/') && *name != '/') {
        *ret = hf_strdup_printf("%.*s/%s", (int)(slash - value->file), value->file, name);
    } else {
        *ret = strdup(name);
    }
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

static int
check_section(const struct hf_config_section *section, const struct hf_module_request *request,
              const char *key, const struct hf_module *module, struct hf_err *err)
{
    const struct hf_option own[] = { { .key = key, .type = HF_OPT_STRING }, { .key = NULL } };
    const struct hf_option *const tables[] = { own, request->others, module->options };
    int r = check_names(module, request->others, key, err);

    return r < 0 ? r : hf_options_check_keys(section, tables, hf_countof(tables), err);
}

int
hf_module_configure(const struct hf_config *config, const struct hf_module_request *request,
                    const struct hf_plugin_path *path, const struct hf_module **ret,
                    struct hf_options **ret_options, struct hf_err *err)
{
    const struct hf_config_section *section = hf_config_section(config, request->section);
    const char *key = request->key ? request->key : "plugin";
    const struct hf_module *module = NULL;
    hf_autofree char *name = NULL;
    int r = requested_name(section, request, key, &name, err);

    if (r < 0) {
        return r;
    }
    r = hf_module_load(request->kind, name, path, &module, err);
    if (r < 0) {
        return wrap_section(section, request, key, r, err);
    }
    r = check_section(section, request, key, module, err);
    if (r == 0) {
        r = hf_options_new(request->section, section, module->options, ret_options, err);
    }
    if (r == 0) {
        *ret = module;
    }
    return r;
}
