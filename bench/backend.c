/*
 * backend.c - what the benchmark's proxies forward to: echoes each request's
 * body as a gRPC server would, with headers, data and trailers.
 *
 * usage: backend [PORT]   (or the environment variable PORT, as a function has it)
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "peer.h"

/* A call; its body is collected, then sent. */
struct call {
    uint8_t *body;
    size_t len;
    size_t size;
    size_t sent;
};

/* clang-format off */
#define NV(n, v) { (uint8_t *)(uintptr_t)(n), (uint8_t *)(uintptr_t)(v), sizeof(n) - 1, \
                   sizeof(v) - 1, NGHTTP2_NV_FLAG_NO_COPY_NAME | NGHTTP2_NV_FLAG_NO_COPY_VALUE }
/* clang-format on */

static const nghttp2_nv headers[] = { NV(":status", "200"),
                                      NV("content-type", "application/grpc") };
static const nghttp2_nv trailers[] = { NV("grpc-status", "0"), NV("grpc-message", "") };

static ssize_t
read_body(nghttp2_session *session, int32_t id, uint8_t *to, size_t max, uint32_t *flags,
          nghttp2_data_source *source, void *arg)
{
    struct call *call = source->ptr;
    size_t n = call->len - call->sent < max ? call->len - call->sent : max;

    (void)arg;
    if (n > 0) {
        memcpy(to, call->body + call->sent, n);
        call->sent += n;
    }
    if (call->sent == call->len) {
        *flags |= NGHTTP2_DATA_FLAG_EOF | NGHTTP2_DATA_FLAG_NO_END_STREAM;
        nghttp2_submit_trailer(session, id, trailers, 2);
    }
    return (ssize_t)n;
}

static int
on_begin_headers(nghttp2_session *session, const nghttp2_frame *frame, void *arg)
{
    struct call *call;

    (void)arg;
    if (frame->headers.cat != NGHTTP2_HCAT_REQUEST) {
        return 0;
    }
    call = calloc(1, sizeof *call);
    nghttp2_session_set_stream_user_data(session, frame->hd.stream_id, call);
    return call ? 0 : NGHTTP2_ERR_CALLBACK_FAILURE;
}

static int
on_data(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *data, size_t len,
        void *arg)
{
    struct call *call = nghttp2_session_get_stream_user_data(session, id);

    (void)flags;
    (void)arg;
    if (call->len + len > call->size) {
        call->size = call->len + len > 1024 ? (call->len + len) * 2 : 1024;
        call->body = realloc(call->body, call->size);
        if (!call->body) {
            return NGHTTP2_ERR_CALLBACK_FAILURE;
        }
    }
    memcpy(call->body + call->len, data, len);
    call->len += len;
    return 0;
}

static int
on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *arg)
{
    nghttp2_data_provider provider = { .read_callback = read_body };

    (void)arg;
    if (!(frame->hd.flags & NGHTTP2_FLAG_END_STREAM) ||
        (frame->hd.type != NGHTTP2_DATA && frame->hd.type != NGHTTP2_HEADERS)) {
        return 0;
    }
    provider.source.ptr = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
    return nghttp2_submit_response(session, frame->hd.stream_id, headers, 2, &provider);
}

static int
on_close(nghttp2_session *session, int32_t id, uint32_t code, void *arg)
{
    struct call *call = nghttp2_session_get_stream_user_data(session, id);

    (void)code;
    (void)arg;
    if (call) {
        free(call->body);
        free(call);
    }
    return 0;
}

int
main(int argc, char **argv)
{
    const char *port = argc > 1 ? argv[1] : getenv("PORT");

    if (!port || nghttp2_session_callbacks_new(&peer_callbacks) != 0) {
        fprintf(stderr, "usage: backend PORT\n");
        return 2;
    }
    nghttp2_session_callbacks_set_on_begin_headers_callback(peer_callbacks, on_begin_headers);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(peer_callbacks, on_data);
    nghttp2_session_callbacks_set_on_frame_recv_callback(peer_callbacks, on_frame);
    nghttp2_session_callbacks_set_on_stream_close_callback(peer_callbacks, on_close);
    peer_serve((uint16_t)strtoul(port, NULL, 10));
}
