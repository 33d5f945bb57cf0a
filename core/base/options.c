/* options.c - a section bound to a table; see options.h.  Single values: option_value.c. */
#include "base/options.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/config.h"
#include "base/err.h"
#include "base/json.h"
#include "base/option_value.h"
#include "base/parse.h"
#include "base/text.h"

struct hf_options {
    const struct hf_option *table;
    size_t n;
    struct hf_option_value values[]; /* one for each row */
};

static size_t
count_rows(const struct hf_option *table)
{
    size_t n = 0;

    while (table && table[n].key) {
        n++;
    }
    return n;
}

/* --- binding ------------------------------------------------------------------------------- */

/* Puts "file:line: [section] key" before a message. */
static int
wrap_place(const struct hf_config_value *from, const char *section, int code, struct hf_err *err)
{
    hf_autotext struct hf_text place;

    hf_text_init(&place);
    hf_config_where(from, &place);
    return hf_err_wrap(err, code, "%s: [%s] %s", hf_text_str(&place), section, from->key);
}

static int
read_given(const struct hf_option *row, const struct hf_config_value *from,
           struct hf_option_value *value, struct hf_err *err)
{
    const char *text = hf_option_is_list(row->type) ? from->raw : from->text;
    const char *slash = strrchr(from->file, '/');
    hf_autofree char *folder =
        slash ? strndup(from->file, hf_max((size_t)(slash - from->file), (size_t)1)) : NULL;
    int r;

    if (slash && !folder) {
        return hf_fail(err, HF_ENOMEM, "no memory for an option");
    }
    r = hf_option_value_read(row, text, folder, value, err);
    return r < 0 ? r : hf_option_value_check(row, value, text, err);
}

/* Where values come from. */
struct origin {
    const char *name; /* for messages about what is not there */
    const struct hf_config_section *const *sections;
    size_t count;
};

/* The sections' first value of a row, or the one after `value`. */
static const struct hf_config_value *
next_value(const struct origin *origin, const struct hf_option *row, bool overrides, size_t *i,
           const struct hf_config_value *value)
{
    for (; *i < origin->count; (*i)++, value = NULL) {
        const struct hf_config_section *section = origin->sections[*i];
        const struct hf_list *link = value ? &value->node : section ? &section->values : NULL;

        for (; link && link->next != &section->values; link = link->next) {
            const struct hf_config_value *found =
                hf_container_of(link->next, struct hf_config_value, node);

            if (strcmp(found->key, row->key) == 0 && (!overrides || found->line == 0)) {
                return found;
            }
        }
    }
    return NULL;
}

/* Whether the command line gives the row a value, which then counts alone. */
static bool
is_overridden(const struct origin *origin, const struct hf_option *row)
{
    size_t i = 0;

    return next_value(origin, row, true, &i, NULL) != NULL;
}

/* Takes all values that the sections have for a row. */
static int
bind_given(const struct origin *origin, const struct hf_option *row, struct hf_option_value *value,
           struct hf_err *err)
{
    bool overrides = is_overridden(origin, row);
    const struct hf_config_value *before = NULL;
    const struct hf_config_value *from = NULL;
    size_t i = 0;

    while ((from = next_value(origin, row, overrides, &i, from))) {
        const char *name = origin->sections[i]->name;
        int r;

        if (before && before->file == from->file && !hf_option_is_list(row->type)) {
            r = hf_fail(err, HF_EINVALID, "is given twice, first in line %u", before->line);
            return wrap_place(from, name, r, err);
        }
        r = read_given(row, from, value, err);
        if (r < 0) {
            return wrap_place(from, name, r, err);
        }
        value->given = true;
        before = from;
    }
    return 0;
}

static int
fail_missing(const struct origin *origin, const struct hf_option *row, struct hf_err *err)
{
    const struct hf_config_section *section = origin->count > 0 ? origin->sections[0] : NULL;

    if (section && section->line > 0) {
        return hf_fail(err, HF_EINVALID, "%s:%u: [%s] needs %s: %s", section->file, section->line,
                       origin->name, row->key, row->help ? row->help : "");
    }
    return hf_fail(err, HF_EINVALID, "section [%s] needs %s: %s", origin->name, row->key,
                   row->help ? row->help : "");
}

