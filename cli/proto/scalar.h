/*
 * scalar.h - single values, from JSON to protobuf's wire format and back.
 *
 * Everything but messages: numbers, bools, strings, bytes and enums.
 */
#ifndef HF_CLI_PROTO_SCALAR_H
#define HF_CLI_PROTO_SCALAR_H

#include <stdbool.h>

#include "base/json_read.h"
#include "grpc/wire.h"
#include "schema.h"

/* Appends the value as it stands behind a tag.  It consists of zero bytes if, and only if, it is
 * the default of its kind.  HF_EINVALID: what was expected, and what was found. */
int cli_scalar_encode(const struct cli_field *field, struct hf_json_span json, struct hf_text *out,
                      struct hf_err *err);

/* The same for the key of a map, from its name in JSON. */
int cli_scalar_encode_key(const struct cli_field *key, struct hf_json_span name,
                          struct hf_text *out, struct hf_err *err);

/* What a string spells, for free(); NULL: no memory. */
char *cli_text_of(struct hf_json_span string, size_t *ret_len);

/* Append a value as JSON has it, and as JSON has the key of a map. */
void cli_scalar_decode(const struct cli_field *field, const struct hf_wire_field *value,
                       struct hf_text *out);
void cli_scalar_decode_key(const struct cli_field *key, const struct hf_wire_field *value,
                           struct hf_text *out);

/* Whether it is the default of its kind. */
bool cli_scalar_is_default(const struct cli_field *field, const struct hf_wire_field *value);

/* Appends bytes in base64 with its padding, and no quotes. */
void cli_put_base64(const void *data, size_t len, struct hf_text *out);

#endif
