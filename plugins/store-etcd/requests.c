/*
 * requests.c - the JSON that etcd's gateway is asked with.
 */
#include "requests.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <json-c/json_object.h>

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
