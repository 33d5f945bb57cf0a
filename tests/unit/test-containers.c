/* test-containers.c - lists, maps and heaps, the latter two against plain models. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/heap.h"
#include "base/list.h"
#include "base/map.h"
#include "base/random.h"
#include "unit.h"

/* --- lists --------------------------------------------------------------------------------- */

struct item {
    int n;
    struct hf_list node;
};

/* The numbers in a list, read both ways. */
static const char *
numbers(struct hf_list *list)
{
    static char text[64];
    size_t len = 0;
    size_t back = 0;
    struct item *item;

    text[0] = '\0';
    HF_LIST_FOR (item, list, node) {
        len += (size_t)snprintf(text + len, sizeof text - len, "%d", item->n);
    }
    for (struct hf_list *l = list->prev; l != list; l = l->prev) {
        back++;
        CU_ASSERT_EQUAL(text[len - back], '0' + hf_container_of(l, struct item, node)->n);
    }
    UNIT_U64(back, len);
    return text;
}

static void
lists_keep_order(void)
{
    struct item items[6] = {
        { .n = 0 }, { .n = 1 }, { .n = 2 }, { .n = 3 }, { .n = 4 }, { .n = 5 }
    };
    struct hf_list a;
    struct hf_list b;
    struct item *item;
    struct item *next;

    hf_list_init(&a);
    hf_list_init(&b);
    CU_ASSERT_TRUE(hf_list_is_empty(&a));
    CU_ASSERT_PTR_NULL(hf_list_pop(&a));
    CU_ASSERT_PTR_NULL(hf_list_first(&a, struct item, node));
    for (int i = 0; i < 3; i++) {
        hf_list_append(&a, &items[i].node);
    }
    hf_list_prepend(&a, &items[3].node);
    hf_list_insert(&items[1].node, &items[4].node);
    UNIT_STR(numbers(&a), "30412");
    UNIT_INT(hf_list_first(&a, struct item, node)->n, 3);
    UNIT_INT(hf_list_last(&a, struct item, node)->n, 2);
    hf_list_append(&b, &items[5].node);
    hf_list_splice(&b, &a);
    UNIT_STR(numbers(&b), "530412");
    CU_ASSERT_TRUE(hf_list_is_empty(&a));
    hf_list_splice(&b, &a);
    HF_LIST_FOR_SAFE (item, next, &b, node) {
        if (item->n % 2 == 0) {
            hf_list_remove(&item->node);
            hf_list_remove(&item->node);
        }
    }
    UNIT_STR(numbers(&b), "531");
    CU_ASSERT_PTR_EQUAL(hf_list_pop(&b), &items[5].node);
    UNIT_STR(numbers(&b), "31");
}

/* --- maps ---------------------------------------------------------------------------------- */

#define KEYS 5000

struct entry {
    struct hf_map_node node;
    char key[16];
    bool present;
};

static struct entry entries[KEYS];

static void
name_entries(void)
{
    memset(entries, 0, sizeof entries);
    for (int i = 0; i < KEYS; i++) {
        snprintf(entries[i].key, sizeof entries[i].key, "key-%d", i);
    }
}

/* Every entry is found exactly if it is present, and a walk meets each once. */
static void
check_map(const struct hf_map *map)
{
    size_t present = 0;
    size_t met = 0;

    for (int i = 0; i < KEYS; i++) {
        struct hf_map_node *found = hf_map_find(map, entries[i].key, strlen(entries[i].key));

        CU_ASSERT_PTR_EQUAL_FATAL(found, entries[i].present ? &entries[i].node : NULL);
        present += entries[i].present;
    }
    for (struct hf_map_node *n = hf_map_next(map, NULL); n; n = hf_map_next(map, n)) {
        CU_ASSERT_TRUE_FATAL(hf_container_of(n, struct entry, node)->present);
        met++;
    }
    UNIT_U64(met, present);
    UNIT_U64(hf_map_count(map), present);
}

