/*
 * test-h2-stream.c - requests and responses between two connections of ours.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "h2.h"
#include "unit.h"

static void
echoes_a_unary_call(void)
{
    struct h2_test *test = h2_pair(NULL, NULL);
    struct h2_heard *call;
    size_t len;

    h2_echo(&test->server);
    call = h2_call(test, h2_request_fields("/Echo", "te: trailers\nx-a: 1\n"), false);
    hf_h2_stream_write(call->stream, "hello", 5);
    hf_h2_stream_end(call->stream);
    H2_UNTIL(test, call->closed);
    UNIT_STR(h2_value(call->response, ":status"), "200");
    UNIT_STR(h2_value(call->trailers, "grpc-status"), "0");
    CU_ASSERT_NSTRING_EQUAL(hf_h2_buffer_peek(&call->data, &len), "hello", 5);
    UNIT_U64(len, 5);
    UNIT_U64(call->ended, 1);
    UNIT_U64(call->closed, 1);
    CU_ASSERT_TRUE(call->close.complete);
    CU_ASSERT_EQUAL(call->close.code, HF_H2_NO_ERROR);
    UNIT_STR(h2_value(test->server.heard[0].request, "te"), "trailers");
    UNIT_STR(h2_value(test->server.heard[0].request, ":path"), "/Echo");
    UNIT_STR(h2_value(test->server.heard[0].request, ":authority"), "function");
    UNIT_U64(test->server.heard[0].ended, 1);
    H2_UNTIL(test, test->server.heard[0].closed);
    CU_ASSERT_TRUE(test->server.heard[0].close.complete);
    h2_free(test);
}

static void
fill(uint8_t *data, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        data[i] = (uint8_t)(i * 7 + i / 251);
    }
}

static void
echoes_a_large_message(void)
{
    enum { LEN = 3 * 1024 * 1024 + 17 };
    struct h2_test *test = h2_pair(NULL, NULL);
    uint8_t *data = malloc(LEN);
    uint8_t *back = malloc(LEN);
    struct h2_heard *call;

    fill(data, LEN);
    h2_echo(&test->server);
    call = h2_call(test, h2_request_fields("/Echo", NULL), false);
    for (size_t at = 0; at < LEN; at += 100000) {
        hf_h2_stream_write(call->stream, data + at, LEN - at < 100000 ? LEN - at : 100000);
    }
    hf_h2_stream_end(call->stream);
    H2_UNTIL(test, call->closed);
    UNIT_U64(call->data.len, LEN);
    hf_h2_buffer_copy(&call->data, back, LEN);
    CU_ASSERT_EQUAL(memcmp(data, back, LEN), 0);
    UNIT_U64(call->received, LEN);
    free(data);
    free(back);
    h2_free(test);
}

/* --- headers and trailers -------------------------------------------------- */

static void
answer_ok(struct h2_heard *heard)
{
    hf_h2_stream_respond(heard->stream, h2_fields(":status: 200\n"), false);
}

/* Answers with the request's own fields. */
static void
mirror(struct h2_heard *heard)
{
    struct hf_h2_fields *fields = hf_h2_fields_ref(heard->request);

    hf_h2_fields_remove(fields, HF_H2_AUTHORITY);
    hf_h2_fields_remove(fields, HF_H2_METHOD);
    hf_h2_fields_remove(fields, HF_H2_SCHEME);
    hf_h2_fields_remove(fields, HF_H2_PATH);
    hf_h2_fields_set_static(fields, HF_H2_STATUS, "200");
    hf_h2_stream_respond(heard->stream, fields, true);
}

static void
keeps_order_and_bytes_of_repeated_fields(void)
{
    struct h2_test *test = h2_pair(NULL, NULL);
    struct h2_heard *call;
    const char *expected[][2] = {
        { ":status", "200" }, { "x-a", "1" },          { "k-bin", "AAE=" },
        { "x-a", "2" },       { "k-bin", "AAE,/+8x" }, { "x-a", "1" },
    };

    test->server.on_request = mirror;
    call = h2_call(test,
                   h2_request_fields("/", "x-a: 1\nk-bin: AAE=\nx-a: 2\nk-bin: AAE,/+8x\nx-a: 1\n"),
                   true);
    H2_UNTIL(test, call->closed);
    UNIT_U64(hf_h2_fields_count(call->response), 6);
    for (size_t i = 0; i < 6; i++) {
        UNIT_STR(hf_h2_fields_at(call->response, i)->name, expected[i][0]);
        UNIT_STR(hf_h2_fields_at(call->response, i)->value, expected[i][1]);
    }
    h2_free(test);
}

