/* test-cli-json.c - messages as JSON, by definitions read from a set. */
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "cli/proto/json.h"
#include "cli-json.h"
#include "cli/proto/schema.h"
#include "unit.h"

static struct hf_err err;

/* --- tools -------------------------------------------------------------------------------- */

/* Encodes test.All and decodes it again; the JSON, or the error. */
static void
check(const char *text, const char *expected)
{
    hf_auto(cli_schema_free) struct cli_schema *schema = cli_json_schema();
    hf_autotext struct hf_text bytes;
    hf_autotext struct hf_text back;

    hf_text_init(&bytes);
    hf_text_init(&back);
    if (cli_json_encode_as(schema, "test.All", text, &bytes, &err) < 0 ||
        cli_json_decode(schema, cli_schema_type(schema, "test.All"), hf_text_str(&bytes), bytes.len,
                        &back, &err) < 0) {
        UNIT_STR(hf_err_message(&err), expected);
    } else {
        UNIT_STR(hf_text_str(&back), expected);
    }
}

static void
same(const char *text)
{
    check(text, text);
}

/* Decodes bytes of test.All; the JSON, or the error. */
static void
check_bytes(const char *bytes, size_t len, const char *expected)
{
    hf_auto(cli_schema_free) struct cli_schema *schema = cli_json_schema();
    hf_autotext struct hf_text back;
    int r;

    hf_text_init(&back);
    r = cli_json_decode(schema, cli_schema_type(schema, "test.All"), bytes, len, &back, &err);
    UNIT_STR(r < 0 ? hf_err_message(&err) : hf_text_str(&back), expected);
}

#define CHECK_BYTES(bytes, expected) check_bytes(bytes, sizeof(bytes) - 1, expected)

/* --- what is right ------------------------------------------------------------------------ */

static void
passes_all_kinds(void)
{
    same("{}");
    same("{\"aDouble\":0.1,\"aFloat\":0.1}");
    same("{\"aDouble\":1e+300,\"aFloat\":-1.5}");
    same("{\"aDouble\":\"NaN\",\"aFloat\":\"-Infinity\",\"doubles\":[\"Infinity\",0]}");
    same("{\"anInt32\":-2147483648,\"anInt64\":\"-9223372036854775808\",\"aUint32\":4294967295,"
         "\"aUint64\":\"18446744073709551615\"}");
    same("{\"aSint32\":-2147483648,\"aSint64\":\"-9223372036854775808\",\"aFixed32\":4294967295,"
         "\"aFixed64\":\"18446744073709551615\",\"aSfixed32\":-1,\"aSfixed64\":\"-1\"}");
    same("{\"aBool\":true,\"aString\":\"\\\"\\u0000\xC3\xA4\",\"someBytes\":\"/+8=\"}");
    same("{\"colour\":\"COLOUR_BLUE\",\"inner\":{\"inner\":{}},\"perhaps\":0,\"otherName\":\"x\"}");
    same("{\"numbers\":[0,1,-1],\"unpacked\":[0,7],\"strings\":[\"\",\"a\"],\"inners\":[{},"
         "{\"aBool\":true}],\"colours\":[\"COLOUR_UNSPECIFIED\",\"COLOUR_RED\"],\"bools\":[false,"
         "true],\"longs\":[\"-1\",\"1\"]}");
    same("{\"names\":{\"\":\"\",\"a\":\"b\"},\"byNumber\":{\"1\":{},\"2\":{\"aBool\":true}},"
         "\"byTruth\":{\"false\":\"0\",\"true\":\"1\"},\"bySize\":{\"1\":\"COLOUR_RED\"}}");
}

static void
passes_oneofs(void)
{
    same("{\"word\":\"\"}");
    same("{\"number\":0}");
    same("{\"message\":{}}");
    same("{\"nothing\":null}");
}

static void
takes_other_spellings(void)
{
    check("{\"an_int32\":\"5\",\"a_string\":\"x\",\"renamed\":\"y\"}",
          "{\"anInt32\":5,\"aString\":\"x\",\"otherName\":\"y\"}");
    check("{\"anInt64\":\"70e-1\",\"aUint64\":1.8e3,\"anInt32\":2.0,\"aDouble\":\"2.5\",\"aFloat\":"
          "3}",
          "{\"aDouble\":2.5,\"aFloat\":3,\"anInt32\":2,\"anInt64\":\"7\",\"aUint64\":\"1800\"}");
    check("{\"someBytes\":\"_-8\",\"colour\":1,\"colours\":[-2,77]}",
          "{\"someBytes\":\"/+8=\",\"colour\":\"COLOUR_RED\",\"colours\":[\"COLOUR_BLUE\",77]}");
    check("{\"aBool\":null,\"inner\":null,\"numbers\":null,\"time\":null,\"word\":null}", "{}");
    check("{\"anInt32\":0,\"aString\":\"\",\"aBool\":false,\"numbers\":[],\"names\":{}}", "{}");
}

