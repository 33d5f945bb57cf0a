/*
 * test-function-spec.c - documents of functions, good and bad.
 */
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include <hyperfaas/store.h>

#include "base/err.h"
#include "base/text.h"
#include "node/function_spec.h"

/* Reads `json` and checks what is written for it. */
static void
check_good(const char *json, const char *expected)
{
    hf_autospec struct hf_function_spec spec = { .image = NULL };
    hf_autotext struct hf_text out;
    struct hf_err err = HF_ERR_INIT;

    hf_text_init(&out);
    UNIT_INT(hf_function_spec_parse(json, strlen(json), &spec, &err), 0);
    UNIT_STR(err.message, "");
    hf_function_spec_format(&spec, &out);
    UNIT_STR(hf_text_str(&out), expected);
}

static void
check_bad(const char *json, const char *expected)
{
    struct hf_function_spec spec = { .image = NULL };
    struct hf_err err = HF_ERR_INIT;

    UNIT_INT(hf_function_spec_parse(json, strlen(json), &spec, &err), HF_EINVALID);
    UNIT_CONTAINS(err.message, expected);
    UNIT_INT(hf_function_spec_parse(json, strlen(json), &spec, NULL), HF_EINVALID);
    CU_ASSERT_PTR_NULL(spec.image);
}

static void
the_canonical_form_is_kept(void)
{
    static const char whole[] =
        "{\"image\":{\"tag\":\"hyperfaas-hello:latest\"},\"config\":{\"memory\":\"268435456\","
        "\"cpu\":{\"period\":\"100000\",\"quota\":\"50000\"},\"timeout\":45,"
        "\"maxConcurrency\":500}}";

    check_good(whole, whole);
}

/* Existing leaves and workers need both messages, though they be empty. */
static void
empty_messages_are_written(void)
{
    static const char empty[] = "{\"image\":{\"tag\":\"a\"},\"config\":{\"cpu\":{}}}";

    check_good(empty, empty);
    check_good("{\"image\":{\"tag\":\"a\"}}", empty);
    check_good("{\"image\":{\"tag\":\"a\"},\"config\":null}", empty);
    check_good("{\"image\":{\"tag\":\"a\"},\"config\":{\"timeout\":7}}",
               "{\"image\":{\"tag\":\"a\"},\"config\":{\"cpu\":{},\"timeout\":7}}");
}

static void
values_are_read(void)
{
    static const char json[] =
        "{\"image\":{\"tag\":\"hello\"},\"config\":{\"memory\":\"268435456\",\"cpu\":{\"period\":"
        "100000,\"quota\":\"50000\"},\"timeout\":45,\"maxConcurrency\":500}}";
    hf_autospec struct hf_function_spec spec = { .image = NULL };

    CU_ASSERT_EQUAL_FATAL(hf_function_spec_parse(json, strlen(json), &spec, NULL), 0);
    UNIT_STR(spec.image, "hello");
    UNIT_INT(spec.memory_bytes, 268435456);
    UNIT_INT(spec.cpu_period_us, 100000);
    UNIT_INT(spec.cpu_quota_us, 50000);
    UNIT_INT(spec.timeout_s, 45);
    UNIT_INT(spec.max_concurrency, 500);
}

static void
readers_take_all_forms(void)
{
    check_good(" {\n \"config\" : { \"max_concurrency\" : \"7\", \"memory\": 1e3, \"timeout\":2.0,"
               "\"cpu\": null } , \"image\":{\"tag\":\"a\\u0062c\"} }\n\t",
               "{\"image\":{\"tag\":\"abc\"},\"config\":{\"memory\":\"1000\",\"cpu\":{},"
               "\"timeout\":2,\"maxConcurrency\":7}}");
    check_good("{\"image\":{\"tag\":\"a\"},\"config\":{\"memory\":\"1e3\",\"timeout\":\"4.50E1\"}}",
               "{\"image\":{\"tag\":\"a\"},\"config\":{\"memory\":\"1000\",\"cpu\":{},"
               "\"timeout\":45}}");
    check_good("{\"image\":{\"tag\":\"x\"},\"config\":{\"memory\":\"9223372036854775807\"}}",
               "{\"image\":{\"tag\":\"x\"},\"config\":{\"memory\":\"9223372036854775807\","
               "\"cpu\":{}}}");
    check_good("{\"image\":{\"tag\":\"x\"},\"config\":{\"memory\":0,\"cpu\":{\"quota\":\"0\"}}}",
               "{\"image\":{\"tag\":\"x\"},\"config\":{\"cpu\":{}}}");
}