static void
forwards_a_never_indexed_field_never_indexed(void)
{
    struct h2_test *test = h2_against(HF_H2_SERVER, NULL);
    struct h2_frame frame;
    static const uint8_t literal[] = { 0x10 };

    test->server.on_request = mirror;
    h2_raw_hello(test);
    h2_raw_headers(test, 1,
                   ":method: POST\n:scheme: http\n:path: /\n:authority: f\nsecret-key: v\n", true);
    CU_ASSERT(h2_raw_expect(test, H2_HEADERS, 1, &frame));
    /* :status 200 is one byte (RFC 7541 table entry 8); the secret follows. */
    UNIT_U64(frame.payload[0], 0x88);
    UNIT_U64(frame.payload[1] & 0xf0, literal[0]);
    h2_free(test);
}

static void
folds_host_into_authority(void)
{
    struct h2_test *test = h2_against(HF_H2_SERVER, NULL);
    struct h2_frame frame;

    test->server.on_request = answer_ok;
    h2_raw_hello(test);
    h2_raw_headers(test, 1, ":method: POST\n:scheme: http\n:path: /\nhost: a.b\n", true);
    h2_raw_headers(test, 3, ":method: POST\n:scheme: http\n:path: /\n:authority: x\nhost: x\n",
                   true);
    CU_ASSERT(h2_raw_expect(test, H2_HEADERS, 3, &frame));
    UNIT_U64(test->server.n, 2);
    UNIT_STR(h2_value(test->server.heard[0].request, ":authority"), "a.b");
    UNIT_STR(hf_h2_fields_at(test->server.heard[0].request, 0)->name, ":method");
    for (int i = 0; i < 2; i++) {
        CU_ASSERT_PTR_NULL(hf_h2_fields_get(test->server.heard[i].request, HF_H2_HOST));
    }
    h2_free(test);
}

static void
refuses_two_different_authorities(void)
{
    struct h2_test *test = h2_against(HF_H2_SERVER, NULL);
    struct h2_frame frame;

    h2_raw_hello(test);
    h2_raw_headers(test, 1, ":method: POST\n:scheme: http\n:path: /\n:authority: x\nhost: y\n",
                   true);
    CU_ASSERT(h2_raw_expect(test, H2_RST, 1, &frame));
    UNIT_U64(h2_u32(frame.payload), HF_H2_PROTOCOL_ERROR);
    UNIT_U64(test->server.n, 0);
    h2_free(test);
}

static void
refuses_connection_specific_fields(void)
{
    static const char *const bad[] = { "connection: close\n", "te: gzip\n",
                                       "transfer-encoding: chunked\n", "Upper: x\n",
                                       "x-nl: a\rb\n" };
    struct h2_test *test = h2_against(HF_H2_SERVER, NULL);
    struct h2_frame frame;
    char lines[256];

    h2_raw_hello(test);
    for (int i = 0; i < 5; i++) {
        snprintf(lines, sizeof lines, ":method: POST\n:scheme: http\n:path: /\n:authority: x\n%s",
                 bad[i]);
        h2_raw_headers(test, 2 * i + 1, lines, true);
        CU_ASSERT(h2_raw_expect(test, H2_RST, 2 * i + 1, &frame));
        UNIT_U64(h2_u32(frame.payload), HF_H2_PROTOCOL_ERROR);
    }
    UNIT_U64(test->server.n, 0);
    h2_free(test);
}

/* The frames of a response, as letters: H headers, h headers with END_STREAM,
 * D data, d data with END_STREAM, R reset. */
