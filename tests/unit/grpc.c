/*
 * grpc.c - see grpc.h.
 */
#include "grpc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/macros.h"
#include "grpc/health/v1/health.pb-c.h"
#include "grpc/reply.h"
#include "loop/dial.h"
#include "unit.h"

/* --- the server ---------------------------------------------------------------------------- */

struct hf_loop *loop;
struct hf_grpc_server *server;
struct hf_grpc_call *kept;
unsigned cancellations;
unsigned writables;
unsigned to_send;

static void
echo(struct hf_grpc_call *call, const void *message)
{
    const ProtobufCBinaryData *bytes = message;
    const char *note = hf_grpc_metadata(hf_grpc_call_metadata(call), "x-note");

    if (note) {
        UNIT_INT(hf_grpc_call_add_header(call, "x-note", note, strlen(note)), 0);
        UNIT_INT(hf_grpc_call_add_trailer(call, "x-note-bin", "\0\1", 2), 0);
        UNIT_INT(hf_grpc_call_add_header(call, "grpc-status", "0", 1), HF_EINVALID);
        UNIT_INT(hf_grpc_call_add_header(call, "x-note", "\n", 1), HF_EINVALID);
    }
    hf_grpc_call_reply_bytes(call, bytes->data, bytes->len);
}

static void
keep(struct hf_grpc_call *call, const void *message)
{
    (void)message;
    kept = call;
}

static void
count_cancellation(struct hf_grpc_call *call)
{
    (void)call;
    cancellations++;
}

static void
send_many(struct hf_grpc_call *call)
{
    static const uint8_t block[10000];

    while (to_send > 0) {
        int r = hf_grpc_call_send_bytes(call, block, sizeof block);

        if (r == HF_EFULL) {
            CU_ASSERT_TRUE(hf_grpc_call_unsent(call) <= ((size_t)256 << 10) + 2 * sizeof block);
            writables++;
            return;
        }
        UNIT_INT(r, 0);
        to_send--;
    }
    hf_grpc_call_finish(call, HF_GRPC_OK, NULL);
}

static void
many(struct hf_grpc_call *call, const void *message)
{
    (void)message;
    send_many(call);
}

/* Adds up the lengths of what comes. */
static void
sum(struct hf_grpc_call *call, const void *message)
{
    const ProtobufCBinaryData *bytes = message;

    hf_grpc_call_set_state(call, (char *)hf_grpc_call_state(call) + bytes->len);
}

static void
sum_end(struct hf_grpc_call *call)
{
    size_t total = (size_t)((char *)hf_grpc_call_state(call) - (char *)NULL);
    char text[32];
    int len = snprintf(text, sizeof text, "%zu", total);

    hf_grpc_call_reply_bytes(call, text, (size_t)len);
}

static void
resume(void *arg)
{
    hf_grpc_call_resume(arg);
}

/* Echoes each message, and takes a break after each. */
static void
chat(struct hf_grpc_call *call, const void *message)
{
    const ProtobufCBinaryData *bytes = message;

    UNIT_INT(hf_grpc_call_send_bytes(call, bytes->data, bytes->len), 0);
    hf_grpc_call_pause(call);
    hf_loop_call(loop, resume, call);
}

static void
chat_end(struct hf_grpc_call *call)
{
    hf_grpc_call_finish(call, HF_GRPC_ABORTED, "enough: 100%");
}

static void
typed(struct hf_grpc_call *call, const void *message)
{
    const Grpc__Health__V1__HealthCheckRequest *request = message;

    hf_grpc_call_reply_bytes(call, request->service, strlen(request->service));
}

static void
forget(struct hf_grpc_call *call, const void *message)
{
    (void)message;
    hf_grpc_call_finish(call, HF_GRPC_OK, NULL);
}

static const struct hf_grpc_method methods[] = {
    { .path = "/t.T/Echo", .kind = HF_GRPC_UNARY, .message = echo },
    { .path = "/t.T/Keep",
      .kind = HF_GRPC_UNARY,
      .message = keep,
      .cancelled = count_cancellation },
    { .path = "/t.T/Many",
      .kind = HF_GRPC_SERVER_STREAMING,
      .message = many,
      .writable = send_many },
    { .path = "/t.T/Sum", .kind = HF_GRPC_CLIENT_STREAMING, .message = sum, .half_close = sum_end },
    { .path = "/t.T/Chat", .kind = HF_GRPC_BIDI, .message = chat, .half_close = chat_end },
    { .path = "/t.T/Typed",
      .kind = HF_GRPC_UNARY,
      .request = &grpc__health__v1__health_check_request__descriptor,
      .message = typed },
    { .path = "/t.T/Forget", .kind = HF_GRPC_UNARY, .message = forget },
};

/* --- the client ---------------------------------------------------------------------------- */

static void
note_field(const struct hf_h2_fields *fields, const char *name, char *ret, size_t size)
{
    const char *value = hf_grpc_metadata(fields, name);

    if (value) {
        snprintf(ret, size, "%s", value);
    }
}

static void
probe_headers(struct hf_h2_stream *stream, struct hf_h2_fields *fields, enum hf_h2_kind kind,
              bool end)
{
    struct probe *probe = hf_h2_stream_arg(stream);

    (void)kind;
    (void)end;
    probe->blocks++;
    note_field(fields, ":status", probe->http_status, sizeof probe->http_status);
    note_field(fields, "grpc-status", probe->grpc_status, sizeof probe->grpc_status);
    note_field(fields, "grpc-message", probe->grpc_message, sizeof probe->grpc_message);
    note_field(fields, "grpc-accept-encoding", probe->accept_encoding,
               sizeof probe->accept_encoding);
    note_field(fields, "x-note", probe->note, sizeof probe->note);
    note_field(fields, "x-note-bin", probe->note_bin, sizeof probe->note_bin);
    hf_h2_fields_unref(fields);
}

