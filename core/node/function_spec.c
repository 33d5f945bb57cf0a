/*
 * function_spec.c - proto3 JSON of a function, by json-c.
 */
#include "node/function_spec.h"

#include <errno.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/json.h"
#include "base/parse.h"
#include "base/text.h"
#include "node/json_read.h"

#define ID_MAX 253

/* A field of a message: both spellings, and how its value is taken. */
struct field {
    const char *json_name;
    const char *proto_name;
    int (*take)(const struct field *field, const char *path, json_object *value, void *ret,
                struct hf_err *err);
    size_t offset;              /* of the result in struct hf_function_spec */
    int64_t max;                /* of an integer */
    const struct field *fields; /* of a message */
};

/* --- values -------------------------------------------------------------------------------- */

static int
bad_value(struct hf_err *err, const char *path, json_object *value, const char *expected)
{
    return hf_fail(err, HF_EINVALID, "field %s: found %.100s, expected %s", path,
                   json_object_to_json_string_ext(value, JSON_C_TO_STRING_PLAIN), expected);
}

/* An integer in any of the forms that JSON offers; false: it is none. */
static bool
read_integer(json_object *value, int64_t *ret)
{
    double number;
    const char *text;
    char *end;

    switch (json_object_get_type(value)) {
    case json_type_int:
        *ret = json_object_get_int64(value);
        return *ret < 0 || json_object_get_uint64(value) <= INT64_MAX;
    case json_type_double: /* 1e5 is an integer to JSON */
        number = json_object_get_double(value);
        *ret = fabs(number) < 9007199254740992.0 ? (int64_t)number : 0;
        return fabs(number) < 9007199254740992.0 && floor(number) == number;
    case json_type_string:
        text = json_object_get_string(value);
        errno = 0;
        *ret = strtoll(text, &end, 10);
        return errno == 0 && *end == '\0' && (*text == '-' || (*text >= '0' && *text <= '9'));
    default:
        return false;
    }
}

static int
take_integer(const struct field *field, const char *path, json_object *value, void *ret,
             struct hf_err *err)
{
    int64_t number;

    if (!read_integer(value, &number)) {
        return bad_value(err, path, value, "an integer");
    }
    if (number < 0 || number > field->max) {
        return hf_fail(err, HF_EINVALID, "field %s: %" PRId64 " is not between 0 and %" PRId64,
                       path, number, field->max);
    }
    if (field->max == INT32_MAX) {
        *(int32_t *)ret = (int32_t)number;
    } else {
        *(int64_t *)ret = number;
    }
    return 0;
}

static int
take_string(const struct field *field, const char *path, json_object *value, void *ret,
            struct hf_err *err)
{
    char *copy;

    (void)field;
    if (!json_object_is_type(value, json_type_string)) {
        return bad_value(err, path, value, "a string");
    }
    if (strlen(json_object_get_string(value)) != (size_t)json_object_get_string_len(value)) {
        return hf_fail(err, HF_EINVALID, "field %s: the string has a NUL character", path);
    }
    copy = strdup(json_object_get_string(value));
    if (!copy) {
        return hf_fail(err, HF_ENOMEM, "field %s: out of memory", path);
    }
    free(*(char **)ret);
    *(char **)ret = copy;
    return 0;
}

/* --- messages ------------------------------------------------------------------------------ */

static int take_message(const struct field *field, const char *path, json_object *value, void *ret,
                        struct hf_err *err);

#define INT64(json, proto, member)                                                                 \
    {                                                                                              \
        json, proto, take_integer, offsetof(struct hf_function_spec, member), INT64_MAX, NULL      \
    }
#define INT32(json, proto, member)                                                                 \
    {                                                                                              \
        json, proto, take_integer, offsetof(struct hf_function_spec, member), INT32_MAX, NULL      \
    }

static const struct field image_fields[] = {
    { "tag", "tag", take_string, offsetof(struct hf_function_spec, image), 0, NULL },
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
find_field(const struct field *fields, const char *name)
{
    for (; fields->json_name; fields++) {
        if (strcmp(fields->json_name, name) == 0 || strcmp(fields->proto_name, name) == 0) {
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

/* `ret` is the whole specification: fields know their place in it. */
static int
take_message(const struct field *field, const char *path, json_object *value, void *ret,
             struct hf_err *err)
{
    if (!json_object_is_type(value, json_type_object)) {
        return bad_value(err, *path ? path : "(the document)", value, "an object");
    }
    json_object_object_foreach(value, name, member)
    {
        const struct field *inner = find_field(field->fields, name);
        hf_autofree char *inner_path = hf_strdup_printf("%s%s%s", path, *path ? "." : "", name);
        int r = 0;

        if (!inner_path) {
            return hf_fail(err, HF_ENOMEM, "out of memory");
        }
        if (!inner) {
            return unknown_field(err, inner_path, field->fields);
        }
        if (member) { /* null means the default */
            r = inner->take(inner, inner_path, member, (char *)ret + inner->offset, err);
        }
        if (r < 0) {
            return r;
        }
    }
    return 0;
}

/* --- documents ----------------------------------------------------------------------------- */

int
hf_function_spec_parse(const char *json, size_t len, struct hf_function_spec *ret,
                       struct hf_err *err)
{
    hf_autospec struct hf_function_spec spec = { .image = NULL };
    json_object *root = NULL;
    int r;

    if (len > HF_FUNCTION_DOCUMENT_MAX) {
        return hf_fail(err, HF_EINVALID, "the document has %zu bytes, more than %zu", len,
                       HF_FUNCTION_DOCUMENT_MAX);
    }
    r = hf_json_read(json, len, &root, err);
    if (r < 0) {
        return r;
    }
    r = take_message(&request, "", root, &spec, err);
    json_object_put(root);
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

static void
write_config(struct hf_json *json, const struct hf_function_spec *spec)
{
    hf_json_object(json, "config");
    write_int64(json, "memory", spec->memory_bytes);
    if (spec->cpu_period_us || spec->cpu_quota_us) {
        hf_json_object(json, "cpu");
        write_int64(json, "period", spec->cpu_period_us);
        write_int64(json, "quota", spec->cpu_quota_us);
        hf_json_end(json);
    }
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
    if (spec->memory_bytes || spec->cpu_period_us || spec->cpu_quota_us || spec->timeout_s ||
        spec->max_concurrency) {
        write_config(&json, spec);
    }
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
