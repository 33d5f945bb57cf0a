/*
 * scalar.c - single values, from JSON to protobuf's wire format and back.
 */
#include "scalar.h"

#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/json_read.h"
#include "base/parse.h"
#include "grpc/base64.h"

/* Most names of an enum among which the one that was meant is looked for. */
#define NAMES_MAX 256

static int
fail_kind(const char *expected, struct hf_json_span json, struct hf_err *err)
{
    return hf_fail(err, HF_EINVALID, "expected %s, found %.*s", expected,
                   (int)hf_min(json.len, (size_t)80), json.text);
}

char *
cli_text_of(struct hf_json_span string, size_t *ret_len)
{
    char *text = malloc(string.len);

    if (text) {
        *ret_len = hf_json_text(string, text);
    }
    return text;
}

/* --- integers ----------------------------------------------------------------------------- */

/* The largest number of a kind, and of a negative one the largest size. */
static struct hf_json_integer
limits(uint32_t kind, uint64_t *ret_negative)
{
    switch (kind) {
    case CLI_KIND_INT32:
    case CLI_KIND_SINT32:
    case CLI_KIND_SFIXED32:
    case CLI_KIND_ENUM:
        *ret_negative = (uint64_t)INT32_MAX + 1;
        return (struct hf_json_integer){ .size = INT32_MAX };
    case CLI_KIND_INT64:
    case CLI_KIND_SINT64:
    case CLI_KIND_SFIXED64:
        *ret_negative = (uint64_t)INT64_MAX + 1;
        return (struct hf_json_integer){ .size = INT64_MAX };
    case CLI_KIND_UINT32:
    case CLI_KIND_FIXED32:
        *ret_negative = 0;
        return (struct hf_json_integer){ .size = UINT32_MAX };
    default:
        *ret_negative = 0;
        return (struct hf_json_integer){ .size = UINT64_MAX };
    }
}

static int
put_integer(uint32_t kind, struct hf_json_integer integer, struct hf_text *out, struct hf_err *err)
{
    uint64_t most_negative;
    struct hf_json_integer most = limits(kind, &most_negative);
    uint64_t value = integer.negative ? -integer.size : integer.size;

    if (integer.size > (integer.negative ? most_negative : most.size)) {
        return hf_fail(err, HF_EINVALID,
                       "%s%" PRIu64 " is out of range: expected %s%" PRIu64 " to %" PRIu64,
                       integer.negative ? "-" : "", integer.size, most_negative ? "-" : "",
                       most_negative, most.size);
    }
    switch (cli_kind_wire(kind)) {
    case HF_WIRE_FIXED64:
        hf_wire_put_fixed(out, value, 8);
        break;
    case HF_WIRE_FIXED32:
        hf_wire_put_fixed(out, value, 4);
        break;
    default:
        hf_wire_put_varint(out, kind == CLI_KIND_SINT32 || kind == CLI_KIND_SINT64
                                    ? hf_wire_zigzag((int64_t)value)
                                    : value);
    }
    return 0;
}

static int
encode_integer(uint32_t kind, struct hf_json_span json, struct hf_text *out, struct hf_err *err)
{
    struct hf_json_integer integer;

    return hf_json_integer(json, &integer) ? put_integer(kind, integer, out, err)
                                           : fail_kind("an integer", json, err);
}

/* --- other values ------------------------------------------------------------------------- */

static bool
double_of_text(const char *text, double *ret)
{
    if (strcmp(text, "NaN") == 0) {
        *ret = (double)NAN;
    } else if (strcmp(text, "Infinity") == 0 || strcmp(text, "-Infinity") == 0) {
        *ret = (double)(*text == '-' ? -INFINITY : INFINITY);
    } else {
        return hf_parse_double(text, ret, NULL) == 0;
    }
    return true;
}

static int
encode_floating(uint32_t kind, struct hf_json_span json, struct hf_text *out, struct hf_err *err)
{
    bool is_text = hf_json_type(json) == HF_JSON_STRING;
    hf_autofree char *text = strndup(json.text + is_text, json.len - (is_text ? 2 : 0));
    double number = 0;
    float single;
    uint64_t bits = 0;
    uint32_t single_bits;
    bool good = text && (is_text ? double_of_text(text, &number)
                                 : hf_json_type(json) == HF_JSON_NUMBER &&
                                       hf_parse_double(text, &number, NULL) == 0);

    single = (float)number;
    if (!good || (kind == CLI_KIND_FLOAT && isfinite(number) && !isfinite(single))) {
        return fail_kind(kind == CLI_KIND_FLOAT ? "a number that fits a float" : "a number", json,
                         err);
    }
    if (kind == CLI_KIND_FLOAT) {
        memcpy(&single_bits, &single, sizeof single_bits);
        hf_wire_put_fixed(out, single_bits, sizeof single_bits);
    } else {
        memcpy(&bits, &number, sizeof bits);
        hf_wire_put_fixed(out, bits, sizeof bits);
    }
    return 0;
}

