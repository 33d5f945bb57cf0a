/*
 * test-h2-flow.c - windows, backpressure, and what is held for a peer that does not read.
 */
#include <stdlib.h>
#include <string.h>

#include "h2.h"
#include "unit.h"

enum { WINDOW = 256 * 1024 };

static uint8_t zeros[4 * WINDOW];

static void
answer_ok(struct h2_heard *heard)
{
    hf_h2_stream_respond(heard->stream, h2_fields(":status: 200\n"), false);
}

static void
answer_four_windows(struct h2_heard *heard)
{
    answer_ok(heard);
    hf_h2_stream_write(heard->stream, zeros, sizeof zeros);
    hf_h2_stream_trailers(heard->stream, h2_fields("grpc-status: 0\n"));
}

static void
unread_stream_holds_one_window_and_no_other_stream(void)
{
    struct h2_test *test = h2_pair(NULL, NULL);
    struct h2_heard *unread[20];
    struct h2_heard *call;

    test->server.on_request = answer_four_windows;
    test->client.hold = true;
    for (int i = 0; i < 20; i++) { /* five times the connection's window */
        unread[i] = h2_call(test, h2_request_fields("/", NULL), true);
    }
    H2_UNTIL(test, unread[19]->received == WINDOW && unread[0]->received == WINDOW);
    h2_settle(test);
    for (int i = 0; i < 20; i++) {
        UNIT_U64(unread[i]->received, WINDOW);
        UNIT_U64(hf_h2_stream_unsent(test->server.heard[i].stream), sizeof zeros - WINDOW);
        UNIT_U64(test->server.heard[i].sent, WINDOW);
    }
    test->client.hold = false;
    test->server.on_request = NULL;
    h2_echo(&test->server);
    call = h2_call(test, h2_request_fields("/", NULL), false);
    hf_h2_stream_write(call->stream, "x", 1);
    hf_h2_stream_end(call->stream);
    H2_UNTIL(test, call->closed);
    CU_ASSERT_TRUE(call->close.complete);
    hf_h2_stream_consume(unread[3]->stream, WINDOW);
    H2_UNTIL(test, unread[3]->closed);
    UNIT_U64(unread[3]->received, sizeof zeros);
    h2_free(test);
}

static void
window_opens_when_bytes_are_taken(void)
{
    enum { FIRST = 64 * 1024 };
    struct hf_h2_options options;
    struct h2_test *test;
    struct h2_heard *call;

    hf_h2_options_init(&options);
    options.first_window = FIRST;
    test = h2_pair(&options, NULL);
    test->server.on_request = answer_four_windows;
    test->client.hold = true;
    call = h2_call(test, h2_request_fields("/", NULL), true);
    H2_UNTIL(test, call->received == FIRST);
    h2_settle(test);
    UNIT_U64(call->received, FIRST);
    hf_h2_stream_consume(call->stream, FIRST); /* as many more, still unread */
    H2_UNTIL(test, call->received == 2 * FIRST);
    h2_settle(test);
    UNIT_U64(call->received, 2 * FIRST);
    hf_h2_stream_consume(call->stream, 1); /* now more than the first window was taken */
    H2_UNTIL(test, call->received >= FIRST + WINDOW);
    h2_settle(test);
    CU_ASSERT_TRUE(call->received <= FIRST + 1 + WINDOW);
    test->client.hold = false;
    hf_h2_stream_consume(call->stream, call->received - FIRST - 1);
    H2_UNTIL(test, call->closed);
    UNIT_U64(call->received, sizeof zeros);
    h2_free(test);
}

static void
credit_comes_back_in_small_pieces_too(void)
{
    struct h2_test *test = h2_pair(NULL, NULL);
    struct h2_heard *call;
    size_t consumed = 0;

    test->server.on_request = answer_four_windows;
    test->client.hold = true;
    call = h2_call(test, h2_request_fields("/", NULL), true);
    while (!call->closed && H2_UNTIL(test, call->closed || call->received > consumed)) {
        while (call->stream && consumed < call->received) {
            size_t n = call->received - consumed;

            n = n < 1000 ? n : 1000;
            hf_h2_stream_consume(call->stream, n);
            consumed += n;
        }
    }
    UNIT_U64(call->received, sizeof zeros);
    h2_free(test);
}

