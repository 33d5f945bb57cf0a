/*
 * tournament.h - who has the fewest, without a look at all.
 *
 * A tree with one leaf for each handle index: a leaf holds a number, an inner node the
 * smallest number below it and how many leaves share it.  A change costs a walk to the
 * root, the smallest a walk down from it: O(log n).  Eight children of a node fill one
 * cache line, so ten thousand leaves are five lines deep.
 */
#ifndef HYPERFAAS_POLICY_TOURNAMENT_H
#define HYPERFAAS_POLICY_TOURNAMENT_H

#include <stdint.h>
#include <stdlib.h>

#include <hyperfaas/error.h>
#include <hyperfaas/function.h>

#ifdef __cplusplus
extern "C" {
#endif

#define HF_TOURNAMENT_CHILDREN UINT32_C(8)
#define HF_TOURNAMENT_OUT      UINT32_MAX /* the number of a leaf that takes no part */

struct hf_tournament_node {
    uint32_t fewest; /* below; HF_TOURNAMENT_OUT: nobody takes part */
    uint32_t ties;   /* leaves with that number */
};

/* Zeroed, it is empty.  The root is node 0, node k has the children 8k + 1 to 8k + 8. */
struct hf_tournament {
    struct hf_tournament_node *nodes;
    struct hf_handle *handles; /* by index */
    uint32_t width;            /* leaves, a power of eight; 0: none yet */
    uint32_t first_leaf;
};

static inline void
hf_tournament_clear(struct hf_tournament *t)
{
    free(t->nodes);
    free(t->handles);
    t->nodes = NULL;
    t->handles = NULL;
    t->width = 0;
    t->first_leaf = 0;
}

/* What node `i` must know of its children. */
static inline struct hf_tournament_node
hf_tournament_sum(const struct hf_tournament_node *nodes, uint32_t i)
{
    const struct hf_tournament_node *child = &nodes[HF_TOURNAMENT_CHILDREN * i + 1];
    struct hf_tournament_node best = child[0];

    for (uint32_t k = 1; k < HF_TOURNAMENT_CHILDREN; k++) {
        if (child[k].fewest < best.fewest) {
            best = child[k];
        } else if (child[k].fewest == best.fewest) {
            best.ties += child[k].ties;
        }
    }
    return best;
}

/* Gives the leaf of a handle, for which there is room, its number. */
static inline void
hf_tournament_set(struct hf_tournament *t, struct hf_handle handle, uint32_t number)
{
    uint32_t i = t->first_leaf + handle.index;

    t->nodes[i].fewest = number;
    t->nodes[i].ties = number != HF_TOURNAMENT_OUT;
    t->handles[handle.index] = handle;
    while (i > 0) {
        struct hf_tournament_node before;

        i = (i - 1) / HF_TOURNAMENT_CHILDREN;
        before = t->nodes[i];
        t->nodes[i] = hf_tournament_sum(t->nodes, i);
        if (t->nodes[i].fewest == before.fewest && t->nodes[i].ties == before.ties) {
            return; /* nobody above will notice */
        }
    }
}

/* The tree grown to `width` leaves; NULL without memory. */
static inline struct hf_tournament_node *
hf_tournament_grown(const struct hf_tournament *t, uint32_t width, uint32_t first_leaf)
{
    struct hf_tournament_node *nodes =
        (struct hf_tournament_node *)malloc(((size_t)first_leaf + width) * sizeof *nodes);

    if (!nodes) {
        return NULL;
    }
    for (uint32_t i = 0; i < width; i++) {
        struct hf_tournament_node out = { HF_TOURNAMENT_OUT, 0 };

        nodes[first_leaf + i] = i < t->width ? t->nodes[t->first_leaf + i] : out;
    }
    for (uint32_t i = first_leaf; i-- > 0;) {
        nodes[i] = hf_tournament_sum(nodes, i);
    }
    return nodes;
}

/* Makes room for a handle and those with a smaller index, none of which takes part yet.  0 or
 * HF_ENOMEM. */
static inline int
hf_tournament_reserve(struct hf_tournament *t, struct hf_handle handle)
{
    uint32_t width = HF_TOURNAMENT_CHILDREN;
    uint32_t first_leaf = 1;
    struct hf_tournament_node *nodes;
    struct hf_handle *handles;

    while (width <= handle.index) {
        first_leaf += width;
        width *= HF_TOURNAMENT_CHILDREN;
    }
    if (width <= t->width) {
        return 0;
    }
    handles = (struct hf_handle *)realloc(t->handles, width * sizeof *handles);
    if (!handles) {
        return HF_ENOMEM;
    }
    t->handles = handles;
    nodes = hf_tournament_grown(t, width, first_leaf);
    if (!nodes) {
        return HF_ENOMEM;
    }
    free(t->nodes);
    t->nodes = nodes;
    t->width = width;
    t->first_leaf = first_leaf;
    return 0;
}

/* The smallest number, and who has it. */
static inline struct hf_tournament_node
hf_tournament_fewest(const struct hf_tournament *t)
{
    struct hf_tournament_node none = { HF_TOURNAMENT_OUT, 0 };

    return t->width > 0 ? t->nodes[0] : none;
}

/* Number `rank` of those who share the smallest number, in the order of their indices; modulo
 * their count, so random bits do for a random one and 0 for the first.  HF_NONE: nobody takes
 * part. */
static inline struct hf_handle
hf_tournament_winner(const struct hf_tournament *t, uint64_t rank)
{
    uint32_t ties = hf_tournament_fewest(t).ties;
    uint32_t i = 0;

    if (ties == 0) {
        return HF_NONE;
    }
    rank %= ties;
    while (i < t->first_leaf) {
        uint32_t fewest = t->nodes[i].fewest;

        i = HF_TOURNAMENT_CHILDREN * i + 1;
        while (t->nodes[i].fewest != fewest || t->nodes[i].ties <= rank) {
            rank -= t->nodes[i].fewest == fewest ? t->nodes[i].ties : 0;
            i++;
        }
    }
    return t->handles[i - t->first_leaf];
}

#ifdef __cplusplus
}
#endif

#endif
