/*
 * document.h - one document on disk: its name, reading it, judging it, its revision.
 *
 * Runs on the thread of io.h, where waiting for the disk holds nobody up.
 */
#ifndef HF_STORE_FILE_DOCUMENT_H
#define HF_STORE_FILE_DOCUMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <time.h>

#include <hyperfaas/host.h>

/* Messages for an operator are cut to this, with their NUL. */
#define MESSAGE_SIZE 512

/* Which version of a file it is, as the file system tells it. */
struct stamp {
    dev_t device;
    ino_t inode;
    off_t size;
    struct timespec modified; /* can be set by anybody */
    struct timespec changed;  /* cannot */
};

struct document {
    uint64_t revision;
    struct stamp stamp;
    uint64_t hash; /* of the content */
    char *data;    /* malloc'ed; not terminated */
    size_t len;
};

/*
 * The revision of a document: the later of its file's two times, in steps of REVISION_STEP
 * nanoseconds, with bits of a hash of its content below.  So it grows with time, also when an older
 * file is put in the place of a newer one, differs for whoever made the change, and outlives the
 * process.  It can go back with the clock; whoever follows a document sees to that (look.h).
 */
#define REVISION_STEP 4096

/* Stands for the revision of what can't be opened. */
#define REVISION_UNREADABLE 1

struct stamp stamp_of(const struct stat *st);
bool stamp_equals(const struct stamp *a, const struct stamp *b);

uint64_t document_revision(const struct stamp *stamp, uint64_t hash);

/* Judges content: not empty, not above HF_STORE_DOCUMENT_MAX, one JSON value.  Returns 0 or
 * HF_EINVALID with a reason in `message`. */
int document_check(const struct hf_host *host, const char *data, size_t len,
                   char message[MESSAGE_SIZE]);

/*
 * Reads the file `name` in `folder`.  Returns 0, HF_ENOTFOUND, HF_EIO, HF_ENOMEM
 * or, for what is no document, HF_EINVALID; `message` then says why.  `*ret` is
 * set on 0; on HF_EINVALID it has no data.
 */
int document_read(const struct hf_host *host, int folder, const char *name, struct document *ret,
                  char message[MESSAGE_SIZE]);

/* --- names ------------------------------------------------------------------------- */

/*
 * The document of an id is the file `<escaped id>.json`.  Letters, digits, `_`,
 * `-` and dots that are not in front stand for themselves; every other byte is
 * written %XX with upper-case digits.  So each id has exactly one file name,
 * each such name one id, and no id can leave its folder or hide in it.
 */

/* Room for any file name (NAME_MAX is 255) and for any id read from one. */
#define NAME_SIZE 256

enum name_kind {
    NAME_FOREIGN,  /* not ours: hidden, a backup of an editor, another suffix */
    NAME_DOCUMENT, /* holds the document of the id */
    NAME_MISSPELT  /* a document, but not under the one name of its id */
};

/* Writes the file name of `id`; false if it is empty or its name too long. */
bool name_from_id(const char *id, char name[NAME_SIZE]);

/* Writes the id that a file name stands for, unless the name is foreign. */
enum name_kind name_to_id(const char *name, char id[NAME_SIZE]);

#endif