static void
probe_data(struct hf_h2_stream *stream, const uint8_t *data, size_t len)
{
    struct probe *probe = hf_h2_stream_arg(stream);

    probe->received += len;
    if (probe->data.len < 1000) {
        hf_text_add_mem(&probe->data, (const char *)data, len);
    }
    hf_h2_stream_consume(stream, len);
}

static void
probe_end(struct hf_h2_stream *stream)
{
    (void)stream;
}

static void
probe_sent(struct hf_h2_stream *stream, size_t len)
{
    (void)stream;
    (void)len;
}

static void
probe_close(struct hf_h2_stream *stream, const struct hf_h2_close *how)
{
    struct probe *probe = hf_h2_stream_arg(stream);

    probe->how = *how;
    probe->closed = true;
    probe->stream = NULL;
}

static const struct hf_h2_stream_ops probe_ops = {
    .on_headers = probe_headers,
    .on_data = probe_data,
    .on_end = probe_end,
    .on_sent = probe_sent,
    .on_close = probe_close,
};

static void
conn_closed(struct hf_h2_conn *conn, enum hf_h2_end end, const char *text)
{
    struct probe *probe = hf_h2_conn_arg(conn);

    (void)end;
    (void)text;
    probe->conn = NULL;
}

static const struct hf_h2_conn_ops conn_ops = { .on_closed = conn_closed };

static void
on_dial(void *arg, int fd, const char *message)
{
    struct probe *probe = arg;
    struct hf_h2_conn_config config = {
        .loop = loop, .side = HF_H2_CLIENT, .fd = fd, .ops = &conn_ops, .arg = probe
    };

    (void)message;
    CU_ASSERT_TRUE_FATAL(fd >= 0);
    CU_ASSERT_EQUAL_FATAL(hf_h2_conn_new(&config, &probe->conn, NULL), 0);
}

static bool
is_connected(void *arg)
{
    return ((struct probe *)arg)->conn != NULL;
}

bool
is_closed(void *arg)
{
    return ((struct probe *)arg)->closed;
}

void
probe_connect(struct probe *probe)
{
    *probe = (struct probe){ 0 };
    hf_text_init(&probe->data);
    CU_ASSERT_EQUAL_FATAL(
        hf_dial(loop, hf_grpc_server_address(server), WAIT_NS, on_dial, probe, NULL, NULL), 0);
    CU_ASSERT_TRUE_FATAL(hf_loop_run_until(loop, is_connected, probe, WAIT_NS));
}

struct hf_h2_fields *
request_fields(const char *path)
{
    struct hf_h2_fields *fields = hf_h2_fields_new();

    CU_ASSERT_PTR_NOT_NULL_FATAL(fields);
    hf_h2_fields_set_static(fields, HF_H2_METHOD, "POST");
    hf_h2_fields_set_static(fields, HF_H2_SCHEME, "http");
    hf_h2_fields_set(fields, HF_H2_PATH, path, strlen(path));
    hf_h2_fields_set_static(fields, HF_H2_AUTHORITY, "test");
    hf_h2_fields_set_static(fields, HF_H2_TE, "trailers");
    hf_h2_fields_set_static(fields, HF_H2_CONTENT_TYPE, "application/grpc");
    return fields;
}

void
probe_start(struct probe *probe, struct hf_h2_fields *fields, const void *body, size_t len)
{
    probe->stream = hf_h2_conn_request(probe->conn, fields, false, &probe_ops, probe);
    CU_ASSERT_PTR_NOT_NULL_FATAL(probe->stream);
    hf_h2_stream_write(probe->stream, body, len);
}

void
probe_finish(struct probe *probe)
{
    if (probe->conn) {
        hf_h2_conn_free(probe->conn);
    }
    hf_text_fini(&probe->data);
}

void
call(struct probe *probe, struct hf_h2_fields *fields, const void *body, size_t len)
{
    probe_connect(probe);
    probe_start(probe, fields, body, len);
    hf_h2_stream_end(probe->stream);
    CU_ASSERT_TRUE(hf_loop_run_until(loop, is_closed, probe, WAIT_NS));
}

void
begin_with(const struct hf_grpc_server_options *options)
{
    kept = NULL;
    cancellations = writables = 0;
    CU_ASSERT_EQUAL_FATAL(hf_loop_new("test", &loop, NULL), 0);
    CU_ASSERT_EQUAL_FATAL(hf_grpc_server_new(loop, options, &server, NULL), 0);
    CU_ASSERT_EQUAL_FATAL(hf_grpc_server_add(server, methods, hf_countof(methods), NULL), 0);
    CU_ASSERT_EQUAL_FATAL(hf_grpc_server_listen(server, "127.0.0.1:0", NULL), 0);
}

void
begin(void)
{
    begin_with(NULL);
}

void
end(void)
{
    if (server) {
        UNIT_U64(hf_grpc_server_calls(server), 0);
    }
    hf_grpc_server_free(server);
    server = NULL;
    hf_h2_thread_release();
    hf_loop_free(loop);
}
