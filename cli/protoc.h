/*
 * protoc.h - protobuf's definitions and text form, by running protoc.
 *
 * Definitions are the bytes of a FileDescriptorSet.  protoc's own complaints go to stderr.
 */
#ifndef HF_CLI_PROTOC_H
#define HF_CLI_PROTOC_H

#include <stddef.h>
#include <stdint.h>

#include "base/text.h"

struct hf_err;

/* What protoc needs to know to compile a file. */
struct cli_proto {
    const char *file;           /* the .proto file */
    const char *const *folders; /* for it and its imports; the file's own is added */
    size_t folder_count;
    uint64_t timeout_ns; /* protoc is killed after this long */
};

/* Compiles the file and all that it imports. */
int cli_protoc_compile(const struct cli_proto *proto, struct hf_text *ret_set, struct hf_err *err);

/* Turns the text form of a message into bytes, or bytes into the text form. */
int cli_protoc_encode(const struct hf_text *set, const char *type, const void *data, size_t len,
                      uint64_t timeout_ns, struct hf_text *ret, struct hf_err *err);
int cli_protoc_decode(const struct hf_text *set, const char *type, const void *data, size_t len,
                      uint64_t timeout_ns, struct hf_text *ret, struct hf_err *err);

#endif
