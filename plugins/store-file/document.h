/*
 * document.h - one document on disk: reading it, judging it, its revision.
 *
 * Runs on the thread of io.h, where waiting for the disk holds nobody up.
 */
#ifndef HF_STORE_FILE_DOCUMENT_H
#define HF_STORE_FILE_DOCUMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

/* Messages for an operator are cut to this, with their NUL. */
#define MESSAGE_SIZE 512

/* Larger documents are refused; a function's is about 200 bytes. */
#define DOCUMENT_MAX (1u << 20)

/* The host's stable hash (host.h). */
typedef uint64_t hash_fn(const void *data, size_t len);

struct document {
    uint64_t revision;
    char *data; /* malloc'ed; not terminated */
    size_t len;
};

/*
 * The revision of a document: its time of change in steps of REVISION_STEP
 * nanoseconds with bits of a hash of its content below.  So it grows with
 * time, differs for whoever made the change and outlives the process.
 */
#define REVISION_STEP 4096

/* Stands for the revision of what can't be opened. */
#define REVISION_UNREADABLE 1

uint64_t document_revision(hash_fn *hash, const struct timespec *changed, const void *data,
                           size_t len);

/* Judges content: not empty, not above DOCUMENT_MAX, UTF-8, one JSON value.
 * Returns 0 or HF_EINVALID with a reason in `message`. */
int document_check(const char *data, size_t len, char message[MESSAGE_SIZE]);

/*
 * Reads the file `name` in `folder`.  Returns 0, HF_ENOTFOUND, HF_EIO, HF_ENOMEM
 * or, for what is no document, HF_EINVALID; `message` then says why.  `*ret` is
 * set on 0; on HF_EINVALID its revision alone is.
 */
int document_read(int folder, const char *name, hash_fn *hash, struct document *ret,
                  char message[MESSAGE_SIZE]);

#endif
