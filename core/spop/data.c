/*
 * data.c - numbers, strings and typed values in bytes.
 *
 * A number below 240 is one byte.  In a longer one the first byte holds the four lowest
 * bits, and each further byte seven more; what a byte's marker bits add is part of the
 * number, so that no number has two forms.
 */
#include "spop/data.h"

#include <string.h>

/* A number in one byte is below this. */
#define SHORT_MAX 240u

/* A byte with this bit, after the first, is followed by another. */
#define MORE 128u

/* The lower half of a value's first byte holds its type, the upper half its flags. */
#define TYPE_MASK 0x0fu
#define FLAG_TRUE 0x10u

bool
hf_spop_string_is(struct hf_spop_string string, const char *text)
{
    return string.len == strlen(text) && memcmp(string.data, text, string.len) == 0;
}

/* --- reading ------------------------------------------------------------------------------- */

static size_t
left(const struct hf_spop_reader *reader)
{
    return (size_t)(reader->end - reader->at);
}

bool
hf_spop_read_byte(struct hf_spop_reader *reader, uint8_t *ret)
{
    if (left(reader) == 0) {
        return false;
    }
    *ret = *reader->at++;
    return true;
}

bool
hf_spop_read_u32(struct hf_spop_reader *reader, uint32_t *ret)
{
    const uint8_t *at = reader->at;

    if (left(reader) < 4) {
        return false;
    }
    *ret = (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
    reader->at += 4;
    return true;
}

bool
hf_spop_read_number(struct hf_spop_reader *reader, uint64_t *ret)
{
    uint64_t value;
    uint8_t byte;

    if (!hf_spop_read_byte(reader, &byte)) {
        return false;
    }
    value = byte;
    if (byte >= SHORT_MAX) {
        unsigned int shift = 4;

        do {
            uint64_t part;

            if (shift >= 64 || !hf_spop_read_byte(reader, &byte)) {
                return false;
            }
            part = (uint64_t)byte << shift;
            if (part >> shift != byte || __builtin_add_overflow(value, part, &value)) {
                return false;
            }
            shift += 7;
        } while (byte >= MORE);
    }
    *ret = value;
    return true;
}

static bool
read_bytes(struct hf_spop_reader *reader, uint64_t len, struct hf_spop_string *ret)
{
    if (len > left(reader)) {
        return false;
    }
    ret->data = (const char *)reader->at;
    ret->len = (size_t)len;
    reader->at += len;
    return true;
}

bool
hf_spop_read_string(struct hf_spop_reader *reader, struct hf_spop_string *ret)
{
    uint64_t len;

    return hf_spop_read_number(reader, &len) && read_bytes(reader, len, ret);
}

bool
hf_spop_read_data(struct hf_spop_reader *reader, struct hf_spop_data *ret)
{
    uint8_t head;

    if (!hf_spop_read_byte(reader, &head)) {
        return false;
    }
    *ret = (struct hf_spop_data){ .type = head & TYPE_MASK };
    switch (head & TYPE_MASK) {
    case HF_SPOP_NULL:
        return true;
    case HF_SPOP_BOOL:
        ret->number = (head & FLAG_TRUE) != 0;
        return true;
    case HF_SPOP_INT32:
    case HF_SPOP_UINT32:
    case HF_SPOP_INT64:
    case HF_SPOP_UINT64:
        return hf_spop_read_number(reader, &ret->number);
    case HF_SPOP_IPV4:
        return read_bytes(reader, 4, &ret->bytes);
    case HF_SPOP_IPV6:
        return read_bytes(reader, 16, &ret->bytes);
    case HF_SPOP_STRING:
    case HF_SPOP_BINARY:
        return hf_spop_read_string(reader, &ret->bytes);
    default: /* kept free by the protocol: nobody knows how long it is */
        return false;
    }
}

/* --- writing ------------------------------------------------------------------------------- */

static void
write_bytes(struct hf_spop_writer *writer, const void *data, size_t len)
{
    if (writer->full || len > (size_t)(writer->end - writer->at)) {
        writer->full = true;
        return;
    }
    if (len > 0) {
        memcpy(writer->at, data, len);
        writer->at += len;
    }
}

void
hf_spop_write_byte(struct hf_spop_writer *writer, uint8_t byte)
{
    write_bytes(writer, &byte, 1);
}

void
hf_spop_write_u32(struct hf_spop_writer *writer, uint32_t value)
{
    const uint8_t bytes[4] = { (uint8_t)(value >> 24), (uint8_t)(value >> 16),
                               (uint8_t)(value >> 8), (uint8_t)value };

    write_bytes(writer, bytes, sizeof bytes);
}

void
hf_spop_write_number(struct hf_spop_writer *writer, uint64_t value)
{
    if (value < SHORT_MAX) {
        hf_spop_write_byte(writer, (uint8_t)value);
        return;
    }
    hf_spop_write_byte(writer, (uint8_t)(value | SHORT_MAX));
    value = (value - SHORT_MAX) >> 4;
    while (value >= MORE) {
        hf_spop_write_byte(writer, (uint8_t)(value | MORE));
        value = (value - MORE) >> 7;
    }
    hf_spop_write_byte(writer, (uint8_t)value);
}

void
hf_spop_write_string(struct hf_spop_writer *writer, const char *data, size_t len)
{
    hf_spop_write_number(writer, len);
    write_bytes(writer, data, len);
}

void
hf_spop_write_uint32_data(struct hf_spop_writer *writer, uint32_t value)
{
    hf_spop_write_byte(writer, HF_SPOP_UINT32);
    hf_spop_write_number(writer, value);
}

void
hf_spop_write_string_data(struct hf_spop_writer *writer, const char *text)
{
    hf_spop_write_byte(writer, HF_SPOP_STRING);
    hf_spop_write_string(writer, text, strlen(text));
}
