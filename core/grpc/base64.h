/*
 * base64.h - the text form of metadata whose name ends in "-bin" (RFC 4648, section 4).
 *
 * gRPC writes it without padding and must read it with and without
 * (grpc's doc/PROTOCOL-HTTP2.md, "Custom-Metadata").
 */
#ifndef HF_GRPC_BASE64_H
#define HF_GRPC_BASE64_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Room for the text of `len` bytes, with its NUL. */
#define HF_GRPC_BASE64_SIZE(len) (((len) + 2) / 3 * 4 + 1)

/* Whether a field of this name carries bytes. */
bool hf_grpc_is_binary(const char *name, size_t len);

/* Writes the text without padding, with a NUL; returns its length. */
size_t hf_grpc_base64_encode(const void *data, size_t len, char *ret);

/* Reads text, padded or not.  `ret` has room for len / 4 * 3 + 2 bytes and may be
 * `text` itself.  HF_EINVALID: it is no base64. */
int hf_grpc_base64_decode(const char *text, size_t len, uint8_t *ret, size_t *ret_len);

#endif
