/*
 * folder.c - changes the folder of one space, durably and one writer at a time.
 */
#include "folder.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <hyperfaas/store.h>

#include "../kit/folders.h"

/* Whoever holds the lock owns the temporary file, so one name is enough, and
 * what a crash left is removed by the next writer. */
static const char lock_name[] = ".lock";
static const char temporary_name[] = ".writing";

/* Definitions may tell what others need not know, such as where images are. */
#define FOLDER_MODE 0750
#define FILE_MODE   0640

const char *
folder_name(uint32_t space)
{
    switch (space) {
    case HF_STORE_FUNCTIONS:
        return "functions";
    case HF_STORE_SETTINGS:
        return "settings";
    case HF_STORE_NODES:
        return "nodes";
    default:
        return NULL;
    }
}

/* Says that a system call failed. */
static int
failed(char message[MESSAGE_SIZE], const char *what, const char *name)
{
    snprintf(message, MESSAGE_SIZE, "cannot %s %.400s: %s", what, name, strerror(errno));
    return HF_EIO;
}

int
folder_open(const struct place *place, uint32_t space, bool make, char message[MESSAGE_SIZE])
{
    char path[PATH_MAX];
    int fd, n = snprintf(path, sizeof path, "%s/%s", place->path, folder_name(space));

    if (n < 0 || (size_t)n >= sizeof path) {
        errno = ENAMETOOLONG;
        return failed(message, "open", place->path);
    }
    fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT && make) {
        if (folders_make(path, FOLDER_MODE, place->sync) != 0) {
            return failed(message, "make the folder", path);
        }
        fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    }
    if (fd < 0) {
        int code = errno == ENOENT ? HF_ENOTFOUND : HF_EIO;

        failed(message, "open the folder", path);
        return code;
    }
    return fd;
}

/* Whether nobody waits for the lock, or nobody any more. */
static bool
is_given_up(const atomic_bool *abandoned)
{
    return !abandoned || atomic_load(abandoned);
}

int
folder_lock(int folder, const atomic_bool *abandoned, char message[MESSAGE_SIZE])
{
    int fd = openat(folder, lock_name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
    struct timespec pause = { .tv_nsec = 100000 };

    if (fd < 0) {
        return failed(message, "open", lock_name);
    }
    while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        int error = errno;

        if (error != EWOULDBLOCK && error != EINTR) {
            close(fd);
            errno = error;
            return failed(message, "lock", lock_name);
        }
        if (is_given_up(abandoned)) {
            close(fd);
            snprintf(message, MESSAGE_SIZE, "given up while another process held the lock");
            return abandoned ? HF_ECANCELLED : HF_EFULL;
        }
        clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, NULL); /* this thread may wait */
        if (pause.tv_nsec < 8000000) {
            pause.tv_nsec *= 2;
        }
    }
    if (abandoned && atomic_load(abandoned)) { /* then the change must not happen */
        close(fd);
        snprintf(message, MESSAGE_SIZE, "given up just before its turn came");
        return HF_ECANCELLED;
    }
    return fd;
}

/* The later of a file's two times, which its revision comes from. */
static struct timespec
time_of(const struct stat *st)
{
    bool is_modified_later =
        st->st_mtim.tv_sec > st->st_ctim.tv_sec ||
        (st->st_mtim.tv_sec == st->st_ctim.tv_sec && st->st_mtim.tv_nsec > st->st_ctim.tv_nsec);

    return is_modified_later ? st->st_mtim : st->st_ctim;
}

/* Tests the condition of a change against what is there, and tells when that
 * was changed last (zeros if there is nothing). */
static int
check_condition(const struct place *place, int folder, const char *name,
                const struct change *change, struct timespec *ret_changed,
                char message[MESSAGE_SIZE])
{
    struct document found = { 0 };
    struct stat st;
    bool present = fstatat(folder, name, &st, 0) == 0;
    int r;

    *ret_changed = present ? time_of(&st) : (struct timespec){ 0 };
    if (change->condition == HF_STORE_ABSENT && present) {
        snprintf(message, MESSAGE_SIZE, "already exists");
        return HF_EEXISTS;
    }
    if (change->condition != HF_STORE_AT_REVISION) {
        return 0;
    }
    r = document_read(place->host, folder, name, &found, message);
    free(found.data);
    if (r < 0 && r != HF_EINVALID) {
        return r;
    }
    if (found.revision != change->revision) {
        snprintf(message, MESSAGE_SIZE, "has revision %ju, expected %ju", (uintmax_t)found.revision,
                 (uintmax_t)change->revision);
        return HF_ECONFLICT;
    }
    return 0;
}

