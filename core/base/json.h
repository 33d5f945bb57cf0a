/*
 * json.h - writes JSON into a text, value after value, with the commas right.
 *
 *     struct hf_json json;
 *     hf_json_init(&json, text);
 *     hf_json_object(&json, NULL);
 *     hf_json_str(&json, "function", id);
 *     hf_json_array(&json, "instances");
 *     hf_json_u64(&json, NULL, 7);
 *     hf_json_end(&json);
 *     hf_json_end(&json);
 *
 * `key` is NULL in arrays and at the top.  json_read.h reads it.
 */
#ifndef HF_BASE_JSON_H
#define HF_BASE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct hf_text;

#define HF_JSON_DEPTH 32

struct hf_json {
    struct hf_text *text;
    unsigned depth;
    struct {
        bool array;
        bool used; /* has a member: the next one needs a comma */
    } level[HF_JSON_DEPTH];
};

void hf_json_init(struct hf_json *json, struct hf_text *text);

/* Open an object or an array, to be closed with `hf_json_end`. */
void hf_json_object(struct hf_json *json, const char *key);
void hf_json_array(struct hf_json *json, const char *key);
void hf_json_end(struct hf_json *json);

/* A NULL string becomes null. */
void hf_json_str(struct hf_json *json, const char *key, const char *value);
void hf_json_u64(struct hf_json *json, const char *key, uint64_t value);
void hf_json_i64(struct hf_json *json, const char *key, int64_t value);
void hf_json_double(struct hf_json *json, const char *key, double value);
void hf_json_bool(struct hf_json *json, const char *key, bool value);

/* A value that is JSON already. */
void hf_json_value(struct hf_json *json, const char *key, const char *value, size_t len);

#endif
