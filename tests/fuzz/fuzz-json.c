/*
 * fuzz-json.c - JSON as all of ours is read: what the check lets pass must be JSON for a library
 * too, and each value can be visited.
 */
#include <json-c/json.h>

#include "base/err.h"
#include "base/json_read.h"
#include "fuzz.h"

static void
visit(struct hf_json_span value, char *room)
{
    struct hf_json_span name = { NULL, 0 };
    struct hf_json_span item;
    struct hf_json_cursor cursor;
    struct hf_json_integer integer;
    enum hf_json_type type = hf_json_type(value);

    if (type == HF_JSON_STRING) {
        FUZZ_CHECK(hf_json_text(value, room) < value.len);
        FUZZ_CHECK(hf_json_same_text(value, value));
    }
    hf_json_integer(value, &integer);
    if (type != HF_JSON_OBJECT && type != HF_JSON_ARRAY) {
        return;
    }
    hf_json_begin(&cursor, value);
    while (hf_json_next(&cursor, &name, &item)) {
        FUZZ_CHECK(item.len > 0);
        visit(item, room);
    }
}

static void
check_against_library(const char *data, size_t size)
{
    struct json_tokener *tokener = json_tokener_new();
    struct json_object *object;

    FUZZ_CHECK(tokener);
    json_tokener_set_flags(tokener, JSON_TOKENER_STRICT);
    object = json_tokener_parse_ex(tokener, data, (int)size);
    /* A number at the very end might go on, for all that it knows. */
    FUZZ_CHECK(json_tokener_get_error(tokener) == json_tokener_success ||
               json_tokener_get_error(tokener) == json_tokener_continue);
    json_object_put(object);
    json_tokener_free(tokener);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct hf_json_span root;
    char *room = malloc(size + 1);

    if (room && hf_json_open((const char *)data, size, &root, NULL) == 0) {
        visit(root, room);
        check_against_library((const char *)data, size);
    }
    free(room);
    return 0;
}
