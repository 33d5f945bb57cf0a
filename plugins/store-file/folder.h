/*
 * folder.h - the folder of one space: finding, locking, writing and removing.
 *
 * Runs on the thread of io.h.  A write is a new temporary file in the same folder,
 * flushed, renamed over the old one, and the folder flushed: after a crash at
 * any point there is the old document or the new one, whole.  Writers of all
 * processes take turns by a lock (flock of `.lock`), which makes the test of a
 * condition and the write one step.
 */
#ifndef HF_STORE_FILE_FOLDER_H
#define HF_STORE_FILE_FOLDER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "document.h"

/* Where the documents of a store are; read-only once made. */
struct place {
    const struct hf_host *host;
    const char *path;       /* the store's folder */
    bool sync;              /* flush to disk before a write counts as done */
    uint64_t look_every_ns; /* for changes that the kernel does not tell */
};

/* The name of the folder of a space (enum hf_store_space), or NULL. */
const char *folder_name(uint32_t space);

/* Opens the folder of `space`, made if missing and `make`; a descriptor, or a
 * negative HF_E code and a reason. */
int folder_open(const struct place *, uint32_t space, bool make, char message[MESSAGE_SIZE]);

/* A document to write, and when (enum hf_store_condition). */
struct change {
    uint32_t space;
    uint32_t condition;
    uint64_t revision; /* for HF_STORE_AT_REVISION */
    const char *id;
    const char *data;
    size_t len;
    const atomic_bool *abandoned; /* set by another thread: stop waiting for the lock */
};

/* Waits for the other writers of an open folder: a descriptor that holds the lock until it is
 * closed.  HF_ECANCELLED once `abandoned`; if that is NULL, HF_EFULL when another one writes. */
int folder_lock(int folder, const atomic_bool *abandoned, char message[MESSAGE_SIZE]);

/* Writes a document; `_locked` with the lock in hand.  `*ret` is then what document_read() would
 * give, but for the data. */
int folder_write_locked(const struct place *, int folder, const struct change *,
                        struct document *ret, char message[MESSAGE_SIZE]);
int folder_write(const struct place *, const struct change *, struct document *ret,
                 char message[MESSAGE_SIZE]);

/* Removes a document. */
int folder_remove(const struct place *, const struct change *, char message[MESSAGE_SIZE]);

#endif
