/*
 * relay.c - a bare relay between nghttp2 sessions: what a proxy costs that does
 * nothing but forward.  No limits, no backpressure, no errors worth the name:
 * a yardstick, not a proxy.
 *
 * Every connection's calls go over one connection to the backend.
 *
 * usage: relay PORT BACKEND_PORT
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "peer.h"

#define FIELDS_MAX 64

/* A header block on its way, by reference. */
struct block {
    nghttp2_nv nv[FIELDS_MAX];
    nghttp2_rcbuf *refs[2 * FIELDS_MAX];
    size_t n;
};

/* One direction of a call. */
struct half {
    struct half *other;
    struct peer *peer;
    int32_t id;
    bool ended;   /* nothing more will be queued */
    bool waiting; /* nghttp2 found nothing to send */
    bool closed;
    bool answered;
    struct block *sending;  /* given to nghttp2 */
    struct block *trailers; /* to be sent after the data */
    uint8_t *data;
    size_t len;
    size_t size;
};

struct call {
    struct half client;
    struct half backend;
};

static uint16_t backend_port;
static struct peer *backend;
static struct block *incoming;
static struct block *spare;

/* --- blocks ---------------------------------------------------------------- */

static struct block *
block_new(void)
{
    struct block *block = spare ? spare : malloc(sizeof *block);

    spare = NULL;
    if (!block) {
        exit(1);
    }
    block->n = 0;
    return block;
}

static void
block_free(struct block *block)
{
    if (!block) {
        return;
    }
    for (size_t i = 0; i < 2 * block->n; i++) {
        nghttp2_rcbuf_decref(block->refs[i]);
    }
    free(spare);
    spare = block;
}

static int
on_header(nghttp2_session *session, const nghttp2_frame *frame, nghttp2_rcbuf *name,
          nghttp2_rcbuf *value, uint8_t flags, void *arg)
{
    nghttp2_vec n = nghttp2_rcbuf_get_buf(name);
    nghttp2_vec v = nghttp2_rcbuf_get_buf(value);

    (void)session;
    (void)frame;
    (void)arg;
    if (!incoming || incoming->n == FIELDS_MAX) {
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    }
    nghttp2_rcbuf_incref(name);
    nghttp2_rcbuf_incref(value);
    incoming->refs[2 * incoming->n] = name;
    incoming->refs[2 * incoming->n + 1] = value;
    incoming->nv[incoming->n++] = (nghttp2_nv){ n.base, v.base, n.len, v.len,
                                                (uint8_t)(flags | NGHTTP2_NV_FLAG_NO_COPY_NAME |
                                                          NGHTTP2_NV_FLAG_NO_COPY_VALUE) };
    return 0;
}

/* --- data ------------------------------------------------------------------ */

static ssize_t
read_data(nghttp2_session *session, int32_t id, uint8_t *to, size_t max, uint32_t *flags,
          nghttp2_data_source *source, void *arg)
{
    struct half *half = source->ptr;
    size_t n = half->len < max ? half->len : max;

    (void)arg;
    if (n == 0 && !half->ended) {
        half->waiting = true;
        return NGHTTP2_ERR_DEFERRED;
    }
    if (n > 0) {
        memcpy(to, half->data, n);
        half->len -= n;
        memmove(half->data, half->data + n, half->len);
    }
    if (half->len == 0 && half->ended) {
        *flags |= NGHTTP2_DATA_FLAG_EOF;
        if (half->trailers) {
            *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
            nghttp2_submit_trailer(session, id, half->trailers->nv, half->trailers->n);
            half->sending = half->trailers;
            half->trailers = NULL;
        }
    }
    return (ssize_t)n;
}

static void
wake(struct half *half)
{
    if (half->waiting) {
        half->waiting = false;
        nghttp2_session_resume_data(half->peer->session, half->id);
    }
    peer_touch(half->peer);
}

static int
on_data(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *data, size_t len,
        void *arg)
{
    struct half *from = nghttp2_session_get_stream_user_data(session, id);
    struct half *to = from ? from->other : NULL;

    (void)flags;
    (void)arg;
    if (!to || to->closed) {
        return 0;
    }
    if (to->len + len > to->size) {
        to->size = to->len + len > 2048 ? (to->len + len) * 2 : 2048;
        to->data = realloc(to->data, to->size);
        if (!to->data) {
            exit(1);
        }
    }
    memcpy(to->data + to->len, data, len);
    to->len += len;
    wake(to);
    return 0;
}

