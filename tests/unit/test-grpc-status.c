/*
 * test-grpc-status.c - status codes, grpc-message, grpc-timeout and binary metadata.
 */
#include <string.h>

#include "base/err.h"
#include "grpc/base64.h"
#include "grpc/status.h"
#include "grpc/timeout.h"
#include "unit.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof(a)[0])

static void
codes_are_read_and_named(void)
{
    uint32_t code = 99;

    CU_ASSERT_EQUAL(hf_grpc_code_parse("14", 2, &code), 0);
    CU_ASSERT_EQUAL(code, HF_GRPC_UNAVAILABLE);
    CU_ASSERT_STRING_EQUAL(hf_grpc_code_name(code), "UNAVAILABLE");
    CU_ASSERT_EQUAL(hf_grpc_code_parse("0", 1, &code), 0);
    CU_ASSERT_EQUAL(code, HF_GRPC_OK);
    CU_ASSERT_EQUAL(hf_grpc_code_parse("", 0, &code), HF_EINVALID);
    CU_ASSERT_EQUAL(hf_grpc_code_parse("-1", 2, &code), HF_EINVALID);
    CU_ASSERT_EQUAL(hf_grpc_code_parse("9999999999", 10, &code), HF_EINVALID);
    CU_ASSERT_EQUAL(code, HF_GRPC_OK);
    CU_ASSERT_STRING_EQUAL(hf_grpc_code_name(4711), "UNKNOWN");
}

static void
error_codes_survive_the_wire(void)
{
    static const int errors[] = { HF_EINVALID,
                                  HF_ENOTFOUND,
                                  HF_EEXISTS,
                                  HF_EDENIED,
                                  HF_EFULL,
                                  HF_ECONFLICT,
                                  HF_ESTATE,
                                  HF_EUNSUPPORTED,
                                  HF_ETIMEOUT,
                                  HF_EUNAVAILABLE,
                                  HF_ECANCELLED,
                                  HF_EINTERNAL,
                                  0 };

    for (size_t i = 0; i < ARRAY_SIZE(errors); i++) {
        CU_ASSERT_EQUAL(hf_grpc_code_to_error(hf_error_to_grpc(errors[i])), errors[i]);
    }
    CU_ASSERT_EQUAL(hf_error_to_grpc(-4711), HF_GRPC_UNKNOWN);
}

static void
foreign_failures_are_mapped(void)
{
    CU_ASSERT_EQUAL(hf_grpc_code_of_http(503), HF_GRPC_UNAVAILABLE);
    CU_ASSERT_EQUAL(hf_grpc_code_of_http(404), HF_GRPC_UNIMPLEMENTED);
    CU_ASSERT_EQUAL(hf_grpc_code_of_http(400), HF_GRPC_INTERNAL);
    CU_ASSERT_EQUAL(hf_grpc_code_of_http(200), HF_GRPC_UNKNOWN);
    CU_ASSERT_EQUAL(hf_grpc_code_of_reset(0x0), HF_GRPC_INTERNAL);
    CU_ASSERT_EQUAL(hf_grpc_code_of_reset(0x7), HF_GRPC_UNAVAILABLE);
    CU_ASSERT_EQUAL(hf_grpc_code_of_reset(0x8), HF_GRPC_CANCELLED);
    CU_ASSERT_EQUAL(hf_grpc_code_of_reset(0xb), HF_GRPC_RESOURCE_EXHAUSTED);
    CU_ASSERT_EQUAL(hf_grpc_code_of_reset(0xc), HF_GRPC_PERMISSION_DENIED);
    CU_ASSERT_EQUAL(hf_grpc_code_of_reset(0xff), HF_GRPC_UNKNOWN);
}

static void
messages_are_escaped(void)
{
    /* The message of the interop suite's special_status_message. */
    static const char plain[] = "\t\ntest with whitespace\r\nand Unicode BMP \xE2\x98\xBA and "
                                "non-BMP \xF0\x9F\x98\x88\t\n";
    static const char wire[] = "%09%0Atest with whitespace%0D%0Aand Unicode BMP %E2%98%BA and "
                               "non-BMP %F0%9F%98%88%09%0A";
    char out[sizeof plain * 3];

    CU_ASSERT_EQUAL(hf_grpc_message_encode(plain, sizeof plain - 1, out, sizeof out),
                    sizeof wire - 1);
    CU_ASSERT_STRING_EQUAL(out, wire);
    CU_ASSERT_EQUAL(hf_grpc_message_decode(out, strlen(out), out, sizeof out), sizeof plain - 1);
    CU_ASSERT_STRING_EQUAL(out, plain);

    hf_grpc_message_encode("100%", 4, out, sizeof out);
    CU_ASSERT_STRING_EQUAL(out, "100%25");
    CU_ASSERT_EQUAL(hf_grpc_message_encode("a%b", 3, out, 4), 1); /* No half an escape. */
    CU_ASSERT_STRING_EQUAL(out, "a");
}