static void
passes_well_known_types(void)
{
    same("{\"time\":\"2024-02-29T12:34:56.123Z\",\"duration\":\"-1.000500s\",\"empty\":{}}");
    same("{\"time\":\"0001-01-01T00:00:00Z\",\"duration\":\"0s\"}");
    same("{\"time\":\"9999-12-31T23:59:59.999999999Z\",\"duration\":\"315576000000s\"}");
    check("{\"time\":\"2024-02-29T01:00:00.5+02:00\"}", "{\"time\":\"2024-02-28T23:00:00.500Z\"}");
    same("{\"structure\":{\"a\":1,\"b\":[true,null,\"x\",{}],\"c\":{\"d\":-0.5}}}");
    same("{\"value\":null}");
    same("{\"value\":[1,\"a\",{\"b\":false}],\"list\":[[],{}],\"values\":[null,1]}");
    same("{\"wrappedLong\":\"0\",\"wrappedString\":\"\",\"wrappedBool\":false,"
         "\"wrappedDouble\":1.5,\"wrappedBytes\":\"AA==\"}");
    same("{\"any\":{\"@type\":\"type.googleapis.com/test.Nested\",\"deeper\":{\"kind\":"
         "\"KIND_SOME\"}}}");
    same("{\"any\":{\"@type\":\"t/google.protobuf.Duration\",\"value\":\"3s\"}}");
    same("{\"any\":{\"@type\":\"t/google.protobuf.Any\",\"value\":{\"@type\":\"t/test.All\","
         "\"aBool\":true}}}");
}

static void
reads_several_documents(void)
{
    const char *text = " {\"a\":1}{}\n[2] 3 ";
    const char *end = text + strlen(text);
    struct hf_json_span json;
    unsigned int count = 0;

    hf_err_clear(&err);
    while (cli_json_read(&text, end, &json, &err) == 1) {
        count++;
    }
    UNIT_STR(hf_err_message(&err), "ok");
    UNIT_INT(count, 4);
}

/* --- what other programs send ------------------------------------------------------------- */

static void
reads_any_order_and_pieces(void)
{
    /* Packed and unpacked mixed, whatever the definition says. */
    CHECK_BYTES("\xF2\x01\x02\x01\x02\xF0\x01\x03\xFA\x01\x01\x04",
                "{\"numbers\":[1,2,3],\"unpacked\":[4]}");
    /* The last one of a singular field counts; messages are joined. */
    CHECK_BYTES("\x18\x01\x18\x02", "{\"anInt32\":2}");
    CHECK_BYTES("\x8A\x01\x02\x18\x01\x18\x05\x8A\x01\x02\x68\x01",
                "{\"anInt32\":5,\"inner\":{\"anInt32\":1,\"aBool\":true}}");
    /* The last one of a oneof, without what an earlier one held. */
    CHECK_BYTES("\xE2\x03\x01x\xE8\x03\x05", "{\"number\":5}");
    CHECK_BYTES("\xF2\x03\x02\x18\x01\xE8\x03\x05\xF2\x03\x02\x68\x01",
                "{\"message\":{\"aBool\":true}}");
    /* A map's key or value may be absent, and a key may come twice. */
    CHECK_BYTES("\x92\x03\x03\x12\x01v\x92\x03\x03\x0A\x01k\x92\x03\x06\x0A\x01k\x12\x01w",
                "{\"names\":{\"\":\"v\",\"k\":\"w\"}}");
}

static void
skips_what_it_does_not_know(void)
{
    CHECK_BYTES("\xA2\x06\x01x\xA8\x06\x01\xAB\x06\x08\x01\xAC\x06\x18\x07", "{\"anInt32\":7}");
    CHECK_BYTES("\x1A\x01x", "{}"); /* an int32 that is a string on the wire */
    CHECK_BYTES("\x80\x01\x63", "{\"colour\":99}");
    CHECK_BYTES("\x72\x02\xFF\xFE", "{\"aString\":\"\xEF\xBF\xBD\xEF\xBF\xBD\"}");
}

