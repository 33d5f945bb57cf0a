/* quote.c - double quotes in configurations; see quote.h. */
#include "base/quote.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/macros.h"
#include "base/text.h"

/* Bytes of a word that a message shows. */
#define SHOWN 40

char
hf_quote_next(const char **s, bool *quoted)
{
    char c = *(*s)++;

    if (c == '"') {
        *quoted = !*quoted;
        return '\0';
    }
    if (c == '\\' && *quoted && (**s == '"' || **s == '\\')) {
        c = *(*s)++;
    }
    return c;
}

static bool
is_blank(char c)
{
    return isspace((unsigned char)c);
}

size_t
hf_quote_value_len(const char *text)
{
    bool quoted = false;
    const char *s = text;

    while (*s && (quoted || *s != ';' || (s > text && !is_blank(s[-1])))) {
        hf_quote_next(&s, &quoted);
    }
    while (s > text && is_blank(s[-1])) {
        s--;
    }
    return (size_t)(s - text);
}

/* --- checking ------------------------------------------------------------------------------ */

/* Whether an opening of single quotes can stand behind this character. */
static bool
begins_word(const char *raw, const char *s)
{
    return s == raw || is_blank(s[-1]) || s[-1] == ',' || s[-1] == '=';
}

/* Looks at an unquoted character that is likely to be meant otherwise. */
static int
check_char(const char *raw, const char *s, struct hf_err *err)
{
    size_t name = s[0] == '$'
                      ? strspn(s + 1, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz"
                                      "0123456789")
                      : 0;

    if (*s == '#' && s > raw && is_blank(s[-1])) {
        return hf_fail(
            err, HF_EINVALID,
            "behind a value a comment begins with ' ;', not with ' #'; if '%.*s' belongs "
            "to the value, put it in double quotes",
            SHOWN, s);
    }
    if (*s == '\'' && begins_word(raw, s)) {
        return hf_fail(
            err, HF_EINVALID,
            "single quotes do not quote: write double quotes, \"...\", in place of '%.*s'", SHOWN,
            s);
    }
    if (name > 0 && !isdigit((unsigned char)s[1])) {
        return hf_fail(err, HF_EINVALID,
                       "'%.*s' is not replaced: write ${%.*s} for the environment variable, or "
                       "\"$%.*s\" for the text",
                       (int)name + 1, s, (int)name, s + 1, (int)name, s + 1);
    }
    return 0;
}

int
hf_quote_check(const char *raw, bool strict, struct hf_err *err)
{
    bool quoted = false;
    const char *s = raw;

    while (*s) {
        int r = strict && !quoted ? check_char(raw, s, err) : 0;

        if (r < 0) {
            return r;
        }
        hf_quote_next(&s, &quoted);
    }
    if (quoted) {
        return hf_fail(err, HF_EINVALID,
                       "'%.*s' has no closing \"; a quote itself is written \"\\\"\"", SHOWN, raw);
    }
    return 0;
}

/* --- reading and writing ------------------------------------------------------------------- */

char *
hf_quote_plain(const char *raw)
{
    char *plain = malloc(strlen(raw) + 1);
    char *out = plain;
    bool quoted = false;

    while (plain && *raw) {
        char c = hf_quote_next(&raw, &quoted);

        if (c) {
            *out++ = c;
        }
    }
    if (plain) {
        *out = '\0';
    }
    return plain;
}

bool
hf_quote_word(const char **raw, char **ret)
{
    const char *begin = *raw + strspn(*raw, ", \t");
    const char *end = begin;
    bool quoted = false;
    hf_autofree char *word = NULL;

    *ret = NULL;
    while (*end && (quoted || !strchr(", \t", *end))) {
        hf_quote_next(&end, &quoted);
    }
    if (end == begin) {
        *raw = end;
        return false;
    }
    word = strndup(begin, (size_t)(end - begin));
    *ret = word ? hf_quote_plain(word) : NULL;
    if (*ret) {
        *raw = end;
    }
    return *ret != NULL;
}

void
hf_quote_add(struct hf_text *out, const char *text, bool quoted)
{
    for (; *text; text++) {
        if (quoted && (*text == '"' || *text == '\\')) {
            hf_text_printf(out, "\\%c", *text);
        } else if (!quoted && *text == '"') {
            hf_text_add(out, "\"\\\"\"");
        } else if (!quoted && strchr("'$#", *text)) {
            hf_text_printf(out, "\"%c\"", *text);
        } else {
            hf_text_add_char(out, *text);
        }
    }
}
