/*
 * known.c - a set of files by name, as a tree of search.h.
 */
#include "known.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

static int
compare(const void *a, const void *b)
{
    return strcmp(((const struct known *)a)->name, ((const struct known *)b)->name);
}

struct known *
known_find(const struct known_set *set, const char *name)
{
    struct known key = { .name = name };
    struct known **found = tfind(&key, &set->root, compare);

    return found ? *found : NULL;
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
    known->name = memcpy(known->text, name, size);
    if (!tsearch(known, &set->root, compare)) {
        free(known);
        return NULL;
    }
    return known;
}

void
known_remove(struct known_set *set, struct known *known)
{
    tdelete(known, &set->root, compare);
    free(known);
}

/* What is being collected. */
struct unseen {
    uint32_t scan_number;
    struct known **entries;
    size_t n;
    size_t size;
};

static void
collect(const void *node, VISIT visit, void *arg)
{
    struct known *known = *(struct known *const *)node;
    struct unseen *unseen = arg;

    if ((visit != postorder && visit != leaf) || known->seen_in_scan == unseen->scan_number) {
        return;
    }
    if (unseen->n == unseen->size) {
        size_t size = unseen->size ? unseen->size * 2 : 64;
        struct known **entries = realloc(unseen->entries, size * sizeof(struct known *));

        if (!entries) {
            return; /* the next scan meets them */
        }
        unseen->entries = entries;
        unseen->size = size;
    }
    unseen->entries[unseen->n++] = known;
}

size_t
known_unseen(const struct known_set *set, uint32_t scan_number, struct known ***ret)
{
    struct unseen unseen = { .scan_number = scan_number };

    twalk_r(set->root, collect, &unseen);
    *ret = unseen.entries;
    return unseen.n;
}

void
known_clear(struct known_set *set)
{
    tdestroy(set->root, free);
    set->root = NULL;
}
