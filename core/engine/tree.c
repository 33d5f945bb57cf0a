/*
 * tree.c - what a load balancer knows of its children, and where a call goes.
 *
 * For each child and function that it has warm there is one `pair`, in a list of the
 * function's and in one of the child's.  A pair counts if it was told in the child's
 * current epoch or, while a snapshot runs, in an earlier one that is not over yet: so the
 * end of a snapshot and the loss of a child are one assignment, whatever the child had.
 *
 * What `on_warm` has to hear of such a change is found by looking at each pair of the
 * child once more, a few at a time.  Those that were looked at since the last change
 * carry its number and stand at the end of the child's list.
 */
#include "engine/tree.h"

#include <stdlib.h>
#include <string.h>

#include <hyperfaas/error.h>

#include "base/assert.h"
#include "base/hash.h"
#include "base/list.h"
#include "base/map.h"
#include "engine/tree_private.h"

struct function {
    struct hf_map_node node;
    struct hf_list pairs;
    uint32_t counted; /* pairs that on_warm has been told of, together */
    char id[];
};

struct pair {
    struct hf_list of_function;
    struct hf_list of_child;
    struct function *function;
    struct hf_tree_member *member;
    uint64_t epoch;  /* of the child, when it was told last */
    uint64_t change; /* of the child, when this was looked at last */
    bool counted;
    bool room_known;
    uint32_t room; /* free slots, as the child said */
};

/* --- pairs --------------------------------------------------------------------------------- */

/* Whether the child still says so. */
static bool
is_valid(const struct pair *pair)
{
    return pair->epoch >= pair->member->valid_from;
}

/* Tells the caller if the function has become warm or cold. */
static void
count(struct pair *pair, bool counts)
{
    struct function *function = pair->function;
    const struct hf_tree_config *config = &pair->member->child.tree->config;

    if (pair->counted == counts) {
        return;
    }
    pair->counted = counts;
    function->counted += counts ? 1 : UINT32_MAX;
    if (function->counted == (counts ? 1 : 0)) {
        config->on_warm(config->arg, function->id, counts);
    }
}

static void
function_release(struct hf_tree *tree, struct function *function)
{
    if (hf_list_is_empty(&function->pairs)) {
        hf_map_remove(&tree->functions, &function->node);
        free(function);
    }
}

static void
forget(struct pair *pair)
{
    struct hf_tree *tree = pair->member->child.tree;

    count(pair, false);
    hf_list_remove(&pair->of_function);
    hf_list_remove(&pair->of_child);
    pair->member->child.told--;
    tree->known--;
    function_release(tree, pair->function);
    free(pair);
}

/* Makes what was told of the pair true for `on_warm`. */
static void
look(struct pair *pair)
{
    struct hf_tree_member *member = pair->member;

    if (!is_valid(pair)) {
        forget(pair);
        return;
    }
    pair->change = member->change;
    hf_list_remove(&pair->of_child);
    hf_list_append(&member->pairs, &pair->of_child);
    count(pair, member->child.usable);
}

static struct function *
find(const struct hf_tree *tree, const char *id)
{
    struct hf_map_node *node = hf_map_find(&tree->functions, id, strlen(id));

    return node ? hf_container_of(node, struct function, node) : NULL;
}

static struct pair *
find_pair(const struct function *function, const struct hf_tree_member *member)
{
    struct pair *pair;

    HF_LIST_FOR (pair, &function->pairs, of_function) {
        if (pair->member == member) {
            return pair;
        }
    }
    return NULL;
}

static struct function *
function_new(struct hf_tree *tree, const char *id)
{
    size_t len = strlen(id);
    struct function *function = calloc(1, sizeof *function + len + 1);

    if (!function) {
        return NULL;
    }
    memcpy(function->id, id, len + 1);
    hf_list_init(&function->pairs);
    if (hf_map_add(&tree->functions, &function->node, function->id, len) < 0) {
        free(function);
        return NULL;
    }
    return function;
}

static struct pair *
pair_new(struct hf_tree_member *member, const char *id)
{
    struct hf_tree *tree = member->child.tree;
    struct function *function;
    struct pair *pair;

    if (tree->known >= tree->config.max_known || strlen(id) > HF_TREE_ID_MAX) {
        return NULL;
    }
    function = find(tree, id);
    if (!function && !(function = function_new(tree, id))) {
        return NULL;
    }
    pair = calloc(1, sizeof *pair);
    if (!pair) {
        function_release(tree, function);
        return NULL;
    }
    pair->function = function;
    pair->member = member;
    hf_list_append(&function->pairs, &pair->of_function);
    hf_list_append(&member->pairs, &pair->of_child);
    member->child.told++;
    tree->known++;
    return pair;
}

