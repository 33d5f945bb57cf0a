/*
 * test-tree.c - a load balancer's routing: who has what warm, and the ring.
 */
#include "engine/tree.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <hyperfaas/error.h>

#include "base/macros.h"
#include "unit.h"

#define MAX_CHILDREN 16
#define KEYS         2000

/* What on_warm said. */
struct heard {
    char last[64];
    unsigned warm;
    unsigned cold;
};

struct scene {
    struct heard heard;
    struct hf_tree *tree;
    struct hf_tree_child *child[MAX_CHILDREN];
};

static void
on_warm(void *arg, const char *function, bool warm)
{
    struct heard *heard = arg;

    snprintf(heard->last, sizeof heard->last, "%s", function);
    heard->warm += warm;
    heard->cold += !warm;
}

/* A tree of `n` usable children, "child-0" and so on. */
static struct scene *
scene_new(int n)
{
    struct scene *scene = calloc(1, sizeof *scene);
    const struct hf_tree_config config = {
        .seed = 1,
        .max_known = 100,
        .on_warm = on_warm,
        .arg = &scene->heard,
    };

    scene->tree = hf_tree_new(&config);
    for (int i = 0; i < n; i++) {
        char id[32];

        snprintf(id, sizeof id, "child-%d", i);
        CU_ASSERT_EQUAL_FATAL(hf_tree_add(scene->tree, id, NULL, &scene->child[i]), 0);
        hf_tree_set_usable(scene->child[i], true);
    }
    return scene;
}

static void
scene_free(struct scene *scene)
{
    hf_tree_free(scene->tree);
    free(scene);
}

/* The only candidate for a call, as an index; -1: none, or several. */
static int
only(struct scene *scene, const char *function)
{
    struct hf_tree_child *found[MAX_CHILDREN];

    if (hf_tree_candidates(scene->tree, function, 1, found, MAX_CHILDREN) != 1) {
        return -1;
    }
    for (int i = 0; i < MAX_CHILDREN; i++) {
        if (scene->child[i] == found[0]) {
            return i;
        }
    }
    return -1;
}

/* --- warm ----------------------------------------------------------------------------------- */

static void
nobody_there_means_no_candidate(void)
{
    struct scene *scene = scene_new(0);

    UNIT_INT(only(scene, "f"), -1);
    scene_free(scene);
}

static void
warm_children_come_first(void)
{
    struct scene *scene = scene_new(4);
    int home = only(scene, "f");
    int other = (home + 1) % 4;

    CU_ASSERT_TRUE(home >= 0);
    CU_ASSERT_TRUE(hf_tree_have(scene->child[other], "f", true));
    UNIT_INT(only(scene, "f"), other);
    CU_ASSERT_TRUE(hf_tree_have(scene->child[other], "f", false));
    UNIT_INT(only(scene, "f"), home);
    scene_free(scene);
}

static void
repeated_messages_are_no_news(void)
{
    struct scene *scene = scene_new(2);

    CU_ASSERT_TRUE(hf_tree_have(scene->child[0], "f", true));
    CU_ASSERT_FALSE(hf_tree_have(scene->child[0], "f", true));
    CU_ASSERT_TRUE(hf_tree_have(scene->child[0], "f", false));
    CU_ASSERT_FALSE(hf_tree_have(scene->child[0], "f", false));
    UNIT_U64(scene->heard.warm, 1);
    UNIT_U64(scene->heard.cold, 1);
    scene_free(scene);
}

static void
parents_hear_the_first_and_the_last(void)
{
    struct scene *scene = scene_new(3);

    for (int i = 0; i < 3; i++) {
        hf_tree_have(scene->child[i], "f", true);
    }
    UNIT_U64(scene->heard.warm, 1);
    CU_ASSERT_TRUE(hf_tree_is_warm(scene->tree, "f"));
    for (int i = 0; i < 3; i++) {
        UNIT_U64(scene->heard.cold, 0);
        hf_tree_have(scene->child[i], "f", false);
    }
    UNIT_U64(scene->heard.cold, 1);
    UNIT_STR(scene->heard.last, "f");
    CU_ASSERT_FALSE(hf_tree_is_warm(scene->tree, "f"));
    scene_free(scene);
}

