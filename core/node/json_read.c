/*
 * json_read.c - reads a JSON document by json-c.
 */
#include "node/json_read.h"

#include <json-c/json.h>
#include <string.h>

#include "base/err.h"

/* Deepest nesting that is read; our documents need four. */
#define DEPTH_MAX 16

/* Skips what may follow a document. */
static size_t
skip_space(const char *text, size_t from, size_t len)
{
    while (from < len && text[from] && strchr(" \t\r\n", text[from])) {
        from++;
    }
    return from;
}

int
hf_json_read(const char *text, size_t len, json_object **ret, struct hf_err *err)
{
    struct json_tokener *tokener = json_tokener_new_ex(DEPTH_MAX);
    enum json_tokener_error error;
    json_object *root;
    size_t end;

    if (!tokener) {
        return hf_fail(err, HF_ENOMEM, "out of memory");
    }
    json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
    root = json_tokener_parse_ex(tokener, text, (int)len);
    error = json_tokener_get_error(tokener);
    end = skip_space(text, json_tokener_get_parse_end(tokener), len);
    json_tokener_free(tokener);
    if (error == json_tokener_success && root && end == len) {
        *ret = root;
        return 0;
    }
    json_object_put(root);
    return hf_fail(err, HF_EINVALID, "not JSON: %s at byte %zu",
                   error == json_tokener_success    ? "unexpected text"
                   : error == json_tokener_continue ? "unexpected end"
                                                    : json_tokener_error_desc(error),
                   end);
}
