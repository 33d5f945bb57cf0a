/*
 * h2relay.c - a relay on core/h2 alone: what connections, streams and channels
 * cost before functions, slots and policies come into it.
 *
 * usage: h2relay PORT BACKEND_PORT
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "h2/channel.h"
#include "h2/conn.h"
#include "loop/listener.h"
#include "loop/loop.h"

/* In the room of the caller's stream. */
struct call {
    struct hf_h2_stream *caller; /* NULL: closed */
    struct hf_h2_stream *backend;
    struct hf_h2_request request;
};

static struct hf_loop *loop;
static struct hf_h2_channel *channel;
static struct hf_h2_options options;

static struct hf_h2_stream *
other_of(struct hf_h2_stream *stream)
{
    struct call *call = hf_h2_stream_arg(stream);

    return stream == call->caller ? call->backend : call->caller;
}

static void
on_headers(struct hf_h2_stream *stream, struct hf_h2_fields *fields, enum hf_h2_kind kind, bool end)
{
    struct hf_h2_stream *to = other_of(stream);

    if (!to) {
        hf_h2_fields_unref(fields);
    } else if (kind == HF_H2_INFORMATIONAL) {
        hf_h2_stream_inform(to, fields);
    } else if (kind == HF_H2_RESPONSE) {
        hf_h2_stream_respond(to, fields, end);
    } else {
        hf_h2_stream_trailers(to, fields);
    }
}

static void
on_data(struct hf_h2_stream *stream, const uint8_t *data, size_t len)
{
    struct hf_h2_stream *to = other_of(stream);

    if (to) {
        hf_h2_stream_write(to, data, len);
    }
}

static void
on_end(struct hf_h2_stream *stream)
{
    struct hf_h2_stream *to = other_of(stream);

    if (to) {
        hf_h2_stream_end(to);
    }
}

static void
on_sent(struct hf_h2_stream *stream, size_t len)
{
    struct hf_h2_stream *from = other_of(stream);

    if (from) {
        hf_h2_stream_consume(from, len);
    }
}

static void
on_close(struct hf_h2_stream *stream, const struct hf_h2_close *close)
{
    struct call *call = hf_h2_stream_arg(stream);

    if (stream == call->caller) {
        hf_h2_channel_cancel(&call->request);
        if (call->backend) {
            hf_h2_stream_abandon(call->backend, HF_H2_CANCEL);
        }
        return;
    }
    call->backend = NULL;
    if (call->caller && !close->remote_ended) {
        hf_h2_stream_reset(call->caller, HF_H2_INTERNAL_ERROR);
    }
}

static const struct hf_h2_stream_ops stream_ops = {
    .on_headers = on_headers,
    .on_data = on_data,
    .on_end = on_end,
    .on_sent = on_sent,
    .on_close = on_close,
};

static void
on_open(void *arg, struct hf_h2_stream *stream)
{
    struct call *call = arg;

    call->backend = stream;
}

static void
on_fail(void *arg, int code, const char *text)
{
    struct call *call = arg;

    (void)code;
    fprintf(stderr, "h2relay: %s\n", text);
    hf_h2_stream_reset(call->caller, HF_H2_REFUSED_STREAM);
}

/* Requests come with their body or wait for a connection first: the relay's
 * channel is warm before anything is measured, so it takes the simple way. */
static void
on_request(struct hf_h2_conn *conn, struct hf_h2_stream *stream, struct hf_h2_fields *fields,
           bool end)
{
    struct call *call = hf_h2_stream_room(stream);

    (void)conn;
    call->caller = stream;
    call->request = (struct hf_h2_request){
        .fields = fields,
        .end = end,
        .ops = &stream_ops,
        .arg = call,
        .on_open = on_open,
        .on_fail = on_fail,
    };
    hf_h2_stream_set(stream, &stream_ops, call);
    call->backend = hf_h2_channel_open(channel, &call->request);
    if (!call->backend && !end) {
        hf_h2_channel_cancel(&call->request);
        hf_h2_stream_reset(stream, HF_H2_REFUSED_STREAM);
    }
}

static void
on_closed(struct hf_h2_conn *conn, enum hf_h2_end end, const char *text)
{
    (void)conn;
    if (end != HF_H2_END_EOF) {
        fprintf(stderr, "h2relay: connection ended: %s\n", text);
    }
}

static const struct hf_h2_conn_ops conn_ops = { .on_request = on_request, .on_closed = on_closed };

static void
on_accept(void *arg, int fd)
{
    struct hf_h2_conn_config config = {
        .loop = loop,
        .side = HF_H2_SERVER,
        .fd = fd,
        .options = &options,
        .ops = &conn_ops,
    };
    struct hf_h2_conn *conn;

    (void)arg;
    if (hf_h2_conn_new(&config, &conn, NULL) < 0) {
        fprintf(stderr, "h2relay: out of memory\n");
    }
}

static void
on_warm(void *arg, int code)
{
    (void)arg;
    if (code < 0) {
        fprintf(stderr, "h2relay: no backend\n");
        exit(1);
    }
}

int
main(int argc, char **argv)
{
    struct hf_h2_channel_options to_backend;
    struct hf_listener *listener;
    char address[64];

    if (argc != 3 || hf_loop_new("h2relay", &loop, NULL) < 0) {
        fprintf(stderr, "usage: h2relay PORT BACKEND_PORT\n");
        return 2;
    }
    hf_h2_options_init(&options);
    options.stream_room = sizeof(struct call);
    hf_h2_channel_options_init(&to_backend);
    to_backend.conn.idle_ns = 0;
    snprintf(address, sizeof address, "127.0.0.1:%s", argv[2]);
    if (hf_h2_channel_new(loop, address, &to_backend, &channel, NULL) < 0) {
        return 1;
    }
    hf_h2_channel_probe(channel, on_warm, NULL);
    snprintf(address, sizeof address, "127.0.0.1:%s", argv[1]);
    if (hf_listener_new(loop, address, on_accept, NULL, &listener, NULL) < 0) {
        fprintf(stderr, "h2relay: cannot listen at %s\n", address);
        return 1;
    }
    hf_loop_run(loop);
}
