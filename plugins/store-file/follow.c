/*
 * follow.c - one watch: inotify, scan, comparison.
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
#include <time.h>
#include <unistd.h>

#include <hyperfaas/error.h>
#include <hyperfaas/store.h>

#include "announce.h"
#include "known.h"
#include "names.h"

enum {
    SCAN_SLICE = 64,      /* files looked at before requests get their turn */
    LOST_PAUSE_MS = 250,  /* between looks for a folder that has gone */
    DOUBT_PAUSE_MS = 100, /* between looks whether a process has died, */
    DOUBT_LOOKS = 50      /* and how many */
};

#define FOLDER_GONE (IN_DELETE_SELF | IN_MOVE_SELF | IN_UNMOUNT | IN_IGNORED)
#define NAME_CHANGED                                                                               \
    (IN_CREATE | IN_CLOSE_WRITE | IN_ATTRIB | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE)

/* A file that is there though it went was created since. */
#define JUST_CREATED (IN_CREATE | IN_MOVED_FROM | IN_DELETE)

static const char gone[] = "the folder was moved or removed: waiting until it is there again";

struct follower {
    struct io *io;
    const struct place *place;
    struct request *request;

    int inotify; /* -1 while the folder has gone */
    int folder;  /* open during a step only: the kernel tells a removal at the last close */
    DIR *scan;   /* NULL: not scanning */
    uint32_t scan_number;
    struct known_set known;
    bool lost; /* the loop has been told so */

    /* The kernel tells that a lock's file was closed before it gives the lock back.  So if it
     * is still held we look again, a few times. */
    int doubts;               /* looks that are left */
    struct timespec doubt_at; /* the next one, monotonic */
};

/* --- telling ------------------------------------------------------------------ */

static void
stop_watching(struct follower *f)
{
    if (f->scan) {
        closedir(f->scan);
        f->scan = NULL;
    }
    if (f->inotify >= 0) {
        close(f->inotify);
        f->inotify = -1;
    }
}

/* Stops watching and has the next steps look for the folder again. */
static void
lose(struct follower *f, const char *message)
{
    stop_watching(f);
    if (!f->lost) {
        f->lost = io_tell(f->io, f->request, NOTICE_LOST, "", NULL, message);
    }
}

static void
tell(struct follower *f, enum notice_kind kind, const char *id, const char *message)
{
    if (!io_tell(f->io, f->request, kind, id, NULL, message)) {
        lose(f, "out of memory");
    }
}

static void
forget(struct follower *f, struct known *known, const char *id)
{
    if (known->told) {
        tell(f, NOTICE_DELETE, id, "");
    }
    known_remove(&f->known, known);
}

/* --- looking ------------------------------------------------------------------ */

/* Whether documents may be announced (announce.h). */
static bool
are_nodes(const struct follower *f)
{
    return f->request->change.space == HF_STORE_NODES;
}

/* Tells what was found under a name, if that is news. */
static void
judge(struct follower *f, struct known *known, const char *id, int code, struct document *document,
      const char *message)
{
    bool news = known->revision != document->revision;

    known->revision = document->revision;
    known->seen_in_scan = f->scan_number;
    if (!news) {
        free(document->data);
    } else if (code == HF_EINVALID) {
        tell(f, NOTICE_BAD, id, message);
    } else if (io_tell(f->io, f->request, NOTICE_PUT, id, document, "")) {
        known->told = true;
    } else {
        free(document->data);
        known->revision = 0;
        lose(f, "out of memory");
    }
}

/* Looks at a name again.  A file that is `unfinished` may not be written yet: unless
 * it is whole already, the end of the writing is what tells it. */
