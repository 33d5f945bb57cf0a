/*
 * fuzz-definitions.c - what functions tell of themselves to `hyperfaas call`: sets of descriptors,
 * and messages by them, both ways, and in JSON of the user's.
 */
#include <string.h>

#include "base/err.h"
#include "base/text.h"
#include "cli/proto/json.h"
#include "cli/proto/schema.h"
#include "fuzz.h"

/* The message back from JSON; what was written must be readable. */
static void
check_message(const struct cli_schema *schema, const struct cli_type *type, const uint8_t *data,
              size_t size)
{
    hf_autotext struct hf_text json;
    hf_autotext struct hf_text bytes;
    struct hf_json_span document;
    const char *at;

    hf_text_init(&json);
    hf_text_init(&bytes);
    json.limit = bytes.limit = (size_t)1 << 20;
    if (cli_json_decode(schema, type, data, size, &json, NULL) < 0) {
        return;
    }
    at = hf_text_str(&json);
    if (cli_json_read(&at, at + json.len, &document, NULL) == 1) {
        cli_json_encode(schema, type, document, &bytes, NULL);
    }
}

/* A message that somebody has written in JSON. */
static void
check_json(const struct cli_schema *schema, const struct cli_type *type, const char *at,
           const char *end)
{
    hf_autotext struct hf_text bytes;
    struct hf_json_span document;

    hf_text_init(&bytes);
    bytes.limit = (size_t)1 << 20;
    if (cli_json_read(&at, end, &document, NULL) == 1) {
        cli_json_encode(schema, type, document, &bytes, NULL);
    }
}

/* The first byte says how much of the input are definitions; the rest is a message. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cli_schema *schema = NULL;
    struct cli_method method;
    size_t set;

    if (size < 2) {
        return 0;
    }
    set = (size - 2) * data[0] / 255;
    if (cli_schema_new(data + 1, set, &schema, NULL) < 0) {
        return 0;
    }
    if (cli_schema_method(schema, "t.S/M", &method, NULL) == 0) {
        check_message(schema, method.request, data + 1 + set, size - 1 - set);
        check_json(schema, method.request, (const char *)data + 1 + set, (const char *)data + size);
    }
    cli_schema_free(schema);
    return 0;
}
