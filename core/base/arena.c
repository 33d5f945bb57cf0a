/* arena.c - bump allocation in chunks; see arena.h. */
#include "base/arena.h"

#include <stdalign.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"

#define ALIGN alignof(max_align_t)

struct hf_arena_chunk {
    alignas(max_align_t) struct hf_arena_chunk *next;
};

#define HEADER sizeof(struct hf_arena_chunk)

/* Blocks larger than this have a chunk of their own, so that little of a common
 * chunk is wasted. */
#define LARGE ((HF_ARENA_CHUNK - HEADER) / 4)

void
hf_arena_init(struct hf_arena *arena)
{
    *arena = (struct hf_arena){ .chunks = NULL };
}

void
hf_arena_clear(struct hf_arena *arena)
{
    while (arena->chunks) {
        struct hf_arena_chunk *chunk = arena->chunks;

        arena->chunks = chunk->next;
        free(chunk);
    }
    arena->next = arena->end = NULL;
}

/* A block in a chunk of its own, behind the one that still has room. */
static void *
alloc_large(struct hf_arena *arena, size_t size)
{
    struct hf_arena_chunk *chunk = malloc(HEADER + size);
    struct hf_arena_chunk **where = arena->chunks ? &arena->chunks->next : &arena->chunks;

    if (!chunk) {
        return NULL;
    }
    chunk->next = *where;
    *where = chunk;
    return (char *)chunk + HEADER;
}

void *
hf_arena_alloc(struct hf_arena *arena, size_t size)
{
    struct hf_arena_chunk *chunk;
    void *ret;

    if (size > SIZE_MAX - HEADER - ALIGN) {
        return NULL;
    }
    size = size ? (size + ALIGN - 1) & ~(ALIGN - 1) : ALIGN;
    if (size > LARGE) {
        return alloc_large(arena, size);
    }
    if ((size_t)(arena->end - arena->next) < size) {
        chunk = malloc(HF_ARENA_CHUNK);
        if (!chunk) {
            return NULL;
        }
        chunk->next = arena->chunks;
        arena->chunks = chunk;
        arena->next = (char *)chunk + HEADER;
        arena->end = (char *)chunk + HF_ARENA_CHUNK;
    }
    ret = arena->next;
    arena->next += size;
    return ret;
}

void *
hf_arena_calloc(struct hf_arena *arena, size_t count, size_t size)
{
    size_t total;
    void *ret = hf_mul_checked(count, size, &total) ? hf_arena_alloc(arena, total) : NULL;

    return ret ? memset(ret, 0, total) : NULL;
}

void *
hf_arena_memdup(struct hf_arena *arena, const void *data, size_t len)
{
    void *ret = hf_arena_alloc(arena, len);

    if (ret && len > 0) {
        memcpy(ret, data, len);
    }
    return ret;
}

char *
hf_arena_strndup(struct hf_arena *arena, const char *data, size_t len)
{
    char *ret = len < SIZE_MAX ? hf_arena_alloc(arena, len + 1) : NULL;

    if (ret) {
        memcpy(ret, data, len);
        ret[len] = '\0';
    }
    return ret;
}

char *
hf_arena_strdup(struct hf_arena *arena, const char *s)
{
    return hf_arena_strndup(arena, s, strlen(s));
}

char *
hf_arena_printf(struct hf_arena *arena, const char *fmt, ...)
{
    va_list args;
    char *ret;
    int len;

    va_start(args, fmt);
    len = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    ret = len < 0 ? NULL : hf_arena_alloc(arena, (size_t)len + 1);
    if (ret) {
        va_start(args, fmt);
        vsnprintf(ret, (size_t)len + 1, fmt, args);
        va_end(args);
    }
    return ret;
}
