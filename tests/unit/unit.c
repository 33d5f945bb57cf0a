/* unit.c - running CUnit tests and watching their logs; see unit.h. */
#include "unit.h"

#include <ftw.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <CUnit/TestRun.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/macros.h"
#include "base/text.h"

#define EXPECTED_MAX 16
#define PATHS_MAX    64

/* What belongs to the running test. */
static struct {
    struct {
        const char *text;
        bool came;
    } expected[EXPECTED_MAX];
    size_t n_expected;
    char *surprise; /* the first line that was not expected */
    char folder[64];
    char *paths[PATHS_MAX];
    size_t n_paths;
} current;

/* --- checks -------------------------------------------------------------------------------- */

static bool
check(bool ok, int line, const char *file, const char *what)
{
    return CU_assertImplementation(ok, (unsigned)line, what, file, "", CU_FALSE);
}

bool
unit_str(int line, const char *file, const char *actual, const char *expected)
{
    hf_autofree char *what =
        hf_strdup_printf("\"%s\" instead of \"%s\"", actual ? actual : "(null)", expected);

    return check(actual && strcmp(actual, expected) == 0, line, file, what);
}

bool
unit_contains(int line, const char *file, const char *actual, const char *expected)
{
    hf_autofree char *what =
        hf_strdup_printf("\"%s\" does not contain \"%s\"", actual ? actual : "(null)", expected);

    return check(actual && strstr(actual, expected), line, file, what);
}

bool
unit_u64(int line, const char *file, const char *what, uint64_t actual, uint64_t expected)
{
    hf_autofree char *text =
        hf_strdup_printf("%s is %" PRIu64 " instead of %" PRIu64, what, actual, expected);

    return check(actual == expected, line, file, text);
}

bool
unit_int(int line, const char *file, const char *what, int64_t actual, int64_t expected)
{
    hf_autofree char *text =
        hf_strdup_printf("%s is %" PRId64 " instead of %" PRId64, what, actual, expected);

    return check(actual == expected, line, file, text);
}

bool
unit_wait(bool (*done)(void *arg), void *arg)
{
    const struct timespec pause = { .tv_nsec = 1000000 };
    uint64_t end = hf_now() + 10 * HF_SEC;

    while (!done(arg)) {
        if (hf_now() > end) {
            CU_FAIL("waited ten seconds in vain");
            return false;
        }
        nanosleep(&pause, NULL);
    }
    return true;
}

/* --- logs ---------------------------------------------------------------------------------- */

void
unit_expect_log(const char *text)
{
    CU_ASSERT_FATAL(current.n_expected < EXPECTED_MAX);
    current.expected[current.n_expected++].text = text;
}

/* Each expectation takes any number of lines.  Runs under the log's mutex. */
static void
take_line(void *arg, int level, const char *line, size_t len)
{
    bool expected = level > HF_LOG_WARNING;

    (void)arg;
    for (size_t i = 0; i < current.n_expected; i++) {
        const char *text = current.expected[i].text;

        if (memmem(line, len, text, strlen(text))) {
            current.expected[i].came = true;
            expected = true;
        }
    }
    if (!expected && !current.surprise) {
        current.surprise = strndup(line, len);
    }
}

static void
check_logs(void)
{
    for (size_t i = 0; i < current.n_expected; i++) {
        if (!current.expected[i].came) {
            unit_contains(0, "log", "", current.expected[i].text);
        }
    }
    if (current.surprise) {
        check(false, 0, "log", current.surprise);
    }
}

/* --- files --------------------------------------------------------------------------------- */

static char *
keep_path(char *path)
{
    CU_ASSERT_FATAL(path && current.n_paths < PATHS_MAX);
    current.paths[current.n_paths++] = path;
    return path;
}

const char *
unit_folder(void)
{
    const char *tmp = getenv("TMPDIR");

    if (!current.folder[0]) {
        snprintf(current.folder, sizeof current.folder, "%s/hf-unit-XXXXXX",
                 tmp && strlen(tmp) < 40 ? tmp : "/tmp");
        CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(current.folder));
    }
    return current.folder;
}

const char *
unit_file(const char *name, const char *content)
{
    char *path = keep_path(hf_strdup_printf("%s/%s", unit_folder(), name));
    FILE *file = fopen(path, "we");

    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    fputs(content, file);
    CU_ASSERT_EQUAL_FATAL(fclose(file), 0);
    return path;
}

static int
remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

static void
forget_current(void)
{
    if (current.folder[0]) {
        nftw(current.folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    }
    for (size_t i = 0; i < current.n_paths; i++) {
        free(current.paths[i]);
    }
    free(current.surprise);
    memset(&current, 0, sizeof current);
}

/* --- running ------------------------------------------------------------------------------- */

static const struct unit_test *all;

static void
set_up(void)
{
    hf_log_set_sink(take_line, NULL);
}

static void
tear_down(void)
{
    hf_log_set_sink(NULL, NULL);
    check_logs();
    forget_current();
}

static void
report(const CU_pTest test, const CU_pSuite suite, const CU_pFailureRecord failure)
{
    (void)suite;
    printf("%s %s\n", failure ? "FAIL" : "ok  ", test->pName);
    for (CU_pFailureRecord f = failure; f; f = f->pNext) {
        printf("     %s:%u: %s\n", f->strFileName ? f->strFileName : "?", f->uiLineNumber,
               f->strCondition ? f->strCondition : "failed");
    }
    fflush(stdout);
}

static int
run(const char *suite_name, size_t n, const char *filter)
{
    CU_pSuite suite;
    bool ok;

    if (CU_initialize_registry() != CUE_SUCCESS) {
        return 1;
    }
    suite = CU_add_suite_with_setup_and_teardown(suite_name, NULL, NULL, set_up, tear_down);
    for (size_t i = 0; i < n; i++) {
        if (!filter || strstr(all[i].name, filter)) {
            CU_add_test(suite, all[i].name, all[i].run);
        }
    }
    CU_set_test_complete_handler(report);
    CU_run_all_tests();
    ok = CU_get_number_of_tests_run() > 0 && CU_get_number_of_failure_records() == 0;
    CU_cleanup_registry();
    return ok ? 0 : 1;
}

int
unit_main(const char *suite, const struct unit_test *tests, size_t n, int argc, char **argv)
{
    all = tests;
    if (argc > 1 && strcmp(argv[1], "--list") == 0) {
        for (size_t i = 0; i < n; i++) {
            puts(tests[i].name);
        }
        return 0;
    }
    return run(suite, n, argc > 1 ? argv[1] : NULL);
}
