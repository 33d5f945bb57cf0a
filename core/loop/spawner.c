/*
 * spawner.c - our side of the supervisor: asks for processes, hears of their ends.
 *
 * Requests are answered on one socket, while whoever asks waits; ends come on another, which a
 * thread of its own reads, and go from there to the loop of each child's owner.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/err.h"
#include "base/fault.h"
#include "base/list.h"
#include "base/log.h"
#include "base/macros.h"
#include "loop/child_private.h"
#include "loop/thread.h"
#include "loop/watch.h"

HF_LOG_MODULE(spawner);

/* How long a start may take until the program is executed, and how long the end waits for the
 * supervisor to have killed what is left. */
#define ANSWER_LIMIT_MS 10000
#define END_LIMIT_MS    5000
#define END_ROUND_MS    1

struct hf_spawner {
    struct hf_thread *thread;
    pthread_mutex_t mutex; /* all below, and all children */
    pid_t pid;             /* of the supervisor; 0: there is none */
    int requests;          /* -1: there is no supervisor */
    int events;
    struct hf_watch watch; /* of `events`, on the thread */
    uint32_t number;
    struct hf_list children; /* struct hf_child, that have not ended */
};

struct hf_child {
    struct hf_task task; /* brings the end to the owner's loop */
    struct hf_list node;
    struct hf_spawner *spawner;
    struct hf_loop *loop;
    hf_child_exit_fn *fn; /* NULL: its owner has freed it */
    void *arg;
    pid_t pid;
    bool ended;
    bool told; /* its owner of the end */
    int code;
    int signal;
};

/* --- ends ----------------------------------------------------------------------------------- */

/* On the owner's loop. */
static void
deliver(struct hf_task *task)
{
    struct hf_child *child = hf_container_of(task, struct hf_child, task);

    child->told = true;
    if (child->fn) {
        child->fn(child->arg, child->code, child->signal);
    } else {
        free(child);
    }
}

/* Mutex held. */
static void
end_child(struct hf_child *child, int code, int signal)
{
    hf_list_remove(&child->node);
    child->ended = true;
    child->code = code;
    child->signal = signal;
    if (child->fn) {
        child->task.run = deliver;
        hf_loop_post(child->loop, &child->task);
    } else {
        free(child);
    }
}

static struct hf_child *
find_child(const struct hf_spawner *spawner, pid_t pid)
{
    struct hf_child *child;

    HF_LIST_FOR (child, &spawner->children, node) {
        if (child->pid == pid) {
            return child;
        }
    }
    return NULL;
}

static void
kill_any(void *arg, pid_t pid)
{
    (void)arg;
    kill(-pid, SIGKILL);
    kill(pid, SIGKILL);
}

/* The supervisor has been killed: its children were with it, by their death signal, and what
 * those had started came to us.  Mutex held; on the thread. */
static void
lose_supervisor(struct hf_spawner *spawner)
{
    hf_watch_fini(&spawner->watch);
    close(spawner->events);
    close(spawner->requests);
    waitpid(spawner->pid, NULL, 0);
    spawner->requests = -1;
    spawner->pid = 0;
    hf_supervisor_children(kill_any, NULL);
    hf_log(HF_LOG_ERROR, "the supervisor of processes was killed, and all of them with it");
    while (!hf_list_is_empty(&spawner->children)) {
        end_child(hf_list_first(&spawner->children, struct hf_child, node), -1, SIGKILL);
    }
}

static void
on_event(struct hf_watch *watch, uint32_t events)
{
    struct hf_spawner *spawner = hf_container_of(watch, struct hf_spawner, watch);
    struct hf_supervisor_event event;
    struct hf_child *child;
    ssize_t n;

    (void)events;
    pthread_mutex_lock(&spawner->mutex);
    n = recv(watch->fd, &event, sizeof event, MSG_DONTWAIT);
    if (n == sizeof event) {
        child = find_child(spawner, event.pid);
        if (child) {
            end_child(child, event.code, event.signal);
        }
    } else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
        lose_supervisor(spawner);
    }
    pthread_mutex_unlock(&spawner->mutex);
}

/* --- the supervisor ------------------------------------------------------------------------- */

static void
watch_events(void *arg)
{
    struct hf_spawner *spawner = arg;

    hf_watch_init(&spawner->watch, hf_thread_loop(spawner->thread), spawner->events, on_event);
    if (hf_watch_set(&spawner->watch, HF_READABLE) < 0) {
        hf_log(HF_LOG_ERROR, "no memory to hear of the ends of processes");
    }
}

static void
close_pair(const int fds[static 2])
{
    close(fds[0]);
    close(fds[1]);
}

