/*
 * known.c - what was reported to a watcher.
 */
#include "known.h"

#include <stdlib.h>
#include <string.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

struct entry {
    uint64_t revision, hash;
    UT_hash_handle hh;
    char id[];
};

struct known {
    struct entry *present; /* or all, while nothing is compared */
    struct entry *doubted; /* by a comparison that has not met them yet */
    struct entry *missing; /* reported last by `known_next_missing` */
};

struct known *
known_new(void)
{
    return calloc(1, sizeof(struct known));
}

static void
free_all(struct entry **entries)
{
    struct entry *entry, *next;

    HASH_ITER (hh, *entries, entry, next) {
        HASH_DEL(*entries, entry);
        free(entry);
    }
}

void
known_free(struct known *known)
{
    if (known) {
        free_all(&known->present);
        free_all(&known->doubted);
        free(known->missing);
        free(known);
    }
}

/* Adds an entry to a table; false without memory. */
static bool
add(struct entry **entries, struct entry *entry)
{
    struct entry *found;

    HASH_ADD_STR(*entries, id, entry);
    HASH_FIND_STR(*entries, entry->id, found);
    return found;
}

static struct entry *
entry_new(const char *id)
{
    size_t size = strlen(id) + 1;
    struct entry *entry = calloc(1, sizeof *entry + size);

    if (entry) {
        memcpy(entry->id, id, size);
    }
    return entry;
}

/* Takes an entry out of the table that has it; NULL: none has. */
static struct entry *
take(struct known *known, const char *id)
{
    struct entry *entry;

    HASH_FIND_STR(known->present, id, entry);
    if (entry) {
        HASH_DEL(known->present, entry);
        return entry;
    }
    HASH_FIND_STR(known->doubted, id, entry);
    if (entry) {
        HASH_DEL(known->doubted, entry);
    }
    return entry;
}

enum known_news
known_put(struct known *known, const char *id, uint64_t revision, uint64_t hash)
{
    struct entry *entry = take(known, id);
    enum known_news news = KNOWN_NEWER;

    if (!entry) {
        entry = entry_new(id);
    } else if (entry->revision == revision && entry->hash == hash) {
        news = KNOWN_SAME;
    } else if (entry->revision >= revision) {
        news = KNOWN_OTHER;
    }
    if (!entry || !add(&known->present, entry)) {
        free(entry);
        return KNOWN_NO_MEMORY;
    }
    entry->revision = revision;
    entry->hash = hash;
    return news;
}

bool
known_remove(struct known *known, const char *id)
{
    struct entry *entry = take(known, id);
    bool was_known = entry;

    free(entry);
    return was_known;
}

void
known_compare(struct known *known)
{
    struct entry *entry, *next;

    HASH_ITER (hh, known->doubted, entry, next) { /* of a comparison that was not finished */
        HASH_DEL(known->doubted, entry);
        if (!add(&known->present, entry)) {
            free(entry);
        }
    }
    known->doubted = known->present;
    known->present = NULL;
}

const char *
known_next_missing(struct known *known)
{
    free(known->missing);
    known->missing = known->doubted;
    if (!known->missing) {
        return NULL;
    }
    HASH_DEL(known->doubted, known->missing);
    return known->missing->id;
}

size_t
known_count(const struct known *known)
{
    return HASH_COUNT(known->present) + HASH_COUNT(known->doubted);
}
