/*
 * io.c - the thread that does the waiting, and the queues to and from it.
 */
#include "io.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include <hyperfaas/error.h>
#include <hyperfaas/store.h>

#include "announce.h"
#include "follow.h"

enum {
    NOTICES_MAX = 1024, /* the thread waits for the loop above this */
    JOBS_MAX = 128      /* watches and announcements at a time */
};

struct io {
    const struct place *place;
    pthread_t thread;
    int wake_fd;   /* to the thread */
    int notice_fd; /* to the loop */

    pthread_mutex_t lock;
    pthread_cond_t room;
    struct request *first_request, **last_request;
    struct notice *first_notice, **last_notice;
    size_t n_notices;
    bool announced;   /* notice_fd is readable */
    atomic_bool stop; /* set under `lock`, read anywhere */

    /* The thread's own. */
    struct job *jobs[JOBS_MAX];
    size_t n_jobs;
};

/* --- notices ------------------------------------------------------------------ */

void
notice_free(struct notice *notice)
{
    if (notice->kind != NOTICE_END) {
        free(notice->data);
        free(notice);
    }
}

/* Wakes the loop if there are notices that it does not know of.  Once for a
 * batch: a scan gives one for each file.  Call with the lock held. */
static void
announce(struct io *io)
{
    static const uint64_t one = 1;

    if (io->n_notices > 0 && !io->announced) {
        io->announced = true;
        (void)!write(io->notice_fd, &one, sizeof one);
    }
}

/* Appends a notice; waits for room unless it ends a request. */
static void
queue_notice(struct io *io, struct notice *notice)
{
    notice->next = NULL;
    pthread_mutex_lock(&io->lock);
    while (io->n_notices >= NOTICES_MAX && notice->kind != NOTICE_END && !atomic_load(&io->stop)) {
        announce(io);
        pthread_cond_wait(&io->room, &io->lock);
    }
    *io->last_notice = notice;
    io->last_notice = &notice->next;
    io->n_notices++;
    if (notice->kind == NOTICE_END) {
        announce(io);
    }
    pthread_mutex_unlock(&io->lock);
}

/* A new notice, not queued yet; NULL if memory is exhausted. */
static struct notice *
notice_new(struct request *request, enum notice_kind kind, const char *id, const char *message)
{
    size_t id_size = strlen(id) + 1, message_size = strlen(message) + 1;
    struct notice *notice = malloc(sizeof *notice + id_size + message_size);

    if (notice) {
        char *text = (char *)(notice + 1);

        *notice = (struct notice){ .request = request, .kind = kind };
        notice->id = memcpy(text, id, id_size);
        notice->message = memcpy(text + id_size, message, message_size);
    }
    return notice;
}

bool
io_tell(struct io *io, struct request *request, enum notice_kind kind, const char *id,
        struct document *document, const char *message)
{
    struct notice *notice = notice_new(request, kind, id, message);

    if (!notice) {
        return false;
    }
    if (document) {
        notice->revision = document->revision;
        notice->data = document->data;
        notice->len = document->len;
    }
    queue_notice(io, notice);
    return true;
}

bool
io_tell_announced(struct io *io, struct request *request, int code, uint64_t revision,
                  const char *message)
{
    struct notice *notice = notice_new(request, code < 0 ? NOTICE_UNANNOUNCED : NOTICE_ANNOUNCED,
                                       request->change.id, message);

    if (!notice) {
        return false;
    }
    notice->code = code;
    notice->revision = revision;
    queue_notice(io, notice);
    return true;
}

struct notice *
io_take(struct io *io)
{
    struct notice *notice;
    uint64_t count;

    pthread_mutex_lock(&io->lock);
    notice = io->first_notice;
    if (notice) {
        io->first_notice = notice->next;
        if (!io->first_notice) {
            io->last_notice = &io->first_notice;
        }
        if (--io->n_notices == 0 && io->announced) {
            io->announced = false;
            (void)!read(io->notice_fd, &count, sizeof count);
        }
        if (io->n_notices == NOTICES_MAX / 2) {
            pthread_cond_signal(&io->room);
        }
    }
    pthread_mutex_unlock(&io->lock);
    return notice;
}

