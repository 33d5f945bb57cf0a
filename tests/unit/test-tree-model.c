/*
 * test-tree-model.c - long random histories of a tree against a naive model.
 *
 * Children have functions warm or not, and say so over channels that lose, repeat and
 * break off.  The model keeps plain arrays of what was heard and searches them; after each
 * step the tree must name the same candidates, and once nothing is left to do it must have
 * told the same to its parents.  A child whose snapshot came through is known exactly.
 * HF_TEST_SEED repeats a history.
 */
#include "engine/tree.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/macros.h"
#include "base/random.h"
#include "unit.h"

#define CHILDREN  7
#define FUNCTIONS 24
#define STEPS     3000

struct model_child {
    char id[32];
    struct hf_tree_child *real;
    bool usable;
    bool warm[FUNCTIONS];  /* the truth */
    bool heard[FUNCTIONS]; /* what the tree was told */
    bool fresh[FUNCTIONS]; /* the same since the last snapshot began */
    bool exact;            /* nothing was lost since the last whole snapshot */
};

struct world {
    struct hf_random random;
    struct hf_tree *tree;
    struct model_child children[CHILDREN];
    bool told[FUNCTIONS]; /* what parents heard last */
    unsigned steps;
    bool failed;
};

static bool
expect(struct world *w, bool ok, const char *what)
{
    if (!ok && !w->failed) {
        fprintf(stderr, "step %u: %s\n", w->steps, what);
        CU_FAIL("the tree and the model disagree");
        w->failed = true;
    }
    return ok;
}

static const char *
name_of(int function)
{
    static char name[16];

    snprintf(name, sizeof name, "function-%d", function);
    return name;
}

static void
on_warm(void *arg, const char *function, bool warm)
{
    struct world *w = arg;
    int f = (int)strtol(function + strlen("function-"), NULL, 10);

    expect(w, w->told[f] != warm, "parents heard the same twice");
    w->told[f] = warm;
}

/* --- what must be -------------------------------------------------------------------------- */

/* How far clockwise from the function the child's nearest point lies. */
static uint64_t
distance(const struct model_child *child, int function)
{
    uint64_t from = hf_hash(name_of(function), strlen(name_of(function)));
    uint64_t least = UINT64_MAX;

    for (uint32_t i = 0; i < HF_TREE_POINTS; i++) {
        least = hf_min(least, hf_hash_seeded(i, child->id, strlen(child->id)) - from);
    }
    return least;
}

/* The nearest usable child that is not among the `n` in `taken`. */
static struct model_child *
nearest(struct world *w, int function, struct hf_tree_child **taken, size_t n)
{
    struct model_child *best = NULL;

    for (int c = 0; c < CHILDREN; c++) {
        struct model_child *child = &w->children[c];
        bool free = child->usable;

        for (size_t i = 0; i < n; i++) {
            free &= taken[i] != child->real;
        }
        if (free && (!best || distance(child, function) < distance(best, function))) {
            best = child;
        }
    }
    return best;
}

static size_t
count_warm(const struct world *w, int function)
{
    size_t n = 0;

    for (int c = 0; c < CHILDREN; c++) {
        n += w->children[c].usable && w->children[c].heard[function];
    }
    return n;
}

static void
check_candidates(struct world *w, int function)
{
    struct hf_tree_child *found[CHILDREN];
    size_t wanted = 1 + hf_random_below(&w->random, CHILDREN);
    size_t n = hf_tree_candidates(w->tree, name_of(function), wanted, found, CHILDREN);
    size_t warm = count_warm(w, function);

    expect(w, n >= warm, "a warm child is missing");
    for (size_t i = 0; i < n && !w->failed; i++) {
        const struct model_child *child = found[i]->user;

        if (i < warm) {
            expect(w, child->usable && child->heard[function], "not a warm child");
        } else {
            expect(w, child == nearest(w, function, found, i), "not the next on the ring");
        }
    }
    expect(w, n == hf_max(warm, hf_min(wanted, hf_tree_usable(w->tree))), "not as many as wanted");
}

static void
check_told(struct world *w)
{
    while (hf_tree_work(w->tree, 1 + hf_random_below(&w->random, 20))) {
    }
    for (int f = 0; f < FUNCTIONS; f++) {
        expect(w, w->told[f] == (count_warm(w, f) > 0), "parents know something else");
        expect(w, hf_tree_is_warm(w->tree, name_of(f)) == w->told[f], "is_warm differs");
    }
}

