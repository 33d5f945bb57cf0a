/*
 * json.h - messages from JSON to protobuf's wire format and back, by a schema.
 *
 * https://protobuf.dev/programming-guides/json/.  Reading takes both spellings of a name, 64-bit
 * integers as strings or numbers, and either alphabet of base64; it refuses a field that the
 * message does not have.  Writing leaves out what is at its default.  Of the well-known types
 * FieldMask is not supported, nor are groups and extensions of proto2.
 *
 * Neither the JSON nor the bytes need to be trusted: both may nest HF_WIRE_DEPTH deep at most, and
 * the length of what is written is bounded by the limit of the text.
 */
#ifndef HF_CLI_PROTO_JSON_H
#define HF_CLI_PROTO_JSON_H

#include "base/json_read.h"
#include "grpc/wire.h"
#include "schema.h"

/* Appends the message.  HF_EINVALID: where in the JSON it is wrong, and what is expected. */
int cli_json_encode(const struct cli_schema *schema, const struct cli_type *type,
                    struct hf_json_span json, struct hf_text *out, struct hf_err *err);

/* Appends the JSON, in one line without its end.  HF_EINVALID: the bytes are no such message.
 * HF_EFULL: the JSON is longer than the text may get. */
int cli_json_decode(const struct cli_schema *schema, const struct cli_type *type, const void *data,
                    size_t len, struct hf_text *out, struct hf_err *err);

/* Checks the JSON document at `*at` and moves it behind.  1: it is `*ret`.  0: there is nothing but
 * blanks.  HF_EINVALID: it is no JSON. */
int cli_json_read(const char **at, const char *end, struct hf_json_span *ret, struct hf_err *err);

#endif
