/*
 * test-runtime-fake.c - the runtime "fake": the contract of runtimes, its
 * models, chance, the policy clock, capacity, and thousands of instances.
 */
#include <malloc.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <hyperfaas/runtime.h>

#include "contract-runtime.h"
#include "plugins/runtime-fake/models.h"
#include "runtime-bench.h"
#include "unit.h"

static const uint64_t SECOND = 1000000000;
static const uint64_t MS = 1000000;

const struct hf_plugin *const contract_runtime_plugin = &hyperfaas_plugin;
const char *const contract_runtime_image = "hyperfaas-hello:latest";

const char *const *
contract_runtime_settings(void)
{
    static const char *const settings[] = { NULL };

    return settings;
}

static void
open_with(struct runtime_bench *b, const char *one, const char *two)
{
    const char *const settings[] = { one, two, NULL };

    runtime_bench_open(b, &hyperfaas_plugin, settings);
}

/* Makes a whole unary call, as far as it goes without the policy clock. */
static struct fake_call *
call(struct runtime_bench *b, const char *address, const char *path, const void *data, size_t len)
{
    struct fake_call *c = fake_call_new(b->fake, address, path);

    fake_call_send(c, data, len);
    fake_call_half_close(c);
    return c;
}

static void
expect_reply(struct runtime_bench *b, const char *address, const char *path, const char *request,
             const char *reply)
{
    struct fake_call *c = call(b, address, path, request, strlen(request));

    CU_ASSERT_TRUE(c->finished);
    UNIT_INT(c->status, 0);
    CU_ASSERT_EQUAL(c->n_replies, 1);
    CU_ASSERT_EQUAL_FATAL(c->reply_len, strlen(reply));
    CU_ASSERT_EQUAL(memcmp(c->reply, reply, c->reply_len), 0);
    fake_call_free(c);
}

static void
expect_status(struct runtime_bench *b, const char *address, const char *path, const char *request,
              uint32_t status)
{
    struct fake_call *c = call(b, address, path, request, strlen(request));

    CU_ASSERT_TRUE(c->finished);
    UNIT_INT(c->status, status);
    CU_ASSERT_EQUAL(c->n_replies, 0);
    fake_call_free(c);
}

/* --- models ------------------------------------------------------------------------- */

static void
sample_services(void)
{
    static const char *const greeters[] = { "hyperfaas-grpc-proxy-greeter:latest", "greeter" };
    struct runtime_answer a;
    struct runtime_bench b;

    open_with(&b, NULL, NULL);
    a = runtime_start(&b, "hyperfaas-hello:latest");
    UNIT_INT(a.ready, 1);
    expect_reply(&b, a.internal, "/examples.hello.v1.Hello/SayHello", "", "\x0a\x0dHello, World!");
    expect_status(&b, a.internal, "/examples.hello.v1.Hello/SayGoodbye", "", 12);
    expect_status(&b, a.internal, "/grpc.health.v1.Health/Check", "", 12);
    expect_status(&b, a.internal, "/examples.hello.v1.Hello/SayHello", "\xff", 13);
    for (size_t i = 0; i < 2; i++) {
        a = runtime_start(&b, greeters[i]);
        expect_reply(&b, a.internal, "/examples.greeter.v1.Greeter/SayHello", "",
                     "\x0a\x0dHello, world!");
        expect_reply(&b, a.internal, "/examples.greeter.v1.Greeter/SayHello", "\x0a\x03you",
                     "\x0a\x0bHello, you!");
    }
    a = runtime_start(&b, "hyperfaas-echo");
    expect_reply(&b, a.internal, "/examples.echo.v1.Echo/Echo", "\x0a\x05hello", "\x0a\x05hello");
    expect_reply(&b, a.internal, "/examples.echo.v1.Echo/Echo", "", "");
    expect_reply(&b, a.internal, "/examples.echo.v1.Echo/Echo", "\x12\x01x\x0a\x02yz",
                 "\x0a\x02yz"); /* unknown fields are skipped */
    runtime_bench_close(&b);
}

