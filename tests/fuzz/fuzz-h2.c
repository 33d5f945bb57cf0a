/*
 * fuzz-h2.c - connections of both sides, against a peer that sends anything: the first byte says
 * which side ours is.
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "fuzz.h"
#include "h2/conn.h"
#include "h2/fields.h"
#include "h2/stream.h"
#include "loop/loop.h"

/* Requests that a client of ours has under way. */
#define REQUESTS 2

/* One turn of the loop takes no longer. */
#define LIMIT_NS HF_SEC

struct run {
    struct hf_h2_conn *conn; /* NULL: ended */
    int peer;
};

static struct hf_h2_fields *
response_fields(void)
{
    struct hf_h2_fields *fields = hf_h2_fields_new();

    FUZZ_CHECK(fields);
    hf_h2_fields_set_static(fields, HF_H2_STATUS, "200");
    return fields;
}

static void
on_request(struct hf_h2_conn *conn, struct hf_h2_stream *stream, struct hf_h2_fields *fields,
           bool end)
{
    (void)conn;
    hf_h2_fields_unref(fields);
    hf_h2_stream_set(stream, &hf_h2_stream_unheard, NULL);
    hf_h2_stream_respond(stream, response_fields(), end);
}

static void
on_closed(struct hf_h2_conn *conn, enum hf_h2_end end, const char *text)
{
    struct run *run = hf_h2_conn_arg(conn);

    (void)end;
    FUZZ_CHECK(text);
    run->conn = NULL;
}

static const struct hf_h2_conn_ops conn_ops = {
    .on_request = on_request,
    .on_closed = on_closed,
};

static void
begin_requests(struct run *run)
{
    for (int i = 0; i < REQUESTS; i++) {
        struct hf_h2_fields *fields = hf_h2_fields_new();

        FUZZ_CHECK(fields);
        hf_h2_fields_set_static(fields, HF_H2_AUTHORITY, "f");
        hf_h2_fields_set_static(fields, HF_H2_METHOD, "POST");
        hf_h2_fields_set_static(fields, HF_H2_SCHEME, "http");
        hf_h2_fields_set_static(fields, HF_H2_PATH, "/a/B");
        hf_h2_conn_request(run->conn, fields, i == 0, &hf_h2_stream_unheard, NULL);
    }
}

/* Reads what ours has sent, so that it never waits for the peer. */
static bool
is_over(void *arg)
{
    struct run *run = arg;
    char sink[4096];

    while (recv(run->peer, sink, sizeof sink, MSG_DONTWAIT) > 0) {
    }
    return !run->conn;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct hf_loop *loop;
    struct run run = { .conn = NULL };
    struct hf_h2_conn_config config = { .ops = &conn_ops, .arg = &run };
    int fds[2];

    if (size < 1) {
        return 0;
    }
    FUZZ_CHECK(loop || hf_loop_new("fuzz", &loop, NULL) == 0);
    FUZZ_CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) == 0);
    config.loop = loop;
    config.side = data[0] & 1 ? HF_H2_SERVER : HF_H2_CLIENT;
    config.fd = fds[0];
    run.peer = fds[1];
    FUZZ_CHECK(hf_h2_conn_new(&config, &run.conn, NULL) == 0);
    if (config.side == HF_H2_CLIENT) {
        begin_requests(&run);
    }
    FUZZ_CHECK(send(run.peer, data + 1, size - 1, MSG_NOSIGNAL) >= 0 || errno == EAGAIN);
    shutdown(run.peer, SHUT_WR);
    hf_loop_run_until(loop, is_over, &run, LIMIT_NS);
    hf_h2_conn_free(run.conn);
    close(run.peer);
    return 0;
}