static void
look(struct follower *f, const char *name, bool unfinished)
{
    struct document document = { 0 };
    char id[NAME_SIZE], canonical[NAME_SIZE], message[MESSAGE_SIZE];
    enum name_kind kind = name_to_id(name, id);
    struct known *known;
    bool over;
    int r;

    if (kind == NAME_FOREIGN) {
        return;
    }
    over = are_nodes(f) && announce_is_over(f->folder, name);
    r = over ? HF_ENOTFOUND : document_read(f->folder, name, f->place->hash, &document, message);
    if (r == HF_ENOTFOUND) {
        known = known_find(&f->known, name);
        if (known) {
            forget(f, known, id);
        }
        if (over) {
            announce_clear(f->folder, name);
        }
        return;
    }
    if (r == 0 && kind == NAME_MISSPELT) {
        free(document.data);
        document.data = NULL;
        snprintf(message, sizeof message,
                 "the file '%.200s' is ignored: expected the name '%.200s'", name,
                 name_from_id(id, canonical) ? canonical : "of a shorter id");
        r = HF_EINVALID;
    }
    if (r != 0 && r != HF_EINVALID) {
        tell(f, NOTICE_BAD, id, message);
        return;
    }
    if (r == HF_EINVALID && unfinished) {
        return;
    }
    known = known_add(&f->known, name);
    if (!known) {
        free(document.data);
        lose(f, "out of memory");
        return;
    }
    judge(f, known, id, r, &document, message);
}

/* --- scanning ----------------------------------------------------------------- */

