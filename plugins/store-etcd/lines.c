/*
 * lines.c - a stream of lines, whose pieces are cut anywhere.
 */
#include "lines.h"

#include <stdlib.h>
#include <string.h>

/* Makes room for `len` more bytes. */
static bool
reserve(struct lines *lines, size_t len)
{
    size_t size = lines->size ? lines->size : 1024;
    char *data;

    while (size < lines->len + len) {
        size *= 2;
    }
    if (size == lines->size) {
        return true;
    }
    data = realloc(lines->data, size);
    if (!data) {
        return false;
    }
    lines->data = data;
    lines->size = size;
    return true;
}

static bool
keep(struct lines *lines, const char *data, size_t len, size_t max)
{
    if (lines->len + len > max || !reserve(lines, len)) {
        return false;
    }
    memcpy(lines->data + lines->len, data, len);
    lines->len += len;
    return true;
}

enum lines_result
lines_add(struct lines *lines, const char *data, size_t len, size_t max, lines_fn *fn, void *arg)
{
    const char *newline;

    while (len > 0 && (newline = memchr(data, '\n', len))) {
        size_t piece = (size_t)(newline - data);

        if (!keep(lines, data, piece, max)) {
            return LINES_TOO_LONG;
        }
        data += piece + 1;
        len -= piece + 1;
        if (lines->len > 0) {
            size_t whole = lines->len;

            lines->len = 0;
            if (!fn(arg, lines->data, whole)) {
                return LINES_STOPPED;
            }
        }
    }
    return len == 0 || keep(lines, data, len, max) ? LINES_OK : LINES_TOO_LONG;
}

enum lines_result
lines_end(struct lines *lines, lines_fn *fn, void *arg)
{
    size_t whole = lines->len;

    lines->len = 0;
    return whole == 0 || fn(arg, lines->data, whole) ? LINES_OK : LINES_STOPPED;
}

void
lines_fini(struct lines *lines)
{
    free(lines->data);
    *lines = (struct lines){ 0 };
}
