/*
 * follow.c - one watch: inotify, scans, a folder that comes and goes.
 */
#include "follow.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <hyperfaas/error.h>
#include <hyperfaas/store.h>

#include "announce.h"

enum {
    SCAN_SLICE = 512,     /* files looked at before requests get their turn, */
    LOST_PAUSE_MS = 250,  /* between looks for a folder that has gone */
    DOUBT_PAUSE_MS = 100, /* between looks whether a process has died, */
    DOUBT_LOOKS = 50      /* and how many */
};

#define MS UINT64_C(1000000)

/* The most time for them. */
#define SCAN_SLICE_NS (5 * MS)

/* Scans take at most this part of the thread's time, so many files are scanned less often. */
#define SCAN_SHARE 50

#define FOLDER_GONE (IN_DELETE_SELF | IN_MOVE_SELF | IN_UNMOUNT | IN_IGNORED)
#define NAME_CHANGED                                                                               \
    (IN_CREATE | IN_CLOSE_WRITE | IN_ATTRIB | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE)

/* A file that is there though it went was created since. */
#define JUST_CREATED (IN_CREATE | IN_MOVED_FROM | IN_DELETE)

/* Something has another name, or a name has something else. */
#define RENAMED (IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE)

static const char gone[] = "the folder was moved or removed: waiting until it is there again";

/* --- telling ------------------------------------------------------------------ */

static void
stop_watching(struct follower *f)
{
    f->following = false;
    if (f->scan) {
        closedir(f->scan);
        f->scan = NULL;
    }
    if (f->job.fd >= 0) {
        close(f->job.fd);
        f->job.fd = -1;
    }
}

void
follower_lose(struct follower *f, const char *message)
{
    stop_watching(f);
    if (!f->lost) {
        f->lost = io_tell(f->job.io, f->job.request, NOTICE_LOST, "", NULL, message);
    }
}

/* Whether documents may be announced (announce.h). */
static bool
are_nodes(const struct follower *f)
{
    return f->job.request->change.space == HF_STORE_NODES;
}

/* --- scanning ----------------------------------------------------------------- */

