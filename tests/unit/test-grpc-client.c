/*
 * test-grpc-client.c - the gRPC client against our server, and against a bare HTTP/2
 * server that answers in every way it should not.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/macros.h"
#include "grpc/client.h"
#include "grpc/reply.h"
#include "grpc/server.h"
#include "h2/conn.h"
#include "loop/listener.h"
#include "loop/loop.h"
#include "unit.h"

#define WAIT_NS (10 * HF_SEC)

static struct hf_loop *loop;

/* --- what came back ------------------------------------------------------------------------ */

struct answer {
    unsigned messages;
    unsigned done;
    uint32_t code;
    char message[256];
    char response[32];
    char header[32];
    char trailer[32];
    bool has_response;
    bool answered;
    bool unprocessed;
    struct hf_grpc_client_call *cancel_at_message; /* the call, if it shall be */
    struct hf_grpc_client *free_when_done;
};

static void
on_message(void *arg, const void *message)
{
    struct answer *answer = arg;
    const ProtobufCBinaryData *bytes = message;

    (void)bytes;
    answer->messages++;
    if (answer->cancel_at_message) {
        hf_grpc_client_call_cancel(answer->cancel_at_message);
    }
}

static void
note_value(const struct hf_h2_fields *fields, const char *name, char *ret, size_t size)
{
    const char *value = fields ? hf_grpc_metadata(fields, name) : NULL;

    snprintf(ret, size, "%s", value ? value : "");
}

static void
on_done(void *arg, const struct hf_grpc_result *result)
{
    struct answer *answer = arg;
    const ProtobufCBinaryData *bytes = result->response;

    answer->done++;
    answer->code = result->code;
    answer->answered = result->answered;
    answer->unprocessed = result->unprocessed;
    answer->has_response = bytes != NULL;
    snprintf(answer->message, sizeof answer->message, "%s", result->message);
    if (bytes) {
        snprintf(answer->response, sizeof answer->response, "%.*s", (int)bytes->len, bytes->data);
    }
    note_value(result->headers, "x-header", answer->header, sizeof answer->header);
    note_value(result->trailers, "x-trailer-bin", answer->trailer, sizeof answer->trailer);
    hf_grpc_client_free(answer->free_when_done);
}

static bool
is_done(void *arg)
{
    return ((struct answer *)arg)->done > 0;
}

static void
wait_done(struct answer *answer)
{
    CU_ASSERT_TRUE(hf_loop_run_until(loop, is_done, answer, WAIT_NS));
    UNIT_U64(answer->done, 1);
}

static struct hf_grpc_client *
new_client(const char *address)
{
    struct hf_grpc_client_options options;
    struct hf_grpc_client *client = NULL;

    hf_grpc_client_options_init(&options);
    options.max_message_bytes = 1000;
    CU_ASSERT_EQUAL_FATAL(hf_grpc_client_new(loop, address, &options, &client, NULL), 0);
    return client;
}

/* --- a server of ours ---------------------------------------------------------------------- */

static struct hf_grpc_call *kept;
static bool gone;

static void
echo(struct hf_grpc_call *call, const void *message)
{
    const ProtobufCBinaryData *bytes = message;
    const char *note = hf_grpc_metadata(hf_grpc_call_metadata(call), "x-note");

    hf_assert(note);
    CU_ASSERT_TRUE(hf_grpc_call_deadline(call) > 0);
    hf_grpc_call_add_header(call, "x-header", note, strlen(note));
    hf_grpc_call_add_trailer(call, "x-trailer-bin", "\xff", 1);
    hf_grpc_call_reply_bytes(call, bytes->data, bytes->len);
}

static void
count(struct hf_grpc_call *call, const void *message)
{
    const ProtobufCBinaryData *bytes = message;

    for (char i = '0'; i < (char)bytes->data[0]; i++) {
        UNIT_INT(hf_grpc_call_send_bytes(call, "x", 1), 0);
    }
    hf_grpc_call_finish(call, HF_GRPC_DATA_LOSS, "\xC3\xA4nough");
}

static void
keep(struct hf_grpc_call *call, const void *message)
{
    (void)message;
    kept = call;
}

static void
note_gone(struct hf_grpc_call *call)
{
    gone = true;
    hf_grpc_call_finish(call, HF_GRPC_CANCELLED, NULL);
}