static void
refuses_bad_bytes(void)
{
    static const char wrong[] = "the bytes are no valid test.All";

    CHECK_BYTES("\x18", wrong);
    CHECK_BYTES("\x18\x80", wrong);
    CHECK_BYTES("\x00\x01", wrong);
    CHECK_BYTES("\x18\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01", wrong);
    CHECK_BYTES("\x72\x05xy", wrong);
    CHECK_BYTES("\x72\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01", wrong);
    CHECK_BYTES("\x1C", wrong);             /* the end of no group */
    CHECK_BYTES("\xAB\x06\x08\x01", wrong); /* a group without end */
    CHECK_BYTES("\x1F\x01", wrong);
    CHECK_BYTES("\xF2\x01\x01\x80", "the bytes of the field 'numbers' are invalid");
}

/* --- what is wrong ------------------------------------------------------------------------ */

static void
says_where_it_is_wrong(void)
{
    check("{\"inner\":{\"inners\":[{},{\"aStrin\":1}]}}",
          "field 'inner.inners[1].aStrin': test.All has no such field: did you mean 'aString'?");
    check("{\"names\":{\"k\":5}}", "field 'names.k': expected a string, found 5");
    check("{\"byNumber\":{\"x\":{}}}", "field 'byNumber.x': the key must be an integer");
    check("{\"byTruth\":{\"yes\":1}}",
          "field 'byTruth.yes': the key must be \"true\" or \"false\"");
    check("{\"numbers\":[1,null]}", "field 'numbers[1]': expected a value, found null");
    check("{\"numbers\":5}", "field 'numbers': expected an array, found 5");
    check("{\"names\":[]}", "field 'names': expected an object, found []");
    check("{\"inner\":5}", "field 'inner': expected an object, found 5");
    check("[]", "expected an object, found []");
    check("{\"word\":\"a\",\"number\":1}", "field 'number': can't be given together with 'word'");
    check("{\"aBool\":true,\"a_bool\":true}", "field 'aBool': is given twice, also as 'a_bool'");
}

static void
refuses_bad_values(void)
{
    check("{\"anInt32\":2147483648}", "field 'anInt32': 2147483648 is out of range: expected "
                                      "-2147483648 to 2147483647");
    check("{\"aUint32\":-1}", "field 'aUint32': -1 is out of range: expected 0 to 4294967295");
    check("{\"anInt32\":1.5}", "field 'anInt32': expected an integer, found 1.5");
    check("{\"anInt32\":\"1x\"}", "field 'anInt32': expected an integer, found \"1x\"");
    check("{\"anInt32\":\"\"}", "field 'anInt32': expected an integer, found \"\"");
    check("{\"aUint64\":99999999999999999999}",
          "field 'aUint64': expected an integer, found 99999999999999999999");
    check("{\"aUint64\":\"99999999999999999999\"}",
          "field 'aUint64': expected an integer, found \"99999999999999999999\"");
    check("{\"aFloat\":1e300}", "field 'aFloat': expected a number that fits a float, found 1e300");
    check("{\"aDouble\":1e999}", "field 'aDouble': expected a number, found 1e999");
    check("{\"aDouble\":true}", "field 'aDouble': expected a number, found true");
    check("{\"aBool\":1}", "field 'aBool': expected true or false, found 1");
    check("{\"someBytes\":\"a b\"}", "field 'someBytes': expected bytes in base64, found \"a b\"");
    check("{\"someBytes\":\"AA\\u0000A\"}",
          "field 'someBytes': expected bytes in base64, found \"AA\\u0000A\"");
    check("{\"colour\":\"COLOUR_RAD\"}", "field 'colour': 'COLOUR_RAD' is no value of test.Colour: "
                                         "did you mean 'COLOUR_RED'?");
    check("{\"colour\":true}", "field 'colour': expected an integer, found true");
}

