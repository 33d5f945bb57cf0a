/*
 * child.c - forking from a thread that stays, and reaping through pidfds.
 *
 * The child is made with vfork(2): a node may be large, and its pages need not be
 * copied for a process that executes another program at once.  Between vfork and
 * exec the child shares our memory; it only makes system calls and writes to its
 * own stack frame.
 */
#include "loop/child.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/err.h"
#include "base/list.h"
#include "base/macros.h"
#include "loop/thread.h"
#include "loop/watch.h"

/* How long the end waits for killed processes to be gone. */
#define REAP_LIMIT_NS (5 * HF_SEC)

struct hf_spawner {
    struct hf_thread *thread;
    struct hf_list orphans; /* struct hf_child: killed, nobody's, not yet reaped */
};

struct hf_child {
    struct hf_task task; /* brings an orphan to the spawner's thread */
    struct hf_list orphan;
    struct hf_spawner *spawner;
    struct hf_watch watch;
    hf_child_exit_fn *fn;
    void *arg;
    pid_t pid;
    int pidfd; /* -1: reaped */
};

/* --- limits -------------------------------------------------------------------------------- */

/* What we were started with, for children. */
static struct rlimit original_open_files = { .rlim_cur = 0 };

int
hf_raise_open_files(struct hf_err *err)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) < 0) {
        return hf_fail_errno(err, errno, "cannot read the limit of open files");
    }
    original_open_files = limit;
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) < 0) {
        return hf_fail_errno(err, errno, "cannot raise the limit of open files to %llu",
                             (unsigned long long)limit.rlim_max);
    }
    return 0;
}

/* --- in the child -------------------------------------------------------------------------- */

/* A spawn on its way to the spawner's thread. */
struct request {
    const struct hf_child_spec *spec;
    pid_t parent;
    int null_fd;
    int report_fd; /* takes the errno of what failed; closed by a successful exec */
    pid_t pid;     /* result, or -errno */
};

static int
apply_limits(const struct hf_child_spec *spec)
{
    struct rlimit limit = original_open_files;

    if (spec->open_files) {
        limit.rlim_cur = limit.rlim_max = (rlim_t)spec->open_files;
    }
    if (limit.rlim_cur && setrlimit(RLIMIT_NOFILE, &limit) < 0) {
        return -1;
    }
    limit.rlim_cur = limit.rlim_max = (rlim_t)spec->data_bytes;
    if (spec->data_bytes && setrlimit(RLIMIT_DATA, &limit) < 0) {
        return -1;
    }
    limit.rlim_cur = limit.rlim_max = (rlim_t)spec->memory_bytes;
    return spec->memory_bytes ? setrlimit(RLIMIT_AS, &limit) : 0;
}

/* Where and when it is to run: wishes, which a restricted container may not grant. */
static void
apply_schedule(const struct hf_child_spec *spec)
{
    if (spec->processors) {
        (void)syscall(SYS_sched_setaffinity, 0, spec->processor_words * sizeof *spec->processors,
                      spec->processors);
    }
    if (spec->nice) {
        (void)setpriority(PRIO_PROCESS, 0, getpriority(PRIO_PROCESS, 0) + spec->nice);
    }
}

static int
apply_descriptors(const struct request *request)
{
    int output = request->spec->output >= 0 ? request->spec->output : request->null_fd;

    if (dup2(request->null_fd, STDIN_FILENO) < 0 || dup2(output, STDOUT_FILENO) < 0 ||
        dup2(output, STDERR_FILENO) < 0) {
        return -1;
    }
    return (int)syscall(SYS_close_range, STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC);
}

