/* test-parse.c - numbers, durations, sizes and addresses, read and written. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/macros.h"
#include "base/parse.h"
#include "base/random.h"
#include "unit.h"

static struct hf_err err;

static void
reads_numbers(void)
{
    uint64_t n = 5;

    UNIT_INT(hf_parse_u64("0", &n, &err), 0);
    UNIT_U64(n, 0);
    UNIT_INT(hf_parse_u64("18446744073709551615", &n, &err), 0);
    UNIT_U64(n, UINT64_MAX);
    n = 5;
    UNIT_INT(hf_parse_u64("18446744073709551616", &n, &err), HF_EINVALID);
    UNIT_CONTAINS(err.message, "'18446744073709551616' is too large");
    for (const char *const *bad =
             (const char *const[]){ "", " 1", "1 ", "-1", "+1", "0x1", "1e3", NULL };
         *bad; bad++) {
        UNIT_INT(hf_parse_u64(*bad, &n, &err), HF_EINVALID);
        UNIT_CONTAINS(err.message, "is not a number; write decimal digits");
    }
    UNIT_INT(hf_parse_u64_range("7", 1, 6, &n, &err), HF_EINVALID);
    UNIT_STR(err.message, "'7' is out of range; allowed is 1 to 6");
    UNIT_U64(n, 5);
    UNIT_INT(hf_parse_u64_range("6", 1, 6, &n, &err), 0);
    UNIT_U64(n, 6);
}

static void
reads_decimals(void)
{
    double d = 0;

    UNIT_INT(hf_parse_double("-0.25", &d, &err), 0);
    CU_ASSERT_DOUBLE_EQUAL(d, -0.25, 0);
    UNIT_INT(hf_parse_double("1e3", &d, &err), 0);
    CU_ASSERT_DOUBLE_EQUAL(d, 1000, 0);
    for (const char *const *bad = (const char *const[]){ "", "nan", "inf", "0x1p3", " 1", "1,5",
                                                         "1e999", "1.2.3", "e", NULL };
         *bad; bad++) {
        UNIT_INT(hf_parse_double(*bad, &d, &err), HF_EINVALID);
        UNIT_CONTAINS(err.message, "is not a number; write it like 0.25");
    }
}

static void
reads_yes_and_no(void)
{
    bool b = false;

    for (const char *const *yes = (const char *const[]){ "yes", "true", "on", "1", "YES", NULL };
         *yes; yes++) {
        UNIT_INT(hf_parse_bool(*yes, &b, &err), 0);
        CU_ASSERT_TRUE(b);
    }
    for (const char *const *no = (const char *const[]){ "no", "false", "off", "0", "Off", NULL };
         *no; no++) {
        UNIT_INT(hf_parse_bool(*no, &b, &err), 0);
        CU_ASSERT_FALSE(b);
    }
    UNIT_INT(hf_parse_bool("y", &b, &err), HF_EINVALID);
}

static void
reads_durations(void)
{
    static const struct {
        const char *text;
        uint64_t ns;
    } good[] = {
        { "0", 0 },
        { "0s", 0 },
        { "90s", 90 * HF_SEC },
        { "1.5m", 90 * HF_SEC },
        { "250ms", 250 * HF_MSEC },
        { "10us", 10 * HF_USEC },
        { "7ns", 7 },
        { "2h", 7200 * HF_SEC },
        { "1d", 86400 * HF_SEC },
        { "1h30m", 5400 * HF_SEC },
        { "0.000000001s", 1 },
        { "18446744073709551615ns", UINT64_MAX },
    };
    static const char *const bad[] = { "",   "s",   "5",   "-5s", "5 s", "5S",   "1.s",   ".5s",
                                       "5x", "5s5", "5s ", " 5s", "inf", "1e3s", "1..5s", "5m s" };
    uint64_t ns = 1;

    for (size_t i = 0; i < hf_countof(good); i++) {
        UNIT_INT(hf_parse_duration(good[i].text, &ns, &err), 0);
        UNIT_U64(ns, good[i].ns);
    }
    for (size_t i = 0; i < hf_countof(bad); i++) {
        UNIT_INT(hf_parse_duration(bad[i], &ns, &err), HF_EINVALID);
        UNIT_CONTAINS(err.message, "is not a duration; write a number and a unit");
    }
    UNIT_INT(hf_parse_duration("18446744073709551616ns", &ns, &err), HF_EINVALID);
    UNIT_CONTAINS(err.message, "is too long");
    UNIT_INT(hf_parse_duration("999999999999999999999999999999999999999999d", &ns, &err),
             HF_EINVALID);
    UNIT_INT(hf_parse_duration("213503d23h35m", &ns, &err), HF_EINVALID);
}

static void
reads_sizes(void)
{
    static const struct {
        const char *text;
        uint64_t bytes;
    } good[] = {
        { "0", 0 },
        { "4096", 4096 },
        { "100B", 100 },
        { "64KiB", 65536 },
        { "256MiB", UINT64_C(256) << 20 },
        { "1.5GiB", UINT64_C(1536) << 20 },
        { "2TiB", UINT64_C(2) << 40 },
        { "1kB", 1000 },
        { "1MB", 1000000 },
        { "3GB", UINT64_C(3000000000) },
        { "16777215TiB", UINT64_C(16777215) << 40 },
    };
    static const char *const bad[] = { "", "KiB", "5 KiB", "5K", "5M", "5kib", "-5", "1MiB1KiB" };
    uint64_t bytes = 1;

    for (size_t i = 0; i < hf_countof(good); i++) {
        UNIT_INT(hf_parse_size(good[i].text, &bytes, &err), 0);
        UNIT_U64(bytes, good[i].bytes);
    }
    for (size_t i = 0; i < hf_countof(bad); i++) {
        UNIT_INT(hf_parse_size(bad[i], &bytes, &err), HF_EINVALID);
        UNIT_CONTAINS(err.message, "is not a size; write bytes or a number and a unit");
    }
    UNIT_INT(hf_parse_size("16777216TiB", &bytes, &err), HF_EINVALID);
    UNIT_CONTAINS(err.message, "is too large");
}

static void
writes_what_it_reads(void)
{
    static const uint64_t values[] = {
        0,      1,           999,          1500,          12500000,
        HF_SEC, 90 * HF_SEC, 120 * HF_SEC, 7200 * HF_SEC, 3 * HF_SEC / 2,
        1024,   65536,       1000000,      UINT64_MAX
    };
    char buf[HF_FORMAT_MAX];
    struct hf_random random;
    uint64_t back;

    UNIT_U64(hf_write_u64(0, buf), 1);
    UNIT_STR(buf, "0");
    UNIT_U64(hf_write_u64(1900, buf), 4);
    UNIT_STR(buf, "1900");
    UNIT_U64(hf_write_u64(UINT64_MAX, buf), 20);
    UNIT_STR(buf, "18446744073709551615");
    UNIT_STR(hf_format_duration(12500000, buf), "12.5ms");
    UNIT_STR(hf_format_duration(90 * HF_SEC, buf), "90s");
    UNIT_STR(hf_format_duration(120 * HF_SEC, buf), "2m");
    UNIT_STR(hf_format_duration(7200 * HF_SEC, buf), "2h");
    UNIT_STR(hf_format_duration(100 * HF_SEC, buf), "100s");
    UNIT_STR(hf_format_duration(1, buf), "1ns");
    UNIT_STR(hf_format_size(UINT64_C(256) << 20, buf), "256MiB");
    UNIT_STR(hf_format_size(1000, buf), "1000B");
    hf_random_init(&random, 7);
    for (size_t i = 0; i < 10000; i++) {
        uint64_t value = i < hf_countof(values)
                             ? values[i]
                             : hf_random_u64(&random) >> hf_random_below(&random, 64);

        UNIT_INT(hf_parse_duration(hf_format_duration(value, buf), &back, &err), 0);
        UNIT_U64(back, value);
        UNIT_INT(hf_parse_size(hf_format_size(value, buf), &back, &err), 0);
        UNIT_U64(back, value);
    }
}

static void
splits_addresses(void)
{
    char host[64];
    uint16_t port = 0;

    UNIT_INT(hf_parse_host_port("127.0.0.1:80", host, sizeof host, &port, &err), 0);
    UNIT_STR(host, "127.0.0.1");
    UNIT_U64(port, 80);
    UNIT_INT(hf_parse_host_port("[fe80::1%eth0]:65535", host, sizeof host, &port, &err), 0);
    UNIT_STR(host, "fe80::1%eth0");
    UNIT_U64(port, 65535);
    UNIT_INT(hf_parse_host_port("node-1.example.org:0", host, sizeof host, &port, &err), 0);
    UNIT_STR(host, "node-1.example.org");
    UNIT_U64(port, 0);
}

static void
refuses_bad_addresses(void)
{
    static const struct {
        const char *text;
        const char *message;
    } bad[] = {
        { "", "it has no port" },
        { "localhost", "it has no port" },
        { ":", "it has no host" },
        { ":80", "it has no host (0.0.0.0 means every interface)" },
        { "host:", "its port is not a number from 0 to 65535" },
        { "host:65536", "its port is not a number from 0 to 65535" },
        { "host:x", "its port is not a number" },
        { "::1:80", "an IPv6 address stands in brackets" },
        { "[::1]", "it has no port" },
        { "[::1]80:", "it has no port" },
        { "[]:80", "it has no host" },
        { "[:80", "it has no port" },
        { "]:80", "its host is not well formed" },
        { "a b:80", "its host is not well formed" },
        { "http://host:80", "a scheme does not belong to it" },
        { "unix:", "has no path" },
    };
    char text[300];

    for (size_t i = 0; i < hf_countof(bad); i++) {
        UNIT_INT(hf_parse_address_check(bad[i].text, &err), HF_EINVALID);
        UNIT_CONTAINS(err.message, bad[i].message);
    }
    snprintf(text, sizeof text, "%0280d:80", 0);
    UNIT_INT(hf_parse_address_check(text, &err), HF_EINVALID);
    snprintf(text, sizeof text, "unix:%0108d", 0);
    UNIT_INT(hf_parse_address_check(text, &err), HF_EINVALID);
    UNIT_CONTAINS(err.message, "at most 107 bytes");
    snprintf(text, sizeof text, "unix:%0107d", 0);
    UNIT_INT(hf_parse_address_check(text, &err), 0);
}

static void
guesses_what_was_meant(void)
{
    static const char *const words[] = { "proxy", "api", "workers", "idle_timeout" };

    UNIT_STR(hf_closest_word("proxi", words, 4), "proxy");
    UNIT_STR(hf_closest_word("porxy", words, 4), "proxy");
    UNIT_STR(hf_closest_word("worker", words, 4), "workers");
    UNIT_STR(hf_closest_word("idletimeout", words, 4), "idle_timeout");
    CU_ASSERT_PTR_NULL(hf_closest_word("threads", words, 4));
    CU_ASSERT_PTR_NULL(hf_closest_word("x", words, 4));
    CU_ASSERT_PTR_NULL(hf_closest_word("", words, 4));
    CU_ASSERT_PTR_NULL(hf_closest_word("api", words, 0));
}

UNIT_MAIN("parse", UNIT_TEST(reads_numbers), UNIT_TEST(reads_decimals), UNIT_TEST(reads_yes_and_no),
          UNIT_TEST(reads_durations), UNIT_TEST(reads_sizes), UNIT_TEST(writes_what_it_reads),
          UNIT_TEST(splits_addresses), UNIT_TEST(refuses_bad_addresses),
          UNIT_TEST(guesses_what_was_meant))
