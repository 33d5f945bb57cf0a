/*
 * json_encode.c - messages from JSON to protobuf's wire format.
 */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/parse.h"
#include "json.h"
#include "scalar.h"
#include "base/time_text.h"

/* Longest place in an error. */
#define PLACE_MAX 256

/* Most fields among which the one that was meant is looked for. */
#define NAMES_MAX 256

/* A place in the JSON: a member, or an item of an array, of the place above. */
struct place {
    const struct place *above; /* NULL: the document */
    struct hf_json_span name;  /* as it is written, without quotes; no text: an item */
    size_t item;
};

/* What all functions of one encoding share. */
struct encoding {
    const struct cli_schema *schema;
    unsigned int depth;
    struct hf_err *err;
};

static int encode_message(struct encoding *encoding, const struct cli_type *type,
                          struct hf_json_span json, const struct place *place, struct hf_text *out);

/* --- errors ------------------------------------------------------------------------------- */

/* Appends "user.tags[3]". */
static void
put_place(const struct place *place, struct hf_text *out)
{
    if (place->above) {
        put_place(place->above, out);
    }
    if (place->name.text) {
        hf_text_printf(out, "%s%.*s", out->len > 0 ? "." : "", (int)place->name.len,
                       place->name.text);
    } else if (place->above) {
        hf_text_printf(out, "[%zu]", place->item);
    }
}

/* Says where it is wrong, before the message that is there. */
static int
wrong_at(struct encoding *encoding, const struct place *place, int code)
{
    hf_autotext struct hf_text text;

    hf_text_init(&text);
    text.limit = PLACE_MAX;
    put_place(place, &text);
    return text.len > 0 ? hf_err_wrap(encoding->err, code, "field '%s'", hf_text_str(&text)) : code;
}

static int
fail_expected(struct encoding *encoding, const struct place *place, const char *expected,
              struct hf_json_span json)
{
    int r = hf_fail(encoding->err, HF_EINVALID, "expected %s, found %.*s", expected,
                    (int)hf_min(json.len, (size_t)80), json.text);

    return wrong_at(encoding, place, r);
}

static int
fail_unknown(struct encoding *encoding, const struct cli_type *type, struct hf_json_span name,
             const struct place *place)
{
    const char *names[NAMES_MAX];
    size_t n = hf_min(type->field_count, (size_t)NAMES_MAX);
    size_t len;
    hf_autofree char *text = cli_text_of(name, &len);
    const char *closest;
    int r;

    for (size_t i = 0; i < n; i++) {
        names[i] = type->fields[i].json_name;
    }
    closest = text ? hf_closest_word(text, names, n) : NULL;
    r = hf_fail(encoding->err, HF_EINVALID, "%s has no such field%s%s%s", type->name,
                closest ? ": did you mean '" : "", closest ? closest : "", closest ? "'?" : "");
    return wrong_at(encoding, place, r);
}

/* A member's place. */
static struct place
place_in(const struct place *above, struct hf_json_span name)
{
    return (struct place){ .above = above, .name = { name.text + 1, name.len - 2 } };
}

static struct place
place_of(const struct place *above, const struct cli_field *field)
{
    return (struct place){ .above = above, .name = { field->json_name, strlen(field->json_name) } };
}

/* --- values ------------------------------------------------------------------------------- */

/* Appends one value as it stands behind its tag. */
static int
encode_value(struct encoding *encoding, const struct cli_field *field, struct hf_json_span json,
             const struct place *place, struct hf_text *out)
{
    hf_autotext struct hf_text message;
    int r;

    hf_text_init(&message);
    message.limit = out->limit;
    if (field->kind == CLI_KIND_GROUP) {
        r = hf_fail(encoding->err, HF_EUNSUPPORTED, "groups of proto2 are not supported");
        return wrong_at(encoding, place, r);
    }
    if (field->kind != CLI_KIND_MESSAGE) {
        r = cli_scalar_encode(field, json, out, encoding->err);
        return r < 0 ? wrong_at(encoding, place, r) : 0;
    }
    r = encode_message(encoding, field->type, json, place, &message);
    if (r == 0) {
        hf_wire_put_varint(out, message.len);
        hf_text_add_mem(out, hf_text_str(&message), message.len);
        out->truncated |= message.truncated;
    }
    return r;
}

