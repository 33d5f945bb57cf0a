/*
 * look.c - what was reported of files, and what is news.
 */
#include "follow.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include <hyperfaas/error.h>
#include <hyperfaas/store.h>

#include "announce.h"

/* A file may change once more in the same tick of the file system's clock, and its times not
 * tell.  After this long they do. */
#define SETTLED_S 2

/* --- what is known ----------------------------------------------------------------- */

struct known *
known_find(const struct follower *f, const char *name)
{
    struct known *known;

    HASH_FIND_STR(f->known, name, known);
    return known;
}

/* The same, made if there is none; NULL if memory is exhausted. */
static struct known *
known_add(struct follower *f, const char *name)
{
    size_t size = strlen(name) + 1;
    struct known *known = known_find(f, name);

    if (known) {
        return known;
    }
    known = calloc(1, sizeof *known + size);
    if (!known) {
        return NULL;
    }
    memcpy(known->name, name, size);
    HASH_ADD_STR(f->known, name, known);
    if (!known->hh.tbl) {
        free(known);
        return NULL;
    }
    return known;
}

static void
known_remove(struct follower *f, struct known *known)
{
    HASH_DEL(f->known, known);
    free(known);
}

void
known_clear(struct follower *f)
{
    struct known *known, *next;

    HASH_ITER (hh, f->known, known, next) {
        known_remove(f, known);
    }
}

/* --- telling ----------------------------------------------------------------------- */

static void
tell(struct follower *f, enum notice_kind kind, const char *id, const char *message)
{
    if (!io_tell(f->job.io, f->job.request, kind, id, NULL, message)) {
        follower_lose(f, "out of memory");
    }
}

static void
forget(struct follower *f, struct known *known, const char *id)
{
    if (known->reported) {
        tell(f, NOTICE_DELETE, id, "");
    }
    known_remove(f, known);
}

/* Whether documents may be announced (announce.h). */
static bool
are_nodes(const struct follower *f)
{
    return f->job.request->change.space == HF_STORE_NODES;
}

/* Whether a file with these times is old enough for them to tell any later change. */
static bool
is_settled(const struct stamp *stamp)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return stamp->modified.tv_sec < now.tv_sec - SETTLED_S &&
           stamp->changed.tv_sec < now.tv_sec - SETTLED_S;
}

/* Whether a version is another one than the last.  A file that was renamed, linked or given other
 * rights is not. */
static bool
is_news(const struct known *known, const struct document *document)
{
    const struct timespec *a = &known->stamp.modified, *b = &document->stamp.modified;

    if (known->hash != document->hash || known->found == 0) {
        return true;
    }
    return known->found != document->revision &&
           (a->tv_sec != b->tv_sec || a->tv_nsec != b->tv_nsec);
}

/* Notes what was found; returns whether it is news. */
static bool
note(struct follower *f, struct known *known, const struct document *document)
{
    bool news = is_news(known, document);

    known->found = document->revision;
    known->hash = document->hash;
    known->stamp = document->stamp;
    known->settled = is_settled(&document->stamp);
    known->seen_in_scan = f->scan_number;
    return news;
}

/* The revision under which a version is reported: its own, but above the last. */
static uint64_t
next_revision(const struct known *known, const struct document *document)
{
    uint64_t least = (known->revision / REVISION_STEP + 1) * REVISION_STEP;

    return document->revision > known->revision ? document->revision
                                                : least | document->hash % REVISION_STEP;
}

/* Tells a good version, whose data are taken over. */
static void
tell_version(struct follower *f, struct known *known, const char *id, struct document *document)
{
    document->revision = next_revision(known, document);
    if (io_tell(f->job.io, f->job.request, NOTICE_PUT, id, document, "")) {
        known->reported = true;
        known->revision = document->revision;
    } else {
        free(document->data);
        known->found = 0;
        follower_lose(f, "out of memory");
    }
}