static void
frames_of(struct h2_test *test, int32_t id, size_t n, char *ret)
{
    struct h2_frame frame;

    for (size_t i = 0; i < n;) {
        if (!h2_raw_next(test, &frame)) {
            break;
        }
        if (frame.id != id || frame.type > H2_RST || frame.type == H2_PRIORITY) {
            continue;
        }
        *ret++ = (char)("DH.R"[frame.type] | (frame.flags & H2_F_END ? 0x20 : 0));
        i++;
    }
    *ret = '\0';
}

static void
answer_trailers_only(struct h2_heard *heard)
{
    hf_h2_stream_respond(heard->stream, h2_fields(":status: 200\ngrpc-status: 5\n"), true);
}

static void
answer_empty(struct h2_heard *heard)
{
    answer_ok(heard);
    hf_h2_stream_trailers(heard->stream, h2_fields("grpc-status: 0\n"));
}

static void
answer_with_data(struct h2_heard *heard)
{
    answer_ok(heard);
    hf_h2_stream_write(heard->stream, "x", 1);
    hf_h2_stream_trailers(heard->stream, h2_fields("grpc-status: 0\n"));
}

static void
frames_responses_without_needless_data(void)
{
    struct h2_test *test = h2_against(HF_H2_SERVER, NULL);
    char frames[8];

    h2_raw_hello(test);
    test->server.on_request = answer_trailers_only;
    h2_raw_request(test, 1, true);
    frames_of(test, 1, 1, frames);
    UNIT_STR(frames, "h");
    test->server.on_request = answer_empty;
    h2_raw_request(test, 3, true);
    frames_of(test, 3, 2, frames);
    UNIT_STR(frames, "Hh");
    test->server.on_request = answer_with_data;
    h2_raw_request(test, 5, true);
    frames_of(test, 5, 3, frames);
    UNIT_STR(frames, "HDh");
    h2_free(test);
}

static void
sends_response_headers_before_any_message(void)
{
    struct h2_test *test = h2_against(HF_H2_SERVER, NULL);
    struct hf_h2_stream *stream;
    char frames[8];

    h2_raw_hello(test);
    test->server.on_request = answer_ok;
    h2_raw_request(test, 1, true);
    frames_of(test, 1, 1, frames);
    UNIT_STR(frames, "H");
    stream = test->server.heard[0].stream;
    hf_h2_stream_write(stream, "message", 7);
    frames_of(test, 1, 1, frames);
    UNIT_STR(frames, "D");
    hf_h2_stream_trailers(stream, h2_fields("grpc-status: 0\n"));
    frames_of(test, 1, 1, frames);
    UNIT_STR(frames, "h");
    h2_free(test);
}

static void
answer_informational(struct h2_heard *heard)
{
    hf_h2_stream_inform(heard->stream, h2_fields(":status: 103\nlink: a\n"));
    hf_h2_stream_inform(heard->stream, h2_fields(":status: 100\n")); /* left out */
}

static void
tells_informational_blocks_from_responses_and_trailers(void)
{
    struct h2_test *test = h2_pair(NULL, NULL);
    struct h2_heard *call;

    test->server.on_request = answer_informational;
    call = h2_call(test, h2_request_fields("/", NULL), true);
    H2_UNTIL(test, call->informational == 1);
    hf_h2_stream_inform(test->server.heard[0].stream, h2_fields(":status: 102\n"));
    H2_UNTIL(test, call->informational == 2);
    answer_with_data(&test->server.heard[0]);
    H2_UNTIL(test, call->closed);
    UNIT_U64(call->informational, 2);
    UNIT_STR(h2_value(call->response, ":status"), "200");
    UNIT_STR(h2_value(call->trailers, "grpc-status"), "0");
    CU_ASSERT_TRUE(call->close.complete);
    h2_free(test);
}