static const struct hf_grpc_method methods[] = {
    { .path = "/t.T/Echo", .kind = HF_GRPC_UNARY, .message = echo },
    { .path = "/t.T/Count", .kind = HF_GRPC_SERVER_STREAMING, .message = count },
    { .path = "/t.T/Keep", .kind = HF_GRPC_UNARY, .message = keep, .cancelled = note_gone },
};

static struct hf_grpc_server *server;

static void
begin(void)
{
    kept = NULL;
    gone = false;
    CU_ASSERT_EQUAL_FATAL(hf_loop_new("test", &loop, NULL), 0);
    CU_ASSERT_EQUAL_FATAL(hf_grpc_server_new(loop, NULL, &server, NULL), 0);
    CU_ASSERT_EQUAL_FATAL(hf_grpc_server_add(server, methods, hf_countof(methods), NULL), 0);
    CU_ASSERT_EQUAL_FATAL(hf_grpc_server_listen(server, "127.0.0.1:0", NULL), 0);
}

static void
end(void)
{
    hf_grpc_server_free(server);
    server = NULL;
    hf_h2_thread_release();
    hf_loop_free(loop);
}

static struct hf_grpc_request
request_of(const char *path, const char *data)
{
    return (struct hf_grpc_request){
        .path = path, .data = data, .len = strlen(data), .timeout_ns = WAIT_NS
    };
}

static void
calls_with_metadata_both_ways(void)
{
    struct answer answer = { 0 };
    struct hf_h2_fields *metadata = hf_h2_fields_new();
    struct hf_grpc_request request = request_of("/t.T/Echo", "hello");
    struct hf_grpc_client *client;

    begin();
    client = new_client(hf_grpc_server_address(server));
    UNIT_INT(hf_grpc_metadata_add(metadata, "x-note", "note", 4), 0);
    request.metadata = metadata;
    UNIT_INT(hf_grpc_client_unary(client, &request, on_done, &answer, NULL), 0);
    hf_h2_fields_unref(metadata);
    UNIT_U64(answer.done, 0);
    wait_done(&answer);
    UNIT_U64(answer.code, HF_GRPC_OK);
    UNIT_STR(answer.response, "hello");
    UNIT_STR(answer.header, "note");
    UNIT_STR(answer.trailer, "/w");
    CU_ASSERT_TRUE(answer.answered);
    hf_grpc_client_free(client);
    end();
}

static void
hears_a_stream_and_its_status(void)
{
    struct answer answer = { 0 };
    struct hf_grpc_request request = request_of("/t.T/Count", "7");
    struct hf_grpc_client *client;

    begin();
    client = new_client(hf_grpc_server_address(server));
    UNIT_INT(hf_grpc_client_stream(client, &request, on_message, on_done, &answer, NULL), 0);
    wait_done(&answer);
    UNIT_U64(answer.messages, 7);
    UNIT_U64(answer.code, HF_GRPC_DATA_LOSS);
    UNIT_STR(answer.message, "\xC3\xA4nough");
    hf_grpc_client_free(client);
    end();
}

static bool
is_true(void *arg)
{
    return *(bool *)arg;
}

static bool
is_kept(void *arg)
{
    (void)arg;
    return kept != NULL;
}

static void
the_deadline_ends_both_sides(void)
{
    struct answer answer = { 0 };
    struct hf_grpc_request request = request_of("/t.T/Keep", "");
    struct hf_grpc_client *client;

    begin();
    client = new_client(hf_grpc_server_address(server));
    request.timeout_ns = 50 * HF_MSEC;
    UNIT_INT(hf_grpc_client_unary(client, &request, on_done, &answer, NULL), 0);
    wait_done(&answer);
    UNIT_U64(answer.code, HF_GRPC_DEADLINE_EXCEEDED);
    CU_ASSERT_FALSE(answer.answered);
    CU_ASSERT_TRUE(hf_loop_run_until(loop, is_true, &gone, WAIT_NS));
    hf_grpc_client_free(client);
    end();
}

