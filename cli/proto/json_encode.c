/*
 * json_encode.c - messages from JSON to protobuf's wire format.
 */
#include <json-c/json.h>
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
    const char *name;          /* NULL: an item */
    size_t item;
};

/* What all functions of one encoding share. */
struct encoding {
    const struct cli_schema *schema;
    unsigned int depth;
    struct hf_err *err;
};

static int encode_message(struct encoding *encoding, const struct cli_type *type,
                          struct json_object *json, const struct place *place, struct hf_text *out);

/* --- errors ------------------------------------------------------------------------------- */

/* Appends "user.tags[3]". */
static void
put_place(const struct place *place, struct hf_text *out)
{
    if (place->above) {
        put_place(place->above, out);
    }
    if (place->name) {
        hf_text_printf(out, "%s%s", out->len > 0 ? "." : "", place->name);
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
              struct json_object *json)
{
    int r = hf_fail(encoding->err, HF_EINVALID, "expected %s, found %.80s", expected,
                    json_object_to_json_string_ext(json, JSON_C_TO_STRING_PLAIN));

    return wrong_at(encoding, place, r);
}

static int
fail_unknown(struct encoding *encoding, const struct cli_type *type, const struct place *place)
{
    const char *names[NAMES_MAX];
    size_t n = hf_min(type->field_count, (size_t)NAMES_MAX);
    const char *closest;
    int r;

    for (size_t i = 0; i < n; i++) {
        names[i] = type->fields[i].json_name;
    }
    closest = hf_closest_word(place->name, names, n);
    r = hf_fail(encoding->err, HF_EINVALID, "%s has no such field%s%s%s", type->name,
                closest ? ": did you mean '" : "", closest ? closest : "", closest ? "'?" : "");
    return wrong_at(encoding, place, r);
}

/* --- values ------------------------------------------------------------------------------- */

/* Appends one value as it stands behind its tag. */
static int
encode_value(struct encoding *encoding, const struct cli_field *field, struct json_object *json,
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
        cli_wire_put_varint(out, message.len);
        hf_text_add_mem(out, hf_text_str(&message), message.len);
        out->truncated |= message.truncated;
    }
    return r;
}

/* Whether null is a value of the field, and not its absence. */
static bool
takes_null(const struct cli_field *field)
{
    return field->type && (field->type->shape == CLI_SHAPE_VALUE ||
                           (field->type->shape == CLI_SHAPE_NULL && field->oneof >= 0));
}

static int
encode_items(struct encoding *encoding, const struct cli_field *field, struct json_object *json,
             const struct place *place, struct hf_text *out)
{
    hf_autotext struct hf_text packed;
    int r = 0;

    hf_text_init(&packed);
    packed.limit = out->limit;
    if (!json_object_is_type(json, json_type_array)) {
        return fail_expected(encoding, place, "an array", json);
    }
    for (size_t i = 0; r == 0 && i < json_object_array_length(json); i++) {
        const struct place at = { .above = place, .item = i };
        struct json_object *item = json_object_array_get_idx(json, i);

        if (!field->packed) {
            cli_wire_put_tag(out, field->number, cli_kind_wire(field->kind));
        }
        if (!item && !takes_null(field)) {
            r = fail_expected(encoding, &at, "a value", item);
        } else {
            r = encode_value(encoding, field, item, &at, field->packed ? &packed : out);
        }
    }
    if (packed.len > 0) {
        cli_wire_put_bytes(out, field->number, hf_text_str(&packed), packed.len);
    }
    out->truncated |= packed.truncated;
    return r;
}