static void
takes_data_in_any_split_with_padding(void)
{
    struct h2_test *test = h2_against(HF_H2_SERVER, NULL);
    static const uint8_t padded[] = { 3, 'c', 0, 0, 0 };
    struct h2_heard *heard = &test->server.heard[0];
    char text[4] = "";

    h2_raw_hello(test);
    h2_raw_request(test, 1, false);
    h2_raw_frame(test, H2_DATA, 0, 1, "a", 1);
    h2_raw_frame(test, H2_DATA, 0, 1, "", 0);
    h2_raw_frame(test, H2_DATA, 0, 1, "b", 1);
    h2_raw_frame(test, H2_DATA, 0x8, 1, padded, sizeof padded);
    h2_raw_frame(test, H2_DATA, H2_F_END, 1, "", 0);
    H2_UNTIL(test, heard->ended);
    UNIT_U64(heard->received, 3);
    hf_h2_buffer_copy(&heard->data, text, 3);
    UNIT_STR(text, "abc");
    UNIT_U64(heard->ended, 1);
    h2_free(test);
}

static void
wrong_content_length_is_no_success(void)
{
    struct h2_test *test = h2_against(HF_H2_CLIENT, NULL);
    struct h2_heard *longer = h2_call(test, h2_request_fields("/", NULL), true);
    struct h2_heard *bare = h2_call(test, h2_request_fields("/", NULL), true);

    h2_raw_hello(test);
    h2_settle(test);
    h2_raw_headers(test, 1, ":status: 200\ncontent-length: 5\n", false);
    h2_raw_frame(test, H2_DATA, H2_F_END, 1, "abc", 3);
    h2_raw_headers(test, 3, ":status: 200\ncontent-length: 5\n", true);
    H2_UNTIL(test, longer->closed && bare->closed);
    UNIT_U64(longer->close.code, HF_H2_PROTOCOL_ERROR);
    UNIT_U64(longer->ended, 0);
    UNIT_U64(bare->close.code, HF_H2_PROTOCOL_ERROR);
    CU_ASSERT_PTR_NULL(bare->response);
    CU_ASSERT_FALSE(longer->close.complete || longer->close.unprocessed);
    h2_free(test);
}

static char large_value[60001];

static void
answer_large_trailers(struct h2_heard *heard)
{
    struct hf_h2_fields *trailers = h2_fields("grpc-status: 8\n");

    hf_h2_fields_set(trailers, HF_H2_GRPC_MESSAGE, large_value, strlen(large_value));
    answer_ok(heard);
    hf_h2_stream_write(heard->stream, "data", 4);
    hf_h2_stream_trailers(heard->stream, trailers);
}

static void
carries_trailers_up_to_the_limit_and_says_when_above(void)
{
    struct hf_h2_options small;
    struct h2_test *test = h2_pair(NULL, NULL);
    struct h2_heard *call;

    memset(large_value, 'x', sizeof large_value - 1);
    test->server.on_request = answer_large_trailers;
    call = h2_call(test, h2_request_fields("/", NULL), true);
    H2_UNTIL(test, call->closed);
    UNIT_STR(h2_value(call->trailers, "grpc-message"), large_value);
    CU_ASSERT_FALSE(hf_h2_fields_truncated(call->trailers));
    h2_free(test);

    hf_h2_options_init(&small);
    small.max_header_bytes = 50000;
    test = h2_pair(&small, NULL);
    test->server.on_request = answer_large_trailers;
    call = h2_call(test, h2_request_fields("/", NULL), true);
    H2_UNTIL(test, call->closed);
    CU_ASSERT_TRUE(hf_h2_fields_truncated(call->trailers));
    UNIT_STR(h2_value(call->trailers, "grpc-status"), "8");
    UNIT_U64(call->received, 4);
    h2_free(test);
}

/* --- ends ------------------------------------------------------------------ */

static void
half_close_travels_alone(void)
{
    struct h2_test *test = h2_pair(NULL, NULL);
    struct h2_heard *call;
    struct h2_heard *heard = &test->server.heard[0];

    test->server.on_request = answer_ok;
    call = h2_call(test, h2_request_fields("/", NULL), false);
    H2_UNTIL(test, call->response);
    CU_ASSERT_FALSE(heard->request_end);
    UNIT_U64(heard->ended, 0);
    hf_h2_stream_end(call->stream);
    H2_UNTIL(test, heard->ended);
    h2_settle(test);
    UNIT_U64(call->closed, 0);
    hf_h2_stream_trailers(heard->stream, h2_fields("grpc-status: 0\n"));
    H2_UNTIL(test, call->closed);
    CU_ASSERT_TRUE(call->close.complete);
    UNIT_U64(heard->ended, 1);
    h2_free(test);
}

