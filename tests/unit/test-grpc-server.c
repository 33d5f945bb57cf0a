/*
 * test-grpc-server.c - the gRPC server: all kinds of methods, and all ends of a call.
 */
#include <string.h>

#include "base/macros.h"
#include "grpc.h"
#include "grpc/reply.h"
#include "unit.h"

static bool
is_kept(void *arg)
{
    (void)arg;
    return kept != NULL;
}

static bool
is_cancelled(void *arg)
{
    (void)arg;
    return cancellations > 0;
}

/* --- good calls ---------------------------------------------------------------------------- */

static void
answers_with_message_metadata_and_status(void)
{
    struct probe probe;
    struct hf_h2_fields *fields = request_fields("/t.T/Echo");

    begin();
    UNIT_INT(hf_grpc_metadata_add(fields, "x-note", "hi", 2), 0);
    call(&probe, fields, "\0\0\0\0\3abc", 8);
    UNIT_STR(probe.http_status, "200");
    UNIT_STR(probe.grpc_status, "0");
    UNIT_STR(probe.note, "hi");
    UNIT_STR(probe.note_bin, "AAE");
    UNIT_U64(probe.received, 8);
    CU_ASSERT_EQUAL(memcmp(probe.data.data, "\0\0\0\0\3abc", 8), 0);
    CU_ASSERT_TRUE(probe.how.complete);
    probe_finish(&probe);
    end();
}

static void
an_empty_message_is_a_message(void)
{
    struct probe probe;

    begin();
    call(&probe, request_fields("/t.T/Echo"), "\0\0\0\0\0", 5);
    UNIT_STR(probe.grpc_status, "0");
    UNIT_U64(probe.received, 5);
    probe_finish(&probe);
    end();
}

static void
streams_as_fast_as_it_is_read(void)
{
    struct probe probe;

    begin();
    to_send = 500;
    call(&probe, request_fields("/t.T/Many"), "\0\0\0\0\0", 5);
    UNIT_STR(probe.grpc_status, "0");
    UNIT_U64(probe.received, 500 * 10005);
    CU_ASSERT_TRUE(writables > 0);
    probe_finish(&probe);
    end();
}

static void
takes_a_stream_of_messages(void)
{
    struct probe probe;

    begin();
    call(&probe, request_fields("/t.T/Sum"), "\0\0\0\0\3abc\0\0\0\0\0\0\0\0\0\2de", 20);
    UNIT_STR(probe.grpc_status, "0");
    CU_ASSERT_EQUAL(memcmp(probe.data.data,
                           "\0\0\0\0\1"
                           "5",
                           6),
                    0);
    probe_finish(&probe);
    end();
}

static void
talks_both_ways_in_any_pieces(void)
{
    static const char body[] = "\0\0\0\0\1a\0\0\0\0\2bc\0\0\0\0\3def\0\0\0\0\0";
    struct probe probe;

    begin();
    probe_connect(&probe);
    probe_start(&probe, request_fields("/t.T/Chat"), "", 0);
    for (size_t i = 0; i < sizeof body - 1; i++) {
        hf_h2_stream_write(probe.stream, body + i, 1);
        hf_loop_run_until(loop, is_closed, &probe, HF_MSEC);
    }
    hf_h2_stream_end(probe.stream);
    CU_ASSERT_TRUE(hf_loop_run_until(loop, is_closed, &probe, WAIT_NS));
    UNIT_U64(probe.received, sizeof body - 1);
    CU_ASSERT_EQUAL(memcmp(probe.data.data, body, sizeof body - 1), 0);
    UNIT_STR(probe.grpc_status, "10");
    UNIT_STR(probe.grpc_message, "enough: 100%25");
    probe_finish(&probe);
    end();
}

static void
a_pause_keeps_what_came_in_one_piece(void)
{
    static const char body[] = "\0\0\0\0\1a\0\0\0\0\2bc\0\0\0\0\3def\0\0\0\0\0";
    struct probe probe;

    begin();
    call(&probe, request_fields("/t.T/Chat"), body, sizeof body - 1);
    UNIT_U64(probe.received, sizeof body - 1);
    CU_ASSERT_EQUAL(memcmp(probe.data.data, body, sizeof body - 1), 0);
    UNIT_STR(probe.grpc_status, "10");
    probe_finish(&probe);
    end();
}