/* Bytes in either alphabet of base64, padded or not. */
static int
encode_base64(struct hf_json_span json, char *text, size_t len, struct hf_text *out,
              struct hf_err *err)
{
    hf_autofree uint8_t *bytes = malloc(len + 3);

    if (!bytes) {
        return hf_fail(err, HF_ENOMEM, "no memory for bytes");
    }
    for (char *c = text; *c; c++) {
        *c = (char)(*c == '-' ? '+' : *c == '_' ? '/' : *c);
    }
    if (strlen(text) != len || hf_grpc_base64_decode(text, len, bytes, &len) < 0) {
        return fail_kind("bytes in base64", json, err);
    }
    hf_wire_put_varint(out, len);
    hf_text_add_mem(out, (const char *)bytes, len);
    return 0;
}

static int
encode_text(uint32_t kind, struct hf_json_span json, struct hf_text *out, struct hf_err *err)
{
    hf_autofree char *text = NULL;
    size_t len;

    if (hf_json_type(json) != HF_JSON_STRING) {
        return fail_kind(kind == CLI_KIND_BYTES ? "a string of base64" : "a string", json, err);
    }
    text = cli_text_of(json, &len);
    if (!text) {
        return hf_fail(err, HF_ENOMEM, "no memory for a string");
    }
    if (kind == CLI_KIND_BYTES) {
        return encode_base64(json, text, len, out, err);
    }
    hf_wire_put_varint(out, len);
    hf_text_add_mem(out, text, len);
    return 0;
}

static int
fail_name(const struct cli_type *type, struct hf_json_span json, struct hf_err *err)
{
    const char *names[NAMES_MAX];
    size_t n = hf_min(type->value_count, (size_t)NAMES_MAX);
    size_t len;
    hf_autofree char *name = cli_text_of(json, &len);
    const char *closest;

    for (size_t i = 0; i < n; i++) {
        names[i] = type->values[i].name;
    }
    closest = name ? hf_closest_word(name, names, n) : NULL;
    return hf_fail(err, HF_EINVALID, "'%.80s' is no value of %s%s%s%s", name ? name : "",
                   type->name, closest ? ": did you mean '" : "", closest ? closest : "",
                   closest ? "'?" : "");
}

static int
encode_enum(const struct cli_type *type, struct hf_json_span json, struct hf_text *out,
            struct hf_err *err)
{
    if (hf_json_type(json) == HF_JSON_NULL && type->shape == CLI_SHAPE_NULL) {
        hf_wire_put_varint(out, 0);
        return 0;
    }
    if (hf_json_type(json) != HF_JSON_STRING) {
        return encode_integer(CLI_KIND_ENUM, json, out, err);
    }
    for (size_t i = 0; i < type->value_count; i++) {
        if (hf_json_is(json, type->values[i].name)) {
            hf_wire_put_varint(out, (uint64_t)type->values[i].number);
            return 0;
        }
    }
    return fail_name(type, json, err);
}

int
cli_scalar_encode(const struct cli_field *field, struct hf_json_span json, struct hf_text *out,
                  struct hf_err *err)
{
    switch (field->kind) {
    case CLI_KIND_DOUBLE:
    case CLI_KIND_FLOAT:
        return encode_floating(field->kind, json, out, err);
    case CLI_KIND_STRING:
    case CLI_KIND_BYTES:
        return encode_text(field->kind, json, out, err);
    case CLI_KIND_ENUM:
        return encode_enum(field->type, json, out, err);
    case CLI_KIND_BOOL:
        if (hf_json_type(json) != HF_JSON_BOOL) {
            return fail_kind("true or false", json, err);
        }
        hf_wire_put_varint(out, *json.text == 't' ? 1 : 0);
        return 0;
    default:
        return encode_integer(field->kind, json, out, err);
    }
}

int
cli_scalar_encode_key(const struct cli_field *key, struct hf_json_span name, struct hf_text *out,
                      struct hf_err *err)
{
    struct hf_json_integer integer;

    if (key->kind == CLI_KIND_STRING) {
        return encode_text(key->kind, name, out, err);
    }
    if (key->kind == CLI_KIND_BOOL) {
        if (!hf_json_is(name, "true") && !hf_json_is(name, "false")) {
            return hf_fail(err, HF_EINVALID, "the key must be \"true\" or \"false\"");
        }
        hf_wire_put_varint(out, hf_json_is(name, "true") ? 1 : 0);
        return 0;
    }
    return hf_json_integer(name, &integer)
               ? put_integer(key->kind, integer, out, err)
               : hf_fail(err, HF_EINVALID, "the key must be an integer");
}

/* --- to JSON ------------------------------------------------------------------------------ */

