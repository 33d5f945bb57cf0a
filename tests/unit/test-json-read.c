/*
 * test-json-read.c - what is JSON to the letter, and what its values are.
 */
#include "unit.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/json_check.h"
#include "base/json_read.h"

/* A copy without a NUL behind it, so that a sanitizer sees who reads on. */
static int
check_exact(const char *text, size_t len, struct hf_err *err)
{
    char *copy = malloc(len ? len : 1);
    int r;

    CU_ASSERT_PTR_NOT_NULL_FATAL(copy);
    memcpy(copy, text, len);
    r = hf_json_check_document(copy, len, err);
    free(copy);
    return r;
}

static void
what_is_json_is_taken(void)
{
    static const char *const good[] = {
        "0",
        "-0",
        "12.5e-3",
        "1E+2",
        "\"\"",
        "true",
        " null\n",
        "[]",
        "{ }",
        "[1 , [2,{}],\"x\"]",
        "{\"a\":1,\"b\":{\"a\":2},\"c\":[{\"a\":3},{\"a\":4}]}",
        "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e4\\ud83d\\ude00\"",
        "\"\xc3\xa4\xf0\x9f\x98\x80\x7f\"",
        "[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]",
    };

    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        struct hf_err err = HF_ERR_INIT;

        UNIT_INT(check_exact(good[i], strlen(good[i]), &err), 0);
        UNIT_STR(err.message, "");
    }
}

static void
what_others_refuse_is_refused(void)
{
    static const struct {
        const char *text;
        const char *expected;
    } bad[] = {
        { "", "unexpected end at byte 0" },
        { "  ", "unexpected end" },
        { "{", "unexpected end" },
        { "[1,", "unexpected end" },
        { "[1 2]", "a comma or ']' expected at byte 3" },
        { "[1,]", "unexpected text at byte 3" },
        { "{\"a\":1,}", "the name of a member expected" },
        { "{\"a\" 1}", "a colon expected" },
        { "{a:1}", "the name of a member expected" },
        { "{'a':1}", "the name of a member expected" },
        { "{} {}", "unexpected text at byte 3" },
        { "01", "a number with a leading zero" },
        { "-01", "a number with a leading zero" },
        { "[00]", "a number with a leading zero" },
        { "+1", "unexpected text" },
        { ".5", "unexpected text" },
        { "1.", "unexpected text" },
        { "1e", "unexpected text" },
        { "0x10", "unexpected text" },
        { "NaN", "unexpected text" },
        { "Infinity", "unexpected text" },
        { "nul", "unexpected text" },
        { "True", "unexpected text" },
        { "/* */ 1", "unexpected text" },
        { "\"a", "unexpected end" },
        { "\"\\", "unexpected end" },
        { "\"\\x41\"", "unknown escape" },
        { "\"\\u12\"", "four hexadecimal digits" },
        { "\"\\ud800\"", "half of a surrogate pair" },
        { "\"\\udc00\"", "half of a surrogate pair" },
        { "\"\\ud800\\u0041\"", "half of a surrogate pair" },
        { "\"\\ud800\\ud800\"", "half of a surrogate pair" },
        { "\"a\nb\"", "a control character that is not escaped at byte 2" },
        { "\"a\tb\"", "a control character" },
        { "\"\xff\"", "not UTF-8" },
        { "\"\xed\xa0\x80\"", "not UTF-8" },
        { "\"\xc3\"", "not UTF-8" },
        { "{\"a\":1,\"a\":2}", "the member \"a\" is there twice, at byte 7" },
        { "{\"a\":1,\"\\u0061\":2}", "is there twice" },
        { "[{\"b\":{\"x\":[],\"x\":{}}}]", "the member \"x\" is there twice" },
        { "[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]", "nested too deep at byte 16" },
    };
    struct hf_err err = HF_ERR_INIT;

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        hf_err_clear(&err);
        UNIT_INT(check_exact(bad[i].text, strlen(bad[i].text), &err), HF_EINVALID);
        UNIT_CONTAINS(err.message, bad[i].expected);
        UNIT_INT(check_exact(bad[i].text, strlen(bad[i].text), NULL), HF_EINVALID);
    }
    UNIT_INT(check_exact("\"a\0b\"", 5, &err), HF_EINVALID);
    UNIT_INT(check_exact("{}\0", 3, &err), HF_EINVALID);
}

