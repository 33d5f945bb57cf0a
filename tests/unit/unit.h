/*
 * unit.h - one main for all unit tests, and checks that say what they saw.
 *
 *     static void
 *     fills_the_message(void)
 *     {
 *         CU_ASSERT_EQUAL(hf_fail(&err, HF_EIO, "x"), HF_EIO);
 *         UNIT_STR(err.message, "x");
 *     }
 *
 *     UNIT_MAIN("err", UNIT_TEST(fills_the_message), UNIT_TEST(...))
 *
 * `test-err` runs all tests, `test-err fills` those whose name contains "fills",
 * `test-err --list` names them.  The exit code is 0 if at least one test ran and
 * all passed.
 *
 * A test that leaves a warning or an error in the log fails, unless it said
 * before with UNIT_EXPECT_LOG(text) that a line with `text` would come; and it
 * fails if that line did not come.
 */
#ifndef HF_UNIT_UNIT_H
#define HF_UNIT_UNIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <CUnit/CUnit.h>

struct unit_test {
    const char *name;
    void (*run)(void);
};

/* clang-format off */
#define UNIT_TEST(function) { #function, function }
/* clang-format on */

#define UNIT_MAIN(suite, ...)                                                                      \
    int main(int argc, char **argv)                                                                \
    {                                                                                              \
        static const struct unit_test tests[] = { __VA_ARGS__ };                                   \
        return unit_main(suite, tests, sizeof tests / sizeof tests[0], argc, argv);                \
    }

int unit_main(const char *suite, const struct unit_test *tests, size_t n, int argc, char **argv);

/* Checks that print both values when they differ; the test goes on. */
#define UNIT_STR(actual, expected)      unit_str(__LINE__, __FILE__, (actual), (expected))
#define UNIT_CONTAINS(actual, expected) unit_contains(__LINE__, __FILE__, (actual), (expected))
#define UNIT_U64(actual, expected)                                                                 \
    unit_u64(__LINE__, __FILE__, #actual, (uint64_t)(actual), (uint64_t)(expected))
#define UNIT_INT(actual, expected)                                                                 \
    unit_int(__LINE__, __FILE__, #actual, (int64_t)(actual), (int64_t)(expected))

bool unit_str(int line, const char *file, const char *actual, const char *expected);
bool unit_contains(int line, const char *file, const char *actual, const char *expected);
bool unit_u64(int line, const char *file, const char *what, uint64_t actual, uint64_t expected);
bool unit_int(int line, const char *file, const char *what, int64_t actual, int64_t expected);

/* The running test expects one warning or error whose line contains `text`. */
void unit_expect_log(const char *text);
#define UNIT_EXPECT_LOG(text) unit_expect_log(text)

/* A new folder for the running test, removed with all it holds when it ends. */
const char *unit_folder(void);

/* Writes a file into that folder; returns its path, valid until the test ends. */
const char *unit_file(const char *name, const char *content);

/* Waits until `done(arg)`, at most ten seconds; fails the test if it did not come. */
bool unit_wait(bool (*done)(void *arg), void *arg);

#endif