/* `tells`: what is there was not known, or not for certain. */
static void
begin_scan(struct follower *f, bool tells)
{
    int folder = openat(f->folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (f->scan) {
        closedir(f->scan);
    }
    f->scan_number++;
    f->scan_tells |= tells;
    f->scan_began_ns = monotonic_ns();
    f->scan = folder >= 0 ? fdopendir(folder) : NULL;
    if (!f->scan) {
        if (folder >= 0) {
            close(folder);
        }
        follower_lose(f, "the folder cannot be listed");
    }
}

/* Looks at what is known but was not met by the last scan. */
static void
look_at_unseen(struct follower *f)
{
    struct known *known, *next;
    char name[NAME_SIZE];

    HASH_ITER (hh, f->known, known, next) {
        if (f->following && known->seen_in_scan != f->scan_number) {
            snprintf(name, sizeof name, "%s", known->name); /* the entry may go */
            look(f, name, LOOK_CHANGED);
        }
    }
}

/* Looks at what has gone, and says that all has been reported. */
static void
end_scan(struct follower *f)
{
    uint64_t now;

    closedir(f->scan);
    f->scan = NULL;
    look_at_unseen(f);
    now = monotonic_ns();
    f->scan_took_ns = now - f->scan_began_ns;
    f->look_at_ns = now + (f->job.place->look_every_ns > SCAN_SHARE * f->scan_took_ns
                               ? f->job.place->look_every_ns
                               : SCAN_SHARE * f->scan_took_ns);
    if (f->following && f->scan_tells) {
        f->scan_tells = false;
        if (!io_tell(f->job.io, f->job.request, NOTICE_SYNCED, "", NULL, "")) {
            follower_lose(f, "out of memory");
        }
    }
}

static void
scan_slice(struct follower *f)
{
    uint64_t end = monotonic_ns() + SCAN_SLICE_NS;

    for (int i = 0; i < SCAN_SLICE && f->scan && monotonic_ns() < end; i++) {
        struct dirent *entry = readdir(f->scan);

        if (!entry) {
            end_scan(f);
            return;
        }
        look(f, entry->d_name, LOOK_SCAN);
    }
}

/* --- events ------------------------------------------------------------------- */

/* Something happened to the lock of a document. */
static void
take_lock_event(struct follower *f, const char *document)
{
    look(f, document, LOOK_CHANGED);
    if (known_find(f, document)) {
        f->doubts = DOUBT_LOOKS;
        f->doubt_at_ns = monotonic_ns() + DOUBT_PAUSE_MS * MS;
    }
}

/* Whether documents may be links that lead through this name: a folder, or the link to one that a
 * Kubernetes volume swaps (`..data`).  Other hidden names are editors' and ours. */
static bool
is_on_the_way(const char *name)
{
    char id[NAME_SIZE];

    return name_to_id(name, id) == NAME_FOREIGN && (name[0] != '.' || name[1] == '.');
}

static void
take_event(struct follower *f, const struct inotify_event *event)
{
    char document[NAME_SIZE];

    if (event->mask & IN_Q_OVERFLOW) {
        begin_scan(f, true);
    } else if (event->mask & FOLDER_GONE) {
        follower_lose(f, gone);
    } else if (event->len > 0 && are_nodes(f) && announce_is_lock(event->name, document)) {
        take_lock_event(f, document);
    } else if (event->len > 0 && is_on_the_way(event->name) && event->mask & RENAMED) {
        f->look_at_ns = monotonic_ns() + SCAN_SHARE * f->scan_took_ns / 10;
    } else if (event->len > 0) {
        look(f, event->name, event->mask & JUST_CREATED ? LOOK_CREATED : LOOK_CHANGED);
    }
}

/* The same once there is no folder to look into: only a removal is certain. */
static void
take_last_event(struct follower *f, const struct inotify_event *event)
{
    struct known *known = event->len > 0 ? known_find(f, event->name) : NULL;

    if (known && event->mask & (IN_DELETE | IN_MOVED_FROM)) {
        look_removed(f, known);
    }
}

/* Reads events once and takes them; false if there were none. */
static bool
take_events(struct follower *f, void (*take)(struct follower *f, const struct inotify_event *event))
{
    _Alignas(struct inotify_event) char buffer[4096];
    ssize_t n = f->job.fd >= 0 ? read(f->job.fd, buffer, sizeof buffer) : 0;

    for (char *p = buffer; n > 0 && p < buffer + n && f->job.fd >= 0;) {
        const struct inotify_event *event = (const struct inotify_event *)(void *)p;

        take(f, event);
        p += sizeof *event + event->len;
    }
    return n > 0;
}

/* --- the folder --------------------------------------------------------------- */

/* Watches the folder and the one above it, which may be moved away with it. */
static int
add_watches(struct follower *f, int inotify)
{
    char path[PATH_MAX];

    snprintf(path, sizeof path, "/proc/self/fd/%d", f->folder);
    if (inotify_add_watch(inotify, path, NAME_CHANGED | IN_DELETE_SELF | IN_MOVE_SELF) < 0 ||
        inotify_add_watch(inotify, f->job.place->path, IN_DELETE_SELF | IN_MOVE_SELF) < 0) {
        return -1;
    }
    return 0;
}

/* Has the kernel tell of changes.  Where it will not, the scans find them. */
static void
begin_events(struct follower *f)
{
    char message[MESSAGE_SIZE];
    int inotify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);

    if (inotify >= 0 && add_watches(f, inotify) == 0) {
        f->job.fd = inotify;
        f->warned = false;
        return;
    }
    snprintf(message, sizeof message,
             "the kernel does not tell of changes (%s; see the limits in /proc/sys/fs/inotify): "
             "they are seen when the folder is looked through, every %ju ms",
             strerror(errno), (uintmax_t)(f->job.place->look_every_ns / MS));
    if (inotify >= 0) {
        close(inotify);
    }
    if (!f->warned) {
        f->warned = io_tell(f->job.io, f->job.request, NOTICE_WARNING, "", NULL, message);
    }
}

/* The folder that is open is followed from now on. */
static void
begin_following(struct follower *f, const struct stamp *identity)
{
    f->identity = *identity;
    f->following = true;
    f->lost = false;
    begin_events(f);
    begin_scan(f, true);
}

