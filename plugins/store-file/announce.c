/*
 * announce.c - announces documents, and tells who has died.
 */
#include "announce.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <hyperfaas/error.h>
#include <hyperfaas/store.h>

static const char lock_suffix[] = ".alive";

struct announcer {
    struct job job; /* first */
    struct place place;
    int lock;      /* our lock's file; -1: not announced */
    bool reported; /* the loop has heard of `code` */
    int code;
    uint64_t next_ns; /* when to look again, monotonic */
};

/* --- locks -------------------------------------------------------------------- */

/* The file of a document's lock; false if its name would be too long. */
static bool
lock_name(const char *document, char ret[NAME_SIZE])
{
    int n = snprintf(ret, NAME_SIZE, ".%s%s", document, lock_suffix);

    return n > 0 && n < NAME_SIZE;
}

bool
announce_is_lock(const char *name, char document[NAME_SIZE])
{
    size_t len = strlen(name);
    size_t around = sizeof lock_suffix; /* the dot in front, the suffix behind */

    if (len <= around || name[0] != '.' || strcmp(name + len - around + 1, lock_suffix) != 0) {
        return false;
    }
    snprintf(document, NAME_SIZE, "%.*s", (int)(len - around), name + 1);
    return true;
}

bool
announce_is_over(int folder, const char *name)
{
    struct flock holder = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
    char lock[NAME_SIZE];
    bool over;
    int fd;

    if (!lock_name(name, lock)) {
        return false;
    }
    fd = openat(folder, lock, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
    if (fd < 0) {
        return false;
    }
    over = fcntl(fd, F_OFD_GETLK, &holder) == 0 && holder.l_type == F_UNLCK;
    close(fd);
    return over;
}

void
announce_clear(int folder, const char *name)
{
    char lock[NAME_SIZE], message[MESSAGE_SIZE];
    int held = folder_lock(folder, NULL, message);

    if (held < 0) {
        return; /* the next one who meets it will */
    }
    if (announce_is_over(folder, name) && lock_name(name, lock)) {
        unlinkat(folder, name, 0);
        unlinkat(folder, lock, 0);
    }
    close(held);
}

/* --- announcing --------------------------------------------------------------- */

/* Takes the lock of the document: the open file, or an error. */
static int
take_lock(int folder, const char *name, char message[MESSAGE_SIZE])
{
    struct flock mine = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
    char lock[NAME_SIZE];
    int fd;

    if (!lock_name(name, lock)) {
        snprintf(message, MESSAGE_SIZE, "the id is too long to be announced");
        return HF_EINVALID;
    }
    fd = openat(folder, lock, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
    if (fd < 0) {
        snprintf(message, MESSAGE_SIZE, "cannot open %.240s: %s", lock, strerror(errno));
        return HF_EIO;
    }
    if (fcntl(fd, F_OFD_SETLK, &mine) != 0) {
        bool taken = errno == EAGAIN || errno == EACCES;

        snprintf(message, MESSAGE_SIZE, "%s",
                 taken ? "another process that lives announces the same id" : strerror(errno));
        close(fd);
        return taken ? HF_EEXISTS : HF_EIO;
    }
    return fd;
}

/* Takes the lock, unless it is ours, and writes the document. */
static int
establish(struct announcer *a, int folder, uint64_t *ret_revision, char message[MESSAGE_SIZE])
{
    const struct change *change = &a->job.request->change;
    struct document written = { 0 };
    char name[NAME_SIZE];
    int held = folder_lock(folder, change->abandoned, message);
    int r;

    if (held < 0) {
        return held;
    }
    name_from_id(change->id, name);
    if (a->lock >= 0) { /* its file or its document was removed */
        close(a->lock);
    }
    a->lock = take_lock(folder, name, message);
    r = a->lock;
    if (r >= 0) {
        r = folder_write_locked(&a->place, folder, change, &written, message);
        *ret_revision = written.revision;
    }
    close(held);
    return r;
}

/* Whether lock and document are as we left them. */
static bool
stands(const struct announcer *a, int folder, uint64_t *ret_revision)
{
    const struct change *change = &a->job.request->change;
    char name[NAME_SIZE], lock[NAME_SIZE], message[MESSAGE_SIZE];
    struct document found = { 0 };
    struct stat ours, there;
    bool same;

    name_from_id(change->id, name);
    if (a->lock < 0 || !lock_name(name, lock) || fstat(a->lock, &ours) != 0 ||
        fstatat(folder, lock, &there, 0) != 0 || ours.st_ino != there.st_ino) {
        return false;
    }
    same = document_read(a->place.host, folder, name, &found, message) == 0 &&
           found.len == change->len && memcmp(found.data, change->data, found.len) == 0;
    free(found.data);
    *ret_revision = found.revision;
    return same;
}

/* Tells the loop how it stands, if that is news. */
static void
tell(struct announcer *a, int code, uint64_t revision, const char *message)
{
    if (!a->reported || a->code != code) {
        a->reported = io_tell_announced(a->job.io, a->job.request, code, revision, message);
        a->code = code;
    }
}

static void
look_after(struct announcer *a)
{
    char message[MESSAGE_SIZE] = "";
    uint64_t revision = 0;
    int folder = folder_open(&a->place, a->job.request->change.space, true, message);
    int r = folder;

    if (folder >= 0) {
        r = stands(a, folder, &revision) ? 0 : establish(a, folder, &revision, message);
        close(folder);
    }
    tell(a, r, revision, message);
    a->next_ns = monotonic_ns() + a->job.request->ttl_ns / 3;
}

static int
announcer_wait_ms(const struct job *job)
{
    const struct announcer *a = (const struct announcer *)job;
    uint64_t now = monotonic_ns();

    return a->next_ns > now ? (int)((a->next_ns - now) / 1000000 + 1) : 0;
}

static void
announcer_step(struct job *job)
{
    struct announcer *a = (struct announcer *)job;

    if (monotonic_ns() >= a->next_ns) {
        look_after(a);
    }
}

/* Removes document and lock.  Their order matters: a document without a lock would stay. */
static void
withdraw(struct announcer *a)
{
    char name[NAME_SIZE], lock[NAME_SIZE], message[MESSAGE_SIZE];
    int folder = folder_open(&a->place, a->job.request->change.space, false, message);

    if (folder < 0) {
        return;
    }
    name_from_id(a->job.request->change.id, name);
    if (lock_name(name, lock)) {
        unlinkat(folder, name, 0);
        unlinkat(folder, lock, 0);
    }
    close(folder);
}

static void
announcer_free(struct job *job)
{
    struct announcer *a = (struct announcer *)job;

    if (a->lock >= 0) {
        withdraw(a); /* nobody else writes them while we hold the lock */
        close(a->lock);
    }
    free(a);
}

static const struct job_ops announcer_ops = {
    .free = announcer_free,
    .wait_ms = announcer_wait_ms,
    .step = announcer_step,
};

struct job *
announcer_new(struct io *io, const struct place *place, struct request *request)
{
    struct announcer *a = calloc(1, sizeof *a);

    if (!a) {
        return NULL;
    }
    a->job = (struct job){ &announcer_ops, io, &a->place, request, -1 };
    a->place = *place;
    a->place.sync = false; /* nobody reads it after a crash of the machine */
    a->lock = -1;
    look_after(a);
    return &a->job;
}