static void
streams_that_end_unread_return_the_connection_window(void)
{
    struct hf_h2_options trusting;
    struct h2_test *test;
    struct h2_heard *call;

    hf_h2_options_init(&trusting);
    trusting.trusted = true; /* of so many resets */
    test = h2_pair(NULL, &trusting);
    test->server.on_request = answer_four_windows;
    test->client.hold = true;
    for (int i = 0; i < 1000; i++) {
        call = h2_call(test, h2_request_fields("/", NULL), true);
        H2_UNTIL(test, call->received > 0);
        hf_h2_stream_reset(call->stream, HF_H2_CANCEL); /* more is still on its way */
    }
    H2_UNTIL(test, call->closed);
    test->client.hold = false;
    call = h2_call(test, h2_request_fields("/", NULL), true);
    H2_UNTIL(test, call->closed);
    UNIT_U64(call->received, sizeof zeros);
    CU_ASSERT_TRUE(call->close.complete);
    h2_free(test);
}

/* Bytes of DATA of stream 1 that come of what was sent. */
static size_t
drain_data(struct h2_test *test)
{
    struct h2_frame frame;
    size_t sum = 0;

    h2_settle(test);
    while (h2_raw_have(test) && h2_raw_next(test, &frame)) {
        sum += frame.type == H2_DATA && frame.id == 1 ? frame.len : 0;
    }
    return sum;
}

static void
set_initial_window(struct h2_test *test, uint32_t size)
{
    uint8_t setting[6] = {
        0, 4, (uint8_t)(size >> 24), (uint8_t)(size >> 16), (uint8_t)(size >> 8), (uint8_t)size
    };

    h2_raw_frame(test, H2_SETTINGS, 0, 0, setting, sizeof setting);
}

static void
initial_window_may_shrink_to_nothing_and_below(void)
{
    struct h2_test *test = h2_against(HF_H2_SERVER, NULL);
    size_t sum;

    test->server.on_request = answer_ok;
    h2_raw_hello(test);
    set_initial_window(test, 0);
    h2_raw_request(test, 1, true);
    H2_UNTIL(test, test->server.n == 1);
    hf_h2_stream_write(test->server.heard[0].stream, zeros, 1000);
    UNIT_U64(drain_data(test), 0);
    set_initial_window(test, 100);
    UNIT_U64(drain_data(test), 100);
    set_initial_window(test, 10); /* the stream's window is now -90 */
    UNIT_U64(drain_data(test), 0);
    h2_raw_u32(test, H2_WINDOW, 1, 90);
    UNIT_U64(drain_data(test), 0);
    h2_raw_u32(test, H2_WINDOW, 1, 1);
    UNIT_U64(drain_data(test), 1);
    set_initial_window(test, 65535);
    sum = drain_data(test);
    UNIT_U64(sum, 1000 - 101);
    h2_free(test);
}

static void
keeps_reading_while_its_output_is_blocked(void)
{
    struct h2_test *test = h2_against(HF_H2_SERVER, NULL);
    struct h2_frame frame;
    size_t sum = 0;

    test->server.on_request = answer_four_windows;
    h2_raw_hello(test);
    h2_raw_u32(test, H2_WINDOW, 0, 1u << 30);
    set_initial_window(test, 1u << 30);
    for (int i = 0; i < 4; i++) {
        h2_raw_request(test, 2 * i + 1, true); /* 4 MiB: more than the socket takes */
    }
    H2_UNTIL(test, test->server.n == 4);
    h2_settle(test);
    CU_ASSERT(hf_h2_stream_unsent(test->server.heard[3].stream) > 0);
    h2_raw_u32(test, H2_RST, 7, HF_H2_CANCEL); /* must be heard although nothing can be sent */
    H2_UNTIL(test, test->server.heard[3].closed);
    for (int ended = 0; ended < 3 && h2_raw_next(test, &frame);) {
        sum += frame.type == H2_DATA && frame.id < 7 ? frame.len : 0;
        ended += frame.type == H2_HEADERS && (frame.flags & H2_F_END);
    }
    UNIT_U64(sum, 3 * sizeof zeros);
    h2_free(test);
}

