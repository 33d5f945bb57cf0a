/*
 * test-store-etcd-wire.c - the store "etcd" and the bytes between it and etcd: what is asked,
 * letter by letter, and answers of all kinds, played by the test.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <hyperfaas/store.h>

#include "etcd-bench.h"
#include "plugins/store-etcd/base64.h"
#include "plugins/store-etcd/lines.h"
#include "unit.h"

#define SECOND UINT64_C(1000000000)

/* "hyperfaas/functions/", the same with '0' for its last byte, and with an "f". */
#define FIRST "aHlwZXJmYWFzL2Z1bmN0aW9ucy8="
#define END   "aHlwZXJmYWFzL2Z1bmN0aW9uczA="
#define KEY_F "aHlwZXJmYWFzL2Z1bmN0aW9ucy9m"

#define CREATED "{\"result\":{\"header\":{\"revision\":\"5\"},\"created\":true}}\n"
#define PUT_F(revision, value)                                                                     \
    "{\"result\":{\"header\":{\"revision\":\"" revision                                            \
    "\"},\"events\":[{\"kv\":{\"key\":\"" KEY_F "\",\"mod_revision\":\"" revision                  \
    "\",\"value\":\"" value "\"}}]}}\n"

/* --- parts ------------------------------------------------------------------------------ */

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

static bool
join(void *arg, const char *line, size_t len)
{
    char *text = arg;
    size_t end = strlen(text);

    snprintf(text + end, 100 - end, "%.*s|", (int)len, line);
    return true;
}

static void
lines_are_cut_by_newlines_alone(void)
{
    static const char text[] = "one\n\ntwo two\nthree\nlast";

    for (size_t cut = 0; cut < sizeof text; cut++) {
        struct lines lines = { 0 };
        char seen[100] = "";

        UNIT_INT(lines_add(&lines, text, cut, 100, join, seen), LINES_OK);
        UNIT_INT(lines_add(&lines, text + cut, sizeof text - 1 - cut, 100, join, seen), LINES_OK);
        UNIT_INT(lines_end(&lines, join, seen), LINES_OK);
        UNIT_STR(seen, "one|two two|three|last|");
        lines_fini(&lines);
    }
}

static void
lines_have_a_cap(void)
{
    struct lines lines = { 0 };
    char seen[100] = "";

    UNIT_INT(lines_add(&lines, "12345678\n1234", 13, 8, join, seen), LINES_OK);
    UNIT_INT(lines_add(&lines, "56789", 5, 8, join, seen), LINES_TOO_LONG);
    UNIT_STR(seen, "12345678|");
    lines_fini(&lines);
}

/* --- what is asked ---------------------------------------------------------------------------- */

/* Takes the next request, which must be this one. */
static struct fake_request *
take(struct bench *b, const char *path, const char *body)
{
    struct fake_request *request = fake_request_take(b->fake);
    char url[128];

    CU_ASSERT_PTR_NOT_NULL_FATAL(request);
    snprintf(url, sizeof url, "http://127.0.0.1:2379%s", path);
    UNIT_STR(request->method, "POST");
    UNIT_STR(request->url, url);
    if (body) {
        UNIT_STR(request->body, body);
    }
    return request;
}

static void
requests_are_as_etcd_reads_them(void)
{
    struct bench b;

    bench_open_alone(&b, NULL);
    bench_begin_put(&b, "f", "{}", HF_STORE_ANY, 0, 20 * SECOND);
    fake_answer(take(&b, "/v3/kv/put", "{\"key\":\"" KEY_F "\",\"value\":\"e30=\"}"), 200,
                "{\"header\":{\"revision\":\"7\"}}");
    UNIT_U64(b.answer.revision, 7);
    bench_begin_put(&b, "f", "{}", HF_STORE_ABSENT, 0, 20 * SECOND);
    fake_answer(take(&b, "/v3/kv/txn",
                     "{\"compare\":[{\"key\":\"" KEY_F
                     "\",\"target\":\"CREATE\",\"create_revision\":\"0\"}],\"success\":[{\"request_"
                     "put\":{\"key\":\"" KEY_F "\",\"value\":\"e30=\"}}]}"),
                200, "{\"header\":{\"revision\":\"8\"}}");
    UNIT_INT(b.answer.code, HF_EEXISTS); /* `succeeded` is left out when false */
    bench_begin_put(&b, "f", "{}", HF_STORE_AT_REVISION, 8, 20 * SECOND);
    fake_answer(take(&b, "/v3/kv/txn",
                     "{\"compare\":[{\"key\":\"" KEY_F
                     "\",\"target\":\"MOD\",\"mod_revision\":\"8\"}],\"success\":[{\"request_put\":"
                     "{\"key\":\"" KEY_F
                     "\",\"value\":\"e30=\"}}],\"failure\":[{\"request_range\":{\"key\":\"" KEY_F
                     "\",\"keys_only\":true}}]}"),
                200, "{\"header\":{\"revision\":9},\"succeeded\":true}"); /* a number, too */
    UNIT_INT(b.answer.code, 0);
    UNIT_U64(b.answer.revision, 9);
    bench_close(&b);
}

