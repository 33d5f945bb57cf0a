/* escape.c - characters for JSON strings and logfmt values; see escape.h. */
#include "base/escape.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

size_t
hf_utf8_len(const char *s, size_t len)
{
    const uint8_t *u = (const uint8_t *)s;
    uint8_t low = 0x80; /* the range of the second byte */
    uint8_t high = 0xbf;
    size_t n;

    if (u[0] < 0x80) {
        return 1;
    }
    if (u[0] < 0xc2 || u[0] > 0xf4) {
        return 0;
    }
    n = u[0] < 0xe0 ? 2 : u[0] < 0xf0 ? 3 : 4;
    if (len < n) {
        return 0;
    }
    low = u[0] == 0xe0 ? 0xa0 : u[0] == 0xf0 ? 0x90 : low;
    high = u[0] == 0xed ? 0x9f : u[0] == 0xf4 ? 0x8f : high;
    if (u[1] < low || u[1] > high) {
        return 0;
    }
    for (size_t i = 2; i < n; i++) {
        if ((u[i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    return n;
}

/* Writes "\u00xx". */
static size_t
escape_number(uint8_t c, char *out)
{
    static const char digits[] = "0123456789abcdef";

    memcpy(out, "\\u00", 4);
    out[4] = digits[c >> 4];
    out[5] = digits[c & 15];
    return 6;
}

static size_t
escape_ascii(char c, char *out)
{
    static const char special[] = "\"\\\n\r\t\b\f";
    static const char letters[] = "\"\\nrtbf";
    const char *found = c ? strchr(special, c) : NULL;

    if (found) {
        out[0] = '\\';
        out[1] = letters[found - special];
        return 2;
    }
    if ((uint8_t)c < 0x20 || c == 0x7f) {
        return escape_number((uint8_t)c, out);
    }
    out[0] = c;
    return 1;
}

size_t
hf_escape_next(const char *s, size_t len, size_t *ret_used, char out[static HF_ESCAPE_MAX])
{
    size_t n = hf_utf8_len(s, len);

    *ret_used = n ? n : 1;
    if (n == 0) {
        memcpy(out, "\xef\xbf\xbd", 3);
        return 3;
    }
    if (n == 1) {
        return escape_ascii(*s, out);
    }
    if ((uint8_t)s[0] == 0xc2 && (uint8_t)s[1] < 0xa0) {
        return escape_number((uint8_t)s[1], out);
    }
    memcpy(out, s, n);
    return n;
}
