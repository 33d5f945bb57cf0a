/*
 * wire.h - protobuf's wire format: fields read out of bytes, and written.
 *
 * https://protobuf.dev/programming-guides/encoding/.  The bytes may come from anybody:
 * nothing is read beyond their end, and groups nest no deeper than HF_WIRE_DEPTH.
 */
#ifndef HF_GRPC_WIRE_H
#define HF_GRPC_WIRE_H

#include <stddef.h>
#include <stdint.h>

#include "base/text.h"

/* How deep messages, and what stands for them, may nest; the limit of other implementations. */
#define HF_WIRE_DEPTH 100

enum hf_wire_type {
    HF_WIRE_VARINT = 0,
    HF_WIRE_FIXED64 = 1,
    HF_WIRE_BYTES = 2,
    HF_WIRE_GROUP = 3,
    HF_WIRE_GROUP_END = 4,
    HF_WIRE_FIXED32 = 5
};

/* Where reading has come to. */
struct hf_wire_reader {
    const uint8_t *at;
    const uint8_t *end;
};

struct hf_wire_field {
    uint32_t number;
    uint32_t type;       /* enum hf_wire_type, never HF_WIRE_GROUP_END */
    uint64_t value;      /* of a varint or a fixed one */
    const uint8_t *data; /* of bytes and groups; borrowed */
    size_t len;
};

/* Reads the next field.  1: it is in `*ret`.  0: there is no more.  HF_EINVALID: the bytes are
 * no message. */
int hf_wire_next(struct hf_wire_reader *reader, struct hf_wire_field *ret);

/* Reads a value without its tag, as packed fields hold them; the same results. */
int hf_wire_value(struct hf_wire_reader *reader, uint32_t type, struct hf_wire_field *ret);

/* Append to a text that is used as bytes. */
void hf_wire_put_varint(struct hf_text *out, uint64_t value);
void hf_wire_put_tag(struct hf_text *out, uint32_t number, enum hf_wire_type type);
void hf_wire_put_fixed(struct hf_text *out, uint64_t value, size_t bytes);
/* A field of bytes, with its tag. */
void hf_wire_put_bytes(struct hf_text *out, uint32_t number, const void *data, size_t len);

/* Signed numbers as sint32 and sint64 have them. */
static inline uint64_t
hf_wire_zigzag(int64_t value)
{
    return ((uint64_t)value << 1) ^ (value < 0 ? UINT64_MAX : 0);
}

static inline int64_t
hf_wire_unzigzag(uint64_t value)
{
    return (int64_t)((value >> 1) ^ (value & 1 ? UINT64_MAX : 0));
}

#endif