static void
begin_scan(struct follower *f)
{
    int folder = openat(f->folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (f->scan) {
        closedir(f->scan);
    }
    f->scan_number++;
    f->scan = folder >= 0 ? fdopendir(folder) : NULL;
    if (!f->scan) {
        if (folder >= 0) {
            close(folder);
        }
        lose(f, "the folder cannot be listed");
    }
}

/* Looks at what is known but was not met by the last scan. */
static void
look_at_unseen(struct follower *f)
{
    struct known **unseen;
    size_t n = known_unseen(&f->known, f->scan_number, &unseen);

    for (size_t i = 0; i < n && f->inotify >= 0; i++) {
        look(f, unseen[i]->name, false);
    }
    free(unseen);
}

/* Looks at what has gone, and says that all has been told. */
static void
end_scan(struct follower *f)
{
    closedir(f->scan);
    f->scan = NULL;
    look_at_unseen(f);
    if (f->inotify >= 0) {
        tell(f, NOTICE_SYNCED, "", "");
    }
}

static void
scan_slice(struct follower *f)
{
    for (int i = 0; i < SCAN_SLICE && f->scan; i++) {
        struct dirent *entry = readdir(f->scan);

        if (!entry) {
            end_scan(f);
            return;
        }
        look(f, entry->d_name, false);
    }
}

/* --- events ------------------------------------------------------------------- */

/* Something happened to the lock of a document. */
static void
take_lock_event(struct follower *f, const char *document)
{
    look(f, document, false);
    if (known_find(&f->known, document)) {
        f->doubts = DOUBT_LOOKS;
        clock_gettime(CLOCK_MONOTONIC, &f->doubt_at);
    }
}

static void
take_event(struct follower *f, const struct inotify_event *event)
{
    char document[NAME_SIZE];

    if (event->mask & IN_Q_OVERFLOW) {
        begin_scan(f);
    } else if (event->mask & FOLDER_GONE) {
        lose(f, gone);
    } else if (event->len > 0 && are_nodes(f) && announce_is_lock(event->name, document)) {
        take_lock_event(f, document);
    } else if (event->len > 0) {
        look(f, event->name, event->mask & JUST_CREATED);
    }
}

/* The same once there is no folder to look into: only a removal is certain. */
static void
take_last_event(struct follower *f, const struct inotify_event *event)
{
    struct known *known = event->len > 0 ? known_find(&f->known, event->name) : NULL;
    char id[NAME_SIZE];

    if (known && event->mask & (IN_DELETE | IN_MOVED_FROM)) {
        name_to_id(event->name, id);
        forget(f, known, id);
    }
}

/* Reads events once and takes them; false if there were none. */
static bool
take_events(struct follower *f, void (*take)(struct follower *f, const struct inotify_event *event))
{
    _Alignas(struct inotify_event) char buffer[4096];
    ssize_t n = read(f->inotify, buffer, sizeof buffer);

    for (char *p = buffer; n > 0 && p < buffer + n && f->inotify >= 0;) {
        const struct inotify_event *event = (const struct inotify_event *)(void *)p;

        take(f, event);
        p += sizeof *event + event->len;
    }
    return n > 0;
}

/* Watches the folder and the one above it, which may be moved away with it. */
static int
add_watches(struct follower *f, int inotify)
{
    char path[PATH_MAX];

    snprintf(path, sizeof path, "/proc/self/fd/%d", f->folder);
    if (inotify_add_watch(inotify, path, NAME_CHANGED | IN_DELETE_SELF | IN_MOVE_SELF) < 0 ||
        inotify_add_watch(inotify, f->place->path, IN_DELETE_SELF | IN_MOVE_SELF) < 0) {
        return -1;
    }
    return 0;
}

/* Looks for the folder; if it is there, watches it from now on and scans it. */
static void
find_folder(struct follower *f, bool make)
{
    char message[MESSAGE_SIZE];
    int inotify;

    f->folder = folder_open(f->place, f->request->change.space, make, message);
    if (f->folder < 0) {
        lose(f, message);
        return;
    }
    inotify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (inotify < 0 || add_watches(f, inotify) != 0) {
        snprintf(message, sizeof message, "inotify: %s; see the limits in /proc/sys/fs/inotify",
                 strerror(errno));
        if (inotify >= 0) {
            close(inotify);
        }
        lose(f, message);
    } else {
        f->inotify = inotify;
        f->lost = false;
        begin_scan(f);
    }
    close(f->folder);
}

/* Takes some events and one slice of a scan, so that requests get their turn. */
static void
follow(struct follower *f)
{
    char message[MESSAGE_SIZE];

    f->folder = folder_open(f->place, f->request->change.space, false, message);
    if (f->folder < 0) {
        while (f->folder == HF_ENOTFOUND && take_events(f, take_last_event)) {
        }
        lose(f, f->folder == HF_ENOTFOUND ? gone : message);
        return;
    }
    take_events(f, take_event);
    if (f->scan) {
        scan_slice(f);
    }
    close(f->folder);
}

/* --- follower ----------------------------------------------------------------- */

struct follower *
follower_new(struct io *io, const struct place *place, struct request *request)
{
    struct follower *f = calloc(1, sizeof *f);

    if (!f) {
        return NULL;
    }
    f->io = io;
    f->place = place;
    f->request = request;
    f->inotify = -1;
    find_folder(f, true);
    return f;
}

void
follower_free(struct follower *f)
{
    stop_watching(f);
    known_clear(&f->known);
    free(f);
}

struct request *
follower_request(const struct follower *f)
{
    return f->request;
}

int
follower_fd(const struct follower *f)
{
    return f->inotify;
}

/* Milliseconds until the next look at what is in doubt; 0: it is due. */
static int
doubt_wait_ms(const struct follower *f)
{
    struct timespec now;
    int64_t ms;

    clock_gettime(CLOCK_MONOTONIC, &now);
    ms = (int64_t)(f->doubt_at.tv_sec - now.tv_sec) * 1000 +
         (f->doubt_at.tv_nsec - now.tv_nsec) / 1000000 + DOUBT_PAUSE_MS;
    return ms > 0 ? (int)ms : 0;
}

int
follower_wait_ms(const struct follower *f)
{
    if (f->scan) {
        return 0;
    }
    if (f->inotify < 0) {
        return LOST_PAUSE_MS;
    }
    return f->doubts > 0 ? doubt_wait_ms(f) : -1;
}

/* Looks again at all that is known: some process may have died. */
static void
resolve_doubts(struct follower *f)
{
    char message[MESSAGE_SIZE];

    f->doubts--;
    clock_gettime(CLOCK_MONOTONIC, &f->doubt_at);
    f->folder = folder_open(f->place, f->request->change.space, false, message);
    if (f->folder >= 0) {
        f->scan_number++; /* so that nothing has been seen */
        look_at_unseen(f);
        close(f->folder);
    }
}

void
follower_step(struct follower *f)
{
    struct pollfd changes = { .fd = f->inotify, .events = POLLIN };

    if (f->inotify < 0) {
        find_folder(f, false);
    } else if (f->scan || poll(&changes, 1, 0) > 0) {
        follow(f);
    } else if (f->doubts > 0 && doubt_wait_ms(f) == 0) {
        resolve_doubts(f);
    }
}