static void
early_answer_ends_with_a_reset_behind_it(void)
{
    struct h2_test *test = h2_against(HF_H2_SERVER, NULL);
    struct h2_frame frame;
    char frames[8];

    h2_raw_hello(test);
    test->server.on_request = answer_with_data;
    h2_raw_request(test, 1, false);
    frames_of(test, 1, 3, frames);
    UNIT_STR(frames, "HDh");
    CU_ASSERT(h2_raw_expect(test, H2_RST, 1, &frame));
    UNIT_U64(h2_u32(frame.payload), HF_H2_NO_ERROR);
    UNIT_U64(test->server.heard[0].closed, 1);
    h2_free(test);
}

static void
client_gives_up_an_answered_request(void)
{
    struct h2_test *test = h2_against(HF_H2_CLIENT, NULL);
    struct h2_heard *call = h2_call(test, h2_request_fields("/", NULL), false);
    struct h2_frame frame;

    h2_raw_hello(test);
    h2_settle(test);
    h2_raw_headers(test, 1, ":status: 200\ngrpc-status: 3\n", true);
    CU_ASSERT(h2_raw_expect(test, H2_RST, 1, &frame));
    UNIT_U64(h2_u32(frame.payload), HF_H2_NO_ERROR);
    UNIT_U64(call->ended, 1);
    UNIT_U64(call->closed, 1);
    CU_ASSERT_TRUE(call->close.remote_ended);
    h2_free(test);
}

static void
reset_without_error_before_the_end_is_a_failure(void)
{
    struct h2_test *test = h2_against(HF_H2_CLIENT, NULL);
    struct h2_heard *call = h2_call(test, h2_request_fields("/", NULL), true);

    h2_raw_hello(test);
    h2_settle(test);
    h2_raw_headers(test, 1, ":status: 200\n", false);
    h2_raw_u32(test, H2_RST, 1, HF_H2_NO_ERROR);
    H2_UNTIL(test, call->closed);
    UNIT_U64(call->ended, 0);
    CU_ASSERT_FALSE(call->close.complete || call->close.remote_ended);
    CU_ASSERT_TRUE(call->close.by_peer);
    CU_ASSERT_FALSE(call->close.unprocessed);
    h2_free(test);
}

static void
answer_much(struct h2_heard *heard)
{
    static const uint8_t zeros[300000];

    answer_ok(heard);
    hf_h2_stream_write(heard->stream, zeros, sizeof zeros);
    hf_h2_stream_trailers(heard->stream, h2_fields("grpc-status: 0\n"));
}

static void
early_answer_waits_for_flow_control_before_its_reset(void)
{
    struct h2_test *test = h2_pair(NULL, NULL);
    struct h2_heard *call;

    test->server.on_request = answer_much;
    test->client.hold = true; /* the window, 256 KiB, fills */
    call = h2_call(test, h2_request_fields("/", NULL), false);
    H2_UNTIL(test, call->received == 256 * 1024);
    h2_settle(test);
    UNIT_U64(call->closed, 0);
    UNIT_U64(test->server.heard[0].closed, 0);
    hf_h2_stream_consume(call->stream, call->received);
    H2_UNTIL(test, call->closed);
    UNIT_U64(call->received, 300000);
    UNIT_STR(h2_value(call->trailers, "grpc-status"), "0");
    h2_free(test);
}

static void
cancel_reaches_the_server_in_a_turn(void)
{
    struct h2_test *test = h2_pair(NULL, NULL);
    struct h2_heard *call;

    test->server.on_request = answer_ok;
    call = h2_call(test, h2_request_fields("/", NULL), false);
    H2_UNTIL(test, call->response);
    hf_h2_stream_reset(call->stream, HF_H2_CANCEL);
    CU_ASSERT_EQUAL(hf_h2_stream_write(call->stream, "x", 1), 0); /* harmless now */
    H2_UNTIL(test, test->server.heard[0].closed);
    UNIT_U64(test->server.heard[0].close.code, HF_H2_CANCEL);
    CU_ASSERT_TRUE(test->server.heard[0].close.by_peer);
    UNIT_U64(call->closed, 1);
    UNIT_U64(call->close.code, HF_H2_CANCEL);
    CU_ASSERT_FALSE(call->close.by_peer);
    h2_free(test);
}

