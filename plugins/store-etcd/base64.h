/*
 * base64.h - keys and values as etcd's JSON gateway writes them: the standard alphabet, padded.
 */
#ifndef HF_STORE_ETCD_BASE64_H
#define HF_STORE_ETCD_BASE64_H

#include <stddef.h>

/* A malloc'ed text, or NULL without memory. */
char *base64_encode(const void *data, size_t len);

/* The bytes, malloc'ed and with a NUL behind them; NULL if `text` is no base64, or without
 * memory. */
char *base64_decode(const char *text, size_t len, size_t *ret_len);

#endif
