/*
 * wire.c - protobuf's wire format: fields read out of bytes, and written.
 */
#include "grpc/wire.h"

#include <hyperfaas/error.h>

/* Longest varint. */
#define VARINT_BYTES 10

/* The largest number that a field may have. */
#define NUMBER_MAX ((UINT32_C(1) << 29) - 1)

/* --- reading ------------------------------------------------------------------------------ */

static int
read_varint(struct hf_wire_reader *reader, uint64_t *ret)
{
    uint64_t value = 0;

    for (unsigned int i = 0; i < VARINT_BYTES && reader->at < reader->end; i++) {
        uint8_t byte = *reader->at++;

        value |= (uint64_t)(byte & 0x7F) << (7 * i);
        if (!(byte & 0x80)) {
            *ret = value;
            return 1;
        }
    }
    return HF_EINVALID;
}

static int
read_fixed(struct hf_wire_reader *reader, size_t bytes, uint64_t *ret)
{
    uint64_t value = 0;

    if ((size_t)(reader->end - reader->at) < bytes) {
        return HF_EINVALID;
    }
    for (size_t i = 0; i < bytes; i++) {
        value |= (uint64_t)reader->at[i] << (8 * i);
    }
    reader->at += bytes;
    *ret = value;
    return 1;
}

static int
read_bytes(struct hf_wire_reader *reader, struct hf_wire_field *ret)
{
    uint64_t len;

    if (read_varint(reader, &len) < 0 || len > (uint64_t)(reader->end - reader->at)) {
        return HF_EINVALID;
    }
    ret->data = reader->at;
    ret->len = (size_t)len;
    reader->at += len;
    return 1;
}

int
hf_wire_value(struct hf_wire_reader *reader, uint32_t type, struct hf_wire_field *ret)
{
    if (reader->at == reader->end) {
        return 0;
    }
    ret->type = type;
    switch (type) {
    case HF_WIRE_VARINT:
        return read_varint(reader, &ret->value);
    case HF_WIRE_FIXED64:
        return read_fixed(reader, 8, &ret->value);
    case HF_WIRE_FIXED32:
        return read_fixed(reader, 4, &ret->value);
    case HF_WIRE_BYTES:
        return read_bytes(reader, ret);
    default:
        return HF_EINVALID;
    }
}

static int
read_tag(struct hf_wire_reader *reader, struct hf_wire_field *ret)
{
    uint64_t tag;

    if (read_varint(reader, &tag) < 0 || tag >> 3 == 0 || tag >> 3 > NUMBER_MAX) {
        return HF_EINVALID;
    }
    *ret = (struct hf_wire_field){ .number = (uint32_t)(tag >> 3), .type = (uint32_t)(tag & 7) };
    return 1;
}

/* Passes over what is in a group, to behind its end. */
static int
skip_group(struct hf_wire_reader *reader, struct hf_wire_field *ret)
{
    uint32_t open[HF_WIRE_DEPTH] = { ret->number };
    unsigned int depth = 1;

    ret->data = reader->at;
    while (depth > 0) {
        struct hf_wire_field field;

        if (read_tag(reader, &field) < 0) {
            return HF_EINVALID;
        }
        if (field.type == HF_WIRE_GROUP && depth < HF_WIRE_DEPTH) {
            open[depth++] = field.number;
        } else if (field.type == HF_WIRE_GROUP_END && field.number == open[depth - 1]) {
            depth--;
        } else if (hf_wire_value(reader, field.type, &field) != 1) {
            return HF_EINVALID;
        }
    }
    ret->len = (size_t)(reader->at - ret->data);
    return 1;
}

int
hf_wire_next(struct hf_wire_reader *reader, struct hf_wire_field *ret)
{
    if (reader->at == reader->end) {
        return 0;
    }
    if (read_tag(reader, ret) < 0) {
        return HF_EINVALID;
    }
    if (ret->type == HF_WIRE_GROUP) {
        return skip_group(reader, ret);
    }
    return hf_wire_value(reader, ret->type, ret) == 1 ? 1 : HF_EINVALID;
}

/* --- writing ------------------------------------------------------------------------------ */

void
hf_wire_put_varint(struct hf_text *out, uint64_t value)
{
    char bytes[VARINT_BYTES];
    size_t len = 0;

    for (; value > 0x7F; value >>= 7) {
        bytes[len++] = (char)(value | 0x80);
    }
    bytes[len++] = (char)value;
    hf_text_add_mem(out, bytes, len);
}

void
hf_wire_put_tag(struct hf_text *out, uint32_t number, enum hf_wire_type type)
{
    hf_wire_put_varint(out, (uint64_t)number << 3 | type);
}

void
hf_wire_put_fixed(struct hf_text *out, uint64_t value, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        hf_text_add_char(out, (char)(value >> (8 * i)));
    }
}

void
hf_wire_put_bytes(struct hf_text *out, uint32_t number, const void *data, size_t len)
{
    hf_wire_put_tag(out, number, HF_WIRE_BYTES);
    hf_wire_put_varint(out, len);
    hf_text_add_mem(out, data, len);
}