/* Mutex held. */
static int
start_supervisor(struct hf_spawner *spawner, struct hf_err *err)
{
    int requests[2];
    int events[2];
    pid_t pid;

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, requests) < 0) {
        return hf_fail_errno(err, errno, "cannot make a supervisor of processes");
    }
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, events) < 0) {
        close_pair(requests);
        return hf_fail_errno(err, errno, "cannot make a supervisor of processes");
    }
    prctl(PR_SET_CHILD_SUBREAPER, 1); /* if it dies, what it had comes to us */
    pid = fork();
    if (pid == 0) {
        hf_supervisor_run(requests[1], events[1]);
    }
    if (pid < 0) {
        int error = errno;

        close_pair(requests);
        close_pair(events);
        return hf_fail_errno(err, error, "cannot make a supervisor of processes");
    }
    close(requests[1]);
    close(events[1]);
    spawner->pid = pid;
    spawner->requests = requests[0];
    spawner->events = events[0];
    hf_thread_do(spawner->thread, watch_events, spawner);
    return 0;
}

/* --- requests ------------------------------------------------------------------------------- */

/* A request as it is put together. */
struct packing {
    struct hf_supervisor_request head;
    char *data;
    size_t len;
    bool is_whole;
};

static void
pack(struct packing *packing, const void *data, size_t len)
{
    if (len > HF_SUPERVISOR_REQUEST_MAX - sizeof packing->head - packing->len) {
        packing->is_whole = false;
        return;
    }
    memcpy(packing->data + packing->len, data, len);
    packing->len += len;
}

static uint32_t
pack_words(struct packing *packing, const char *const *words)
{
    uint32_t n = 0;

    for (; words[n]; n++) {
        pack(packing, words[n], strlen(words[n]) + 1);
    }
    return n;
}

/* Sends the request, with the descriptor for output; 0 or an errno. */
static int
send_request(int socket, struct packing *packing, int output)
{
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control = { 0 };
    struct iovec parts[2] = { { &packing->head, sizeof packing->head },
                              { packing->data, packing->len } };
    struct msghdr message = { .msg_iov = parts, .msg_iovlen = packing->len > 0 ? 2 : 1 };
    ssize_t n;

    if (output >= 0) {
        message.msg_control = &control;
        message.msg_controllen = sizeof control;
        control.header.cmsg_level = SOL_SOCKET;
        control.header.cmsg_type = SCM_RIGHTS;
        control.header.cmsg_len = CMSG_LEN(sizeof output);
        memcpy(CMSG_DATA(&control.header), &output, sizeof output);
    }
    do {
        n = sendmsg(socket, &message, MSG_NOSIGNAL);
    } while (n < 0 && errno == EINTR);
    return n < 0 ? errno : 0;
}

/* Waits for the answer to a spawn; 0 and the process id, or an errno. */
static int
receive_answer(int socket, uint32_t number, pid_t *ret)
{
    struct pollfd wait = { .fd = socket, .events = POLLIN };
    struct hf_supervisor_event answer = { .kind = 0 };

    do {
        ssize_t n = poll(&wait, 1, ANSWER_LIMIT_MS);

        if (n == 0) {
            return ETIMEDOUT;
        }
        n = n < 0 ? n : recv(socket, &answer, sizeof answer, MSG_DONTWAIT);
        if (n == 0 || (n < 0 && errno != EINTR && errno != EAGAIN)) {
            return ECONNRESET; /* it was killed */
        }
    } while (answer.kind != HF_SUPERVISOR_STARTED || answer.number != number);
    *ret = answer.pid;
    return answer.error;
}

/* Mutex held.  0 and the process id, or an errno. */
static int
ask(struct hf_spawner *spawner, const struct hf_child_spec *spec, pid_t *ret)
{
    struct packing packing = {
        .head = { .kind = HF_SUPERVISOR_SPAWN, .number = ++spawner->number, .spec = *spec },
        .data = malloc(HF_SUPERVISOR_REQUEST_MAX),
        .is_whole = true
    };
    int error = ENOMEM;

    if (packing.data) {
        if (spec->processors) {
            pack(&packing, spec->processors, spec->processor_words * sizeof *spec->processors);
        }
        pack(&packing, spec->path, strlen(spec->path) + 1);
        pack(&packing, spec->directory ? spec->directory : "",
             spec->directory ? strlen(spec->directory) + 1 : 1);
        packing.head.argument_count = pack_words(&packing, spec->argv);
        packing.head.variable_count = pack_words(&packing, spec->envp);
        error = packing.is_whole ? send_request(spawner->requests, &packing, spec->output) : E2BIG;
    }
    free(packing.data);
    return error ? error : receive_answer(spawner->requests, packing.head.number, ret);
}

/* Mutex held. */
static void
send_signal(struct hf_spawner *spawner, pid_t pid, int signal)
{
    struct packing packing = {
        .head = { .kind = HF_SUPERVISOR_SIGNAL, .pid = pid, .signal = signal },
    };

    send_request(spawner->requests, &packing, -1); /* if it is gone, so is the child */
}

