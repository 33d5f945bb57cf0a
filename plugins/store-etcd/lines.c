/*
 * lines.c - a stream of lines, whose pieces are cut anywhere.
 */
#include "lines.h"

#include <stdlib.h>
#include <string.h>

/* Makes room for `len` more bytes, first where most of what came was taken. */
static bool
reserve(struct lines *lines, size_t len)
{
    size_t size = lines->size ? lines->size : 1024;
    char *data;

    if (lines->taken > lines->len / 2) {
        lines->len -= lines->taken;
        lines->looked -= lines->taken;
        memmove(lines->data, lines->data + lines->taken, lines->len);
        lines->taken = 0;
    }
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

bool
lines_add(struct lines *lines, const char *data, size_t len, size_t max)
{
    if (len > max || lines_waiting(lines) > max - len || !reserve(lines, len)) {
        return false;
    }
    if (len > 0) {
        memcpy(lines->data + lines->len, data, len);
        lines->len += len;
    }
    return true;
}

const char *
lines_next(struct lines *lines, size_t *ret_len)
{
    while (lines->looked < lines->len) {
        const char *line = lines->data + lines->taken;
        const char *newline = memchr(lines->data + lines->looked, '\n', lines->len - lines->looked);

        if (!newline) {
            lines->looked = lines->len;
            return NULL;
        }
        *ret_len = (size_t)(newline - line);
        lines->taken += *ret_len + 1;
        lines->looked = lines->taken;
        if (*ret_len > 0) {
            return line;
        }
    }
    return NULL;
}

const char *
lines_rest(struct lines *lines, size_t *ret_len)
{
    size_t from = lines->taken;

    *ret_len = lines_waiting(lines);
    lines->taken = lines->len;
    lines->looked = lines->len;
    return *ret_len > 0 ? lines->data + from : NULL;
}

size_t
lines_waiting(const struct lines *lines)
{
    return lines->len - lines->taken;
}

void
lines_fini(struct lines *lines)
{
    free(lines->data);
    *lines = (struct lines){ 0 };
}
