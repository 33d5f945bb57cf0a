/*
 * schema.c - the messages, enums and methods that a set of .proto files defines: reading a set,
 * and finding things in it.
 */
#include "schema.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/parse.h"
#include "base/text.h"
#include "grpc/message.h"
#include "grpc/wire.h"
#include "schema_private.h"

/* Longest list of names in an error. */
#define NAMES_MAX 256

/* How deep messages may be defined in one another: decoding a set recurses as often. */
#define NESTING_MAX 32

/* Field numbers of google/protobuf/descriptor.proto. */
#define SET_FILE       1
#define FILE_MESSAGE   4
#define MESSAGE_NESTED 3

/* --- a set -------------------------------------------------------------------------------- */

/* Whether the fields `number` of the bytes, and in them the fields MESSAGE_NESTED, nest at most
 * `depth` deep. */
static bool
is_shallow(const uint8_t *data, size_t len, uint32_t number, unsigned int depth)
{
    struct hf_wire_reader reader = { data, data + len };
    struct hf_wire_field field;
    int r;

    while ((r = hf_wire_next(&reader, &field)) == 1) {
        if (field.number == number && field.type == HF_WIRE_BYTES &&
            (depth == 0 ||
             !is_shallow(field.data, field.len, number == SET_FILE ? FILE_MESSAGE : MESSAGE_NESTED,
                         depth - 1))) {
            return false;
        }
    }
    return r == 0;
}

int
cli_schema_new(const void *set, size_t len, struct cli_schema **ret, struct hf_err *err)
{
    hf_auto(cli_schema_free) struct cli_schema *schema = calloc(1, sizeof *schema);
    const struct hf_grpc_message bytes = { .data = set, .len = len };
    int r;

    if (!schema) {
        return hf_fail(err, HF_ENOMEM, "no memory for definitions");
    }
    hf_arena_init(&schema->arena);
    if (is_shallow(set, len, SET_FILE, NESTING_MAX)) {
        schema->set = hf_grpc_unpack(&google__protobuf__file_descriptor_set__descriptor,
                                     &schema->arena, &bytes);
    }
    if (!schema->set) {
        return hf_fail(err, HF_EINVALID,
                       "the definitions can't be read: they are no valid "
                       "google.protobuf.FileDescriptorSet");
    }
    r = cli_schema_build(schema, err);
    if (r < 0) {
        return r;
    }
    *ret = hf_steal(schema);
    return 0;
}

void
cli_schema_free(struct cli_schema *schema)
{
    if (schema) {
        free(schema->defined);
        hf_arena_fini(&schema->arena);
        free(schema);
    }
}

/* --- types -------------------------------------------------------------------------------- */

static int
compare_name(const void *name, const void *defined)
{
    return strcmp(name, ((const struct cli_defined *)defined)->type.name);
}

const struct cli_type *
cli_schema_type(const struct cli_schema *schema, const char *name)
{
    const struct cli_defined *found =
        schema->count > 0
            ? bsearch(name, schema->defined, schema->count, sizeof *schema->defined, compare_name)
            : NULL;

    return found ? &found->type : NULL;
}

static int
compare_number(const void *number, const void *field)
{
    uint32_t a = *(const uint32_t *)number;
    uint32_t b = ((const struct cli_field *)field)->number;

    return (a > b) - (a < b);
}

const struct cli_field *
cli_type_field(const struct cli_type *type, uint32_t number)
{
    return type->field_count > 0 ? bsearch(&number, type->fields, type->field_count,
                                           sizeof *type->fields, compare_number)
                                 : NULL;
}

const struct cli_field *
cli_type_field_named(const struct cli_type *type, struct hf_json_span name)
{
    for (size_t i = 0; i < type->field_count; i++) {
        const struct cli_field *field = &type->fields[i];

        if (hf_json_is(name, field->json_name) || hf_json_is(name, field->name)) {
            return field;
        }
    }
    return NULL;
}