/* --- children ------------------------------------------------------------------------------- */

int
hf_child_spawn(struct hf_spawner *spawner, struct hf_loop *loop, const struct hf_child_spec *spec,
               hf_child_exit_fn *fn, void *arg, struct hf_child **ret, struct hf_err *err)
{
    struct hf_child *child = calloc(1, sizeof *child);
    int error = 0;
    int r = 0;

    if (!child) {
        return hf_fail(err, HF_ENOMEM, "cannot start %s: out of memory", spec->path);
    }
    *child = (struct hf_child){ .spawner = spawner, .loop = loop, .fn = fn, .arg = arg };
    pthread_mutex_lock(&spawner->mutex);
    if (spawner->requests < 0) {
        r = start_supervisor(spawner, err);
    }
    if (r == 0) {
        error = hf_fault(HF_FAULT_SPAWN) ? EAGAIN : ask(spawner, spec, &child->pid);
        r = error ? hf_fail_errno(err, error, "cannot start %s", spec->path) : 0;
    }
    if (r == 0) {
        hf_list_append(&spawner->children, &child->node);
        *ret = child;
    } else {
        free(child);
    }
    pthread_mutex_unlock(&spawner->mutex);
    return r;
}

pid_t
hf_child_pid(const struct hf_child *child)
{
    return child->pid;
}

int
hf_child_signal(struct hf_child *child, int signal)
{
    struct hf_spawner *spawner = child->spawner;
    bool ended;

    pthread_mutex_lock(&spawner->mutex);
    ended = child->ended;
    if (!ended) {
        send_signal(spawner, child->pid, signal);
    }
    pthread_mutex_unlock(&spawner->mutex);
    return ended ? HF_ENOTFOUND : 0;
}

void
hf_child_free(struct hf_child *child)
{
    struct hf_spawner *spawner;

    if (!child) {
        return;
    }
    if (child->told) {
        free(child);
        return;
    }
    spawner = child->spawner;
    pthread_mutex_lock(&spawner->mutex);
    child->fn = NULL; /* `deliver` frees it, or `end_child` */
    if (!child->ended) {
        send_signal(spawner, child->pid, SIGKILL);
    }
    pthread_mutex_unlock(&spawner->mutex);
}

/* --- life ----------------------------------------------------------------------------------- */

int
hf_spawner_new(struct hf_spawner **ret, struct hf_err *err)
{
    struct hf_spawner *spawner = calloc(1, sizeof *spawner);
    int r;

    if (!spawner) {
        return hf_fail(err, HF_ENOMEM, "spawner: out of memory");
    }
    hf_list_init(&spawner->children);
    pthread_mutex_init(&spawner->mutex, NULL);
    spawner->requests = -1;
    r = hf_thread_new("hf-spawner", &spawner->thread, err);
    if (r < 0) {
        pthread_mutex_destroy(&spawner->mutex);
        free(spawner);
        return r;
    }
    *ret = spawner;
    return 0;
}

void
hf_spawner_reap(struct hf_spawner *spawner)
{
    siginfo_t info = { .si_pid = 0 };
    pid_t supervisor;

    pthread_mutex_lock(&spawner->mutex);
    supervisor = spawner->pid;
    while (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid > 0 &&
           info.si_pid != supervisor) { /* whose end its socket tells */
        waitid(P_PID, (id_t)info.si_pid, &info, WEXITED | WNOHANG);
        info.si_pid = 0;
    }
    pthread_mutex_unlock(&spawner->mutex);
}

/* The supervisor kills what is left when it sees that we have gone. */
static void
end_supervisor(struct hf_spawner *spawner)
{
    pid_t ended = 0;

    hf_watch_fini(&spawner->watch);
    close(spawner->requests);
    close(spawner->events);
    for (int waited = 0; ended == 0 && waited < END_LIMIT_MS; waited += END_ROUND_MS) {
        ended = waitpid(spawner->pid, NULL, WNOHANG);
        if (ended == 0) {
            poll(NULL, 0, END_ROUND_MS);
        }
    }
    if (ended == 0) {
        hf_log(HF_LOG_ERROR, "processes cannot be killed; leaving them to their supervisor",
               HF_KV_I64("supervisor", spawner->pid));
    }
}

void
hf_spawner_free(struct hf_spawner *spawner)
{
    if (!spawner) {
        return;
    }
    hf_thread_join(spawner->thread);
    if (spawner->requests >= 0) {
        end_supervisor(spawner);
    }
    while (!hf_list_is_empty(&spawner->children)) {
        struct hf_child *child = hf_list_first(&spawner->children, struct hf_child, node);

        hf_assert(!child->fn); /* its owner should have freed it */
        hf_list_remove(&child->node);
        free(child);
    }
    hf_thread_free(spawner->thread);
    pthread_mutex_destroy(&spawner->mutex);
    free(spawner);
}
