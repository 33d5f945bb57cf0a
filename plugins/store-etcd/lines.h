/*
 * lines.h - a stream of lines, whose pieces are cut anywhere.
 */
#ifndef HF_STORE_ETCD_LINES_H
#define HF_STORE_ETCD_LINES_H

#include <stdbool.h>
#include <stddef.h>

/* Takes a line without its newline, never empty; false: no more, whoever fed it is gone. */
typedef bool lines_fn(void *arg, const char *line, size_t len);

/* What has come of a line so far.  Begins as zeros. */
struct lines {
    char *data;
    size_t len, size;
};

enum lines_result {
    LINES_OK,
    LINES_STOPPED,  /* by `fn`; the lines may be gone */
    LINES_TOO_LONG, /* a line above the cap, or no memory for it */
};

/* Adds a piece and hands over the lines that are whole; none is longer than `max`. */
enum lines_result lines_add(struct lines *, const char *data, size_t len, size_t max, lines_fn *fn,
                            void *arg);

/* Hands over a last line that ends without a newline. */
enum lines_result lines_end(struct lines *, lines_fn *fn, void *arg);

void lines_fini(struct lines *);

#endif