/* Whether a file that was met by a scan is as it was last time, which its times tell. */
static bool
is_as_known(struct follower *f, const char *name)
{
    struct known *known = known_find(f, name);
    struct stamp stamp;
    struct stat st;

    if (!known || !known->settled || fstatat(f->folder, name, &st, 0) != 0) {
        return false;
    }
    stamp = stamp_of(&st);
    if (!stamp_equals(&stamp, &known->stamp)) {
        return false;
    }
    known->seen_in_scan = f->scan_number;
    return true;
}

/* There is no document of that name any more. */
static void
look_at_nothing(struct follower *f, const char *name, const char *id, bool over)
{
    struct known *known = known_find(f, name);

    if (known) {
        forget(f, known, id);
    }
    if (over) {
        announce_clear(f->folder, name);
    }
}

/* Refuses a document under a name that is not the one of its id. */
static int
refuse_name(struct document *document, const char *name, const char *id, char message[MESSAGE_SIZE])
{
    char canonical[NAME_SIZE];

    free(document->data);
    document->data = NULL;
    snprintf(message, MESSAGE_SIZE, "the file '%.200s' is ignored: expected the name '%.200s'",
             name, name_from_id(id, canonical) ? canonical : "of a shorter id");
    return HF_EINVALID;
}

/* Whether what is no document may become one: it is being written. */
static bool
is_unfinished(const struct follower *f, const struct document *document, enum look_reason reason)
{
    return reason == LOOK_CREATED ||
           (reason == LOOK_SCAN && !f->scan_tells && !is_settled(&document->stamp));
}

void
look(struct follower *f, const char *name, enum look_reason reason)
{
    struct document document = { 0 };
    char id[NAME_SIZE], message[MESSAGE_SIZE];
    enum name_kind kind = name_to_id(name, id);
    struct known *known;
    bool over;
    int r;

    if (kind == NAME_FOREIGN) {
        return;
    }
    over = are_nodes(f) && announce_is_over(f->folder, name);
    if (!over && reason == LOOK_SCAN && is_as_known(f, name)) {
        return;
    }
    r = over ? HF_ENOTFOUND
             : document_read(f->job.place->host, f->folder, name, &document, message);
    if (r == HF_ENOTFOUND) {
        look_at_nothing(f, name, id, over);
        return;
    }
    if (r == 0 && kind == NAME_MISSPELT) {
        r = refuse_name(&document, name, id, message);
    }
    if (r != 0 && r != HF_EINVALID) {
        tell(f, NOTICE_BAD, id, message);
        return;
    }
    if (r == HF_EINVALID && is_unfinished(f, &document, reason)) {
        return;
    }
    known = known_add(f, name);
    if (!known) {
        free(document.data);
        follower_lose(f, "out of memory");
    } else if (!note(f, known, &document)) {
        free(document.data);
    } else if (r == HF_EINVALID) {
        tell(f, NOTICE_BAD, id, message);
    } else {
        tell_version(f, known, id, &document);
    }
}

void
look_removed(struct follower *f, struct known *known)
{
    char id[NAME_SIZE];

    name_to_id(known->name, id);
    forget(f, known, id);
}

void
look_found(struct follower *f, const char *name, struct document *document)
{
    struct document copy = *document;
    struct known *known;
    char id[NAME_SIZE];

    if (!f->following || name_to_id(name, id) != NAME_DOCUMENT) {
        return;
    }
    known = known_add(f, name);
    copy.data = malloc(document->len + 1);
    if (!known || !copy.data) {
        free(copy.data);
        follower_lose(f, "out of memory");
        return;
    }
    memcpy(copy.data, document->data, document->len);
    if (note(f, known, &copy) || !known->reported) {
        tell_version(f, known, id, &copy);
    } else {
        free(copy.data);
    }
    document->revision = known->revision;
}

uint64_t
look_revision(const struct follower *f, const char *name, uint64_t revision)
{
    const struct known *known = known_find(f, name);

    return known && known->revision == revision ? known->found : revision;
}
