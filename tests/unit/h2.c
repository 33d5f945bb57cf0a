/*
 * h2.c - connections for tests.
 */
#include "h2.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "loop/loop.h"
#include "unit.h"

/* --- what owners hear ------------------------------------------------------ */

static void
heard_headers(struct hf_h2_stream *stream, struct hf_h2_fields *fields, enum hf_h2_kind kind,
              bool end)
{
    struct h2_heard *heard = hf_h2_stream_arg(stream);

    switch (kind) {
    case HF_H2_INFORMATIONAL:
        heard->informational++;
        hf_h2_fields_unref(fields);
        break;
    case HF_H2_RESPONSE:
        CU_ASSERT_PTR_NULL(heard->response);
        heard->response = fields;
        heard->response_end = end;
        break;
    case HF_H2_TRAILERS:
        CU_ASSERT_PTR_NULL(heard->trailers);
        heard->trailers = fields;
        break;
    }
}

static void
heard_data(struct hf_h2_stream *stream, const uint8_t *data, size_t len)
{
    struct h2_heard *heard = hf_h2_stream_arg(stream);

    CU_ASSERT_EQUAL(heard->ended, 0);
    heard->received += len;
    if (heard->side->on_data) {
        heard->side->on_data(heard, data, len);
    } else {
        hf_h2_buffer_append(&heard->data, data, len);
    }
    if (!heard->side->hold) {
        hf_h2_stream_consume(stream, len);
    }
}

static void
heard_end(struct hf_h2_stream *stream)
{
    struct h2_heard *heard = hf_h2_stream_arg(stream);

    heard->ended++;
    if (heard->side->on_end) {
        heard->side->on_end(heard);
    }
}

static void
heard_sent(struct hf_h2_stream *stream, size_t len)
{
    struct h2_heard *heard = hf_h2_stream_arg(stream);

    heard->sent += len;
}

static void
heard_close(struct hf_h2_stream *stream, const struct hf_h2_close *close)
{
    struct h2_heard *heard = hf_h2_stream_arg(stream);

    heard->closed++;
    heard->close = *close;
    heard->stream = NULL;
    if (heard->side->on_close) {
        heard->side->on_close(heard);
    }
}

static const struct hf_h2_stream_ops stream_ops = {
    .on_headers = heard_headers,
    .on_data = heard_data,
    .on_end = heard_end,
    .on_sent = heard_sent,
    .on_close = heard_close,
};

static struct h2_heard *
next_heard(struct h2_end *side)
{
    struct h2_heard *heard = &side->heard[side->n++];

    CU_ASSERT_FATAL(side->n <= H2_STREAMS_MAX);
    heard->side = side;
    return heard;
}

static void
on_ready(struct hf_h2_conn *conn)
{
    struct h2_end *side = hf_h2_conn_arg(conn);

    side->ready++;
}

static void
on_request(struct hf_h2_conn *conn, struct hf_h2_stream *stream, struct hf_h2_fields *fields,
           bool end)
{
    struct h2_end *side = hf_h2_conn_arg(conn);
    struct h2_heard *heard = next_heard(side);

    heard->stream = stream;
    heard->request = fields;
    heard->request_end = end;
    hf_h2_stream_set(stream, &stream_ops, heard);
    if (side->on_request) {
        side->on_request(heard);
    }
}

static void
on_goaway(struct hf_h2_conn *conn, int32_t last_id, uint32_t code)
{
    struct h2_end *side = hf_h2_conn_arg(conn);

    (void)code;
    side->goaways++;
    side->goaway_id = last_id;
}

static void
on_closed(struct hf_h2_conn *conn, enum hf_h2_end end, const char *text)
{
    struct h2_end *side = hf_h2_conn_arg(conn);

    side->conn = NULL;
    side->closed++;
    side->end = end;
    snprintf(side->text, sizeof side->text, "%s", text);
}

static const struct hf_h2_conn_ops conn_ops = {
    .on_ready = on_ready,
    .on_request = on_request,
    .on_goaway = on_goaway,
    .on_closed = on_closed,
};

