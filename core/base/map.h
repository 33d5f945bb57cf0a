/*
 * map.h - from byte strings to objects, with the links in the objects.
 *
 * Linear hashing (W. Litwin, VLDB 1980): the table grows and shrinks by one
 * bucket at a time, so that no insertion ever pays for moving a million
 * entries.  Buckets lie in segments that never move.  Not locked; concurrent
 * finds are safe while nobody changes the map.
 *
 *     struct function { struct hf_map_node node; char id[HF_ID_MAX]; ... };
 *     node = hf_map_find(&functions, id, strlen(id));
 *     function = node ? hf_container_of(node, struct function, node) : NULL;
 */
#ifndef HF_BASE_MAP_H
#define HF_BASE_MAP_H

#include <stddef.h>
#include <stdint.h>

#define HF_MAP_SEGMENTS 40

struct hf_map_node {
    struct hf_map_node *next; /* in the same bucket */
    uint64_t hash;
    const void *key; /* the element's, and lives as long */
    size_t len;
};

struct hf_map {
    struct hf_map_node **segments[HF_MAP_SEGMENTS];
    uint64_t seed;
    size_t buckets; /* in use */
    size_t count;   /* elements */
};

/* Makes an empty map.  With a secret `seed`, whoever chooses the keys cannot make
 * them collide.  Allocates nothing. */
void hf_map_init(struct hf_map *map, uint64_t seed);

/* Frees the table, not the elements. */
void hf_map_fini(struct hf_map *map);

/* The element with that key, or NULL. */
struct hf_map_node *hf_map_find(const struct hf_map *map, const void *key, size_t len);

/* Adds an element under `key`, which stays the caller's and must live in or with
 * the element.  0, HF_EEXISTS or HF_ENOMEM. */
int hf_map_add(struct hf_map *map, struct hf_map_node *node, const void *key, size_t len);

/* Takes an element out; it must be in the map. */
void hf_map_remove(struct hf_map *map, struct hf_map_node *node);

/* Walks over all elements in an order without meaning; NULL begins, NULL ends.
 * Nothing may be added or removed meanwhile. */
struct hf_map_node *hf_map_next(const struct hf_map *map, const struct hf_map_node *node);

/* Takes out and returns any element, NULL when none is left: for emptying. */
struct hf_map_node *hf_map_pop(struct hf_map *map);

static inline size_t
hf_map_count(const struct hf_map *map)
{
    return map->count;
}

#endif