static void
abandoned_stream_says_nothing_more(void)
{
    struct h2_test *test = h2_pair(NULL, NULL);
    struct h2_heard *call;

    h2_echo(&test->server);
    call = h2_call(test, h2_request_fields("/", NULL), false);
    H2_UNTIL(test, call->response);
    hf_h2_stream_abandon(call->stream, HF_H2_CANCEL);
    H2_UNTIL(test, test->server.heard[0].closed);
    h2_settle(test);
    UNIT_U64(call->closed, 0);
    UNIT_U64(hf_h2_conn_streams(test->client.conn), 0);
    h2_free(test);
}

static void
loss_of_the_connection_ends_every_stream(void)
{
    struct h2_test *test = h2_pair(NULL, NULL);
    struct h2_heard *calls[10];

    test->server.on_request = answer_ok;
    for (int i = 0; i < 10; i++) {
        calls[i] = h2_call(test, h2_request_fields("/", NULL), false);
    }
    H2_UNTIL(test, calls[9]->response);
    hf_h2_conn_free(test->client.conn);
    test->client.conn = NULL;
    H2_UNTIL(test, test->server.closed);
    UNIT_U64(test->server.end, HF_H2_END_EOF);
    for (int i = 0; i < 10; i++) {
        UNIT_U64(test->server.heard[i].closed, 1);
        CU_ASSERT_TRUE(test->server.heard[i].close.lost);
    }
    h2_free(test);
}

static void
early_reset_of_a_request_not_yet_sent_sends_nothing(void)
{
    struct h2_test *test = h2_pair(NULL, NULL);
    struct h2_heard *call = h2_call(test, h2_request_fields("/", NULL), true);

    hf_h2_stream_reset(call->stream, HF_H2_CANCEL);
    H2_UNTIL(test, call->closed);
    UNIT_U64(call->close.code, HF_H2_CANCEL);
    CU_ASSERT_TRUE(call->close.unprocessed);
    h2_settle(test);
    UNIT_U64(test->server.n, 0);
    CU_ASSERT_PTR_NOT_NULL(test->server.conn);
    h2_free(test);
}

/* --- what may be sent again ------------------------------------------------ */

static void
refused_stream_is_unprocessed(void)
{
    struct h2_test *test = h2_against(HF_H2_CLIENT, NULL);
    struct h2_heard *call = h2_call(test, h2_request_fields("/", NULL), true);

    h2_raw_hello(test);
    h2_settle(test);
    h2_raw_u32(test, H2_RST, 1, HF_H2_REFUSED_STREAM);
    H2_UNTIL(test, call->closed);
    CU_ASSERT_TRUE(call->close.unprocessed);
    h2_free(test);
}

static void
goaway_spares_streams_up_to_its_last_id(void)
{
    struct h2_test *test = h2_against(HF_H2_CLIENT, NULL);
    static const uint8_t goaway[8] = { 0, 0, 0, 1, 0, 0, 0, 0 };
    struct h2_heard *first = h2_call(test, h2_request_fields("/", NULL), true);
    struct h2_heard *second = h2_call(test, h2_request_fields("/", NULL), true);

    h2_raw_hello(test);
    h2_settle(test);
    h2_raw_frame(test, H2_GOAWAY, 0, 0, goaway, sizeof goaway);
    H2_UNTIL(test, second->closed);
    CU_ASSERT_TRUE(second->close.unprocessed);
    UNIT_U64(test->client.goaways, 1);
    UNIT_INT(test->client.goaway_id, 1);
    UNIT_U64(hf_h2_conn_room(test->client.conn), 0);
    UNIT_U64(first->closed, 0);
    h2_raw_headers(test, 1, ":status: 200\n", true);
    H2_UNTIL(test, first->closed);
    CU_ASSERT_TRUE(first->close.complete);
    close(test->raw); /* answers the connection's end */
    test->raw = -1;
    H2_UNTIL(test, test->client.closed);
    UNIT_U64(test->client.end, HF_H2_END_DRAINED);
    h2_free(test);
}