/* --- making ---------------------------------------------------------------- */

static struct h2_test *
test_new(int fds[2])
{
    struct h2_test *test = calloc(1, sizeof *test);

    CU_ASSERT_PTR_NOT_NULL_FATAL(test);
    test->raw = -1;
    CU_ASSERT_EQUAL_FATAL(hf_loop_new("test", &test->loop, NULL), 0);
    CU_ASSERT_EQUAL_FATAL(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds),
                          0);
    return test;
}

static void
make_end(struct h2_test *test, struct h2_end *side, int fd, enum hf_h2_side which,
         const struct hf_h2_options *options)
{
    struct hf_h2_conn_config config = {
        .loop = test->loop,
        .side = which,
        .fd = fd,
        .options = options,
        .ops = &conn_ops,
        .arg = side,
    };

    CU_ASSERT_EQUAL_FATAL(hf_h2_conn_new(&config, &side->conn, NULL), 0);
}

struct h2_test *
h2_pair(const struct hf_h2_options *client, const struct hf_h2_options *server)
{
    int fds[2];
    struct h2_test *test = test_new(fds);

    make_end(test, &test->client, fds[0], HF_H2_CLIENT, client);
    make_end(test, &test->server, fds[1], HF_H2_SERVER, server);
    H2_UNTIL(test, test->client.ready && test->server.ready);
    return test;
}

struct h2_test *
h2_against(enum hf_h2_side ours, const struct hf_h2_options *options)
{
    int fds[2];
    struct h2_test *test = test_new(fds);
    struct h2_end *side = ours == HF_H2_SERVER ? &test->server : &test->client;

    make_end(test, side, fds[0], ours, options);
    test->raw = fds[1];
    return test;
}

static void
end_fini(struct h2_end *side)
{
    hf_h2_conn_free(side->conn);
    for (unsigned i = 0; i < side->n; i++) {
        hf_h2_fields_unref(side->heard[i].request);
        hf_h2_fields_unref(side->heard[i].response);
        hf_h2_fields_unref(side->heard[i].trailers);
        hf_h2_buffer_clear(&side->heard[i].data);
    }
}

void
h2_free(struct h2_test *test)
{
    end_fini(&test->client);
    end_fini(&test->server);
    if (test->raw >= 0) {
        close(test->raw);
    }
    hf_loop_free(test->loop);
    hf_h2_thread_release();
    free(test);
}

/* --- turning --------------------------------------------------------------- */

static bool
never(void *arg)
{
    (void)arg;
    return false;
}

void
h2_turn(struct h2_test *test)
{
    hf_loop_run_until(test->loop, never, NULL, 500000);
}

void
h2_settle(struct h2_test *test)
{
    for (int i = 0; i < 10; i++) {
        h2_turn(test);
    }
}

bool
h2_until(struct h2_test *test, bool (*done)(void *), void *arg)
{
    return H2_UNTIL(test, done(arg));
}

/* --- calls ----------------------------------------------------------------- */

/* Calls `fn` for each "name: value" line. */
static void
each_line(const char *lines, void (*fn)(void *, const char *, size_t, const char *, size_t),
          void *arg)
{
    while (lines && *lines) {
        const char *end = strchr(lines, '\n');
        const char *colon = strchr(lines + 1, ':');

        CU_ASSERT_FATAL(end && colon && colon < end);
        fn(arg, lines, (size_t)(colon - lines), colon + 2, (size_t)(end - colon - 2));
        lines = end + 1;
    }
}

static void
add_line(void *arg, const char *name, size_t name_len, const char *value, size_t value_len)
{
    struct hf_h2_field field = {
        .name = name,
        .name_len = (uint32_t)name_len,
        .value = value,
        .value_len = (uint32_t)value_len,
    };

    hf_h2_fields_add(arg, &field);
}

struct hf_h2_fields *
h2_fields(const char *lines)
{
    struct hf_h2_fields *fields = hf_h2_fields_new();

    CU_ASSERT_PTR_NOT_NULL_FATAL(fields);
    each_line(lines, add_line, fields);
    return fields;
}

