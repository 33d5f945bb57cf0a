/*
 * codec.c - reads and writes field 1.
 */
#include "codec.h"

enum wire_type { WIRE_VARINT = 0, WIRE_64_BIT = 1, WIRE_BYTES = 2, WIRE_32_BIT = 5 };

/* What is left of a message. */
struct reader {
    const uint8_t *p;
    size_t left;
};

static bool
read_varint(struct reader *r, uint64_t *ret)
{
    uint64_t value = 0;

    for (unsigned shift = 0; shift < 64 && r->left > 0; shift += 7) {
        uint8_t byte = *r->p++;

        r->left--;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80)) {
            *ret = value;
            return true;
        }
    }
    return false;
}

static bool
skip(struct reader *r, uint64_t n)
{
    if (n > r->left) {
        return false;
    }
    r->p += n;
    r->left -= (size_t)n;
    return true;
}

bool
codec_read(const uint8_t *message, size_t len, struct field *ret)
{
    struct reader r = { message, len };
    struct field field = { 0 };

    while (r.left > 0) {
        uint64_t key, number = 0;
        struct reader value;

        if (!read_varint(&r, &key) || key >> 3 == 0) {
            return false;
        }
        if (key % 8 == WIRE_VARINT || key % 8 == WIRE_BYTES) {
            if (!read_varint(&r, &number)) {
                return false;
            }
        } else if (key % 8 == WIRE_64_BIT || key % 8 == WIRE_32_BIT) {
            if (!skip(&r, key % 8 == WIRE_64_BIT ? 8 : 4)) {
                return false;
            }
        } else {
            return false;
        }
        value = r;
        if (key % 8 == WIRE_BYTES && !skip(&r, number)) {
            return false;
        }
        if (key == (1 << 3 | WIRE_VARINT)) {
            field.number = number;
        } else if (key == (1 << 3 | WIRE_BYTES)) {
            field.data = value.p;
            field.len = (size_t)number;
        }
    }
    *ret = field;
    return true;
}

size_t
codec_head(uint8_t head[CODEC_HEAD_MAX], size_t len)
{
    uint64_t value = len;
    size_t n = 0;

    head[n++] = 1 << 3 | WIRE_BYTES;
    while (value >= 0x80) {
        head[n++] = (uint8_t)(value | 0x80);
        value >>= 7;
    }
    head[n++] = (uint8_t)value;
    return n;
}