static int
bind_row(const struct origin *origin, const struct hf_option *row, struct hf_option_value *value,
         struct hf_err *err)
{
    int r = bind_given(origin, row, value, err);

    if (r < 0 || value->given) {
        return r;
    }
    if (row->flags & HF_OPT_REQUIRED) {
        return fail_missing(origin, row, err);
    }
    if (row->fallback) {
        r = hf_option_value_read(row, row->fallback, NULL, value, err);
    }
    return r < 0 ? hf_err_wrap(err, r, "[%s] the default of %s", origin->name, row->key) : 0;
}

int
hf_options_new(const char *name, const struct hf_config_section *section,
               const struct hf_option *table, struct hf_options **ret, struct hf_err *err)
{
    return hf_options_new_from(name, &section, 1, table, ret, err);
}

int
hf_options_new_from(const char *name, const struct hf_config_section *const *sections, size_t count,
                    const struct hf_option *table, struct hf_options **ret, struct hf_err *err)
{
    const struct origin origin = { .name = name, .sections = sections, .count = count };
    size_t n = count_rows(table);
    hf_auto(hf_options_free) struct hf_options *options =
        calloc(1, sizeof *options + n * sizeof options->values[0]);

    if (!options) {
        return hf_fail(err, HF_ENOMEM, "no memory for the options of [%s]", name);
    }
    options->table = table;
    options->n = n;
    for (size_t i = 0; i < n; i++) {
        int r = bind_row(&origin, &table[i], &options->values[i], err);

        if (r < 0) {
            return r;
        }
    }
    *ret = hf_steal(options);
    return 0;
}

void
hf_options_free(struct hf_options *options)
{
    if (!options) {
        return;
    }
    for (size_t i = 0; i < options->n; i++) {
        hf_option_value_fini(&options->values[i]);
    }
    free(options);
}

/* --- unknown keys -------------------------------------------------------------------------- */

static int
fail_unknown_key(const struct hf_config_section *section, const struct hf_config_value *value,
                 const char *const *keys, size_t n, struct hf_err *err)
{
    const char *meant = hf_closest_word(value->key, keys, n);
    hf_autotext struct hf_text text;

    hf_text_init(&text);
    hf_config_where(value, &text);
    hf_text_printf(&text, ": [%s] has no key '%s'", section->name, value->key);
    if (meant) {
        hf_text_printf(&text, "; did you mean %s? The keys are:", meant);
    } else {
        hf_text_add(&text, n > 0 ? "; the keys are:" : "; it takes none");
    }
    for (size_t i = 0; i < n; i++) {
        hf_text_printf(&text, "%s %s", i > 0 ? "," : "", keys[i]);
    }
    return hf_fail(err, HF_EINVALID, "%s", hf_text_str(&text));
}

static bool
is_among(const char *key, const char *const *keys, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (strcmp(key, keys[i]) == 0) {
            return true;
        }
    }
    return false;
}

int
hf_options_check_keys(const struct hf_config_section *section,
                      const struct hf_option *const *tables, size_t n, struct hf_err *err)
{
    const struct hf_config_value *value;
    hf_autofree const char **keys = NULL;
    size_t n_keys = 0;

    for (size_t i = 0; i < n; i++) {
        n_keys += count_rows(tables[i]);
    }
    keys = calloc(n_keys + 1, sizeof *keys);
    if (!keys) {
        return hf_fail(err, HF_ENOMEM, "no memory for option keys");
    }
    n_keys = 0;
    for (size_t i = 0; i < n; i++) {
        for (const struct hf_option *row = tables[i]; row && row->key; row++) {
            keys[n_keys++] = row->key;
        }
    }
    if (!section) {
        return 0;
    }
    HF_LIST_FOR (value, &section->values, node) {
        if (!is_among(value->key, keys, n_keys)) {
            return fail_unknown_key(section, value, keys, n_keys, err);
        }
    }
    return 0;
}

/* --- asking -------------------------------------------------------------------------------- */