/* Whether a value counts: null is the absence of most. */
static bool
counts(const struct cli_field *field, struct hf_json_span json)
{
    if (hf_json_type(json) != HF_JSON_NULL) {
        return true;
    }
    return field->type && (field->type->shape == CLI_SHAPE_VALUE ||
                           (field->type->shape == CLI_SHAPE_NULL && field->oneof >= 0));
}

static int
encode_items(struct encoding *encoding, const struct cli_field *field, struct hf_json_span json,
             const struct place *place, struct hf_text *out)
{
    struct place at = { .above = place };
    hf_autotext struct hf_text packed;
    struct hf_json_cursor cursor;
    struct hf_json_span item;
    int r = 0;

    hf_text_init(&packed);
    packed.limit = out->limit;
    if (hf_json_type(json) != HF_JSON_ARRAY) {
        return fail_expected(encoding, place, "an array", json);
    }
    hf_json_begin(&cursor, json);
    for (; r == 0 && hf_json_next(&cursor, NULL, &item); at.item++) {
        if (!field->packed) {
            hf_wire_put_tag(out, field->number, cli_kind_wire(field->kind));
        }
        r = counts(field, item)
                ? encode_value(encoding, field, item, &at, field->packed ? &packed : out)
                : fail_expected(encoding, &at, "a value", item);
    }
    if (packed.len > 0) {
        hf_wire_put_bytes(out, field->number, hf_text_str(&packed), packed.len);
    }
    out->truncated |= packed.truncated;
    return r;
}

static int
encode_map(struct encoding *encoding, const struct cli_field *field, struct hf_json_span json,
           const struct place *place, struct hf_text *out)
{
    const struct cli_field *key = &field->type->fields[0];
    const struct cli_field *value = &field->type->fields[1];
    hf_autotext struct hf_text entry;
    struct hf_json_cursor cursor;
    struct hf_json_span name;
    struct hf_json_span member;
    int r;

    hf_text_init(&entry);
    entry.limit = out->limit;
    if (hf_json_type(json) != HF_JSON_OBJECT) {
        return fail_expected(encoding, place, "an object", json);
    }
    hf_json_begin(&cursor, json);
    while (hf_json_next(&cursor, &name, &member)) {
        const struct place at = place_in(place, name);

        hf_text_clear(&entry);
        hf_wire_put_tag(&entry, key->number, cli_kind_wire(key->kind));
        r = cli_scalar_encode_key(key, name, &entry, encoding->err);
        if (r < 0) {
            return wrong_at(encoding, &at, r);
        }
        if (!counts(value, member)) {
            return fail_expected(encoding, &at, "a value", member);
        }
        hf_wire_put_tag(&entry, value->number, cli_kind_wire(value->kind));
        r = encode_value(encoding, value, member, &at, &entry);
        if (r < 0) {
            return r;
        }
        hf_wire_put_bytes(out, field->number, hf_text_str(&entry), entry.len);
        out->truncated |= entry.truncated;
    }
    return 0;
}

/* Whether a value, as encoded, is the default of its kind. */
static bool
is_zero(const struct hf_text *value)
{
    size_t i = 0;

    while (i < value->len && value->data[i] == '\0') {
        i++;
    }
    return i == value->len;
}

/* Appends a field with its tag; `always`: also one at its default. */
static int
encode_field(struct encoding *encoding, const struct cli_field *field, struct hf_json_span json,
             bool always, const struct place *place, struct hf_text *out)
{
    hf_autotext struct hf_text value;
    int r;

    hf_text_init(&value);
    value.limit = out->limit;
    if (field->repeated) {
        return cli_field_is_map(field) ? encode_map(encoding, field, json, place, out)
                                       : encode_items(encoding, field, json, place, out);
    }
    r = encode_value(encoding, field, json, place, &value);
    if (r == 0 && (always || !is_zero(&value))) {
        hf_wire_put_tag(out, field->number, cli_kind_wire(field->kind));
        hf_text_add_mem(out, hf_text_str(&value), value.len);
    }
    out->truncated |= value.truncated;
    return r;
}

/* --- objects ------------------------------------------------------------------------------ */

/* The fields of a message that were there before. */
struct met {
    bool *fields;
    const struct cli_field **oneofs; /* the field of each that is set */
};