static void
sleeps_on_the_policy_clock(void)
{
    struct runtime_answer a;
    struct runtime_bench b;
    struct fake_call *c;

    open_with(&b, NULL, NULL);
    a = runtime_start(&b, "sleep");
    /* 60,000,000,000 ns as a varint */
    c = call(&b, a.internal, "/examples.sleep.v1.Sleep/Sleep", "\x08\x80\xb0\x9d\xc2\xdf\x01", 7);
    fake_advance(b.fake, 59 * SECOND);
    fake_settle(b.fake, 5);
    CU_ASSERT_FALSE(c->finished);
    fake_advance(b.fake, SECOND);
    fake_settle(b.fake, 5);
    CU_ASSERT_TRUE(c->finished);
    UNIT_INT(c->status, 0);
    CU_ASSERT_EQUAL(memcmp(c->reply,
                           "\x0a\x11"
                           "Finished Sleeping",
                           19),
                    0);
    fake_call_free(c);
    c = call(&b, a.internal, "/examples.sleep.v1.Sleep/Sleep", "\x08\x80\xb0\x9d\xc2\xdf\x01", 7);
    fake_call_free(c); /* the caller gives up */
    fake_advance(b.fake, 100 * SECOND);
    fake_settle(b.fake, 5);
    runtime_bench_close(&b);
}

static void
crashes(void)
{
    struct runtime_answer a;
    struct runtime_bench b;
    struct fake_call *c, *other;

    open_with(&b, NULL, NULL);
    a = runtime_start(&b, "hyperfaas-crash:latest");
    c = call(&b, a.internal, "/examples.crash.v1.Crash/Crash", "", 0);
    other = fake_call_new(b.fake, a.internal, "/examples.crash.v1.Crash/Crash");
    fake_advance(b.fake, 2 * SECOND - 1);
    fake_settle(b.fake, 5);
    CU_ASSERT_EQUAL(b.ends, 0);
    fake_advance(b.fake, 1);
    CU_ASSERT_TRUE(fake_wait(b.fake, &b.ends, 1));
    CU_ASSERT_FALSE(c->finished); /* the connection just drops */
    CU_ASSERT_TRUE(c->ended);
    CU_ASSERT_TRUE(other->ended);
    UNIT_STR(b.end_id, a.id);
    UNIT_INT(b.end.signal, 6);
    UNIT_INT(b.end.exit_code, -1);
    fake_call_free(c);
    fake_call_free(other);
    c = fake_call_new(b.fake, a.internal, "/examples.crash.v1.Crash/Crash");
    CU_ASSERT_FALSE(c->admitted);
    fake_call_free(c);
    CU_ASSERT_EQUAL(runtime_list(&b).infos, 0);
    runtime_bench_close(&b);
}

static void
service_times(void)
{
    struct runtime_answer a;
    struct runtime_bench b;
    struct fake_call *c;
    uint64_t sum = 0;

    open_with(&b, "service_time=20ms", "seed=7");
    a = runtime_start(&b, "hyperfaas-fixed:latest");
    c = call(&b, a.internal, "/any.Service/Method", "not protobuf", 12);
    fake_advance(b.fake, 20 * MS - 1);
    fake_settle(b.fake, 5);
    CU_ASSERT_FALSE(c->finished);
    fake_advance(b.fake, 1);
    fake_settle(b.fake, 5);
    CU_ASSERT_TRUE(c->finished);
    CU_ASSERT_EQUAL(memcmp(c->reply, "not protobuf", 12), 0);
    fake_call_free(c);

    a = runtime_start(&b, "hyperfaas-lognormal:latest");
    for (int i = 0; i < 100; i++) { /* in steps of a millisecond */
        c = call(&b, a.internal, "/any.Service/Method", "x", 1);
        while (!c->finished) {
            fake_advance(b.fake, MS);
            sum += MS;
            fake_turn(b.fake, 0);
        }
        fake_call_free(c);
    }
    CU_ASSERT_TRUE(sum > 1000 * MS && sum < 4000 * MS); /* mean 20 ms, sigma 1 */
    runtime_bench_close(&b);
}

static void
any_image(void)
{
    struct runtime_answer a;
    struct runtime_bench b;
    struct fake_call *c;

    open_with(&b, "any_image=yes", NULL);
    a = runtime_start(&b, "registry/whatever:v3");
    UNIT_INT(a.code, 0);
    c = fake_call_new(b.fake, a.internal, "/any.Service/Stream");
    fake_call_send(c, "one", 3);
    CU_ASSERT_EQUAL(c->n_replies, 1); /* each message at once */
    fake_call_send(c, "two", 3);
    CU_ASSERT_EQUAL(c->n_replies, 2);
    UNIT_STR((const char *)c->reply, "two");
    CU_ASSERT_FALSE(c->finished);
    fake_call_half_close(c);
    CU_ASSERT_TRUE(c->finished);
    fake_call_free(c);
    runtime_bench_close(&b);
}