static void
unusable_child_keeps_what_it_has(void)
{
    struct scene *scene = scene_new(2);

    hf_tree_have(scene->child[0], "f", true);
    hf_tree_set_usable(scene->child[0], false);
    UNIT_INT(only(scene, "f"), 1);
    CU_ASSERT_FALSE(hf_tree_work(scene->tree, 10));
    UNIT_U64(scene->heard.cold, 1);
    hf_tree_set_usable(scene->child[0], true);
    UNIT_INT(only(scene, "f"), 0);
    CU_ASSERT_FALSE(hf_tree_work(scene->tree, 10));
    UNIT_U64(scene->heard.warm, 2);
    scene_free(scene);
}

static void
lost_child_has_nothing(void)
{
    struct scene *scene = scene_new(2);

    hf_tree_have(scene->child[0], "f", true);
    hf_tree_lost(scene->child[0]);
    UNIT_INT(only(scene, "f"), 1);
    hf_tree_set_usable(scene->child[0], true);
    hf_tree_have(scene->child[1], "g", true);
    while (hf_tree_work(scene->tree, 1)) {
    }
    UNIT_U64(scene->child[0]->told, 0);
    UNIT_U64(hf_tree_known(scene->tree), 1);
    CU_ASSERT_FALSE(hf_tree_is_warm(scene->tree, "f"));
    scene_free(scene);
}

/* --- snapshots ------------------------------------------------------------------------------ */

static void
snapshot_keeps_calls_where_they_are(void)
{
    struct scene *scene = scene_new(2);
    int home = only(scene, "f");
    int other = 1 - home;

    hf_tree_have(scene->child[other], "f", true);
    hf_tree_snapshot_begin(scene->child[other]);
    UNIT_INT(only(scene, "f"), other);
    CU_ASSERT_FALSE(hf_tree_have(scene->child[other], "f", true));
    hf_tree_snapshot_end(scene->child[other]);
    CU_ASSERT_FALSE(hf_tree_work(scene->tree, 10));
    UNIT_INT(only(scene, "f"), other);
    UNIT_U64(scene->heard.warm, 1);
    UNIT_U64(scene->heard.cold, 0);
    scene_free(scene);
}

static void
snapshot_ends_what_it_does_not_tell(void)
{
    struct scene *scene = scene_new(2);
    int home = only(scene, "f");
    int other = 1 - home;

    hf_tree_have(scene->child[other], "f", true);
    hf_tree_have(scene->child[other], "g", true);
    hf_tree_snapshot_begin(scene->child[other]);
    hf_tree_have(scene->child[other], "g", true);
    hf_tree_snapshot_end(scene->child[other]);
    UNIT_INT(only(scene, "f"), home);
    UNIT_INT(only(scene, "g"), other);
    CU_ASSERT_FALSE(hf_tree_work(scene->tree, 10));
    UNIT_U64(scene->heard.cold, 1);
    UNIT_STR(scene->heard.last, "f");
    scene_free(scene);
}

static void
without_an_end_the_old_stays(void)
{
    struct scene *scene = scene_new(2);

    hf_tree_have(scene->child[0], "f", true);
    hf_tree_snapshot_begin(scene->child[0]);
    hf_tree_have(scene->child[0], "g", true);
    UNIT_INT(only(scene, "f"), 0);
    UNIT_INT(only(scene, "g"), 0);
    scene_free(scene);
}

