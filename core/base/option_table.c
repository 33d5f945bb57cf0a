/* option_table.c - tables of options: are they right, what do they say; see options.h. */
#include "base/options.h"

#include <string.h>

#include "base/err.h"
#include "base/json.h"
#include "base/option_value.h"
#include "base/text.h"

/* Columns of a sample file's comments. */
#define WIDTH 78

#define KNOWN_FLAGS (HF_OPT_RELOAD | HF_OPT_REQUIRED | HF_OPT_SECRET)

const char *
hf_option_type_name(uint32_t type)
{
    static const char *const names[] = {
        [HF_OPT_STRING] = "string",       [HF_OPT_BOOL] = "yes or no",
        [HF_OPT_UINT] = "number",         [HF_OPT_DURATION] = "duration",
        [HF_OPT_SIZE] = "size",           [HF_OPT_DOUBLE] = "decimal",
        [HF_OPT_ENUM] = "choice",         [HF_OPT_ADDRESS] = "address",
        [HF_OPT_LIST] = "list",           [HF_OPT_PATH] = "path",
        [HF_OPT_PATHS] = "list of paths",
    };

    return type < hf_countof(names) ? names[type] : NULL;
}

/* --- checking ------------------------------------------------------------------------------ */

static bool
is_key(const char *key)
{
    return *key && strspn(key, "abcdefghijklmnopqrstuvwxyz0123456789_") == strlen(key);
}

/* Reads one of the row's own texts. */
static int
check_text(const struct hf_option *row, const char *which, const char *text, struct hf_err *err)
{
    struct hf_option_value value = { 0 };
    int r;

    if (!text) {
        return 0;
    }
    r = hf_option_value_read(row, text, NULL, &value, err);
    if (r == 0) {
        r = hf_option_value_check(row, &value, text, err);
    }
    hf_option_value_fini(&value);
    return r < 0 ? hf_err_wrap(err, r, "its %s", which) : 0;
}

static int
check_row(const struct hf_option *row, struct hf_err *err)
{
    int r;

    if (!is_key(row->key)) {
        return hf_fail(err, HF_EINVALID, "a key has lower case letters, digits and underscores");
    }
    if (!hf_option_type_name(row->type)) {
        return hf_fail(err, HF_EINVALID, "its type %u is unknown", row->type);
    }
    if (row->flags & ~KNOWN_FLAGS) {
        return hf_fail(err, HF_EINVALID, "its flags 0x%x are unknown", row->flags & ~KNOWN_FLAGS);
    }
    if (row->type == HF_OPT_ENUM && !row->choices) {
        return hf_fail(err, HF_EINVALID, "it has no choices");
    }
    if (row->flags & HF_OPT_REQUIRED && row->fallback) {
        return hf_fail(err, HF_EINVALID, "it is required and has a default");
    }
    r = check_text(row, "minimum", row->min, err);
    r = r < 0 ? r : check_text(row, "maximum", row->max, err);
    return r < 0 ? r : check_text(row, "default", row->fallback, err);
}

int
hf_options_check_table(const char *owner, const struct hf_option *table, struct hf_err *err)
{
    for (const struct hf_option *row = table; row && row->key; row++) {
        int r = check_row(row, err);

        for (const struct hf_option *other = table; r == 0 && other < row; other++) {
            if (strcmp(other->key, row->key) == 0) {
                r = hf_fail(err, HF_EINVALID, "it is there twice");
            }
        }
        if (r < 0) {
            return hf_err_wrap(err, r, "%s: option '%s'", owner, row->key);
        }
    }
    return 0;
}

/* --- describing ---------------------------------------------------------------------------- */

/* Adds words as comment lines that are not too long. */
static void
write_comment(const char *text, struct hf_text *out)
{
    size_t column = 0;

    while (*text) {
        size_t len = strcspn(text, " ");

        if (column > 0 && column + 1 + len > WIDTH) {
            hf_text_add_char(out, '\n');
            column = 0;
        }
        hf_text_add(out, column == 0 ? "; " : " ");
        hf_text_add_mem(out, text, len);
        column += len + (column == 0 ? 2 : 1);
        text += len + strspn(text + len, " ");
    }
    hf_text_add_char(out, '\n');
}

/* "duration, 100ms to 10m, may change while running". */
static void
describe_row(const struct hf_option *row, struct hf_text *out)
{
    hf_text_add(out, hf_option_type_name(row->type));
    for (const char *c = row->type == HF_OPT_ENUM ? row->choices : NULL; c && *c;) {
        size_t len = strcspn(c, "|");

        hf_text_printf(out, "%s%.*s", c == row->choices ? ": " : " | ", (int)len, c);
        c += len + (c[len] == '|');
    }
    if (row->min && row->max) {
        hf_text_printf(out, ", %s to %s", row->min, row->max);
    } else if (row->min) {
        hf_text_printf(out, ", at least %s", row->min);
    } else if (row->max) {
        hf_text_printf(out, ", at most %s", row->max);
    }
    if (row->flags & HF_OPT_REQUIRED) {
        hf_text_add(out, ", required");
    }
    if (row->flags & HF_OPT_RELOAD) {
        hf_text_add(out, ", may change while running");
    }
}

void
hf_options_write_sample(const struct hf_option *table, struct hf_text *out)
{
    for (const struct hf_option *row = table; row && row->key; row++) {
        hf_autotext struct hf_text line;

        hf_text_init(&line);
        describe_row(row, &line);
        if (row->help) {
            write_comment(row->help, out);
        }
        write_comment(hf_text_str(&line), out);
        hf_text_printf(out, "%s%s = %s\n%s", row->flags & HF_OPT_REQUIRED ? "" : ";", row->key,
                       row->fallback ? row->fallback : "", row[1].key ? "\n" : "");
    }
}

static void
write_choices(const struct hf_option *row, struct hf_json *json)
{
    hf_json_array(json, "choices");
    for (const char *c = row->choices; *c;) {
        size_t len = strcspn(c, "|");
        hf_autofree char *word = strndup(c, len);

        hf_json_str(json, NULL, word);
        c += len + (c[len] == '|');
    }
    hf_json_end(json);
}

void
hf_options_write_json(const struct hf_option *table, const char *key, struct hf_json *json)
{
    hf_json_array(json, key);
    for (const struct hf_option *row = table; row && row->key; row++) {
        hf_json_object(json, NULL);
        hf_json_str(json, "key", row->key);
        hf_json_str(json, "type", hf_option_type_name(row->type));
        hf_json_str(json, "default", row->fallback);
        hf_json_str(json, "min", row->min);
        hf_json_str(json, "max", row->max);
        if (row->choices) {
            write_choices(row, json);
        }
        hf_json_bool(json, "required", row->flags & HF_OPT_REQUIRED);
        hf_json_bool(json, "reloadable", row->flags & HF_OPT_RELOAD);
        hf_json_bool(json, "secret", row->flags & HF_OPT_SECRET);
        hf_json_str(json, "help", row->help);
        hf_json_end(json);
    }
    hf_json_end(json);
}
