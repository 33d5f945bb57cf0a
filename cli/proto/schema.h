/*
 * schema.h - the messages, enums and methods that a set of .proto files defines.
 *
 * Made from a FileDescriptorSet, as protoc writes it and as server reflection answers.  The set
 * may come from anybody: what is wrong with it is an error, and nothing else.
 */
#ifndef HF_CLI_PROTO_SCHEMA_H
#define HF_CLI_PROTO_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/json_read.h"
#include "base/macros.h"

struct hf_err;
struct cli_schema;

/* The kinds of fields, numbered as in google/protobuf/descriptor.proto. */
enum cli_kind {
    CLI_KIND_DOUBLE = 1,
    CLI_KIND_FLOAT = 2,
    CLI_KIND_INT64 = 3,
    CLI_KIND_UINT64 = 4,
    CLI_KIND_INT32 = 5,
    CLI_KIND_FIXED64 = 6,
    CLI_KIND_FIXED32 = 7,
    CLI_KIND_BOOL = 8,
    CLI_KIND_STRING = 9,
    CLI_KIND_GROUP = 10,
    CLI_KIND_MESSAGE = 11,
    CLI_KIND_BYTES = 12,
    CLI_KIND_UINT32 = 13,
    CLI_KIND_ENUM = 14,
    CLI_KIND_SFIXED32 = 15,
    CLI_KIND_SFIXED64 = 16,
    CLI_KIND_SINT32 = 17,
    CLI_KIND_SINT64 = 18
};

/* How JSON writes a type. */
enum cli_shape {
    CLI_SHAPE_MESSAGE,     /* an object */
    CLI_SHAPE_ENUM,        /* the name of a value */
    CLI_SHAPE_NULL,        /* google.protobuf.NullValue: null */
    CLI_SHAPE_INNER,       /* a wrapper, Struct or ListValue: what its only field holds */
    CLI_SHAPE_VALUE,       /* google.protobuf.Value: any JSON value */
    CLI_SHAPE_TIMESTAMP,   /* "2024-02-29T12:00:00Z" */
    CLI_SHAPE_DURATION,    /* "1.5s" */
    CLI_SHAPE_ANY,         /* an object with its type in "@type" */
    CLI_SHAPE_UNSUPPORTED, /* google.protobuf.FieldMask */
};

struct cli_type;

struct cli_field {
    const char *name;
    const char *json_name;
    uint32_t number;
    uint32_t kind; /* enum cli_kind */
    bool repeated; /* maps too */
    bool packed;   /* written packed; read either way */
    bool presence; /* one that is there with its default differs from one that is absent */
    int32_t oneof; /* its index in the message; -1: in none */
    const struct cli_type *type; /* of messages, groups and enums; else NULL */
};

struct cli_enum_value {
    const char *name;
    int32_t number;
};

/* A message or an enum. */
struct cli_type {
    const char *name; /* "package.Message" */
    enum cli_shape shape;
    bool is_enum;
    bool map_entry; /* `fields` are the key and the value */

    const struct cli_field *fields; /* of a message, by number */
    size_t field_count;
    uint32_t oneof_count;

    const struct cli_enum_value *values; /* of an enum, as declared */
    size_t value_count;
};

struct cli_method {
    const struct cli_type *request;
    const struct cli_type *response;
    bool client_streaming;
};

/* Reads a FileDescriptorSet. */
int cli_schema_new(const void *set, size_t len, struct cli_schema **ret, struct hf_err *err);
void cli_schema_free(struct cli_schema *schema); /* NULL is allowed */
HF_DEFINE_CLEANUP(struct cli_schema, cli_schema_free)

/* By its full name, or NULL. */
const struct cli_type *cli_schema_type(const struct cli_schema *schema, const char *name);

/* Finds "package.Service/Method"; what lives as long as the schema.  HF_ENOTFOUND says what
 * there is instead. */
int cli_schema_method(const struct cli_schema *schema, const char *method, struct cli_method *ret,
                      struct hf_err *err);

/* The field of a message, or NULL. */
const struct cli_field *cli_type_field(const struct cli_type *type, uint32_t number);

/* The same by either spelling of its name. */
const struct cli_field *cli_type_field_named(const struct cli_type *type, struct hf_json_span name);

/* Whether the field is a map. */
static inline bool
cli_field_is_map(const struct cli_field *field)
{
    return field->repeated && field->kind == CLI_KIND_MESSAGE && field->type->map_entry;
}

/* The enum hf_wire_type of a value of the kind. */
uint32_t cli_kind_wire(uint32_t kind);

#endif
