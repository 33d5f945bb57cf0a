/* cli-json.h - the definitions of cli-json.proto, for tests of messages as JSON. */
#ifndef HF_UNIT_CLI_JSON_H
#define HF_UNIT_CLI_JSON_H

#include "base/text.h"
#include "cli/proto/schema.h"

/* What protoc made of the file: a FileDescriptorSet. */
struct hf_text cli_json_set(void);

struct cli_schema *cli_json_schema(void);

/* Encodes a JSON text as a message of the type; the codes of cli_json_read and _encode. */
int cli_json_encode_as(const struct cli_schema *schema, const char *type, const char *text,
                       struct hf_text *out, struct hf_err *err);

#endif