/* Answers the list, and returns the request for the watch. */
static struct fake_request *
begin_watch(struct bench *b)
{
    bench_begin_watch(b);
    fake_answer(take(b, "/v3/kv/range",
                     "{\"key\":\"" FIRST "\",\"range_end\":\"" END
                     "\",\"limit\":\"100\",\"revision\":\"0\",\"keys_only\":false}"),
                200, "{\"header\":{\"cluster_id\":\"1\",\"revision\":\"5\"}}");
    UNIT_U64(b->seen.synced, 1); /* no `kvs` is none */
    return take(b, "/v3/watch",
                "{\"create_request\":{\"key\":\"" FIRST "\",\"range_end\":\"" END
                "\",\"start_revision\":\"6\",\"progress_notify\":true}}");
}

static void
say(struct fake_request *request, const char *text)
{
    fake_answer_data(request, text, strlen(text));
}

/* Opens the stream and tells that it is there. */
static struct fake_request *
open_watch(struct bench *b)
{
    struct fake_request *stream = begin_watch(b);

    fake_answer_begin(stream, 200, NULL);
    say(stream, CREATED);
    return stream;
}

/* The next request is for a watch from that revision. */
static struct fake_request *
take_watch_from(struct bench *b, const char *revision)
{
    struct fake_request *request = take(b, "/v3/watch", NULL);
    char text[64];

    snprintf(text, sizeof text, "\"start_revision\":\"%s\"", revision);
    UNIT_CONTAINS(request->body, text);
    return request;
}

/* --- the stream
 * ----------------------------------------------------------------------------------- */

static void
a_stream_cut_anywhere(void)
{
    static const char text[] = CREATED PUT_F("6", "MQ==") PUT_F("7", "Mg==");

    for (size_t cut = 1; cut < sizeof text - 1; cut++) {
        struct bench b;
        struct fake_request *stream;

        bench_open_alone(&b, NULL);
        stream = begin_watch(&b);
        fake_answer_begin(stream, 200, NULL);
        fake_answer_data(stream, text, cut);
        say(stream, text + cut);
        UNIT_U64(b.seen.puts, 2);
        UNIT_STR(b.seen.data, "2");
        UNIT_U64(b.seen.revision, 7);
        UNIT_U64(b.seen.bad + b.seen.lost, 0);
        bench_close(&b);
    }
}

static void
events_of_all_kinds(void)
{
    struct bench b;
    struct fake_request *stream;

    bench_open_alone(&b, NULL);
    stream = open_watch(&b);
    say(stream, PUT_F("6", "MQ=="));
    say(stream, "{\"result\":{\"header\":{\"revision\":\"7\"},\"events\":[{\"type\":\"DELETE\","
                "\"kv\":{\"key\":\"" KEY_F "\",\"mod_revision\":\"7\"}}]}}\n");
    UNIT_U64(b.seen.puts, 1); /* without a type it is a put */
    UNIT_U64(b.seen.deletes, 1);
    UNIT_STR(b.seen.deleted, "f");
    say(stream,
        "{\"result\":{\"header\":{\"revision\":\"8\"},\"events\":[{\"type\":\"PUT\",\"kv\":{"
        "\"key\":\"" KEY_F "\",\"mod_revision\":8}}],\"whatever\":[]}}\n");
    UNIT_U64(b.seen.puts, 2); /* an empty value is left out */
    say(stream, "{\"result\":{\"header\":{\"revision\":\"9\"},\"events\":[{\"kv\":{\"key\":\"" KEY_F
                "\",\"mod_revision\":\"9\",\"value\":\"not base64!\"}}]}}\n");
    UNIT_U64(b.seen.bad, 1);
    say(stream, "{\"result\":{\"events\":[{\"kv\":{\"key\":7}},{},7]}}\n");
    CU_ASSERT_FALSE(stream->over); /* nonsense of this kind is passed over */
    bench_close(&b);
}

