/*
 * output.h - what one instance writes to its standard output and error.
 *
 * It comes through a pipe: so the log stays in bounds whatever the instance
 * does, those who follow get it without looking at a file, and the last line
 * is at hand to explain an end.  The file appears with the first output.
 */
#ifndef HF_RUNTIME_PROCESS_OUTPUT_H
#define HF_RUNTIME_PROCESS_OUTPUT_H

#include <stddef.h>
#include <stdint.h>

#include <hyperfaas/host.h>

#include "logs.h"

struct output;

/* Someone who wants what is written from now on.  Embedded in its owner. */
struct follower {
    struct follower *next, **link; /* link is NULL while it follows nothing */
    void (*on_data)(struct follower *, const void *data, size_t len);
    void (*on_end)(struct follower *);
};

/* Opens the pipe; the instance is given `*ret_fd`, to be closed after its start. */
int output_new(const struct hf_driver_host *, struct logs *, const char *name, struct output **ret,
               int *ret_fd, struct hf_err *err);

/* Ends followers and closes.  NULL is allowed. */
void output_free(struct output *);

/* Takes what is still in the pipe of an instance that has ended. */
void output_drain(struct output *);

/* The last line written that was not empty; "" if there is none. */
const char *output_last_line(const struct output *);

const char *output_name(const struct output *);

/* How much the present file holds, and how many there were before it. */
uint64_t output_size(const struct output *);
uint64_t output_rotations(const struct output *);

void output_follow(struct output *, struct follower *);
void output_unfollow(struct follower *);

#endif
