/*
 * base64.c - see base64.h.
 */
#include "grpc/base64.h"

#include <string.h>

#include <hyperfaas/error.h>

bool
hf_grpc_is_binary(const char *name, size_t len)
{
    return len >= 4 && memcmp(name + len - 4, "-bin", 4) == 0;
}

size_t
hf_grpc_base64_encode(const void *data, size_t len, char *ret)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const uint8_t *p = data;
    uint32_t bits = 0;
    unsigned count = 0; /* Bits not yet written. */
    size_t at = 0;

    for (size_t i = 0; i < len; i++) {
        bits = bits << 8 | p[i];
        for (count += 8; count >= 6; count -= 6) {
            ret[at++] = digits[bits >> (count - 6) & 0x3f];
        }
    }
    if (count > 0) {
        ret[at++] = digits[bits << (6 - count) & 0x3f];
    }
    ret[at] = '\0';
    return at;
}

static int
digit_value(char c)
{
    if (c >= 'A' && c <= 'Z') {
        return c - 'A';
    }
    if (c >= 'a' && c <= 'z') {
        return c - 'a' + 26;
    }
    if (c >= '0' && c <= '9') {
        return c - '0' + 52;
    }
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

int
hf_grpc_base64_decode(const char *text, size_t len, uint8_t *ret, size_t *ret_len)
{
    uint32_t bits = 0;
    unsigned count = 0; /* Bits not yet written. */
    size_t at = 0;

    if (len % 4 == 0) {
        for (int i = 0; i < 2 && len > 0 && text[len - 1] == '='; i++) {
            len--;
        }
    }
    if (len % 4 == 1) {
        return HF_EINVALID;
    }
    for (size_t i = 0; i < len; i++) {
        int value = digit_value(text[i]);

        if (value < 0) {
            return HF_EINVALID;
        }
        bits = bits << 6 | (uint32_t)value;
        count += 6;
        if (count >= 8) {
            count -= 8;
            ret[at++] = (uint8_t)(bits >> count);
        }
    }
    *ret_len = at;
    return 0;
}