/* Refuses both spellings of a field, and two fields of a oneof. */
static int
check_rivals(struct encoding *encoding, const struct cli_type *type, const struct cli_field *field,
             const struct met *met, bool is_set, const struct place *place)
{
    const struct cli_field *rival = field->oneof >= 0 ? met->oneofs[field->oneof] : NULL;
    int r = 0;

    if (met->fields[field - type->fields]) {
        r = hf_fail(encoding->err, HF_EINVALID, "is given twice, also as '%s'", field->name);
    } else if (rival && is_set) {
        r = hf_fail(encoding->err, HF_EINVALID, "can't be given together with '%s'",
                    rival->json_name);
    }
    return r < 0 ? wrong_at(encoding, place, r) : 0;
}

static int
encode_member(struct encoding *encoding, const struct cli_type *type, struct hf_json_span name,
              struct hf_json_span member, struct met *met, const struct place *place,
              struct hf_text *out)
{
    const struct cli_field *field = cli_type_field_named(type, name);
    const struct place at = field ? place_of(place, field) : place_in(place, name);
    bool is_set;
    int r;

    if (!field) {
        return fail_unknown(encoding, type, name, &at);
    }
    is_set = counts(field, member);
    r = check_rivals(encoding, type, field, met, is_set, &at);
    met->fields[field - type->fields] = true;
    if (r < 0 || !is_set) {
        return r;
    }
    if (field->oneof >= 0) {
        met->oneofs[field->oneof] = field;
    }
    return encode_field(encoding, field, member, field->presence, &at, out);
}

/* Encodes the members of an object; `besides` is one that belongs to no field, or NULL. */
static int
encode_members(struct encoding *encoding, const struct cli_type *type, struct hf_json_span json,
               const char *besides, const struct place *place, struct hf_text *out)
{
    hf_autofree bool *fields = calloc(type->field_count + 1, sizeof *fields);
    hf_autofree const struct cli_field **oneofs = calloc(type->oneof_count + 1, sizeof *oneofs);
    struct met met = { fields, oneofs };
    struct hf_json_cursor cursor;
    struct hf_json_span name;
    struct hf_json_span member;
    int r = 0;

    if (!fields || !oneofs) {
        return hf_fail(encoding->err, HF_ENOMEM, "no memory for a message");
    }
    if (hf_json_type(json) != HF_JSON_OBJECT) {
        return fail_expected(encoding, place, "an object", json);
    }
    hf_json_begin(&cursor, json);
    while (r == 0 && hf_json_next(&cursor, &name, &member)) {
        if (!besides || !hf_json_is(name, besides)) {
            r = encode_member(encoding, type, name, member, &met, place, out);
        }
    }
    return r;
}

/* --- well-known types --------------------------------------------------------------------- */

/* Any JSON value, as google.protobuf.Value. */
static int
encode_any_value(struct encoding *encoding, const struct cli_type *type, struct hf_json_span json,
                 const struct place *place, struct hf_text *out)
{
    static const uint32_t numbers[] = {
        [HF_JSON_NULL] = 1, [HF_JSON_NUMBER] = 2, [HF_JSON_STRING] = 3,
        [HF_JSON_BOOL] = 4, [HF_JSON_OBJECT] = 5, [HF_JSON_ARRAY] = 6,
    };

    return encode_field(encoding, &type->fields[numbers[hf_json_type(json)] - 1], json, true, place,
                        out);
}

static int
encode_time(struct encoding *encoding, const struct cli_type *type, struct hf_json_span json,
            const struct place *place, struct hf_text *out)
{
    bool is_duration = type->shape == CLI_SHAPE_DURATION;
    bool is_text = hf_json_type(json) == HF_JSON_STRING;
    size_t len;
    hf_autofree char *text = is_text ? cli_text_of(json, &len) : NULL;
    struct hf_time time;
    bool good =
        text && (is_duration ? hf_duration_parse(text, &time) : hf_timestamp_parse(text, &time));

    if (!good) {
        return fail_expected(encoding, place,
                             is_duration ? "a duration in seconds such as \"1.5s\""
                                         : "a time such as \"2024-02-29T12:00:00Z\"",
                             json);
    }
    if (time.seconds != 0) {
        hf_wire_put_tag(out, 1, HF_WIRE_VARINT);
        hf_wire_put_varint(out, (uint64_t)time.seconds);
    }
    if (time.nanos != 0) {
        hf_wire_put_tag(out, 2, HF_WIRE_VARINT);
        hf_wire_put_varint(out, (uint64_t)time.nanos);
    }
    return 0;
}

