/* test-text.c - growing text, escaping, and JSON written into it. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "base/json.h"
#include "base/text.h"
#include "unit.h"

static void
grows(void)
{
    hf_autotext struct hf_text text;

    hf_text_init(&text);
    UNIT_STR(hf_text_str(&text), "");
    for (int i = 0; i < 1000; i++) {
        hf_text_printf(&text, "%03d", i);
    }
    UNIT_U64(text.len, 3000);
    CU_ASSERT(strncmp(hf_text_str(&text), "000001002", 9) == 0);
    UNIT_STR(hf_text_str(&text) + 2994, "998999");
    hf_text_clear(&text);
    UNIT_STR(hf_text_str(&text), "");
    hf_text_add(&text, "a");
    hf_text_add_char(&text, 'b');
    hf_text_pad(&text, '.', 3);
    hf_text_add_mem(&text, "cdx", 2);
    hf_text_printf(&text, "%s", "");
    UNIT_STR(hf_text_str(&text), "ab...cd");
}

static void
stops_at_its_limit(void)
{
    struct hf_text text;

    hf_text_init(&text);
    text.limit = 10;
    hf_text_add(&text, "12345");
    hf_text_add(&text, "678901");
    hf_text_add(&text, "x");
    UNIT_STR(hf_text_str(&text), "12345");
    CU_ASSERT_TRUE(text.truncated);
    CU_ASSERT_PTR_NULL(hf_text_steal(&text));
}

static void
hands_itself_over(void)
{
    struct hf_text text;
    char *stolen;

    hf_text_init(&text);
    stolen = hf_text_steal(&text);
    UNIT_STR(stolen, "");
    free(stolen);
    hf_text_add(&text, "x");
    stolen = hf_text_steal(&text);
    UNIT_STR(stolen, "x");
    free(stolen);
    UNIT_STR(hf_text_str(&text), "");
    stolen = hf_strdup_printf("%d-%s", 1, "a");
    UNIT_STR(stolen, "1-a");
    free(stolen);
}

static void
knows_utf8(void)
{
    static const struct {
        const char *bytes;
        size_t len;
    } cases[] = {
        { "a", 1 },
        { "\xc3\xa9", 2 },
        { "\xe2\x82\xac", 3 },
        { "\xf0\x9f\x98\x80", 4 },
        { "\xf4\x8f\xbf\xbf", 4 },
        { "\x80", 0 },             /* a second byte alone */
        { "\xc0\xaf", 0 },         /* not the shortest form */
        { "\xe0\x80\xaf", 0 },     /* nor this */
        { "\xf0\x80\x80\xaf", 0 }, /* nor this */
        { "\xed\xa0\x80", 0 },     /* a surrogate */
        { "\xf4\x90\x80\x80", 0 }, /* above U+10FFFF */
        { "\xf5\x80\x80\x80", 0 },
        { "\xe2\x82", 0 }, /* cut */
        { "\xe2\x82x", 0 },
        { "\xff", 0 },
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        UNIT_U64(hf_utf8_len(cases[i].bytes, strlen(cases[i].bytes)), cases[i].len);
    }
}

static void
writes_json(void)
{
    hf_autotext struct hf_text text;
    struct hf_json json;

    hf_text_init(&text);
    hf_json_init(&json, &text);
    hf_json_object(&json, NULL);
    hf_json_str(&json, "s", "a\"\\\n\t\x01/\xff");
    hf_json_str(&json, "null", NULL);
    hf_json_u64(&json, "u", UINT64_MAX);
    hf_json_i64(&json, "i", INT64_MIN);
    hf_json_double(&json, "d", 0.1);
    hf_json_double(&json, "nan", NAN);
    hf_json_array(&json, "list");
    hf_json_bool(&json, NULL, true);
    hf_json_bool(&json, NULL, false);
    hf_json_object(&json, NULL);
    hf_json_end(&json);
    hf_json_end(&json);
    hf_json_array(&json, "empty");
    hf_json_end(&json);
    hf_json_end(&json);
    UNIT_STR(hf_text_str(&text),
             "{\"s\":\"a\\\"\\\\\\n\\t\\u0001/\xef\xbf\xbd\",\"null\":null,"
             "\"u\":18446744073709551615,\"i\":-9223372036854775808,"
             "\"d\":0.10000000000000001,\"nan\":null,\"list\":[true,false,{}],\"empty\":[]}");
}

UNIT_MAIN("text", UNIT_TEST(grows), UNIT_TEST(stops_at_its_limit), UNIT_TEST(hands_itself_over),
          UNIT_TEST(knows_utf8), UNIT_TEST(writes_json))