uint32_t
cli_kind_wire(uint32_t kind)
{
    switch (kind) {
    case CLI_KIND_DOUBLE:
    case CLI_KIND_FIXED64:
    case CLI_KIND_SFIXED64:
        return HF_WIRE_FIXED64;
    case CLI_KIND_FLOAT:
    case CLI_KIND_FIXED32:
    case CLI_KIND_SFIXED32:
        return HF_WIRE_FIXED32;
    case CLI_KIND_STRING:
    case CLI_KIND_BYTES:
    case CLI_KIND_MESSAGE:
        return HF_WIRE_BYTES;
    case CLI_KIND_GROUP:
        return HF_WIRE_GROUP;
    default:
        return HF_WIRE_VARINT;
    }
}

/* --- methods ------------------------------------------------------------------------------ */

/* Adds a name to a list of those there are: "A, B". */
static void
add_name(struct hf_text *names, const char *package, const char *name)
{
    bool has_package = package && *package;

    hf_text_printf(names, "%s%s%s%s", names->len > 0 ? ", " : "", has_package ? package : "",
                   has_package ? "." : "", name ? name : "");
}

/* Whether the `len` bytes at `full` are "package.name" or, without a package, "name". */
static bool
is_named(const char *full, size_t len, const char *package, const char *name)
{
    size_t skip = package && *package ? strlen(package) + 1 : 0;

    return name && strlen(name) + skip == len &&
           (skip == 0 || (memcmp(full, package, skip - 1) == 0 && full[skip - 1] == '.')) &&
           memcmp(full + skip, name, len - skip) == 0;
}

/* The service named by the `len` bytes at `full`; else all there are, in `others`. */
static const Google__Protobuf__ServiceDescriptorProto *
find_service(const struct cli_schema *schema, const char *full, size_t len, struct hf_text *others)
{
    for (size_t i = 0; i < schema->set->n_file; i++) {
        const Google__Protobuf__FileDescriptorProto *file = schema->set->file[i];

        for (size_t j = 0; j < file->n_service; j++) {
            if (is_named(full, len, file->package, file->service[j]->name)) {
                return file->service[j];
            }
            add_name(others, file->package, file->service[j]->name);
        }
    }
    return NULL;
}

/* The message of a name that begins with a dot. */
static int
find_message(const struct cli_schema *schema, const char *name, const struct cli_type **ret,
             struct hf_err *err)
{
    *ret = name && name[0] == '.' ? cli_schema_type(schema, name + 1) : NULL;
    return *ret && !(*ret)->is_enum
               ? 0
               : hf_fail(err, HF_EINVALID, "the definitions lack the message '%s'",
                         name ? name : "");
}

static int
take_method(const struct cli_schema *schema, const Google__Protobuf__MethodDescriptorProto *method,
            struct cli_method *ret, struct hf_err *err)
{
    int r = find_message(schema, method->input_type, &ret->request, err);

    ret->client_streaming = method->client_streaming;
    return r < 0 ? r : find_message(schema, method->output_type, &ret->response, err);
}

static int
fail_unknown(const char *what, const char *name, size_t len, const struct hf_text *names,
             struct hf_err *err)
{
    return hf_fail(err, HF_ENOTFOUND, "the definitions have no %s '%.*s'; there %s%s", what,
                   (int)len, name, names->len > 0 ? "are: " : "is none", hf_text_str(names));
}

int
cli_schema_method(const struct cli_schema *schema, const char *method, struct cli_method *ret,
                  struct hf_err *err)
{
    const char *full = method + (method[0] == '/');
    const char *slash = strrchr(full, '/');
    const Google__Protobuf__ServiceDescriptorProto *service;
    hf_autotext struct hf_text names;

    hf_text_init(&names);
    names.limit = NAMES_MAX;
    if (!slash) {
        return hf_fail(err, HF_EINVALID, "'%s' is not a method: write package.Service/Method",
                       method);
    }
    service = find_service(schema, full, (size_t)(slash - full), &names);
    if (!service) {
        return fail_unknown("service", full, (size_t)(slash - full), &names, err);
    }
    hf_text_clear(&names);
    for (size_t i = 0; i < service->n_method; i++) {
        const char *name = service->method[i]->name;

        if (name && strcmp(name, slash + 1) == 0) {
            return take_method(schema, service->method[i], ret, err);
        }
        add_name(&names, NULL, name);
    }
    return fail_unknown("method", full, strlen(full), &names, err);
}
