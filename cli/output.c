/*
 * output.c - writing what came from elsewhere.
 */
#include "output.h"

#include <stdbool.h>
#include <unistd.h>

#include "base/escape.h"
#include "base/macros.h"
#include "cli.h"

/* C1 controls are two bytes in UTF-8, 0xC2 0x80 to 0xC2 0x9F. */
static bool
is_c1(const unsigned char *character, size_t len)
{
    return len == 2 && character[0] == 0xC2 && character[1] < 0xA0;
}

static bool
is_harmless(const unsigned char *character, size_t len)
{
    if (len == 1) {
        return *character == '\n' || *character == '\t' || (*character >= ' ' && *character < 0x7F);
    }
    return len > 1 && !is_c1(character, len);
}

/* Bytes of the character that begins there; 1 for a byte that begins none. */
static size_t
bytes_of(const char *at, size_t len)
{
    return hf_max(hf_utf8_len(at, len), (size_t)1);
}

void
cli_add_harmless(const char *data, size_t len, struct hf_text *out)
{
    for (size_t at = 0; at < len;) {
        const unsigned char *character = (const unsigned char *)data + at;
        size_t bytes = bytes_of(data + at, len - at);

        if (is_harmless(character, bytes)) {
            hf_text_add_mem(out, data + at, bytes);
        } else {
            for (size_t i = 0; i < bytes; i++) {
                hf_text_printf(out, "\\x%02x", character[i]);
            }
        }
        at += bytes;
    }
}

int
cli_print_foreign(const char *data, size_t len, struct hf_err *err)
{
    hf_autotext struct hf_text out;

    hf_text_init(&out);
    if (!isatty(STDOUT_FILENO)) {
        return cli_print_bytes(data, len, err);
    }
    out.limit = 4 * len + 1; /* each byte an escape, and the end */
    cli_add_harmless(data, len, &out);
    return cli_print(&out, err);
}
