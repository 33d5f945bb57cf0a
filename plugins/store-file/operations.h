/*
 * operations.h - what the host asked for: the loop's side of the store "file".
 *
 * Keeps the operations under way, their time limits and who waits for them; the
 * thread of io.h does the work.
 */
#ifndef HF_STORE_FILE_OPERATIONS_H
#define HF_STORE_FILE_OPERATIONS_H

#include <hyperfaas/store.h>

#include "io.h"

struct hf_store {
    const struct hf_driver_host *driver;
    const struct hf_host *host;
    struct place place;
    char *path;
    struct io *io;
    struct hf_host_watch *notices;
    struct hf_store_op *ops;
    size_t n_ops;
    uint64_t n_writes, n_bad;
    char last_error[MESSAGE_SIZE];
};

/* The operations of store.h with these names. */
int file_get(struct hf_store *, uint32_t space, const char *id, uint64_t timeout_ns,
             hf_store_done_fn *done, void *arg, struct hf_store_op **ret, struct hf_err *err);
int file_put(struct hf_store *, const struct hf_document *, uint32_t condition, uint64_t timeout_ns,
             hf_store_done_fn *done, void *arg, struct hf_store_op **ret, struct hf_err *err);
int file_remove(struct hf_store *, uint32_t space, const char *id, uint64_t timeout_ns,
                hf_store_done_fn *done, void *arg, struct hf_store_op **ret, struct hf_err *err);
void file_cancel(struct hf_store *, struct hf_store_op *);
int file_watch(struct hf_store *, uint32_t space, const struct hf_store_watcher *, void *arg,
               struct hf_store_op **ret, struct hf_err *err);
void file_unwatch(struct hf_store *, struct hf_store_op *);
int file_announce(struct hf_store *, const struct hf_document *, uint64_t ttl_ns,
                  hf_store_done_fn *reported, void *arg, struct hf_store_op **ret,
                  struct hf_err *err);
void file_withdraw(struct hf_store *, struct hf_store_op *, uint64_t timeout_ns,
                   hf_store_done_fn *done, void *arg);

/* Takes what the thread has to say; watches io_fd(). */
void operations_on_notices(void *arg, uint32_t events);

/* Ends all operations with HF_ECANCELLED, once the thread has stopped. */
void operations_end(struct hf_store *);

#endif
