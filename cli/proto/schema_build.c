/*
 * schema_build.c - the messages, enums and methods that a set of .proto files defines: making
 * them from descriptors.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "schema_private.h"

static int
fail_memory(struct hf_err *err)
{
    return hf_fail(err, HF_ENOMEM, "no memory for definitions");
}

/* --- collecting types --------------------------------------------------------------------- */

/* Room for one more, with its name. */
static struct cli_defined *
add_type(struct cli_schema *schema, const char *scope, const char *name, const char *syntax)
{
    struct cli_defined *defined;

    if (schema->count == schema->size) {
        size_t size = schema->size ? 2 * schema->size : 64;

        defined = realloc(schema->defined, size * sizeof *defined);
        if (!defined) {
            return NULL;
        }
        schema->defined = defined;
        schema->size = size;
    }
    defined = &schema->defined[schema->count];
    *defined = (struct cli_defined){ .syntax = syntax };
    defined->type.name =
        hf_arena_printf(&schema->arena, "%s%s%s", scope, *scope ? "." : "", name ? name : "");
    schema->count += defined->type.name ? 1 : 0;
    return defined->type.name ? defined : NULL;
}

static bool
add_enum(struct cli_schema *schema, const char *scope,
         const Google__Protobuf__EnumDescriptorProto *enumeration, const char *syntax)
{
    struct cli_defined *defined = add_type(schema, scope, enumeration->name, syntax);

    if (defined) {
        defined->enumeration = enumeration;
        defined->type.is_enum = true;
    }
    return defined;
}

/* Adds a message and those in it; how deep they nest was checked. */
static bool
add_message(struct cli_schema *schema, const char *scope,
            const Google__Protobuf__DescriptorProto *message, const char *syntax)
{
    struct cli_defined *defined = add_type(schema, scope, message->name, syntax);
    const char *name = defined ? defined->type.name : NULL;
    bool done = defined;

    if (defined) {
        defined->message = message;
        defined->type.map_entry = message->options && message->options->map_entry;
    }
    for (size_t i = 0; done && i < message->n_nested_type; i++) {
        done = add_message(schema, name, message->nested_type[i], syntax);
    }
    for (size_t i = 0; done && i < message->n_enum_type; i++) {
        done = add_enum(schema, name, message->enum_type[i], syntax);
    }
    return done;
}

static bool
add_file(struct cli_schema *schema, const Google__Protobuf__FileDescriptorProto *file)
{
    const char *scope = file->package ? file->package : "";
    const char *syntax = file->syntax ? file->syntax : "proto2";
    bool done = true;

    for (size_t i = 0; done && i < file->n_message_type; i++) {
        done = add_message(schema, scope, file->message_type[i], syntax);
    }
    for (size_t i = 0; done && i < file->n_enum_type; i++) {
        done = add_enum(schema, scope, file->enum_type[i], syntax);
    }
    return done;
}

static int
compare_types(const void *a, const void *b)
{
    return strcmp(((const struct cli_defined *)a)->type.name,
                  ((const struct cli_defined *)b)->type.name);
}

/* --- fields ------------------------------------------------------------------------------- */

/* "some_name" as "someName"; NULL without memory. */
static const char *
camel(struct cli_schema *schema, const char *name)
{
    char *text = hf_arena_strdup(&schema->arena, name);
    char *to = text;

    for (const char *c = name; text && *c; c++) {
        if (*c != '_') {
            *to++ = (char)(c > name && c[-1] == '_' ? toupper((unsigned char)*c) : *c);
        }
    }
    if (text) {
        *to = '\0';
    }
    return text;
}

static bool
is_packable(uint32_t kind)
{
    return kind != CLI_KIND_STRING && kind != CLI_KIND_BYTES && kind != CLI_KIND_MESSAGE &&
           kind != CLI_KIND_GROUP;
}

/* Whether fields are written packed, unless they say themselves. */
static bool
is_packed(const Google__Protobuf__FieldDescriptorProto *proto, const char *syntax)
{
    return proto->options && proto->options->has_packed ? proto->options->packed
                                                        : strcmp(syntax, "proto2") != 0;
}

/* Finds the type that a field names. */
static int
find_type(const struct cli_schema *schema, const struct cli_type *owner, const char *name,
          struct cli_field *field, struct hf_err *err)
{
    bool is_enum = field->kind == CLI_KIND_ENUM;

