/*
 * test-h2-limits.c - hostile and careless peers: what they may do how often, and
 * how long they may take.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "h2.h"
#include "unit.h"

#define MS UINT64_C(1000000)

static void
answer(struct h2_heard *heard)
{
    hf_h2_stream_respond(heard->stream, h2_fields(":status: 200\n"), true);
}

/* A server of ours after the greeting, answering requests. */
static struct h2_test *
greeted(const struct hf_h2_options *options)
{
    struct h2_test *test = h2_against(HF_H2_SERVER, options);

    test->server.on_request = answer;
    h2_raw_hello(test);
    H2_UNTIL(test, test->server.ready);
    return test;
}

/* Ours said goodbye with `code` and closed when the peer did. */
static void
expect_goaway(struct h2_test *test, uint32_t code, enum hf_h2_end end)
{
    struct h2_end *ours = test->server.conn ? &test->server : &test->client;
    struct h2_frame frame;

    if (h2_raw_expect(test, H2_GOAWAY, 0, &frame)) {
        UNIT_U64(h2_u32(frame.payload + 4), code);
    }
    close(test->raw);
    test->raw = -1;
    H2_UNTIL(test, ours->closed);
    UNIT_U64(ours->end, end);
}

static void
still_serves(struct h2_test *test, int32_t id)
{
    struct h2_frame frame;

    h2_raw_request(test, id, true);
    CU_ASSERT_TRUE(h2_raw_expect(test, H2_HEADERS, id, &frame));
}

/* --- header blocks --------------------------------------------------------- */

static const char request_lines[] = ":method: POST\n:scheme: http\n:path: /\n:authority: f\n";

/* Opens a stream with `n` fields that each cost one byte on the wire: the first
 * is put into the table, the others refer to it. */
static void
send_bomb(struct h2_test *test, int32_t id, size_t value_len, size_t n)
{
    static uint8_t block[20000];
    char line[5000];
    size_t len = h2_encode(request_lines, block, sizeof block);
    size_t at = len;

    snprintf(line, sizeof line, "x: %0*d\n", (int)value_len, 0);
    len += h2_encode(line, block + len, sizeof block - len);
    block[at] = 0x40; /* literal, indexed */
    memset(block + len, 0x80 | 62, n);
    h2_raw_frame(test, H2_HEADERS, H2_F_HEADERS_END | H2_F_END, id, block, len + n);
}

static void
too_many_fields_are_cut_and_said(void)
{
    struct h2_test *test = greeted(NULL);
    struct hf_h2_fields *fields;

    send_bomb(test, 1, 10, 150);
    H2_UNTIL(test, test->server.n == 1);
    fields = test->server.heard[0].request;
    CU_ASSERT_TRUE(hf_h2_fields_truncated(fields));
    UNIT_U64(hf_h2_fields_count(fields), 100);
    UNIT_STR(h2_value(fields, ":authority"), "f");
    still_serves(test, 3);
    h2_free(test);
}

static void
too_many_bytes_are_cut_and_said(void)
{
    struct h2_test *test = greeted(NULL);

    send_bomb(test, 1, 3000, 30);
    H2_UNTIL(test, test->server.n == 1);
    CU_ASSERT_TRUE(hf_h2_fields_truncated(test->server.heard[0].request));
    CU_ASSERT(hf_h2_fields_count(test->server.heard[0].request) < 26);
    still_serves(test, 3);
    h2_free(test);
}

static void
header_bomb_ends_the_connection(void)
{
    struct h2_test *test = greeted(NULL);

    send_bomb(test, 1, 4000, 12000);
    expect_goaway(test, HF_H2_ENHANCE_YOUR_CALM, HF_H2_END_PROTOCOL);
    UNIT_U64(test->server.n, 0);
    h2_free(test);
}

