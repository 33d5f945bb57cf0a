/*
 * callee_private.h - inside of a callee, shared by its two halves.
 *
 * callee.c is the callee and the tickets of its calls; callee_endpoints.c adds endpoints
 * and takes them away.  Nobody else includes this.
 */
#ifndef HF_PROXY_CALLEE_PRIVATE_H
#define HF_PROXY_CALLEE_PRIVATE_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/assert.h"
#include "node/proxy/callee.h"
#include "node/proxy/upstream.h"

struct hf_callee {
    uint32_t magic;
    _Atomic uint32_t refs;
    const struct hf_callee_config *config;
    void *user; /* NULL: the role has let go; control thread */
    atomic_bool retired;
    atomic_bool demand_posted;
    struct hf_task demand; /* tells the control thread; holds a reference while posted */
    pthread_mutex_t mutex; /* guards the pool */
    struct hf_pool *pool;
    struct hf_function function; /* what the pool and its policy see; under the lock */
    char *image;                 /* of `function` */
    uint64_t starting_ns;        /* since when an instance starts, 0: none does; under the lock */
    char *failure;               /* why the last start failed, NULL: it did not; the same */
    struct hf_callee_ends *ends; /* of endpoints, NULL: none is known; under the lock */
    size_t id_len;
    char id[];
};

/* How the last endpoints ended, the oldest replaced first. */
#define HF_CALLEE_ENDS 8

struct hf_callee_ends {
    unsigned next;
    struct {
        char id[48];
        char how[80];
    } of[HF_CALLEE_ENDS];
};

#endif
