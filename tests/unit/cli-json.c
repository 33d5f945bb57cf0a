/* cli-json.c - the definitions of cli-json.proto, for tests of messages as JSON. */
#include "cli-json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "cli/proto/json.h"
#include "unit.h"

/* The definitions of cli-json.proto, as protoc wrote them. */
struct hf_text
cli_json_set(void)
{
    const char *build = getenv("HF_BUILDDIR");
    char path[4096];
    char buffer[4096];
    struct hf_text set;
    FILE *file;
    size_t n;

    hf_text_init(&set);
    snprintf(path, sizeof path, "%s/tests/unit/cli-json.pb", build ? build : ".");
    file = fopen(path, "rb");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    while ((n = fread(buffer, 1, sizeof buffer, file)) > 0) {
        hf_text_add_mem(&set, buffer, n);
    }
    fclose(file);
    return set;
}

struct cli_schema *
cli_json_schema(void)
{
    hf_autotext struct hf_text set = cli_json_set();
    struct cli_schema *schema = NULL;

    UNIT_INT(cli_schema_new(set.data, set.len, &schema, NULL), 0);
    CU_ASSERT_PTR_NOT_NULL_FATAL(schema);
    return schema;
}

int
cli_json_encode_as(const struct cli_schema *schema, const char *type, const char *text,
                   struct hf_text *out, struct hf_err *err)
{
    const char *at = text;
    struct hf_json_span json;
    int r;

    hf_err_clear(err);
    r = cli_json_read(&at, text + strlen(text), &json, err);
    CU_ASSERT(r != 0);
    if (r > 0) {
        r = cli_json_encode(schema, cli_schema_type(schema, type), json, out, err);
    }
    return r;
}