/* What no unary caller does. */
static void
odd_calls(void)
{
    struct runtime_answer a;
    struct runtime_bench b;
    struct fake_call *c;

    open_with(&b, NULL, NULL);
    a = runtime_start(&b, "echo");
    c = fake_call_new(b.fake, a.internal, "/examples.echo.v1.Echo/Echo");
    fake_call_send(c, "", 0);
    fake_call_send(c, "", 0);
    CU_ASSERT_TRUE(c->finished);
    UNIT_INT(c->status, 12);
    fake_call_free(c);
    c = fake_call_new(b.fake, a.internal, "/examples.echo.v1.Echo/Echo");
    fake_call_half_close(c);
    UNIT_INT(c->status, 13);
    fake_call_free(c);
    runtime_bench_close(&b);
}

/* --- addresses ------------------------------------------------------------------------- */

static void
admits_only_instances(void)
{
    static const char *const strangers[] = { "127.0.0.1",   "127.255.255.255", "10.1.0.0",
                                             "192.168.1.5", "127.1.0.200",     "fe80::1" };
    struct runtime_answer a;
    struct runtime_bench b;
    struct fake_call *c;
    char address[64];

    open_with(&b, "port=41234", NULL);
    a = runtime_start(&b, "hello");
    CU_ASSERT_EQUAL(strncmp(a.internal, "127.", 4), 0);
    UNIT_CONTAINS(a.internal, ":41234");
    for (size_t i = 0; i < sizeof strangers / sizeof *strangers; i++) {
        snprintf(address, sizeof address, "%s:41234", strangers[i]);
        c = fake_call_new(b.fake, address, "/examples.hello.v1.Hello/SayHello");
        CU_ASSERT_FALSE(c->admitted);
        fake_call_free(c);
    }
    runtime_stop(&b, a.id, 0);
    c = fake_call_new(b.fake, a.internal, "/examples.hello.v1.Hello/SayHello");
    CU_ASSERT_FALSE(c->admitted);
    fake_call_free(c);
    CU_ASSERT_STRING_NOT_EQUAL(runtime_start(&b, "hello").internal, a.internal);
    runtime_bench_close(&b);
}

/* Bytes allocated; 0 under tools that have an allocator of their own. */
static size_t
allocated(void)
{
    return mallinfo2().uordblks;
}

/* Nanoseconds of processor time that this process has used. */
static uint64_t
processor_time(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
    return (uint64_t)ts.tv_sec * SECOND + (uint64_t)ts.tv_nsec;
}

static void
thousands(void)
{
    enum { N = 20000 };
    struct runtime_answer *answers = calloc(N, sizeof *answers);
    struct hf_runtime_stats stats = { .size = sizeof stats };
    size_t before, all_done = 0;
    struct runtime_bench b;
    uint64_t begun, took;

    CU_ASSERT_PTR_NOT_NULL_FATAL(answers);
    open_with(&b, NULL, NULL);
    memset(answers, 1, N * sizeof *answers);
    before = allocated();
    begun = processor_time();
    for (size_t i = 0; i < N; i++) {
        CU_ASSERT_EQUAL(runtime_begin(&b, "hello", &answers[i], NULL, NULL), 0);
    }
    while (all_done < N) {
        fake_turn(b.fake, 10);
        while (all_done < N && answers[all_done].n == 1) {
            all_done++;
        }
    }
    took = processor_time() - begun;
    CU_ASSERT_TRUE(took < 2 * SECOND); /* 10,000 a second at the least */
    CU_ASSERT_TRUE((allocated() - before) / N < 512);
    b.ops->stats(b.runtime, &stats);
    CU_ASSERT_EQUAL(stats.instances, N);
    CU_ASSERT_EQUAL(runtime_list(&b).infos, N);
    expect_reply(&b, answers[N - 1].internal, "/examples.hello.v1.Hello/SayHello", "",
                 "\x0a\x0dHello, World!");
    runtime_bench_close(&b);
    free(answers);
}

/* Starts and stops in turn: slots are used again, but not soon. */
static void
reuses_slots(void)
{
    struct runtime_bench b;
    char last[64] = "";

    open_with(&b, "max_instances=3", NULL);
    for (int i = 0; i < 50; i++) {
        struct runtime_answer a = runtime_start(&b, "hello"), second = runtime_start(&b, "echo");

        UNIT_INT(a.code, 0);
        CU_ASSERT_STRING_NOT_EQUAL(a.internal, last);
        snprintf(last, sizeof last, "%s", second.internal);
        UNIT_INT(runtime_stop(&b, a.id, 0).code, 0);
        UNIT_INT(runtime_stop(&b, second.id, 0).code, 0);
    }
    for (int i = 0; i < 3; i++) {
        UNIT_INT(runtime_start(&b, "hello").code, 0);
    }
    UNIT_INT(runtime_start(&b, "hello").code, HF_EFULL);
    runtime_bench_close(&b);
}