static void
refuses_bad_well_known_types(void)
{
    static const char *const times[] = { "2024-02-30T00:00:00Z",
                                         "2024-02-29T24:00:00Z",
                                         "2024-02-29 00:00:00Z",
                                         "2024-02-29T00:00:00",
                                         "2024-02-29T00:00:00.Z",
                                         "0000-01-01T00:00:00Z",
                                         "2024-02-29T00:00:00.1234567890Z",
                                         "",
                                         "0001-01-01T00:00:00+01:00" };
    static const char *const durations[] = {
        "1", "s", "-s", "1.s", "1e3s", "315576000001s", "+1s", "1.0000000001s", ""
    };
    char text[128];
    char expected[192];

    for (size_t i = 0; i < hf_countof(times); i++) {
        snprintf(text, sizeof text, "{\"time\":\"%s\"}", times[i]);
        snprintf(expected, sizeof expected,
                 "field 'time': expected a time such as "
                 "\"2024-02-29T12:00:00Z\", found \"%s\"",
                 times[i]);
        check(text, expected);
    }
    for (size_t i = 0; i < hf_countof(durations); i++) {
        snprintf(text, sizeof text, "{\"duration\":\"%s\"}", durations[i]);
        snprintf(expected, sizeof expected,
                 "field 'duration': expected a duration in seconds such "
                 "as \"1.5s\", found \"%s\"",
                 durations[i]);
        check(text, expected);
    }
    check("{\"any\":{}}", "field 'any': expected an object with \"@type\": "
                          "\"type.googleapis.com/package.Message\", found {}");
    check("{\"any\":{\"@type\":\"t/test.None\"}}",
          "field 'any': the definitions lack the message 'test.None'");
    check("{\"mask\":\"a.b\"}", "field 'mask': google.protobuf.FieldMask is not supported in JSON");
    check("{\"structure\":5}", "field 'structure': expected an object, found 5");
    CHECK_BYTES("\xB2\x04\x01\x08", "the bytes are no valid google.protobuf.Timestamp");
    CHECK_BYTES("\xB2\x04\x08\x08\x80\x80\x80\x80\x80\x80\x01",
                "a google.protobuf.Timestamp is out of range");
    CHECK_BYTES("\xE2\x04\x05\x0A\x03t/x",
                "a google.protobuf.Any holds 't/x', which the definitions lack");
}

static void
refuses_bad_json(void)
{
    static const char *const texts[] = { "{",           "{\"a\":}",   "{\"a\":1,}",
                                         "nul",         "\"\xFF\"",   "]",
                                         "{\"a\" 1}",   "{\"a\":01}", "{\"a\":1,\"a\":1}",
                                         "\"\\ud800\"", "\"\t\"" };

    for (size_t i = 0; i < hf_countof(texts); i++) {
        const char *at = texts[i];
        struct hf_json_span json;

        hf_err_clear(&err);
        UNIT_INT(cli_json_read(&at, at + strlen(at), &json, &err), HF_EINVALID);
        UNIT_CONTAINS(hf_err_message(&err), "not JSON: ");
    }
}

/* --- definitions -------------------------------------------------------------------------- */

static void
finds_methods(void)
{
    hf_auto(cli_schema_free) struct cli_schema *schema = cli_json_schema();
    struct cli_method method;

    UNIT_INT(cli_schema_method(schema, "test.Everything/Echo", &method, &err), 0);
    UNIT_STR(method.request->name, "test.All");
    CU_ASSERT_FALSE(method.client_streaming);
    UNIT_INT(cli_schema_method(schema, "/test.Everything/Collect", &method, &err), 0);
    CU_ASSERT(method.client_streaming);
    UNIT_INT(cli_schema_method(schema, "test.Everything/Eco", &method, &err), HF_ENOTFOUND);
    UNIT_STR(hf_err_message(&err),
             "the definitions have no method 'test.Everything/Eco'; there are: Echo, Collect");
    UNIT_INT(cli_schema_method(schema, "Everything/Echo", &method, &err), HF_ENOTFOUND);
    UNIT_CONTAINS(hf_err_message(&err), "no service 'Everything'; there are: test.Everything");
    UNIT_INT(cli_schema_method(schema, "nothing", &method, &err), HF_EINVALID);
    CU_ASSERT_PTR_NOT_NULL(cli_schema_type(schema, "test.Nested.Deeper.Kind"));
    CU_ASSERT_PTR_NULL(cli_schema_type(schema, "test.Nested.Deepest"));
}

UNIT_MAIN("cli-json", UNIT_TEST(passes_all_kinds), UNIT_TEST(passes_oneofs),
          UNIT_TEST(takes_other_spellings), UNIT_TEST(passes_well_known_types),
          UNIT_TEST(reads_several_documents), UNIT_TEST(reads_any_order_and_pieces),
          UNIT_TEST(skips_what_it_does_not_know), UNIT_TEST(refuses_bad_bytes),
          UNIT_TEST(says_where_it_is_wrong), UNIT_TEST(refuses_bad_values),
          UNIT_TEST(refuses_bad_well_known_types), UNIT_TEST(refuses_bad_json),
          UNIT_TEST(finds_methods))
