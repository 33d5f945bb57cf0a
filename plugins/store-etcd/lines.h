/*
 * lines.h - a stream of lines, whose pieces are cut anywhere.
 */
#ifndef HF_STORE_ETCD_LINES_H
#define HF_STORE_ETCD_LINES_H

#include <stdbool.h>
#include <stddef.h>

/* What has come and was not taken yet.  Begins as zeros. */
struct lines {
    char *data;
    size_t len, size;
    size_t taken;  /* of it */
    size_t looked; /* of it, without a newline since `taken` */
};

/* Adds a piece; false: more than `max` bytes would wait, or there is no memory. */
bool lines_add(struct lines *, const char *data, size_t len, size_t max);

/* Takes the next whole line, without its newline and never an empty one; NULL: there is none yet.
 * Valid until the next call. */
const char *lines_next(struct lines *, size_t *ret_len);

/* Takes what is left, which has no newline at its end; NULL: nothing. */
const char *lines_rest(struct lines *, size_t *ret_len);

/* How many bytes wait. */
size_t lines_waiting(const struct lines *);

void lines_fini(struct lines *);

#endif