/* The value of a key, which must be there and of a type that `fits`. */
static const struct hf_option_value *
get(const struct hf_options *options, const char *key, bool (*fits)(uint32_t type))
{
    char what[128];

    for (size_t i = 0; i < options->n; i++) {
        if (strcmp(options->table[i].key, key) == 0) {
            if (!fits || fits(options->table[i].type)) {
                return &options->values[i];
            }
            snprintf(what, sizeof what, "option '%s' is a %s and was asked for as another type",
                     key, hf_option_type_name(options->table[i].type));
            hf_panic(__FILE__, __LINE__, __func__, what);
        }
    }
    snprintf(what, sizeof what, "option '%s' is not in the table", key);
    hf_panic(__FILE__, __LINE__, __func__, what);
}

static bool
is_bool(uint32_t type)
{
    return type == HF_OPT_BOOL;
}

static bool
is_double(uint32_t type)
{
    return type == HF_OPT_DOUBLE;
}

uint64_t
hf_options_u64(const struct hf_options *options, const char *key)
{
    return get(options, key, hf_option_is_u64)->u64;
}

bool
hf_options_bool(const struct hf_options *options, const char *key)
{
    return get(options, key, is_bool)->u64 != 0;
}

double
hf_options_double(const struct hf_options *options, const char *key)
{
    return get(options, key, is_double)->f64;
}

const char *
hf_options_str(const struct hf_options *options, const char *key)
{
    return get(options, key, hf_option_is_str)->str;
}

const char *
hf_options_item(const struct hf_options *options, const char *key, size_t i)
{
    const struct hf_option_value *value = get(options, key, hf_option_is_list);

    return i < value->n_items ? value->items[i] : NULL;
}

size_t
hf_options_count(const struct hf_options *options, const char *key)
{
    return get(options, key, hf_option_is_list)->n_items;
}

bool
hf_options_is_given(const struct hf_options *options, const char *key)
{
    return get(options, key, NULL)->given;
}

/* --- showing ------------------------------------------------------------------------------- */

static void
show_value(const struct hf_option *row, const struct hf_option_value *value, struct hf_text *out)
{
    char buf[HF_FORMAT_MAX];

    if (row->flags & HF_OPT_SECRET) {
        hf_text_add(out, "(hidden)");
    } else if (row->type == HF_OPT_DURATION) {
        hf_text_add(out, hf_format_duration(value->u64, buf));
    } else if (row->type == HF_OPT_SIZE) {
        hf_text_add(out, hf_format_size(value->u64, buf));
    } else if (row->type == HF_OPT_BOOL) {
        hf_text_add(out, value->u64 ? "yes" : "no");
    } else if (row->type == HF_OPT_UINT) {
        hf_text_printf(out, "%" PRIu64, value->u64);
    } else if (row->type == HF_OPT_DOUBLE) {
        hf_text_printf(out, "%g", value->f64);
    } else if (hf_option_is_str(row->type)) {
        hf_text_add(out, value->str ? value->str : "");
    }
    for (size_t i = 0; i < value->n_items && !(row->flags & HF_OPT_SECRET); i++) {
        hf_text_printf(out, "%s%s", i > 0 ? ", " : "", value->items[i]);
    }
}

static bool
has_value(const struct hf_options *options, size_t i)
{
    return options->values[i].given || options->table[i].fallback;
}

void
hf_options_show(const struct hf_options *options, const char *indent, struct hf_text *out)
{
    for (size_t i = 0; i < options->n; i++) {
        if (has_value(options, i)) {
            hf_text_printf(out, "%s%s=", indent, options->table[i].key);
            show_value(&options->table[i], &options->values[i], out);
            hf_text_add_char(out, '\n');
        }
    }
}

void
hf_options_show_json(const struct hf_options *options, const char *key, struct hf_json *json)
{
    hf_autotext struct hf_text value;

    hf_text_init(&value);
    hf_json_object(json, key);
    for (size_t i = 0; i < options->n; i++) {
        if (has_value(options, i)) {
            hf_text_clear(&value);
            show_value(&options->table[i], &options->values[i], &value);
            hf_json_str(json, options->table[i].key, hf_text_str(&value));
        }
    }
    hf_json_end(json);
}