static void
what_is_wrong_is_named(void)
{
    check_bad("", "not JSON");
    check_bad("{", "not JSON");
    check_bad("[]", "expected an object");
    check_bad("null", "expected an object");
    check_bad("{\"image\":{\"tag\":\"a\"}} x", "not JSON");
    check_bad("{\"image\":{\"tag\":\"a\"},}", "not JSON");
    check_bad("{}", "image.tag");
    check_bad("{\"image\":{\"tag\":\"\"}}", "image.tag");
    check_bad("{\"image\":\"a\"}", "field image: found \"a\", expected an object");
    check_bad("{\"image\":{\"tag\":7}}", "field image.tag: found 7, expected a string");
    check_bad("{\"image\":{\"tag\":\"a\\u0000b\"}}", "NUL");
    check_bad("{\"image\":{\"tag\":\"a\"},\"config\":{\"timeout\":true}}",
              "field config.timeout: found true, expected an integer");
    check_bad("{\"image\":{\"tag\":\"a\"},\"config\":{\"timeout\":1.5}}", "expected an integer");
    check_bad("{\"image\":{\"tag\":\"a\"},\"config\":{\"timeout\":\"4x\"}}", "expected an integer");
    check_bad("{\"image\":{\"tag\":\"a\"},\"config\":{\"timeout\":\" 4\"}}", "expected an integer");
    check_bad("{\"image\":{\"tag\":\"a\"},\"config\":{\"timeout\":\"\"}}", "expected an integer");
    check_bad("{\"image\":{\"tag\":\"a\"},\"config\":{\"timeout\":2147483648}}", "2147483647");
    check_bad("{\"image\":{\"tag\":\"a\"},\"config\":{\"memory\":\"9223372036854775808\"}}",
              "expected an integer");
    check_bad("{\"image\":{\"tag\":\"a\"},\"config\":{\"memory\":9223372036854775808}}",
              "expected an integer");
    check_bad("{\"image\":{\"tag\":\"a\"},\"config\":{\"cpu\":{\"quota\":\"-1\"}}}",
              "field config.cpu.quota: -1 is not between 0");
    check_bad("{\"image\":{\"tag\":\"a\"},\"config\":{\"maxConcurency\":1}}",
              "unknown field config.maxConcurency; there are: memory, cpu, timeout, "
              "maxConcurrency");
}

/* What readers elsewhere refuse, or read otherwise. */
static void
what_others_do_not_read_is_refused(void)
{
    check_bad("{\"image\":{\"tag\":\"a\",\"tag\":\"b\"}}", "the member \"tag\" is there twice");
    check_bad("{\"image\":{\"tag\":\"a\"},\"image\":{\"tag\":\"b\"}}", "is there twice");
    check_bad("{\"image\":{\"tag\":\"a\"},\"config\":{\"maxConcurrency\":1,\"max_concurrency\":2}}",
              "field config.max_concurrency is there twice");
    check_bad("{\"image\":{\"tag\":\"a\"},\"config\":{\"timeout\":030}}", "leading zero");
    check_bad("{\"image\":{\"tag\":\"a\"},\"config\":{\"timeout\":\"030\"}}",
              "expected an integer");
    check_bad("{\"image\":{\"tag\":\"a\\ud800\"}}", "surrogate");
    check_bad("{\"image\":{\"tag\":\"a\tb\"}}", "control character");
}

static void
long_images_are_refused(void)
{
    char json[5000];

    snprintf(json, sizeof json, "{\"image\":{\"tag\":\"%04500d\"}}", 0);
    check_bad(json, "field image.tag: has more than 4096 bytes");
}

static void
nesting_and_length_are_bounded(void)
{
    static char large[HF_STORE_DOCUMENT_MAX + 1];
    struct hf_function_spec spec = { .image = NULL };
    struct hf_err err = HF_ERR_INIT;

    memset(large, '[', sizeof large);
    UNIT_INT(hf_function_spec_parse(large, 1000, &spec, &err), HF_EINVALID);
    UNIT_CONTAINS(err.message, "not JSON");
    UNIT_INT(hf_function_spec_parse(large, sizeof large, &spec, &err), HF_EINVALID);
    UNIT_CONTAINS(err.message, "more than");
}

static void
versions_of_images_are_seen(void)
{
    CU_ASSERT_FALSE(hf_image_has_version("hyperfaas-echo"));
    CU_ASSERT(hf_image_has_version("hyperfaas-echo:latest"));
    CU_ASSERT_FALSE(hf_image_has_version("registry:5000/team/echo"));
    CU_ASSERT(hf_image_has_version("registry:5000/team/echo:2"));
    CU_ASSERT(hf_image_has_version("echo@sha256:00"));
}

static void
ids_of_users_are_checked(void)
{
    char long_id[300];
    struct hf_err err = HF_ERR_INIT;

    memset(long_id, 'a', sizeof long_id);
    long_id[254] = '\0';
    CU_ASSERT_EQUAL(hf_function_id_check("127.0.0.1", NULL), 0);
    CU_ASSERT_EQUAL(hf_function_id_check("Az09._-", NULL), 0);
    CU_ASSERT_EQUAL(hf_function_id_check("", NULL), HF_EINVALID);
    CU_ASSERT_EQUAL(hf_function_id_check("a:b", &err), HF_EINVALID);
    UNIT_CONTAINS(err.message, "'a:b'");
    CU_ASSERT_EQUAL(hf_function_id_check(long_id, NULL), HF_EINVALID);
    long_id[253] = '\0';
    CU_ASSERT_EQUAL(hf_function_id_check(long_id, NULL), 0);
}

UNIT_MAIN("function-spec", UNIT_TEST(the_canonical_form_is_kept), UNIT_TEST(values_are_read),
          UNIT_TEST(empty_messages_are_written), UNIT_TEST(what_others_do_not_read_is_refused),
          UNIT_TEST(long_images_are_refused), UNIT_TEST(readers_take_all_forms),
          UNIT_TEST(what_is_wrong_is_named), UNIT_TEST(nesting_and_length_are_bounded),
          UNIT_TEST(versions_of_images_are_seen), UNIT_TEST(ids_of_users_are_checked))
