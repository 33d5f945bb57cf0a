/* test-arena.c - memory that is freed at once, and its pool of chunks. */
#include <stdalign.h>
#include <stdint.h>
#include <string.h>

#include "base/arena.h"
#include "base/random.h"
#include "unit.h"

static void
copies_texts(void)
{
    struct hf_arena arena;

    hf_arena_init(&arena);
    UNIT_STR(hf_arena_strdup(&arena, "hello"), "hello");
    UNIT_STR(hf_arena_strndup(&arena, "hello", 2), "he");
    UNIT_STR(hf_arena_strndup(&arena, "", 0), "");
    UNIT_STR(hf_arena_printf(&arena, "%d/%s", 7, "x"), "7/x");
    CU_ASSERT(memcmp(hf_arena_memdup(&arena, "a\0b", 3), "a\0b", 3) == 0);
    hf_arena_fini(&arena);
}

static void
gives_blocks_apart(void)
{
    struct hf_arena arena;
    struct hf_random random;
    unsigned char *blocks[500];
    size_t sizes[500];

    hf_arena_init(&arena);
    hf_random_init(&random, 1);
    for (size_t i = 0; i < 500; i++) {
        sizes[i] = hf_random_below(&random, i % 50 == 0 ? 100000 : 300);
        blocks[i] = hf_arena_alloc(&arena, sizes[i]);
        CU_ASSERT_PTR_NOT_NULL_FATAL(blocks[i]);
        CU_ASSERT_EQUAL((uintptr_t)blocks[i] % alignof(max_align_t), 0);
        memset(blocks[i], (int)(i % 251), sizes[i]);
    }
    for (size_t i = 0; i < 500; i++) {
        for (size_t j = 0; j < sizes[i]; j++) {
            CU_ASSERT_EQUAL_FATAL(blocks[i][j], i % 251);
        }
    }
    hf_arena_fini(&arena);
}

static void
zeroes_if_asked(void)
{
    static const char zeros[2000];
    struct hf_arena arena;

    hf_arena_init(&arena);
    memset(hf_arena_alloc(&arena, 900), 0xff, 900);
    hf_arena_clear(&arena);
    CU_ASSERT(memcmp(hf_arena_calloc(&arena, 9, 100), zeros, 900) == 0);
    CU_ASSERT(memcmp(hf_arena_calloc(&arena, 2, 1000), zeros, 2000) == 0);
    hf_arena_fini(&arena);
}

static void
refuses_the_impossible(void)
{
    struct hf_arena arena;

    hf_arena_init(&arena);
    CU_ASSERT_PTR_NULL(hf_arena_calloc(&arena, SIZE_MAX / 2, 4));
    CU_ASSERT_PTR_NULL(hf_arena_calloc(&arena, 1, SIZE_MAX - 8));
    UNIT_STR(hf_arena_strdup(&arena, "still fine"), "still fine");
    hf_arena_fini(&arena);
}

UNIT_MAIN("arena", UNIT_TEST(copies_texts), UNIT_TEST(gives_blocks_apart),
          UNIT_TEST(zeroes_if_asked), UNIT_TEST(refuses_the_impossible))