static void
broken_escapes_stay(void)
{
    static const char *const broken[] = { "%", "%2", "%zz", "a%", "%%25" };
    static const char *const expected[] = { "%", "%2", "%zz", "a%", "%%" };
    char out[16];

    for (size_t i = 0; i < ARRAY_SIZE(broken); i++) {
        hf_grpc_message_decode(broken[i], strlen(broken[i]), out, sizeof out);
        CU_ASSERT_STRING_EQUAL(out, expected[i]);
    }
}

static void
timeouts_are_read(void)
{
    static const struct {
        const char *text;
        uint64_t ns;
    } good[] = {
        { "1n", 1 },
        { "250u", 250000 },
        { "100m", 100000000 },
        { "0S", 0 },
        { "45S", UINT64_C(45000000000) },
        { "2M", UINT64_C(120000000000) },
        { "1H", UINT64_C(3600000000000) },
        { "99999999H", HF_GRPC_TIMEOUT_MAX_NS },
    };
    static const char *const bad[] = { "",    "5",   "S",    "5s",         "-1S", "1.5S",
                                       "1 S", " 1S", "0x1S", "100000000S", "1SS" };

    for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
        uint64_t ns = 7;

        CU_ASSERT_EQUAL(hf_grpc_timeout_parse(good[i].text, strlen(good[i].text), &ns), 0);
        CU_ASSERT_EQUAL(ns, good[i].ns);
    }
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        uint64_t ns = 7;

        CU_ASSERT_EQUAL(hf_grpc_timeout_parse(bad[i], strlen(bad[i]), &ns), HF_EINVALID);
        CU_ASSERT_EQUAL(ns, 7);
    }
}

static void
timeouts_are_written_rounding_up(void)
{
    static const struct {
        uint64_t ns;
        const char *text;
    } cases[] = {
        { 0, "0n" },
        { 99999999, "99999999n" },
        { 100000000, "100000u" },
        { 100000001, "100001u" },
        { UINT64_C(45000000000), "45000000u" },
        { UINT64_C(100000000000), "100000m" },
        { UINT64_C(3600000000000), "3600000m" },
        { UINT64_MAX, "5124096H" },
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char text[HF_GRPC_TIMEOUT_SIZE];

        CU_ASSERT_EQUAL(hf_grpc_timeout_format(cases[i].ns, text), strlen(cases[i].text));
        CU_ASSERT_STRING_EQUAL(text, cases[i].text);
    }
}

static void
bytes_survive_base64(void)
{
    uint8_t bytes[9] = { 0, 0xff, 0x80, '=', '/', '+', 1, 2, 3 };
    char text[HF_GRPC_BASE64_SIZE(sizeof bytes)];

    for (size_t len = 0; len <= sizeof bytes; len++) {
        uint8_t out[sizeof text];
        size_t out_len = 99;
        size_t text_len = hf_grpc_base64_encode(bytes, len, text);

        CU_ASSERT_EQUAL(text_len, strlen(text));
        CU_ASSERT_PTR_NULL(strchr(text, '='));
        CU_ASSERT_EQUAL(hf_grpc_base64_decode(text, text_len, out, &out_len), 0);
        CU_ASSERT_EQUAL(out_len, len);
        CU_ASSERT_EQUAL(memcmp(out, bytes, len), 0);
    }
}

static void
padding_may_be_there_but_not_rubbish(void)
{
    static const char *const bad[] = { "A", "A===", "AA=A", "A A=", "AAA!", "=", "AA=" };
    uint8_t out[8];
    size_t len = 99;

    CU_ASSERT_EQUAL(hf_grpc_base64_decode("q80=", 4, out, &len), 0);
    CU_ASSERT_EQUAL(len, 2);
    CU_ASSERT_EQUAL(memcmp(out, "\xab\xcd", 2), 0);
    CU_ASSERT_EQUAL(hf_grpc_base64_decode("qw==", 4, out, &len), 0);
    CU_ASSERT_EQUAL(len, 1);
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        CU_ASSERT_EQUAL(hf_grpc_base64_decode(bad[i], strlen(bad[i]), out, &len), HF_EINVALID);
    }
    CU_ASSERT_TRUE(hf_grpc_is_binary("trace-bin", 9));
    CU_ASSERT_FALSE(hf_grpc_is_binary("bin", 3));
    CU_ASSERT_FALSE(hf_grpc_is_binary("trace-bin-x", 11));
}

UNIT_MAIN("grpc status", UNIT_TEST(codes_are_read_and_named),
          UNIT_TEST(error_codes_survive_the_wire), UNIT_TEST(foreign_failures_are_mapped),
          UNIT_TEST(messages_are_escaped), UNIT_TEST(broken_escapes_stay),
          UNIT_TEST(timeouts_are_read), UNIT_TEST(timeouts_are_written_rounding_up),
          UNIT_TEST(bytes_survive_base64), UNIT_TEST(padding_may_be_there_but_not_rubbish))