static void
reports_what_entered_the_socket_not_what_was_written(void)
{
    struct h2_test *test = h2_against(HF_H2_SERVER, NULL);
    struct h2_heard *heard = &test->server.heard[0];
    struct h2_frame frame;
    size_t before;

    test->server.on_request = answer_ok;
    h2_raw_hello(test);
    h2_raw_u32(test, H2_WINDOW, 0, 1u << 30);
    set_initial_window(test, 1u << 30);
    h2_raw_request(test, 1, true);
    H2_UNTIL(test, test->server.n == 1);
    for (int i = 0; i < 8; i++) {
        hf_h2_stream_write(heard->stream, zeros, sizeof zeros);
    }
    h2_settle(test);
    before = heard->sent;
    UNIT_U64(before + hf_h2_stream_unsent(heard->stream), 8 * sizeof zeros);
    CU_ASSERT(before < 4 * sizeof zeros);
    for (size_t sum = 0; sum < 8 * sizeof zeros && h2_raw_next(test, &frame);) {
        sum += frame.type == H2_DATA ? frame.len : 0;
    }
    h2_settle(test);
    UNIT_U64(heard->sent, 8 * sizeof zeros);
    UNIT_U64(hf_h2_stream_unsent(heard->stream), 0);
    h2_free(test);
}

static void
what_is_queued_while_blocked_goes_out_afterwards(void)
{
    struct h2_test *test = h2_against(HF_H2_SERVER, NULL);
    struct h2_frame frame;
    size_t sum = 0;

    test->server.on_request = answer_ok;
    h2_raw_hello(test);
    h2_raw_u32(test, H2_WINDOW, 0, 1u << 30);
    set_initial_window(test, 1u << 30);
    h2_raw_request(test, 1, true);
    h2_raw_request(test, 3, true);
    H2_UNTIL(test, test->server.n == 2);
    hf_h2_stream_write(test->server.heard[0].stream, zeros, WINDOW);
    h2_settle(test); /* the socket is full, everything has been framed */
    CU_ASSERT(hf_h2_stream_unsent(test->server.heard[0].stream) > 0);
    hf_h2_stream_write(test->server.heard[1].stream, zeros, 1000);
    h2_settle(test);
    while (sum < WINDOW + 1000 && h2_raw_next(test, &frame)) {
        sum += frame.type == H2_DATA ? frame.len : 0;
    }
    UNIT_U64(sum, WINDOW + 1000);
    h2_free(test);
}

static void
many_streams_share_a_connection_fairly(void)
{
    struct h2_test *test = h2_pair(NULL, NULL);
    struct h2_heard *large;
    struct h2_heard *small;

    h2_echo(&test->server);
    large = h2_call(test, h2_request_fields("/", NULL), false);
    for (int i = 0; i < 32; i++) {
        hf_h2_stream_write(large->stream, zeros, sizeof zeros);
    }
    H2_UNTIL(test, large->received > sizeof zeros);
    small = h2_call(test, h2_request_fields("/", NULL), false);
    hf_h2_stream_write(small->stream, "x", 1);
    hf_h2_stream_end(small->stream);
    H2_UNTIL(test, small->closed);
    CU_ASSERT(large->received < 16 * sizeof zeros);
    h2_free(test);
}

static void
buffers_can_be_handed_over(void)
{
    struct h2_test *test = h2_pair(NULL, NULL);
    struct hf_h2_buffer buffer = { 0 };
    struct h2_heard *call;

    h2_echo(&test->server);
    CU_ASSERT_EQUAL(hf_h2_buffer_append(&buffer, zeros, 50000), 0);
    CU_ASSERT_EQUAL(hf_h2_buffer_append(&buffer, "tail", 4), 0);
    hf_h2_buffer_skip(&buffer, 20000);
    call = h2_call(test, h2_request_fields("/", NULL), false);
    hf_h2_stream_write_buffer(call->stream, &buffer);
    CU_ASSERT_EQUAL(buffer.len, 0);
    hf_h2_stream_end(call->stream);
    H2_UNTIL(test, call->closed);
    UNIT_U64(call->received, 30004);
    h2_free(test);
}

UNIT_MAIN("h2-flow", UNIT_TEST(unread_stream_holds_one_window_and_no_other_stream),
          UNIT_TEST(window_opens_when_bytes_are_taken),
          UNIT_TEST(credit_comes_back_in_small_pieces_too),
          UNIT_TEST(streams_that_end_unread_return_the_connection_window),
          UNIT_TEST(initial_window_may_shrink_to_nothing_and_below),
          UNIT_TEST(keeps_reading_while_its_output_is_blocked),
          UNIT_TEST(reports_what_entered_the_socket_not_what_was_written),
          UNIT_TEST(what_is_queued_while_blocked_goes_out_afterwards),
          UNIT_TEST(many_streams_share_a_connection_fairly), UNIT_TEST(buffers_can_be_handed_over))
