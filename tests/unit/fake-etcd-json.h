/*
 * fake-etcd-json.h - JSON as etcd's gateway writes it: bytes as base64, numbers as texts, and
 * nothing for what is empty or zero.
 */
#ifndef HF_TESTS_UNIT_FAKE_ETCD_JSON_H
#define HF_TESTS_UNIT_FAKE_ETCD_JSON_H

#include <stddef.h>
#include <stdint.h>

#include <json-c/json.h>

void add_bytes(struct json_object *object, const char *name, const char *data, size_t len);
void add_u64(struct json_object *object, const char *name, uint64_t value);

/* malloc'ed, with a NUL behind; empty if it is not there. */
char *get_bytes(struct json_object *object, const char *name, size_t *ret_len);
char *get_key(struct json_object *object, const char *name);
uint64_t get_u64(struct json_object *object, const char *name);

#endif
