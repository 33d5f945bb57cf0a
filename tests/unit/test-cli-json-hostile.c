/* test-cli-json-hostile.c - messages, JSON and definitions made to do harm, or broken. */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/random.h"
#include "cli-json.h"
#include "cli/proto/json.h"
#include "unit.h"

/* Bytes of test.All for the tests that break them. */
#define SAMPLE                                                                                     \
    "{\"aDouble\":1.5,\"anInt64\":\"-7\",\"aString\":\"text\",\"someBytes\":\"AAEC\",\"inner\":"   \
    "{\"numbers\":[1,2,300],\"inner\":{\"aBool\":true}},\"strings\":[\"a\",\"b\"],\"names\":"      \
    "{\"k\":\"v\"},\"byNumber\":{\"4\":{\"word\":\"x\"}},\"time\":\"2024-02-29T12:00:00Z\","       \
    "\"structure\":{\"a\":[1,null,\"x\",{\"b\":true}]},\"any\":{\"@type\":\"t/test.Nested\","      \
    "\"deeper\":{\"kind\":\"KIND_SOME\"}},\"wrappedLong\":\"5\"}"

static struct hf_err err;

/* `count` times `open`, then `middle`, then as often `close`. */
static void
put_nested(struct hf_text *out, const char *open, const char *middle, const char *close, int count)
{
    for (int i = 0; i < count; i++) {
        hf_text_add(out, open);
    }
    hf_text_add(out, middle);
    for (int i = 0; i < count; i++) {
        hf_text_add(out, close);
    }
}

static void
bounds_recursion(void)
{
    hf_auto(cli_schema_free) struct cli_schema *schema = cli_json_schema();
    hf_autotext struct hf_text text;
    hf_autotext struct hf_text bytes;

    hf_text_init(&text);
    hf_text_init(&bytes);
    put_nested(&text, "{\"inner\":", "{}", "}", 99);
    UNIT_INT(cli_json_encode_as(schema, "test.All", hf_text_str(&text), &bytes, &err), 0);
    hf_text_clear(&text);
    hf_text_clear(&bytes);
    put_nested(&text, "{\"inner\":", "{}", "}", 100);
    UNIT_INT(cli_json_encode_as(schema, "test.All", hf_text_str(&text), &bytes, &err), HF_EINVALID);
    UNIT_CONTAINS(hf_err_message(&err), "nest more than 100 deep");
    hf_text_clear(&text);
    put_nested(&text, "[", "", "]", 100000);
    UNIT_INT(cli_json_encode_as(schema, "google.protobuf.Value", hf_text_str(&text), &bytes, &err),
             HF_EINVALID);

    /* The same in bytes: each message holds the next. */
    hf_text_clear(&bytes);
    for (int i = 0; i < 2000; i++) {
        hf_autotext struct hf_text outer;

        hf_text_init(&outer);
        hf_wire_put_bytes(&outer, 17, hf_text_str(&bytes), bytes.len);
        hf_text_clear(&bytes);
        hf_text_add_mem(&bytes, outer.data, outer.len);
    }
    hf_text_clear(&text);
    UNIT_INT(cli_json_decode(schema, cli_schema_type(schema, "test.All"), bytes.data, bytes.len,
                             &text, &err),
             HF_EINVALID);
    UNIT_CONTAINS(hf_err_message(&err), "nest more than 100 deep");
    hf_text_clear(&bytes);
    put_nested(&bytes, "\xAB\x06", "", "\xAC\x06", 101);
    UNIT_INT(cli_json_decode(schema, cli_schema_type(schema, "test.All"), bytes.data, bytes.len,
                             &text, &err),
             HF_EINVALID);
    UNIT_STR(hf_err_message(&err), "the bytes are no valid test.All");
}

static void
bounds_what_it_writes(void)
{
    hf_auto(cli_schema_free) struct cli_schema *schema = cli_json_schema();
    const struct cli_type *type = cli_schema_type(schema, "test.All");
    hf_autotext struct hf_text text;

    hf_text_init(&text);
    text.limit = 20;
    UNIT_INT(cli_json_decode(schema, type, "\x72\x04text\x18\x05", 8, &text, &err), HF_EFULL);
    hf_text_fini(&text);
    hf_text_init(&text);
    text.limit = 5;
    UNIT_INT(cli_json_encode_as(schema, "test.All", "{\"aString\":\"long text\"}", &text, &err),
             HF_EFULL);
}

