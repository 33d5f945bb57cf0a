/*
 * tree_ring.c - the children of a load balancer, and their places on the ring.
 */
#include <stdlib.h>
#include <string.h>

#include <hyperfaas/error.h>

#include "base/assert.h"
#include "base/hash.h"
#include "engine/tree_private.h"

/* --- the ring ------------------------------------------------------------------------------ */

/* Equal hashes stand in the order of the ids, so that every load balancer agrees. */
static int
compare_points(const void *a, const void *b)
{
    const struct hf_tree_point *x = a;
    const struct hf_tree_point *y = b;

    if (x->hash != y->hash) {
        return x->hash < y->hash ? -1 : 1;
    }
    return strcmp(x->member->id, y->member->id);
}

/* The ring of all members; HF_ENOMEM leaves the old one. */
static int
make_ring(struct hf_tree *tree)
{
    struct hf_tree_point *ring =
        calloc((tree->member_count + 1) * HF_TREE_POINTS, sizeof *ring); /* never 0 bytes */
    struct hf_tree_member *member;
    size_t n = 0;

    if (!ring) {
        return HF_ENOMEM;
    }
    HF_LIST_FOR (member, &tree->members, node) {
        for (uint32_t i = 0; i < HF_TREE_POINTS; i++) {
            ring[n++] = (struct hf_tree_point){
                .hash = hf_hash_seeded(i, member->id, strlen(member->id)),
                .member = member,
            };
        }
    }
    qsort(ring, n, sizeof *ring, compare_points);
    free(tree->ring);
    tree->ring = ring;
    return 0;
}

/* The first point at or after `hash`. */
static size_t
ring_position(const struct hf_tree *tree, uint64_t hash)
{
    size_t low = 0;
    size_t high = tree->member_count * HF_TREE_POINTS;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (tree->ring[middle].hash < hash) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

size_t
hf_tree_ring_fill(struct hf_tree *tree, uint64_t hash, struct hf_tree_child **ret, size_t n,
                  size_t wanted)
{
    size_t points = tree->member_count * HF_TREE_POINTS;
    size_t at = ring_position(tree, hash);

    for (size_t i = 0; i < points && n < wanted; i++) {
        struct hf_tree_member *member = tree->ring[(at + i) % points].member;

        if (member->child.usable && member->mark != tree->mark) {
            member->mark = tree->mark;
            ret[n++] = &member->child;
        }
    }
    return n;
}

/* --- children ------------------------------------------------------------------------------ */

static bool
is_taken(const struct hf_tree *tree, const char *id)
{
    const struct hf_tree_member *member;

    HF_LIST_FOR (member, &tree->members, node) {
        if (strcmp(member->id, id) == 0) {
            return true;
        }
    }
    return false;
}

static void
member_free(struct hf_tree_member *member)
{
    hf_tree_forget_all(member);
    hf_list_remove(&member->node);
    free(member->id);
    free(member);
}

int
hf_tree_add(struct hf_tree *tree, const char *id, void *user, struct hf_tree_child **ret)
{
    struct hf_tree_member *member;

    if (is_taken(tree, id)) {
        return HF_EEXISTS;
    }
    member = calloc(1, sizeof *member);
    if (!member) {
        return HF_ENOMEM;
    }
    hf_list_init(&member->pairs);
    hf_list_append(&tree->members, &member->node);
    member->id = strdup(id);
    member->child = (struct hf_tree_child){ .user = user, .id = member->id, .tree = tree };
    tree->member_count++;
    if (!member->id || make_ring(tree) < 0) {
        tree->member_count--;
        member_free(member);
        return HF_ENOMEM;
    }
    *ret = &member->child;
    return 0;
}

void
hf_tree_remove(struct hf_tree_child *child)
{
    struct hf_tree_member *member = hf_tree_member_of(child);
    struct hf_tree *tree = child->tree;
    size_t points = tree->member_count * HF_TREE_POINTS;
    size_t kept = 0;

    hf_assert(!child->usable);
    for (size_t i = 0; i < points; i++) {
        if (tree->ring[i].member != member) {
            tree->ring[kept++] = tree->ring[i];
        }
    }
    tree->member_count--;
    member_free(member);
}

int
hf_tree_rename(struct hf_tree_child *child, const char *id)
{
    struct hf_tree_member *member = hf_tree_member_of(child);
    char *old = member->id;
    char *name;

    if (strcmp(old, id) == 0) {
        return 0;
    }
    if (is_taken(child->tree, id)) {
        return HF_EEXISTS;
    }
    name = strdup(id);
    member->id = name;
    if (!name || make_ring(child->tree) < 0) {
        member->id = old;
        free(name);
        return HF_ENOMEM;
    }
    child->id = name;
    free(old);
    return 0;
}

size_t
hf_tree_usable(const struct hf_tree *tree)
{
    const struct hf_tree_member *member;
    size_t n = 0;

    HF_LIST_FOR (member, &tree->members, node) {
        n += member->child.usable;
    }
    return n;
}

/* --- the tree ------------------------------------------------------------------------------ */

struct hf_tree *
hf_tree_new(const struct hf_tree_config *config)
{
    struct hf_tree *tree = calloc(1, sizeof *tree);

    if (!tree) {
        return NULL;
    }
    tree->config = *config;
    hf_map_init(&tree->functions, config->seed);
    hf_list_init(&tree->members);
    return tree;
}

static void
tell_nobody(void *arg, const char *function, bool warm)
{
    (void)arg;
    (void)function;
    (void)warm;
}

void
hf_tree_free(struct hf_tree *tree)
{
    if (!tree) {
        return;
    }
    tree->config.on_warm = tell_nobody;
    while (!hf_list_is_empty(&tree->members)) {
        member_free(hf_container_of(tree->members.next, struct hf_tree_member, node));
    }
    hf_map_fini(&tree->functions);
    free(tree->ring);
    free(tree);
}
