/*
 * file-bench.h - a store "file" on the fake host, with one watch, and the files below it as others
 * write them.
 */
#ifndef HF_TESTS_UNIT_FILE_BENCH_H
#define HF_TESTS_UNIT_FILE_BENCH_H

#include <stddef.h>
#include <stdint.h>

#include <hyperfaas/store.h>

#include "fake-host.h"

#define SECOND UINT64_C(1000000000)

struct files_bench {
    struct fake_host *fake;
    struct hf_options *options;
    const struct hf_store_ops *ops;
    struct hf_store *store;

    size_t puts, deletes, synced, bad, lost;
    char id[256], data[64], message[512];
    uint64_t revision;

    size_t done;
    int code;
};

extern const struct hf_store_watcher files_watcher;

/* The path of a file among the functions; valid until the next call. */
const char *files_of(const char *name);
void files_remove_tree(const char *path);

/* Write a file in place, as a simple editor does. */
void files_write(const char *name, const char *data, size_t len);
void files_write_text(const char *name, const char *text);
void files_rename(const char *from, const char *to);

/* Options of a store in the running test's folder; a NULL-terminated list. */
const char *const *files_settings(void);

void files_open(struct files_bench *b);
void files_close(struct files_bench *b);

/* Opens an empty store and watches its functions. */
void files_begin(struct files_bench *b);

/* These wait for the answer and return its code. */
int files_put(struct files_bench *b, const char *id, const char *json, uint32_t condition,
              uint64_t revision);
int files_get(struct files_bench *b, const char *id);

/* Takes an answer: `arg` is a bench. */
void files_done(void *arg, int code, const char *message, const struct hf_document *document);

#endif
