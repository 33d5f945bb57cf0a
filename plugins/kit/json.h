/*
 * json.h - reading what others say in JSON: anything may be missing or of another type.
 */
#ifndef HF_KIT_JSON_H
#define HF_KIT_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <json-c/json_object.h>

/* Reads one value, to be put; NULL if the text is not JSON. */
struct json_object *json_read(const char *text, size_t len);

/* The value behind a path of members, NULL-terminated; NULL if there is none. */
struct json_object *json_at(struct json_object *, const char *const *path);
#define JSON_AT(object, ...) json_at((object), (const char *const[]){ __VA_ARGS__, NULL })

/* The same as a text ("" if it is none), a number (0), a truth value (false). */
const char *json_text(struct json_object *);
int64_t json_number(struct json_object *);
bool json_true(struct json_object *);

/* A number, also one written as a text; 0 if it is none, or negative. */
uint64_t json_u64(struct json_object *);

/* The `i`th of an array, or NULL; how many it has, 0 if it is none. */
struct json_object *json_item(struct json_object *, size_t i);
size_t json_count(struct json_object *);

#endif
