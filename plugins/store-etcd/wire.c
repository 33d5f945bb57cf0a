/*
 * wire.c - what etcd's JSON gateway is asked with, and what it answers.
 */
#include "wire.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../kit/json.h"

#define GRPC_UNKNOWN 2

/* --- base64 (RFC 4648, section 4) ----------------------------------------------------------- */

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

char *
base64_encode(const void *data, size_t len)
{
    const uint8_t *in = data;
    char *text = malloc((len + 2) / 3 * 4 + 1);
    char *out = text;

    if (!text) {
        return NULL;
    }
    for (size_t i = 0; i < len; i += 3) {
        uint32_t bits = (uint32_t)in[i] << 16;

        bits |= i + 1 < len ? (uint32_t)in[i + 1] << 8 : 0;
        bits |= i + 2 < len ? in[i + 2] : 0;
        *out++ = alphabet[bits >> 18];
        *out++ = alphabet[bits >> 12 & 63];
        *out++ = '=';
        *out++ = '=';
        if (i + 1 < len) {
            out[-2] = alphabet[bits >> 6 & 63];
        }
        if (i + 2 < len) {
            out[-1] = alphabet[bits & 63];
        }
    }
    *out = '\0';
    return text;
}

/* The value of a digit; -1: it is none. */
static int
digit(char c)
{
    const char *found = c ? strchr(alphabet, c) : NULL;

    return found ? (int)(found - alphabet) : -1;
}

/* Four digits as 24 bits; -1: they are none.  Missing ones count as zeros. */
static int32_t
group(const char *text, size_t n)
{
    int32_t bits = 0;

    for (size_t i = 0; i < 4; i++) {
        int value = i < n ? digit(text[i]) : 0;

        if (value < 0) {
            return -1;
        }
        bits = bits << 6 | value;
    }
    return bits;
}

char *
base64_decode(const char *text, size_t len, size_t *ret_len)
{
    size_t padding = 0, digits, n = 0;
    char *data;

    if (len % 4 != 0) {
        return NULL;
    }
    while (padding < 2 && padding < len && text[len - 1 - padding] == '=') {
        padding++;
    }
    digits = len - padding;
    data = malloc(len / 4 * 3 + 1);
    for (size_t i = 0; data && i < len; i += 4) {
        int32_t bits = group(text + i, digits - i < 4 ? digits - i : 4);

        if (bits < 0) {
            free(data);
            return NULL;
        }
        data[n++] = (char)(bits >> 16);
        data[n++] = (char)(bits >> 8);
        data[n++] = (char)bits;
    }
    if (data) {
        n -= padding;
        data[n] = '\0';
        *ret_len = n;
    }
    return data;
}

/* --- requests ------------------------------------------------------------------------------- */

__attribute__((format(printf, 1, 2))) static char *
format(const char *fmt, ...)
{
    va_list args;
    char *text;
    int n;

    va_start(args, fmt);
    n = vasprintf(&text, fmt, args);
    va_end(args);
    return n < 0 ? NULL : text;
}

char *
request_get(const char *key)
{
    return format("{\"key\":\"%s\"}", key);
}

char *
request_list(const char *first, const char *end, unsigned limit, uint64_t revision, bool keys_only)
{
    return format("{\"key\":\"%s\",\"range_end\":\"%s\",\"limit\":\"%u\",\"revision\":\"%" PRIu64
                  "\",\"keys_only\":%s}",
                  first, end, limit, revision, keys_only ? "true" : "false");
}

char *
request_put(const char *key, const char *value)
{
    return format("{\"key\":\"%s\",\"value\":\"%s\"}", key, value);
}

char *
request_put_absent(const char *key, const char *value)
{
    return format("{\"compare\":[{\"key\":\"%s\",\"target\":\"CREATE\",\"create_revision\":\"0\"}],"
                  "\"success\":[{\"request_put\":{\"key\":\"%s\",\"value\":\"%s\"}}]}",
                  key, key, value);
}

char *
request_put_over(const char *key, const char *value, uint64_t revision)
{
    return format("{\"compare\":[{\"key\":\"%s\",\"target\":\"MOD\",\"mod_revision\":\"%" PRIu64
                  "\"}],"
                  "\"success\":[{\"request_put\":{\"key\":\"%s\",\"value\":\"%s\"}}],"
                  "\"failure\":[{\"request_range\":{\"key\":\"%s\",\"keys_only\":true}}]}",
                  key, revision, key, value, key);
}

char *
request_put_leased(const char *key, const char *value, uint64_t lease)
{
    return format(
        "{\"compare\":[{\"key\":\"%s\",\"target\":\"LEASE\",\"lease\":\"%" PRIu64 "\"}],"
        "\"failure\":[{\"request_put\":{\"key\":\"%s\",\"value\":\"%s\",\"lease\":\"%" PRIu64
        "\"}}]}",
        key, lease, key, value, lease);
}

char *
request_lease_grant(uint64_t ttl_seconds)
{
    return format("{\"TTL\":\"%" PRIu64 "\"}", ttl_seconds);
}

char *
request_lease(uint64_t lease)
{
    return format("{\"ID\":\"%" PRIu64 "\"}", lease);
}

char *
request_remove(const char *key)
{
    return format("{\"key\":\"%s\"}", key);
}

char *
request_watch(const char *first, const char *end, uint64_t revision)
{
    return format(
        "{\"create_request\":{\"key\":\"%s\",\"range_end\":\"%s\",\"start_revision\":\"%" PRIu64
        "\",\"progress_notify\":true}}",
        first, end, revision);
}

char *
request_authenticate(const char *user, const char *password)
{
    struct json_object *body = json_object_new_object();
    char *text = NULL;

    if (body) {
        json_object_object_add(body, "name", json_object_new_string(user));
        json_object_object_add(body, "password", json_object_new_string(password));
        text = strdup(json_object_to_json_string_ext(body, JSON_C_TO_STRING_PLAIN));
    }
    json_object_put(body);
    return text;
}

/* --- answers -------------------------------------------------------------------------------- */

struct json_object *
answer_parse(const char *data, size_t len)
{
    struct json_object *object = json_read(data, len);

    if (!json_object_is_type(object, json_type_object)) {
        json_object_put(object);
        return NULL;
    }
    return object;
}

struct header
answer_header(struct json_object *answer)
{
    struct json_object *header = JSON_AT(answer, "header");

    return (struct header){
        .cluster =
            strtoull(json_text(JSON_AT(header, "cluster_id")), NULL, 10), /* all 64 bits of it */
        .term = json_u64(JSON_AT(header, "raft_term")),
        .revision = json_u64(JSON_AT(header, "revision")),
    };
}

uint64_t
answer_revision(struct json_object *answer)
{
    return json_u64(JSON_AT(answer, "header", "revision"));
}

static char *
bytes(struct json_object *object, const char *name, size_t *ret_len)
{
    struct json_object *member = JSON_AT(object, name);

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
    *ret = (struct pair){ .revision = json_u64(JSON_AT(kv, "mod_revision")) };
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
    const char *text = json_text(JSON_AT(answer, "message"));
    uint64_t code = json_u64(JSON_AT(answer, "code"));

    snprintf(message, MESSAGE_SIZE, "%s", *text ? text : json_text(JSON_AT(answer, "error")));
    json_object_put(answer);
    return code > 0 && code <= 16 ? (uint32_t)code : GRPC_UNKNOWN;
}
