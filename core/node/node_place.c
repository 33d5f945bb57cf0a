/*
 * node_place.c - where in a configuration something stands that cannot be used.
 */
#include "node/node_place.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>

#include "base/config.h"
#include "base/err.h"
#include "base/macros.h"
#include "base/quote.h"
#include "base/text.h"

/* Whether a list's value has the word. */
static bool
has_item(const struct hf_config_value *value, const char *item)
{
    const char *rest = value->raw;
    char *word;
    bool found = false;

    while (!found && hf_quote_word(&rest, &word)) {
        hf_autofree char *mine = word;

        found = strcmp(mine, item) == 0;
    }
    return found;
}

static const struct hf_config_value *
find_value(const struct hf_config_section *section, const char *key, const char *item)
{
    const struct hf_config_value *value;
    const struct hf_config_value *found = NULL;

    if (!section) {
        return NULL;
    }
    HF_LIST_FOR (value, &section->values, node) {
        if (strcmp(value->key, key) == 0 && (!item || has_item(value, item))) {
            found = value;
        }
    }
    return found;
}

static void
add_place(const struct hf_config_value *value, struct hf_text *out)
{
    hf_config_where(value, out);
    hf_text_add(out, ": ");
}

static void
add_section(const struct hf_config_section *section, struct hf_text *out)
{
    hf_config_section_where(section, out);
    hf_text_add(out, ": ");
}

int
hf_node_wrap_value(const struct hf_config *config, const char *section, const char *key,
                   const char *item, int code, struct hf_err *err)
{
    const struct hf_config_section *given = hf_config_section(config, section);
    const struct hf_config_value *value = find_value(given, key, item);
    hf_autotext struct hf_text place;

    hf_text_init(&place);
    if (value) {
        add_place(value, &place);
    } else if (given) {
        add_section(given, &place);
    }
    return hf_err_wrap(err, code, "%s[%s] %s", hf_text_str(&place), section, key);
}

int
hf_node_refuse(const struct hf_config *config, const char *section, const char *key,
               const char *item, struct hf_err *err, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    hf_failv(err, HF_EINVALID, fmt, args);
    va_end(args);
    return hf_node_wrap_value(config, section, key, item, HF_EINVALID, err);
}

/* --- modules ------------------------------------------------------------------------------------
 */

static bool
is_word_char(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

/* Whether a message has the key as a word of its own. */
static bool
names_key(const char *message, const char *key)
{
    size_t len = strlen(key);

    for (const char *s = message; (s = strstr(s, key)); s += len) {
        if ((s == message || !is_word_char(s[-1])) && !is_word_char(s[len])) {
            return true;
        }
    }
    return false;
}

static const struct hf_config_value *
find_named(const struct hf_config_section *section, const char *message)
{
    const struct hf_config_value *value;

    if (!section) {
        return NULL;
    }
    HF_LIST_FOR (value, &section->values, node) {
        if (strcmp(value->key, "plugin") != 0 && names_key(message, value->key)) {
            return value;
        }
    }
    return NULL;
}

int
hf_node_wrap_module(const struct hf_config *config, const char *section, const char *module,
                    int code, struct hf_err *err)
{
    const struct hf_config_section *shared = hf_config_section(config, section);
    hf_autofree char *name = hf_strdup_printf("%s.%s", section, module);
    const struct hf_config_section *own = name ? hf_config_section(config, name) : NULL;
    const char *message = hf_err_message(err);
    const struct hf_config_value *value = find_named(own, message);
    hf_autotext struct hf_text place;

    hf_text_init(&place);
    value = value ? value : find_named(shared, message);
    if (value) {
        add_place(value, &place);
    } else if (own || shared) {
        add_section(own ? own : shared, &place);
    }
    return hf_err_wrap(err, code, "%s[%s]", hf_text_str(&place), section);
}