static int
encode_map(struct encoding *encoding, const struct cli_field *field, struct json_object *json,
           const struct place *place, struct hf_text *out)
{
    const struct cli_field *key = &field->type->fields[0];
    const struct cli_field *value = &field->type->fields[1];
    hf_autotext struct hf_text entry;
    int r = 0;

    hf_text_init(&entry);
    entry.limit = out->limit;
    if (!json_object_is_type(json, json_type_object)) {
        return fail_expected(encoding, place, "an object", json);
    }
    json_object_object_foreach(json, name, member)
    {
        const struct place at = { .above = place, .name = name };

        hf_text_clear(&entry);
        cli_wire_put_tag(&entry, key->number, cli_kind_wire(key->kind));
        r = cli_scalar_encode_key(key, name, &entry, encoding->err);
        if (r < 0) {
            return wrong_at(encoding, &at, r);
        }
        if (!member && !takes_null(value)) {
            return fail_expected(encoding, &at, "a value", member);
        }
        cli_wire_put_tag(&entry, value->number, cli_kind_wire(value->kind));
        r = encode_value(encoding, value, member, &at, &entry);
        if (r < 0) {
            return r;
        }
        cli_wire_put_bytes(out, field->number, hf_text_str(&entry), entry.len);
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
encode_field(struct encoding *encoding, const struct cli_field *field, struct json_object *json,
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
        cli_wire_put_tag(out, field->number, cli_kind_wire(field->kind));
        hf_text_add_mem(out, hf_text_str(&value), value.len);
    }
    out->truncated |= value.truncated;
    return r;
}

/* --- objects ------------------------------------------------------------------------------ */

/* The member for a field, by either spelling of its name.  False: the field is absent. */
static bool
find_member(const struct cli_field *field, struct json_object *json, struct json_object **ret)
{
    return (json_object_object_get_ex(json, field->json_name, ret) ||
            json_object_object_get_ex(json, field->name, ret)) &&
           (*ret || takes_null(field));
}

/* Refuses both spellings of a field, and two fields of a oneof. */
static int
check_rivals(struct encoding *encoding, const struct cli_type *type, const struct cli_field *field,
             struct json_object *json, const struct place *place)
{
    struct json_object *ignored;
    int r;

    if (strcmp(field->json_name, field->name) != 0 &&
        json_object_object_get_ex(json, field->json_name, &ignored) &&
        json_object_object_get_ex(json, field->name, &ignored)) {
        r = hf_fail(encoding->err, HF_EINVALID, "is given twice, also as '%s'", field->name);
        return wrong_at(encoding, place, r);
    }
    for (const struct cli_field *other = type->fields; field->oneof >= 0 && other < field;
         other++) {
        if (other->oneof == field->oneof && find_member(other, json, &ignored)) {
            r = hf_fail(encoding->err, HF_EINVALID, "can't be given together with '%s'",
                        other->json_name);
            return wrong_at(encoding, place, r);
        }
    }
    return 0;
}

/* Refuses members that no field has. */
static int
check_members(struct encoding *encoding, const struct cli_type *type, struct json_object *json,
              const char *besides, const struct place *place)
{
    json_object_object_foreach(json, name, member)
    {
        const struct place at = { .above = place, .name = name };

        (void)member;
        if (!cli_type_field_named(type, name) && (!besides || strcmp(name, besides) != 0)) {
            return fail_unknown(encoding, type, &at);
        }
    }
    return 0;
}

/* Encodes the members of an object; `besides` is one that belongs to no field, or NULL. */
static int
encode_members(struct encoding *encoding, const struct cli_type *type, struct json_object *json,
               const char *besides, const struct place *place, struct hf_text *out)
{
    int r;

    if (!json_object_is_type(json, json_type_object)) {
        return fail_expected(encoding, place, "an object", json);
    }
    r = check_members(encoding, type, json, besides, place);
    for (size_t i = 0; r == 0 && i < type->field_count; i++) {
        const struct cli_field *field = &type->fields[i];
        const struct place at = { .above = place, .name = field->json_name };
        struct json_object *member;

        if (find_member(field, json, &member)) {
            r = check_rivals(encoding, type, field, json, &at);
            if (r == 0) {
                r = encode_field(encoding, field, member, field->presence, &at, out);
            }
        }
    }
    return r;
}

/* --- well-known types --------------------------------------------------------------------- */

/* Any JSON value, as google.protobuf.Value. */
static int
encode_any_value(struct encoding *encoding, const struct cli_type *type, struct json_object *json,
                 const struct place *place, struct hf_text *out)
{
    static const struct {
        json_type type;
        uint32_t number;
    } kinds[] = {
        { json_type_null, 1 },   { json_type_int, 2 },     { json_type_double, 2 },
        { json_type_string, 3 }, { json_type_boolean, 4 }, { json_type_object, 5 },
        { json_type_array, 6 },
    };
    size_t i = 0;

    while (kinds[i].type != json_object_get_type(json)) {
        i++;
    }
    return encode_field(encoding, &type->fields[kinds[i].number - 1], json, true, place, out);
}

static int
encode_time(struct encoding *encoding, const struct cli_type *type, struct json_object *json,
            const struct place *place, struct hf_text *out)
{
    bool is_duration = type->shape == CLI_SHAPE_DURATION;
    const char *text =
        json_object_is_type(json, json_type_string) ? json_object_get_string(json) : "";
    struct hf_time time;
    bool good = is_duration ? hf_duration_parse(text, &time) : hf_timestamp_parse(text, &time);

    if (!good) {
        return fail_expected(encoding, place,
                             is_duration ? "a duration in seconds such as \"1.5s\""
                                         : "a time such as \"2024-02-29T12:00:00Z\"",
                             json);
    }
    if (time.seconds != 0) {
        cli_wire_put_tag(out, 1, CLI_WIRE_VARINT);
        cli_wire_put_varint(out, (uint64_t)time.seconds);
    }
    if (time.nanos != 0) {
        cli_wire_put_tag(out, 2, CLI_WIRE_VARINT);
        cli_wire_put_varint(out, (uint64_t)time.nanos);
    }
    return 0;
}

/* An object with its type in "@type"; for a type with a form of its own, that is in "value". */
static int
encode_any(struct encoding *encoding, struct json_object *json, const struct place *place,
           struct hf_text *out)
{
    struct json_object *member = NULL;
    const char *url =
        json_object_object_get_ex(json, "@type", &member) ? json_object_get_string(member) : NULL;
    const char *slash = url ? strrchr(url, '/') : NULL;
    const struct cli_type *type = slash ? cli_schema_type(encoding->schema, slash + 1) : NULL;
    const struct place at = { .above = place, .name = "value" };
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
    if (type->shape == CLI_SHAPE_MESSAGE) {
        r = encode_members(encoding, type, json, "@type", place, &value);
    } else {
        json_object_object_get_ex(json, "value", &member);
        r = encode_message(encoding, type, member, &at, &value);
    }
    cli_wire_put_bytes(out, 1, url, strlen(url));
    if (value.len > 0) {
        cli_wire_put_bytes(out, 2, hf_text_str(&value), value.len);
    }
    out->truncated |= value.truncated;
    return r;
}

static int
encode_shape(struct encoding *encoding, const struct cli_type *type, struct json_object *json,
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
encode_message(struct encoding *encoding, const struct cli_type *type, struct json_object *json,
               const struct place *place, struct hf_text *out)
{
    int r;

    if (encoding->depth == CLI_WIRE_DEPTH) {
        r = hf_fail(encoding->err, HF_EINVALID, "messages nest more than %d deep", CLI_WIRE_DEPTH);
        return wrong_at(encoding, place, r);
    }
    encoding->depth++;
    r = encode_shape(encoding, type, json, place, out);
    encoding->depth--;
    return r;
}

int
cli_json_encode(const struct cli_schema *schema, const struct cli_type *type,
                struct json_object *json, struct hf_text *out, struct hf_err *err)
{
    struct encoding encoding = { .schema = schema, .err = err };
    const struct place document = { .above = NULL };
    int r = encode_message(&encoding, type, json, &document, out);

    return r == 0 && out->truncated ? hf_fail(err, HF_EFULL, "the message is too long") : r;
}