/* Progress may be told ahead of events: it moves nothing. */
static void
progress_moves_nothing(void)
{
    struct bench b;
    struct fake_request *stream;

    bench_open_alone(&b, NULL);
    stream = open_watch(&b);
    say(stream, PUT_F("7", "MQ=="));
    say(stream, "{\"result\":{\"header\":{\"revision\":\"50\"}}}\n");
    fake_answer_end(stream);
    stream = take_watch_from(&b, "8");
    fake_answer_begin(stream, 200, NULL); /* nor does `created`: events may still follow */
    say(stream, "{\"result\":{\"header\":{\"revision\":\"60\"},\"created\":true}}\n");
    say(stream, PUT_F("51", "Mg=="));
    fake_answer_fail(stream, HF_EUNAVAILABLE, "connection reset", true);
    take_watch_from(&b, "52");
    bench_close(&b);
}

/* However a stream ends, its watch is opened again. */
static void
ends_of_a_stream(void)
{
    static const char stopped[] = /* no newline */
        "{\"error\":{\"grpc_code\":14,\"http_code\":503,\"message\":\"etcdserver: server "
        "stopped\",\"http_status\":\"Service Unavailable\"}}";
    static const char *const last_words[] = {
        "", /* in good order */
        stopped,
        "{\"error\":{\"code\":14,\"message\":\"etcdserver: server stopped\"}}\n", /* as 3.6 */
        "{\"result\":{\"canceled\":true,\"cancel_reason\":\"etcdserver: no leader\"}}\n",
        "no JSON\n",
        "{\"result\":",
    };

    for (size_t i = 0; i < sizeof last_words / sizeof *last_words; i++) {
        struct bench b;
        struct fake_request *stream;

        bench_open_alone(&b, NULL);
        stream = open_watch(&b);
        say(stream, last_words[i]);
        if (!stream->over) {
            fake_answer_end(stream);
        }
        CU_ASSERT_TRUE(stream->over); /* what etcd leaves open in silence is closed */
        take_watch_from(&b, "6");
        UNIT_U64(b.seen.lost, 0);
        bench_close(&b);
    }
}

static void
a_compacted_start_is_listed_anew_at_once(void)
{
    struct bench b;
    struct fake_request *stream;

    bench_open_alone(&b, NULL);
    stream = begin_watch(&b);
    fake_answer_begin(stream, 200, NULL);
    say(stream, CREATED "{\"result\":{\"header\":{\"revision\":\"9\"},\"canceled\":true,"
                        "\"compact_revision\":\"8\"}}\n");
    CU_ASSERT_TRUE(stream->over);
    fake_answer(take(&b, "/v3/kv/range", NULL), 200, "{\"header\":{\"revision\":\"9\"}}");
    take_watch_from(&b, "10");
    UNIT_U64(b.seen.lost, 0);
    UNIT_U64(b.seen.synced, 1);
    bench_close(&b);
}

/* The gateway says so in one object, and leaves the stream open. */
static void
a_watch_with_a_dead_token(void)
{
    static const char *const settings[] = { "user=hf", "password=pass\"word", NULL };
    struct fake_request *stream, *request;
    struct bench b;

    bench_open_alone(&b, settings);
    bench_begin_watch(&b);
    fake_answer(
        take(&b, "/v3/auth/authenticate", "{\"name\":\"hf\",\"password\":\"pass\\\"word\"}"), 200,
        "{\"header\":{},\"token\":\"abc.5\"}");
    request = take(&b, "/v3/kv/range", NULL);
    UNIT_CONTAINS(request->headers, "Authorization: abc.5\n"); /* no "Bearer" */
    fake_answer(request, 200, "{\"header\":{\"revision\":\"5\"}}");
    stream = take_watch_from(&b, "6");
    UNIT_CONTAINS(stream->headers, "Authorization: abc.5\n");
    fake_answer_begin(stream, 200, NULL);
    say(stream, "{\"result\":{\"header\":{},\"watch_id\":\"-1\",\"created\":true,\"canceled\":true,"
                "\"cancel_reason\":\"rpc error: code = PermissionDenied desc = etcdserver: invalid "
                "auth token\"}}\n");
    CU_ASSERT_TRUE(stream->over);
    fake_answer(take(&b, "/v3/auth/authenticate", NULL), 200, "{\"token\":\"def.6\"}");
    fake_answer(take(&b, "/v3/kv/range", NULL), 200, "{\"header\":{\"revision\":\"5\"}}");
    stream = take_watch_from(&b, "6");
    UNIT_CONTAINS(stream->headers, "Authorization: def.6\n");
    bench_close(&b);
}

