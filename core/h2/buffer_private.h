/*
 * buffer_private.h - the chunks of a buffer, for the output path.
 *
 * A chunk that makes up a whole DATA frame is handed from the stream's buffer
 * to the socket without another copy.  Private to core/h2.
 */
#ifndef HF_H2_BUFFER_PRIVATE_H
#define HF_H2_BUFFER_PRIVATE_H

#include "h2/buffer.h"

/* Payload of a large chunk: that of the largest DATA frame we send. */
#define HF_H2_CHUNK_MAX 16384u

struct hf_h2_chunk {
    struct hf_h2_chunk *next;
    uint32_t begin; /* first byte not yet taken */
    uint32_t end;   /* first byte not yet filled */
    uint32_t size;
    uint8_t data[];
};

/* Takes the first chunk out of a buffer that is not empty; hf_h2_mem_free frees it. */
struct hf_h2_chunk *hf_h2_buffer_take_chunk(struct hf_h2_buffer *);

#endif
