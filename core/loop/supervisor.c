/*
 * supervisor.c - the process that is the parent of all children, and outlives us by a moment.
 *
 * Nothing that a child starts can hide from it: it is a subreaper (prctl(2)), so whoever loses its
 * parent becomes its child, whatever sessions were made meanwhile.  When we are gone, however that
 * happened, the socket to us is closed, and it kills its children until it has none.  While we live
 * it kills, whenever a child has ended, the group of that child and those of its own children that
 * belong to no session of a child that lives.
 *
 * It is forked from a process with many threads and does not execute anything: it only makes
 * system calls, and allocates with mmap.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/macros.h"
#include "loop/child_private.h"

/* How long it tries to get rid of what is left at the end, and how often it looks. */
#define END_ROUNDS   1000
#define END_ROUND_MS 10

#define WORDS_MAX 4096 /* arguments and variables of a program */

struct supervisor {
    int requests;
    int events;
    int null_fd;
    pid_t *pids; /* of children that were asked for and have not been reaped */
    size_t count;
    size_t room;
    union {
        struct hf_supervisor_request request;
        char bytes[HF_SUPERVISOR_REQUEST_MAX];
    } in;
    const char *words[WORDS_MAX + 2];
};

/* --- who is there --------------------------------------------------------------------------- */

static size_t
find(const struct supervisor *s, pid_t pid)
{
    size_t i = 0;

    while (i < s->count && s->pids[i] != pid) {
        i++;
    }
    return i;
}

static bool
is_ours(const struct supervisor *s, pid_t pid)
{
    return find(s, pid) < s->count;
}

/* Makes room for one more; false: no memory. */
static bool
make_room(struct supervisor *s)
{
    size_t room = s->room ? 2 * s->room : 1024;
    void *more;

    if (s->count < s->room) {
        return true;
    }
    more = s->pids
               ? mremap(s->pids, s->room * sizeof *s->pids, room * sizeof *s->pids, MREMAP_MAYMOVE)
               : mmap(NULL, room * sizeof *s->pids, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (more == MAP_FAILED) {
        return false;
    }
    s->pids = more;
    s->room = room;
    return true;
}

int
hf_supervisor_children(void (*fn)(void *arg, pid_t pid), void *arg)
{
    char path[64];
    char buffer[4096];
    ssize_t n;
    pid_t pid = 0;
    int fd;

    snprintf(path, sizeof path, "/proc/self/task/%d/children", (int)getpid());
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return -1;
    }
    while ((n = read(fd, buffer, sizeof buffer)) > 0) {
        for (ssize_t i = 0; i < n; i++) {
            if (buffer[i] >= '0' && buffer[i] <= '9') {
                pid = pid * 10 + (buffer[i] - '0');
            } else if (pid > 0) {
                fn(arg, pid);
                pid = 0;
            }
        }
    }
    close(fd);
    if (pid > 0) {
        fn(arg, pid);
    }
    return 0;
}

/* --- killing -------------------------------------------------------------------------------- */

static void
kill_all_of(pid_t pid)
{
    if (getpgid(pid) == pid) {
        kill(-pid, SIGKILL);
    }
    kill(pid, SIGKILL);
}

/* A child of ours that nobody asked for has lost its parent: it goes, unless it belongs to the
 * session of a child that lives. */
static void
kill_stray(void *arg, pid_t pid)
{
    const struct supervisor *s = arg;

    if (!is_ours(s, pid) && !is_ours(s, getsid(pid))) {
        kill_all_of(pid);
    }
}

static void
kill_any(void *arg, pid_t pid)
{
    (void)arg;
    kill_all_of(pid);
}

/* --- ends ----------------------------------------------------------------------------------- */

static void
tell(int fd, const struct hf_supervisor_event *event)
{
    while (send(fd, event, sizeof *event, MSG_NOSIGNAL) < 0 && errno == EINTR) {
    }
}