/* As for an empty request, which hangs: there is a limit for the first message. */
static void
a_watch_that_is_never_created(void)
{
    struct bench b;
    struct fake_request *stream;

    bench_open_alone(&b, NULL);
    stream = begin_watch(&b);
    fake_answer_begin(stream, 200, NULL);
    take_watch_from(&b, "6"); /* after the limit */
    CU_ASSERT_TRUE(stream->over);
    bench_close(&b);
}

static void
a_member_that_lags_behind(void)
{
    struct bench b;
    struct fake_request *stream;

    bench_open_alone(&b, NULL);
    stream = open_watch(&b);
    say(stream, PUT_F("9", "MQ=="));
    fake_answer_end(stream);
    stream = take_watch_from(&b, "10");
    fake_answer_begin(stream, 200, NULL);
    say(stream, CREATED); /* at 5, while 9 is known */
    CU_ASSERT_TRUE(stream->over);
    fake_answer(take(&b, "/v3/kv/range", NULL), 200,
                "{\"header\":{\"revision\":\"9\"},\"kvs\":[{\"key\":\"" KEY_F
                "\",\"mod_revision\":\"9\",\"value\":\"MQ==\"}]}");
    take_watch_from(&b, "10");
    UNIT_U64(b.seen.puts, 1); /* nothing was told twice */
    UNIT_U64(b.seen.deletes, 0);
    UNIT_U64(fake_logged(b.fake, HF_HOST_WARNING), 0);
    bench_close(&b);
}

static void
a_list_that_is_compacted_between_pages(void)
{
    struct bench b;

    bench_open_alone(&b, NULL);
    bench_begin_watch(&b);
    fake_answer(take(&b, "/v3/kv/range", NULL), 200,
                "{\"header\":{\"revision\":\"5\"},\"more\":true,\"kvs\":[{\"key\":\"" KEY_F
                "\",\"mod_revision\":\"4\",\"value\":\"MQ==\"}]}");
    fake_answer(take(&b, "/v3/kv/range",
                     "{\"key\":\"aHlwZXJmYWFzL2Z1bmN0aW9ucy9mAA==\",\"range_end\":\"" END
                     "\",\"limit\":\"100\",\"revision\":\"5\",\"keys_only\":false}"),
                400,
                "{\"error\":\"etcdserver: mvcc: required revision has been compacted\",\"code\":11,"
                "\"message\":\"etcdserver: mvcc: required revision has been compacted\"}");
    fake_answer(take(&b, "/v3/kv/range", NULL), 200,
                "{\"header\":{\"revision\":\"9\"}}"); /* from the beginning; "f" has gone */
    UNIT_U64(b.seen.deletes, 1);
    UNIT_U64(b.seen.synced, 1);
    take_watch_from(&b, "10");
    bench_close(&b);
}

/* --- members
 * ------------------------------------------------------------------------------------------ */

/* The member that a request went to: the last letter of its host's name. */
static char
member(const struct fake_request *request)
{
    return *(strchr(request->url, '.') - 1);
}

static void
the_next_member_is_asked_at_once(void)
{
    static const char *const settings[] = { "endpoints=a.x:1,b.x:1,https://c.x:1/", NULL };
    struct fake_request *first, *second, *third;
    struct bench b;

    bench_open_alone(&b, settings);
    bench_begin_put(&b, "f", "1", HF_STORE_ABSENT, 0, 20 * SECOND);
    first = fake_request_take(b.fake);
    fake_answer_fail(first, HF_EUNAVAILABLE, "connection refused", false);
    second = fake_request_take(b.fake);
    fake_answer(second, 503, "{\"message\":\"etcdserver: no leader\",\"code\":14}");
    third = fake_request_take(b.fake);
    CU_ASSERT_TRUE(member(first) != member(second) && member(second) != member(third) &&
                   member(third) != member(first));
    UNIT_STR(third->body, first->body);
    fake_answer(third, 200, "{\"header\":{\"revision\":\"3\"},\"succeeded\":true}");
    UNIT_INT(b.answer.code, 0);
    bench_begin_put(&b, "g", "1", HF_STORE_ANY, 0, 20 * SECOND);
    CU_ASSERT_EQUAL(member(fake_request_take(b.fake)), member(third)); /* it is kept to */
    bench_close(&b);
}

