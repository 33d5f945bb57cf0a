/*
 * gzip.c - see gzip.h.
 */
#include "grpc/gzip.h"

#include <stdlib.h>

#include <zlib.h>

#include <hyperfaas/error.h>

#include "base/macros.h"

/* zlib's windowBits for "gzip only, the largest window". */
#define GZIP_WINDOW (16 + MAX_WBITS)

#define FIRST_CAPACITY 4096U

/* Inflates all of the input, with room for one byte more than allowed, so that "fits
 * exactly" and "too long" differ. */
static int
inflate_all(z_stream *z, size_t limit, uint8_t **ret, size_t *ret_len)
{
    hf_autofree uint8_t *out = NULL;
    size_t len = 0;
    size_t capacity = 0;
    int r = Z_OK;

    while (r == Z_OK) {
        if (len == capacity) {
            size_t larger = hf_min(hf_max(capacity * 2, (size_t)FIRST_CAPACITY), limit + 1);
            uint8_t *grown = larger > capacity ? realloc(out, larger) : NULL;

            if (!grown) {
                return larger > capacity ? HF_ENOMEM : HF_EFULL;
            }
            out = grown;
            capacity = larger;
        }
        z->next_out = out + len;
        z->avail_out = (uInt)(capacity - len);
        r = inflate(z, Z_NO_FLUSH);
        len = capacity - z->avail_out;
    }
    if (len > limit) {
        return HF_EFULL;
    }
    if (r != Z_STREAM_END || z->avail_in > 0) {
        return r == Z_MEM_ERROR ? HF_ENOMEM : HF_EINVALID;
    }
    *ret = hf_steal(out);
    *ret_len = len;
    return 0;
}

int
hf_grpc_gunzip(const uint8_t *data, size_t len, size_t limit, uint8_t **ret, size_t *ret_len)
{
    z_stream z = { .next_in = (Bytef *)(uintptr_t)data, .avail_in = (uInt)len };
    int r;

    if (inflateInit2(&z, GZIP_WINDOW) != Z_OK) {
        return HF_ENOMEM;
    }
    r = inflate_all(&z, limit, ret, ret_len);
    inflateEnd(&z);
    return r;
}
