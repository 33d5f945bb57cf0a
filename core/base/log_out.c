/*
 * log_out.c - lines on their way out; see log_out.h.
 *
 * Standard error may be shared with other processes, whose open file description it is too:
 * O_NONBLOCK would change it for all of them.  So a pipe or a terminal is opened once more
 * through /proc, which gives a description of our own; a socket is written to with
 * MSG_DONTWAIT; a file never has to wait for a reader.  What cannot be opened once more is
 * left to the thread, which may wait.
 */
#include "base/log_out.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/counters.h"
#include "base/crash.h"
#include "base/err.h"
#include "base/fault.h"
#include "base/macros.h"

/* Bytes of lines that wait for a slow reader. */
#define QUEUE_BYTES (256u << 10)

/* How long a dying process waits for a reader. */
#define EMERGENCY_MS 1000

HF_COUNTER(log_lines_dropped, "Lines of the log that nobody read in time, or that could not be "
                              "written.");

enum how { HOW_FILE, HOW_NONBLOCKING, HOW_SOCKET, HOW_WAITING };

/* Where lines go; known by what the descriptor was when we last looked. */
struct target {
    int fd;
    enum how how;
    dev_t dev;
    ino_t ino;
};

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static _Atomic int log_fd = STDERR_FILENO;
static int file_fd = -1;        /* of the file, once there was one; stays the same number */
static _Atomic int own_fd = -1; /* a pipe or terminal opened once more; the same */
static char *file_path;
static struct target target = { .fd = -1 };

/* The queue: a ring, lines with their newlines; of the first, what is left. */
static char *ring;
static size_t ring_start;
static size_t ring_used;
static bool has_thread;
static bool is_writing; /* the thread, without the mutex */
static pthread_cond_t work;
static pthread_cond_t written;

static uint64_t lost; /* lines that nobody has been told of */
static int lost_errno;
static bool is_failing; /* the last attempt of the thread */

/* --- where ---------------------------------------------------------------------------------- */

/* Opens what `fd` refers to once more, behind a number that stays, since the thread may be in the
 * middle of using it. */
static bool
open_once_more(int fd)
{
    char path[32];
    int again;
    int known = atomic_load(&own_fd);

    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    again = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY | O_APPEND);
    if (again < 0) {
        return false;
    }
    if (known < 0) {
        atomic_store(&own_fd, again);
        return true;
    }
    known = dup3(again, known, O_CLOEXEC);
    close(again);
    return known >= 0;
}

/* Finds out how to write to the present target.  Mutex held. */
static void
look(void)
{
    int fd = atomic_load(&log_fd);
    struct stat st;

    if (fstat(fd, &st) < 0) {
        target = (struct target){ .fd = fd, .how = HOW_FILE }; /* writing will say why not */
        return;
    }
    if (target.fd == fd && target.dev == st.st_dev && target.ino == st.st_ino) {
        return;
    }
    target = (struct target){ .fd = fd, .dev = st.st_dev, .ino = st.st_ino };
    if (S_ISREG(st.st_mode)) {
        target.how = HOW_FILE;
    } else if (S_ISSOCK(st.st_mode)) {
        target.how = HOW_SOCKET;
    } else {
        target.how = open_once_more(fd) ? HOW_NONBLOCKING : HOW_WAITING;
    }
}

/* --- writing -------------------------------------------------------------------------------- */

/* As much as goes without waiting, or -1 with errno, EAGAIN if nothing does. */
static ssize_t
write_some(const struct target *to, const char *data, size_t len)
{
    ssize_t n;

    if (hf_fault(HF_FAULT_LOG_WRITE)) {
        errno = EIO;
        return -1;
    }
    do {
        switch (to->how) {
        case HOW_SOCKET:
            n = send(to->fd, data, len, MSG_DONTWAIT | MSG_NOSIGNAL);
            break;
        case HOW_NONBLOCKING:
            n = write(atomic_load(&own_fd), data, len);
            break;
        default:
            n = write(to->fd, data, len);
            break;
        }
    } while (n < 0 && errno == EINTR);
    return n;
}

/* All of it, however long it takes; 0 or an errno.  The thread. */
static int
write_all(const struct target *to, const char *data, size_t len)
{
    while (len > 0) {
        ssize_t n = write_some(to, data, len);

        if (n >= 0) {
            data += n;
            len -= (size_t)n;
        } else if (errno == EAGAIN) {
            struct pollfd ready = { .events = POLLOUT };

            ready.fd = to->how == HOW_NONBLOCKING ? atomic_load(&own_fd) : to->fd;
            poll(&ready, 1, -1);
        } else {
            return errno;
        }
    }
    return 0;
}

/* Mutex held. */
static void
lose(uint64_t lines, int errnum)
{
    lost += lines;
    lost_errno = errnum;
}

/* --- the thread ----------------------------------------------------------------------------- */

/* Takes a copy of the first line of the queue, which stays there until it has been written. */
static void
copy_first(struct hf_log_line *ret)
{
    ret->len = 0;
    do {
        ret->data[ret->len] = ring[(ring_start + ret->len) % QUEUE_BYTES];
    } while (ret->data[ret->len++] != '\n' && ret->len < ring_used);
}

/* Writes the next line, or how many were lost.  Mutex held, but for the writing. */
static void
write_next(void)
{
    struct hf_log_line line;
    struct target to;
    bool queued = ring_used > 0;
    uint64_t lines = queued ? 1 : lost;
    int errnum;

    if (queued) {
        copy_first(&line);
    } else {
        hf_log_lost_line(&line, lost, lost_errno);
        lost = 0;
    }
    look();
    to = target;
    is_writing = true;
    pthread_mutex_unlock(&mutex);
    errnum = write_all(&to, line.data, line.len);
    if (errnum && queued) {
        hf_count(&log_lines_dropped);
    }
    pthread_mutex_lock(&mutex);
    is_writing = false;
    if (queued) {
        ring_start = (ring_start + line.len) % QUEUE_BYTES;
        ring_used -= line.len;
    }
    is_failing = errnum != 0;
    if (errnum) {
        lose(lines, errnum);
    }
    pthread_cond_broadcast(&written);
}