static void
continuations_may_come_byte_by_byte(void)
{
    struct h2_test *test = greeted(NULL);
    uint8_t block[256];
    size_t len = h2_encode(request_lines, block, sizeof block);
    uint8_t head[9] = { 0, 0, (uint8_t)(len - 1), H2_CONTINUATION, H2_F_HEADERS_END, 0, 0, 0, 1 };

    h2_raw_frame(test, H2_HEADERS, H2_F_END, 1, block, 1);
    for (size_t i = 0; i < sizeof head; i++) {
        h2_raw(test, head + i, 1);
        h2_turn(test);
    }
    for (size_t i = 1; i < len; i++) {
        h2_raw(test, block + i, 1);
        h2_turn(test);
    }
    H2_UNTIL(test, test->server.n == 1);
    h2_free(test);
}

/* --- floods ---------------------------------------------------------------- */

static void
flood(const struct hf_h2_options *options, uint8_t type, uint8_t flags, int32_t id,
      const void *payload, size_t len)
{
    struct h2_test *test = greeted(options);

    test->server.on_request = NULL;
    h2_raw_request(test, 1, false);
    for (int i = 0; i < 20000 && hf_h2_conn_usable(test->server.conn); i++) {
        h2_raw_frame(test, type, flags, id, payload, len);
    }
    expect_goaway(test, HF_H2_ENHANCE_YOUR_CALM, HF_H2_END_PROTOCOL);
    UNIT_CONTAINS(test->server.text, "carry nothing");
    h2_free(test);
}

static void
empty_pings_are_limited(void)
{
    struct hf_h2_options options;

    hf_h2_options_init(&options);
    options.ping_permit_ns = 0; /* only the flood counts here */
    flood(&options, H2_PING, 0, 0, "12345678", 8);
}

static void
empty_data_is_limited(void)
{
    flood(NULL, H2_DATA, 0, 1, "", 0);
}

static void
priorities_are_limited(void)
{
    static const uint8_t priority[5] = { 0, 0, 0, 0, 16 };

    flood(NULL, H2_PRIORITY, 0, 3, priority, sizeof priority);
}

static void
settings_are_limited(void)
{
    flood(NULL, H2_SETTINGS, 0, 0, "", 0);
}

static void
window_updates_are_limited(void)
{
    static const uint8_t one[4] = { 0, 0, 0, 1 };

    flood(NULL, H2_WINDOW, 0, 1, one, sizeof one);
}

static void
too_many_pings_end_the_connection(void)
{
    struct h2_test *test = greeted(NULL);
    struct h2_frame frame;

    for (int i = 0; i < 4; i++) {
        h2_raw_frame(test, H2_PING, 0, 0, "12345678", 8);
    }
    CU_ASSERT(h2_raw_expect(test, H2_GOAWAY, 0, &frame));
    UNIT_U64(h2_u32(frame.payload + 4), HF_H2_ENHANCE_YOUR_CALM);
    UNIT_U64(frame.len - 8, strlen("too_many_pings"));
    CU_ASSERT_NSTRING_EQUAL(frame.payload + 8, "too_many_pings", 14);
    h2_free(test);
}

static void
pings_between_answers_are_welcome(void)
{
    struct h2_test *test = greeted(NULL);

    for (int i = 0; i < 100; i++) {
        h2_raw_frame(test, H2_PING, 0, 0, "12345678", 8);
        still_serves(test, 2 * i + 1);
    }
    CU_ASSERT_PTR_NOT_NULL(test->server.conn);
    h2_free(test);
}

static void
rapid_resets_end_the_connection(void)
{
    struct h2_test *test = greeted(NULL);
    int32_t id = 1;

    test->server.on_request = NULL;
    for (; id < 20000 && H2_STREAMS_MAX > test->server.n && hf_h2_conn_usable(test->server.conn);
         id += 2) {
        h2_raw_request(test, id, false);
        h2_raw_u32(test, H2_RST, id, HF_H2_CANCEL);
        h2_turn(test);
    }
    CU_ASSERT(id > 1000); /* the first may well be given up */
    expect_goaway(test, HF_H2_ENHANCE_YOUR_CALM, HF_H2_END_PROTOCOL);
    h2_free(test);
}

