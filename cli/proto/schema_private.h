/*
 * schema_private.h - what a schema holds: shared by schema.c and schema_build.c.
 */
#ifndef HF_CLI_PROTO_SCHEMA_PRIVATE_H
#define HF_CLI_PROTO_SCHEMA_PRIVATE_H

#include "base/arena.h"
#include "google/protobuf/descriptor.pb-c.h"
#include "schema.h"

/* A type and where it is defined; one of `message` and `enumeration` is set. */
struct cli_defined {
    struct cli_type type;
    const Google__Protobuf__DescriptorProto *message;
    const Google__Protobuf__EnumDescriptorProto *enumeration;
    const char *syntax; /* of its file */
};

struct cli_schema {
    struct hf_arena arena; /* all that is not listed here */
    const Google__Protobuf__FileDescriptorSet *set;
    struct cli_defined *defined; /* by name */
    size_t count;
    size_t size;
};

/* Fills in the types of the set. */
int cli_schema_build(struct cli_schema *schema, struct hf_err *err);

#endif