/* --- calls ----------------------------------------------------------------- */

static void
on_backend_closed(struct peer *peer)
{
    (void)peer;
    backend = NULL;
}

static int
on_begin_headers(nghttp2_session *session, const nghttp2_frame *frame, void *arg)
{
    struct peer *peer = arg;
    struct call *call;

    block_free(incoming);
    incoming = block_new();
    if (frame->headers.cat != NGHTTP2_HCAT_REQUEST) {
        return 0;
    }
    call = calloc(1, sizeof *call);
    if (!call) {
        return NGHTTP2_ERR_CALLBACK_FAILURE;
    }
    if (!backend) {
        backend = peer_new(peer_connect(backend_port), false, on_backend_closed);
    }
    call->client =
        (struct half){ .other = &call->backend, .peer = peer, .id = frame->hd.stream_id };
    call->backend = (struct half){ .other = &call->client, .peer = backend };
    nghttp2_session_set_stream_user_data(session, frame->hd.stream_id, &call->client);
    return 0;
}

static void
forward_headers(struct half *to, struct block *block, bool end)
{
    nghttp2_data_provider provider = { .source.ptr = to, .read_callback = read_data };

    to->ended |= end;
    if (to->answered) {
        to->trailers = block;
        wake(to);
        return;
    }
    to->answered = true;
    to->sending = block;
    if (to->id) {
        nghttp2_submit_response(to->peer->session, to->id, block->nv, block->n,
                                end ? NULL : &provider);
    } else {
        to->id = nghttp2_submit_request(to->peer->session, NULL, block->nv, block->n,
                                        end ? NULL : &provider, to);
    }
    peer_touch(to->peer);
}

static int
on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *arg)
{
    bool end = frame->hd.flags & NGHTTP2_FLAG_END_STREAM;
    struct half *from;

    (void)arg;
    if (frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA) {
        return 0;
    }
    from = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
    if (!from || from->other->closed) {
        return 0;
    }
    if (frame->hd.type == NGHTTP2_HEADERS) {
        struct block *block = incoming;

        incoming = NULL;
        forward_headers(from->other, block, end);
    } else if (end) {
        from->other->ended = true;
        wake(from->other);
    }
    return 0;
}

static int
on_frame_send(nghttp2_session *session, const nghttp2_frame *frame, void *arg)
{
    struct half *half;

    (void)arg;
    if (frame->hd.type == NGHTTP2_HEADERS &&
        (half = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id))) {
        block_free(half->sending);
        half->sending = NULL;
    }
    return 0;
}

static void
half_free(struct half *half)
{
    block_free(half->sending);
    block_free(half->trailers);
    free(half->data);
}

static int
on_close(nghttp2_session *session, int32_t id, uint32_t code, void *arg)
{
    struct half *half = nghttp2_session_get_stream_user_data(session, id);
    struct half *other;

    (void)arg;
    if (!half) {
        return 0;
    }
    other = half->other;
    half->closed = true;
    if (other->closed || (!other->id && !half->answered)) {
        half_free(half);
        half_free(other);
        free(half->peer->server ? (void *)half : (void *)other);
    } else if (code != 0) {
        nghttp2_submit_rst_stream(other->peer->session, 0, other->id, code);
        peer_touch(other->peer);
    }
    return 0;
}

int
main(int argc, char **argv)
{
    nghttp2_session_callbacks *callbacks;

    if (argc != 3 || nghttp2_session_callbacks_new(&callbacks) != 0) {
        fprintf(stderr, "usage: relay PORT BACKEND_PORT\n");
        return 2;
    }
    nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, on_begin_headers);
    nghttp2_session_callbacks_set_on_header_callback2(callbacks, on_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
    nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, on_frame_send);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_close);
    peer_callbacks = callbacks;
    backend_port = (uint16_t)strtoul(argv[2], NULL, 10);
    peer_serve((uint16_t)strtoul(argv[1], NULL, 10));
}
