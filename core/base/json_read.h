/*
 * json_read.h - reads JSON where it stands, without a copy or a tree.
 *
 *     struct hf_json_span root, name, value;
 *     struct hf_json_cursor cursor;
 *     r = hf_json_open(text, len, &root, err);       // checks it (json_check.h)
 *     hf_json_begin(&cursor, root);                  // an object or an array
 *     while (hf_json_next(&cursor, &name, &value)) {
 *         ...
 *     }
 *
 * A span is a value as it is written, and valid as long as the text.  Everything here relies on the
 * text having been checked.
 */
#ifndef HF_BASE_JSON_READ_H
#define HF_BASE_JSON_READ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct hf_err;

/* A value, or the name of a member with its quotes; nothing around it. */
struct hf_json_span {
    const char *text;
    size_t len;
};

enum hf_json_type {
    HF_JSON_OBJECT,
    HF_JSON_ARRAY,
    HF_JSON_STRING,
    HF_JSON_NUMBER,
    HF_JSON_BOOL,
    HF_JSON_NULL
};

/* Checks a document and gives its value. */
int hf_json_open(const char *text, size_t len, struct hf_json_span *ret, struct hf_err *err);

enum hf_json_type hf_json_type(struct hf_json_span value);

/* Goes through the members of an object, or the items of an array, whose `*ret_name` is left
 * alone; false behind the last. */
struct hf_json_cursor {
    const char *at;
    bool names;
};
void hf_json_begin(struct hf_json_cursor *cursor, struct hf_json_span container);
bool hf_json_next(struct hf_json_cursor *cursor, struct hf_json_span *ret_name,
                  struct hf_json_span *ret_value);

/* --- strings ------------------------------------------------------------------------------- */

/* Writes what a string spells, and a NUL behind it, into `out`, which has room for `string.len`
 * bytes; returns its length.  It may have a NUL inside. */
size_t hf_json_text(struct hf_json_span string, char *out);

/* Whether a string spells `text`. */
bool hf_json_is(struct hf_json_span string, const char *text);

/* Whether two strings spell the same, and a hash of what one spells. */
bool hf_json_same_text(struct hf_json_span a, struct hf_json_span b);
uint32_t hf_json_text_hash(struct hf_json_span string);

/* --- numbers ------------------------------------------------------------------------------- */

/* An integer of either sign. */
struct hf_json_integer {
    bool negative;
    uint64_t size;
};

/* How much of `text` is a number in JSON's form; 0: it begins with none. */
size_t hf_json_number_len(const char *text, size_t len);

/* The integer that a value stands for, exactly: a number or, as proto3 writes 64 bits, a string of
 * one.  "1e3" and "2.50e1" are some.  False: it is no number, no integer, or beyond 64 bits. */
bool hf_json_integer(struct hf_json_span value, struct hf_json_integer *ret);

#endif
