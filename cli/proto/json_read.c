/*
 * json_read.c - JSON documents, one behind another.
 */
#include <json-c/json.h>
#include <limits.h>

#include "base/err.h"
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

/* Reads what begins at `at`, and says how much of it that was. */
static int
read_document(struct json_tokener *tokener, const char *at, size_t len, size_t *ret_len,
              struct json_object **ret, struct hf_err *err)
{
    enum json_tokener_error error;

    json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_ALLOW_TRAILING_CHARS |
                                        JSON_TOKENER_VALIDATE_UTF8);
    *ret = json_tokener_parse_ex(tokener, at, (int)len);
    *ret_len = json_tokener_get_parse_end(tokener);
    error = json_tokener_get_error(tokener);
    if (error == json_tokener_continue) {
        *ret = json_tokener_parse_ex(tokener, "", 1); /* a number ends where the text does */
        *ret_len = len;
        error = json_tokener_get_error(tokener);
    }
    return error == json_tokener_success
               ? 1
               : hf_fail(err, HF_EINVALID, "invalid JSON at its byte %zu: %s", *ret_len + 1,
                         json_tokener_error_desc(error));
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
    tokener = json_tokener_new_ex(NESTING_MAX);
    if (!tokener) {
        return hf_fail(err, HF_ENOMEM, "no memory for JSON");
    }
    r = read_document(tokener, *at, (size_t)(end - *at), &len, ret, err);
    json_tokener_free(tokener);
    if (r > 0) {
        *at += len;
    }
    return r;
}