static void
maps_agree_with_a_model(void)
{
    struct hf_random random;
    struct hf_map map;

    name_entries();
    hf_map_init(&map, 99);
    hf_random_init(&random, 5);
    check_map(&map);
    for (int round = 0; round < 8; round++) {
        bool add = round % 2 == 0;

        for (int i = 0; i < 6000; i++) {
            struct entry *entry = &entries[hf_random_below(&random, KEYS)];

            if (!entry->present && (add || hf_random_below(&random, 4) == 0)) {
                CU_ASSERT_EQUAL_FATAL(
                    hf_map_add(&map, &entry->node, entry->key, strlen(entry->key)), 0);
                entry->present = true;
            } else if (entry->present && !add) {
                hf_map_remove(&map, &entry->node);
                entry->present = false;
            }
        }
        check_map(&map);
    }
    hf_map_fini(&map);
}

static void
maps_refuse_a_second(void)
{
    struct hf_map_node a;
    struct hf_map_node b;
    struct hf_map map;

    hf_map_init(&map, 0);
    UNIT_INT(hf_map_add(&map, &a, "x\0y", 3), 0);
    UNIT_INT(hf_map_add(&map, &b, "x\0y", 3), HF_EEXISTS);
    UNIT_INT(hf_map_add(&map, &b, "x\0z", 3), 0);
    CU_ASSERT_PTR_EQUAL(hf_map_find(&map, "x\0z", 3), &b);
    CU_ASSERT_PTR_NULL(hf_map_find(&map, "x", 1));
    hf_map_fini(&map);
}

static void
maps_grow_and_shrink(void)
{
    struct hf_map map;
    size_t popped = 0;

    name_entries();
    hf_map_init(&map, 0);
    for (int i = 0; i < KEYS; i++) {
        hf_map_add(&map, &entries[i].node, entries[i].key, strlen(entries[i].key));
        CU_ASSERT_FATAL(map.count <= map.buckets);
    }
    UNIT_U64(map.buckets, KEYS);
    while (hf_map_pop(&map)) {
        popped++;
    }
    UNIT_U64(popped, KEYS);
    CU_ASSERT(map.buckets <= 8);
    CU_ASSERT_PTR_NULL(map.segments[1]);
    hf_map_fini(&map);
}

/* --- heaps --------------------------------------------------------------------------------- */

#define OBJECTS 50

/* The one that comes first, by a look at all. */
static struct hf_heap_node *
comes_first(struct hf_heap_node *objects)
{
    struct hf_heap_node *first = NULL;

    for (int i = 0; i < OBJECTS; i++) {
        if (objects[i].queued && (!first || objects[i].key < first->key)) {
            first = &objects[i];
        }
    }
    return first;
}

static void
heaps_agree_with_a_model(void)
{
    struct hf_heap_node objects[OBJECTS] = { 0 };
    struct hf_heap heap = { 0 };
    struct hf_random random;

    hf_random_init(&random, 1);
    for (uint64_t i = 0; i < OBJECTS; i++) {
        objects[i].order = i;
    }
    for (int i = 0; i < 20000; i++) {
        struct hf_heap_node *object = &objects[hf_random_below(&random, OBJECTS)];

        hf_heap_remove(&heap, object);
        if (hf_random_below(&random, 4) > 0) {
            object->key = hf_random_below(&random, 100);
            hf_heap_insert(&heap, object);
        }
        CU_ASSERT_PTR_EQUAL_FATAL(heap.root, comes_first(objects));
    }
    for (int i = 0; i < OBJECTS; i++) {
        hf_heap_remove(&heap, &objects[i]);
        CU_ASSERT_PTR_EQUAL(heap.root, comes_first(objects));
    }
    CU_ASSERT_PTR_NULL(heap.root);
}

UNIT_MAIN("containers", UNIT_TEST(lists_keep_order), UNIT_TEST(maps_agree_with_a_model),
          UNIT_TEST(maps_refuse_a_second), UNIT_TEST(maps_grow_and_shrink),
          UNIT_TEST(heaps_agree_with_a_model))