/* Every beginning of a message, and messages with some bytes changed, are read or refused. */
static void
survives_broken_messages(void)
{
    hf_auto(cli_schema_free) struct cli_schema *schema = cli_json_schema();
    const struct cli_type *type = cli_schema_type(schema, "test.All");
    hf_autotext struct hf_text bytes;
    struct hf_random random;
    size_t good = 0;

    hf_text_init(&bytes);
    UNIT_INT(cli_json_encode_as(schema, "test.All", SAMPLE, &bytes, &err), 0);
    hf_random_init(&random, 7);
    for (size_t i = 0; i < bytes.len + 20000; i++) {
        size_t len = i < bytes.len ? i : bytes.len;
        hf_autofree char *copy = malloc(len + 1); /* exact, so that reading beyond is noticed */
        hf_autotext struct hf_text text;

        memcpy(copy, bytes.data, len);
        hf_text_init(&text);
        for (size_t j = 0; i >= bytes.len && j < 1 + i % 3; j++) {
            copy[hf_random_below(&random, len)] = (char)hf_random_u64(&random);
        }
        good += cli_json_decode(schema, type, copy, len, &text, &err) == 0;
    }
    CU_ASSERT(good > 100);
}

static void
survives_broken_definitions(void)
{
    hf_autotext struct hf_text set = cli_json_set();
    struct hf_random random;
    size_t good = 0;

    hf_random_init(&random, 11);
    for (int i = 0; i < 3000; i++) {
        size_t len = i % 2 ? set.len : hf_random_below(&random, set.len);
        hf_autofree char *copy = malloc(len + 1);
        hf_auto(cli_schema_free) struct cli_schema *schema = NULL;
        hf_autotext struct hf_text text;

        memcpy(copy, set.data, len);
        hf_text_init(&text);
        for (int j = 0; len > 0 && j < 4; j++) {
            copy[hf_random_below(&random, len)] = (char)hf_random_u64(&random);
        }
        if (cli_schema_new(copy, len, &schema, &err) == 0) {
            good++;
            if (cli_schema_type(schema, "test.All")) {
                cli_json_encode_as(schema, "test.All", SAMPLE, &text, &err);
            }
        }
    }
    CU_ASSERT(good > 100);
}

static void
refuses_bad_definitions(void)
{
    hf_autotext struct hf_text bytes;
    struct cli_schema *schema = NULL;

    hf_text_init(&bytes);
    for (int i = 0; i < 5000; i++) { /* messages within messages */
        hf_autotext struct hf_text outer;

        hf_text_init(&outer);
        hf_wire_put_bytes(&outer, 3, hf_text_str(&bytes), bytes.len);
        hf_text_clear(&bytes);
        hf_text_add_mem(&bytes, outer.data, outer.len);
    }
    {
        hf_autotext struct hf_text file;
        hf_autotext struct hf_text set;

        hf_text_init(&file);
        hf_text_init(&set);
        hf_wire_put_bytes(&file, 4, bytes.data, bytes.len);
        hf_wire_put_bytes(&set, 1, file.data, file.len);
        UNIT_INT(cli_schema_new(set.data, set.len, &schema, &err), HF_EINVALID);
        UNIT_CONTAINS(hf_err_message(&err), "FileDescriptorSet");
    }
    /* message M { repeated X x = 1; } without X */
    UNIT_INT(cli_schema_new("\x0A\x12\x22\x10\x0A\x01M\x12\x0B\x0A\x01x\x18\x01 \x03(\x0B\x32\x00",
                            20, &schema, &err),
             HF_EINVALID);
    UNIT_CONTAINS(hf_err_message(&err), "'x' of 'M'");
    UNIT_INT(
        cli_schema_new("\x0A\x05\x22\x03\x0A\x01M\x0A\x05\x22\x03\x0A\x01M", 14, &schema, &err),
        HF_EINVALID);
    UNIT_CONTAINS(hf_err_message(&err), "'M' twice");
}

UNIT_MAIN("cli-json-hostile", UNIT_TEST(bounds_recursion), UNIT_TEST(bounds_what_it_writes),
          UNIT_TEST(survives_broken_messages), UNIT_TEST(survives_broken_definitions),
          UNIT_TEST(refuses_bad_definitions))