/* The time of change of a new version: now, but later than the old one's. */
static struct timespec
time_after(const struct timespec *old)
{
    struct timespec now, next = *old;

    clock_gettime(CLOCK_REALTIME, &now);
    next.tv_nsec += REVISION_STEP;
    if (next.tv_nsec >= 1000000000) {
        next.tv_sec++;
        next.tv_nsec -= 1000000000;
    }
    if (next.tv_sec > now.tv_sec || (next.tv_sec == now.tv_sec && next.tv_nsec > now.tv_nsec)) {
        return next;
    }
    return now;
}

/* Fills the temporary file and flushes it; its open descriptor, or -1 with errno.  What lies
 * there under its name, a link too, is not written to. */
static int
write_temporary(const struct place *place, int folder, const struct change *change,
                const struct timespec *changed)
{
    struct timespec times[2] = { { .tv_nsec = UTIME_OMIT }, *changed };
    size_t n = 0;
    int error, fd;

    if (unlinkat(folder, temporary_name, 0) != 0 && errno != ENOENT) {
        return -1;
    }
    fd = openat(folder, temporary_name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                FILE_MODE);
    if (fd < 0) {
        return -1;
    }
    while (n < change->len) {
        ssize_t r = write(fd, change->data + n, change->len - n);

        if (r < 0 && errno != EINTR) {
            goto fail;
        }
        n += r > 0 ? (size_t)r : 0;
    }
    if (futimens(fd, times) == 0 && (!place->sync || fsync(fd) == 0)) {
        return fd;
    }

fail:
    error = errno;
    close(fd);
    unlinkat(folder, temporary_name, 0);
    errno = error;
    return -1;
}

/* Puts the temporary file in the place of `name`. */
static int
replace(int folder, const char *name, bool absent)
{
    if (absent) {
        if (renameat2(folder, temporary_name, folder, name, RENAME_NOREPLACE) == 0) {
            return 0;
        }
        if (errno != EINVAL && errno != ENOSYS && errno != EPERM) {
            return -1;
        }
        /* Not every file system can, nor every sandbox; the lock still keeps our own writers apart.
         */
    }
    return renameat(folder, temporary_name, folder, name);
}

/* What a file that was written is, once it is in its place: that changed its times once more, and
 * a file system may keep them less exactly than they were given. */
static void
describe(const struct place *place, int fd, const struct change *change, struct document *ret)
{
    struct stat st = { 0 };

    (void)fstat(fd, &st);
    *ret = (struct document){
        .stamp = stamp_of(&st),
        .hash = place->host->hash(change->data, change->len),
        .len = change->len,
    };
    ret->revision = document_revision(&ret->stamp, ret->hash);
}

int
folder_write_locked(const struct place *place, int folder, const struct change *change,
                    struct document *ret, char message[MESSAGE_SIZE])
{
    struct timespec changed;
    char name[NAME_SIZE];
    int fd, r;

    name_from_id(change->id, name);
    r = check_condition(place, folder, name, change, &changed, message);
    if (r < 0) {
        return r;
    }
    changed = time_after(&changed);
    fd = write_temporary(place, folder, change, &changed);
    if (fd < 0) {
        return failed(message, "write (what was there before is unchanged)", name);
    }
    if (replace(folder, name, change->condition == HF_STORE_ABSENT) != 0) {
        r = errno == EEXIST ? HF_EEXISTS : HF_EIO;
        failed(message, "put in place", name);
        unlinkat(folder, temporary_name, 0);
    } else if (place->sync && fsync(folder) != 0) {
        r = failed(message, "flush the folder of", name);
    } else {
        describe(place, fd, change, ret);
    }
    close(fd);
    return r;
}

int
folder_write(const struct place *place, const struct change *change, struct document *ret,
             char message[MESSAGE_SIZE])
{
    int folder, held, r;

    folder = folder_open(place, change->space, true, message);
    if (folder < 0) {
        return folder;
    }
    held = folder_lock(folder, change->abandoned, message);
    r = held;
    if (held >= 0) {
        r = folder_write_locked(place, folder, change, ret, message);
        close(held);
    }
    close(folder);
    return r;
}

int
folder_remove(const struct place *place, const struct change *change, char message[MESSAGE_SIZE])
{
    char name[NAME_SIZE];
    int folder, held, r;

    folder = folder_open(place, change->space, true, message);
    if (folder < 0) {
        return folder;
    }
    held = folder_lock(folder, change->abandoned, message);
    r = held;
    if (held >= 0) {
        name_from_id(change->id, name);
        r = 0;
        if (unlinkat(folder, name, 0) != 0) {
            r = errno == ENOENT ? HF_ENOTFOUND : HF_EIO;
            failed(message, "remove", name);
        } else if (place->sync && fsync(folder) != 0) {
            r = failed(message, "flush the folder of", name);
        }
        close(held);
    }
    close(folder);
    return r;
}
