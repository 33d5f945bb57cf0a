/*
 * look.h - what is found under the name of a file, compared with what was told of it before.
 *
 * Revisions only grow for a follower, whatever the clock and those who move files about do: a
 * version that is news, but whose file is older than what was told, is told under a revision of its
 * own. What is read or written meanwhile (look_found, look_revision) agrees with what is told.
 *
 * Runs on the thread of io.h.
 */
#ifndef HF_STORE_FILE_LOOK_H
#define HF_STORE_FILE_LOOK_H

#include <dirent.h>
#include <stdbool.h>
#include <stdint.h>

#include "io.h"
#include "known.h"

/* One watch; see follow.h. */
struct follower {
    struct io *io;
    const struct place *place;
    struct request *request;

    bool following;        /* the folder is there */
    struct stamp identity; /* of the folder: device and inode */
    int inotify;           /* -1: the kernel tells nothing; then looks alone show changes */
    int folder; /* open during a step only: the kernel tells a removal at the last close */
    DIR *scan;  /* NULL: not scanning */
    uint32_t scan_number;
    bool scan_tells;        /* at its end, that all has been told */
    uint64_t scan_began_ns; /* all times here are monotonic */
    uint64_t scan_took_ns;
    uint64_t look_at_ns; /* when to begin the next scan */
    struct known_set known;
    bool lost;   /* the loop has been told so */
    bool warned; /* the loop has been told that the kernel tells nothing */

    /* The kernel tells that a lock's file was closed before it gives the lock back.  So if it
     * is still held we look again, a few times. */
    int doubts;           /* looks that are left */
    uint64_t doubt_at_ns; /* the next one */
};

/* Why a name is looked at. */
enum look_reason {
    LOOK_CHANGED, /* something happened to it */
    LOOK_CREATED, /* it was made, and may not be written yet: then the end of that is told, too */
    LOOK_SCAN,    /* it is its turn */
};

/* Looks at a name and tells what is news. */
void look(struct follower *, const char *name, enum look_reason);

/* The file has gone, with its folder. */
void look_removed(struct follower *, struct known *);

/* The loop has read or written this document: tells it, if that is news, and sets its revision to
 * what was told. */
void look_found(struct follower *, const char *name, struct document *);

/* The file's own revision of the version that was told under `revision`. */
uint64_t look_revision(const struct follower *, const char *name, uint64_t revision);

/* Stops following; the next steps look for the folder again. */
void follower_lose(struct follower *, const char *message);

uint64_t monotonic_ns(void);

#endif
