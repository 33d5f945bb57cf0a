/*
 * function_spec.c - proto3 JSON of a function.
 */
#include "node/function_spec.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <hyperfaas/store.h>

#include "base/err.h"
#include "base/json.h"
#include "base/json_read.h"
#include "base/text.h"

#define ID_MAX 253

/* The longest image, as it is written with its quotes: a registry's name, a path, a digest. */
#define IMAGE_MAX 4096

/* Room for the path of a field in an error. */
#define FIELD_PATH_SIZE 256

/* A field of a message: both spellings, and how its value is taken. */
struct field {
    const char *json_name;
    const char *proto_name;
    int (*take)(const struct field *field, const char *path, struct hf_json_span value, void *ret,
                struct hf_err *err);
    size_t offset;              /* of the result in struct hf_function_spec */
    int64_t max;                /* of an integer; of a string in bytes, as it is written */
    const struct field *fields; /* of a message */
};

/* --- values -------------------------------------------------------------------------------- */

static int
bad_value(struct hf_err *err, const char *path, struct hf_json_span value, const char *expected)
{
    return hf_fail(err, HF_EINVALID, "field %s: found %.*s, expected %s", path,
                   (int)hf_min(value.len, (size_t)100), value.text, expected);
}

static int
take_integer(const struct field *field, const char *path, struct hf_json_span value, void *ret,
             struct hf_err *err)
{
    struct hf_json_integer number;

    if (!hf_json_integer(value, &number) || number.size > INT64_MAX) {
        return bad_value(err, path, value, "an integer");
    }
    if ((number.negative && number.size > 0) || number.size > (uint64_t)field->max) {
        return hf_fail(err, HF_EINVALID, "field %s: %s%" PRIu64 " is not between 0 and %" PRId64,
                       path, number.negative ? "-" : "", number.size, field->max);
    }
    if (field->max == INT32_MAX) {
        *(int32_t *)ret = (int32_t)number.size;
    } else {
        *(int64_t *)ret = (int64_t)number.size;
    }
    return 0;
}

static int
take_string(const struct field *field, const char *path, struct hf_json_span value, void *ret,
            struct hf_err *err)
{
    hf_autofree char *text = NULL;
    size_t len;

    if (hf_json_type(value) != HF_JSON_STRING) {
        return bad_value(err, path, value, "a string");
    }
    if (value.len > (size_t)field->max) {
        return hf_fail(err, HF_EINVALID, "field %s: has more than %" PRId64 " bytes", path,
                       field->max);
    }
    text = malloc(value.len);
    if (!text) {
        return hf_fail(err, HF_ENOMEM, "field %s: out of memory", path);
    }
    len = hf_json_text(value, text);
    if (strlen(text) != len) {
        return hf_fail(err, HF_EINVALID, "field %s: the string has a NUL character", path);
    }
    free(*(char **)ret);
    *(char **)ret = hf_steal(text);
    return 0;
}

/* --- messages ------------------------------------------------------------------------------ */

static int take_message(const struct field *field, const char *path, struct hf_json_span value,
                        void *ret, struct hf_err *err);

#define INT64(json, proto, member)                                                                 \
    {                                                                                              \
        json, proto, take_integer, offsetof(struct hf_function_spec, member), INT64_MAX, NULL      \
    }
#define INT32(json, proto, member)                                                                 \
    {                                                                                              \
        json, proto, take_integer, offsetof(struct hf_function_spec, member), INT32_MAX, NULL      \
    }

static const struct field image_fields[] = {
    { "tag", "tag", take_string, offsetof(struct hf_function_spec, image), IMAGE_MAX, NULL },
    { .json_name = NULL },
};

static const struct field cpu_fields[] = {
    INT64("period", "period", cpu_period_us),
    INT64("quota", "quota", cpu_quota_us),
    { .json_name = NULL },
};

static const struct field config_fields[] = {
    INT64("memory", "memory", memory_bytes),
    { "cpu", "cpu", take_message, 0, 0, cpu_fields },
    INT32("timeout", "timeout", timeout_s),
    INT32("maxConcurrency", "max_concurrency", max_concurrency),
    { .json_name = NULL },
};

static const struct field request_fields[] = {
    { "image", "image", take_message, 0, 0, image_fields },
    { "config", "config", take_message, 0, 0, config_fields },
    { .json_name = NULL },
};

static const struct field request = { "", "", take_message, 0, 0, request_fields };

static const struct field *
find_field(const struct field *fields, struct hf_json_span name)
{
    for (; fields->json_name; fields++) {
        if (hf_json_is(name, fields->json_name) || hf_json_is(name, fields->proto_name)) {
            return fields;
        }
    }
    return NULL;
}

static int
unknown_field(struct hf_err *err, const char *path, const struct field *fields)
{
    hf_autotext struct hf_text known;

    hf_text_init(&known);
    for (; fields->json_name; fields++) {
        hf_text_printf(&known, "%s%s", known.len ? ", " : "", fields->json_name);
    }
    return hf_fail(err, HF_EINVALID, "unknown field %s; there are: %s", path, hf_text_str(&known));
}

