/*
 * lines.c - cuts a stream into its lines.
 */
#include "lines.h"

#include <stdlib.h>
#include <string.h>

/* Keeps a part of a line; one that is too long, or for which there is no memory, is dropped. */
static void
keep(struct lines *lines, const char *data, size_t len)
{
    char *grown;

    if (len == 0 || lines->dropping) { /* of an empty line there is no memory, either */
        return;
    }
    if (lines->len + len > lines->size) {
        size_t size = 2 * (lines->len + len);

        grown = size > 2 * LINE_MAX_BYTES ? NULL : realloc(lines->data, size);
        if (!grown) {
            lines->dropping = true;
            return;
        }
        lines->data = grown;
        lines->size = size;
    }
    memcpy(lines->data + lines->len, data, len);
    lines->len += len;
}

static void
tell(struct lines *lines, line_fn *fn, void *arg)
{
    while (lines->len > 0 && (lines->data[lines->len - 1] == '\r')) {
        lines->len--;
    }
    if (lines->len > 0 && !lines->dropping) {
        fn(arg, lines->data, lines->len);
    }
    lines->len = 0;
    lines->dropping = false;
}

void
lines_add(struct lines *lines, const void *data, size_t len, line_fn *fn, void *arg)
{
    const char *rest = data;
    const char *newline;

    while (len > 0 && (newline = memchr(rest, '\n', len))) {
        size_t n = (size_t)(newline - rest);

        keep(lines, rest, n);
        tell(lines, fn, arg);
        rest += n + 1;
        len -= n + 1;
    }
    if (len > 0) {
        keep(lines, rest, len);
    }
}

void
lines_end(struct lines *lines, line_fn *fn, void *arg)
{
    tell(lines, fn, arg);
    lines_fini(lines);
}

void
lines_fini(struct lines *lines)
{
    free(lines->data);
    *lines = (struct lines){ 0 };
}