int
io_fd(const struct io *io)
{
    return io->notice_fd;
}

/* --- requests ----------------------------------------------------------------- */

void
io_wake(struct io *io)
{
    static const uint64_t one = 1;

    (void)!write(io->wake_fd, &one, sizeof one);
}

void
io_submit(struct io *io, struct request *request)
{
    request->next = NULL;
    pthread_mutex_lock(&io->lock);
    *io->last_request = request;
    io->last_request = &request->next;
    pthread_mutex_unlock(&io->lock);
    io_wake(io);
}

static struct request *
next_request(struct io *io)
{
    struct request *request;

    pthread_mutex_lock(&io->lock);
    request = io->first_request;
    if (request) {
        io->first_request = request->next;
        if (!io->first_request) {
            io->last_request = &io->first_request;
        }
    }
    pthread_mutex_unlock(&io->lock);
    return request;
}

static void
end_request(struct io *io, struct request *request, int code)
{
    request->code = code;
    request->end = (struct notice){ .request = request, .kind = NOTICE_END };
    queue_notice(io, &request->end);
}

/* The next of those who follow a space, from `*i` on; NULL: no more. */
static struct follower *
next_follower(const struct io *io, uint32_t space, size_t *i)
{
    while (*i < io->n_jobs) {
        struct job *job = io->jobs[(*i)++];

        if (job->request->kind == REQUEST_WATCH && job->request->change.space == space) {
            return (struct follower *)job;
        }
    }
    return NULL;
}

/* What was read or written is reported to those who follow it, before the answer: so both speak of
 * one revision, and in the right order. */
static void
tell_followers(struct io *io, const struct request *request, const char *name,
               struct document *document)
{
    uint32_t space = request->change.space;
    struct follower *follower;

    for (size_t i = 0; space != HF_STORE_NODES && (follower = next_follower(io, space, &i));) {
        look_found(follower, name, document);
    }
}

static int
read_document(struct io *io, struct request *request)
{
    const struct change *change = &request->change;
    char name[NAME_SIZE];
    int folder, r;

    folder = folder_open(io->place, change->space, true, request->message);
    if (folder < 0) {
        return folder;
    }
    name_from_id(change->id, name);
    r = document_read(io->place->host, folder, name, &request->document, request->message);
    close(folder);
    if (r == 0) {
        tell_followers(io, request, name, &request->document);
    }
    return r;
}

static int
write_document(struct io *io, struct request *request)
{
    struct change *change = &request->change;
    struct document written = { 0 };
    struct follower *follower;
    char name[NAME_SIZE];
    int r = document_check(io->place->host, change->data, change->len, request->message);

    if (r < 0) {
        return r;
    }
    name_from_id(change->id, name);
    for (size_t i = 0; (follower = next_follower(io, change->space, &i));) {
        change->revision = look_revision(follower, name, change->revision);
    }
    r = folder_write(io->place, change, &written, request->message);
    if (r == 0) {
        written.data = (char *)(uintptr_t)change->data; /* only read */
        tell_followers(io, request, name, &written);
        request->document.revision = written.revision;
    }
    return r;
}

/* Begins a watch or an announcement; it ends when it is abandoned. */
static void
begin_job(struct io *io, struct request *request)
{
    static const char why[] = "too many watches and announcements, or out of memory";
    struct job *job = NULL;

    if (io->n_jobs < JOBS_MAX) {
        job = request->kind == REQUEST_WATCH ? follower_new(io, io->place, request)
                                             : announcer_new(io, io->place, request);
    }
    if (job) {
        io->jobs[io->n_jobs++] = job;
        return;
    }
    if (request->kind == REQUEST_WATCH) {
        io_tell(io, request, NOTICE_LOST, "", NULL, why);
    } else {
        io_tell_announced(io, request, HF_ENOMEM, 0, why);
    }
    end_request(io, request, HF_ENOMEM);
}

