/*
 * child.c - from a process to a program, in the supervisor (supervisor.c).
 *
 * The child is made with vfork(2): nothing needs to be copied for a process that executes
 * another program at once.  Between vfork and exec the child shares its parent's memory; it
 * only makes system calls and writes to its own stack frame.
 */
#include "loop/child.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/err.h"
#include "base/macros.h"
#include "loop/child_private.h"

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

/* A program on its way. */
struct request {
    const struct hf_child_spec *spec;
    pid_t parent;
    int null_fd;
    int report_fd; /* takes the errno of what failed; closed by a successful exec */
    pid_t pid;     /* result, or -errno */
};

static int
set_limit(__rlimit_resource_t resource, uint64_t value)
{
    const struct rlimit limit = { .rlim_cur = (rlim_t)value, .rlim_max = (rlim_t)value };

    return setrlimit(resource, &limit);
}

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
    if ((spec->data_bytes && set_limit(RLIMIT_DATA, spec->data_bytes) < 0) ||
        (spec->processes && set_limit(RLIMIT_NPROC, spec->processes) < 0) ||
        (!spec->core_dumps && set_limit(RLIMIT_CORE, 0) < 0)) {
        return -1;
    }
    return spec->memory_bytes ? set_limit(RLIMIT_AS, spec->memory_bytes) : 0;
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
    return 0; /* the supervisor has no others that stay open */
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

/* The functions of libc that change users do so in all threads; a child of vfork has only its own,
 * and the memory of its parent: here are the system calls themselves. */

/* Where the kernel does not allow that (without CAP_SETPCAP), what follows suffices. */
static void
drop_bounding_set(void)
{
    for (int capability = 0; prctl(PR_CAPBSET_READ, capability, 0, 0, 0) >= 0; capability++) {
        (void)prctl(PR_CAPBSET_DROP, capability, 0, 0, 0);
    }
}

/* A program that root executes gets them back, but not beyond what is permitted here, as it may
 * gain no privileges. */
static int
drop_capabilities(void)
{
    struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
    struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = { { 0 } };

    (void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    return (int)syscall(SYS_capset, &header, none);
}

static int
change_user(const struct hf_child_spec *spec)
{
    if (syscall(SYS_setgroups, 0, NULL) < 0 ||
        syscall(SYS_setresgid, spec->gid, spec->gid, spec->gid) < 0) {
        return -1;
    }
    return (int)syscall(SYS_setresuid, spec->uid, spec->uid, spec->uid);
}

/* Becomes the user and group of `spec`, if it names any, without further groups; gives up all
 * capabilities, and gains none by what it executes.  A change of user clears the death signal
 * (prctl(2)). */
static int
give_up_privileges(const struct hf_child_spec *spec)
{
    drop_bounding_set();
    if ((spec->change_user && change_user(spec) < 0) ||
        prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) {
        return -1;
    }
    return drop_capabilities();
}

/* Becomes the program; returns only on failure.  Shares the parent's memory. */
static void
become(const struct request *request)
{
    const struct hf_child_spec *spec = request->spec;

    apply_schedule(spec);
    if (setsid() < 0 || apply_limits(spec) < 0 || apply_descriptors(request) < 0 ||
        reset_signals() < 0 || give_up_privileges(spec) < 0 ||
        (spec->directory && chdir(spec->directory) < 0) || prctl(PR_SET_PDEATHSIG, SIGKILL) < 0) {
        return;
    }
    if (getppid() != request->parent) {
        errno = ESRCH; /* the node died before the death signal was set */
        return;
    }
    /* The program may change its copy of the strings; ours is on the other side of exec. */
    execve(spec->path, (char *const *)(uintptr_t)spec->argv, (char *const *)(uintptr_t)spec->envp);
}

/* --- in the supervisor ---------------------------------------------------------------------- */

static void
fork_child(struct request *request)
{
    pid_t pid = vfork(); /* NOLINT: nothing needs to be copied for a program that is executed */

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

int
hf_child_fork(const struct hf_child_spec *spec, int null_fd, pid_t *ret)
{
    struct request request = { .spec = spec, .parent = getpid(), .null_fd = null_fd };
    int report[2];
    int error = 0;
    ssize_t n;

    if (pipe2(report, O_CLOEXEC) < 0) {
        return errno;
    }
    request.report_fd = report[1];
    fork_child(&request);
    close(report[1]);
    if (request.pid < 0) {
        close(report[0]);
        return -request.pid;
    }
    do {
        n = read(report[0], &error, sizeof error);
    } while (n < 0 && errno == EINTR);
    close(report[0]);
    if (n == sizeof error) {
        waitpid(request.pid, NULL, 0); /* it is about to _exit */
        return error;
    }
    *ret = request.pid;
    return 0;
}
