/*
 * known.h - the files of a folder as they were last told; part of follow.c's memory.
 */
#ifndef HF_STORE_FILE_KNOWN_H
#define HF_STORE_FILE_KNOWN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "document.h"

struct known {
    uint64_t revision;     /* that was told last; 0: none */
    uint64_t found;        /* the file's own revision, of what was found last, good or bad, */
    uint64_t hash;         /* and the hash of its content */
    struct stamp stamp;    /* of that */
    bool settled;          /* it was old enough then for its stamp to tell any change */
    bool told;             /* a good version was told and stands */
    uint32_t seen_in_scan; /* the scan that saw it last */
    UT_hash_handle hh;
    char name[];
};

/* All of them, by name.  Zeros: empty. */
struct known_set {
    struct known *entries;
};

/* The entry of a name, or NULL. */
struct known *known_find(const struct known_set *, const char *name);

/* The same, made if there is none; NULL if memory is exhausted. */
struct known *known_add(struct known_set *, const char *name);

/* Takes an entry out and frees it. */
void known_remove(struct known_set *, struct known *);

/* The entries that the scan of that number did not meet, as many as memory allows, into `*ret`,
 * which the caller frees; returns how many. */
size_t known_unseen(const struct known_set *, uint32_t scan_number, struct known ***ret);

void known_clear(struct known_set *);

#endif
