/* config.c - sections and values in memory; see config.h.  Reading files: config_file.c. */
#include "base/config.h"

#include <stdlib.h>
#include <string.h>

#include "base/config_file.h"
#include "base/err.h"
#include "base/parse.h"
#include "base/quote.h"
#include "base/text.h"

/* What stands for a file in overrides. */
#define OVERRIDE "--set"

/* The names of files, kept once for all values that point to them. */
struct file_name {
    struct hf_list node;
    char text[];
};

struct hf_config {
    struct hf_list sections;
    struct hf_list files; /* struct file_name */
};

int
hf_config_new(struct hf_config **ret, struct hf_err *err)
{
    struct hf_config *config = malloc(sizeof *config);

    if (!config) {
        return hf_fail(err, HF_ENOMEM, "no memory for a configuration");
    }
    hf_list_init(&config->sections);
    hf_list_init(&config->files);
    *ret = config;
    return 0;
}

static void
free_value(struct hf_config_value *value)
{
    hf_list_remove(&value->node);
    free(value->key);
    free(value->raw);
    free(value->text);
    free(value);
}

static void
free_section(struct hf_config_section *section)
{
    struct hf_list *node;

    while ((node = hf_list_pop(&section->values))) {
        free_value(hf_container_of(node, struct hf_config_value, node));
    }
    hf_list_remove(&section->node);
    free(section->name);
    free(section);
}

void
hf_config_free(struct hf_config *config)
{
    struct hf_list *node;

    if (!config) {
        return;
    }
    while (!hf_list_is_empty(&config->sections)) {
        free_section(hf_list_first(&config->sections, struct hf_config_section, node));
    }
    while ((node = hf_list_pop(&config->files))) {
        free(hf_container_of(node, struct file_name, node));
    }
    free(config);
}

/* --- adding -------------------------------------------------------------------------------- */

const char *
hf_config_keep_file(struct hf_config *config, const char *name, struct hf_err *err)
{
    size_t size = strlen(name) + 1;
    struct file_name *file = malloc(sizeof *file + size);

    if (!file) {
        hf_fail(err, HF_ENOMEM, "no memory for the configuration");
        return NULL;
    }
    memcpy(file->text, name, size);
    hf_list_append(&config->files, &file->node);
    return file->text;
}

static struct hf_config_section *
find_section(const struct hf_config *config, const char *name)
{
    struct hf_config_section *section;

    HF_LIST_FOR (section, &config->sections, node) {
        if (strcmp(section->name, name) == 0) {
            return section;
        }
    }
    return NULL;
}

void
hf_config_drop(struct hf_config *config, const char *section)
{
    struct hf_config_section *found = find_section(config, section);

    if (found) {
        free_section(found);
    }
}

int
hf_config_open_section(struct hf_config *config, const char *name, const char *file, unsigned line,
                       struct hf_config_section **ret, struct hf_err *err)
{
    struct hf_config_section *section = find_section(config, name);

    if (!section) {
        section = calloc(1, sizeof *section);
        if (!section || !(section->name = strdup(name))) {
            free(section);
            return hf_fail(err, HF_ENOMEM, "no memory for the configuration");
        }
        section->file = file;
        section->line = line;
        hf_list_init(&section->values);
        hf_list_append(&config->sections, &section->node);
    }
    *ret = section;
    return 0;
}

int
hf_config_value_set(struct hf_config_value *value, const char *raw)
{
    char *copy = strdup(raw);
    char *text = hf_quote_plain(raw);

    if (!copy || !text) {
        free(copy);
        free(text);
        return HF_ENOMEM;
    }
    free(value->raw);
    free(value->text);
    value->raw = copy;
    value->text = text;
    return 0;
}

int
hf_config_add(struct hf_config_section *section, const char *key, const char *raw,
              struct hf_config_value **ret, struct hf_err *err)
{
    struct hf_config_value *value = calloc(1, sizeof *value);

    if (value) {
        hf_list_init(&value->node);
        value->key = strdup(key);
    }
    if (!value || !value->key || hf_config_value_set(value, raw) < 0) {
        if (value) {
            free_value(value);
        }
        return hf_fail(err, HF_ENOMEM, "no memory for the configuration");
    }
    hf_list_append(&section->values, &value->node);
    *ret = value;
    return 0;
}