static void
resets_among_completed_calls_are_welcome(void)
{
    struct h2_test *test = greeted(NULL);
    int32_t id = 1;

    for (; id < 3600; id += 4) {
        still_serves(test, id);
        h2_raw_request(test, id + 2, false);
        h2_raw_u32(test, H2_RST, id + 2, HF_H2_CANCEL);
    }
    CU_ASSERT_PTR_NOT_NULL(test->server.conn);
    h2_free(test);
}

static void
peers_of_ours_may_cancel_everything_at_once(void)
{
    struct hf_h2_options trusted;
    struct h2_test *test;

    hf_h2_options_init(&trusted);
    trusted.trusted = true;
    test = greeted(&trusted);
    test->server.on_request = NULL;
    for (int32_t id = 1; id < 4000; id += 2) {
        h2_raw_request(test, id, false);
        h2_raw_u32(test, H2_RST, id, HF_H2_CANCEL);
    }
    test->server.on_request = answer;
    still_serves(test, 4001);
    h2_free(test);
}

static void
resets_we_are_made_to_send_end_the_connection(void)
{
    struct h2_test *test = greeted(NULL);
    int32_t id = 1;

    test->server.on_request = NULL;
    for (; id < 20000 && H2_STREAMS_MAX > test->server.n && hf_h2_conn_usable(test->server.conn);
         id += 2) {
        h2_raw_request(test, id, false);
        h2_raw_u32(test, H2_WINDOW, id, 0x7fffffff); /* overflows the window */
        h2_turn(test);
    }
    CU_ASSERT(id > 300);
    expect_goaway(test, HF_H2_ENHANCE_YOUR_CALM, HF_H2_END_PROTOCOL);
    h2_free(test);
}

static void
other_protocols_are_closed_cleanly(void)
{
    struct h2_test *test = h2_against(HF_H2_SERVER, NULL);
    static const char http1[] = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
    struct h2_frame frame;

    h2_raw(test, http1, sizeof http1 - 1);
    while (h2_raw_next(test, &frame)) { /* until ours has shut its side */
    }
    CU_ASSERT_TRUE(test->raw_eof);
    close(test->raw);
    test->raw = -1;
    H2_UNTIL(test, test->server.closed);
    UNIT_U64(test->server.end, HF_H2_END_PROTOCOL);
    UNIT_CONTAINS(test->server.text, "not HTTP/2");
    h2_free(test);
}

static void
a_connection_that_says_nothing_is_no_error(void)
{
    struct h2_test *test = h2_against(HF_H2_SERVER, NULL);

    close(test->raw);
    test->raw = -1;
    H2_UNTIL(test, test->server.closed);
    UNIT_U64(test->server.end, HF_H2_END_EOF);
    h2_free(test);
}

/* --- time limits ----------------------------------------------------------- */

static struct hf_h2_options
patient(void)
{
    struct hf_h2_options options;

    hf_h2_options_init(&options);
    return options;
}

static void
settings_must_come_in_time(void)
{
    struct hf_h2_options options = patient();
    struct h2_test *test;

    options.setup_ns = 20 * MS;
    test = h2_against(HF_H2_SERVER, &options);
    expect_goaway(test, HF_H2_SETTINGS_TIMEOUT, HF_H2_END_TIMEOUT);
    h2_free(test);
}

static void
settings_must_be_acknowledged_in_time(void)
{
    static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    struct hf_h2_options options = patient();
    struct h2_test *test;

    options.settings_ack_ns = 20 * MS;
    test = h2_against(HF_H2_SERVER, &options);
    h2_raw(test, preface, sizeof preface - 1);
    h2_raw_frame(test, H2_SETTINGS, 0, 0, NULL, 0);
    expect_goaway(test, HF_H2_SETTINGS_TIMEOUT, HF_H2_END_TIMEOUT);
    h2_free(test);
}