static void
a_cancel_reaches_the_server_and_nobody_else(void)
{
    struct answer answer = { 0 };
    struct hf_grpc_request request = request_of("/t.T/Keep", "");
    struct hf_grpc_client_call *call = NULL;
    struct hf_grpc_client *client;

    begin();
    client = new_client(hf_grpc_server_address(server));
    UNIT_INT(hf_grpc_client_unary(client, &request, on_done, &answer, &call), 0);
    CU_ASSERT_TRUE(hf_loop_run_until(loop, is_kept, NULL, WAIT_NS));
    hf_grpc_client_call_cancel(call);
    CU_ASSERT_TRUE(hf_loop_run_until(loop, is_true, &gone, WAIT_NS));
    UNIT_U64(answer.done, 0);
    hf_grpc_client_free(client);
    end();
}

static void
may_be_cancelled_while_hearing_a_message(void)
{
    struct answer answer = { 0 };
    struct hf_grpc_request request = request_of("/t.T/Count", "5");
    struct hf_grpc_client *client;

    begin();
    client = new_client(hf_grpc_server_address(server));
    UNIT_INT(hf_grpc_client_stream(client, &request, on_message, on_done, &answer,
                                   &answer.cancel_at_message),
             0);
    CU_ASSERT_FALSE(hf_loop_run_until(loop, is_done, &answer, 100 * HF_MSEC));
    UNIT_U64(answer.messages, 1);
    hf_grpc_client_free(client);
    end();
}

static void
may_be_freed_by_its_last_answer(void)
{
    struct answer answer = { 0 };
    struct hf_grpc_request request = request_of("/t.T/Nothing", "");

    begin();
    answer.free_when_done = new_client(hf_grpc_server_address(server));
    UNIT_INT(hf_grpc_client_unary(answer.free_when_done, &request, on_done, &answer, NULL), 0);
    wait_done(&answer);
    UNIT_U64(answer.code, HF_GRPC_UNIMPLEMENTED);
    end();
}

static void
freeing_ends_what_runs(void)
{
    struct answer answer = { 0 };
    struct hf_grpc_request request = request_of("/t.T/Keep", "");
    struct hf_grpc_client *client;

    begin();
    client = new_client(hf_grpc_server_address(server));
    UNIT_INT(hf_grpc_client_unary(client, &request, on_done, &answer, NULL), 0);
    CU_ASSERT_TRUE(hf_loop_run_until(loop, is_kept, NULL, WAIT_NS));
    hf_grpc_client_free(client);
    UNIT_U64(answer.done, 1);
    UNIT_U64(answer.code, HF_GRPC_CANCELLED);
    end();
}

static void
a_lost_connection_is_unavailable(void)
{
    struct answer answer = { 0 };
    struct hf_grpc_request request = request_of("/t.T/Keep", "");
    struct hf_grpc_client *client;

    begin();
    client = new_client(hf_grpc_server_address(server));
    UNIT_INT(hf_grpc_client_unary(client, &request, on_done, &answer, NULL), 0);
    CU_ASSERT_TRUE(hf_loop_run_until(loop, is_kept, NULL, WAIT_NS));
    hf_grpc_server_free(server);
    server = NULL;
    wait_done(&answer);
    UNIT_U64(answer.code, HF_GRPC_UNAVAILABLE);
    CU_ASSERT_FALSE(answer.answered);
    CU_ASSERT_FALSE(answer.unprocessed);
    hf_grpc_client_free(client);
    end();
}

static void
fails_fast(void)
{
    struct answer answer = { 0 };
    struct hf_grpc_request request = request_of("/t.T/Nothing", "");
    struct hf_grpc_client *client;
    char address[64];

    begin();
    snprintf(address, sizeof address, "%s", hf_grpc_server_address(server));
    hf_grpc_server_free(server);
    server = NULL;
    client = new_client(address);
    UNIT_INT(hf_grpc_client_unary(client, &request, on_done, &answer, NULL), 0);
    wait_done(&answer);
    UNIT_U64(answer.code, HF_GRPC_UNAVAILABLE);
    CU_ASSERT_TRUE(answer.unprocessed);
    hf_grpc_client_free(client);
    end();
}

/* --- a server of another kind -------------------------------------------------------------- */

/* What it answers, in this order: a reset (if `reset` is not UINT32_MAX), or headers
 * with `http`, `body`, and trailers with `grpc_status` (NULL: none). */
struct script {
    uint32_t reset;
    unsigned resets; /* how many streams are reset; later ones get the answer */
    const char *http;
    const char *type;
    const char *body;
    size_t len;
    const char *grpc_status;

    unsigned requests;
    struct hf_listener *listener;
    struct hf_h2_conn *conn;
};

