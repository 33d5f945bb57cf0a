/*
 * thread.h - threads that run a loop each.
 */
#ifndef HF_LOOP_THREAD_H
#define HF_LOOP_THREAD_H

#include <stddef.h>

#include "loop/loop.h"

/* A thread with its loop. */
struct hf_thread;

/* Starts a thread, named `name` (at most 15 bytes are shown), running a new loop. */
int hf_thread_new(const char *name, struct hf_thread **ret, struct hf_err *err);

/* Stops the loop and waits for the thread; the loop is then the caller's to run. */
void hf_thread_join(struct hf_thread *thread);

/* The same, and frees the loop.  NULL is allowed. */
void hf_thread_free(struct hf_thread *thread);

struct hf_loop *hf_thread_loop(const struct hf_thread *thread);

/* Runs `fn(arg)` on the thread's loop and waits until it has returned.  For setting
 * up and taking down, never from another loop that the thread may wait for. */
void hf_thread_do(struct hf_thread *thread, void (*fn)(void *arg), void *arg);

/* The loop with the smallest `hf_loop_load`; the first among equals.  `count` > 0. */
struct hf_loop *hf_loop_least_loaded(struct hf_loop *const *loops, size_t count);

#endif
