/*
 * ring.h - consistent hashing: a ring of nodes, walked clockwise from a key.
 *
 * D. Karger et al., Consistent Hashing and Random Trees, 1997.  Each node has `vnodes`
 * points, which follow from the hash of its id and nothing else: rings of the same nodes
 * are the same at every node and after every start.  When one of n nodes joins, about
 * 1/(n+1) of the keys move.
 *
 * Two forms.  A policy for many functions keeps a `struct hf_ring`.  One that serves a
 * single function only needs the order in which a walk from that function's hash meets the
 * nodes: ascending `hf_ring_distance`.
 */
#ifndef HYPERFAAS_POLICY_RING_H
#define HYPERFAAS_POLICY_RING_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <hyperfaas/error.h>
#include <hyperfaas/function.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Where point `i` of a node is: the hash of its id and the number, mixed by MurmurHash3's fmix64
 * (A. Appleby, public domain). */
static inline uint64_t
hf_ring_point(uint64_t node_hash, uint32_t i)
{
    uint64_t x = node_hash + i * UINT64_C(0x9e3779b97f4a7c15);

    x = (x ^ (x >> 33)) * UINT64_C(0xff51afd7ed558ccd);
    x = (x ^ (x >> 33)) * UINT64_C(0xc4ceb9fe1a85ec53);
    return x ^ (x >> 33);
}

/* How far behind `key` a walk meets the first point of a node. */
static inline uint64_t
hf_ring_distance(uint64_t node_hash, uint32_t vnodes, uint64_t key)
{
    uint64_t nearest = UINT64_MAX;

    for (uint32_t i = 0; i < vnodes; i++) {
        uint64_t distance = hf_ring_point(node_hash, i) - key;

        nearest = distance < nearest ? distance : nearest;
    }
    return nearest;
}

/* --- the ring of many keys ----------------------------------------------------------------- */

struct hf_ring_entry {
    uint64_t at;
    struct hf_handle node;
};

/* What is known of a handle's index. */
struct hf_ring_node {
    uint64_t met;        /* number of the last walk that met it */
    uint32_t generation; /* of the node that is there now; 0: none */
};

/* Zeroed but for `vnodes`, it is empty. */
struct hf_ring {
    uint32_t vnodes; /* points per node, at least 1 */
    uint32_t nodes;  /* there are */
    uint32_t count;  /* entries, those of nodes that left included */
    uint32_t sorted; /* of them, from the first on */
    uint32_t room;   /* for entries, in each of the two arrays */
    struct hf_ring_entry *entries;
    struct hf_ring_entry *spare; /* where they are merged to */
    struct hf_ring_node *known;  /* by handle index */
    uint32_t known_room;
    uint64_t walks;
};

/* A walk: each node once. */
struct hf_ring_walk {
    uint32_t at;   /* next entry */
    uint32_t left; /* nodes that have not been met */
};

static inline void
hf_ring_clear(struct hf_ring *ring)
{
    uint32_t vnodes = ring->vnodes;

    free(ring->entries);
    free(ring->spare);
    free(ring->known);
    memset(ring, 0, sizeof *ring);
    ring->vnodes = vnodes;
}

static inline bool
hf_ring_is_there(const struct hf_ring *ring, struct hf_handle node)
{
    return node.index < ring->known_room && node.generation != 0 &&
           ring->known[node.index].generation == node.generation;
}

/* Equal points stand in the order of the handles. */
static inline bool
hf_ring_before(const struct hf_ring_entry *a, const struct hf_ring_entry *b)
{
    return a->at != b->at ? a->at < b->at : a->node.index < b->node.index;
}

/* Moves entry `i` of a heap down to where it belongs. */
static inline void
hf_ring_sift(struct hf_ring_entry *heap, uint32_t i, uint32_t n)
{
    struct hf_ring_entry moved = heap[i];
    uint32_t child;

    for (; (child = 2 * i + 1) < n; i = child) {
        child += child + 1 < n && hf_ring_before(&heap[child], &heap[child + 1]);
        if (!hf_ring_before(&moved, &heap[child])) {
            break;
        }
        heap[i] = heap[child];
    }
    heap[i] = moved;
}

/* Puts entries in order, in place and without memory. */
static inline void
hf_ring_heapsort(struct hf_ring_entry *heap, uint32_t n)
{
    for (uint32_t i = n / 2; i-- > 0;) {
        hf_ring_sift(heap, i, n);
    }
    for (uint32_t last = n; last-- > 1;) {
        struct hf_ring_entry top = heap[0];

        heap[0] = heap[last];
        heap[last] = top;
        hf_ring_sift(heap, 0, last);
    }
}

/* Merges the entries that came since the last time into the others and drops those of nodes that
 * left, so that many nodes which come or go at once cost one pass over the ring. */
