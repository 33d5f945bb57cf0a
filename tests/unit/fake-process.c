/*
 * fake-process.c - the fake host's child processes, which are real.
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fake-host-private.h"

/* In the child: becomes the program or tells why not through `report`. */
static _Noreturn void
become(const struct hf_host_spawn *spawn, int report)
{
    int null = open("/dev/null", O_RDWR), output = spawn->output >= 0 ? spawn->output : null;
    int error;
    sigset_t none;

    setsid();
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    dup2(null, 0);
    dup2(output, 1);
    dup2(output, 2);
    if (spawn->memory_bytes > 0) {
        struct rlimit limit = { spawn->memory_bytes, spawn->memory_bytes };

        setrlimit(RLIMIT_AS, &limit);
    }
    if (spawn->data_bytes > 0) {
        struct rlimit limit = { spawn->data_bytes, spawn->data_bytes };

        setrlimit(RLIMIT_DATA, &limit);
    }
    if (spawn->processors) {
        sched_setaffinity(0, spawn->processor_words * sizeof *spawn->processors,
                          (const cpu_set_t *)(const void *)spawn->processors);
    }
    if (!spawn->directory || chdir(spawn->directory) == 0) {
        execve(spawn->path, (char *const *)(uintptr_t)spawn->argv,
               (char *const *)(uintptr_t)spawn->envp);
    }
    error = errno;
    (void)!write(report, &error, sizeof error);
    _exit(127);
}

static int
spawn_child(const struct hf_driver_host *driver, const struct hf_host_spawn *spawn,
            void (*on_exit_fn)(void *arg, const struct hf_host_exit *), void *arg,
            struct hf_host_child **ret, struct hf_err *err)
{
    struct fake_host *fake = fake_of(driver);
    struct hf_host_child *child;
    int report[2], error = 0;
    pid_t pid;

    assert(pipe2(report, O_CLOEXEC) == 0);
    pid = fork();
    assert(pid >= 0);
    if (pid == 0) {
        become(spawn, report[1]);
    }
    close(report[1]);
    (void)!read(report[0], &error, sizeof error);
    close(report[0]);
    if (error) {
        waitpid(pid, NULL, 0);
        return fake->host.fail(err, error == ENOENT ? HF_ENOTFOUND : HF_EDENIED, "%s: %s",
                               spawn->path, strerror(error));
    }
    child = calloc(1, sizeof *child);
    assert(child);
    *child = (struct hf_host_child){
        .next = fake->children, .fake = fake, .pid = pid, .on_exit = on_exit_fn, .arg = arg
    };
    child->pidfd = (int)syscall(SYS_pidfd_open, pid, 0); /* valgrind has none */
    fake->children = child;
    *ret = child;
    return 0;
}

bool
fake_child_check(struct hf_host_child *child)
{
    struct hf_host_exit end = { .size = sizeof end };
    int status;

    if (waitpid(child->pid, &status, WNOHANG) != child->pid) {
        return false;
    }
    child->reaped = true;
    end.code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    end.signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    child->on_exit(child->arg, &end);
    return true;
}

static pid_t
child_pid(const struct hf_host_child *child)
{
    return child->pid;
}

static int
child_signal(struct hf_host_child *child, int signal)
{
    return kill(-child->pid, signal) == 0 ? 0 : HF_ENOTFOUND;
}

static void
child_free(struct hf_host_child *child)
{
    struct hf_host_child **link;

    if (!child) {
        return;
    }
    link = &child->fake->children;
    kill(-child->pid, SIGKILL);
    if (!child->reaped) {
        waitpid(child->pid, NULL, 0);
    }
    while (*link != child) {
        link = &(*link)->next;
    }
    *link = child->next;
    if (child->pidfd >= 0) {
        close(child->pidfd);
    }
    free(child);
}

void
fake_process_init(struct fake_host *fake)
{
    fake->driver.spawn = spawn_child;
    fake->driver.child_pid = child_pid;
    fake->driver.child_signal = child_signal;
    fake->driver.child_free = child_free;
}
