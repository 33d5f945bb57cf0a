/*
 * escape.h - text from anywhere, made safe for the inside of a JSON string.
 *
 * Logfmt quotes in the same way, so logging uses it too.
 */
#ifndef HF_BASE_ESCAPE_H
#define HF_BASE_ESCAPE_H

#include <stddef.h>

/* The longest form of one character, "\u001f". */
#define HF_ESCAPE_MAX 6

/* Bytes of the character that begins at `s`, or 0 if it is not UTF-8 (RFC 3629:
 * shortest form, no surrogates, up to U+10FFFF).  `len` is at least 1. */
size_t hf_utf8_len(const char *s, size_t len);

/* Escapes the character at `s`, writing what goes between the quotes.  Control
 * characters, C1 too, become escapes; a byte that is not UTF-8 becomes U+FFFD.
 * Sets `*ret_used` to the bytes read and returns the bytes written. */
size_t hf_escape_next(const char *s, size_t len, size_t *ret_used, char out[static HF_ESCAPE_MAX]);

#endif
