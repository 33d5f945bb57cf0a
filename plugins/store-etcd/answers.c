/*
 * answers.c - reading etcd's JSON.
 */
#include "answers.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <json-c/json_object.h>
#include <json-c/json_tokener.h>

#include "base64.h"

#define GRPC_UNKNOWN 2

struct json_object *
answer_parse(const char *data, size_t len)
{
    struct json_tokener *tokener = len <= INT_MAX ? json_tokener_new() : NULL;
    struct json_object *object = NULL;

    if (!tokener) {
        return NULL;
    }
    object = json_tokener_parse_ex(tokener, data, (int)len);
    if (json_tokener_get_error(tokener) != json_tokener_success ||
        !json_object_is_type(object, json_type_object)) {
        json_object_put(object);
        object = NULL;
    }
    json_tokener_free(tokener);
    return object;
}

struct json_object *
answer_member(struct json_object *object, const char *name)
{
    struct json_object *member = NULL;

    if (json_object_is_type(object, json_type_object)) {
        json_object_object_get_ex(object, name, &member);
    }
    return member;
}

uint64_t
answer_u64(struct json_object *object, const char *name)
{
    struct json_object *member = answer_member(object, name);

    if (json_object_is_type(member, json_type_int)) {
        int64_t value = json_object_get_int64(member);

        return value > 0 ? (uint64_t)value : 0;
    }
    if (json_object_is_type(member, json_type_string)) {
        long long value = strtoll(json_object_get_string(member), NULL, 10);

        return value > 0 ? (uint64_t)value : 0;
    }
    return 0;
}

bool
answer_bool(struct json_object *object, const char *name)
{
    struct json_object *member = answer_member(object, name);

    return json_object_is_type(member, json_type_boolean) && json_object_get_boolean(member);
}

const char *
answer_text(struct json_object *object, const char *name)
{
    struct json_object *member = answer_member(object, name);

    return json_object_is_type(member, json_type_string) ? json_object_get_string(member) : "";
}

size_t
answer_count(struct json_object *array)
{
    return json_object_is_type(array, json_type_array) ? json_object_array_length(array) : 0;
}

struct header
answer_header(struct json_object *answer)
{
    struct json_object *header = answer_member(answer, "header");

    return (struct header){
        .cluster = strtoull(answer_text(header, "cluster_id"), NULL, 10), /* all 64 bits of it */
        .term = answer_u64(header, "raft_term"),
        .revision = answer_u64(header, "revision"),
    };
}

uint64_t
answer_revision(struct json_object *answer)
{
    return answer_u64(answer_member(answer, "header"), "revision");
}

static char *
bytes(struct json_object *object, const char *name, size_t *ret_len)
{
    struct json_object *member = answer_member(object, name);

    if (!member) {
        *ret_len = 0;
        return strdup("");
    }
    if (!json_object_is_type(member, json_type_string)) {
        return NULL;
    }
    return base64_decode(json_object_get_string(member), (size_t)json_object_get_string_len(member),
                         ret_len);
}

bool
pair_read(struct json_object *kv, struct pair *ret)
{
    *ret = (struct pair){ .revision = answer_u64(kv, "mod_revision") };
    ret->key = bytes(kv, "key", &ret->key_len);
    ret->value = bytes(kv, "value", &ret->value_len);
    if (!ret->key) {
        pair_fini(ret);
        return false;
    }
    return true;
}

void
pair_fini(struct pair *pair)
{
    free(pair->key);
    free(pair->value);
    *pair = (struct pair){ 0 };
}

uint32_t
answer_refusal(const char *body, size_t len, char message[MESSAGE_SIZE])
{
    struct json_object *answer = answer_parse(body, len);
    const char *text = answer_text(answer, "message");
    uint64_t code = answer_u64(answer, "code");

    snprintf(message, MESSAGE_SIZE, "%s", *text ? text : answer_text(answer, "error"));
    json_object_put(answer);
    return code > 0 && code <= 16 ? (uint32_t)code : GRPC_UNKNOWN;
}
