/*
 * known.h - what was reported to a watcher: the revision and content of each document.
 *
 * After a gap, what etcd has is compared with it, so that nothing is reported twice and what has
 * gone meanwhile is reported as removed.
 */
#ifndef HF_STORE_ETCD_KNOWN_H
#define HF_STORE_ETCD_KNOWN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct known;

/* What a document is, compared with what was reported. */
enum known_news {
    KNOWN_SAME,  /* as reported */
    KNOWN_NEWER, /* new, or changed since */
    KNOWN_OTHER, /* of another history: the old one must be reported as removed first */
    KNOWN_NO_MEMORY,
};

struct known *known_new(void);
void known_free(struct known *);

/* Notes a document that is there, by the hash of its content. */
enum known_news known_put(struct known *, const char *id, uint64_t revision, uint64_t hash);

/* Forgets a document; false: it was not known. */
bool known_remove(struct known *, const char *id);

/* A comparison: what is not put between these two is forgotten, one id at a time.  The id is valid
 * until the next call; NULL: no more. */
void known_compare(struct known *);
const char *known_next_missing(struct known *);

size_t known_count(const struct known *);

#endif
