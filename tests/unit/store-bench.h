/*
 * store-bench.h - a metadata store with its host, what was asked of it, and what it said.
 */
#ifndef HF_TESTS_UNIT_STORE_BENCH_H
#define HF_TESTS_UNIT_STORE_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <hyperfaas/store.h>

#define SECOND UINT64_C(1000000000)

struct store_bench {
    struct fake_host *fake;
    struct hf_options *options;
    const struct hf_store_ops *ops;
    struct hf_store *store;
};

/* What an operation answered. */
struct store_answer {
    size_t n; /* times the completion ran */
    int code;
    bool has_document;
    uint64_t revision;
    char data[512];
    char id[256];
};

/* What a watcher was told. */
struct store_seen {
    size_t puts, deletes, synced, bad, lost;
    size_t puts_before_sync;
    char id[256];
    char data[512];
    uint64_t revision;
};

/* Opens a store of the module under test (contract-store.h), or fails the test. */
void store_open(struct store_bench *b);
void store_close(struct store_bench *b);

struct hf_document store_document(uint32_t space, const char *id, const char *json,
                                  uint64_t revision);

/* The completion of operations; `arg` is a struct store_answer. */
void store_on_done(void *arg, int code, const char *message, const struct hf_document *document);

/* Waits for an operation that was begun with `r`. */
struct store_answer store_await(struct store_bench *b, int r, struct store_answer *a);

/* Each does one operation and waits for its answer. */
struct store_answer store_put_in(struct store_bench *b, uint32_t space, const char *id,
                                 const char *json);
struct store_answer store_put_if(struct store_bench *b, const char *id, const char *json,
                                 uint32_t condition, uint64_t revision);
struct store_answer store_get_in(struct store_bench *b, uint32_t space, const char *id);
struct store_answer store_remove_in(struct store_bench *b, uint32_t space, const char *id);
struct store_answer store_put(struct store_bench *b, const char *id, const char *json);
struct store_answer store_get(struct store_bench *b, const char *id);

/* A watcher whose `arg` is a struct store_seen, and a watch that has told all that is there. */
extern const struct hf_store_watcher store_watcher;
struct hf_store_op *store_watch(struct store_bench *b, uint32_t space, struct store_seen *s);

#endif
