/*
 * json_read.c - JSON documents, one behind another.
 */
#include <json-c/json.h>
#include <limits.h>

#include "base/err.h"
#include "base/json_check.h"
#include "json.h"

/* How deep a document may nest: a Struct of google.protobuf takes less of JSON than of messages. */
#define NESTING_MAX (2 * CLI_WIRE_DEPTH)

static const char *
skip_blanks(const char *at, const char *end)
{
    while (at < end && (*at == ' ' || *at == '\t' || *at == '\r' || *at == '\n')) {
        at++;
    }
    return at;
}

/* Makes a tree of a document that was checked, which json-c alone would do more leniently. */
static int
read_document(struct json_tokener *tokener, const char *at, size_t len, struct json_object **ret,
              struct hf_err *err)
{
    enum json_tokener_error error;

    json_tokener_set_flags(tokener, JSON_TOKENER_STRICT);
    *ret = json_tokener_parse_ex(tokener, at, (int)len);
    error = json_tokener_get_error(tokener);
    if (error == json_tokener_continue) {
        *ret = json_tokener_parse_ex(tokener, "", 1); /* a number ends where the text does */
        error = json_tokener_get_error(tokener);
    }
    return error == json_tokener_success
               ? 1
               : hf_fail(err, HF_EINVALID, "not JSON: %s", json_tokener_error_desc(error));
}

int
cli_json_read(const char **at, const char *end, struct json_object **ret, struct hf_err *err)
{
    struct json_tokener *tokener;
    size_t len;
    int r;

    *at = skip_blanks(*at, end);
    if (*at == end) {
        return 0;
    }
    if (end - *at > INT_MAX) {
        return hf_fail(err, HF_EFULL, "the JSON is too long");
    }
    r = hf_json_check_first(*at, (size_t)(end - *at), NESTING_MAX, &len, err);
    if (r < 0) {
        return r;
    }
    tokener = json_tokener_new_ex(NESTING_MAX + 1);
    if (!tokener) {
        return hf_fail(err, HF_ENOMEM, "no memory for JSON");
    }
    r = read_document(tokener, *at, len, ret, err);
    json_tokener_free(tokener);
    if (r > 0) {
        *at += len;
    }
    return r;
}
