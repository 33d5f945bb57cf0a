/*
 * streams.h - takes apart what an engine sends without end: JSON objects, and logs.
 */
#ifndef HF_RUNTIME_DOCKER_STREAMS_H
#define HF_RUNTIME_DOCKER_STREAMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <json-c/json_object.h>

/* Longer objects are skipped: no engine writes them. */
#define OBJECT_MAX_BYTES (1u << 18)

/*
 * JSON objects, which are the elements of one array, or have a line each.  A list may be long, and
 * an engine may answer without end: each object is read by itself and forgotten, so that neither
 * takes more memory, or a longer turn of the loop, than one of them and one piece of the stream.
 */
struct objects {
    bool by_line; /* set by the owner: no array */
    char *data;   /* the beginning of an object whose end has not come */
    size_t len, size;
    uint32_t depth; /* of open brackets */
    bool in_text, escaped;
    bool dropping; /* the object is too long */
    bool ended;    /* the array */
    bool wrong;    /* it is none */
};

typedef void object_fn(void *arg, struct json_object *object);

/* Calls `fn` for each object that ends in the piece; other values say nothing to us. */
void objects_add(struct objects *, const void *data, size_t len, object_fn *fn, void *arg);

/* Whether the array was there to its end; nothing, or null, is an empty one. */
bool objects_complete(const struct objects *);

/* Forgets what came; ready for another stream of the kind. */
void objects_fini(struct objects *);

#define FRAME_HEAD 8

/* A log.  Without a terminal, standard output and error come in frames: one byte that tells which,
 * three zeros, the length (big-endian), and so many bytes. */
struct demux {
    uint8_t head[FRAME_HEAD];
    size_t head_len;
    size_t left; /* of the present frame */
};

/* Calls `fn` with what was written, in the order in which it comes. */
void demux_add(struct demux *, const void *data, size_t len,
               void (*fn)(void *arg, const void *data, size_t len), void *arg);

#endif
