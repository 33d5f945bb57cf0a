/*
 * protoc.h - protobuf's text form, by running protoc.
 */
#ifndef HF_CLI_PROTOC_H
#define HF_CLI_PROTOC_H

#include <stddef.h>

#include "base/text.h"

struct hf_err;

/* Where definitions are. */
struct cli_proto {
    const char *file;           /* the .proto file */
    const char *const *folders; /* for imports; may be NULL */
    size_t folder_count;
};

/* Finds the types of a method, "package.Service/Method"; the caller frees both. */
int cli_protoc_types(const struct cli_proto *proto, const char *method, char **ret_request,
                     char **ret_response, struct hf_err *err);

/* Turns the text form of a message into bytes, or bytes into the text form. */
int cli_protoc_encode(const struct cli_proto *proto, const char *type, const void *data, size_t len,
                      struct hf_text *ret, struct hf_err *err);
int cli_protoc_decode(const struct cli_proto *proto, const char *type, const void *data, size_t len,
                      struct hf_text *ret, struct hf_err *err);

#endif
