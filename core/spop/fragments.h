/*
 * fragments.h - a payload that HAProxy sends in several frames, put together.
 *
 * A NOTIFY without FIN begins it, UNSET frames with the same ids go on, FIN ends it.  On
 * one connection nothing else may come between.
 */
#ifndef HF_SPOP_FRAGMENTS_H
#define HF_SPOP_FRAGMENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "spop/frame.h"

/* The longest payload that is put together. */
#define HF_SPOP_PAYLOAD_MAX 65536u

/* What became of a frame. */
enum hf_spop_gathered {
    HF_SPOP_WHOLE,   /* the payload is complete */
    HF_SPOP_PARTIAL, /* there is nothing to do yet */
    HF_SPOP_REFUSED, /* too long, or no memory: HAProxy is to be told; the rest is ignored */
    HF_SPOP_BROKEN   /* it belongs to no payload, or comes in the midst of another */
};

/* All zero has nothing. */
struct hf_spop_fragments {
    uint64_t stream_id;
    uint64_t frame_id;
    bool gathering; /* a payload has begun */
    bool ignoring;  /* its rest does not count */
    uint8_t *data;  /* what came; of HF_SPOP_PAYLOAD_MAX bytes, or NULL */
    size_t len;
};

/* Takes a NOTIFY or an UNSET.  A whole payload is borrowed until `clear`, and its frame if it
 * came in one. */
enum hf_spop_gathered hf_spop_fragments_take(struct hf_spop_fragments *fragments,
                                             const struct hf_spop_frame *frame,
                                             struct hf_spop_reader *ret);

/* Forgets what came, and frees. */
void hf_spop_fragments_clear(struct hf_spop_fragments *fragments);

#endif