/* A member of what may be an object; null if there is none. */
static struct hf_json_span
member_of(struct hf_json_span json, const char *wanted)
{
    struct hf_json_cursor cursor;
    struct hf_json_span name;
    struct hf_json_span member;

    if (hf_json_type(json) == HF_JSON_OBJECT) {
        hf_json_begin(&cursor, json);
        while (hf_json_next(&cursor, &name, &member)) {
            if (hf_json_is(name, wanted)) {
                return member;
            }
        }
    }
    return (struct hf_json_span){ "null", 4 };
}

/* An object with its type in "@type"; for a type with a form of its own, that is in "value". */
static int
encode_any(struct encoding *encoding, struct hf_json_span json, const struct place *place,
           struct hf_text *out)
{
    struct hf_json_span of = member_of(json, "@type");
    size_t len;
    hf_autofree char *url = hf_json_type(of) == HF_JSON_STRING ? cli_text_of(of, &len) : NULL;
    const char *slash = url ? strrchr(url, '/') : NULL;
    const struct cli_type *type = slash ? cli_schema_type(encoding->schema, slash + 1) : NULL;
    const struct place at = { .above = place, .name = { "value", 5 } };
    hf_autotext struct hf_text value;
    int r;

    hf_text_init(&value);
    value.limit = out->limit;
    if (!slash) {
        return fail_expected(encoding, place,
                             "an object with \"@type\": \"type.googleapis.com/package.Message\"",
                             json);
    }
    if (!type || type->is_enum) {
        r = hf_fail(encoding->err, HF_EINVALID, "the definitions lack the message '%.80s'",
                    slash + 1);
        return wrong_at(encoding, place, r);
    }
    r = type->shape == CLI_SHAPE_MESSAGE
            ? encode_members(encoding, type, json, "@type", place, &value)
            : encode_message(encoding, type, member_of(json, "value"), &at, &value);
    hf_wire_put_bytes(out, 1, url, strlen(url));
    if (value.len > 0) {
        hf_wire_put_bytes(out, 2, hf_text_str(&value), value.len);
    }
    out->truncated |= value.truncated;
    return r;
}

static int
encode_shape(struct encoding *encoding, const struct cli_type *type, struct hf_json_span json,
             const struct place *place, struct hf_text *out)
{
    switch (type->shape) {
    case CLI_SHAPE_INNER:
        return encode_field(encoding, &type->fields[0], json, false, place, out);
    case CLI_SHAPE_VALUE:
        return encode_any_value(encoding, type, json, place, out);
    case CLI_SHAPE_TIMESTAMP:
    case CLI_SHAPE_DURATION:
        return encode_time(encoding, type, json, place, out);
    case CLI_SHAPE_ANY:
        return encode_any(encoding, json, place, out);
    case CLI_SHAPE_UNSUPPORTED:
        return wrong_at(
            encoding, place,
            hf_fail(encoding->err, HF_EUNSUPPORTED, "%s is not supported in JSON", type->name));
    default:
        return encode_members(encoding, type, json, NULL, place, out);
    }
}

/* Appends a message without its length. */
static int
encode_message(struct encoding *encoding, const struct cli_type *type, struct hf_json_span json,
               const struct place *place, struct hf_text *out)
{
    int r;

    if (encoding->depth == HF_WIRE_DEPTH) {
        r = hf_fail(encoding->err, HF_EINVALID, "messages nest more than %d deep", HF_WIRE_DEPTH);
        return wrong_at(encoding, place, r);
    }
    encoding->depth++;
    r = encode_shape(encoding, type, json, place, out);
    encoding->depth--;
    return r;
}

int
cli_json_encode(const struct cli_schema *schema, const struct cli_type *type,
                struct hf_json_span json, struct hf_text *out, struct hf_err *err)
{
    struct encoding encoding = { .schema = schema, .err = err };
    const struct place document = { .above = NULL };
    int r = encode_message(&encoding, type, json, &document, out);

    return r == 0 && out->truncated ? hf_fail(err, HF_EFULL, "the message is too long") : r;
}
