/*
 * testing.h - a host without a node, for unit tests and benchmarks of a policy.
 *
 * A test is a program of its own: it includes testing_lb.h, testing_scheduler.h or
 * testing_scaler.h, which have a small world for policies of that kind, and is linked with the
 * object of the policy, which it reaches through `hyperfaas_plugin`:
 *
 *     #include <hyperfaas/testing_lb.h>
 *
 *     static void
 *     takes_turns(void)
 *     {
 *         struct hf_test_lb t;
 *
 *         hf_test_lb_begin(&t, 3, 0, "");
 *         HF_CHECK_EQUAL(hf_test_lb_take(&t), 0);
 *         HF_CHECK_EQUAL(hf_test_lb_take(&t), 1);
 *         hf_test_lb_end(&t);
 *     }
 *
 *     int
 *     main(void)
 *     {
 *         HF_RUN(takes_turns);
 *         return hf_test_failures > 0;
 *     }
 *
 * It is for what the policy promises by itself.  Whether it keeps the contract of its kind is what
 * `hyperfaas plugin check` looks at.  Everything is static: include it in one file of a program.
 */
#ifndef HYPERFAAS_TESTING_H
#define HYPERFAAS_TESTING_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <hyperfaas/function.h>
#include <hyperfaas/host.h>
#include <hyperfaas/plugin.h>

#ifdef __cplusplus
extern "C" {
#endif

#define HF_TEST_UNUSED __attribute__((unused)) static

/* --- checks ---------------------------------------------------------------------------------- */

static int hf_test_failures;

/* Says where, and what was found; the test goes on. */
#define HF_CHECK(condition)                                                                        \
    ((condition) ? (void)0                                                                         \
                 : (void)(hf_test_failures++,                                                      \
                          fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition)))