static void
remove_values(struct hf_config_section *section, const char *key)
{
    struct hf_config_value *value;
    struct hf_config_value *next;

    HF_LIST_FOR_SAFE (value, next, &section->values, node) {
        if (strcmp(value->key, key) == 0) {
            free_value(value);
        }
    }
}

int
hf_config_set(struct hf_config *config, const char *assignment, struct hf_err *err)
{
    const char *equals = strchr(assignment, '=');
    const char *dot = equals ? memrchr(assignment, '.', (size_t)(equals - assignment)) : NULL;
    hf_autofree char *name = NULL;
    hf_autofree char *key = NULL;
    struct hf_config_section *section;
    struct hf_config_value *value;
    int r;

    if (!dot || dot == assignment || dot + 1 == equals) {
        return hf_fail(err, HF_EINVALID,
                       "'%s' is no setting; write section.key=value, like leaf.proxy=0.0.0.0:80",
                       assignment);
    }
    name = strndup(assignment, (size_t)(dot - assignment));
    key = strndup(dot + 1, (size_t)(equals - dot - 1));
    if (!name || !key) {
        return hf_fail(err, HF_ENOMEM, "no memory for the configuration");
    }
    r = hf_quote_check(equals + 1, false, err);
    if (r < 0) {
        return hf_err_wrap(err, r, OVERRIDE " %s.%s", name, key);
    }
    r = hf_config_open_section(config, name, OVERRIDE, 0, &section, err);
    if (r < 0) {
        return r;
    }
    remove_values(section, key);
    r = hf_config_add(section, key, equals + 1, &value, err);
    if (r == 0) {
        value->file = OVERRIDE;
    }
    return r;
}

/* --- asking -------------------------------------------------------------------------------- */

const struct hf_config_section *
hf_config_section(const struct hf_config *config, const char *name)
{
    return find_section(config, name);
}

const char *
hf_config_name(const struct hf_config *config)
{
    return hf_list_is_empty(&config->files)
               ? NULL
               : hf_list_first(&config->files, struct file_name, node)->text;
}

const struct hf_list *
hf_config_sections(const struct hf_config *config)
{
    return &config->sections;
}

const struct hf_config_value *
hf_config_value(const struct hf_config_section *section, const char *key)
{
    const struct hf_config_value *value;
    const struct hf_config_value *last = NULL;

    if (!section) {
        return NULL;
    }
    HF_LIST_FOR (value, &section->values, node) {
        if (strcmp(value->key, key) == 0) {
            last = value;
        }
    }
    return last;
}

static void
write_place(const char *file, unsigned line, struct hf_text *out)
{
    hf_text_add(out, file);
    if (line > 0) {
        hf_text_printf(out, ":%u", line);
    }
}

void
hf_config_where(const struct hf_config_value *value, struct hf_text *out)
{
    write_place(value->file, value->line, out);
}

void
hf_config_section_where(const struct hf_config_section *section, struct hf_text *out)
{
    write_place(section->file, section->line, out);
}

static int
fail_unknown_section(const struct hf_config_section *section, const char *const *names, size_t n,
                     struct hf_err *err)
{
    const char *meant = hf_closest_word(section->name, names, n);
    hf_autotext struct hf_text text;

    hf_text_init(&text);
    hf_config_section_where(section, &text);
    hf_text_printf(&text, ": there is no section [%s]", section->name);
    if (meant) {
        hf_text_printf(&text, "; did you mean [%s]? The sections are:", meant);
    } else {
        hf_text_add(&text, "; the sections are:");
    }
    for (size_t i = 0; i < n; i++) {
        hf_text_printf(&text, "%s [%s]", i > 0 ? "," : "", names[i]);
    }
    return hf_fail(err, HF_EINVALID, "%s", hf_text_str(&text));
}

int
hf_config_check_sections(const struct hf_config *config, const char *const *names, size_t n,
                         bool (*is_other)(const char *name), struct hf_err *err)
{
    const struct hf_config_section *section;

    HF_LIST_FOR (section, &config->sections, node) {
        bool known = is_other && is_other(section->name);

        for (size_t i = 0; i < n && !known; i++) {
            known = strcmp(section->name, names[i]) == 0;
        }
        if (!known) {
            return fail_unknown_section(section, names, n, err);
        }
    }
    return 0;
}
