/*
 * json.c - reading what others say in JSON.
 */
#include "json.h"

#include <limits.h>
#include <stdlib.h>

#include <json-c/json_tokener.h>

struct json_object *
json_read(const char *text, size_t len)
{
    struct json_tokener *tokener = len < INT_MAX ? json_tokener_new() : NULL;
    struct json_object *value = NULL;

    if (tokener) {
        value = json_tokener_parse_ex(tokener, text, (int)len);
        json_tokener_free(tokener);
    }
    return value;
}

struct json_object *
json_at(struct json_object *object, const char *const *path)
{
    for (; *path && object; path++) {
        struct json_object *member = NULL;

        if (!json_object_is_type(object, json_type_object) ||
            !json_object_object_get_ex(object, *path, &member)) {
            return NULL;
        }
        object = member;
    }
    return object;
}

const char *
json_text(struct json_object *value)
{
    return json_object_is_type(value, json_type_string) ? json_object_get_string(value) : "";
}

int64_t
json_number(struct json_object *value)
{
    return json_object_is_type(value, json_type_int) ? json_object_get_int64(value) : 0;
}

bool
json_true(struct json_object *value)
{
    return json_object_is_type(value, json_type_boolean) && json_object_get_boolean(value);
}

uint64_t
json_u64(struct json_object *value)
{
    long long number = json_object_is_type(value, json_type_string)
                           ? strtoll(json_object_get_string(value), NULL, 10)
                           : json_number(value);

    return number > 0 ? (uint64_t)number : 0;
}

struct json_object *
json_item(struct json_object *array, size_t i)
{
    return i < json_count(array) ? json_object_array_get_idx(array, i) : NULL;
}

size_t
json_count(struct json_object *array)
{
    return json_object_is_type(array, json_type_array) ? json_object_array_length(array) : 0;
}
