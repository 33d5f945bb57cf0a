/*
 * test-grpc-refusals.c - everything that a gRPC call must not be, sent to the server.
 */
#include <string.h>

#include "grpc.h"
#include "unit.h"

/* Makes a call that must fail, by its gRPC status. */
static void
check_status(struct hf_h2_fields *fields, const void *body, size_t len, const char *status)
{
    struct probe probe;

    call(&probe, fields, body, len);
    UNIT_STR(probe.http_status, "200");
    UNIT_STR(probe.grpc_status, status);
    UNIT_U64(probe.blocks, 1); /* Trailers-Only */
    CU_ASSERT_TRUE(probe.grpc_message[0] != '\0');
    probe_finish(&probe);
}

static void
refuses_what_is_no_grpc(void)
{
    struct hf_h2_fields *get = request_fields("/t.T/Echo");
    struct hf_h2_fields *json = request_fields("/t.T/Echo");
    struct hf_h2_fields *web = request_fields("/t.T/Echo");
    struct probe probe;

    begin();
    hf_h2_fields_set_static(get, HF_H2_METHOD, "GET");
    call(&probe, get, "", 0);
    UNIT_STR(probe.http_status, "405");
    probe_finish(&probe);
    hf_h2_fields_set_static(json, HF_H2_CONTENT_TYPE, "application/json");
    call(&probe, json, "{}", 2);
    UNIT_STR(probe.http_status, "415");
    probe_finish(&probe);
    hf_h2_fields_set_static(web, HF_H2_CONTENT_TYPE, "application/grpc-web");
    call(&probe, web, "", 0);
    UNIT_STR(probe.http_status, "415");
    probe_finish(&probe);
    end();
}

static void
refuses_unknown_methods(void)
{
    begin();
    check_status(request_fields("/t.T/Nothing"), "\0\0\0\0\0", 5, "12");
    end();
}

static void
refuses_bad_timeouts(void)
{
    struct hf_h2_fields *bad = request_fields("/t.T/Echo");
    struct hf_h2_fields *past = request_fields("/t.T/Echo");

    begin();
    hf_h2_fields_set_static(bad, HF_H2_GRPC_TIMEOUT, "1s");
    check_status(bad, "\0\0\0\0\0", 5, "13");
    hf_h2_fields_set_static(past, HF_H2_GRPC_TIMEOUT, "0m");
    check_status(past, "\0\0\0\0\0", 5, "4");
    end();
}

static void
counts_the_messages_of_a_unary_call(void)
{
    begin();
    check_status(request_fields("/t.T/Echo"), "", 0, "12");
    check_status(request_fields("/t.T/Echo"), "\0\0\0\0\0\0\0\0\0\0", 10, "12");
    check_status(request_fields("/t.T/Forget"), "\0\0\0\0\0", 5, "13");
    end();
}

static void
refuses_half_a_message(void)
{
    begin();
    check_status(request_fields("/t.T/Echo"), "\0\0\0\0\5abc", 8, "13");
    check_status(request_fields("/t.T/Sum"), "\0\0", 2, "13");
    check_status(request_fields("/t.T/Echo"), "\7\0\0\0\0", 5, "13");
    end();
}

static void
refuses_long_messages_by_their_prefix(void)
{
    begin();
    check_status(request_fields("/t.T/Echo"), "\0\x7f\0\0\0", 5, "8");
    end();
}

static void
refuses_unknown_compression(void)
{
    struct hf_h2_fields *fields = request_fields("/t.T/Echo");
    struct probe probe;

    begin();
    check_status(request_fields("/t.T/Echo"), "\1\0\0\0\0", 5, "13");
    hf_h2_fields_set_static(fields, HF_H2_GRPC_ENCODING, "snappy");
    call(&probe, fields, "\1\0\0\0\0", 5);
    UNIT_STR(probe.grpc_status, "12");
    CU_ASSERT_TRUE(strncmp(probe.accept_encoding, "identity", 8) == 0);
    probe_finish(&probe);
    end();
}

static void
refuses_what_it_cannot_decode(void)
{
    struct hf_h2_fields *fields = request_fields("/t.T/Echo");

    begin();
    check_status(request_fields("/t.T/Typed"),
                 "\0\0\0\0\5\x0a\x09"
                 "abc",
                 10, "13");
    hf_h2_fields_set_static(fields, HF_H2_GRPC_ENCODING, "gzip");
    check_status(fields, "\1\0\0\0\5hello", 10, "13");
    end();
}

/* To C a string ends at its first NUL: "a" is another id than "a", NUL, "b". */
static void
refuses_strings_with_a_nul(void)
{
    begin();
    check_status(request_fields("/t.T/Typed"),
                 "\0\0\0\0\5\x0a\x03"
                 "a\0b",
                 10, "3");
    end();
}

UNIT_MAIN("grpc refusals", UNIT_TEST(refuses_what_is_no_grpc), UNIT_TEST(refuses_unknown_methods),
          UNIT_TEST(refuses_bad_timeouts), UNIT_TEST(counts_the_messages_of_a_unary_call),
          UNIT_TEST(refuses_half_a_message), UNIT_TEST(refuses_long_messages_by_their_prefix),
          UNIT_TEST(refuses_unknown_compression), UNIT_TEST(refuses_what_it_cannot_decode),
          UNIT_TEST(refuses_strings_with_a_nul))