static void
header_blocks_must_be_completed_in_time(void)
{
    struct hf_h2_options options = patient();
    struct h2_test *test;

    options.header_ns = 20 * MS;
    test = greeted(&options);
    h2_raw_frame(test, H2_HEADERS, 0, 1, "", 0);
    expect_goaway(test, HF_H2_ENHANCE_YOUR_CALM, HF_H2_END_TIMEOUT);
    h2_free(test);
}

static void
answer_much(struct h2_heard *heard)
{
    static const uint8_t zeros[4 << 20];

    hf_h2_stream_respond(heard->stream, h2_fields(":status: 200\n"), false);
    hf_h2_stream_write(heard->stream, zeros, sizeof zeros);
}

static void
sockets_must_take_something_in_time(void)
{
    struct hf_h2_options options = patient();
    struct h2_test *test;
    static const uint8_t window[6] = { 0, 4, 0x40, 0, 0, 0 };

    options.write_ns = 20 * MS;
    test = greeted(&options);
    test->server.on_request = answer_much;
    h2_raw_frame(test, H2_SETTINGS, 0, 0, window, sizeof window);
    h2_raw_u32(test, H2_WINDOW, 0, 1u << 30);
    h2_raw_request(test, 1, true);
    H2_UNTIL(test, test->server.closed); /* though the peer does not close */
    UNIT_U64(test->server.end, HF_H2_END_TIMEOUT);
    UNIT_U64(test->server.heard[0].closed, 1);
    h2_free(test);
}

static void
blocked_streams_are_cancelled_others_live(void)
{
    struct hf_h2_options options = patient();
    struct h2_test *test;
    struct h2_frame frame;

    options.blocked_ns = 20 * MS;
    test = greeted(&options);
    test->server.on_request = answer_much; /* beyond 64 KiB nothing may be sent */
    h2_raw_request(test, 1, true);
    CU_ASSERT(h2_raw_expect(test, H2_RST, 1, &frame));
    UNIT_U64(h2_u32(frame.payload), HF_H2_CANCEL);
    UNIT_U64(test->server.heard[0].closed, 1);
    test->server.on_request = answer;
    still_serves(test, 3);
    h2_free(test);
}

static void
idle_streams_may_last(void)
{
    struct hf_h2_options options = patient();
    struct h2_test *test;

    options.blocked_ns = options.header_ns = options.write_ns = 1 * MS;
    test = greeted(&options);
    test->server.on_request = NULL;
    h2_raw_request(test, 1, false);
    H2_UNTIL(test, test->server.n == 1);
    for (int i = 0; i < 40; i++) {
        h2_turn(test);
    }
    UNIT_U64(test->server.heard[0].closed, 0);
    CU_ASSERT_PTR_NOT_NULL(test->server.conn);
    h2_free(test);
}

static void
idle_connections_say_goodbye(void)
{
    struct hf_h2_options options = patient();
    struct h2_test *test;

    options.idle_ns = 20 * MS;
    test = greeted(&options);
    expect_goaway(test, HF_H2_NO_ERROR, HF_H2_END_IDLE);
    h2_free(test);
}

static void
dead_peers_are_found_by_ping(void)
{
    struct hf_h2_options options = patient();
    struct h2_test *test;
    struct h2_heard *call;
    struct h2_frame frame;

    options.ping_ns = 10 * MS;
    options.ping_timeout_ns = 500 * MS;
    test = h2_against(HF_H2_CLIENT, &options);
    h2_raw_hello(test);
    call = h2_call(test, h2_request_fields("/", NULL), true);
    CU_ASSERT(h2_raw_expect(test, H2_PING, 0, &frame));
    h2_raw_frame(test, H2_PING, H2_F_ACK, 0, frame.payload, 8);
    CU_ASSERT(h2_raw_expect(test, H2_PING, 0, &frame)); /* answered: another, later */
    UNIT_U64(call->closed, 0);
    H2_UNTIL(test, call->closed);
    CU_ASSERT_TRUE(call->close.lost);
    expect_goaway(test, HF_H2_NO_ERROR, HF_H2_END_TIMEOUT);
    h2_free(test);
}