static void *
run_thread(void *arg)
{
    pthread_mutex_lock(&mutex);
    for (;;) {
        while (ring_used == 0 && (lost == 0 || is_failing)) {
            pthread_cond_wait(&work, &mutex);
        }
        write_next();
    }
    return arg;
}

/* Makes the queue and its thread, at the first time that they are needed.  Mutex held. */
static bool
start_thread(void)
{
    pthread_condattr_t monotonic;
    pthread_t id;

    if (has_thread) {
        return true;
    }
    ring = ring ? ring : malloc(QUEUE_BYTES);
    if (!ring) {
        return false;
    }
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&work, NULL);
    pthread_cond_init(&written, &monotonic);
    pthread_condattr_destroy(&monotonic);
    has_thread = hf_crash_thread_create(&id, run_thread, NULL) == 0;
    if (has_thread) {
        pthread_setname_np(id, "hf-log");
        pthread_detach(id); /* it lives as long as the process */
    }
    return has_thread;
}

/* Mutex held. */
static void
queue(const char *data, size_t len)
{
    if (!start_thread() || ring_used + len > QUEUE_BYTES) {
        lose(1, 0);
        hf_count(&log_lines_dropped);
        return;
    }
    for (size_t i = 0; i < len; i++) {
        ring[(ring_start + ring_used + i) % QUEUE_BYTES] = data[i];
    }
    ring_used += len;
    pthread_cond_signal(&work);
}

/* --- for log.c ------------------------------------------------------------------------------ */

/* Something could be written: now those can be counted that could not.  Mutex held. */
static void
tell_lost(void)
{
    struct hf_log_line line;

    hf_log_lost_line(&line, lost, lost_errno);
    if (write_some(&target, line.data, line.len) == (ssize_t)line.len) {
        lost = 0;
    }
}

void
hf_log_out_write(const struct hf_log_line *line)
{
    ssize_t n = 0;

    pthread_mutex_lock(&mutex);
    look();
    if (ring_used == 0 && !is_writing && target.how != HOW_WAITING) {
        n = write_some(&target, line->data, line->len);
    }
    if (n == (ssize_t)line->len) {
        if (lost > 0) {
            tell_lost();
        }
    } else if ((n < 0 && errno != EAGAIN) || (n > 0 && target.how == HOW_FILE)) {
        lose(1, n < 0 ? errno : ENOSPC);
        hf_count(&log_lines_dropped);
    } else {
        n = hf_max(n, (ssize_t)0);
        queue(line->data + n, line->len - (size_t)n);
    }
    pthread_mutex_unlock(&mutex);
}

void
hf_log_flush(uint64_t limit_ns)
{
    uint64_t until = hf_now() + limit_ns;
    struct timespec limit = { .tv_sec = (time_t)(until / HF_SEC),
                              .tv_nsec = (long)(until % HF_SEC) };
    int r = 0;

    pthread_mutex_lock(&mutex);
    while (has_thread && (ring_used > 0 || is_writing) && r == 0) {
        r = pthread_cond_timedwait(&written, &mutex, &limit);
    }
    pthread_mutex_unlock(&mutex);
}

static void
write_emergency(int fd, const char *text, size_t len)
{
    struct pollfd ready = { .fd = fd, .events = POLLOUT };
    ssize_t n;

    if (poll(&ready, 1, EMERGENCY_MS) > 0) {
        n = write(fd, text, len);
        (void)n; /* there is nobody left to be told */
    }
}

void
hf_log_emergency(const char *text, size_t len)
{
    int fd = atomic_load(&log_fd);

    write_emergency(STDERR_FILENO, text, len);
    if (fd != STDERR_FILENO) {
        write_emergency(fd, text, len);
    }
}

/* --- files ---------------------------------------------------------------------------------- */

/* Opens `path` behind `file_fd`, which stays the same number, so that a thread
 * in the middle of writing never meets a closed one.  Mutex held. */
static int
open_file(const char *path, struct hf_err *err)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0640);

    if (fd < 0) {
        return hf_fail_errno(err, errno, "cannot open log file '%s'", path);
    }
    if (file_fd < 0) {
        file_fd = fd;
        return 0;
    }
    if (dup3(fd, file_fd, O_CLOEXEC) < 0) {
        int errnum = errno;

        close(fd);
        return hf_fail_errno(err, errnum, "cannot switch to log file '%s'", path);
    }
    close(fd);
    return 0;
}

int
hf_log_open(const char *path, struct hf_err *err)
{
    hf_autofree char *copy = path ? strdup(path) : NULL;
    int r = 0;

    if (path && !copy) {
        return hf_fail(err, HF_ENOMEM, "no memory for the name of the log file");
    }
    pthread_mutex_lock(&mutex);
    if (path) {
        r = open_file(path, err);
    }
    if (r == 0) {
        atomic_store(&log_fd, path ? file_fd : STDERR_FILENO);
        free(file_path);
        file_path = hf_steal(copy);
    }
    pthread_mutex_unlock(&mutex);
    return r;
}

int
hf_log_reopen(struct hf_err *err)
{
    int r;

    pthread_mutex_lock(&mutex);
    r = file_path ? open_file(file_path, err) : 0;
    pthread_mutex_unlock(&mutex);
    return r;
}