/* So many names that the table of them grows; the same ones in other objects are no matter. */
static void
names_are_compared_in_their_object(void)
{
    enum { N = 3000, ROOM = 24 };
    char *text = malloc(N * ROOM + 64);
    size_t n = 0;
    size_t last;

    CU_ASSERT_PTR_NOT_NULL_FATAL(text);
    text[n++] = '{';
    for (int i = 0; i < N; i++) {
        n += (size_t)snprintf(text + n, ROOM, "%s\"name%d\":{\"x\":1}", i ? "," : "", i);
    }
    last = n;
    text[n++] = '}';
    UNIT_INT(check_exact(text, n, NULL), 0);
    n = last + (size_t)snprintf(text + last, ROOM, ",\"name7\":0}");
    UNIT_INT(check_exact(text, n, NULL), HF_EINVALID);
    free(text);
}

static void
the_first_of_several_is_found(void)
{
    static const char text[] = " {\"a\":1} \n{\"a\":2}";
    size_t len = 0;

    UNIT_INT(hf_json_check_first(text, strlen(text), 4, &len, NULL), 0);
    UNIT_U64(len, 10);
    UNIT_INT(hf_json_check_first(text + len, strlen(text) - len, 4, &len, NULL), 0);
    UNIT_U64(len, 7);
}

static void
values_are_gone_through(void)
{
    static const char text[] =
        " {\"o\" : {\"x\":[1,{\"}\":\"]\"}]} , \"a\":[ 1.5 ,\"\\\"]\", null],"
        "\"t\":true}\n";
    static const char *const names[] = { "o", "a", "t" };
    static const char *const values[] = { "{\"x\":[1,{\"}\":\"]\"}]}", "[ 1.5 ,\"\\\"]\", null]",
                                          "true" };
    struct hf_json_cursor cursor;
    struct hf_json_span root;
    struct hf_json_span name;
    struct hf_json_span value;
    size_t n = 0;

    UNIT_INT(hf_json_open(text, strlen(text), &root, NULL), 0);
    UNIT_INT(hf_json_type(root), HF_JSON_OBJECT);
    hf_json_begin(&cursor, root);
    for (; hf_json_next(&cursor, &name, &value) && n < 3; n++) {
        CU_ASSERT(hf_json_is(name, names[n]));
        CU_ASSERT_FALSE(hf_json_is(name, "ob"));
        UNIT_U64(value.len, strlen(values[n]));
        CU_ASSERT(strncmp(value.text, values[n], value.len) == 0);
        if (n == 1) {
            struct hf_json_cursor items;
            struct hf_json_span item;

            hf_json_begin(&items, value);
            CU_ASSERT(hf_json_next(&items, NULL, &item));
            UNIT_INT(hf_json_type(item), HF_JSON_NUMBER);
            CU_ASSERT(hf_json_next(&items, NULL, &item));
            UNIT_INT(hf_json_type(item), HF_JSON_STRING);
            CU_ASSERT(hf_json_next(&items, NULL, &item));
            UNIT_INT(hf_json_type(item), HF_JSON_NULL);
            CU_ASSERT_FALSE(hf_json_next(&items, NULL, &item));
        }
    }
    UNIT_U64(n, 3);
}

