/*
 * elements.c - cuts a stream that is one JSON array into its elements.
 */
#include "elements.h"

#include <stdlib.h>
#include <string.h>

#include "json.h"

/* Keeps a part of an element; one that is too long, or for which there is no memory, is dropped. */
static void
keep(struct elements *elements, const char *data, size_t len)
{
    char *grown;
    size_t size = 2 * (elements->len + len);

    if (len == 0 || elements->dropping) {
        return;
    }
    if (elements->len + len > elements->size) {
        grown = size > 2 * ELEMENT_MAX_BYTES ? NULL : realloc(elements->data, size);
        if (!grown) {
            elements->dropping = true;
            return;
        }
        elements->data = grown;
        elements->size = size;
    }
    memcpy(elements->data + elements->len, data, len);
    elements->len += len;
}

static void
tell(struct elements *elements, element_fn *fn, void *arg)
{
    struct json_object *element =
        elements->dropping ? NULL : json_read(elements->data, elements->len);

    if (json_object_is_type(element, json_type_object)) {
        fn(arg, element);
    }
    json_object_put(element);
    elements->len = 0;
    elements->dropping = false;
}

/* One character within a text: true if it ends it. */
static void
pass_text(struct elements *elements, char c)
{
    if (elements->escaped) {
        elements->escaped = false;
    } else if (c == '\\') {
        elements->escaped = true;
    } else if (c == '"') {
        elements->in_text = false;
    }
}

/* One character outside of texts; true: an element of the array ends with it. */
static bool
pass(struct elements *elements, char c)
{
    switch (c) {
    case '"':
        elements->in_text = true;
        return false;
    case '[':
    case '{':
        elements->wrong |= c == '{' && elements->depth == 0;
        elements->depth++;
        return false;
    case ']':
    case '}':
        if (elements->depth > 0) {
            elements->depth--;
        }
        elements->ended = elements->depth == 0;
        return elements->depth == 1;
    default:
        return false;
    }
}

void
elements_add(struct elements *elements, const void *data, size_t len, element_fn *fn, void *arg)
{
    const char *bytes = data;
    size_t from = 0; /* what of the piece belongs to the element, and is not kept yet */

    for (size_t i = 0; i < len && !elements->ended && !elements->wrong; i++) {
        uint32_t before = elements->depth;

        if (elements->in_text) {
            pass_text(elements, bytes[i]);
        } else if (pass(elements, bytes[i])) {
            keep(elements, bytes + from, i + 1 - from);
            tell(elements, fn, arg);
            from = i + 1;
        }
        if (elements->depth <= 1 && before <= 1) { /* between elements */
            from = i + 1;
        } else if (before == 1) { /* one begins */
            from = i;
        }
    }
    if (elements->depth > 1 && from < len) {
        keep(elements, bytes + from, len - from);
    }
}

bool
elements_complete(const struct elements *elements)
{
    return !elements->wrong && (elements->ended || elements->depth == 0);
}

void
elements_fini(struct elements *elements)
{
    free(elements->data);
    *elements = (struct elements){ .depth = 0 };
}