    if (!is_enum && field->kind != CLI_KIND_MESSAGE && field->kind != CLI_KIND_GROUP) {
        return 0;
    }
    field->type = name && name[0] == '.' ? cli_schema_type(schema, name + 1) : NULL;
    return field->type && field->type->is_enum == is_enum
               ? 0
               : hf_fail(err, HF_EINVALID,
                         "the definitions lack the type '%s', which the field '%s' of '%s' has",
                         name ? name : "", field->name, owner->name);
}

static int
take_field(struct cli_schema *schema, const struct cli_defined *owner,
           const Google__Protobuf__FieldDescriptorProto *proto, struct cli_field *ret,
           struct hf_err *err)
{
    bool implicit = strcmp(owner->syntax, "proto3") == 0;
    int32_t kind = (int32_t)proto->type;

    if (!proto->name || proto->number < 1 || kind < CLI_KIND_DOUBLE || kind > CLI_KIND_SINT64 ||
        (proto->has_oneof_index &&
         (proto->oneof_index < 0 || (size_t)proto->oneof_index >= owner->message->n_oneof_decl))) {
        return hf_fail(err, HF_EINVALID, "the definition of '%s' has an invalid field '%s'",
                       owner->type.name, proto->name ? proto->name : "");
    }
    *ret = (struct cli_field){
        .name = proto->name,
        .json_name = proto->json_name ? proto->json_name : camel(schema, proto->name),
        .number = (uint32_t)proto->number,
        .kind = (uint32_t)kind,
        .repeated = proto->label == GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__LABEL__LABEL_REPEATED,
        .oneof = proto->has_oneof_index ? proto->oneof_index : -1,
    };
    ret->packed = ret->repeated && is_packable(ret->kind) && is_packed(proto, owner->syntax);
    ret->presence = !implicit || ret->kind == CLI_KIND_MESSAGE || ret->oneof >= 0;
    return ret->json_name ? find_type(schema, &owner->type, proto->type_name, ret, err)
                          : fail_memory(err);
}

static int
compare_fields(const void *a, const void *b)
{
    uint32_t x = ((const struct cli_field *)a)->number;
    uint32_t y = ((const struct cli_field *)b)->number;

    return (x > y) - (x < y);
}

static int
take_fields(struct cli_schema *schema, struct cli_defined *owner, struct hf_err *err)
{
    size_t count = owner->message->n_field;
    struct cli_field *fields = hf_arena_calloc(&schema->arena, count + 1, sizeof *fields);
    int r = fields ? 0 : fail_memory(err);

    for (size_t i = 0; r == 0 && i < count; i++) {
        r = take_field(schema, owner, owner->message->field[i], &fields[i], err);
    }
    if (r < 0) {
        return r;
    }
    qsort(fields, count, sizeof *fields, compare_fields);
    owner->type.fields = fields;
    owner->type.field_count = count;
    owner->type.oneof_count = (uint32_t)owner->message->n_oneof_decl;
    return 0;
}

static int
take_values(struct cli_schema *schema, struct cli_defined *owner, struct hf_err *err)
{
    size_t count = owner->enumeration->n_value;
    struct cli_enum_value *values = hf_arena_calloc(&schema->arena, count + 1, sizeof *values);

    if (!values) {
        return fail_memory(err);
    }
    for (size_t i = 0; i < count; i++) {
        const Google__Protobuf__EnumValueDescriptorProto *value = owner->enumeration->value[i];

        values[i] = (struct cli_enum_value){ value->name ? value->name : "", value->number };
    }
    owner->type.values = values;
    owner->type.value_count = count;
    return 0;
}

/* --- shapes ------------------------------------------------------------------------------- */

/* Whether the message has exactly fields of these kinds, numbered from 1. */
static bool
has_fields(const struct cli_type *type, const uint32_t *kinds, size_t count)
{
    bool same = type->field_count == count;

    for (size_t i = 0; same && i < count; i++) {
        same = type->fields[i].number == i + 1 && type->fields[i].kind == kinds[i];
    }
    return same;
}

/* Whether a message's only field can stand for it: one that needs no other message. */
static bool
has_inner(const struct cli_type *type)
{
    return type->field_count == 1 &&
           (type->fields[0].repeated ||
            (type->fields[0].kind != CLI_KIND_MESSAGE && type->fields[0].kind != CLI_KIND_GROUP));
}

