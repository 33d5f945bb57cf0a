/*
 * origins.c - how many connections each address has open at a proxy.
 */
#include "node/proxy/origins.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <hyperfaas/error.h>

#include "base/macros.h"
#include "base/map.h"

#define KEY_MAX 8u /* an IPv4 address, or the network of an IPv6 address */

struct hf_origin {
    struct hf_map_node node;
    uint64_t connections;
    unsigned char key[KEY_MAX];
};

struct hf_origins {
    uint64_t limit;
    bool exempt_loopback;
    pthread_mutex_t mutex; /* guards what follows; taken when connections come and go */
    struct hf_map map;
};

struct hf_origins *
hf_origins_new(uint64_t seed, uint64_t limit, bool exempt_loopback)
{
    struct hf_origins *origins = calloc(1, sizeof *origins);

    if (origins) {
        origins->limit = limit;
        origins->exempt_loopback = exempt_loopback;
        pthread_mutex_init(&origins->mutex, NULL);
        hf_map_init(&origins->map, seed);
    }
    return origins;
}

void
hf_origins_free(struct hf_origins *origins)
{
    if (origins) {
        hf_map_fini(&origins->map);
        pthread_mutex_destroy(&origins->mutex);
        free(origins);
    }
}

/* What an address counts as; returns its length, 0 for a unix socket. */
static size_t
key_of(const struct hf_address *peer, unsigned char key[static KEY_MAX])
{
    const struct in6_addr *v6 = &peer->u.v6.sin6_addr;

    if (peer->u.any.sa_family == AF_INET) {
        memcpy(key, &peer->u.v4.sin_addr, 4);
        return 4;
    }
    if (peer->u.any.sa_family != AF_INET6) {
        return 0;
    }
    if (IN6_IS_ADDR_V4MAPPED(v6)) {
        memcpy(key, &v6->s6_addr[12], 4);
        return 4;
    }
    memcpy(key, v6->s6_addr, KEY_MAX);
    return KEY_MAX;
}

/* The origin with that key, made if there is none; under the lock. */
static struct hf_origin *
origin_of(struct hf_origins *origins, const unsigned char *key, size_t len)
{
    struct hf_map_node *node = hf_map_find(&origins->map, key, len);
    struct hf_origin *origin;

    if (node) {
        return hf_container_of(node, struct hf_origin, node);
    }
    origin = calloc(1, sizeof *origin);
    if (!origin) {
        return NULL;
    }
    memcpy(origin->key, key, len);
    if (hf_map_add(&origins->map, &origin->node, origin->key, len) < 0) {
        free(origin);
        return NULL;
    }
    return origin;
}

int
hf_origins_enter(struct hf_origins *origins, const struct hf_address *peer, struct hf_origin **ret)
{
    unsigned char key[KEY_MAX];
    size_t len = key_of(peer, key);
    struct hf_origin *origin;
    int r = 0;

    *ret = NULL;
    if (len == 0 || (origins->exempt_loopback && hf_address_is_loopback(peer))) {
        return 0;
    }
    pthread_mutex_lock(&origins->mutex);
    origin = origin_of(origins, key, len);
    if (!origin) {
        r = HF_ENOMEM;
    } else if (origin->connections >= origins->limit) {
        r = HF_EFULL;
    } else {
        origin->connections++;
        *ret = origin;
    }
    pthread_mutex_unlock(&origins->mutex);
    return r;
}

void
hf_origins_leave(struct hf_origins *origins, struct hf_origin *origin)
{
    if (!origin) {
        return;
    }
    pthread_mutex_lock(&origins->mutex);
    if (--origin->connections == 0) {
        hf_map_remove(&origins->map, &origin->node);
        free(origin);
    }
    pthread_mutex_unlock(&origins->mutex);
}
