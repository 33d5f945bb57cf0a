/*
 * test-h2-bad-bytes.c - what one stream, or one peer, does wrong costs nobody else: blocks
 * that are refused, strings that are too long, answers that pile up towards a peer that
 * reads nothing.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "h2.h"
#include "unit.h"

#define MS UINT64_C(1000000)
/* Turns that take longer than the limits set here. */
#define LONG_TURNS 80
#define FRAME_MAX  16384u

static const char request_lines[] = ":method: POST\n:scheme: http\n:path: /\n:authority: f\n";

static void
answer(struct h2_heard *heard)
{
    hf_h2_stream_respond(heard->stream, h2_fields(":status: 200\n"), true);
}

static struct h2_test *
against(enum hf_h2_side side, const struct hf_h2_options *options)
{
    struct h2_test *test = h2_against(side, options);
    struct h2_end *ours = side == HF_H2_SERVER ? &test->server : &test->client;

    test->server.on_request = answer;
    h2_raw_hello(test);
    H2_UNTIL(test, ours->ready);
    return test;
}

static void
wait_long(struct h2_test *test)
{
    for (int i = 0; i < LONG_TURNS; i++) {
        h2_turn(test);
    }
}

static void
still_serves(struct h2_test *test, int32_t id)
{
    struct h2_frame frame;

    h2_raw_request(test, id, true);
    CU_ASSERT_TRUE(h2_raw_expect(test, H2_HEADERS, id, &frame));
}

/* --- blocks that the library refuses ----------------------------------------- */

static void
a_refused_request_costs_only_itself(void)
{
    static const char *const bad[] = {
        ":method: POST\n:scheme: http\n:path: /\n:authority: f\nconnection: keep-alive\n",
        ":method: POST\n:scheme: http\n:path: /\n:authority: f\nUpper: x\n",
        ":method: POST\n:scheme: http\n:authority: f\n",
        ":method: POST\n:scheme: http\n:path: /\n:authority: f\nte: gzip\n",
        ":method: POST\n:scheme: http\n:path: /\n:authority: f\nx: a\x01\n",
        ":method: POST\n:scheme: http\n:path: /\nx: y\n:authority: f\n",
    };
    struct hf_h2_options options;
    struct h2_test *test;
    struct h2_frame frame;
    int32_t id = 1;

    hf_h2_options_init(&options);
    options.header_ns = 20 * MS;
    test = against(HF_H2_SERVER, &options);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++, id += 2) {
        h2_raw_headers(test, id, bad[i], true);
        CU_ASSERT_TRUE(h2_raw_expect(test, H2_RST, id, &frame));
    }
    wait_long(test);
    UNIT_U64(test->server.n, 0);
    still_serves(test, id);
    h2_free(test);
}

static void
a_refused_response_costs_only_itself(void)
{
    struct hf_h2_options options;
    struct h2_test *test;
    struct h2_heard *bad;
    struct h2_heard *good;

    hf_h2_options_init(&options);
    options.header_ns = 20 * MS;
    test = against(HF_H2_CLIENT, &options);
    bad = h2_call(test, h2_request_fields("/", NULL), true);
    good = h2_call(test, h2_request_fields("/", NULL), true);
    H2_UNTIL(test, hf_h2_stream_id(good->stream) == 3);
    h2_settle(test);
    h2_raw_headers(test, 1, ":status: 200\nconnection: keep-alive\n", false);
    H2_UNTIL(test, bad->closed);
    CU_ASSERT_FALSE(bad->close.lost);
    wait_long(test);
    h2_raw_headers(test, 3, ":status: 200\n", true);
    H2_UNTIL(test, good->closed);
    CU_ASSERT_TRUE(good->close.complete);
    h2_free(test);
}

/* Nothing that a server answers wrongly, however often, ends what others have there. */
static void
refused_responses_are_no_attack(void)
{
    struct h2_test *test = against(HF_H2_CLIENT, NULL);

    for (int32_t id = 1; id < 1000; id += 2) {
        struct h2_heard *call = h2_call(test, h2_request_fields("/", NULL), true);
        struct h2_frame frame;

        CU_ASSERT_TRUE_FATAL(h2_raw_expect(test, H2_HEADERS, id, &frame));
        h2_raw_headers(test, id, ":status: 200\nconnection: keep-alive\n", false);
        H2_UNTIL(test, call->closed);
        CU_ASSERT_FALSE_FATAL(call->close.lost);
    }
    CU_ASSERT_PTR_NOT_NULL(test->client.conn);
    h2_free(test);
}

/* --- strings that are too long ------------------------------------------------ */