bool
hf_tree_have(struct hf_tree_child *child, const char *id, bool have)
{
    struct hf_tree_member *member = hf_tree_member_of(child);
    struct function *function = find(child->tree, id);
    struct pair *pair = function ? find_pair(function, member) : NULL;
    bool had = pair && is_valid(pair);

    if (!have) {
        if (pair) {
            forget(pair);
        }
        return had;
    }
    if (!pair && !(pair = pair_new(member, id))) {
        child->tree->ignored++;
        return false;
    }
    pair->epoch = member->epoch;
    look(pair);
    return !had;
}

static struct pair *
find_valid(const struct hf_tree_child *child, const char *id)
{
    const struct hf_tree_member *member =
        hf_container_of(child, const struct hf_tree_member, child);
    const struct function *function = find(child->tree, id);
    struct pair *pair = function ? find_pair(function, member) : NULL;

    return pair && is_valid(pair) ? pair : NULL;
}

void
hf_tree_set_room(struct hf_tree_child *child, const char *id, uint32_t room)
{
    struct pair *pair = find_valid(child, id);

    if (pair) {
        pair->room_known = true;
        pair->room = room;
    }
}

bool
hf_tree_room(const struct hf_tree_child *child, const char *id, uint32_t *ret)
{
    const struct pair *pair = find_valid(child, id);

    *ret = pair ? pair->room : 0;
    return pair && pair->room_known;
}

/* --- changes of a child as a whole --------------------------------------------------------- */

void
hf_tree_set_usable(struct hf_tree_child *child, bool usable)
{
    if (child->usable != usable) {
        child->usable = usable;
        hf_tree_member_of(child)->change++;
    }
}

void
hf_tree_snapshot_begin(struct hf_tree_child *child)
{
    hf_tree_member_of(child)->epoch++;
}

void
hf_tree_snapshot_end(struct hf_tree_child *child)
{
    struct hf_tree_member *member = hf_tree_member_of(child);

    member->valid_from = member->epoch;
    member->change++;
}

void
hf_tree_lost(struct hf_tree_child *child)
{
    hf_tree_set_usable(child, false);
    hf_tree_snapshot_begin(child);
    hf_tree_snapshot_end(child);
}

/* Looks at pairs of one child; returns what is left of the budget. */
static size_t
work_on(struct hf_tree_member *member, size_t budget)
{
    while (budget > 0 && !hf_list_is_empty(&member->pairs)) {
        struct pair *pair = hf_container_of(member->pairs.next, struct pair, of_child);

        if (pair->change == member->change) {
            break; /* and so are all behind it */
        }
        look(pair);
        budget--;
    }
    return budget;
}

bool
hf_tree_work(struct hf_tree *tree, size_t budget)
{
    struct hf_tree_member *member;

    HF_LIST_FOR (member, &tree->members, node) {
        budget = work_on(member, budget);
        if (budget == 0) {
            return true;
        }
    }
    return false;
}

void
hf_tree_forget_all(struct hf_tree_member *member)
{
    while (!hf_list_is_empty(&member->pairs)) {
        forget(hf_container_of(member->pairs.next, struct pair, of_child));
    }
}

/* --- answers ------------------------------------------------------------------------------- */

size_t
hf_tree_candidates(struct hf_tree *tree, const char *id, size_t wanted, struct hf_tree_child **ret,
                   size_t max)
{
    const struct function *function = find(tree, id);
    const struct pair *pair;
    size_t n = 0;

    tree->mark++;
    if (function) {
        HF_LIST_FOR (pair, &function->pairs, of_function) {
            if (n < max && pair->member->child.usable && is_valid(pair)) {
                pair->member->mark = tree->mark;
                ret[n++] = &pair->member->child;
            }
        }
    }
    return hf_tree_ring_fill(tree, hf_hash(id, strlen(id)), ret, n, hf_min(wanted, max));
}

bool
hf_tree_is_warm(const struct hf_tree *tree, const char *id)
{
    const struct function *function = find(tree, id);

    return function && function->counted > 0;
}

size_t
hf_tree_known(const struct hf_tree *tree)
{
    return tree->known;
}

uint64_t
hf_tree_ignored(const struct hf_tree *tree)
{
    return tree->ignored;
}