/* Opens the folder for a step; false: it is not there.  One that another has taken the place of is
 * followed no more, the other is. */
static bool
enter(struct follower *f, bool make, char message[MESSAGE_SIZE])
{
    struct stamp identity;
    struct stat st;

    f->folder = folder_open(f->job.place, f->job.request->change.space, make, message);
    if (f->folder < 0) {
        return false;
    }
    if (fstat(f->folder, &st) != 0) {
        snprintf(message, MESSAGE_SIZE, "the folder cannot be examined: %s", strerror(errno));
        close(f->folder);
        f->folder = HF_EIO;
        return false;
    }
    identity = stamp_of(&st);
    if (f->following && identity.device == f->identity.device &&
        identity.inode == f->identity.inode) {
        return true;
    }
    stop_watching(f);
    begin_following(f, &identity);
    return true;
}

/* Looks for the folder. */
static void
find_folder(struct follower *f, bool make)
{
    char message[MESSAGE_SIZE];

    if (enter(f, make, message)) {
        close(f->folder);
    } else {
        follower_lose(f, message);
    }
}

/* Begins the scan that is due. */
static void
look_through(struct follower *f)
{
    if (f->job.fd < 0) {
        begin_events(f); /* it may by now */
    }
    begin_scan(f, false);
}

/* Takes some events and one slice of a scan, so that requests get their turn. */
static void
follow(struct follower *f)
{
    char message[MESSAGE_SIZE];

    if (!enter(f, false, message)) {
        while (f->folder == HF_ENOTFOUND && take_events(f, take_last_event)) {
        }
        follower_lose(f, f->folder == HF_ENOTFOUND ? gone : message);
        return;
    }
    take_events(f, take_event);
    if (f->following && !f->scan && monotonic_ns() >= f->look_at_ns) {
        look_through(f);
    }
    if (f->scan) {
        scan_slice(f);
    }
    close(f->folder);
}

/* --- follower ----------------------------------------------------------------- */

static int
wait_ms(uint64_t until_ns)
{
    uint64_t now = monotonic_ns();
    uint64_t ms = until_ns > now ? (until_ns - now) / MS + 1 : 0;

    return ms < INT_MAX ? (int)ms : INT_MAX;
}

static int
follower_wait_ms(const struct job *job)
{
    const struct follower *f = (const struct follower *)job;
    int look_ms, doubt_ms;

    if (!f->following) {
        return LOST_PAUSE_MS;
    }
    if (f->scan) {
        return 0;
    }
    look_ms = wait_ms(f->look_at_ns);
    doubt_ms = f->doubts > 0 ? wait_ms(f->doubt_at_ns) : INT_MAX;
    return look_ms < doubt_ms ? look_ms : doubt_ms;
}

/* Looks again at all that is known: some process may have died. */
static void
resolve_doubts(struct follower *f)
{
    char message[MESSAGE_SIZE];

    f->doubts--;
    f->doubt_at_ns = monotonic_ns() + DOUBT_PAUSE_MS * MS;
    if (!f->scan && enter(f, false, message)) {
        f->scan_number++; /* so that nothing has been seen */
        look_at_unseen(f);
        close(f->folder);
    }
}

static void
follower_step(struct job *job)
{
    struct follower *f = (struct follower *)job;
    struct pollfd changes = { .fd = f->job.fd, .events = POLLIN };

    if (!f->following) {
        find_folder(f, false);
    } else if (f->scan || monotonic_ns() >= f->look_at_ns || poll(&changes, 1, 0) > 0) {
        follow(f);
    } else if (f->doubts > 0 && monotonic_ns() >= f->doubt_at_ns) {
        resolve_doubts(f);
    }
}

static void
follower_free(struct job *job)
{
    struct follower *f = (struct follower *)job;

    stop_watching(f);
    known_clear(f);
    free(f);
}

static const struct job_ops follower_ops = {
    .free = follower_free,
    .wait_ms = follower_wait_ms,
    .step = follower_step,
};

struct job *
follower_new(struct io *io, const struct place *place, struct request *request)
{
    struct follower *f = calloc(1, sizeof *f);

    if (!f) {
        return NULL;
    }
    f->job = (struct job){ &follower_ops, io, place, request, -1 };
    find_folder(f, true);
    return &f->job;
}