/* Sends a block with a value of `len` octets in frames of at most `most`. */
static void
send_long(struct h2_test *test, int32_t id, const char *lines, size_t len, size_t most)
{
    size_t size = len + 1000;
    uint8_t *block = malloc(size);
    char *line = malloc(len + 10);
    uint8_t flags = H2_F_END;
    uint8_t type = H2_HEADERS;
    size_t n;

    CU_ASSERT_FATAL(block && line);
    memcpy(line, "x-long: ", 8);
    memset(line + 8, 'v', len);
    memcpy(line + 8 + len, "\n", 2);
    n = h2_encode(lines, block, size);
    n += h2_encode(line, block + n, size - n);
    n += h2_encode("x-last: z\n", block + n, size - n);
    for (size_t at = 0; at < n; at += most, flags = 0, type = H2_CONTINUATION) {
        size_t piece = n - at < most ? n - at : most;

        h2_raw_frame(test, type, at + piece == n ? flags | H2_F_HEADERS_END : flags, id, block + at,
                     piece);
    }
    free(line);
    free(block);
}

static void
a_long_value_costs_only_its_request(void)
{
    static const size_t lengths[] = { 65537, 70000, 200000, 127 + (1u << 21) };
    static const size_t frames[] = { FRAME_MAX, 16000, 9999 };
    struct h2_test *test = against(HF_H2_SERVER, NULL);
    int32_t id = 1;

    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        for (size_t k = 0; k < sizeof frames / sizeof *frames; k++, id += 4) {
            unsigned n = test->server.n;

            send_long(test, id, request_lines, lengths[i], frames[k]);
            H2_UNTIL(test, test->server.n == n + 1);
            CU_ASSERT_TRUE(hf_h2_fields_truncated(test->server.heard[n].request));
            UNIT_STR(h2_value(test->server.heard[n].request, ":authority"), "f");
            still_serves(test, id + 2);
            CU_ASSERT_FALSE(hf_h2_fields_truncated(test->server.heard[n + 1].request));
        }
    }
    h2_free(test);
}

static void
long_trailers_cost_only_their_call(void)
{
    struct h2_test *test = against(HF_H2_CLIENT, NULL);
    struct h2_heard *first = h2_call(test, h2_request_fields("/", NULL), true);
    struct h2_heard *second = h2_call(test, h2_request_fields("/", NULL), true);

    h2_settle(test);
    h2_raw_headers(test, 1, ":status: 200\n", false);
    send_long(test, 1, "grpc-status: 0\n", 70000, FRAME_MAX);
    H2_UNTIL(test, first->closed);
    CU_ASSERT_TRUE(hf_h2_fields_truncated(first->trailers));
    h2_raw_headers(test, 3, ":status: 200\n", true);
    H2_UNTIL(test, second->closed);
    CU_ASSERT_TRUE(second->close.complete);
    CU_ASSERT_FALSE(hf_h2_fields_truncated(second->response));
    h2_free(test);
}

static void
blocks_without_end_end_the_connection(void)
{
    struct h2_test *test = against(HF_H2_SERVER, NULL);

    send_long(test, 1, request_lines, 5u << 20, FRAME_MAX);
    H2_UNTIL(test, !test->server.conn || !hf_h2_conn_usable(test->server.conn));
    close(test->raw);
    test->raw = -1;
    H2_UNTIL(test, test->server.closed);
    UNIT_CONTAINS(test->server.text, "far too large");
    h2_free(test);
}

/* The library counts its own calls for one CONTINUATION; ours must not come in halves. */
static void
many_continuations_may_come_byte_by_byte(void)
{
    struct h2_test *test = against(HF_H2_SERVER, NULL);
    uint8_t block[512];
    char line[160] = "x: ";
    uint8_t *bytes = malloc(sizeof block * 10);
    size_t n = 0;
    size_t len;

    CU_ASSERT_PTR_NOT_NULL_FATAL(bytes);
    memset(line + 3, 'v', 120);
    line[123] = '\n';
    len = h2_encode(request_lines, block, sizeof block);
    len += h2_encode(line, block + len, sizeof block - len);
    for (size_t i = 0; i < len; i++) {
        const uint8_t frame[10] = { 0,
                                    0,
                                    1,
                                    i == 0 ? H2_HEADERS : H2_CONTINUATION,
                                    (uint8_t)(i + 1 == len ? H2_F_HEADERS_END : 0),
                                    0,
                                    0,
                                    0,
                                    1,
                                    block[i] };

        memcpy(bytes + n, frame, sizeof frame);
        n += sizeof frame;
    }
    for (size_t i = 0; i < n; i++) {
        h2_raw(test, bytes + i, 1);
        h2_turn(test);
    }
    H2_UNTIL(test, test->server.n == 1);
    CU_ASSERT_FALSE(hf_h2_fields_truncated(test->server.heard[0].request));
    free(bytes);
    h2_free(test);
}