static void
tell_end(const struct supervisor *s, const siginfo_t *info)
{
    bool exited = info->si_code == CLD_EXITED;
    const struct hf_supervisor_event event = {
        .kind = HF_SUPERVISOR_ENDED,
        .pid = info->si_pid,
        .code = exited ? info->si_status : -1,
        .signal = exited ? 0 : info->si_status,
    };

    tell(s->events, &event);
}

/* Takes the status of all that have ended. */
static void
reap(struct supervisor *s)
{
    siginfo_t info = { .si_pid = 0 };
    bool any = false;

    while (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid > 0) {
        size_t i = find(s, info.si_pid);

        if (i < s->count) {
            kill(-info.si_pid, SIGKILL); /* before its number can be used again */
            s->pids[i] = s->pids[--s->count];
            tell_end(s, &info);
        }
        any = true;
        waitid(P_PID, (id_t)info.si_pid, &info, WEXITED | WNOHANG);
        info.si_pid = 0;
    }
    if (any) {
        hf_supervisor_children(kill_stray, s);
    }
}

/* We are gone: so is everything else. */
static _Noreturn void
end(struct supervisor *s)
{
    for (int i = 0; i < END_ROUNDS; i++) {
        if (hf_supervisor_children(kill_any, NULL) < 0) {
            for (size_t j = 0; j < s->count; j++) {
                kill_all_of(s->pids[j]);
            }
        }
        while (waitpid(-1, NULL, WNOHANG) > 0) {
        }
        if (waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD) {
            break;
        }
        poll(NULL, 0, END_ROUND_MS);
    }
    _exit(0);
}

/* --- requests ------------------------------------------------------------------------------- */

/* The next text of a request, NULL behind its end. */
static const char *
next_text(const char **at, const char *end_of_request)
{
    const char *text = *at;
    const char *nul =
        text < end_of_request ? memchr(text, 0, (size_t)(end_of_request - text)) : NULL;

    *at = nul ? nul + 1 : end_of_request;
    return nul ? text : NULL;
}

/* Makes the pointers of the request's `spec` valid here; false: it is not whole. */
static bool
unpack(struct supervisor *s, size_t len)
{
    struct hf_supervisor_request *request = &s->in.request;
    struct hf_child_spec *spec = &request->spec;
    size_t processor_bytes =
        spec->processors ? spec->processor_words * sizeof *spec->processors : 0;
    const char *at = s->in.bytes + sizeof *request;
    const char *end_of_request = s->in.bytes + len;
    size_t n = 0;

    if (processor_bytes > (size_t)(end_of_request - at) ||
        request->argument_count + request->variable_count > WORDS_MAX) {
        return false;
    }
    spec->processors = processor_bytes ? (const uint64_t *)(const void *)at : NULL;
    at += processor_bytes;
    spec->path = next_text(&at, end_of_request);
    spec->directory = next_text(&at, end_of_request);
    spec->argv = s->words;
    for (uint32_t i = 0; i < request->argument_count; i++) {
        s->words[n++] = next_text(&at, end_of_request);
    }
    s->words[n++] = NULL;
    spec->envp = s->words + n;
    for (uint32_t i = 0; i < request->variable_count; i++) {
        s->words[n++] = next_text(&at, end_of_request);
    }
    s->words[n] = NULL;
    if (spec->directory && !*spec->directory) {
        spec->directory = NULL;
    }
    return spec->path != NULL;
}

static void
spawn(struct supervisor *s, size_t len, int output)
{
    struct hf_supervisor_request *request = &s->in.request;
    struct hf_supervisor_event answer = { .kind = HF_SUPERVISOR_STARTED,
                                          .number = request->number };

    request->spec.output = output;
    if (!unpack(s, len)) {
        answer.error = E2BIG;
    } else if (!make_room(s)) {
        answer.error = ENOMEM;
    } else {
        answer.error = hf_child_fork(&request->spec, s->null_fd, &answer.pid);
        if (answer.error == 0) {
            s->pids[s->count++] = answer.pid;
        }
    }
    tell(s->requests, &answer);
}

