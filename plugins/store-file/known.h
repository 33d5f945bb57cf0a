/*
 * known.h - the files of a folder as they were last told; part of follow.c's memory.
 */
#ifndef HF_STORE_FILE_KNOWN_H
#define HF_STORE_FILE_KNOWN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct known {
    const char *name;      /* points to `text`, but in the key of a search */
    uint64_t revision;     /* of what was found last, good or bad */
    uint32_t seen_in_scan; /* the scan that saw it last */
    bool told;             /* a good version was told and stands */
    char text[];
};

/* All of them, by name.  Zeros: empty. */
struct known_set {
    void *root; /* a tree, search.h */
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