/* --- frames that carry nothing ------------------------------------------------ */

static void
flood(uint8_t type, uint8_t flags, int32_t id, const void *payload, size_t len)
{
    struct h2_test *test = against(HF_H2_SERVER, NULL);

    test->server.on_request = NULL;
    h2_raw_request(test, 1, false);
    h2_raw_request(test, 3, false);
    h2_raw_u32(test, H2_RST, 3, HF_H2_CANCEL);
    for (int i = 0; i < 5000 && hf_h2_conn_usable(test->server.conn); i++) {
        h2_raw_frame(test, type, flags, id, payload, len);
    }
    H2_UNTIL(test, !test->server.conn || !hf_h2_conn_usable(test->server.conn));
    close(test->raw);
    test->raw = -1;
    H2_UNTIL(test, test->server.closed);
    UNIT_CONTAINS(test->server.text, "carry nothing");
    h2_free(test);
}

static void
frames_that_carry_nothing_are_counted_wherever_they_go(void)
{
    static const uint8_t padding[6] = { 5, 0, 0, 0, 0, 0 };
    static const uint8_t one[4] = { 0, 0, 0, 1 };

    flood(H2_PING, H2_F_ACK, 0, "12345678", 8);
    flood(H2_PING, H2_F_ACK, 0, "hf-alive", 8);
    flood(0xbe, 0, 0, "what?", 5);
    flood(0x10, 0, 1, "", 0);
    flood(H2_DATA, 0x8, 1, padding, sizeof padding);
    flood(H2_DATA, 0, 3, "", 0); /* of a stream that is gone */
    flood(H2_WINDOW, 0, 3, one, sizeof one);
}

static void
padding_beside_data_is_fine(void)
{
    static const uint8_t padded[4] = { 2, 'x', 0, 0 };
    struct h2_test *test = against(HF_H2_SERVER, NULL);

    test->server.on_request = NULL;
    h2_raw_request(test, 1, false);
    for (int i = 0; i < 3000; i++) {
        h2_raw_frame(test, H2_DATA, 0x8, 1, padded, sizeof padded);
        h2_raw_have(test);
    }
    H2_UNTIL(test, test->server.n == 1 && test->server.heard[0].received == 3000);
    h2_free(test);
}

/* --- 1xx ---------------------------------------------------------------------- */

static void
informational_blocks_do_not_pile_up(void)
{
    struct h2_test *test = against(HF_H2_SERVER, NULL);
    struct hf_h2_stream *stream;
    struct h2_frame frame;
    unsigned n = 0;

    test->server.on_request = NULL;
    h2_raw_request(test, 1, true);
    H2_UNTIL(test, test->server.n == 1);
    stream = test->server.heard[0].stream;
    for (int i = 0; i < 1000; i++) {
        hf_h2_stream_inform(stream, h2_fields(":status: 102\n"));
        if (i % 20 == 19) {
            h2_settle(test);
        }
    }
    answer(&test->server.heard[0]);
    while (h2_raw_expect(test, H2_HEADERS, 1, &frame) && !(frame.flags & H2_F_END)) {
        n++;
    }
    CU_ASSERT(n >= 1 && n <= 8);
    h2_free(test);
}

static void
informational_blocks_without_end_cost_their_call(void)
{
    struct h2_test *test = against(HF_H2_CLIENT, NULL);
    struct h2_heard *endless = h2_call(test, h2_request_fields("/", NULL), true);
    struct h2_heard *other = h2_call(test, h2_request_fields("/", NULL), true);
    struct h2_frame frame;

    h2_settle(test);
    for (int i = 0; i < 150; i++) {
        h2_raw_headers(test, 1, ":status: 102\n", false);
    }
    H2_UNTIL(test, endless->closed);
    CU_ASSERT_TRUE(h2_raw_expect(test, H2_RST, 1, &frame));
    UNIT_U64(h2_u32(frame.payload), HF_H2_ENHANCE_YOUR_CALM);
    UNIT_U64(endless->informational, 100);
    h2_raw_headers(test, 3, ":status: 200\n", true);
    H2_UNTIL(test, other->closed);
    CU_ASSERT_TRUE(other->close.complete);
    h2_free(test);
}

/* --- peers that read nothing, and ends ---------------------------------------- */

