/*
 * etcd-bench.h - a store "etcd" with its host, a model of etcd, and one watcher of functions.
 */
#ifndef HF_TESTS_UNIT_ETCD_BENCH_H
#define HF_TESTS_UNIT_ETCD_BENCH_H

#include <hyperfaas/store.h>

#include "fake-etcd.h"
#include "fake-host.h"

enum bench_deed { WATCH_ON, UNWATCH_ON_PUT, UNWATCH_ON_SYNCED, UNWATCH_ON_DELETE };

struct bench {
    struct fake_host *fake;
    struct fake_etcd etcd;
    struct hf_options *options;
    const struct hf_store_ops *ops;
    struct hf_store *store;
    struct hf_store_op *watch;
    enum bench_deed deed; /* of the watcher, once */

    struct {
        size_t puts, deletes, synced, bad, lost;
        char id[64], data[64], deleted[64], message[512];
        uint64_t revision;
    } seen;
    struct {
        size_t n;
        int code;
        uint64_t revision;
        char message[1024], data[64];
    } answer;
};

/* Opens a store with these settings (NULL: none), whose requests the model answers. */
void bench_open(struct bench *, const char *const *settings);
/* The same, but the test answers the requests. */
void bench_open_alone(struct bench *, const char *const *settings);
void bench_close(struct bench *);

void bench_begin_watch(struct bench *);
void bench_watch(struct bench *); /* until it is synced */

/* Begins an operation, or also waits for its end and returns its code. */
void bench_begin_put(struct bench *, const char *id, const char *json, uint32_t condition,
                     uint64_t revision, uint64_t timeout_ns);
int bench_put(struct bench *, const char *id, const char *json, uint32_t condition,
              uint64_t revision);
int bench_get(struct bench *, const char *id);

#endif