struct hf_h2_fields *
h2_request_fields(const char *path, const char *extra)
{
    struct hf_h2_fields *fields = h2_fields(extra);

    if (!hf_h2_fields_get(fields, HF_H2_AUTHORITY)) {
        hf_h2_fields_set_static(fields, HF_H2_AUTHORITY, "function");
    }
    hf_h2_fields_set_static(fields, HF_H2_METHOD, "POST");
    hf_h2_fields_set_static(fields, HF_H2_SCHEME, "http");
    hf_h2_fields_set_static(fields, HF_H2_PATH, path);
    return fields;
}

struct h2_heard *
h2_call(struct h2_test *test, struct hf_h2_fields *fields, bool end)
{
    struct h2_heard *heard = next_heard(&test->client);

    heard->stream = hf_h2_conn_request(test->client.conn, fields, end, &stream_ops, heard);
    CU_ASSERT_PTR_NOT_NULL(heard->stream);
    return heard;
}

const char *
h2_value(const struct hf_h2_fields *fields, const char *name)
{
    const struct hf_h2_field *field = fields ? hf_h2_fields_find(fields, name) : NULL;

    return field ? field->value : "";
}

static void
echo_request(struct h2_heard *heard)
{
    hf_h2_stream_respond(heard->stream, h2_fields(":status: 200\n"), false);
}

static void
echo_data(struct h2_heard *heard, const uint8_t *data, size_t len)
{
    hf_h2_stream_write(heard->stream, data, len);
}

static void
echo_end(struct h2_heard *heard)
{
    hf_h2_stream_trailers(heard->stream, h2_fields("grpc-status: 0\n"));
}

void
h2_echo(struct h2_end *side)
{
    side->on_request = echo_request;
    side->on_data = echo_data;
    side->on_end = echo_end;
}

/* --- the peer made by hand ------------------------------------------------- */

void
h2_raw(struct h2_test *test, const void *data, size_t len)
{
    const uint8_t *at = data;

    for (int tries = 0; len > 0 && tries < 20000; tries++) {
        ssize_t n = send(test->raw, at, len, MSG_NOSIGNAL);

        if (n > 0) {
            at += n;
            len -= (size_t)n;
        } else if (errno == EPIPE || errno == ECONNRESET) {
            return; /* ours has closed, as the test may want */
        } else {
            h2_turn(test);
        }
    }
    CU_ASSERT_EQUAL(len, 0);
}