/* --- starts ------------------------------------------------------------------------------ */

static void
start_delays(void)
{
    struct runtime_answer a, b_answer;
    struct hf_runtime_op *op = NULL;
    struct runtime_bench b;

    open_with(&b, "start_delay=500ms", NULL);
    CU_ASSERT_EQUAL(runtime_begin(&b, "hello", &a, NULL, NULL), 0);
    CU_ASSERT_EQUAL(runtime_begin(&b, "hello", &b_answer, &op, NULL), 0);
    fake_advance(b.fake, 499 * MS);
    fake_settle(b.fake, 5);
    CU_ASSERT_EQUAL(a.n, 0);
    CU_ASSERT_EQUAL(runtime_list(&b).infos, 0); /* not running yet */
    b.ops->cancel(b.runtime, op);
    CU_ASSERT_EQUAL(b_answer.n, 0);
    CU_ASSERT_TRUE(fake_wait(b.fake, &b_answer.n, 1)); /* needs no clock */
    UNIT_INT(b_answer.code, HF_ECANCELLED);
    fake_advance(b.fake, MS);
    CU_ASSERT_TRUE(fake_wait(b.fake, &a.n, 1));
    UNIT_INT(a.code, 0);
    runtime_bench_close(&b);
}

static void
failures_by_chance(void)
{
    struct runtime_bench b;
    struct runtime_answer a;
    int failed = 0;

    open_with(&b, "start_failure=0.3", "seed=abc");
    for (int i = 0; i < 200; i++) {
        a = runtime_start(&b, "hello");
        CU_ASSERT_TRUE(a.code == 0 || a.code == HF_EUNAVAILABLE);
        failed += a.code != 0;
    }
    CU_ASSERT_TRUE(failed > 30 && failed < 90);
    CU_ASSERT_EQUAL(runtime_list(&b).infos, (size_t)(200 - failed));
    runtime_bench_close(&b);

    open_with(&b, "call_failure=1", NULL);
    a = runtime_start(&b, "hello");
    expect_status(&b, a.internal, "/examples.hello.v1.Hello/SayHello", "", 13);
    runtime_bench_close(&b);

    open_with(&b, "crash=1", NULL);
    a = runtime_start(&b, "hello");
    fake_call_free(call(&b, a.internal, "/examples.hello.v1.Hello/SayHello", "", 0));
    CU_ASSERT_EQUAL(b.ends, 0); /* its call was given up in time */
    {
        struct fake_call *c = call(&b, a.internal, "/examples.hello.v1.Hello/SayHello", "", 0);

        CU_ASSERT_TRUE(fake_wait(b.fake, &b.ends, 1));
        CU_ASSERT_TRUE(c->ended && !c->finished);
        fake_call_free(c);
    }
    runtime_bench_close(&b);
}

static void
seeds_repeat(void)
{
    char ids[3][10][64];
    static const char *const seeds[] = { "seed=one", "seed=one", "seed=two" };

    for (size_t s = 0; s < 3; s++) {
        struct runtime_bench b;

        open_with(&b, seeds[s], NULL);
        for (size_t i = 0; i < 10; i++) {
            struct runtime_answer a = runtime_start(&b, "hello");

            memcpy(ids[s][i], a.id, sizeof ids[s][i]);
        }
        runtime_bench_close(&b);
    }
    for (size_t i = 0; i < 10; i++) {
        UNIT_STR(ids[0][i], ids[1][i]);
        CU_ASSERT_STRING_NOT_EQUAL(ids[0][i], ids[2][i]);
    }
}