static int
reset_signals(void)
{
    struct sigaction action = { .sa_handler = SIG_DFL };
    sigset_t none;

    for (int i = 1; i < NSIG; i++) {
        sigaction(i, &action, NULL); /* fails for those that cannot be caught */
    }
    sigemptyset(&none);
    return sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Becomes the program; returns only on failure.  Shares the parent's memory. */
static void
become(const struct request *request)
{
    const struct hf_child_spec *spec = request->spec;

    if (setsid() < 0 || prctl(PR_SET_PDEATHSIG, SIGKILL) < 0) {
        return;
    }
    if (getppid() != request->parent) {
        errno = ESRCH; /* the node died before the death signal was set */
        return;
    }
    if ((spec->directory && chdir(spec->directory) < 0) || apply_limits(spec) < 0 ||
        apply_descriptors(request) < 0 || reset_signals() < 0) {
        return;
    }
    apply_schedule(spec);
    /* The program may change its copy of the strings; ours is on the other side of exec. */
    execve(spec->path, (char *const *)(uintptr_t)spec->argv, (char *const *)(uintptr_t)spec->envp);
}

/* --- on the spawner's thread --------------------------------------------------------------- */

static void
fork_child(void *arg)
{
    struct request *request = arg;
    pid_t pid = vfork(); /* NOLINT: fork would copy the page tables of a large node */

    if (pid == 0) {
        int error;
        ssize_t n;

        become(request); /* NOLINT: it only makes system calls, on its own stack */
        error = errno;
        n = write(request->report_fd, &error, sizeof error);
        _exit(n == sizeof error ? 127 : 126);
    }
    request->pid = pid < 0 ? -errno : pid;
}

/* Takes the exit status of a process that has ended; false: it has not. */
static bool
reap(struct hf_child *child, int *ret_code, int *ret_signal)
{
    siginfo_t info = { .si_pid = 0 };

    if (waitid(P_PID, (id_t)child->pid, &info, WEXITED | WNOHANG | WNOWAIT) < 0 ||
        info.si_pid == 0) {
        return false;
    }
    kill(-child->pid, SIGKILL); /* before its number can be used again */
    waitid(P_PID, (id_t)child->pid, &info, WEXITED | WNOHANG);
    *ret_code = info.si_code == CLD_EXITED ? info.si_status : -1;
    *ret_signal = info.si_code == CLD_EXITED ? 0 : info.si_status;
    hf_watch_fini(&child->watch);
    close(child->pidfd);
    child->pidfd = -1;
    return true;
}

static void
forget(struct hf_child *orphan)
{
    hf_list_remove(&orphan->orphan);
    if (orphan->pidfd >= 0) {
        hf_watch_fini(&orphan->watch);
        close(orphan->pidfd);
    }
    free(orphan);
}

static void
on_orphan_end(struct hf_watch *watch, uint32_t events)
{
    struct hf_child *child = hf_container_of(watch, struct hf_child, watch);
    int code;
    int signal;

    (void)events;
    if (reap(child, &code, &signal)) {
        forget(child);
    }
}

static void
adopt_orphan(struct hf_task *task)
{
    struct hf_child *child = hf_container_of(task, struct hf_child, task);
    struct hf_spawner *spawner = child->spawner;

    hf_list_append(&spawner->orphans, &child->orphan);
    hf_watch_init(&child->watch, hf_thread_loop(spawner->thread), child->pidfd, on_orphan_end);
    hf_watch_set(&child->watch, HF_READABLE); /* on failure it is reaped at the end */
}

int
hf_spawner_new(struct hf_spawner **ret, struct hf_err *err)
{
    struct hf_spawner *spawner = calloc(1, sizeof *spawner);
    int r;

    if (!spawner) {
        return hf_fail(err, HF_ENOMEM, "spawner: out of memory");
    }
    hf_list_init(&spawner->orphans);
    r = hf_thread_new("hf-spawner", &spawner->thread, err);
    if (r < 0) {
        free(spawner);
        return r;
    }
    *ret = spawner;
    return 0;
}

static bool
no_orphans(void *arg)
{
    const struct hf_spawner *spawner = arg;

    return hf_list_is_empty(&spawner->orphans);
}

void
hf_spawner_free(struct hf_spawner *spawner)
{
    if (!spawner) {
        return;
    }
    hf_thread_join(spawner->thread);
    hf_loop_run_until(hf_thread_loop(spawner->thread), no_orphans, spawner, REAP_LIMIT_NS);
    while (!hf_list_is_empty(&spawner->orphans)) {
        forget(hf_container_of(spawner->orphans.next, struct hf_child, orphan));
    }
    hf_thread_free(spawner->thread);
    free(spawner);
}

/* --- on the owner's loop ------------------------------------------------------------------- */

static void
on_end(struct hf_watch *watch, uint32_t events)
{
    struct hf_child *child = hf_container_of(watch, struct hf_child, watch);
    int code;
    int signal;

    (void)events;
    if (reap(child, &code, &signal)) {
        child->fn(child->arg, code, signal);
    }
}

/* Forks and waits for the exec.  0 and the process id, or an errno. */
static int
fork_and_exec(struct hf_spawner *spawner, struct request *request)
{
    int report[2];
    int error = 0;
    ssize_t n;

    if (pipe2(report, O_CLOEXEC) < 0) {
        return errno;
    }
    request->report_fd = report[1];
    hf_thread_do(spawner->thread, fork_child, request);
    close(report[1]);
    if (request->pid < 0) {
        close(report[0]);
        return -request->pid;
    }
    do {
        n = read(report[0], &error, sizeof error);
    } while (n < 0 && errno == EINTR);
    close(report[0]);
    if (n == sizeof error) {
        waitpid(request->pid, NULL, 0); /* it is about to _exit */
        return error;
    }
    return 0;
}

/* Watches the new process; if that fails it is killed. */
static int
watch_child(struct hf_child *child, struct hf_loop *loop)
{
    child->pidfd = (int)syscall(SYS_pidfd_open, child->pid, 0);
    if (child->pidfd >= 0) {
        hf_watch_init(&child->watch, loop, child->pidfd, on_end);
        if (hf_watch_set(&child->watch, HF_READABLE) == 0) {
            return 0;
        }
        close(child->pidfd);
    }
    kill(-child->pid, SIGKILL);
    waitpid(child->pid, NULL, 0);
    return HF_EIO;
}

int
hf_child_spawn(struct hf_spawner *spawner, struct hf_loop *loop, const struct hf_child_spec *spec,
               hf_child_exit_fn *fn, void *arg, struct hf_child **ret, struct hf_err *err)
{
    struct request request = { .spec = spec, .parent = getpid() };
    struct hf_child *child = calloc(1, sizeof *child);
    int error;

    if (!child) {
        return hf_fail(err, HF_ENOMEM, "cannot start %s: out of memory", spec->path);
    }
    request.null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (request.null_fd < 0) {
        error = errno;
    } else {
        error = fork_and_exec(spawner, &request);
        close(request.null_fd);
    }
    if (error) {
        free(child);
        return hf_fail_errno(err, error, "cannot start %s", spec->path);
    }
    child->spawner = spawner;
    child->fn = fn;
    child->arg = arg;
    child->pid = request.pid;
    if (watch_child(child, loop) < 0) {
        free(child);
        return hf_fail_errno(err, errno, "cannot watch %s", spec->path);
    }
    *ret = child;
    return 0;
}

pid_t
hf_child_pid(const struct hf_child *child)
{
    return child->pid;
}

int
hf_child_signal(struct hf_child *child, int signal)
{
    if (child->pidfd < 0 || kill(-child->pid, signal) < 0) {
        return HF_ENOTFOUND;
    }
    return 0;
}

void
hf_child_free(struct hf_child *child)
{
    if (!child) {
        return;
    }
    if (child->pidfd < 0) {
        free(child);
        return;
    }
    hf_watch_fini(&child->watch);
    kill(-child->pid, SIGKILL);
    child->task.run = adopt_orphan;
    hf_loop_post(hf_thread_loop(child->spawner->thread), &child->task);
}
