/*
 * streams.c - takes apart what an engine sends without end.
 */
#include "streams.h"

#include <stdlib.h>
#include <string.h>

#include "../kit/json.h"

/* --- objects -------------------------------------------------------------------------------- */

/* Keeps a part of an object; one that is too long, or for which there is no memory, is dropped. */
static void
keep(struct objects *objects, const char *data, size_t len)
{
    char *grown;
    size_t size = 2 * (objects->len + len);

    if (len == 0 || objects->dropping) {
        return;
    }
    if (objects->len + len > objects->size) {
        grown = size > 2 * OBJECT_MAX_BYTES ? NULL : realloc(objects->data, size);
        if (!grown) {
            objects->dropping = true;
            return;
        }
        objects->data = grown;
        objects->size = size;
    }
    memcpy(objects->data + objects->len, data, len);
    objects->len += len;
}

static void
tell(struct objects *objects, object_fn *fn, void *arg)
{
    struct json_object *object = objects->dropping ? NULL : json_read(objects->data, objects->len);

    if (json_object_is_type(object, json_type_object)) {
        fn(arg, object);
    }
    json_object_put(object);
    objects->len = 0;
    objects->dropping = false;
}

/* One character within a text. */
static void
pass_text(struct objects *objects, char c)
{
    if (objects->escaped) {
        objects->escaped = false;
    } else if (c == '\\') {
        objects->escaped = true;
    } else if (c == '"') {
        objects->in_text = false;
    }
}

/* How many brackets are open between objects. */
static uint32_t
outside(const struct objects *objects)
{
    return objects->by_line ? 0 : 1;
}

/* One character outside of texts; true: an object, or what stands in its place, ends with it. */
static bool
pass(struct objects *objects, char c)
{
    switch (c) {
    case '"':
        objects->in_text = true;
        return false;
    case '[':
    case '{':
        objects->wrong |= c == '{' && objects->depth < outside(objects);
        objects->depth++;
        return false;
    case ']':
    case '}':
        if (objects->depth > 0) {
            objects->depth--;
        }
        objects->ended = objects->depth < outside(objects);
        return objects->depth == outside(objects);
    default:
        return false;
    }
}

/* A line has ended: an object whose end has not come is none. */
static void
begin_line(struct objects *objects)
{
    objects->depth = 0;
    objects->len = 0;
    objects->in_text = objects->escaped = objects->dropping = false;
}

void
objects_add(struct objects *objects, const void *data, size_t len, object_fn *fn, void *arg)
{
    const char *bytes = data;
    size_t from = 0; /* what of the piece belongs to the object, and is not kept yet */

    for (size_t i = 0; i < len && !objects->ended && !objects->wrong; i++) {
        uint32_t before = objects->depth;

        if (objects->by_line && bytes[i] == '\n') {
            begin_line(objects);
        } else if (objects->in_text) {
            pass_text(objects, bytes[i]);
        } else if (pass(objects, bytes[i])) {
            keep(objects, bytes + from, i + 1 - from);
            tell(objects, fn, arg);
        }
        if (objects->depth <= outside(objects)) { /* between objects */
            from = i + 1;
        } else if (before <= outside(objects)) { /* one begins */
            from = i;
        }
    }
    if (objects->depth > outside(objects) && from < len) {
        keep(objects, bytes + from, len - from);
    }
}

bool
objects_complete(const struct objects *objects)
{
    return !objects->wrong && (objects->ended || objects->depth == 0);
}

void
objects_fini(struct objects *objects)
{
    free(objects->data);
    *objects = (struct objects){ .by_line = objects->by_line };
}

/* --- logs ----------------------------------------------------------------------------------- */

static size_t
smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

void
demux_add(struct demux *demux, const void *data, size_t len,
          void (*fn)(void *arg, const void *data, size_t len), void *arg)
{
    const uint8_t *rest = data;

    while (len > 0) {
        size_t n;

        if (demux->left > 0) {
            n = smaller(demux->left, len);
            fn(arg, rest, n);
            demux->left -= n;
        } else {
            n = smaller(FRAME_HEAD - demux->head_len, len);
            memcpy(demux->head + demux->head_len, rest, n);
            demux->head_len += n;
            if (demux->head_len == FRAME_HEAD) {
                demux->left = (size_t)demux->head[4] << 24 | (size_t)demux->head[5] << 16 |
                              (size_t)demux->head[6] << 8 | demux->head[7];
                demux->head_len = 0;
            }
        }
        rest += n;
        len -= n;
    }
}
