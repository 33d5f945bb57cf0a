/*
 * program.h - the files that instances run, to notice when one is replaced.
 *
 * A new instance runs what the path names at its start; those that run already go on with
 * what they were started from.
 */
#ifndef HF_RUNTIME_PROCESS_PROGRAM_H
#define HF_RUNTIME_PROCESS_PROGRAM_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct hf_runtime;
struct program; /* of a path; there while instances of it run */

/* What makes two files of one path different. */
struct program_mark {
    dev_t dev;
    ino_t ino;
    off_t size;
    int64_t changed_ns;
};

/* An instance of the path starts: marks what it runs, and says so if older ones run another file.
 * NULL: no memory. */
struct program *program_take(struct hf_runtime *, const char *path, struct program_mark *ret);
void program_release(struct hf_runtime *, struct program *); /* NULL is allowed */

/* Whether the path names another file than the marked one by now. */
bool program_is_replaced(const struct program *, const struct program_mark *);

#endif
