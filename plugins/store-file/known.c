/*
 * known.c - a set of files by name.
 */
#include "known.h"

#include <stdlib.h>
#include <string.h>

struct known *
known_find(const struct known_set *set, const char *name)
{
    struct known *known;

    HASH_FIND_STR(set->entries, name, known);
    return known;
}

struct known *
known_add(struct known_set *set, const char *name)
{
    size_t size = strlen(name) + 1;
    struct known *known = known_find(set, name);

    if (known) {
        return known;
    }
    known = calloc(1, sizeof *known + size);
    if (!known) {
        return NULL;
    }
    memcpy(known->name, name, size);
    HASH_ADD_STR(set->entries, name, known);
    if (!known_find(set, name)) {
        free(known);
        return NULL;
    }
    return known;
}

void
known_remove(struct known_set *set, struct known *known)
{
    HASH_DEL(set->entries, known);
    free(known);
}

size_t
known_unseen(const struct known_set *set, uint32_t scan_number, struct known ***ret)
{
    struct known *known, *next;
    size_t n = 0, size = 0;

    *ret = NULL;
    HASH_ITER (hh, set->entries, known, next) {
        if (known->seen_in_scan == scan_number) {
            continue;
        }
        if (n == size) {
            struct known **entries;

            size = size ? size * 2 : 64;
            entries = realloc(*ret, size * sizeof(struct known *));
            if (!entries) {
                break; /* the next scan meets them */
            }
            *ret = entries;
        }
        (*ret)[n++] = known;
    }
    return n;
}

void
known_clear(struct known_set *set)
{
    struct known *known, *next;

    HASH_ITER (hh, set->entries, known, next) {
        known_remove(set, known);
    }
}