/* Takes a member of the message `field`; `*seen` has a bit for each that was there before. */
static int
take_member(const struct field *field, const char *path, struct hf_json_span name,
            struct hf_json_span value, unsigned int *seen, void *ret, struct hf_err *err)
{
    const struct field *inner = find_field(field->fields, name);
    char inner_path[FIELD_PATH_SIZE];
    unsigned int bit;

    snprintf(inner_path, sizeof inner_path, "%s%s%.*s", path, *path ? "." : "",
             (int)hf_min(name.len - 2, (size_t)100), name.text + 1);
    if (!inner) {
        return unknown_field(err, inner_path, field->fields);
    }
    bit = 1u << (inner - field->fields);
    if (*seen & bit) {
        return hf_fail(err, HF_EINVALID, "field %s is there twice: as %s and as %s", inner_path,
                       inner->json_name, inner->proto_name);
    }
    *seen |= bit;
    if (hf_json_type(value) == HF_JSON_NULL) { /* means the default */
        return 0;
    }
    return inner->take(inner, inner_path, value, (char *)ret + inner->offset, err);
}

/* `ret` is the whole specification: fields know their place in it. */
static int
take_message(const struct field *field, const char *path, struct hf_json_span value, void *ret,
             struct hf_err *err)
{
    struct hf_json_cursor cursor;
    struct hf_json_span name;
    struct hf_json_span member;
    unsigned int seen = 0;
    int r = 0;

    if (hf_json_type(value) != HF_JSON_OBJECT) {
        return bad_value(err, *path ? path : "(the document)", value, "an object");
    }
    hf_json_begin(&cursor, value);
    while (r == 0 && hf_json_next(&cursor, &name, &member)) {
        r = take_member(field, path, name, member, &seen, ret, err);
    }
    return r;
}

/* --- documents ----------------------------------------------------------------------------- */

int
hf_function_spec_parse(const char *json, size_t len, struct hf_function_spec *ret,
                       struct hf_err *err)
{
    hf_autospec struct hf_function_spec spec = { .image = NULL };
    struct hf_json_span root;
    int r;

    if (len > HF_STORE_DOCUMENT_MAX) {
        return hf_fail(err, HF_EINVALID, "the document has %zu bytes, more than %u", len,
                       HF_STORE_DOCUMENT_MAX);
    }
    r = hf_json_open(json, len, &root, err);
    if (r == 0) {
        r = take_message(&request, "", root, &spec, err);
    }
    if (r < 0) {
        return r;
    }
    if (!spec.image || !*spec.image) {
        return hf_fail(err, HF_EINVALID, "field image.tag: missing; it names what to run");
    }
    *ret = spec;
    spec.image = NULL;
    return 0;
}

static void
write_int64(struct hf_json *json, const char *key, int64_t value)
{
    char digits[24];

    if (value) {
        snprintf(digits, sizeof digits, "%" PRId64, value);
        hf_json_str(json, key, digits);
    }
}

/* The messages inside are written though they be empty: existing leaves take a document without
 * them for none, and existing workers end. */
static void
write_config(struct hf_json *json, const struct hf_function_spec *spec)
{
    hf_json_object(json, "config");
    write_int64(json, "memory", spec->memory_bytes);
    hf_json_object(json, "cpu");
    write_int64(json, "period", spec->cpu_period_us);
    write_int64(json, "quota", spec->cpu_quota_us);
    hf_json_end(json);
    if (spec->timeout_s) {
        hf_json_i64(json, "timeout", spec->timeout_s);
    }
    if (spec->max_concurrency) {
        hf_json_i64(json, "maxConcurrency", spec->max_concurrency);
    }
    hf_json_end(json);
}

void
hf_function_spec_format(const struct hf_function_spec *spec, struct hf_text *out)
{
    struct hf_json json;

    hf_json_init(&json, out);
    hf_json_object(&json, NULL);
    hf_json_object(&json, "image");
    if (spec->image && *spec->image) {
        hf_json_str(&json, "tag", spec->image);
    }
    hf_json_end(&json);
    write_config(&json, spec);
    hf_json_end(&json);
}

void
hf_function_spec_fini(struct hf_function_spec *spec)
{
    free(spec->image);
    spec->image = NULL;
}

/* --- names --------------------------------------------------------------------------------- */

bool
hf_image_has_version(const char *image)
{
    const char *slash = strrchr(image, '/'); /* a colon before it is a registry's port */

    return strpbrk(slash ? slash : image, ":@") != NULL;
}

int
hf_function_id_check(const char *id, struct hf_err *err)
{
    size_t len = strlen(id);
    size_t good = strspn(id, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-");

    if (len == 0 || len > ID_MAX) {
        return hf_fail(err, HF_EINVALID, "a function id has 1 to %d characters, not %zu", ID_MAX,
                       len);
    }
    if (good < len) {
        return hf_fail(err, HF_EINVALID,
                       "function id '%s': only letters, digits, '.', '_' and '-' are allowed", id);
    }
    return 0;
}