static void
script_headers(struct hf_h2_stream *stream, struct hf_h2_fields *fields, enum hf_h2_kind kind,
               bool last)
{
    (void)stream;
    (void)kind;
    (void)last;
    hf_h2_fields_unref(fields);
}

static void
script_data(struct hf_h2_stream *stream, const uint8_t *data, size_t len)
{
    (void)data;
    hf_h2_stream_consume(stream, len);
}

static void
script_answer(struct hf_h2_stream *stream)
{
    struct script *script = hf_h2_stream_arg(stream);
    struct hf_h2_fields *fields = hf_h2_fields_new();

    script->requests++;
    if (script->requests <= script->resets) {
        hf_h2_fields_unref(fields);
        hf_h2_stream_reset(stream, script->reset);
        return;
    }
    hf_h2_fields_set_static(fields, HF_H2_STATUS, script->http);
    hf_h2_fields_set_static(fields, HF_H2_CONTENT_TYPE, script->type);
    hf_h2_stream_respond(stream, fields, false);
    hf_h2_stream_write(stream, script->body, script->len);
    if (script->grpc_status) {
        fields = hf_h2_fields_new();
        hf_h2_fields_set_static(fields, HF_H2_GRPC_STATUS, script->grpc_status);
        hf_h2_stream_trailers(stream, fields);
    } else {
        hf_h2_stream_end(stream);
    }
}

static void
script_sent(struct hf_h2_stream *stream, size_t len)
{
    (void)stream;
    (void)len;
}

static void
script_close(struct hf_h2_stream *stream, const struct hf_h2_close *how)
{
    (void)stream;
    (void)how;
}

static const struct hf_h2_stream_ops script_ops = {
    .on_headers = script_headers,
    .on_data = script_data,
    .on_end = script_answer,
    .on_sent = script_sent,
    .on_close = script_close,
};

static void
script_request(struct hf_h2_conn *conn, struct hf_h2_stream *stream, struct hf_h2_fields *fields,
               bool last)
{
    (void)last;
    hf_h2_fields_unref(fields);
    hf_h2_stream_set(stream, &script_ops, hf_h2_conn_arg(conn));
}

static void
script_closed(struct hf_h2_conn *conn, enum hf_h2_end how, const char *text)
{
    struct script *script = hf_h2_conn_arg(conn);

    (void)how;
    (void)text;
    script->conn = NULL;
}

static const struct hf_h2_conn_ops script_conn_ops = {
    .on_request = script_request,
    .on_closed = script_closed,
};

static void
script_accept(void *arg, int fd)
{
    struct script *script = arg;
    struct hf_h2_conn_config config = {
        .loop = loop, .side = HF_H2_SERVER, .fd = fd, .ops = &script_conn_ops, .arg = script
    };

    CU_ASSERT_PTR_NULL_FATAL(script->conn);
    CU_ASSERT_EQUAL_FATAL(hf_h2_conn_new(&config, &script->conn, NULL), 0);
}

/* Makes one unary call that the script answers. */
static struct answer
play(struct script *script)
{
    struct answer answer = { 0 };
    struct hf_grpc_request request = request_of("/t.T/Any", "x");
    struct hf_grpc_client *client;

    CU_ASSERT_EQUAL_FATAL(hf_loop_new("test", &loop, NULL), 0);
    CU_ASSERT_EQUAL_FATAL(
        hf_listener_new(loop, "127.0.0.1:0", script_accept, script, &script->listener, NULL), 0);
    client = new_client(hf_listener_text(script->listener));
    UNIT_INT(hf_grpc_client_unary(client, &request, on_done, &answer, NULL), 0);
    wait_done(&answer);
    hf_grpc_client_free(client);
    if (script->conn) {
        hf_h2_conn_free(hf_steal(script->conn));
    }
    hf_listener_free(script->listener);
    hf_h2_thread_release();
    hf_loop_free(loop);
    return answer;
}

static struct script
answer_with(const char *http, const char *type, const char *body, size_t len, const char *status)
{
    return (struct script){
        .http = http, .type = type, .body = body, .len = len, .grpc_status = status
    };
}

static void
grpc_status_beats_http(void)
{
    struct script script = answer_with("503", "application/grpc", "", 0, "9");
    struct answer answer = play(&script);

    UNIT_U64(answer.code, HF_GRPC_FAILED_PRECONDITION);
    CU_ASSERT_TRUE(answer.answered);
}

