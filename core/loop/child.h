/*
 * child.h - child processes that never outlive us.
 *
 * A child gets its own session and process group, default signals, no descriptor of ours,
 * no capabilities and no way to gain any, and PR_SET_PDEATHSIG(SIGKILL).  Its parent is a process
 * that is made for that, the supervisor (supervisor.c), which whoever loses its parent below comes
 * to, and which lives longer than we do: when a child ends, so does what it has started, unless
 * that belongs to the session of another child; when we end, however, everything does.  If the
 * supervisor itself is killed, all its children are, and the next start makes another.
 */
#ifndef HF_LOOP_CHILD_H
#define HF_LOOP_CHILD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "loop/loop.h"

struct hf_child;
struct hf_spawner;

/* Raises this process's limit of open files to its maximum; children get what was
 * before.  Call once, early. */
int hf_raise_open_files(struct hf_err *err);

/* Starts what starts children.  At most one in a process. */
int hf_spawner_new(struct hf_spawner **ret, struct hf_err *err);

/* Takes the status of processes that came to us because their parents have died, as they do for
 * the first process of a container; after SIGCHLD.  Any thread. */
void hf_spawner_reap(struct hf_spawner *spawner);

/* Kills and reaps what remains.  All children have been freed.  NULL is allowed. */
void hf_spawner_free(struct hf_spawner *spawner);

/* What to run.  Borrowed for the call. */
struct hf_child_spec {
    const char *path;           /* executable */
    const char *const *argv;    /* NULL-terminated */
    const char *const *envp;    /* NULL-terminated, the whole environment */
    const char *directory;      /* to start in; NULL: ours */
    int output;                 /* becomes stdout and stderr; -1: /dev/null; stays the caller's */
    uint64_t memory_bytes;      /* RLIMIT_AS; 0: none */
    uint64_t data_bytes;        /* RLIMIT_DATA; 0: ours */
    uint64_t open_files;        /* RLIMIT_NOFILE; 0: what we were started with */
    const uint64_t *processors; /* bit by bit, those it may run on; NULL: ours */
    uint32_t processor_words;   /* of `processors` */
    int nice;                   /* added to ours */
    uint64_t processes;         /* RLIMIT_NPROC, of all that its user runs; 0: ours */
    bool core_dumps;            /* as our own limit allows; else none */
    bool change_user;           /* to `uid` and `gid`, without further groups */
    uid_t uid;
    gid_t gid;
};

/* `code` is the exit code, or -1 if `signal` ended it.  The child is freed by its
 * owner, also from here. */
typedef void hf_child_exit_fn(void *arg, int code, int signal);

/* Starts a process.  Waits for its exec, about a millisecond, at most ten seconds.  `fn` runs on
 * `loop` exactly once, later, unless the child was freed before.  A path that cannot be executed is
 * an error here (HF_ENOTFOUND, HF_EDENIED, ...). */
int hf_child_spawn(struct hf_spawner *spawner, struct hf_loop *loop,
                   const struct hf_child_spec *spec, hf_child_exit_fn *fn, void *arg,
                   struct hf_child **ret, struct hf_err *err);

/* The process id; stays valid until the child is freed. */
pid_t hf_child_pid(const struct hf_child *child);

/* Sends `signal` to the whole group.  HF_ENOTFOUND: it has ended. */
int hf_child_signal(struct hf_child *child, int signal);

/* Kills the group if it still runs, and forgets it; it is reaped in the background.
 * On its loop's thread, before the loop is freed.  NULL is allowed. */
void hf_child_free(struct hf_child *child);

#endif
