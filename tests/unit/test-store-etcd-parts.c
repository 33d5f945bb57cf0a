/*
 * test-store-etcd-parts.c - the parts of the store "etcd" that stand alone: base64, lines, and
 * what a watcher was told.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plugins/store-etcd/known.h"
#include "plugins/store-etcd/lines.h"
#include "plugins/store-etcd/wire.h"
#include "unit.h"

static void
base64_is_the_standard_one(void)
{
    static const struct {
        const char *bytes, *text;
    } pairs[] = {
        { "", "" },        { "f", "Zg==" },        { "fo", "Zm8=" },
        { "foo", "Zm9v" }, { "foob", "Zm9vYg==" }, { "\xff\xfe\xfb", "//77" },
    };
    static const char *const bad[] = { "Zg", "Zg=", "Zg==x", "Z===", "====", "Zm9v\n", "_-__" };
    size_t len;

    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        char *text = base64_encode(pairs[i].bytes, strlen(pairs[i].bytes));
        char *bytes = base64_decode(text, strlen(text), &len);

        UNIT_STR(text, pairs[i].text);
        UNIT_STR(bytes, pairs[i].bytes);
        UNIT_U64(len, strlen(pairs[i].bytes));
        free(text);
        free(bytes);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        CU_ASSERT_PTR_NULL(base64_decode(bad[i], strlen(bad[i]), &len));
    }
}

/* Appends all lines that are whole. */
static void
join(struct lines *lines, char seen[100])
{
    const char *line;
    size_t len;

    while ((line = lines_next(lines, &len))) {
        size_t end = strlen(seen);

        snprintf(seen + end, 100 - end, "%.*s|", (int)len, line);
    }
}

static void
lines_are_cut_by_newlines_alone(void)
{
    static const char text[] = "one\n\ntwo two\nthree\nlast";

    for (size_t cut = 0; cut < sizeof text; cut++) {
        struct lines lines = { 0 };
        char seen[100] = "";
        const char *rest;
        size_t len;

        CU_ASSERT_TRUE(lines_add(&lines, text, cut, 100));
        join(&lines, seen);
        CU_ASSERT_TRUE(lines_add(&lines, text + cut, sizeof text - 1 - cut, 100));
        join(&lines, seen);
        UNIT_STR(seen, "one|two two|three|");
        rest = lines_rest(&lines, &len);
        UNIT_U64(len, 4);
        CU_ASSERT_TRUE(rest && strncmp(rest, "last", 4) == 0);
        CU_ASSERT_PTR_NULL(lines_rest(&lines, &len));
        lines_fini(&lines);
    }
}

static void
lines_have_a_cap(void)
{
    struct lines lines = { 0 };
    char seen[100] = "";

    CU_ASSERT_TRUE(lines_add(&lines, "12345\n12", 8, 8));
    CU_ASSERT_FALSE(lines_add(&lines, "3", 1, 8));
    join(&lines, seen);
    UNIT_STR(seen, "12345|");
    UNIT_U64(lines_waiting(&lines), 2);
    CU_ASSERT_TRUE(lines_add(&lines, "34567\n", 6, 8));
    CU_ASSERT_FALSE(lines_add(&lines, "123456789", 9, 8));
    join(&lines, seen);
    UNIT_STR(seen, "12345|1234567|");
    lines_fini(&lines);
}

static void
what_is_news(void)
{
    struct known *known = known_new();

    UNIT_INT(known_put(known, "a", 5, 50), KNOWN_NEWER);
    UNIT_INT(known_put(known, "a", 5, 50), KNOWN_SAME);
    UNIT_INT(known_put(known, "a", 6, 50), KNOWN_NEWER); /* written again with the same content */
    UNIT_INT(known_put(known, "a", 6, 51), KNOWN_OTHER); /* not possible in one history */
    UNIT_INT(known_put(known, "a", 2, 51), KNOWN_OTHER);
    CU_ASSERT_TRUE(known_remove(known, "a"));
    CU_ASSERT_FALSE(known_remove(known, "a"));
    UNIT_INT(known_put(known, "a", 1, 1), KNOWN_NEWER);
    known_free(known);
}

static void
what_a_comparison_did_not_meet_has_gone(void)
{
    struct known *known = known_new();
    const char *missing;

    known_put(known, "stays", 1, 1);
    known_put(known, "goes", 2, 2);
    known_put(known, "removed meanwhile", 3, 3);
    known_compare(known);
    known_put(known, "stays", 1, 1);
    known_compare(known); /* again: the first one was not finished */
    UNIT_U64(known_count(known), 3);
    UNIT_INT(known_put(known, "stays", 1, 1), KNOWN_SAME);
    UNIT_INT(known_put(known, "new", 4, 4), KNOWN_NEWER);
    CU_ASSERT_TRUE(known_remove(known, "removed meanwhile"));
    missing = known_next_missing(known);
    UNIT_STR(missing, "goes");
    CU_ASSERT_PTR_NULL(known_next_missing(known));
    UNIT_U64(known_count(known), 2);
    known_free(known);
}

UNIT_MAIN("store-etcd-parts", UNIT_TEST(base64_is_the_standard_one),
          UNIT_TEST(lines_are_cut_by_newlines_alone), UNIT_TEST(lines_have_a_cap),
          UNIT_TEST(what_is_news), UNIT_TEST(what_a_comparison_did_not_meet_has_gone))