static void
capacity(void)
{
    struct hf_function function = { .size = sizeof function,
                                    .id = "f",
                                    .image = "hello",
                                    .memory_bytes = 100 << 20,
                                    .cpu_period_us = 100000,
                                    .cpu_quota_us = 50000 };
    struct hf_runtime_stats stats = { .size = sizeof stats };
    struct hf_err err = { 0 };
    struct runtime_answer a;
    struct runtime_bench b;

    open_with(&b, "memory=250MiB", "cpu=8");
    for (int i = 0; i < 2; i++) {
        CU_ASSERT_EQUAL(runtime_begin_function(&b, &function, &a, NULL, &err), 0);
        CU_ASSERT_TRUE(fake_wait(b.fake, &a.n, 1));
    }
    b.ops->stats(b.runtime, &stats);
    UNIT_U64(stats.memory_bytes, 250 << 20);
    UNIT_U64(stats.cpu_millis, 8000);
    {
        struct runtime_answer refused;

        UNIT_INT(runtime_begin_function(&b, &function, &refused, NULL, &err), HF_EFULL);
        UNIT_CONTAINS(err.message, "104857600");
    }
    runtime_stop(&b, a.id, 0);
    CU_ASSERT_EQUAL(runtime_begin_function(&b, &function, &a, NULL, &err), 0);
    CU_ASSERT_TRUE(fake_wait(b.fake, &a.n, 1));
    runtime_bench_close(&b);

    open_with(&b, "cpu=0.9", NULL);
    CU_ASSERT_EQUAL(runtime_begin_function(&b, &function, &a, NULL, &err), 0);
    {
        struct runtime_answer refused;

        UNIT_INT(runtime_begin_function(&b, &function, &refused, NULL, &err), HF_EFULL);
        UNIT_CONTAINS(err.message, "thousandths");
    }
    runtime_bench_close(&b);
}

/* --- stops ------------------------------------------------------------------------------- */

static void
stops_let_calls_end(void)
{
    struct runtime_answer a, stopped = { 0 };
    struct runtime_bench b;
    struct fake_call *c;

    open_with(&b, NULL, NULL);
    a = runtime_start(&b, "fixed");
    c = call(&b, a.internal, "/s/m", "x", 1);
    CU_ASSERT_EQUAL(b.ops->stop(b.runtime, a.id, 30 * SECOND, runtime_on_done, &stopped, NULL), 0);
    fake_settle(b.fake, 10);
    CU_ASSERT_EQUAL(stopped.n, 0);
    {
        struct fake_call *late = fake_call_new(b.fake, a.internal, "/s/m");

        CU_ASSERT_FALSE(late->admitted); /* no new ones */
        fake_call_free(late);
    }
    fake_advance(b.fake, SECOND);
    CU_ASSERT_TRUE(fake_wait(b.fake, &stopped.n, 1));
    UNIT_INT(stopped.code, 0);
    CU_ASSERT_TRUE(c->finished);
    UNIT_INT(c->status, 0);
    fake_call_free(c);

    a = runtime_start(&b, "fixed");
    c = call(&b, a.internal, "/s/m", "x", 1);
    UNIT_INT(runtime_stop(&b, a.id, 20 * MS).code, 0); /* the grace ends first */
    CU_ASSERT_TRUE(c->ended);
    CU_ASSERT_FALSE(c->finished);
    fake_call_free(c);

    a = runtime_start(&b, "fixed"); /* destroyed with a call in flight and a stop under way */
    c = call(&b, a.internal, "/s/m", "x", 1);
    memset(&stopped, 0, sizeof stopped);
    CU_ASSERT_EQUAL(b.ops->stop(b.runtime, a.id, 30 * SECOND, runtime_on_done, &stopped, NULL), 0);
    b.ops->destroy(b.runtime);
    b.runtime = NULL;
    CU_ASSERT_EQUAL(stopped.n, 1);
    UNIT_INT(stopped.code, HF_ECANCELLED);
    CU_ASSERT_TRUE(c->ended);
    fake_call_free(c);
    runtime_bench_close(&b);
}

/* --- parts --------------------------------------------------------------------------------- */

