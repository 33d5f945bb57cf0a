/* test-log.c - how log lines look, who may write them, and where they go. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/log_line.h"
#include "base/macros.h"
#include "unit.h"

HF_LOG_MODULE(quiet);

/* What the sink has taken. */
static char taken[65536];
static size_t taken_len;
static size_t taken_lines;

static void
take(void *arg, int level, const char *line, size_t len)
{
    (void)arg;
    (void)level;
    CU_ASSERT_FATAL(taken_len + len < sizeof taken);
    memcpy(taken + taken_len, line, len);
    taken_len += len;
    taken[taken_len] = '\0';
    taken_lines++;
}

static void
begin(void)
{
    taken_len = taken_lines = 0;
    taken[0] = '\0';
    hf_log_set_sink(take, NULL);
}

/* Formats fields behind a fixed time, level and module. */
static const char *
format(enum hf_log_format how, const struct hf_kv *fields, size_t n)
{
    static struct hf_log_line line;

    hf_log_line_format(&line, how, UINT64_C(1767323045678) * HF_MSEC, "unit", HF_LOG_INFO, fields,
                       n);
    CU_ASSERT_EQUAL(line.data[line.len - 1], '\n');
    line.data[line.len - 1] = '\0';
    return line.data;
}

#define LOGFMT(...)                                                                                \
    format(HF_LOG_LOGFMT, (const struct hf_kv[]){ __VA_ARGS__ },                                   \
           hf_countof(((const struct hf_kv[]){ __VA_ARGS__ })))
#define JSON(...)                                                                                  \
    format(HF_LOG_JSON, (const struct hf_kv[]){ __VA_ARGS__ },                                     \
           hf_countof(((const struct hf_kv[]){ __VA_ARGS__ })))

static void
writes_logfmt(void)
{
    struct hf_err err = HF_ERR_INIT;

    hf_fail(&err, HF_ENOTFOUND, "no \"x\"");
    UNIT_STR(LOGFMT(HF_KV_STR("msg", "it began"), HF_KV_STR("id", "a-b/c:1"), HF_KV_U64("n", 7),
                    HF_KV_I64("i", -7), HF_KV_DOUBLE("d", 0.5), HF_KV_BOOL("yes", true),
                    HF_KV_DURATION("took", 12500000), HF_KV_STR("none", NULL), HF_KV_ERR(&err)),
             "time=2026-01-02T03:04:05.678Z level=info module=unit msg=\"it began\" id=a-b/c:1 "
             "n=7 i=-7 d=0.5 yes=true took=12.5ms none=- error=\"no \\\"x\\\"\" code=not-found");
}

static void
writes_json(void)
{
    struct hf_err err = HF_ERR_INIT;

    hf_fail(&err, HF_EIO, "gone");
    UNIT_STR(JSON(HF_KV_STR("msg", "it"), HF_KV_U64("n", UINT64_MAX), HF_KV_DOUBLE("d", 1e300),
                  HF_KV_BOOL("no", false), HF_KV_DURATION("took", 1500000000), HF_KV_ERR(&err)),
             "{\"time\":\"2026-01-02T03:04:05.678Z\",\"level\":\"info\",\"module\":\"unit\","
             "\"msg\":\"it\",\"n\":18446744073709551615,\"d\":1e+300,\"no\":false,"
             "\"took\":1.500000000,\"error\":\"gone\",\"code\":\"io\"}");
    UNIT_CONTAINS(JSON(HF_KV_DOUBLE("d", 0.0 / 0.0)), "nan\"");
}

static void
lets_nobody_forge_a_line(void)
{
    static const char evil[] = "x\ntime=now level=error \"\\ \x1b[31m\x7f\xc2\x85\xff\xc3\xa9\0y";
    const char *safe = "\"x\\ntime=now level=error \\\"\\\\ \\u001b[31m\\u007f\\u0085"
                       "\xef\xbf\xbd\xc3\xa9\\u0000y\"";
    char expected[256];

    snprintf(expected, sizeof expected, " id=%s", safe);
    UNIT_CONTAINS(LOGFMT(HF_KV_MEM("id", evil, sizeof evil - 1)), expected);
    snprintf(expected, sizeof expected, ",\"id\":%s}", safe);
    UNIT_CONTAINS(JSON(HF_KV_MEM("id", evil, sizeof evil - 1)), expected);
    UNIT_CONTAINS(LOGFMT(HF_KV_STR("id", "a=b")), "id=\"a=b\"");
    UNIT_CONTAINS(LOGFMT(HF_KV_STR("id", "")), "id=\"\"");
}

static void
cuts_long_lines(void)
{
    static char text[3 * HF_LOG_LINE_MAX];
    const char *line;

    memset(text, '"', sizeof text - 1);
    line = LOGFMT(HF_KV_STR("long", text), HF_KV_U64("lost", 1));
    CU_ASSERT(strlen(line) < HF_LOG_LINE_MAX);
    UNIT_STR(line + strlen(line) - 23, "\\\"\\\"...\" truncated=true");
    line = JSON(HF_KV_STR("long", text), HF_KV_U64("lost", 1));
    CU_ASSERT(strlen(line) < HF_LOG_LINE_MAX);
    UNIT_STR(line + strlen(line) - 26, "\\\"\\\"...\",\"truncated\":true}");
}

static int
count_call(int *calls)
{
    return ++*calls;
}

