/*
 * keys.c - where documents are in etcd.
 */
#include "keys.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wire.h"

static const struct {
    uint32_t space;
    const char *folder;
} spaces[SPACES] = {
    { HF_STORE_FUNCTIONS, "" },
    { HF_STORE_SETTINGS, "hyperfaas-settings/" },
    { HF_STORE_NODES, "hyperfaas-nodes/" },
};

/* The range of all keys with the prefix ends where its last byte is one more: '/' is '0' then. */
static bool
set_range(struct keys *keys)
{
    keys->first = base64_encode(keys->prefix, keys->prefix_len);
    keys->prefix[keys->prefix_len - 1]++;
    keys->end = base64_encode(keys->prefix, keys->prefix_len);
    keys->prefix[keys->prefix_len - 1]--;
    return keys->first && keys->end;
}

int
keys_init(struct keys keys[SPACES], const struct hf_host *host, const char *prefix,
          struct hf_err *err)
{
    size_t len = strlen(prefix);

    while (len > 0 && prefix[len - 1] == '/') {
        len--;
    }
    if (len == 0) {
        return host->fail(err, HF_EINVALID,
                          "store etcd: the prefix '%s' is empty (option 'prefix')", prefix);
    }
    for (size_t i = 0; i < SPACES; i++) {
        int n;

        if (i > 0 && strncmp(prefix, spaces[i].folder, strlen(spaces[i].folder)) == 0) {
            return host->fail(err, HF_EINVALID,
                              "store etcd: functions cannot be below '%s', where other documents "
                              "are (option 'prefix')",
                              spaces[i].folder);
        }
        keys[i].space = spaces[i].space;
        n = asprintf(&keys[i].prefix, "%s%.*s/", spaces[i].folder, (int)len, prefix);
        if (n < 0) {
            keys[i].prefix = NULL;
        }
        keys[i].prefix_len = n < 0 ? 0 : (size_t)n;
        if (!keys[i].prefix || !set_range(&keys[i])) {
            return host->fail(err, HF_ENOMEM, "store etcd: out of memory");
        }
    }
    return 0;
}

void
keys_fini(struct keys keys[SPACES])
{
    for (size_t i = 0; i < SPACES; i++) {
        free(keys[i].prefix);
        free(keys[i].first);
        free(keys[i].end);
    }
}

const struct keys *
keys_of(const struct keys keys[SPACES], uint32_t space)
{
    for (size_t i = 0; i < SPACES; i++) {
        if (keys[i].space == space) {
            return &keys[i];
        }
    }
    return NULL;
}

char *
keys_encode(const struct keys *keys, const char *id)
{
    char *key = NULL, *encoded;
    int n = asprintf(&key, "%s%s", keys->prefix, id);

    if (n < 0) {
        return NULL;
    }
    encoded = base64_encode(key, (size_t)n);
    free(key);
    return encoded;
}

const char *
keys_id(const struct keys *keys, const char *key, size_t len)
{
    if (len <= keys->prefix_len || memcmp(key, keys->prefix, keys->prefix_len) != 0 ||
        memchr(key, '\0', len)) {
        return NULL;
    }
    return key + keys->prefix_len;
}
