/*
 * json_read.c - JSON documents, one behind another.
 */
#include "base/json_check.h"
#include "json.h"

/* How deep a document may nest: a Struct of google.protobuf takes less of JSON than of messages. */
#define NESTING_MAX (2 * HF_WIRE_DEPTH)

static bool
is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

int
cli_json_read(const char **at, const char *end, struct hf_json_span *ret, struct hf_err *err)
{
    size_t len;
    int r;

    while (*at < end && is_blank(**at)) {
        ++*at;
    }
    if (*at == end) {
        return 0;
    }
    r = hf_json_check_first(*at, (size_t)(end - *at), NESTING_MAX, &len, err);
    if (r < 0) {
        return r;
    }
    *ret = (struct hf_json_span){ *at, len };
    *at += len;
    while (is_blank(ret->text[ret->len - 1])) {
        ret->len--;
    }
    return 1;
}
