/*
 * buffer.h - a queue of bytes in pooled chunks.
 *
 * Every stream sends from one.  The layers above keep bytes in it that cannot
 * be sent yet: a request whose connection is still being made, a message that
 * is not complete.  Empty, it holds no memory.  One thread only.
 */
#ifndef HF_H2_BUFFER_H
#define HF_H2_BUFFER_H

#include <stddef.h>
#include <stdint.h>

struct hf_h2_chunk;

/* All zero is an empty buffer. */
struct hf_h2_buffer {
    struct hf_h2_chunk *first;
    struct hf_h2_chunk *last;
    size_t len; /* bytes in the buffer */
};

/* Appends a copy.  HF_ENOMEM leaves the buffer as it was. */
int hf_h2_buffer_append(struct hf_h2_buffer *, const void *data, size_t len);
/* The first contiguous bytes; `*ret_len` is 0 if the buffer is empty. */
const uint8_t *hf_h2_buffer_peek(const struct hf_h2_buffer *, size_t *ret_len);
/* Copies the first `len` bytes, which must be there, to `to` and leaves them in place. */
void hf_h2_buffer_copy(const struct hf_h2_buffer *, void *to, size_t len);
/* Drops the first `len` bytes, which must be there. */
void hf_h2_buffer_skip(struct hf_h2_buffer *, size_t len);
/* Moves everything in `from` to the end of `to`, without copying. */
void hf_h2_buffer_move(struct hf_h2_buffer *to, struct hf_h2_buffer *from);
/* Drops everything. */
void hf_h2_buffer_clear(struct hf_h2_buffer *);

#endif
