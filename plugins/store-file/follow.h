/*
 * follow.h - one watch: what a folder holds, and every change of it.
 *
 * Runs on the thread of io.h.  inotify says which names to look at again; what
 * counts is what is then found there, compared with what was reported before (look.c).
 * So it does not matter who changed a file or how, and after lost events one scan
 * of the folder puts everything right.  Not every change is an event: not behind a
 * symbolic link, not by another machine on a network file system.  So the folder is
 * scanned now and then anyway, which costs a look at each file's times.
 */
#ifndef HF_STORE_FILE_FOLLOW_H
#define HF_STORE_FILE_FOLLOW_H

#include <dirent.h>
#include <stdbool.h>
#include <stdint.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "io.h"

/* Begins to follow the space of `request`, telling `io`; NULL if memory is exhausted. */
struct job *follower_new(struct io *io, const struct place *, struct request *request);

/* A file as it was last reported. */
struct known {
    uint64_t revision;     /* that was reported last; 0: none */
    uint64_t found;        /* the file's own revision, of what was found last, good or bad, */
    uint64_t hash;         /* and the hash of its content */
    struct stamp stamp;    /* of that */
    bool settled;          /* it was old enough then for its stamp to tell any change */
    bool reported;         /* a good version was reported and stands */
    uint32_t seen_in_scan; /* the scan that saw it last */
    UT_hash_handle hh;
    char name[];
};

struct follower {
    struct job job; /* first; its descriptor is inotify's, without which looks alone show changes */

    bool following;        /* the folder is there */
    struct stamp identity; /* of the folder: device and inode */
    int folder; /* open during a step only: the kernel tells a removal at the last close */
    DIR *scan;  /* NULL: not scanning */
    uint32_t scan_number;
    bool scan_tells;        /* at its end, that all has been reported */
    uint64_t scan_began_ns; /* all times here are monotonic */
    uint64_t scan_took_ns;
    uint64_t look_at_ns; /* when to begin the next scan */
    struct known *known; /* by name (uthash) */
    bool lost;           /* that was reported */
    bool warned;         /* that the kernel reports nothing was reported */

    /* The kernel tells that a lock's file was closed before it gives the lock back.  So if it
     * is still held we look again, a few times. */
    int doubts;           /* looks that are left */
    uint64_t doubt_at_ns; /* the next one */
};

/* Stops following; the next steps look for the folder again. */
void follower_lose(struct follower *, const char *message);

/* --- look.c: what is found under a name, compared with what was reported of it before ---
 *
 * Revisions only grow for a follower, whatever the clock and those who move files about do: a
 * version that is news, but whose file is older than what was reported, is reported under a
 * revision of its own. What is read or written meanwhile (look_found, look_revision) agrees with
 * what is reported.
 */

/* What was reported of a name, or NULL; forgets all. */
struct known *known_find(const struct follower *, const char *name);
void known_clear(struct follower *);

/* Why a name is looked at. */
enum look_reason {
    LOOK_CHANGED, /* something happened to it */
    LOOK_CREATED, /* it was made, and may not be written yet: then the end of that is reported, too
                   */
    LOOK_SCAN,    /* it is its turn */
};

/* Looks at a name and tells what is news. */
void look(struct follower *, const char *name, enum look_reason);

/* The file has gone, with its folder. */
void look_removed(struct follower *, struct known *);

/* The loop has read or written this document: tells it, if that is news, and sets its revision to
 * what was reported. */
void look_found(struct follower *, const char *name, struct document *);

/* The file's own revision of the version that was reported under `revision`. */
uint64_t look_revision(const struct follower *, const char *name, uint64_t revision);

#endif
