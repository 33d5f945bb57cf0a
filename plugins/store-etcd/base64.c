/*
 * base64.c - RFC 4648, section 4.
 */
#include "base64.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

char *
base64_encode(const void *data, size_t len)
{
    const uint8_t *in = data;
    char *text = malloc((len + 2) / 3 * 4 + 1);
    char *out = text;

    if (!text) {
        return NULL;
    }
    for (size_t i = 0; i < len; i += 3) {
        uint32_t bits = (uint32_t)in[i] << 16;

        bits |= i + 1 < len ? (uint32_t)in[i + 1] << 8 : 0;
        bits |= i + 2 < len ? in[i + 2] : 0;
        *out++ = alphabet[bits >> 18];
        *out++ = alphabet[bits >> 12 & 63];
        *out++ = '=';
        *out++ = '=';
        if (i + 1 < len) {
            out[-2] = alphabet[bits >> 6 & 63];
        }
        if (i + 2 < len) {
            out[-1] = alphabet[bits & 63];
        }
    }
    *out = '\0';
    return text;
}

/* The value of a digit; -1: it is none. */
static int
digit(char c)
{
    const char *found = c ? strchr(alphabet, c) : NULL;

    return found ? (int)(found - alphabet) : -1;
}

/* Four digits as 24 bits; -1: they are none.  Missing ones count as zeros. */
static int32_t
group(const char *text, size_t n)
{
    int32_t bits = 0;

    for (size_t i = 0; i < 4; i++) {
        int value = i < n ? digit(text[i]) : 0;

        if (value < 0) {
            return -1;
        }
        bits = bits << 6 | value;
    }
    return bits;
}

char *
base64_decode(const char *text, size_t len, size_t *ret_len)
{
    size_t padding = 0, digits, n = 0;
    char *data;

    if (len % 4 != 0) {
        return NULL;
    }
    while (padding < 2 && padding < len && text[len - 1 - padding] == '=') {
        padding++;
    }
    digits = len - padding;
    data = malloc(len / 4 * 3 + 1);
    for (size_t i = 0; data && i < len; i += 4) {
        int32_t bits = group(text + i, digits - i < 4 ? digits - i : 4);

        if (bits < 0) {
            free(data);
            return NULL;
        }
        data[n++] = (char)(bits >> 16);
        data[n++] = (char)(bits >> 8);
        data[n++] = (char)bits;
    }
    if (data) {
        n -= padding;
        data[n] = '\0';
        *ret_len = n;
    }
    return data;
}
