/* option_value.c - reading one value; see option_value.h. */
#include "base/option_value.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/macros.h"
#include "base/parse.h"
#include "base/quote.h"
#include "base/text.h"

#define CHOICES_MAX 32

bool
hf_option_is_u64(uint32_t type)
{
    return type == HF_OPT_UINT || type == HF_OPT_BOOL || type == HF_OPT_DURATION ||
           type == HF_OPT_SIZE;
}

bool
hf_option_is_str(uint32_t type)
{
    return type == HF_OPT_STRING || type == HF_OPT_ENUM || type == HF_OPT_ADDRESS ||
           type == HF_OPT_PATH;
}

bool
hf_option_is_list(uint32_t type)
{
    return type == HF_OPT_LIST || type == HF_OPT_PATHS;
}

void
hf_option_value_fini(struct hf_option_value *value)
{
    for (size_t i = 0; i < value->n_items; i++) {
        free(value->items[i]);
    }
    free(value->items);
    free(value->str);
    *value = (struct hf_option_value){ 0 };
}

/* --- texts --------------------------------------------------------------------------------- */

/* Takes over `text`, which is NULL if there was no memory for it. */
static int
set_str(struct hf_option_value *value, char *text, struct hf_err *err)
{
    if (!text) {
        return hf_fail(err, HF_ENOMEM, "no memory for an option");
    }
    free(value->str);
    value->str = text;
    return 0;
}

/* The path as seen from where we are; NULL if there is no memory. */
static char *
locate(const char *path, const char *folder)
{
    bool relative = *path && *path != '/' && folder && strcmp(folder, ".") != 0;

    return relative ? hf_strdup_printf("%s/%s", folder, path) : strdup(path);
}

static int
fail_choice(const char *text, const char *const *words, size_t n, struct hf_err *err)
{
    const char *meant = hf_closest_word(text, words, n);
    hf_autotext struct hf_text list;

    hf_text_init(&list);
    for (size_t i = 0; i < n; i++) {
        hf_text_printf(&list, "%s%s", i > 0 ? ", " : "", words[i]);
    }
    if (meant) {
        return hf_fail(err, HF_EINVALID, "'%s' is not allowed; did you mean %s? Allowed are: %s",
                       text, meant, hf_text_str(&list));
    }
    return hf_fail(err, HF_EINVALID, "'%s' is not allowed; allowed are: %s", text,
                   hf_text_str(&list));
}

static int
read_enum(const struct hf_option *row, const char *text, struct hf_option_value *value,
          struct hf_err *err)
{
    hf_autofree char *choices = strdup(row->choices ? row->choices : "");
    const char *words[CHOICES_MAX] = { NULL };
    size_t n = 0;

    if (!choices) {
        return hf_fail(err, HF_ENOMEM, "no memory for an option");
    }
    for (char *rest = choices; rest && n < CHOICES_MAX;) {
        words[n++] = strsep(&rest, "|");
    }
    for (size_t i = 0; i < n; i++) {
        if (*text && strcmp(words[i], text) == 0) {
            return set_str(value, strdup(text), err);
        }
    }
    return fail_choice(text, words, n, err);
}

/* Takes over `word`, which is NULL if there was no memory for it. */
static int
add_item(struct hf_option_value *value, char *word, struct hf_err *err)
{
    char **items = reallocarray(value->items, value->n_items + 2, sizeof *items);

    if (!items) {
        free(word);
        return hf_fail(err, HF_ENOMEM, "no memory for an option");
    }
    value->items = items;
    items[value->n_items] = word;
    items[value->n_items + 1] = NULL;
    if (!items[value->n_items]) {
        return hf_fail(err, HF_ENOMEM, "no memory for an option");
    }
    value->n_items++;
    return 0;
}

/* What a shell would do with it, nobody does here. */
static int
check_path(const char *path, struct hf_err *err)
{
    if (!*path) {
        return hf_fail(err, HF_EINVALID, "the path is empty; leave the line out for the default");
    }
    if (*path == '~') {
        return hf_fail(err, HF_EINVALID,
                       "'%s': ~ is not replaced: write ${HOME}%s, or ./%s for a file of that name",
                       path, path[1] == '/' ? path + 1 : "/...", path);
    }
    return 0;
}