/* A write that may have been carried out is not repeated; a read is. */
static void
only_reads_are_repeated(void)
{
    static const char *const settings[] = { "endpoints=a.x:1,b.x:1", NULL };
    struct bench b;
    struct hf_store_op *op;

    bench_open_alone(&b, settings);
    bench_begin_put(&b, "f", "1", HF_STORE_ANY, 0, 20 * SECOND);
    fake_answer_fail(fake_request_take(b.fake), HF_EUNAVAILABLE, "connection reset", true);
    UNIT_INT(b.answer.code, HF_EUNAVAILABLE);
    UNIT_CONTAINS(b.answer.message, "may have been carried out");
    bench_begin_put(&b, "f", "1", HF_STORE_ANY, 0, 20 * SECOND);
    fake_answer(fake_request_take(b.fake), 503,
                "{\"message\":\"etcdserver: request timed out\",\"code\":14}");
    UNIT_INT(b.answer.code, HF_EUNAVAILABLE);
    bench_begin_put(&b, "f", "1", HF_STORE_ANY, 0, SECOND / 50);
    fake_request_take(b.fake);
    CU_ASSERT_TRUE(fake_wait(b.fake, &b.answer.n, 3));
    UNIT_INT(b.answer.code, HF_ETIMEOUT);
    UNIT_CONTAINS(b.answer.message, "may have been made");
    fake_settle(b.fake, 20);
    UNIT_U64(fake_requests_open(b.fake), 0);

    bench_begin_watch(&b); /* its list is a read */
    op = b.watch;
    fake_answer_fail(fake_request_take(b.fake), HF_ETIMEOUT, "no answer", true);
    fake_answer(fake_request_take(b.fake), 200, "{\"header\":{\"revision\":\"5\"}}");
    UNIT_U64(b.seen.synced, 1);
    b.ops->unwatch(b.store, op);
    bench_close(&b);
}

static void
what_is_not_etcd_is_said(void)
{
    static const char *const settings[] = { "dial_timeout=100ms", NULL };
    static const struct {
        uint32_t status;
        const char *body;
    } answers[] = { { 404, "<html>Not Found</html>" },
                    { 200, "<html>Welcome</html>" },
                    { 200, "[]" },
                    { 405, "" } };

    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        struct bench b;

        bench_open_alone(&b, settings);
        bench_begin_put(&b, "f", "1", HF_STORE_ANY, 0, 20 * SECOND);
        fake_answer(take(&b, "/v3/kv/put", NULL), answers[i].status, answers[i].body);
        while (b.answer.n == 0) {
            fake_turn(b.fake, 10);
            if (fake_requests_waiting(b.fake) > 0) { /* it is patient */
                fake_answer(take(&b, "/v3/kv/put", NULL), answers[i].status, answers[i].body);
            }
        }
        CU_ASSERT_TRUE(b.answer.code < 0);
        UNIT_CONTAINS(b.answer.message, "is this etcd");
        bench_close(&b);
    }
}

UNIT_MAIN("store-etcd-wire", UNIT_TEST(base64_is_the_standard_one),
          UNIT_TEST(lines_are_cut_by_newlines_alone), UNIT_TEST(lines_have_a_cap),
          UNIT_TEST(requests_are_as_etcd_reads_them), UNIT_TEST(a_stream_cut_anywhere),
          UNIT_TEST(events_of_all_kinds), UNIT_TEST(progress_moves_nothing),
          UNIT_TEST(ends_of_a_stream), UNIT_TEST(a_compacted_start_is_listed_anew_at_once),
          UNIT_TEST(a_watch_with_a_dead_token), UNIT_TEST(a_watch_that_is_never_created),
          UNIT_TEST(a_member_that_lags_behind), UNIT_TEST(a_list_that_is_compacted_between_pages),
          UNIT_TEST(the_next_member_is_asked_at_once), UNIT_TEST(only_reads_are_repeated),
          UNIT_TEST(what_is_not_etcd_is_said))
