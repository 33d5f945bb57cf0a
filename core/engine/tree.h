/*
 * tree.h - what a load balancer knows of its children, and where a call goes.
 *
 * Each child tells which functions it has warm.  From that, and from which children
 * are usable at all, the tree answers two questions: which children may take a call of
 * a function, and whether this node as a whole has the function warm, which is what its
 * own parents hear.  It is a pure state machine: no lock, no clock, no I/O.
 *
 * A function that nobody has warm belongs to one child, found by consistent hashing
 * (D. Karger et al., STOC 1997), so that all first calls of it meet there, on every
 * load balancer with the same children.  The ring has `HF_TREE_POINTS` points for each
 * child, hf_hash_seeded(i, id of the child); a function stands at hf_hash(its id), and
 * its children follow clockwise.
 *
 * What a child tells is a hint: messages may be lost, repeated or late.  A snapshot
 * (begin, what is warm, end) makes good what was lost before it; an existing child never
 * ends its snapshot, and then what it told earlier stays.
 */
#ifndef HF_ENGINE_TREE_H
#define HF_ENGINE_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Longer ids are not believed to name a function. */
#define HF_TREE_ID_MAX 4096u

/* Points of each child on the ring. */
#define HF_TREE_POINTS 64u

struct hf_tree;

/* A child; the members are for reading. */
struct hf_tree_child {
    void *user;     /* the caller's */
    const char *id; /* what its points are made from */
    bool usable;    /* takes calls */
    size_t told;    /* functions that it has warm, also those not looked at yet */
    struct hf_tree *tree;
};

struct hf_tree_config {
    uint64_t seed;    /* of the map, against ids chosen to collide */
    size_t max_known; /* pairs of a child and a function it has warm; more are ignored */

    /* A first usable child has the function warm now, or no usable one has any more.
     * Must not change the tree. */
    void (*on_warm)(void *arg, const char *function, bool warm);
    void *arg;
};

/* NULL if there is no memory. */
struct hf_tree *hf_tree_new(const struct hf_tree_config *);

/* With its children.  Nobody is told.  NULL is allowed. */
void hf_tree_free(struct hf_tree *);

/* --- children ------------------------------------------------------------------------------ */

/* Adds a child that is not usable yet and has nothing.  HF_ENOMEM, HF_EEXISTS. */
int hf_tree_add(struct hf_tree *, const char *id, void *user, struct hf_tree_child **ret);

/* Takes a child out that is not usable; what it had is forgotten. */
void hf_tree_remove(struct hf_tree_child *);

/* The child says that its name is another, which changes its places on the ring.  HF_ENOMEM,
 * HF_EEXISTS: nothing has changed. */
int hf_tree_rename(struct hf_tree_child *, const char *id);

/* Whether it takes calls: it is there, well, and does not drain. */
void hf_tree_set_usable(struct hf_tree_child *, bool usable);

/* A snapshot begins: what the child has is told from the beginning. */
void hf_tree_snapshot_begin(struct hf_tree_child *);

/* It is complete: what was not told in it is gone. */
void hf_tree_snapshot_end(struct hf_tree_child *);

/* The child has a function warm, or has it no longer.  True: that was news.  Without room, or
 * with an id that is too long, it is ignored: a hint that is missing costs a cold start elsewhere.
 */
bool hf_tree_have(struct hf_tree_child *, const char *id, bool have);

/* The child says how many free slots it has for a function that it has warm.  Known as long as
 * that; of another it is ignored. */
void hf_tree_set_room(struct hf_tree_child *, const char *id, uint32_t room);

/* What it said; false: nothing, or it does not have the function warm. */
bool hf_tree_room(const struct hf_tree_child *, const char *id, uint32_t *ret);

/* The child is lost, and everything it had. */
void hf_tree_lost(struct hf_tree_child *);

/* --- answers ------------------------------------------------------------------------------- */

/* The usable children for a call of a function, at most `max`: those that have it warm, and, if
 * they are fewer than `wanted`, others in the order of the ring.  Returns how many. */
size_t hf_tree_candidates(struct hf_tree *, const char *id, size_t wanted,
                          struct hf_tree_child **ret, size_t max);

/* Usable children. */
size_t hf_tree_usable(const struct hf_tree *);

/* Whether a usable child has the function warm, as last said through `on_warm`. */
bool hf_tree_is_warm(const struct hf_tree *, const char *id);

/* Changes that concern everything a child has (usable, lost, end of a snapshot) hold at once
 * for candidates; `on_warm` hears of them here, in steps: looks at up to `budget` pairs.
 * False: nothing is left to do. */
bool hf_tree_work(struct hf_tree *, size_t budget);

/* Pairs known now, and those ignored for lack of room since the beginning. */
size_t hf_tree_known(const struct hf_tree *);
uint64_t hf_tree_ignored(const struct hf_tree *);

#endif