void
h2_raw_frame(struct h2_test *test, uint8_t type, uint8_t flags, int32_t id, const void *payload,
             size_t len)
{
    uint8_t frame[9 + 65536];
    uint32_t n = (uint32_t)len;
    uint32_t stream = (uint32_t)id;

    CU_ASSERT_FATAL(len <= 65536);
    memcpy(frame,
           (uint8_t[9]){ (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n, type, flags,
                         (uint8_t)(stream >> 24), (uint8_t)(stream >> 16), (uint8_t)(stream >> 8),
                         (uint8_t)stream },
           9);
    if (len > 0) {
        memcpy(frame + 9, payload, len);
    }
    h2_raw(test, frame, 9 + len);
}

void
h2_raw_hello(struct h2_test *test)
{
    static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

    if (test->server.conn) {
        h2_raw(test, preface, sizeof preface - 1);
    }
    h2_raw_frame(test, H2_SETTINGS, 0, 0, NULL, 0);
    h2_raw_frame(test, H2_SETTINGS, H2_F_ACK, 0, NULL, 0);
}

void
h2_raw_u32(struct h2_test *test, uint8_t type, int32_t id, uint32_t value)
{
    uint8_t bytes[4] = { (uint8_t)(value >> 24), (uint8_t)(value >> 16), (uint8_t)(value >> 8),
                         (uint8_t)value };

    h2_raw_frame(test, type, 0, id, bytes, sizeof bytes);
}

struct encoder {
    uint8_t *to;
    size_t n;
    size_t size;
};

/* An HPACK string without Huffman (RFC 7541 5.2). */
static void
encode_string(struct encoder *encoder, const char *text, size_t len)
{
    size_t rest = len;

    CU_ASSERT_FATAL(encoder->n + len + 8 <= encoder->size);
    if (len < 127) {
        encoder->to[encoder->n++] = (uint8_t)len;
    } else {
        encoder->to[encoder->n++] = 127;
        for (rest = len - 127; rest >= 128; rest /= 128) {
            encoder->to[encoder->n++] = (uint8_t)(rest % 128 + 128);
        }
        encoder->to[encoder->n++] = (uint8_t)rest;
    }
    memcpy(encoder->to + encoder->n, text, len);
    encoder->n += len;
}

/* A literal without indexing, or never indexed if its name begins with "secret". */
static void
encode_line(void *arg, const char *name, size_t name_len, const char *value, size_t value_len)
{
    struct encoder *encoder = arg;

    encoder->to[encoder->n++] = strncmp(name, "secret", 6) == 0 ? 0x10 : 0x00;
    encode_string(encoder, name, name_len);
    encode_string(encoder, value, value_len);
}

size_t
h2_encode(const char *lines, uint8_t *to, size_t size)
{
    struct encoder encoder = { .to = to, .size = size };

    each_line(lines, encode_line, &encoder);
    return encoder.n;
}

void
h2_raw_headers(struct h2_test *test, int32_t id, const char *lines, bool end)
{
    uint8_t block[16384];
    size_t n = h2_encode(lines, block, sizeof block);

    h2_raw_frame(test, H2_HEADERS, (uint8_t)(H2_F_HEADERS_END | (end ? H2_F_END : 0)), id, block,
                 n);
}

void
h2_raw_request(struct h2_test *test, int32_t id, bool end)
{
    h2_raw_headers(test, id, ":method: POST\n:scheme: http\n:path: /\n:authority: function\n", end);
}

uint32_t
h2_u32(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

/* Takes what has come. */
static void
raw_read(struct h2_test *test)
{
    ssize_t n;

    memmove(test->in, test->in + test->parsed, test->n_in - test->parsed);
    test->n_in -= test->parsed;
    test->parsed = 0;
    n = recv(test->raw, test->in + test->n_in, sizeof test->in - test->n_in, 0);
    if (n > 0) {
        test->n_in += (size_t)n;
    } else if (n == 0 || errno == ECONNRESET) {
        test->raw_eof = true;
    }
}

static bool
have_frame(struct h2_test *test)
{
    static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    const size_t len = sizeof preface - 1;
    size_t have = test->n_in - test->parsed;

    if (have >= len && memcmp(test->in + test->parsed, preface, len) == 0) {
        test->parsed += len;
        have -= len;
    }
    return have >= 9 && have >= 9 + (h2_u32(test->in + test->parsed) >> 8);
}

bool
h2_raw_have(struct h2_test *test)
{
    if (!have_frame(test)) {
        raw_read(test);
    }
    return have_frame(test);
}

bool
h2_raw_next(struct h2_test *test, struct h2_frame *ret)
{
    const uint8_t *head;

    for (int i = 0; i < 20000 && !have_frame(test) && !test->raw_eof; i++) {
        raw_read(test);
        if (!have_frame(test)) {
            h2_turn(test);
        }
    }
    if (!have_frame(test)) {
        return false;
    }
    head = test->in + test->parsed;
    ret->len = h2_u32(head) >> 8;
    ret->type = head[3];
    ret->flags = head[4];
    ret->id = (int32_t)(h2_u32(head + 5) & 0x7fffffff);
    ret->payload = head + 9;
    test->parsed += 9 + ret->len;
    return true;
}

bool
h2_raw_expect(struct h2_test *test, uint8_t type, int32_t id, struct h2_frame *ret)
{
    while (h2_raw_next(test, ret)) {
        if (ret->type == type && (id < 0 || ret->id == id)) {
            return true;
        }
    }
    CU_FAIL("the frame never came");
    return false;
}