void
cli_put_base64(const void *data, size_t len, struct hf_text *out)
{
    hf_autofree char *text = malloc(HF_GRPC_BASE64_SIZE(len));
    size_t text_len;

    if (!text) {
        out->truncated = true;
        return;
    }
    text_len = hf_grpc_base64_encode(data, len, text);
    hf_text_add_mem(out, text, text_len);
    hf_text_pad(out, '=', (4 - text_len % 4) % 4);
}

/* The shortest text that reads back as the same number. */
static void
decode_floating(double number, bool single, struct hf_text *out)
{
    char text[40];

    if (isnan(number)) {
        hf_text_add(out, "\"NaN\"");
        return;
    }
    if (isinf(number)) {
        hf_text_add(out, number < 0 ? "\"-Infinity\"" : "\"Infinity\"");
        return;
    }
    if (number == 0 && signbit(number)) {
        hf_text_add(out, "-0.0"); /* readers take -0 for an integer */
        return;
    }
    for (int digits = single ? FLT_DIG : DBL_DIG; digits <= DBL_DECIMAL_DIG; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, number);
        if (single ? strtof(text, NULL) == (float)number : strtod(text, NULL) == number) {
            break;
        }
    }
    hf_text_add(out, text);
}

static double
double_of_bits(uint64_t bits)
{
    double number;

    memcpy(&number, &bits, sizeof number);
    return number;
}

static double
double_of_single(uint64_t bits)
{
    uint32_t single_bits = (uint32_t)bits;
    float single;

    memcpy(&single, &single_bits, sizeof single);
    return (double)single;
}

static void
decode_enum(const struct cli_type *type, int32_t number, struct hf_text *out)
{
    if (type->shape == CLI_SHAPE_NULL) {
        hf_text_add(out, "null");
        return;
    }
    for (size_t i = 0; i < type->value_count; i++) {
        if (type->values[i].number == number) {
            hf_text_add_json(out, type->values[i].name, strlen(type->values[i].name));
            return;
        }
    }
    hf_text_printf(out, "%" PRId32, number);
}

/* An integer or a bool, without quotes. */
static void
decode_plain(uint32_t kind, uint64_t value, struct hf_text *out)
{
    switch (kind) {
    case CLI_KIND_BOOL:
        hf_text_add(out, value ? "true" : "false");
        break;
    case CLI_KIND_INT64:
    case CLI_KIND_SFIXED64:
        hf_text_printf(out, "%" PRId64, (int64_t)value);
        break;
    case CLI_KIND_UINT64:
    case CLI_KIND_FIXED64:
        hf_text_printf(out, "%" PRIu64, value);
        break;
    case CLI_KIND_SINT64:
        hf_text_printf(out, "%" PRId64, hf_wire_unzigzag(value));
        break;
    case CLI_KIND_SINT32:
        hf_text_printf(out, "%" PRId32, (int32_t)hf_wire_unzigzag((uint32_t)value));
        break;
    case CLI_KIND_UINT32:
    case CLI_KIND_FIXED32:
        hf_text_printf(out, "%" PRIu32, (uint32_t)value);
        break;
    default:
        hf_text_printf(out, "%" PRId32, (int32_t)value);
    }
}

/* Whether JSON writes integers of the kind as strings. */
static bool
is_long(uint32_t kind)
{
    return kind == CLI_KIND_INT64 || kind == CLI_KIND_UINT64 || kind == CLI_KIND_FIXED64 ||
           kind == CLI_KIND_SFIXED64 || kind == CLI_KIND_SINT64;
}

void
cli_scalar_decode(const struct cli_field *field, const struct hf_wire_field *value,
                  struct hf_text *out)
{
    const char *quote = is_long(field->kind) ? "\"" : "";

    switch (field->kind) {
    case CLI_KIND_DOUBLE:
        decode_floating(double_of_bits(value->value), false, out);
        break;
    case CLI_KIND_FLOAT:
        decode_floating(double_of_single(value->value), true, out);
        break;
    case CLI_KIND_STRING:
        hf_text_add_json(out, value->data ? (const char *)value->data : "", value->len);
        break;
    case CLI_KIND_BYTES:
        hf_text_add_char(out, '"');
        cli_put_base64(value->data, value->len, out);
        hf_text_add_char(out, '"');
        break;
    case CLI_KIND_ENUM:
        decode_enum(field->type, (int32_t)value->value, out);
        break;
    default:
        hf_text_add(out, quote);
        decode_plain(field->kind, value->value, out);
        hf_text_add(out, quote);
    }
}

void
cli_scalar_decode_key(const struct cli_field *key, const struct hf_wire_field *value,
                      struct hf_text *out)
{
    if (key->kind == CLI_KIND_STRING) {
        cli_scalar_decode(key, value, out);
        return;
    }
    hf_text_add_char(out, '"');
    decode_plain(key->kind, value->value, out);
    hf_text_add_char(out, '"');
}

bool
cli_scalar_is_default(const struct cli_field *field, const struct hf_wire_field *value)
{
    return cli_kind_wire(field->kind) == HF_WIRE_BYTES ? value->len == 0 : value->value == 0;
}