static int
read_path(const char *text, const char *folder, struct hf_option_value *value, struct hf_err *err)
{
    int r = check_path(text, err);

    return r < 0 ? r : set_str(value, locate(text, folder), err);
}

static int
read_list(const char *raw, bool paths, const char *folder, struct hf_option_value *value,
          struct hf_err *err)
{
    char *word;
    int r = 0;

    while (r == 0 && hf_quote_word(&raw, &word)) {
        hf_autofree char *item = word;

        r = paths ? check_path(item, err) : 0;
        if (r == 0) {
            r = add_item(value, paths ? locate(item, folder) : hf_steal(item), err);
        }
    }
    return r == 0 && *raw ? hf_fail(err, HF_ENOMEM, "no memory for an option") : r;
}

/* --- reading and checking ------------------------------------------------------------------ */

static int
read_bool(const char *text, struct hf_option_value *value, struct hf_err *err)
{
    bool flag = false;
    int r = hf_parse_bool(text, &flag, err);

    value->u64 = flag;
    return r;
}

static int
read_typed(const struct hf_option *row, const char *text, const char *folder,
           struct hf_option_value *value, struct hf_err *err)
{
    int r;

    switch (row->type) {
    case HF_OPT_STRING:
        return set_str(value, strdup(text), err);
    case HF_OPT_BOOL:
        return read_bool(text, value, err);
    case HF_OPT_UINT:
        return hf_parse_u64(text, &value->u64, err);
    case HF_OPT_DURATION:
        return hf_parse_duration(text, &value->u64, err);
    case HF_OPT_SIZE:
        return hf_parse_size(text, &value->u64, err);
    case HF_OPT_DOUBLE:
        return hf_parse_double(text, &value->f64, err);
    case HF_OPT_ENUM:
        return read_enum(row, text, value, err);
    case HF_OPT_ADDRESS:
        r = hf_parse_address_check(text, err);
        return r < 0 ? r : set_str(value, strdup(text), err);
    case HF_OPT_LIST:
        return read_list(text, false, NULL, value, err);
    case HF_OPT_PATHS:
        return read_list(text, true, folder, value, err);
    case HF_OPT_PATH:
        return read_path(text, folder, value, err);
    default:
        return hf_fail(err, HF_EINTERNAL, "the option's type %u is unknown", row->type);
    }
}

int
hf_option_value_read(const struct hf_option *row, const char *text, const char *folder,
                     struct hf_option_value *value, struct hf_err *err)
{
    int r = read_typed(row, text, folder, value, err);

    if (r == HF_EINVALID && row->flags & HF_OPT_SECRET) {
        hf_fail(err, r, "the value, which is secret, is not well formed");
    }
    return r;
}

/* Whether a number lies on the wrong side of the limit written as `limit`. */
static bool
is_beyond(const struct hf_option *row, const struct hf_option_value *value, const char *limit,
          bool above)
{
    struct hf_option_value bound = { 0 };

    if (!limit || hf_option_value_read(row, limit, NULL, &bound, NULL) < 0) {
        return false; /* tables are checked on their own */
    }
    if (row->type == HF_OPT_DOUBLE) {
        return above ? value->f64 > bound.f64 : value->f64 < bound.f64;
    }
    return above ? value->u64 > bound.u64 : value->u64 < bound.u64;
}

int
hf_option_value_check(const struct hf_option *row, const struct hf_option_value *value,
                      const char *text, struct hf_err *err)
{
    const char *shown = row->flags & HF_OPT_SECRET ? "the value" : text;
    bool has_limits = hf_option_is_u64(row->type) || row->type == HF_OPT_DOUBLE;

    if (has_limits && is_beyond(row, value, row->min, false)) {
        return hf_fail(err, HF_EINVALID, "'%s' is too small; the smallest value is %s", shown,
                       row->min);
    }
    if (has_limits && is_beyond(row, value, row->max, true)) {
        return hf_fail(err, HF_EINVALID, "'%s' is too large; the largest value is %s", shown,
                       row->max);
    }
    return 0;
}
