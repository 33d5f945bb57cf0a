/*
 * function_spec.h - a function's document in the store, and back.
 *
 * The document is the canonical JSON form of common.CreateFunctionRequest
 * (https://protobuf.dev/programming-guides/json/): names in lowerCamelCase,
 * 64-bit integers as strings, fields at their default left out; but `config` and
 * `config.cpu` are always there.  It is shared with other implementations.  A
 * reader takes both spellings of a name and integers as numbers or strings; like
 * theirs, it refuses what is not JSON to the letter, a field that is there twice,
 * and a field it does not know: most often that is a typing error, and ignoring
 * it would run a function with limits that nobody asked for.
 */
#ifndef HF_NODE_FUNCTION_SPEC_H
#define HF_NODE_FUNCTION_SPEC_H

#include <stddef.h>
#include <stdint.h>

#include "base/macros.h"

struct hf_err;
struct hf_text;

/* What a document says; 0 or NULL where it says nothing. */
struct hf_function_spec {
    char *image; /* the tag as written */
    int64_t memory_bytes;
    int64_t cpu_period_us;
    int64_t cpu_quota_us;
    int32_t timeout_s;
    int32_t max_concurrency;
};

/* Reads a document.  HF_EINVALID names the field, what was found and what would be
 * right.  An image must be given, and no number may be negative. */
int hf_function_spec_parse(const char *json, size_t len, struct hf_function_spec *ret,
                           struct hf_err *err);

/* Appends the canonical form, in one line. */
void hf_function_spec_format(const struct hf_function_spec *spec, struct hf_text *out);

void hf_function_spec_fini(struct hf_function_spec *spec);

/* For a variable: `hf_autospec struct hf_function_spec spec = { 0 };` */
#define hf_autospec __attribute__((cleanup(hf_function_spec_fini)))

/* Whether `image` names a version after its last '/': if not, ":latest" is meant. */
bool hf_image_has_version(const char *image);

/* Whether a user may give a function this id: 1 to 253 of [A-Za-z0-9._-].  Ids read
 * from a store may be anything. */
int hf_function_id_check(const char *id, struct hf_err *err);

#endif