/* The well-known types that JSON writes in a way of their own, if they are what they should be. */
static enum cli_shape
shape_of(const struct cli_type *type)
{
    static const char package[] = "google.protobuf.";
    static const uint32_t time[] = { CLI_KIND_INT64, CLI_KIND_INT32 };
    static const uint32_t any[] = { CLI_KIND_STRING, CLI_KIND_BYTES };
    static const uint32_t value[] = { CLI_KIND_ENUM, CLI_KIND_DOUBLE,  CLI_KIND_STRING,
                                      CLI_KIND_BOOL, CLI_KIND_MESSAGE, CLI_KIND_MESSAGE };
    static const char *const inner[] = { "DoubleValue", "FloatValue",  "Int64Value", "UInt64Value",
                                         "Int32Value",  "UInt32Value", "BoolValue",  "StringValue",
                                         "BytesValue",  "Struct",      "ListValue" };
    const char *name = type->name + strlen(package);

    if (strncmp(type->name, package, strlen(package)) != 0) {
        return type->is_enum ? CLI_SHAPE_ENUM : CLI_SHAPE_MESSAGE;
    }
    if (type->is_enum) {
        return strcmp(name, "NullValue") == 0 ? CLI_SHAPE_NULL : CLI_SHAPE_ENUM;
    }
    for (size_t i = 0; i < hf_countof(inner); i++) {
        if (strcmp(name, inner[i]) == 0 && has_inner(type)) {
            return CLI_SHAPE_INNER;
        }
    }
    if (strcmp(name, "Timestamp") == 0 && has_fields(type, time, hf_countof(time))) {
        return CLI_SHAPE_TIMESTAMP;
    }
    if (strcmp(name, "Duration") == 0 && has_fields(type, time, hf_countof(time))) {
        return CLI_SHAPE_DURATION;
    }
    if (strcmp(name, "Any") == 0 && has_fields(type, any, hf_countof(any))) {
        return CLI_SHAPE_ANY;
    }
    if (strcmp(name, "Value") == 0 && has_fields(type, value, hf_countof(value))) {
        return CLI_SHAPE_VALUE;
    }
    return strcmp(name, "FieldMask") == 0 ? CLI_SHAPE_UNSUPPORTED : CLI_SHAPE_MESSAGE;
}

/* A map's entry has a key that JSON can write as a name, and a value. */
static bool
is_good_entry(const struct cli_type *type)
{
    const struct cli_field *key = type->fields;

    return type->field_count == 2 && key[0].number == 1 && key[1].number == 2 && !key[0].repeated &&
           !key[1].repeated && key[0].kind != CLI_KIND_DOUBLE && key[0].kind != CLI_KIND_FLOAT &&
           key[0].kind != CLI_KIND_BYTES && key[0].kind != CLI_KIND_ENUM &&
           key[0].kind != CLI_KIND_MESSAGE && key[0].kind != CLI_KIND_GROUP;
}

/* --- all ---------------------------------------------------------------------------------- */

static int
finish_type(struct cli_schema *schema, struct cli_defined *defined, struct hf_err *err)
{
    int r = defined->enumeration ? take_values(schema, defined, err)
                                 : take_fields(schema, defined, err);

    if (r < 0) {
        return r;
    }
    if (defined->type.map_entry && !is_good_entry(&defined->type)) {
        return hf_fail(err, HF_EINVALID, "the definition of '%s' is no valid entry of a map",
                       defined->type.name);
    }
    defined->type.shape = shape_of(&defined->type);
    return 0;
}

int
cli_schema_build(struct cli_schema *schema, struct hf_err *err)
{
    int r = 0;

    for (size_t i = 0; i < schema->set->n_file; i++) {
        if (!add_file(schema, schema->set->file[i])) {
            return fail_memory(err);
        }
    }
    if (schema->count > 0) {
        qsort(schema->defined, schema->count, sizeof *schema->defined, compare_types);
    }
    for (size_t i = 1; i < schema->count; i++) {
        if (compare_types(&schema->defined[i - 1], &schema->defined[i]) == 0) {
            return hf_fail(err, HF_EINVALID, "the definitions have '%s' twice",
                           schema->defined[i].type.name);
        }
    }
    for (size_t i = 0; r == 0 && i < schema->count; i++) {
        r = finish_type(schema, &schema->defined[i], err);
    }
    return r;
}