static void
check_exact(struct world *w, const struct model_child *child)
{
    if (child->exact) {
        expect(w, memcmp(child->heard, child->warm, sizeof child->warm) == 0,
               "a whole snapshot did not make the child known");
    }
}

/* --- what happens --------------------------------------------------------------------------- */

/* The child says something; perhaps it is lost, perhaps it comes twice. */
static void
say(struct world *w, struct model_child *child, int function, bool lossy)
{
    uint64_t copies = lossy ? hf_random_below(&w->random, 3) : 1;
    bool have = child->warm[function];

    child->exact &= copies > 0;
    for (uint64_t i = 0; i < copies; i++) {
        bool news = hf_tree_have(child->real, name_of(function), have);

        expect(w, news == (child->heard[function] != have), "wrong about what is news");
        child->heard[function] = child->fresh[function] = have;
    }
}

static void
step_change(struct world *w, struct model_child *child)
{
    int function = (int)hf_random_below(&w->random, FUNCTIONS);

    child->warm[function] = !child->warm[function];
    say(w, child, function, true);
}

/* A snapshot, which may break off. */
static void
step_snapshot(struct world *w, struct model_child *child)
{
    int until =
        hf_random_below(&w->random, 3) ? FUNCTIONS : (int)hf_random_below(&w->random, FUNCTIONS);

    hf_tree_snapshot_begin(child->real);
    memset(child->fresh, 0, sizeof child->fresh);
    for (int f = 0; f < until; f++) {
        if (child->warm[f]) {
            say(w, child, f, false);
        }
        if (hf_random_below(&w->random, 8) == 0) {
            hf_tree_work(w->tree, 3);
        }
    }
    if (until < FUNCTIONS) {
        child->exact = false;
        return;
    }
    hf_tree_snapshot_end(child->real);
    memcpy(child->heard, child->fresh, sizeof child->heard);
    child->exact = true;
}

static void
step_lost(struct model_child *child)
{
    hf_tree_lost(child->real);
    memset(child->heard, 0, sizeof child->heard);
    memset(child->fresh, 0, sizeof child->fresh);
    child->usable = child->exact = false;
}

static void
step_rename(struct world *w, struct model_child *child)
{
    snprintf(child->id, sizeof child->id, "node-%u", w->steps);
    expect(w, hf_tree_rename(child->real, child->id) == 0, "renaming failed");
}

static void
step(struct world *w)
{
    struct model_child *child = &w->children[hf_random_below(&w->random, CHILDREN)];
    uint64_t dice = hf_random_below(&w->random, 100);

    if (dice < 70) {
        step_change(w, child);
    } else if (dice < 85) {
        child->usable = hf_random_below(&w->random, 4) > 0;
        hf_tree_set_usable(child->real, child->usable);
    } else if (dice < 93) {
        step_snapshot(w, child);
    } else if (dice < 97) {
        step_lost(child);
    } else {
        step_rename(w, child);
    }
    check_exact(w, child);
    check_candidates(w, (int)hf_random_below(&w->random, FUNCTIONS));
    if (hf_random_below(&w->random, 4) == 0) {
        check_told(w);
    }
    w->steps++;
}

static void
run_history(uint64_t seed)
{
    hf_autofree struct world *w = calloc(1, sizeof *w);
    const struct hf_tree_config config = {
        .seed = seed,
        .max_known = CHILDREN * FUNCTIONS,
        .on_warm = on_warm,
        .arg = w,
    };

    CU_ASSERT_PTR_NOT_NULL_FATAL(w);
    hf_random_init(&w->random, seed);
    w->tree = hf_tree_new(&config);
    for (int c = 0; c < CHILDREN; c++) {
        struct model_child *child = &w->children[c];

        snprintf(child->id, sizeof child->id, "child-%d", c);
        CU_ASSERT_EQUAL_FATAL(hf_tree_add(w->tree, child->id, child, &child->real), 0);
    }
    while (w->steps < STEPS && !w->failed) {
        step(w);
    }
    if (w->failed) {
        fprintf(stderr, "HF_TEST_SEED=%llu\n", (unsigned long long)seed);
    }
    hf_tree_free(w->tree);
}

static void
agrees_with_the_model(void)
{
    const char *given = getenv("HF_TEST_SEED");

    if (given) {
        run_history(strtoull(given, NULL, 10));
    }
    for (uint64_t seed = 1; seed <= 40 && !given; seed++) {
        run_history(seed);
    }
}

UNIT_MAIN("tree-model", UNIT_TEST(agrees_with_the_model))