static void
no_ping_goes_out_without_streams(void)
{
    struct hf_h2_options options = patient();
    struct h2_test *test;

    options.ping_ns = 1 * MS;
    test = h2_against(HF_H2_CLIENT, &options);
    h2_raw_hello(test);
    for (int i = 0; i < 30; i++) {
        h2_turn(test);
    }
    CU_ASSERT_PTR_NULL(memmem(test->in, test->n_in, "hf-alive", 8));
    h2_free(test);
}

/* --- draining -------------------------------------------------------------- */

static void
drain_loses_no_request_on_its_way(void)
{
    struct h2_test *test = greeted(NULL);
    struct h2_frame frame;
    uint8_t ping[8];

    test->server.on_request = NULL;
    h2_raw_request(test, 1, true);
    H2_UNTIL(test, test->server.n == 1);
    hf_h2_conn_drain(test->server.conn);
    CU_ASSERT(h2_raw_expect(test, H2_GOAWAY, 0, &frame));
    UNIT_U64(h2_u32(frame.payload), 0x7fffffff);
    CU_ASSERT(h2_raw_expect(test, H2_PING, 0, &frame));
    memcpy(ping, frame.payload, 8);
    h2_raw_request(test, 3, true); /* was on its way */
    h2_raw_frame(test, H2_PING, H2_F_ACK, 0, ping, 8);
    CU_ASSERT(h2_raw_expect(test, H2_GOAWAY, 0, &frame));
    UNIT_U64(h2_u32(frame.payload), 3);
    UNIT_U64(test->server.n, 2);
    h2_raw_request(test, 5, true); /* too late, and the peer knows */
    h2_settle(test);
    UNIT_U64(test->server.n, 2);
    answer(&test->server.heard[0]);
    h2_settle(test);
    CU_ASSERT_PTR_NOT_NULL(test->server.conn);
    answer(&test->server.heard[1]);
    CU_ASSERT(h2_raw_expect(test, H2_HEADERS, 3, &frame));
    expect_goaway(test, HF_H2_NO_ERROR, HF_H2_END_DRAINED);
    h2_free(test);
}

static void
drain_goes_on_without_an_answer(void)
{
    struct hf_h2_options options = patient();
    struct h2_test *test;

    options.drain_ns = 1200 * MS;
    test = greeted(&options);
    test->server.on_request = NULL;
    h2_raw_request(test, 1, true);
    H2_UNTIL(test, test->server.n == 1);
    hf_h2_conn_drain(test->server.conn);
    H2_UNTIL(test, test->server.heard[0].closed); /* cut off */
    CU_ASSERT_TRUE(test->server.heard[0].close.lost);
    close(test->raw);
    test->raw = -1;
    H2_UNTIL(test, test->server.closed);
    UNIT_U64(test->server.end, HF_H2_END_DRAINED);
    h2_free(test);
}

static void
drain_without_a_limit_waits_for_its_streams(void)
{
    struct hf_h2_options options = patient();
    struct h2_test *test;
    struct h2_frame frame;

    options.drain_ns = 0;
    test = greeted(&options);
    test->server.on_request = NULL;
    h2_raw_request(test, 1, true);
    H2_UNTIL(test, test->server.n == 1);
    hf_h2_conn_drain(test->server.conn);
    CU_ASSERT(h2_raw_expect(test, H2_GOAWAY, 0, &frame));
    CU_ASSERT(h2_raw_expect(test, H2_GOAWAY, 0, &frame)); /* without the PING's answer */
    h2_settle(test);
    CU_ASSERT_FALSE(test->server.heard[0].closed);
    answer(&test->server.heard[0]);
    CU_ASSERT(h2_raw_expect(test, H2_HEADERS, 1, &frame));
    expect_goaway(test, HF_H2_NO_ERROR, HF_H2_END_DRAINED);
    h2_free(test);
}