static void
obeys_levels(void)
{
    struct hf_err err = HF_ERR_INIT;
    int calls = 0;

    begin();
    hf_log(HF_LOG_DEBUG, "not seen", HF_KV_I64("n", count_call(&calls)));
    UNIT_INT(calls, 0);
    hf_log(HF_LOG_INFO, "seen");
    UNIT_INT(hf_log_set_level("quiet", HF_LOG_ERROR, &err), 0);
    hf_log(HF_LOG_WARNING, "not seen");
    UNIT_INT(hf_log_set_levels("warning, quiet=debug", &err), 0);
    hf_log(HF_LOG_DEBUG, "seen too");
    UNIT_INT(hf_log_set_levels("info", &err), 0);
    hf_log(HF_LOG_DEBUG, "not seen");
    UNIT_U64(taken_lines, 2);
    UNIT_CONTAINS(taken, "level=info module=quiet msg=seen\n");
    UNIT_CONTAINS(taken, "level=debug module=quiet msg=\"seen too\"\n");
}

static void
refuses_bad_levels(void)
{
    struct hf_err err = HF_ERR_INIT;

    begin();
    UNIT_INT(hf_log_set_levels("quiet=error,loud", &err), HF_EINVALID);
    UNIT_STR(err.message, "log levels 'quiet=error,loud': 'loud' is no log level; they are error, "
                          "warning, notice, info, debug");
    hf_log(HF_LOG_INFO, "nothing has changed");
    UNIT_U64(taken_lines, 1);
    UNIT_INT(hf_log_set_levels("other=info", &err), HF_ENOTFOUND);
    UNIT_CONTAINS(err.message, "no module 'other' logs here; these do: ");
    UNIT_CONTAINS(err.message, "quiet");
}

static void
log_limited(int i)
{
    hf_log_limited(HF_LOG_INFO, "flood", HF_KV_I64("i", i));
}

static void
limits_floods(void)
{
    struct hf_log_limit limit = { 0 };
    uint64_t dropped = 0;
    size_t admitted = 0;

    begin();
    for (int i = 0; i < 1000; i++) {
        log_limited(i);
    }
    CU_ASSERT(taken_lines >= HF_LOG_BURST && taken_lines < HF_LOG_BURST + 100);
    UNIT_CONTAINS(taken, "msg=flood i=0\n");
    for (int i = 0; i < 100; i++) {
        admitted += hf_log_admit(&limit, &dropped);
    }
    atomic_store(&limit.full_at, 0); /* as if a long time had passed */
    CU_ASSERT_TRUE(hf_log_admit(&limit, &dropped));
    UNIT_U64(dropped, 100 - admitted);
}

static void
writes_to_a_file(void)
{
    struct hf_err err = HF_ERR_INIT;
    const char *path = unit_file("log", "before\n");
    char moved[256];
    char text[512] = "";
    FILE *file;

    hf_log_set_sink(NULL, NULL);
    UNIT_INT(hf_log_open("/nonexistent/log", &err), HF_ENOTFOUND);
    UNIT_STR(err.message, "cannot open log file '/nonexistent/log': No such file or directory");
    UNIT_INT(hf_log_open(path, &err), 0);
    hf_log(HF_LOG_INFO, "one");
    snprintf(moved, sizeof moved, "%s.1", path);
    CU_ASSERT_EQUAL(rename(path, moved), 0);
    hf_log(HF_LOG_INFO, "two");
    UNIT_INT(hf_log_reopen(&err), 0);
    hf_log(HF_LOG_INFO, "three");
    UNIT_INT(hf_log_open(NULL, &err), 0);
    file = fopen(moved, "re");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    UNIT_CONTAINS(text, "before\ntime=");
    UNIT_CONTAINS(text, "msg=two\n");
    CU_ASSERT_PTR_NULL(strstr(text, "three"));
    file = fopen(path, "re");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    UNIT_CONTAINS(text, "msg=three\n");
}

static void *
log_many(void *arg)
{
    for (int i = 0; i < 100; i++) {
        hf_log(HF_LOG_INFO, "from a thread", HF_KV_U64("thread", (uintptr_t)arg),
               HF_KV_I64("i", i));
    }
    return NULL;
}

static void
keeps_lines_whole(void)
{
    struct hf_err err = HF_ERR_INIT;
    const char *path = unit_file("log", "");
    pthread_t threads[4];
    char line[512];
    size_t lines = 0;
    FILE *file;

    hf_log_set_sink(NULL, NULL);
    CU_ASSERT_EQUAL_FATAL(hf_log_open(path, &err), 0);
    for (uintptr_t i = 0; i < 4; i++) {
        CU_ASSERT_EQUAL_FATAL(pthread_create(&threads[i], NULL, log_many, (void *)i), 0);
    }
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
    }
    hf_log_open(NULL, &err);
    file = fopen(path, "re");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    while (fgets(line, sizeof line, file)) {
        CU_ASSERT(strncmp(line, "time=", 5) == 0);
        UNIT_CONTAINS(line, " msg=\"from a thread\" thread=");
        lines++;
    }
    fclose(file);
    UNIT_U64(lines, 400);
}

UNIT_MAIN("log", UNIT_TEST(writes_logfmt), UNIT_TEST(writes_json),
          UNIT_TEST(lets_nobody_forge_a_line), UNIT_TEST(cuts_long_lines), UNIT_TEST(obeys_levels),
          UNIT_TEST(refuses_bad_levels), UNIT_TEST(limits_floods), UNIT_TEST(writes_to_a_file),
          UNIT_TEST(keeps_lines_whole))