static void
only_what_was_never_written_is_unprocessed_on_loss(void)
{
    struct h2_test *test = h2_against(HF_H2_CLIENT, NULL);
    struct h2_heard *written = h2_call(test, h2_request_fields("/", NULL), true);
    struct h2_heard *unwritten;

    h2_raw_hello(test);
    h2_settle(test);
    close(test->raw);
    test->raw = -1;
    unwritten = h2_call(test, h2_request_fields("/", NULL), true);
    H2_UNTIL(test, test->client.closed);
    UNIT_U64(written->closed, 1);
    UNIT_U64(unwritten->closed, 1);
    CU_ASSERT_FALSE(written->close.unprocessed);
    CU_ASSERT_TRUE(unwritten->close.unprocessed);
    CU_ASSERT_TRUE(written->close.lost && unwritten->close.lost);
    h2_free(test);
}

static void
oversized_request_fails_without_inviting_a_retry(void)
{
    struct h2_test *test = h2_pair(NULL, NULL);
    struct hf_h2_fields *fields = h2_request_fields("/", NULL);
    char *value = malloc(65537);
    struct h2_heard *call;

    memset(value, 'x', 65536);
    value[65536] = '\0';
    for (int i = 0; i < 5; i++) { /* more than nghttp2 is told to send */
        struct hf_h2_field field = {
            .name = "x-large", .name_len = 7, .value = value, .value_len = 65536
        };

        hf_h2_fields_add(fields, &field);
    }
    call = h2_call(test, fields, true);
    H2_UNTIL(test, call->closed);
    CU_ASSERT_FALSE(call->close.unprocessed);
    UNIT_U64(call->close.code, HF_H2_INTERNAL_ERROR);
    free(value);
    call = h2_call(test, h2_request_fields("/", NULL), true); /* the connection lives */
    test->server.on_request = answer_ok;
    H2_UNTIL(test, call->response);
    h2_free(test);
}

UNIT_MAIN(
    "h2-stream", UNIT_TEST(echoes_a_unary_call), UNIT_TEST(echoes_a_large_message),
    UNIT_TEST(keeps_order_and_bytes_of_repeated_fields),
    UNIT_TEST(forwards_a_never_indexed_field_never_indexed), UNIT_TEST(folds_host_into_authority),
    UNIT_TEST(refuses_two_different_authorities), UNIT_TEST(refuses_connection_specific_fields),
    UNIT_TEST(frames_responses_without_needless_data),
    UNIT_TEST(sends_response_headers_before_any_message),
    UNIT_TEST(tells_informational_blocks_from_responses_and_trailers),
    UNIT_TEST(takes_data_in_any_split_with_padding), UNIT_TEST(wrong_content_length_is_no_success),
    UNIT_TEST(carries_trailers_up_to_the_limit_and_says_when_above),
    UNIT_TEST(half_close_travels_alone), UNIT_TEST(early_answer_ends_with_a_reset_behind_it),
    UNIT_TEST(client_gives_up_an_answered_request),
    UNIT_TEST(reset_without_error_before_the_end_is_a_failure),
    UNIT_TEST(early_answer_waits_for_flow_control_before_its_reset),
    UNIT_TEST(cancel_reaches_the_server_in_a_turn), UNIT_TEST(abandoned_stream_says_nothing_more),
    UNIT_TEST(loss_of_the_connection_ends_every_stream),
    UNIT_TEST(early_reset_of_a_request_not_yet_sent_sends_nothing),
    UNIT_TEST(refused_stream_is_unprocessed), UNIT_TEST(goaway_spares_streams_up_to_its_last_id),
    UNIT_TEST(only_what_was_never_written_is_unprocessed_on_loss),
    UNIT_TEST(oversized_request_fails_without_inviting_a_retry))
