/*
 * frame.c - see frame.h.
 */
#include "grpc/frame.h"

#include <stdlib.h>
#include <string.h>

#include <hyperfaas/error.h>

/* The first buffer for a message that comes in pieces; later ones double. */
#define FIRST_CAPACITY 4096U

/* A buffer above this is given back once its message was used. */
#define KEEP_CAPACITY (64U * 1024U)

void
hf_grpc_reader_init(struct hf_grpc_reader *reader, size_t limit)
{
    *reader = (struct hf_grpc_reader){ .limit = limit };
}

void
hf_grpc_reader_fini(struct hf_grpc_reader *reader)
{
    free(reader->data);
    hf_grpc_reader_init(reader, reader->limit);
}

static size_t
smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

static void
take(const uint8_t **data, size_t *len, size_t n)
{
    *data += n;
    *len -= n;
}

/* Completes the prefix as far as the bytes go.  1: it is whole and acceptable. */
static int
read_prefix(struct hf_grpc_reader *reader, const uint8_t **data, size_t *len)
{
    size_t n = smaller(HF_GRPC_PREFIX_SIZE - reader->prefix_have, *len);
    const uint8_t *p = reader->prefix;

    memcpy(reader->prefix + reader->prefix_have, *data, n);
    reader->prefix_have = (uint8_t)(reader->prefix_have + n);
    take(data, len, n);
    if (reader->prefix_have < HF_GRPC_PREFIX_SIZE) {
        return 0;
    }
    reader->len = (uint32_t)p[1] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 8 | p[4];
    reader->have = 0;
    if (p[0] > 1) {
        return HF_EINVALID;
    }
    return reader->len > reader->limit ? HF_EFULL : 1;
}

/* Makes room for `n` more bytes of the message: twice what has come, at most all. */
static int
reserve(struct hf_grpc_reader *reader, size_t n)
{
    size_t need = reader->have + n;
    size_t capacity = need < FIRST_CAPACITY ? FIRST_CAPACITY : need * 2;
    uint8_t *grown;

    if (need <= reader->capacity) {
        return 0;
    }
    capacity = smaller(capacity, reader->len);
    grown = realloc(reader->data, capacity);
    if (!grown) {
        return HF_ENOMEM;
    }
    reader->data = grown;
    reader->capacity = capacity;
    return 0;
}

static int
deliver(struct hf_grpc_reader *reader, const uint8_t *data, struct hf_grpc_message *ret)
{
    reader->prefix_have = 0;
    *ret = (struct hf_grpc_message){ data, reader->len, reader->prefix[0] == 1 };
    return 1;
}

int
hf_grpc_reader_next(struct hf_grpc_reader *reader, const uint8_t **data, size_t *len,
                    struct hf_grpc_message *ret)
{
    size_t n;
    int r;

    if (reader->prefix_have == 0 && reader->capacity > KEEP_CAPACITY) {
        free(reader->data);
        reader->data = NULL;
        reader->capacity = 0;
    }
    if (reader->prefix_have < HF_GRPC_PREFIX_SIZE) {
        if (*len == 0) {
            return 0;
        }
        r = read_prefix(reader, data, len);
        if (r <= 0) {
            return r;
        }
    }
    if (reader->have == 0 && *len >= reader->len) {
        const uint8_t *message = *data; /* Whole in what we were fed: no copy. */

        take(data, len, reader->len);
        return deliver(reader, message, ret);
    }
    n = smaller(reader->len - reader->have, *len);
    if (n == 0) {
        return 0;
    }
    r = reserve(reader, n);
    if (r < 0) {
        return r;
    }
    memcpy(reader->data + reader->have, *data, n);
    reader->have += (uint32_t)n;
    take(data, len, n);
    return reader->have < reader->len ? 0 : deliver(reader, reader->data, ret);
}

bool
hf_grpc_reader_in_message(const struct hf_grpc_reader *reader)
{
    return reader->prefix_have > 0;
}

void
hf_grpc_prefix_write(uint8_t ret[static HF_GRPC_PREFIX_SIZE], uint32_t len, bool compressed)
{
    ret[0] = compressed;
    ret[1] = (uint8_t)(len >> 24);
    ret[2] = (uint8_t)(len >> 16);
    ret[3] = (uint8_t)(len >> 8);
    ret[4] = (uint8_t)len;
}