static void
serve_request(struct io *io, struct request *request)
{
    struct change *change = &request->change;
    int r;

    if (atomic_load(&request->abandoned)) {
        end_request(io, request, HF_ECANCELLED);
        return;
    }
    switch (request->kind) {
    case REQUEST_GET:
        r = read_document(io, request);
        break;
    case REQUEST_PUT:
        r = write_document(io, request);
        break;
    case REQUEST_REMOVE:
        r = folder_remove(io->place, change, request->message);
        break;
    case REQUEST_WATCH:
    case REQUEST_ANNOUNCE:
    default:
        begin_job(io, request);
        return;
    }
    end_request(io, request, r);
}

/* --- the thread --------------------------------------------------------------- */

uint64_t
monotonic_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* Ends the jobs that were abandoned. */
static void
sweep(struct io *io)
{
    size_t kept = 0;

    for (size_t i = 0; i < io->n_jobs; i++) {
        struct job *job = io->jobs[i];
        struct request *request = job->request;

        if (atomic_load(&request->abandoned)) {
            job->ops->free(job);
            end_request(io, request, 0);
        } else {
            io->jobs[kept++] = job;
        }
    }
    io->n_jobs = kept;
}

/* Waits until there is something to do: a request, a change, or what jobs want to look at again. */
static void
wait_for_work(struct io *io)
{
    struct pollfd fds[JOBS_MAX + 1] = { { .fd = io->wake_fd, .events = POLLIN } };
    int timeout = -1;
    uint64_t count;

    pthread_mutex_lock(&io->lock);
    announce(io);
    pthread_mutex_unlock(&io->lock);
    for (size_t i = 0; i < io->n_jobs; i++) {
        int ms = io->jobs[i]->ops->wait_ms(io->jobs[i]);

        fds[i + 1] = (struct pollfd){ .fd = io->jobs[i]->fd, .events = POLLIN };
        timeout = timeout < 0 || ms < timeout ? ms : timeout;
    }
    if (poll(fds, io->n_jobs + 1, timeout) > 0 && fds[0].revents) {
        (void)!read(io->wake_fd, &count, sizeof count);
    }
}

static void *
run(void *arg)
{
    struct io *io = arg;

    while (!atomic_load(&io->stop)) {
        struct request *request;

        wait_for_work(io);
        while (!atomic_load(&io->stop) && (request = next_request(io))) {
            serve_request(io, request);
        }
        sweep(io);
        for (size_t i = 0; i < io->n_jobs && !atomic_load(&io->stop); i++) {
            io->jobs[i]->ops->step(io->jobs[i]);
        }
    }
    for (size_t i = 0; i < io->n_jobs; i++) {
        io->jobs[i]->ops->free(io->jobs[i]);
    }
    return NULL;
}

/* Starts the thread with all signals blocked: they are the program's affair. */
static int
start_thread(struct io *io)
{
    sigset_t all, before;
    int r;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    r = pthread_create(&io->thread, NULL, run, io);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return r;
}

int
io_new(const struct place *place, struct io **ret)
{
    struct io *io = calloc(1, sizeof *io);
    int r = ENOMEM;

    if (!io) {
        errno = r;
        return -1;
    }
    io->place = place;
    io->last_request = &io->first_request;
    io->last_notice = &io->first_notice;
    pthread_mutex_init(&io->lock, NULL);
    pthread_cond_init(&io->room, NULL);
    io->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    io->notice_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (io->wake_fd < 0 || io->notice_fd < 0) {
        r = errno;
    } else {
        r = start_thread(io);
    }
    if (r == 0) {
        *ret = io;
        return 0;
    }
    if (io->wake_fd >= 0) {
        close(io->wake_fd);
    }
    if (io->notice_fd >= 0) {
        close(io->notice_fd);
    }
    free(io);
    errno = r;
    return -1;
}

void
io_free(struct io *io)
{
    struct notice *notice;

    if (!io) {
        return;
    }
    pthread_mutex_lock(&io->lock);
    atomic_store(&io->stop, true);
    pthread_cond_signal(&io->room);
    pthread_mutex_unlock(&io->lock);
    io_wake(io);
    pthread_join(io->thread, NULL);
    while ((notice = io_take(io))) {
        notice_free(notice);
    }
    pthread_cond_destroy(&io->room);
    pthread_mutex_destroy(&io->lock);
    close(io->wake_fd);
    close(io->notice_fd);
    free(io);
}