static void
memory_is_bounded(void)
{
    static char long_id[HF_TREE_ID_MAX + 2];
    struct scene *scene = scene_new(1);
    char id[16];

    for (int i = 0; i < 150; i++) {
        snprintf(id, sizeof id, "f%d", i);
        hf_tree_have(scene->child[0], id, true);
    }
    UNIT_U64(hf_tree_known(scene->tree), 100);
    UNIT_U64(hf_tree_ignored(scene->tree), 50);
    hf_tree_have(scene->child[0], "f0", false);
    memset(long_id, 'x', sizeof long_id - 1);
    CU_ASSERT_FALSE(hf_tree_have(scene->child[0], long_id, true));
    CU_ASSERT_TRUE(hf_tree_have(scene->child[0], "f149", true));
    scene_free(scene);
}

/* --- the ring ------------------------------------------------------------------------------- */

static void
cold_functions_go_where_they_always_went(void)
{
    static const struct {
        const char *function;
        int child;
    } vectors[] = {
        { "hello", 1 }, { "echo", 3 }, { "sleep", 3 }, { "bfs", 1 }, { "thumbnailer", 3 }
    };
    struct scene *scene = scene_new(4);

    for (size_t i = 0; i < hf_countof(vectors); i++) {
        UNIT_INT(only(scene, vectors[i].function), vectors[i].child);
    }
    scene_free(scene);
}

static void
homes_of(struct scene *scene, int homes[KEYS])
{
    char id[16];

    for (int i = 0; i < KEYS; i++) {
        snprintf(id, sizeof id, "key%d", i);
        homes[i] = only(scene, id);
    }
}

static void
functions_spread_evenly(void)
{
    struct scene *scene = scene_new(8);
    int homes[KEYS];
    int share[8] = { 0 };

    homes_of(scene, homes);
    for (int i = 0; i < KEYS; i++) {
        share[homes[i]]++;
    }
    for (int i = 0; i < 8; i++) {
        CU_ASSERT_TRUE(share[i] > KEYS / 8 / 2 && share[i] < KEYS / 8 * 2);
    }
    scene_free(scene);
}

static void
only_the_lost_childs_functions_move(void)
{
    struct scene *scene = scene_new(5);
    int before[KEYS];
    int after[KEYS];

    homes_of(scene, before);
    hf_tree_set_usable(scene->child[2], false);
    homes_of(scene, after);
    for (int i = 0; i < KEYS; i++) {
        CU_ASSERT_TRUE(after[i] != 2 && (before[i] == 2 || after[i] == before[i]));
    }
    scene_free(scene);
}

static void
a_new_child_takes_only_its_share(void)
{
    struct scene *scene = scene_new(4);
    int before[KEYS];
    int after[KEYS];
    int moved = 0;

    homes_of(scene, before);
    CU_ASSERT_EQUAL_FATAL(hf_tree_add(scene->tree, "new", NULL, &scene->child[4]), 0);
    hf_tree_set_usable(scene->child[4], true);
    homes_of(scene, after);
    for (int i = 0; i < KEYS; i++) {
        CU_ASSERT_TRUE(after[i] == before[i] || after[i] == 4);
        moved += after[i] != before[i];
    }
    CU_ASSERT_TRUE(moved > KEYS / 5 / 2 && moved < KEYS / 5 * 2);
    scene_free(scene);
}

static void
places_follow_the_name_alone(void)
{
    struct scene *scene = scene_new(3);
    struct scene *other = scene_new(0);
    int homes[KEYS];
    int others[KEYS];

    for (int i = 2; i >= 0; i--) {
        char id[32];

        snprintf(id, sizeof id, "10.0.0.%d:50050", i);
        CU_ASSERT_EQUAL_FATAL(hf_tree_add(other->tree, id, NULL, &other->child[i]), 0);
        hf_tree_set_usable(other->child[i], true);
        snprintf(id, sizeof id, "child-%d", i);
        CU_ASSERT_EQUAL(hf_tree_rename(other->child[i], id), 0);
        UNIT_STR(other->child[i]->id, id);
    }
    homes_of(scene, homes);
    homes_of(other, others);
    CU_ASSERT_EQUAL(memcmp(homes, others, sizeof homes), 0);
    UNIT_INT(hf_tree_rename(other->child[0], "child-1"), HF_EEXISTS);
    scene_free(scene);
    scene_free(other);
}