static void
decodes_protobuf(void)
{
    struct probe probe;

    begin();
    call(&probe, request_fields("/t.T/Typed"), "\0\0\0\0\5\x0a\3abc", 10);
    UNIT_STR(probe.grpc_status, "0");
    CU_ASSERT_EQUAL(memcmp(probe.data.data, "\0\0\0\0\3abc", 8), 0);
    probe_finish(&probe);
    end();
}

static void
reads_gzip(void)
{
    /* printf abc | gzip -n */
    static const char body[] = "\1\0\0\0\x17\x1f\x8b\x08\0\0\0\0\0\0\x03KLJ\x06\0"
                               "\xc2\x41\x24\x35\3\0\0\0";
    struct hf_h2_fields *fields = request_fields("/t.T/Echo");
    struct probe probe;

    begin();
    hf_h2_fields_set_static(fields, HF_H2_GRPC_ENCODING, "gzip");
    call(&probe, fields, body, sizeof body - 1);
    UNIT_STR(probe.grpc_status, "0");
    CU_ASSERT_EQUAL(memcmp(probe.data.data, "\0\0\0\0\3abc", 8), 0);
    probe_finish(&probe);
    end();
}

/* --- ends ---------------------------------------------------------------------------------- */

static void
a_deadline_cancels_the_handler(void)
{
    struct hf_h2_fields *fields = request_fields("/t.T/Keep");
    struct probe probe;

    begin();
    hf_h2_fields_set_static(fields, HF_H2_GRPC_TIMEOUT, "20m");
    call(&probe, fields, "\0\0\0\0\0", 5);
    UNIT_STR(probe.grpc_status, "4"); /* a caller with a slower clock would misread a reset */
    UNIT_U64(cancellations, 1);
    CU_ASSERT_TRUE(hf_grpc_call_is_cancelled(kept));
    UNIT_INT(hf_grpc_call_send_bytes(kept, "x", 1), HF_ECANCELLED);
    hf_grpc_call_finish(kept, HF_GRPC_OK, NULL);
    probe_finish(&probe);
    end();
}

static void
a_caller_that_goes_cancels_the_handler(void)
{
    struct probe probe;

    begin();
    probe_connect(&probe);
    probe_start(&probe, request_fields("/t.T/Keep"), "\0\0\0\0\0", 5);
    hf_h2_stream_end(probe.stream);
    CU_ASSERT_TRUE(hf_loop_run_until(loop, is_kept, NULL, WAIT_NS));
    hf_h2_stream_reset(probe.stream, HF_H2_CANCEL);
    CU_ASSERT_TRUE(hf_loop_run_until(loop, is_cancelled, NULL, WAIT_NS));
    UNIT_U64(hf_grpc_server_calls(server), 1); /* Until the handler lets go. */
    hf_grpc_call_reply_bytes(kept, "late", 4);
    probe_finish(&probe);
    end();
}

static void
a_handler_may_outlive_the_server(void)
{
    struct probe probe;

    begin();
    probe_connect(&probe);
    probe_start(&probe, request_fields("/t.T/Keep"), "\0\0\0\0\0", 5);
    hf_h2_stream_end(probe.stream);
    CU_ASSERT_TRUE(hf_loop_run_until(loop, is_kept, NULL, WAIT_NS));
    hf_grpc_server_free(server);
    server = NULL;
    UNIT_U64(cancellations, 1);
    UNIT_STR(hf_grpc_call_path(kept), "/t.T/Keep");
    hf_grpc_call_reply_bytes(kept, "late", 4);
    probe_finish(&probe);
    end();
}

static void
note_done(void *arg)
{
    *(bool *)arg = true;
}

static bool
is_true(void *arg)
{
    return *(bool *)arg;
}

