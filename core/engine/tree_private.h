/*
 * tree_private.h - inside of a tree, shared by its two halves.
 *
 * tree.c knows who has what warm; tree_ring.c makes children and places them on the
 * ring.  Nobody else includes this.
 */
#ifndef HF_ENGINE_TREE_PRIVATE_H
#define HF_ENGINE_TREE_PRIVATE_H

#include "base/list.h"
#include "base/map.h"
#include "engine/tree.h"

/* A child with what only the tree sees of it. */
struct hf_tree_member {
    struct hf_tree_child child;
    char *id;
    struct hf_list node;  /* in the tree */
    struct hf_list pairs; /* functions it has warm; those not looked at come first */
    uint64_t epoch;       /* snapshots begun, losses included */
    uint64_t valid_from;  /* what was told in an earlier epoch is gone */
    uint64_t change;      /* changes that concern all its pairs */
    uint64_t mark;        /* the answer that it is part of */
};

/* A place on the ring. */
struct hf_tree_point {
    uint64_t hash;
    struct hf_tree_member *member;
};

struct hf_tree {
    struct hf_tree_config config;
    struct hf_map functions;
    struct hf_list members;
    size_t member_count;
    struct hf_tree_point *ring; /* sorted */
    size_t known;
    uint64_t ignored;
    uint64_t mark;
};

static inline struct hf_tree_member *
hf_tree_member_of(struct hf_tree_child *child)
{
    return hf_container_of(child, struct hf_tree_member, child);
}

/* Adds usable children that do not carry the tree's mark to the `n` there are, clockwise from
 * `hash`, until there are `wanted`; returns how many there are. */
size_t hf_tree_ring_fill(struct hf_tree *, uint64_t hash, struct hf_tree_child **ret, size_t n,
                         size_t wanted);

/* Forgets what a child has. */
void hf_tree_forget_all(struct hf_tree_member *);

#endif