static void
codec(void)
{
    static const struct {
        const char *message;
        size_t len;
        bool ok;
        uint64_t number;
        size_t field_len;
    } cases[] = {
        { "", 0, true, 0, 0 },
        { "\x08\x96\x01", 3, true, 150, 0 },
        { "\x0a\x03"
          "abc",
          5, true, 0, 3 },
        { "\x09"
          "12345678\x08\x05",
          11, true, 5, 0 },
        { "\x0d"
          "1234\x08\x05",
          7, true, 5, 0 },
        { "\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11, true, UINT64_MAX, 0 },
        { "\x08", 1, false, 0, 0 },
        { "\x08\x80", 2, false, 0, 0 },
        { "\x0a\x05"
          "abc",
          5, false, 0, 0 },
        { "\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11, false, 0, 0 },
        { "\x0b", 1, false, 0, 0 }, /* groups have gone */
        { "\x00\x00", 2, false, 0, 0 },
        { "\x09"
          "1234",
          5, false, 0, 0 },
    };
    uint8_t head[CODEC_HEAD_MAX];
    struct field field;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        CU_ASSERT_EQUAL(codec_read((const uint8_t *)cases[i].message, cases[i].len, &field),
                        cases[i].ok);
        if (cases[i].ok) {
            UNIT_U64(field.number, cases[i].number);
            UNIT_U64(field.len, cases[i].field_len);
        }
    }
    UNIT_U64(codec_head(head, 300), 3);
    CU_ASSERT_EQUAL(memcmp(head, "\x0a\xac\x02", 3), 0);
}

static void
distributions(void)
{
    struct chance chance = { .seeded = true, .state = 1 };
    double exponential = 0, lognormal = 0, squares = 0;
    const int n = 100000;

    for (int i = 0; i < n; i++) {
        exponential += (double)chance_time(&chance, DISTRIBUTION_EXPONENTIAL, 1000000, 0) / n;
        double t = (double)chance_time(&chance, DISTRIBUTION_LOGNORMAL, 1000000, 0.5);

        lognormal += t / n;
        squares += log(t) * log(t) / n;
    }
    CU_ASSERT_DOUBLE_EQUAL(exponential, 1000000, 20000);
    CU_ASSERT_DOUBLE_EQUAL(lognormal, 1000000, 20000);
    CU_ASSERT_TRUE(squares > 0);
    UNIT_U64(chance_time(&chance, DISTRIBUTION_FIXED, 77, 9), 77);
    UNIT_U64(chance_time(&chance, DISTRIBUTION_LOGNORMAL, 0, 1), 0);
    CU_ASSERT_FALSE(chance_happens(&chance, 0));
    CU_ASSERT_TRUE(chance_happens(&chance, 1));
}

struct entry {
    struct due due;
    uint64_t delay;
    int ran;
    int code;
};

static uint64_t last_delay;

static void
run_entry(struct due *due, int code)
{
    struct entry *entry = (struct entry *)(void *)due;

    entry->ran++;
    entry->code = code;
    CU_ASSERT_TRUE(code != 0 || entry->delay >= last_delay);
    last_delay = entry->delay;
}

static void
schedules(void)
{
    enum { N = 1000 };
    static struct entry entries[N];
    struct fake_host *fake = fake_host_new();
    struct schedule *s = schedule_new(fake_driver(fake));
    struct chance chance = { .seeded = true, .state = 5 };

    memset(entries, 0, sizeof entries);
    last_delay = 0;
    for (size_t i = 0; i < N; i++) {
        entries[i].delay = chance_next(&chance) % (2 * SECOND);
        CU_ASSERT_TRUE(schedule_add(s, &entries[i].due, entries[i].delay, run_entry));
    }
    for (size_t i = 0; i < N; i += 3) {
        schedule_remove(s, &entries[i].due);
        schedule_remove(s, &entries[i].due);
    }
    fake_advance(fake, SECOND);
    fake_settle(fake, 5);
    for (size_t i = 0; i < N; i++) {
        CU_ASSERT_EQUAL(entries[i].ran, i % 3 != 0 && entries[i].delay <= SECOND);
    }
    schedule_free(s);
    for (size_t i = 0; i < N; i++) {
        CU_ASSERT_EQUAL(entries[i].ran, i % 3 != 0);
        CU_ASSERT_EQUAL(entries[i].code,
                        i % 3 != 0 && entries[i].delay > SECOND ? HF_ECANCELLED : 0);
    }
    schedule_free(NULL);
    CU_ASSERT_EQUAL(fake_host_leaks(fake), 0);
    fake_host_free(fake);
}

UNIT_MAIN("runtime-fake", CONTRACT_RUNTIME_TESTS UNIT_TEST(sample_services),
          UNIT_TEST(sleeps_on_the_policy_clock), UNIT_TEST(crashes), UNIT_TEST(service_times),
          UNIT_TEST(any_image), UNIT_TEST(odd_calls), UNIT_TEST(admits_only_instances),
          UNIT_TEST(thousands), UNIT_TEST(reuses_slots), UNIT_TEST(start_delays),
          UNIT_TEST(failures_by_chance), UNIT_TEST(seeds_repeat), UNIT_TEST(capacity),
          UNIT_TEST(stops_let_calls_end), UNIT_TEST(codec), UNIT_TEST(distributions),
          UNIT_TEST(schedules))