static void
a_drain_waits_for_calls(void)
{
    struct probe probe;
    bool drained = false;

    begin();
    probe_connect(&probe);
    probe_start(&probe, request_fields("/t.T/Keep"), "\0\0\0\0\0", 5);
    hf_h2_stream_end(probe.stream);
    CU_ASSERT_TRUE(hf_loop_run_until(loop, is_kept, NULL, WAIT_NS));
    hf_grpc_server_drain(server, note_done, &drained);
    CU_ASSERT_FALSE(hf_loop_run_until(loop, is_true, &drained, 50 * HF_MSEC));
    hf_grpc_call_reply_bytes(kept, "ok", 2);
    CU_ASSERT_TRUE(hf_loop_run_until(loop, is_true, &drained, WAIT_NS));
    CU_ASSERT_TRUE(hf_loop_run_until(loop, is_closed, &probe, WAIT_NS));
    UNIT_STR(probe.grpc_status, "0");
    UNIT_U64(probe.received, 7);
    probe_finish(&probe);
    end();
}

static bool
admit_nobody(void *arg, const char *local)
{
    UNIT_CONTAINS(local, "127.0.0.1:");
    *(unsigned *)arg += 1;
    return false;
}

static bool
has_no_conn(void *arg)
{
    return ((struct probe *)arg)->conn == NULL;
}

static void
admits_whom_it_is_told(void)
{
    struct hf_grpc_server_options options;
    unsigned asked = 0;
    struct probe probe;

    hf_grpc_server_options_init(&options);
    options.admit = admit_nobody;
    options.admit_arg = &asked;
    begin_with(&options);
    probe_connect(&probe);
    CU_ASSERT_TRUE(hf_loop_run_until(loop, has_no_conn, &probe, WAIT_NS));
    UNIT_U64(asked, 1);
    UNIT_U64(hf_grpc_server_connections(server), 0);
    probe_finish(&probe);
    end();
}

static void
drops_the_connections_of_an_address(void)
{
    struct probe probe;

    begin();
    probe_connect(&probe);
    probe_start(&probe, request_fields("/t.T/Keep"), "\0\0\0\0\0", 5);
    hf_h2_stream_end(probe.stream);
    CU_ASSERT_TRUE(hf_loop_run_until(loop, is_kept, NULL, WAIT_NS));
    hf_grpc_server_drop(server, "127.0.0.1:1");
    UNIT_U64(cancellations, 0);
    hf_grpc_server_drop(server, hf_grpc_server_address(server));
    CU_ASSERT_TRUE(hf_loop_run_until(loop, is_cancelled, NULL, WAIT_NS));
    CU_ASSERT_TRUE(hf_loop_run_until(loop, is_closed, &probe, WAIT_NS));
    hf_grpc_call_finish(kept, HF_GRPC_OK, NULL);
    probe_finish(&probe);
    end();
}

static void
so_many_connections_and_no_more(void)
{
    struct hf_grpc_server_options options;
    struct probe first, second, third;

    hf_grpc_server_options_init(&options);
    options.max_connections = 2;
    begin_with(&options);
    probe_connect(&first);
    probe_connect(&second);
    probe_connect(&third);
    CU_ASSERT_TRUE(hf_loop_run_until(loop, has_no_conn, &third, WAIT_NS));
    probe_finish(&third);
    probe_finish(&second);
    probe_finish(&first);
    end();
}

UNIT_MAIN("grpc server", UNIT_TEST(answers_with_message_metadata_and_status),
          UNIT_TEST(an_empty_message_is_a_message), UNIT_TEST(streams_as_fast_as_it_is_read),
          UNIT_TEST(takes_a_stream_of_messages), UNIT_TEST(talks_both_ways_in_any_pieces),
          UNIT_TEST(a_pause_keeps_what_came_in_one_piece), UNIT_TEST(decodes_protobuf),
          UNIT_TEST(reads_gzip), UNIT_TEST(a_deadline_cancels_the_handler),
          UNIT_TEST(a_caller_that_goes_cancels_the_handler),
          UNIT_TEST(a_handler_may_outlive_the_server), UNIT_TEST(a_drain_waits_for_calls),
          UNIT_TEST(admits_whom_it_is_told), UNIT_TEST(drops_the_connections_of_an_address),
          UNIT_TEST(so_many_connections_and_no_more))
