/* text.c - text that grows; see text.h. */
#include "base/text.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "base/macros.h"

void
hf_text_init(struct hf_text *text)
{
    *text = (struct hf_text){ .limit = HF_TEXT_LIMIT };
}

void
hf_text_fini(struct hf_text *text)
{
    free(text->data);
    text->data = NULL;
    text->len = text->size = 0;
}

void
hf_text_clear(struct hf_text *text)
{
    text->len = 0;
    text->truncated = false;
    if (text->data) {
        text->data[0] = '\0';
    }
}

/* Makes room for `len` more bytes and a NUL.  False: cut off from here on. */
static bool
reserve(struct hf_text *text, size_t len)
{
    size_t size = text->size ? text->size : 128;
    char *data;

    if (text->truncated || len > text->limit - text->len) {
        text->truncated = true;
        return false;
    }
    while (size < text->len + len + 1) {
        size *= 2;
    }
    if (size == text->size) {
        return true;
    }
    data = realloc(text->data, size);
    if (!data) {
        text->truncated = true;
        return false;
    }
    text->data = data;
    text->size = size;
    return true;
}

void
hf_text_add_mem(struct hf_text *text, const char *data, size_t len)
{
    if (len == 0 || !reserve(text, len)) {
        return;
    }
    memcpy(text->data + text->len, data, len);
    text->len += len;
    text->data[text->len] = '\0';
}

void
hf_text_add(struct hf_text *text, const char *s)
{
    hf_text_add_mem(text, s, strlen(s));
}

void
hf_text_add_char(struct hf_text *text, char c)
{
    hf_text_add_mem(text, &c, 1);
}

void
hf_text_pad(struct hf_text *text, char c, size_t n)
{
    if (n == 0 || !reserve(text, n)) {
        return;
    }
    memset(text->data + text->len, c, n);
    text->len += n;
    text->data[text->len] = '\0';
}

void
hf_text_printf(struct hf_text *text, const char *fmt, ...)
{
    va_list args;
    int len;

    va_start(args, fmt);
    len = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    if (len <= 0 || !reserve(text, (size_t)len)) {
        return;
    }
    va_start(args, fmt);
    vsnprintf(text->data + text->len, (size_t)len + 1, fmt, args);
    va_end(args);
    text->len += (size_t)len;
}

void
hf_text_add_json(struct hf_text *text, const char *data, size_t len)
{
    hf_text_add_char(text, '"');
    for (size_t i = 0, used; i < len; i += used) {
        char out[HF_ESCAPE_MAX];
        size_t n = hf_escape_next(data + i, len - i, &used, out);

        hf_text_add_mem(text, out, n);
    }
    hf_text_add_char(text, '"');
}

const char *
hf_text_str(const struct hf_text *text)
{
    return text->data ? text->data : "";
}

char *
hf_text_steal(struct hf_text *text)
{
    char *data = NULL;

    if (!text->truncated) {
        data = text->data ? hf_steal(text->data) : strdup("");
    }
    hf_text_fini(text);
    text->truncated = false;
    return data;
}

char *
hf_strdup_printf(const char *fmt, ...)
{
    char *ret = NULL;
    va_list args;

    va_start(args, fmt);
    if (vasprintf(&ret, fmt, args) < 0) {
        ret = NULL;
    }
    va_end(args);
    return ret;
}