static void
abandon(struct h2_heard *heard)
{
    hf_h2_stream_abandon(heard->stream, HF_H2_NO_ERROR);
}

/* As clients do that have all they want to know. */
static void
giving_up_what_is_complete_costs_nothing(void)
{
    struct h2_test *test = h2_pair(NULL, NULL);

    test->server.on_request = answer;
    test->client.on_end = abandon;
    for (unsigned i = 0; i < 1000 && !test->client.closed; i++) {
        h2_call(test, h2_request_fields("/", NULL), true);
        H2_UNTIL(test, test->client.closed || test->server.heard[i].closed);
        CU_ASSERT_TRUE(test->server.heard[i].close.complete);
    }
    UNIT_U64(test->client.closed, 0);
    h2_free(test);
}

static void
both_sides_of_ours_drain(void)
{
    struct h2_test *test = h2_pair(NULL, NULL);
    struct h2_heard *call;

    test->server.on_request = NULL;
    call = h2_call(test, h2_request_fields("/", NULL), true);
    H2_UNTIL(test, test->server.n == 1);
    hf_h2_conn_drain(test->server.conn);
    H2_UNTIL(test, test->client.goaways == 2);
    UNIT_U64(hf_h2_conn_room(test->client.conn), 0);
    answer(&test->server.heard[0]);
    H2_UNTIL(test, test->client.closed && test->server.closed);
    CU_ASSERT_TRUE(call->close.complete);
    UNIT_U64(test->server.end, HF_H2_END_DRAINED);
    UNIT_U64(test->client.end, HF_H2_END_DRAINED);
    h2_free(test);
}

UNIT_MAIN("h2-limits", UNIT_TEST(too_many_fields_are_cut_and_said),
          UNIT_TEST(too_many_bytes_are_cut_and_said), UNIT_TEST(header_bomb_ends_the_connection),
          UNIT_TEST(continuations_may_come_byte_by_byte), UNIT_TEST(empty_pings_are_limited),
          UNIT_TEST(empty_data_is_limited), UNIT_TEST(priorities_are_limited),
          UNIT_TEST(settings_are_limited), UNIT_TEST(window_updates_are_limited),
          UNIT_TEST(too_many_pings_end_the_connection),
          UNIT_TEST(pings_between_answers_are_welcome), UNIT_TEST(rapid_resets_end_the_connection),
          UNIT_TEST(resets_among_completed_calls_are_welcome),
          UNIT_TEST(peers_of_ours_may_cancel_everything_at_once),
          UNIT_TEST(resets_we_are_made_to_send_end_the_connection),
          UNIT_TEST(other_protocols_are_closed_cleanly),
          UNIT_TEST(a_connection_that_says_nothing_is_no_error),
          UNIT_TEST(settings_must_come_in_time), UNIT_TEST(settings_must_be_acknowledged_in_time),
          UNIT_TEST(header_blocks_must_be_completed_in_time),
          UNIT_TEST(sockets_must_take_something_in_time),
          UNIT_TEST(blocked_streams_are_cancelled_others_live), UNIT_TEST(idle_streams_may_last),
          UNIT_TEST(idle_connections_say_goodbye), UNIT_TEST(dead_peers_are_found_by_ping),
          UNIT_TEST(no_ping_goes_out_without_streams), UNIT_TEST(drain_loses_no_request_on_its_way),
          UNIT_TEST(drain_goes_on_without_an_answer),
          UNIT_TEST(drain_without_a_limit_waits_for_its_streams),
          UNIT_TEST(giving_up_what_is_complete_costs_nothing), UNIT_TEST(both_sides_of_ours_drain))
