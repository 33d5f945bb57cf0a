/*
 * gzip.h - reading messages in the grpc-encoding "gzip" (RFC 1952).
 */
#ifndef HF_GRPC_GZIP_H
#define HF_GRPC_GZIP_H

#include <stddef.h>
#include <stdint.h>

/* Decompresses to memory that the caller frees; `*ret` is never NULL.  HF_EFULL: the
 * result is longer than `limit`, however little that took.  HF_EINVALID: it is not
 * gzip, or not all of it.  HF_ENOMEM. */
int hf_grpc_gunzip(const uint8_t *data, size_t len, size_t limit, uint8_t **ret, size_t *ret_len);

#endif
