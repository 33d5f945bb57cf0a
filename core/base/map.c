/* map.c - linear hashing; see map.h. */
#include "base/map.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <hyperfaas/error.h>

#include "base/assert.h"
#include "base/hash.h"

/* Buckets of the first segment; segment i > 0 has FIRST << (i - 1), so that
 * together they are always twice as many as without the last. */
#define FIRST ((size_t)8)

static size_t
segment_size(unsigned segment)
{
    return segment == 0 ? FIRST : FIRST << (segment - 1);
}

/* Segment that holds the bucket; sets `*ret_offset` to its place there. */
static unsigned
segment_of(size_t bucket, size_t *ret_offset)
{
    unsigned segment = 0;

    if (bucket >= FIRST) {
        segment = 64 - (unsigned)__builtin_clzll(bucket / FIRST);
        bucket -= segment_size(segment);
    }
    *ret_offset = bucket;
    return segment;
}

static struct hf_map_node **
bucket_at(const struct hf_map *map, size_t bucket)
{
    size_t offset;
    unsigned segment = segment_of(bucket, &offset);

    return &map->segments[segment][offset];
}

/* The largest power of two that is at most `n`, which is not 0. */
static size_t
power_below(size_t n)
{
    return (size_t)1 << (63 - __builtin_clzll(n));
}

/* The bucket of a hash.  Buckets from `split` on have been divided already, or
 * are themselves the result, and go by one more bit. */
static size_t
bucket_of(const struct hf_map *map, uint64_t hash)
{
    size_t power = power_below(map->buckets);
    size_t bucket = hash & (2 * power - 1);

    return bucket < map->buckets ? bucket : bucket & (power - 1);
}

void
hf_map_init(struct hf_map *map, uint64_t seed)
{
    *map = (struct hf_map){ .seed = seed };
}

void
hf_map_fini(struct hf_map *map)
{
    for (unsigned i = 0; i < HF_MAP_SEGMENTS; i++) {
        free(map->segments[i]);
    }
    hf_map_init(map, map->seed);
}

static bool
allocate_segment(struct hf_map *map, unsigned segment)
{
    if (!map->segments[segment]) {
        map->segments[segment] = calloc(segment_size(segment), sizeof(struct hf_map_node *));
    }
    return map->segments[segment] != NULL;
}

/* Divides one bucket between itself and a new last one. */
static void
grow(struct hf_map *map)
{
    size_t power = power_below(map->buckets);
    size_t offset;
    struct hf_map_node **from;
    struct hf_map_node **to;

    if (!allocate_segment(map, segment_of(map->buckets, &offset))) {
        return; /* longer chains are slower, not wrong */
    }
    from = bucket_at(map, map->buckets - power);
    to = bucket_at(map, map->buckets);
    while (*from) {
        struct hf_map_node *node = *from;

        if (node->hash & power) {
            *from = node->next;
            node->next = *to;
            *to = node;
        } else {
            from = &node->next;
        }
    }
    map->buckets++;
}

/* Joins the last bucket with the one it was divided from. */
static void
shrink(struct hf_map *map)
{
    size_t last = map->buckets - 1;
    struct hf_map_node **from = bucket_at(map, last);
    struct hf_map_node **to = bucket_at(map, last - power_below(last));
    size_t offset;
    unsigned segment = segment_of(last, &offset);

    while (*to) {
        to = &(*to)->next;
    }
    *to = *from;
    *from = NULL;
    map->buckets--;
    if (offset == 0) {
        free(map->segments[segment]);
        map->segments[segment] = NULL;
    }
}

static struct hf_map_node *
find(const struct hf_map *map, uint64_t hash, const void *key, size_t len)
{
    struct hf_map_node *node = map->buckets ? *bucket_at(map, bucket_of(map, hash)) : NULL;

    while (node && (node->hash != hash || node->len != len ||
                    (len > 0 && memcmp(node->key, key, len) != 0))) {
        node = node->next;
    }
    return node;
}

struct hf_map_node *
hf_map_find(const struct hf_map *map, const void *key, size_t len)
{
    return find(map, hf_hash_seeded(map->seed, key, len), key, len);
}

int
hf_map_add(struct hf_map *map, struct hf_map_node *node, const void *key, size_t len)
{
    uint64_t hash = hf_hash_seeded(map->seed, key, len);
    struct hf_map_node **bucket;

    if (find(map, hash, key, len)) {
        return HF_EEXISTS;
    }
    if (map->buckets == 0) {
        if (!allocate_segment(map, 0)) {
            return HF_ENOMEM;
        }
        map->buckets = FIRST;
    }
    bucket = bucket_at(map, bucket_of(map, hash));
    *node = (struct hf_map_node){ .next = *bucket, .hash = hash, .key = key, .len = len };
    *bucket = node;
    map->count++;
    if (map->count > map->buckets) {
        grow(map);
    }
    return 0;
}

void
hf_map_remove(struct hf_map *map, struct hf_map_node *node)
{
    struct hf_map_node **link;

    hf_assert(map->count > 0);
    link = bucket_at(map, bucket_of(map, node->hash));
    while (*link && *link != node) {
        link = &(*link)->next;
    }
    hf_assert(*link == node);
    *link = node->next;
    node->next = NULL;
    map->count--;
    if (map->buckets > FIRST && map->count < map->buckets / 4) {
        shrink(map);
    }
}

/* The first element in `bucket` or behind it. */
static struct hf_map_node *
first_from(const struct hf_map *map, size_t bucket)
{
    for (; bucket < map->buckets; bucket++) {
        struct hf_map_node *node = *bucket_at(map, bucket);

        if (node) {
            return node;
        }
    }
    return NULL;
}

struct hf_map_node *
hf_map_next(const struct hf_map *map, const struct hf_map_node *node)
{
    if (!node) {
        return first_from(map, 0);
    }
    return node->next ? node->next : first_from(map, bucket_of(map, node->hash) + 1);
}

struct hf_map_node *
hf_map_pop(struct hf_map *map)
{
    struct hf_map_node *node = NULL;

    if (map->count == 0) {
        return NULL;
    }
    /* From the end, giving up empty buckets, so that emptying takes linear time. */
    while (map->buckets > FIRST && !*bucket_at(map, map->buckets - 1)) {
        shrink(map);
    }
    for (size_t bucket = map->buckets; !node; bucket--) {
        node = *bucket_at(map, bucket - 1);
    }
    hf_map_remove(map, node);
    return node;
}