static void
http_status_is_the_next_best(void)
{
    struct script busy = answer_with("503", "text/html", "<html>", 6, NULL);
    struct script mute = answer_with("200", "application/grpc", "\0\0\0\0\0", 5, NULL);
    struct answer answer = play(&busy);

    UNIT_U64(answer.code, HF_GRPC_UNAVAILABLE);
    CU_ASSERT_FALSE(answer.answered);
    UNIT_CONTAINS(answer.message, "503");
    answer = play(&mute);
    UNIT_U64(answer.code, HF_GRPC_UNKNOWN);
    CU_ASSERT_FALSE(answer.has_response);
}

static void
a_unary_answer_has_one_message(void)
{
    struct script none = answer_with("200", "application/grpc", "", 0, "0");
    struct script two = answer_with("200", "application/grpc", "\0\0\0\0\0\0\0\0\0\0", 10, "0");
    struct script half = answer_with("200", "application/grpc", "\0\0\0\0\0\0\0", 7, "0");
    struct script failed = answer_with("200", "application/grpc", "\0\0\0\0\0", 5, "5");

    UNIT_U64(play(&none).code, HF_GRPC_UNIMPLEMENTED);
    UNIT_U64(play(&two).code, HF_GRPC_UNIMPLEMENTED);
    UNIT_U64(play(&half).code, HF_GRPC_INTERNAL);
    UNIT_U64(play(&failed).code, HF_GRPC_NOT_FOUND);
    CU_ASSERT_FALSE(play(&failed).has_response);
}

static void
hostile_answers_are_refused(void)
{
    struct script odd = answer_with("200", "application/grpc", "\0\0\0\0\0", 5, "zero");
    struct script packed = answer_with("200", "application/grpc", "\1\0\0\0\0", 5, "0");
    struct script large = answer_with("200", "application/grpc", "\0\0\0\x10\0", 5, "0");

    UNIT_U64(play(&odd).code, HF_GRPC_UNKNOWN);
    UNIT_U64(play(&packed).code, HF_GRPC_INTERNAL);
    UNIT_U64(play(&large).code, HF_GRPC_RESOURCE_EXHAUSTED);
}

static void
a_reset_is_mapped(void)
{
    struct script calm = { .reset = HF_H2_ENHANCE_YOUR_CALM, .resets = 9 };
    struct script cancel = { .reset = HF_H2_CANCEL, .resets = 9 };

    UNIT_U64(play(&calm).code, HF_GRPC_RESOURCE_EXHAUSTED);
    UNIT_U64(calm.requests, 1);
    UNIT_U64(play(&cancel).code, HF_GRPC_CANCELLED);
}

static void
a_refused_request_is_sent_once_more(void)
{
    struct script once = answer_with("200", "application/grpc", "\0\0\0\0\1y", 6, "0");
    struct script always = { .reset = HF_H2_REFUSED_STREAM, .resets = 9 };
    struct answer answer;

    once.reset = HF_H2_REFUSED_STREAM;
    once.resets = 1;
    answer = play(&once);
    UNIT_U64(answer.code, HF_GRPC_OK);
    UNIT_STR(answer.response, "y");
    UNIT_U64(once.requests, 2);
    answer = play(&always);
    UNIT_U64(answer.code, HF_GRPC_UNAVAILABLE);
    CU_ASSERT_TRUE(answer.unprocessed);
    UNIT_U64(always.requests, 2);
}

UNIT_MAIN("grpc client", UNIT_TEST(calls_with_metadata_both_ways),
          UNIT_TEST(hears_a_stream_and_its_status), UNIT_TEST(the_deadline_ends_both_sides),
          UNIT_TEST(a_cancel_reaches_the_server_and_nobody_else),
          UNIT_TEST(may_be_cancelled_while_hearing_a_message),
          UNIT_TEST(may_be_freed_by_its_last_answer), UNIT_TEST(freeing_ends_what_runs),
          UNIT_TEST(a_lost_connection_is_unavailable), UNIT_TEST(fails_fast),
          UNIT_TEST(grpc_status_beats_http), UNIT_TEST(http_status_is_the_next_best),
          UNIT_TEST(a_unary_answer_has_one_message), UNIT_TEST(hostile_answers_are_refused),
          UNIT_TEST(a_reset_is_mapped), UNIT_TEST(a_refused_request_is_sent_once_more))