#define HF_CHECK_EQUAL(found, expected)                                                            \
    hf_test_equal(__FILE__, __LINE__, #found, (long long)(found), (long long)(expected))

HF_TEST_UNUSED void
hf_test_equal(const char *file, int line, const char *what, long long found, long long expected)
{
    if (found != expected) {
        hf_test_failures++;
        fprintf(stderr, "%s:%d: %s is %lld instead of %lld\n", file, line, what, found, expected);
    }
}

/* Runs a test, and says how it ended. */
#define HF_RUN(test)                                                                               \
    do {                                                                                           \
        int hf_test_before_ = hf_test_failures;                                                    \
                                                                                                   \
        test();                                                                                    \
        printf("%s  %s\n", hf_test_failures > hf_test_before_ ? "FAILED" : "ok    ", #test);       \
    } while (0)

/* The test itself cannot go on. */
#define HF_TEST_STOP(...)                                                                          \
    do {                                                                                           \
        fprintf(stderr, "%s:%d: ", __FILE__, __LINE__);                                            \
        fprintf(stderr, __VA_ARGS__);                                                              \
        fprintf(stderr, "\n");                                                                     \
        exit(1);                                                                                   \
    } while (0)

HF_TEST_UNUSED void *
hf_test_alloc(size_t n, size_t size)
{
    void *memory = calloc(n > 0 ? n : 1, size > 0 ? size : 1);

    if (!memory) {
        HF_TEST_STOP("no memory");
    }
    return memory;
}

/* --- numbers --------------------------------------------------------------------------------- */

/* The next of a sequence that begins with any `*seed` (splitmix64). */
HF_TEST_UNUSED uint64_t
hf_test_random(uint64_t *seed)
{
    uint64_t x = *seed += UINT64_C(0x9e3779b97f4a7c15);

    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

/* Nanoseconds of a clock, for benchmarks. */
HF_TEST_UNUSED uint64_t
hf_test_clock_ns(void)
{
    struct timespec now;

    timespec_get(&now, TIME_UTC);
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

/* The host's hash (host.h). */
HF_TEST_UNUSED uint64_t
hf_test_hash(const void *data, size_t len)
{
    const unsigned char *bytes = (const unsigned char *)data;
    uint64_t x = UINT64_C(0xcbf29ce484222325);

    for (size_t i = 0; i < len; i++) {
        x = (x ^ bytes[i]) * UINT64_C(0x100000001b3);
    }
    x = (x ^ (x >> 33)) * UINT64_C(0xff51afd7ed558ccd);
    x = (x ^ (x >> 33)) * UINT64_C(0xc4ceb9fe1a85ec53);
    return x ^ (x >> 33);
}

/* --- options --------------------------------------------------------------------------------- */

#define HF_TEST_OPTIONS 64

/* What the policy's table says, with other values where the test gives them. */
struct hf_options {
    char *given; /* "decay=2s choices=3", cut into words */
    const char *words[HF_TEST_OPTIONS];
    int count;
};

HF_TEST_UNUSED void
hf_test_options_init(struct hf_options *options, const char *given)
{
    memset(options, 0, sizeof *options);
    options->given = (char *)hf_test_alloc(strlen(given) + 1, 1);
    memcpy(options->given, given, strlen(given) + 1);
    for (char *at = options->given; *at && options->count < HF_TEST_OPTIONS;) {
        options->words[options->count++] = at;
        at += strcspn(at, " ");
        while (*at == ' ') {
            *at++ = '\0';
        }
    }
}

/* The value of an option as it is written; NULL: it has none. */
HF_TEST_UNUSED const char *
hf_test_option(const struct hf_options *options, const char *key)
{
    const struct hf_option *row = hyperfaas_plugin.options;
    size_t len = strlen(key);

    for (int i = 0; options && i < options->count; i++) {
        if (strncmp(options->words[i], key, len) == 0 && options->words[i][len] == '=') {
            return options->words[i] + len + 1;
        }
    }
    while (row && row->key && strcmp(row->key, key) != 0) {
        row++;
    }
    if (!row || !row->key) {
        HF_TEST_STOP("the policy has no option '%s'", key);
    }
    return row->fallback;
}

HF_TEST_UNUSED double
hf_test_option_double(const struct hf_options *options, const char *key)
{
    const char *value = hf_test_option(options, key);

    return value ? strtod(value, NULL) : 0;
}

/* A number with its unit: durations in nanoseconds, sizes in bytes; yes and no. */
HF_TEST_UNUSED uint64_t
hf_test_option_u64(const struct hf_options *options, const char *key)
{
    static const struct {
        const char *unit;
        double factor;
    } units[] = {
        { "us", 1e3 },      { "ms", 1e6 },           { "s", 1e9 },
        { "m", 60e9 },      { "h", 3600e9 },         { "KiB", 1024 },
        { "MiB", 1048576 }, { "GiB", 1073741824.0 }, { "MB", 1e6 },
    };
    const char *value = hf_test_option(options, key);
    char *end;
    double number;

    if (!value) {
        return 0;
    }
    if (strcmp(value, "yes") == 0 || strcmp(value, "true") == 0 || strcmp(value, "on") == 0) {
        return 1;
    }
    number = strtod(value, &end);
    if (*end == '\0') {
        return strtoull(value, NULL, 10);
    }
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (strcmp(end, units[i].unit) == 0) {
            return (uint64_t)(number * units[i].factor);
        }
    }
    return 0;
}

/* --- the host -------------------------------------------------------------------------------- */

/* What `fail` said last, and what `show` printed. */
struct hf_err {
    char message[512];
};
struct hf_text {
    char data[8192];
    size_t len;
};
struct hf_counter {
    uint64_t value;
};

HF_TEST_UNUSED void
hf_test_log(const struct hf_host *host, uint32_t level, const char *fmt, ...)
{
    va_list args;

    (void)host;
    (void)level;
    va_start(args, fmt);
    vfprintf(stderr, fmt, args);
    va_end(args);
    fprintf(stderr, "\n");
}

HF_TEST_UNUSED int
hf_test_fail(struct hf_err *err, int code, const char *fmt, ...)
{
    va_list args;

    if (err) {
        va_start(args, fmt);
        vsnprintf(err->message, sizeof err->message, fmt, args);
        va_end(args);
    }
    return code;
}

HF_TEST_UNUSED struct hf_counter *
hf_test_counter(const struct hf_host *host, const char *name, const char *help)
{
    static struct hf_counter all;

    (void)host;
    (void)name;
    (void)help;
    return &all;
}

HF_TEST_UNUSED void
hf_test_count(struct hf_counter *counter, uint64_t n)
{
    if (counter) {
        counter->value += n;
    }
}

HF_TEST_UNUSED const char *
hf_test_option_item(const struct hf_options *options, const char *key, size_t i)
{
    (void)i;
    HF_TEST_STOP("options that are lists, as '%s', are not here; its value is '%s'", key,
                 hf_test_option(options, key));
}

HF_TEST_UNUSED void
hf_test_print(struct hf_text *text, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    vsnprintf(text->data + text->len, sizeof text->data - text->len, fmt, args);
    va_end(args);
    text->len += strlen(text->data + text->len);
}

HF_TEST_UNUSED int
hf_test_json_check(const char *text, size_t len, char *reason, size_t size)
{
    (void)text;
    (void)len;
    snprintf(reason, size, "JSON is not checked here");
    return HF_EUNSUPPORTED;
}

HF_TEST_UNUSED const struct hf_host *
hf_test_host(void)
{
    static struct hf_host host;

    host.size = sizeof host;
    host.log = hf_test_log;
    host.fail = hf_test_fail;
    host.hash = hf_test_hash;
    host.counter = hf_test_counter;
    host.count = hf_test_count;
    host.option_u64 = hf_test_option_u64;
    host.option_double = hf_test_option_double;
    host.option_string = hf_test_option;
    host.option_item = hf_test_option_item;
    host.print = hf_test_print;
    host.json_check = hf_test_json_check;
    return &host;
}

/* A copy of the policy's table in this host's size. */
#define HF_TEST_OPS(type, ret)                                                                     \
    do {                                                                                           \
        uint32_t hf_test_size_ = ((const type *)hyperfaas_plugin.ops)->size;                       \
                                                                                                   \
        memset((ret), 0, sizeof *(ret));                                                           \
        memcpy((ret), hyperfaas_plugin.ops,                                                        \
               hf_test_size_ < sizeof *(ret) ? hf_test_size_ : sizeof *(ret));                     \
    } while (0)

/* What the kinds of policies have in common: a function to decide about. */
HF_TEST_UNUSED struct hf_function
hf_test_function(const char *id)
{
    struct hf_function function;

    memset(&function, 0, sizeof function);
    function.size = sizeof function;
    function.id = id;
    function.hash = hf_test_hash(id, strlen(id));
    function.image = "image:latest";
    function.max_concurrency = 1;
    function.memory_bytes = UINT64_C(256) << 20;
    function.idle_timeout_ns = UINT64_C(30000000000);
    return function;
}

#ifdef __cplusplus
}
#endif

#endif
