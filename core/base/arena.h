/*
 * arena.h - memory that is freed all at once: one arena per message.
 *
 * Allocation bumps a pointer within a chunk.  An arena belongs to one thread at a time.
 */
#ifndef HF_BASE_ARENA_H
#define HF_BASE_ARENA_H

#include <stddef.h>

/* What a chunk takes, its header included. */
#define HF_ARENA_CHUNK ((size_t)4096)

struct hf_arena_chunk;

struct hf_arena {
    struct hf_arena_chunk *chunks;
    char *next; /* free room in the first chunk */
    char *end;
};

/* Makes an empty arena; allocates nothing. */
void hf_arena_init(struct hf_arena *arena);

/* Frees everything that was allocated from it; it can be used again. */
void hf_arena_clear(struct hf_arena *arena);

static inline void
hf_arena_fini(struct hf_arena *arena)
{
    hf_arena_clear(arena);
}

/* Memory aligned for anything, not zeroed; NULL if there is none. */
void *hf_arena_alloc(struct hf_arena *arena, size_t size) __attribute__((malloc, alloc_size(2)));

/* Zeroed. */
void *hf_arena_calloc(struct hf_arena *arena, size_t count, size_t size);

/* Copies; the strings end in a NUL.  NULL if there is no memory. */
void *hf_arena_memdup(struct hf_arena *arena, const void *data, size_t len);
char *hf_arena_strdup(struct hf_arena *arena, const char *s);
char *hf_arena_strndup(struct hf_arena *arena, const char *data, size_t len);
char *hf_arena_printf(struct hf_arena *arena, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

#endif
