/*
 * lines.h - cuts a stream into its lines: JSON objects, one each.
 *
 * Pieces of a stream mean nothing: a line may come in several and a piece hold several
 * lines.  The last line may lack its newline.
 */
#ifndef HF_RUNTIME_DOCKER_LINES_H
#define HF_RUNTIME_DOCKER_LINES_H

#include <stdbool.h>
#include <stddef.h>

/* Longer lines are dropped: no engine writes them. */
#define LINE_MAX_BYTES (1u << 20)

struct lines {
    char *data; /* the beginning of a line whose end has not come */
    size_t len, size;
    bool dropping; /* it is too long */
};

typedef void line_fn(void *arg, const char *line, size_t len);

/* Calls `fn` for each line that ends in the piece, without its newline; not for empty ones. */
void lines_add(struct lines *, const void *data, size_t len, line_fn *fn, void *arg);

/* The stream has ended: calls `fn` for what is left. */
void lines_end(struct lines *, line_fn *fn, void *arg);

/* Forgets what is left. */
void lines_fini(struct lines *);

#endif
