/*
 * fields_private.h - the inside of a block of fields, for receiving and sending.
 *
 * Private to core/h2.
 */
#ifndef HF_H2_FIELDS_PRIVATE_H
#define HF_H2_FIELDS_PRIVATE_H

#include <nghttp2/nghttp2.h>

#include "h2/fields.h"

#define HF_H2_FIELDS_INLINE 16u
#define HF_H2_TEXT_INLINE   192u

struct hf_h2_text;

struct hf_h2_fields {
    uint32_t magic;
    uint32_t refs;
    uint32_t n;
    uint32_t capacity;
    uint32_t bytes;     /* as RFC 9113 6.5.2 counts them; all received, also what did not fit */
    uint32_t received;  /* number of fields received, the same */
    uint32_t text_used; /* of `text` */
    bool truncated;
    bool failed;            /* out of memory */
    struct hf_h2_field *at; /* `inline_at` or a larger array */
    struct hf_h2_text *more_text;
    struct hf_h2_fields *next;      /* while it waits to be sent: behind it on its stream */
    uint16_t first[HF_H2_N_TOKENS]; /* index + 1 of the first field with that token */
    struct hf_h2_field inline_at[HF_H2_FIELDS_INLINE];
    char text[HF_H2_TEXT_INLINE];
};

/* Adds a received field, by reference, while the limits hold; beyond them marks
 * the block truncated. */
void hf_h2_fields_receive(struct hf_h2_fields *, nghttp2_rcbuf *name, nghttp2_rcbuf *value,
                          uint8_t flags, uint32_t max_bytes, uint32_t max_fields);

/* Writes the block as nghttp2 wants it, referring to the block's own text.
 * `to` has room for `hf_h2_fields_count`. */
void hf_h2_fields_to_nv(const struct hf_h2_fields *, nghttp2_nv *to);

#endif
