/* isolate.c - see isolate.h. */
#include "verify/isolate.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/err.h"
#include "base/macros.h"
#include "base/text.h"
#include "verify/rooms.h"

#define STACK_BYTES (64u << 10)
#define OUTPUT_MAX  4096 /* of what a module prints */

/* In the child, for its handler. */
static struct hf_probe *my_probe;

struct hf_probe *
hf_probe_new(void)
{
    void *memory = mmap(NULL, sizeof(struct hf_probe), PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    return memory == MAP_FAILED ? NULL : memory;
}

void
hf_probe_free(struct hf_probe *probe)
{
    if (probe) {
        munmap(probe, sizeof *probe);
    }
}

bool
hf_is_sanitized(void)
{
    return dlsym(RTLD_DEFAULT, "__asan_init") || dlsym(RTLD_DEFAULT, "__tsan_init");
}

/* --- in the child ---------------------------------------------------------------------------- */

static void
on_fatal(int number, siginfo_t *info, void *context)
{
    (void)context;
    my_probe->signal = number;
    my_probe->address = (uint64_t)(uintptr_t)info->si_addr;
    if (number == SIGSEGV || number == SIGBUS) {
        my_probe->trespass = hf_rooms_trespass(info->si_addr);
    }
    signal(number, SIG_DFL);
    raise(number);
}

/* The fatal signals are caught on a stack of their own: the module's may be used up. */
static void
catch_signals(void)
{
    static const int fatal[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT };
    const struct sigaction action = { .sa_sigaction = on_fatal,
                                      .sa_flags = SA_SIGINFO | SA_ONSTACK };
    static char stack[STACK_BYTES];

    sigaltstack(&(stack_t){ .ss_sp = stack, .ss_size = sizeof stack }, NULL);
    for (size_t i = 0; i < hf_countof(fatal); i++) {
        sigaction(fatal[i], &action, NULL);
    }
}

static void
limit(int resource, uint64_t value)
{
    setrlimit((__rlimit_resource_t)resource,
              &(struct rlimit){ .rlim_cur = value, .rlim_max = value });
}

static _Noreturn void
run_child(void (*fn)(void *arg), void *arg, const struct hf_isolation *limits,
          struct hf_probe *probe, int output)
{
    my_probe = probe;
    catch_signals();
    dup2(output, STDOUT_FILENO);
    dup2(output, STDERR_FILENO);
    limit(RLIMIT_CORE, 0);
    limit(RLIMIT_CPU, (limits->cpu_ns + HF_SEC - 1) / HF_SEC);
    if (limits->memory_bytes > 0 && !hf_is_sanitized()) {
        limit(RLIMIT_DATA, limits->memory_bytes);
    }
    fn(arg);
    probe->done = true;
    _exit(0);
}

/* --- in the parent --------------------------------------------------------------------------- */

/* Waits for the child's end, which closes the pipe; true: it came in time. */
static bool
wait_for_end(int pipe_end, uint64_t wall_ns)
{
    struct pollfd end = { .fd = pipe_end, .events = POLLIN };
    int r;

    do {
        r = poll(&end, 1, (int)hf_min(wall_ns / HF_MSEC, (uint64_t)INT32_MAX));
    } while (r < 0 && errno == EINTR);
    return r > 0;
}

static enum hf_ending
ending_of(int status, bool in_time, struct hf_probe *probe)
{
    if (!in_time || (WIFSIGNALED(status) && WTERMSIG(status) == SIGXCPU) ||
        (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)) {
        return HF_ENDING_SLOW;
    }
    if (WIFSIGNALED(status)) {
        probe->signal = WTERMSIG(status);
        return HF_ENDING_SIGNAL;
    }
    return probe->done || probe->failed ? HF_ENDING_DONE : HF_ENDING_LEFT;
}

static void
read_output(int fd, struct hf_text *out)
{
    char data[OUTPUT_MAX];
    ssize_t n = pread(fd, data, sizeof data, 0);

    if (n > 0) {
        hf_text_add_mem(out, data, (size_t)n);
    }
}

static int
follow(pid_t child, int pipe_end, const struct hf_isolation *limits, struct hf_probe *probe,
       enum hf_ending *ret, struct hf_err *err)
{
    bool in_time = wait_for_end(pipe_end, limits->wall_ns);
    int status;
    pid_t r;

    if (!in_time) {
        kill(child, SIGKILL);
    }
    do {
        r = waitpid(child, &status, 0);
    } while (r < 0 && errno == EINTR);
    if (r < 0) {
        return hf_fail_errno(err, errno, "cannot wait for a check");
    }
    *ret = ending_of(status, in_time, probe);
    return 0;
}

int
hf_isolate(void (*fn)(void *arg), void *arg, const struct hf_isolation *limits,
           struct hf_probe *probe, enum hf_ending *ret, struct hf_text *output, struct hf_err *err)
{
    int ends[2] = { -1, -1 };
    int file = memfd_create("module-output", MFD_CLOEXEC);
    pid_t child = -1;
    int r;

    memset(probe, 0, offsetof(struct hf_probe, answers));
    if (file >= 0 && pipe2(ends, O_CLOEXEC) == 0) {
        child = fork();
    }
    if (child == 0) {
        close(ends[0]);
        run_child(fn, arg, limits, probe, file);
    }
    if (child < 0) {
        r = hf_fail_errno(err, errno, "cannot start a process for a check");
    } else {
        close(ends[1]);
        ends[1] = -1;
        r = follow(child, ends[0], limits, probe, ret, err);
        read_output(file, output);
    }
    for (size_t i = 0; i < hf_countof(ends); i++) {
        if (ends[i] >= 0) {
            close(ends[i]);
        }
    }
    if (file >= 0) {
        close(file);
    }
    return r;
}
