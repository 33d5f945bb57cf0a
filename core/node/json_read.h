/*
 * json_read.h - reads the JSON documents that a store holds.
 */
#ifndef HF_NODE_JSON_READ_H
#define HF_NODE_JSON_READ_H

#include <stddef.h>

struct hf_err;
struct json_object;

/* Reads one value and nothing after it but white space; the caller gives it back with
 * json_object_put().  HF_EINVALID says at which byte it is no JSON. */
int hf_json_read(const char *text, size_t len, struct json_object **ret, struct hf_err *err);

#endif
