/*
 * elements.h - cuts a stream that is one JSON array into its elements.
 *
 * A list may be long, and an engine may answer without end: each element is read by itself and
 * forgotten, so that neither takes more memory, or a longer turn of the loop, than one of them and
 * one piece of the stream.
 */
#ifndef HF_RUNTIME_DOCKER_ELEMENTS_H
#define HF_RUNTIME_DOCKER_ELEMENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <json-c/json_object.h>

/* Longer elements are skipped: no engine writes them. */
#define ELEMENT_MAX_BYTES (1u << 18)

struct elements {
    char *data; /* the beginning of an element whose end has not come */
    size_t len, size;
    uint32_t depth; /* of open brackets; 1: within the array, between elements */
    bool in_text, escaped;
    bool dropping; /* the element is too long */
    bool ended;    /* the array */
    bool wrong;    /* it is none */
};

typedef void element_fn(void *arg, struct json_object *element);

/* Calls `fn` for each element that ends in the piece and is an object; others say nothing to us. */
void elements_add(struct elements *, const void *data, size_t len, element_fn *fn, void *arg);

/* Whether the array was there to its end; nothing, or null, is an empty one. */
bool elements_complete(const struct elements *);

void elements_fini(struct elements *);

#endif