/* The descriptor that came with a message, or -1. */
static int
descriptor_of(struct msghdr *message)
{
    struct cmsghdr *control = CMSG_FIRSTHDR(message);
    int fd = -1;

    if (control && control->cmsg_level == SOL_SOCKET && control->cmsg_type == SCM_RIGHTS) {
        memcpy(&fd, CMSG_DATA(control), sizeof fd);
    }
    return fd;
}

/* Does what is asked next. */
static void
serve(struct supervisor *s)
{
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control;
    struct iovec part = { .iov_base = s->in.bytes, .iov_len = sizeof s->in.bytes };
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control
    };
    ssize_t n = recvmsg(s->requests, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
    int output;

    if (n == 0 || (n < 0 && errno != EINTR && errno != EAGAIN)) {
        end(s);
    }
    if (n < (ssize_t)sizeof s->in.request) {
        return;
    }
    output = descriptor_of(&message);
    if (s->in.request.kind == HF_SUPERVISOR_SPAWN) {
        spawn(s, (size_t)n, output);
    } else if (is_ours(s, s->in.request.pid)) {
        kill(-s->in.request.pid, s->in.request.signal);
    }
    if (output >= 0) {
        close(output);
    }
}

/* --- life ----------------------------------------------------------------------------------- */

static void
on_child(int signal)
{
    (void)signal; /* ends the wait */
}

/* Only the end of our socket ends it, or SIGKILL. */
static void
set_signals(sigset_t *ret_while_waiting)
{
    static const int ignored[] = { SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGPIPE, SIGUSR1, SIGUSR2 };
    struct sigaction action = { .sa_handler = SIG_DFL };
    sigset_t blocked;

    for (int i = 1; i < NSIG; i++) {
        sigaction(i, &action, NULL); /* fails for those that cannot be caught */
    }
    action.sa_handler = SIG_IGN;
    for (size_t i = 0; i < hf_countof(ignored); i++) {
        sigaction(ignored[i], &action, NULL);
    }
    action.sa_handler = on_child;
    sigaction(SIGCHLD, &action, NULL);
    sigemptyset(ret_while_waiting);
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGCHLD);
    sigprocmask(SIG_SETMASK, &blocked, NULL);
}

/* Closes everything from `first` on.  Where close_range(2) is denied, one by one. */
static void
close_from(unsigned int first)
{
    struct rlimit limit = { .rlim_cur = 0 };

    if (syscall(SYS_close_range, first, ~0U, 0) == 0) {
        return;
    }
    getrlimit(RLIMIT_NOFILE, &limit);
    for (unsigned int fd = first; fd < limit.rlim_cur; fd++) {
        close((int)fd);
    }
}

/* Keeps the two sockets and /dev/null, under numbers of its own, and nothing else of ours. */
static void
keep_descriptors(struct supervisor *s, int requests, int events)
{
    enum { REQUESTS = 3, EVENTS, NULL_FD, FIRST_OTHER };
    int high_requests = fcntl(requests, F_DUPFD_CLOEXEC, FIRST_OTHER);
    int high_events = fcntl(events, F_DUPFD_CLOEXEC, FIRST_OTHER);
    int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);

    if (high_requests < 0 || high_events < 0 || null_fd < 0) {
        _exit(1);
    }
    null_fd = fcntl(null_fd, F_DUPFD_CLOEXEC, FIRST_OTHER);
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        dup2(null_fd, fd);
    }
    dup3(high_requests, REQUESTS, O_CLOEXEC);
    dup3(high_events, EVENTS, O_CLOEXEC);
    dup3(null_fd, NULL_FD, O_CLOEXEC);
    close_from(FIRST_OTHER);
    s->requests = REQUESTS;
    s->events = EVENTS;
    s->null_fd = NULL_FD;
}

void
hf_supervisor_run(int requests, int events)
{
    static struct supervisor s;
    sigset_t while_waiting;

    set_signals(&while_waiting);
    setsid();
    prctl(PR_SET_NAME, "hf-supervisor");
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    keep_descriptors(&s, requests, events);
    for (;;) {
        struct pollfd wait = { .fd = s.requests, .events = POLLIN };

        if (ppoll(&wait, 1, NULL, &while_waiting) > 0) {
            serve(&s);
        }
        reap(&s);
    }
}
