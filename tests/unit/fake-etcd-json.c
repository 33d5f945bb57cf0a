/* fake-etcd-json.c - see fake-etcd-json.h. */
#include "fake-etcd-json.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plugins/store-etcd/wire.h"

void
add_bytes(struct json_object *object, const char *name, const char *data, size_t len)
{
    char *text = base64_encode(data, len);

    if (len > 0) { /* etcd leaves out what is empty */
        json_object_object_add(object, name, json_object_new_string(text));
    }
    free(text);
}

void
add_u64(struct json_object *object, const char *name, uint64_t value)
{
    char text[32];

    snprintf(text, sizeof text, "%ju", (uintmax_t)value);
    if (value > 0) {
        json_object_object_add(object, name, json_object_new_string(text));
    }
}

char *
get_bytes(struct json_object *object, const char *name, size_t *ret_len)
{
    struct json_object *member = json_object_object_get(object, name);
    char *data;

    if (!member) {
        *ret_len = 0;
        return strdup("");
    }
    data = base64_decode(json_object_get_string(member), strlen(json_object_get_string(member)),
                         ret_len);
    assert(data);
    return data;
}

char *
get_key(struct json_object *object, const char *name)
{
    size_t len;

    return get_bytes(object, name, &len);
}

uint64_t
get_u64(struct json_object *object, const char *name)
{
    struct json_object *member = json_object_object_get(object, name);

    return member ? strtoull(json_object_get_string(member), NULL, 10) : 0;
}