static void
strings_are_spelt_out(void)
{
    static const char text[] = "\"\\u0061\\/\\n\\u00e4\\u20ac\\ud83d\\ude00\\u0000z\"";
    struct hf_json_span span;
    char out[sizeof text];

    UNIT_INT(hf_json_open(text, strlen(text), &span, NULL), 0);
    UNIT_U64(hf_json_text(span, out), 14);
    CU_ASSERT(memcmp(out, "a/\n\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\0z", 15) == 0);
    CU_ASSERT_FALSE(hf_json_is(span, "a/\n\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80"));
}

/* The integer of a string, which may hold anything. */
static bool
integer_of(const char *text, struct hf_json_integer *ret)
{
    char quoted[64];

    snprintf(quoted, sizeof quoted, "\"%s\"", text);
    return hf_json_integer((struct hf_json_span){ quoted, strlen(quoted) }, ret);
}

static void
integers_are_exact(void)
{
    static const struct {
        const char *text;
        bool negative;
        uint64_t size;
    } good[] = {
        { "0", false, 0 },
        { "-0", true, 0 },
        { "7", false, 7 },
        { "-12", true, 12 },
        { "1e3", false, 1000 },
        { "1E+3", false, 1000 },
        { "2.50e1", false, 25 },
        { "100e-2", false, 1 },
        { "10.00", false, 10 },
        { "0e99999999999999999999", false, 0 },
        { "0.000", false, 0 },
        { "9007199254740993", false, UINT64_C(9007199254740993) },
        { "18446744073709551615", false, UINT64_MAX },
        { "1844674407370955161500e-2", false, UINT64_MAX },
        { "0.18446744073709551615e20", false, UINT64_MAX },
        { "-9223372036854775808", true, UINT64_C(9223372036854775808) },
    };
    static const char *const bad[] = {
        "",     "-",    "1.5",  "1e-1",  "15e-2", "1e20", "18446744073709551616",
        "007",  " 1",   "1 ",   "+1",    "0x1",   "1e",   "1e99999999999999999999",
        "1.e3", ".5e1", "true", "1,000", "--1",
    };
    struct hf_json_integer number;

    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        CU_ASSERT(integer_of(good[i].text, &number));
        UNIT_U64(number.size, good[i].size);
        UNIT_INT(number.negative, good[i].negative);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        CU_ASSERT_FALSE(integer_of(bad[i], &number));
    }
    CU_ASSERT(hf_json_integer((struct hf_json_span){ "\"1e3\"", 5 }, &number));
    UNIT_U64(number.size, 1000);
    CU_ASSERT_FALSE(hf_json_integer((struct hf_json_span){ "true", 4 }, &number));
}

/* Whatever is done to a document, the answer is an answer. */
static void
damaged_documents_are_judged(void)
{
    static const char whole[] = "{\"image\":{\"tag\":\"a\\u00e4\\ud83d\\ude00\"},\"c\":[1.5e3,-0,"
                                "{\"x\":null}],\"t\":true}";
    char text[sizeof whole];

    for (size_t len = 0; len + 1 < sizeof whole; len++) {
        UNIT_INT(check_exact(whole, len, NULL), HF_EINVALID);
    }
    for (size_t i = 0; i + 1 < sizeof whole; i++) {
        for (int byte = 0; byte < 256; byte++) {
            struct hf_json_span root;

            memcpy(text, whole, sizeof whole);
            text[i] = (char)byte;
            if (hf_json_open(text, sizeof whole - 1, &root, NULL) == 0) {
                UNIT_U64(root.len, sizeof whole - 1);
            }
        }
    }
}

UNIT_MAIN("json-read", UNIT_TEST(what_is_json_is_taken), UNIT_TEST(what_others_refuse_is_refused),
          UNIT_TEST(names_are_compared_in_their_object), UNIT_TEST(the_first_of_several_is_found),
          UNIT_TEST(values_are_gone_through), UNIT_TEST(strings_are_spelt_out),
          UNIT_TEST(integers_are_exact), UNIT_TEST(damaged_documents_are_judged))