static inline void
hf_ring_sort(struct hf_ring *ring)
{
    struct hf_ring_entry *fresh = ring->entries + ring->sorted;
    uint32_t n = ring->count - ring->sorted;
    uint32_t kept = 0;
    uint32_t a = 0;
    uint32_t b = 0;

    hf_ring_heapsort(fresh, n);
    while (a < ring->sorted || b < n) {
        bool old = b == n || (a < ring->sorted && hf_ring_before(&ring->entries[a], &fresh[b]));

        ring->spare[kept] = old ? ring->entries[a] : fresh[b];
        kept += hf_ring_is_there(ring, ring->spare[kept].node);
        a += old;
        b += !old;
    }
    fresh = ring->entries;
    ring->entries = ring->spare;
    ring->spare = fresh;
    ring->count = kept;
    ring->sorted = kept;
}

/* Makes an array longer.  0 or HF_ENOMEM. */
static inline int
hf_ring_grow(struct hf_ring_entry **entries, uint32_t room)
{
    struct hf_ring_entry *grown =
        (struct hf_ring_entry *)realloc(*entries, room * sizeof(struct hf_ring_entry));

    if (!grown) {
        return HF_ENOMEM;
    }
    *entries = grown;
    return 0;
}

/* Room for one more node with that index.  0 or HF_ENOMEM. */
static inline int
hf_ring_reserve(struct hf_ring *ring, uint32_t index)
{
    if (index >= ring->known_room) {
        uint32_t room = index + index / 2 + 16;
        struct hf_ring_node *known =
            (struct hf_ring_node *)realloc(ring->known, room * sizeof *known);

        if (!known) {
            return HF_ENOMEM;
        }
        memset(known + ring->known_room, 0, (room - ring->known_room) * sizeof *known);
        ring->known = known;
        ring->known_room = room;
    }
    if (ring->count + ring->vnodes > ring->room && ring->count > 0) {
        hf_ring_sort(ring); /* those of nodes that left go */
    }
    if (ring->count + ring->vnodes > ring->room) {
        uint32_t room = (ring->count + ring->vnodes) * 2;

        if (hf_ring_grow(&ring->entries, room) < 0 || hf_ring_grow(&ring->spare, room) < 0) {
            return HF_ENOMEM;
        }
        ring->room = room;
    }
    return 0;
}

/* A node joins.  0, or HF_ENOMEM and it has not. */
static inline int
hf_ring_add(struct hf_ring *ring, struct hf_handle node, uint64_t node_hash)
{
    int r = hf_ring_reserve(ring, node.index);

    if (r < 0) {
        return r;
    }
    for (uint32_t i = 0; i < ring->vnodes; i++) {
        ring->entries[ring->count].at = hf_ring_point(node_hash, i);
        ring->entries[ring->count].node = node;
        ring->count++;
    }
    ring->known[node.index].generation = node.generation;
    ring->nodes++;
    return 0;
}

/* A node leaves; one that is not there is no matter. */
static inline void
hf_ring_remove(struct hf_ring *ring, struct hf_handle node)
{
    if (hf_ring_is_there(ring, node)) {
        ring->known[node.index].generation = 0;
        ring->nodes--;
    }
}

/* Begins a walk at the first point at or behind `key`. */
static inline struct hf_ring_walk
hf_ring_from(struct hf_ring *ring, uint64_t key)
{
    struct hf_ring_walk walk = { 0, ring->nodes };
    uint32_t high;

    if (ring->sorted < ring->count || ring->count / 2 > (uint64_t)ring->nodes * ring->vnodes) {
        hf_ring_sort(ring);
    }
    high = ring->count;
    ring->walks++;
    while (walk.at < high) {
        uint32_t middle = walk.at + (high - walk.at) / 2;

        if (ring->entries[middle].at < key) {
            walk.at = middle + 1;
        } else {
            high = middle;
        }
    }
    return walk;
}

/* The next node that this walk has not met; HF_NONE: it has met all.  Nobody else may have begun
 * a walk on that ring since. */
static inline struct hf_handle
hf_ring_next(struct hf_ring *ring, struct hf_ring_walk *walk)
{
    while (walk->left > 0) {
        struct hf_handle node;

        walk->at = walk->at < ring->count ? walk->at : 0;
        node = ring->entries[walk->at++].node;
        if (hf_ring_is_there(ring, node) && ring->known[node.index].met != ring->walks) {
            ring->known[node.index].met = ring->walks;
            walk->left--;
            return node;
        }
    }
    return HF_NONE;
}

/* --- bounded loads --------------------------------------------------------------------------- */

/* What a node may hold at most, one more included, of `total` on `n` nodes: (1 + epsilon) times
 * its share, rounded up (V. Mirrokni et al., Consistent Hashing with Bounded Loads, 2016).  While
 * nodes hold no more than that, one of them is below it. */
static inline uint64_t
hf_bounded_load(double epsilon, uint64_t total, uint32_t n)
{
    double share = (1.0 + epsilon) * ((double)total + 1.0) / (n > 0 ? n : 1);
    uint64_t bound = share < 0x1.0p63 ? (uint64_t)share : UINT64_MAX;

    return bound + ((double)bound < share && bound < UINT64_MAX);
}

#ifdef __cplusplus
}
#endif

#endif