static void
cancelled_requests_do_not_pile_up(void)
{
    struct h2_test *test = against(HF_H2_CLIENT, NULL);
    static char large[8000];
    unsigned n = 0;

    /* Until the peer's socket is full, and then while there is room. */
    memset(large, 'x', sizeof large - 1);
    for (; n < 20000 && hf_h2_conn_room(test->client.conn) > 0; n++) {
        struct hf_h2_fields *fields = h2_request_fields("/", NULL);

        hf_h2_fields_set(fields, HF_H2_USER_AGENT, large, sizeof large - 1);
        hf_h2_stream_abandon(hf_h2_conn_request(test->client.conn, fields, true, NULL, NULL),
                             HF_H2_CANCEL);
        if (n < 100) {
            h2_turn(test);
        }
    }
    UNIT_U64(hf_h2_conn_room(test->client.conn), 0);
    CU_ASSERT(n < 5000);
    H2_UNTIL(test, h2_raw_have(test) && hf_h2_conn_room(test->client.conn) > 0);
    h2_free(test);
}

static void
too_long_blocks_are_known_before_they_are_sent(void)
{
    struct hf_h2_options options;
    struct h2_test *test;
    struct hf_h2_fields *small = h2_request_fields("/", NULL);
    struct hf_h2_fields *large = h2_request_fields("/", NULL);
    static char value[2000];

    hf_h2_options_init(&options);
    options.max_header_bytes = 1000;
    test = h2_pair(NULL, &options);
    memset(value, 'x', sizeof value - 1);
    hf_h2_fields_set(large, HF_H2_USER_AGENT, value, sizeof value - 1);
    UNIT_U64(hf_h2_conn_accepts(test->client.conn), 1000);
    CU_ASSERT_TRUE(hf_h2_conn_fits(test->client.conn, small));
    CU_ASSERT_FALSE(hf_h2_conn_fits(test->client.conn, large));
    CU_ASSERT_TRUE(hf_h2_conn_fits(test->server.conn, large));
    hf_h2_fields_unref(small);
    hf_h2_fields_unref(large);
    h2_free(test);
}

/* Answers are queued when the connection ends under them. */
static void
an_end_in_the_middle_of_answers_is_orderly(void)
{
    struct h2_test *test = against(HF_H2_SERVER, NULL);
    uint8_t bytes[2000];
    struct h2_frame frame;
    size_t n = 0;

    for (uint8_t id = 1; id < 20; id += 2) {
        size_t len = h2_encode(request_lines, bytes + n + 9, sizeof bytes - n - 9);

        memcpy(bytes + n, (uint8_t[9]){ 0, 0, (uint8_t)len, H2_HEADERS, 0x5, 0, 0, 0, id }, 9);
        n += 9 + len;
    }
    for (int i = 0; i < 5; i++, n += 17) { /* too many */
        memcpy(bytes + n, "\0\0\x08\x06\0\0\0\0\0pingping", 17);
    }
    h2_raw(test, bytes, n);
    CU_ASSERT_TRUE(h2_raw_expect(test, H2_GOAWAY, 0, &frame));
    UNIT_U64(h2_u32(frame.payload + 4), HF_H2_ENHANCE_YOUR_CALM);
    CU_ASSERT_FALSE(h2_raw_next(test, &frame)); /* it is the last frame */
    for (unsigned i = 0; i < test->server.n; i++) {
        UNIT_U64(test->server.heard[i].closed, 1);
    }
    UNIT_U64(test->server.n, 10);
    h2_free(test);
}

UNIT_MAIN("h2-bad-bytes", UNIT_TEST(a_refused_request_costs_only_itself),
          UNIT_TEST(a_refused_response_costs_only_itself),
          UNIT_TEST(refused_responses_are_no_attack),
          UNIT_TEST(a_long_value_costs_only_its_request),
          UNIT_TEST(long_trailers_cost_only_their_call),
          UNIT_TEST(blocks_without_end_end_the_connection),
          UNIT_TEST(many_continuations_may_come_byte_by_byte),
          UNIT_TEST(frames_that_carry_nothing_are_counted_wherever_they_go),
          UNIT_TEST(padding_beside_data_is_fine), UNIT_TEST(informational_blocks_do_not_pile_up),
          UNIT_TEST(informational_blocks_without_end_cost_their_call),
          UNIT_TEST(cancelled_requests_do_not_pile_up),
          UNIT_TEST(too_long_blocks_are_known_before_they_are_sent),
          UNIT_TEST(an_end_in_the_middle_of_answers_is_orderly))
