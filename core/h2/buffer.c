/*
 * buffer.c - a queue of bytes in chunks of two sizes.
 *
 * Most messages are small and most buffers short-lived; bulk data goes into chunks
 * of a DATA frame's size.  Both come from the thread's free lists.
 */
#include "h2/buffer.h"

#include <stdbool.h>
#include <string.h>

#include <hyperfaas/error.h>

#include "base/assert.h"
#include "h2/buffer_private.h"
#include "h2/mem.h"

/* Payload of a small chunk: with its head it fills a block of 1 KiB. */
#define SMALL (1024u - sizeof(struct hf_h2_chunk))

_Static_assert(sizeof(struct hf_h2_chunk) + HF_H2_CHUNK_MAX <= HF_H2_MEM_FRAME,
               "a large chunk is a block of the size that is kept");

static struct hf_h2_chunk *
chunk_new(size_t wanted)
{
    bool small = wanted <= SMALL;
    struct hf_h2_chunk *chunk =
        hf_h2_mem_alloc(small ? sizeof *chunk + SMALL : (size_t)HF_H2_MEM_FRAME);

    if (!chunk) {
        return NULL;
    }
    chunk->next = NULL;
    chunk->begin = 0;
    chunk->end = 0;
    chunk->size = small ? SMALL : HF_H2_CHUNK_MAX;
    return chunk;
}

static void
append_chunk(struct hf_h2_buffer *buffer, struct hf_h2_chunk *chunk)
{
    if (buffer->last) {
        buffer->last->next = chunk;
    } else {
        buffer->first = chunk;
    }
    buffer->last = chunk;
}

/* Frees the chunks after `last`, which may be NULL. */
static void
truncate_after(struct hf_h2_buffer *buffer, struct hf_h2_chunk *last)
{
    struct hf_h2_chunk *chunk = last ? last->next : buffer->first;

    while (chunk) {
        struct hf_h2_chunk *next = chunk->next;

        hf_h2_mem_free(chunk);
        chunk = next;
    }
    if (last) {
        last->next = NULL;
    } else {
        buffer->first = NULL;
    }
    buffer->last = last;
}

int
hf_h2_buffer_append(struct hf_h2_buffer *buffer, const void *data, size_t len)
{
    struct hf_h2_chunk *old_last = buffer->last;
    uint32_t old_end = old_last ? old_last->end : 0;
    const uint8_t *from = data;
    size_t left = len;

    while (left > 0) {
        struct hf_h2_chunk *chunk = buffer->last;
        size_t n;

        if (!chunk || chunk->end == chunk->size) {
            chunk = chunk_new(left);
            if (!chunk) {
                truncate_after(buffer, old_last);
                if (old_last) {
                    old_last->end = old_end;
                }
                return HF_ENOMEM;
            }
            append_chunk(buffer, chunk);
        }
        n = chunk->size - chunk->end;
        n = n < left ? n : left;
        memcpy(chunk->data + chunk->end, from, n);
        chunk->end += (uint32_t)n;
        from += n;
        left -= n;
    }
    buffer->len += len;
    return 0;
}

const uint8_t *
hf_h2_buffer_peek(const struct hf_h2_buffer *buffer, size_t *ret_len)
{
    const struct hf_h2_chunk *chunk = buffer->first;

    *ret_len = chunk ? chunk->end - chunk->begin : 0;
    return chunk ? chunk->data + chunk->begin : NULL;
}

void
hf_h2_buffer_copy(const struct hf_h2_buffer *buffer, void *to, size_t len)
{
    uint8_t *at = to;

    hf_assert(len <= buffer->len);
    for (const struct hf_h2_chunk *chunk = buffer->first; len > 0; chunk = chunk->next) {
        size_t n = chunk->end - chunk->begin;

        n = n < len ? n : len;
        memcpy(at, chunk->data + chunk->begin, n);
        at += n;
        len -= n;
    }
}

void
hf_h2_buffer_skip(struct hf_h2_buffer *buffer, size_t len)
{
    hf_assert(len <= buffer->len);
    buffer->len -= len;
    while (len > 0) {
        struct hf_h2_chunk *chunk = buffer->first;
        size_t n;

        hf_assert(chunk);
        n = chunk->end - chunk->begin;
        if (n > len) {
            chunk->begin += (uint32_t)len;
            return;
        }
        len -= n;
        buffer->first = chunk->next;
        if (!buffer->first) {
            buffer->last = NULL;
        }
        hf_h2_mem_free(chunk);
    }
}

struct hf_h2_chunk *
hf_h2_buffer_take_chunk(struct hf_h2_buffer *buffer)
{
    struct hf_h2_chunk *chunk = buffer->first;

    buffer->first = chunk->next;
    if (!buffer->first) {
        buffer->last = NULL;
    }
    buffer->len -= chunk->end - chunk->begin;
    chunk->next = NULL;
    return chunk;
}

void
hf_h2_buffer_move(struct hf_h2_buffer *to, struct hf_h2_buffer *from)
{
    if (!from->first) {
        return;
    }
    append_chunk(to, from->first);
    to->last = from->last;
    to->len += from->len;
    *from = (struct hf_h2_buffer){ 0 };
}

void
hf_h2_buffer_clear(struct hf_h2_buffer *buffer)
{
    truncate_after(buffer, NULL);
    buffer->len = 0;
}
