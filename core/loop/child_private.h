/*
 * child_private.h - what the parts of child.h share: child.c becomes a program, supervisor.c is
 * the process that is the parent of all of them, spawner.c is our side of it.
 */
#ifndef HF_LOOP_CHILD_PRIVATE_H
#define HF_LOOP_CHILD_PRIVATE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "loop/child.h"

/* Bytes of a request: what a program is given beside its limits is bounded by that. */
#define HF_SUPERVISOR_REQUEST_MAX (192u << 10)

enum hf_supervisor_kind {
    HF_SUPERVISOR_SPAWN = 1, /* `spec` and texts; answered by an event */
    HF_SUPERVISOR_SIGNAL,    /* `signal` to the group of `pid`, if that still runs */
    HF_SUPERVISOR_STARTED,   /* event: `pid` runs, or `error` says why not */
    HF_SUPERVISOR_ENDED,     /* event: `pid` has ended and is reaped */
};

/* To the supervisor.  A spawn carries the descriptor for output, if there is one, and, behind
 * this, what `spec` points to: first its processors, then path, directory ("" for none), arguments
 * and environment, each with its NUL. */
struct hf_supervisor_request {
    uint32_t kind;
    uint32_t number; /* comes back with the answer */
    pid_t pid;
    int signal;
    struct hf_child_spec spec; /* its pointers mean nothing there */
    uint32_t argument_count;
    uint32_t variable_count;
};

/* From the supervisor. */
struct hf_supervisor_event {
    uint32_t kind;
    uint32_t number;
    pid_t pid;
    int error; /* an errno */
    int code;
    int signal;
};

/* child.c: makes a process and has it execute the program; 0 and its id, or an errno. */
int hf_child_fork(const struct hf_child_spec *spec, int null_fd, pid_t *ret);

/* supervisor.c: what the process does that is made for it; `requests` answers spawns, `events`
 * tells of ends.  Returns never. */
_Noreturn void hf_supervisor_run(int requests, int events);

/* supervisor.c: calls `fn` for each child of the calling process, alive or not; -1 if that cannot
 * be known.  For a process with one thread. */
int hf_supervisor_children(void (*fn)(void *arg, pid_t pid), void *arg);

#endif