static void
more_children_come_in_the_order_of_the_ring(void)
{
    struct scene *scene = scene_new(4);
    struct hf_tree_child *found[4];
    int home = only(scene, "f");

    UNIT_U64(hf_tree_candidates(scene->tree, "f", 9, found, 4), 4);
    CU_ASSERT_PTR_EQUAL(found[0], scene->child[home]);
    for (size_t i = 1; i < 4; i++) {
        struct hf_tree_child *next[4];

        hf_tree_set_usable(found[i - 1], false);
        UNIT_U64(hf_tree_candidates(scene->tree, "f", 1, next, 4), 1);
        CU_ASSERT_PTR_EQUAL(next[0], found[i]);
    }
    scene_free(scene);
}

static void
spilling_adds_to_the_warm_ones(void)
{
    struct scene *scene = scene_new(4);
    struct hf_tree_child *found[4];
    int home = only(scene, "f");
    int warm = (home + 2) % 4;

    hf_tree_have(scene->child[warm], "f", true);
    UNIT_U64(hf_tree_candidates(scene->tree, "f", 2, found, 4), 2);
    CU_ASSERT_PTR_EQUAL(found[0], scene->child[warm]);
    CU_ASSERT_PTR_EQUAL(found[1], scene->child[home]);
    scene_free(scene);
}

static void
a_child_that_is_taken_out_leaves_nothing(void)
{
    struct scene *scene = scene_new(4);
    struct hf_tree_child *again;
    char function[32];
    int home[KEYS];

    for (int i = 0; i < KEYS; i++) {
        snprintf(function, sizeof function, "f%d", i);
        home[i] = only(scene, function);
    }
    hf_tree_have(scene->child[2], "warm", true);
    hf_tree_lost(scene->child[2]);
    hf_tree_remove(hf_steal(scene->child[2]));
    UNIT_U64(hf_tree_known(scene->tree), 0);
    UNIT_U64(scene->heard.warm, 1);
    UNIT_U64(scene->heard.cold, 1);
    for (int i = 0; i < KEYS; i++) {
        snprintf(function, sizeof function, "f%d", i);
        CU_ASSERT_TRUE(home[i] == 2 ? only(scene, function) >= 0
                                    : only(scene, function) == home[i]);
    }
    UNIT_INT(hf_tree_add(scene->tree, "child-2", NULL, &again), 0); /* its name is free again */
    scene_free(scene);
}

UNIT_MAIN("tree", UNIT_TEST(nobody_there_means_no_candidate), UNIT_TEST(warm_children_come_first),
          UNIT_TEST(repeated_messages_are_no_news), UNIT_TEST(parents_hear_the_first_and_the_last),
          UNIT_TEST(unusable_child_keeps_what_it_has), UNIT_TEST(lost_child_has_nothing),
          UNIT_TEST(snapshot_keeps_calls_where_they_are),
          UNIT_TEST(snapshot_ends_what_it_does_not_tell), UNIT_TEST(without_an_end_the_old_stays),
          UNIT_TEST(memory_is_bounded), UNIT_TEST(cold_functions_go_where_they_always_went),
          UNIT_TEST(functions_spread_evenly), UNIT_TEST(only_the_lost_childs_functions_move),
          UNIT_TEST(a_new_child_takes_only_its_share), UNIT_TEST(places_follow_the_name_alone),
          UNIT_TEST(more_children_come_in_the_order_of_the_ring),
          UNIT_TEST(spilling_adds_to_the_warm_ones),
          UNIT_TEST(a_child_that_is_taken_out_leaves_nothing))
