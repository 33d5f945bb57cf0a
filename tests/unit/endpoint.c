/*
 * endpoint.c - an HTTP/2 server that fails where it is told to; see endpoint.h.
 */
#include "endpoint.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/macros.h"
#include "h2.h"
#include "loop/watch.h"
#include "unit.h"

static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
#define PREFACE_LEN (sizeof preface - 1)
#define HEAD_LEN    9u

/* A message of three bytes, as gRPC frames it. */
static const uint8_t message[] = { 0, 0, 0, 0, 3, 'a', 'b', 'c' };

enum error { NO_ERROR = 0, REFUSED_STREAM = 7, CANCEL = 8 };

/* A connection. */
struct peer {
    struct hf_list node;
    struct endpoint *endpoint;
    struct hf_watch watch;
    uint8_t in[65536];
    size_t n;
    bool greeted; /* the preface has come */
};

static void
peer_free(struct peer *peer)
{
    hf_list_remove(&peer->node);
    hf_watch_fini(&peer->watch);
    close(peer->watch.fd);
    free(peer);
}

static void
send_frame(struct peer *peer, uint8_t type, uint8_t flags, uint32_t id, const void *payload,
           size_t len)
{
    uint8_t frame[HEAD_LEN + 256] = { 0, 0, (uint8_t)len,       type,       flags,
                                      0, 0, (uint8_t)(id >> 8), (uint8_t)id };

    CU_ASSERT_FATAL(len <= 255);
    memcpy(frame + HEAD_LEN, payload ? payload : "", len);
    /* The other side may have gone already. */
    (void)send(peer->watch.fd, frame, HEAD_LEN + len, MSG_NOSIGNAL);
}

static void
send_headers(struct peer *peer, uint32_t id, const char *lines, bool end)
{
    uint8_t block[200];
    size_t n = h2_encode(lines, block, sizeof block);

    send_frame(peer, H2_HEADERS, (uint8_t)(H2_F_HEADERS_END | (end ? H2_F_END : 0)), id, block, n);
}

static void
send_reset(struct peer *peer, uint32_t id, enum error code)
{
    const uint8_t payload[] = { 0, 0, 0, (uint8_t)code };

    send_frame(peer, H2_RST, 0, id, payload, sizeof payload);
}

static void
send_goaway(struct peer *peer, uint32_t last_id)
{
    const uint8_t payload[8] = { 0, 0, (uint8_t)(last_id >> 8), (uint8_t)last_id };

    send_frame(peer, H2_GOAWAY, 0, 0, payload, sizeof payload);
}

/* --- its part ------------------------------------------------------------------------------ */

static void
send_answer(struct peer *peer, uint32_t id)
{
    enum answer answer = peer->endpoint->answer;

    if (answer != NO_ANSWER) {
        send_headers(peer, id, ":status: 200\ncontent-type: application/grpc\n", false);
    }
    if (answer == HALF_MESSAGE || answer == MESSAGE) {
        send_frame(peer, H2_DATA, 0, id, message,
                   answer == MESSAGE ? sizeof message : sizeof message / 2);
    }
}

/* False: the peer is gone. */
static bool
act(struct peer *peer, uint32_t id)
{
    struct endpoint *endpoint = peer->endpoint;

    endpoint->acted++;
    send_answer(peer, id);
    switch (endpoint->finish) {
    case SILENCE:
        break;
    case CLOSE:
        peer_free(peer);
        return false;
    case RESET_REFUSED:
        send_reset(peer, id, REFUSED_STREAM);
        break;
    case RESET_CANCEL:
        send_reset(peer, id, CANCEL);
        break;
    case RESET_NOTHING:
        send_reset(peer, id, NO_ERROR);
        break;
    case GOAWAY_BELOW:
        send_goaway(peer, 0);
        break;
    case GOAWAY_ABOVE:
        send_goaway(peer, id);
        send_headers(peer, id, "grpc-status: 0\n", true);
        break;
    case TRAILERS:
        send_headers(peer, id, "grpc-status: 0\n", true);
        break;
    case TRAILERS_ONLY:
        send_headers(peer, id, ":status: 200\ncontent-type: application/grpc\ngrpc-status: 5\n",
                     true);
        break;
    case END_BARE:
        send_frame(peer, H2_DATA, H2_F_END, id, NULL, 0);
        break;
    }
    return true;
}

/* A moment has come; plays the part if it is the one.  False: the peer is gone. */
static bool
come(struct peer *peer, enum moment moment, uint32_t id)
{
    return moment != peer->endpoint->moment || act(peer, id);
}

/* --- what comes ---------------------------------------------------------------------------- */

/* False: the peer is gone. */
static bool
take_frame(struct peer *peer, uint8_t type, uint8_t flags, uint32_t id)
{
    bool here = true;

    switch (type) {
    case H2_SETTINGS:
        if (!(flags & H2_F_ACK)) {
            send_frame(peer, H2_SETTINGS, H2_F_ACK, 0, NULL, 0);
        }
        return true;
    case H2_HEADERS:
        peer->endpoint->calls++;
        here = come(peer, ON_HEADERS, id);
        break;
    case H2_DATA:
        here = come(peer, ON_BODY, id);
        break;
    case H2_RST:
        peer->endpoint->resets++;
        return true;
    default:
        return true;
    }
    return here && (!(flags & H2_F_END) || come(peer, ON_END, id));
}

/* Takes what is whole; false: the peer is gone. */
static bool
take_frames(struct peer *peer)
{
    size_t at = 0;

    if (!peer->greeted && peer->n >= PREFACE_LEN) {
        peer->greeted = true;
        at = PREFACE_LEN;
    }
    while (peer->greeted && peer->n - at >= HEAD_LEN) {
        const uint8_t *head = peer->in + at;
        size_t len = HEAD_LEN + (h2_u32(head) >> 8);

        if (peer->n - at < len) {
            break;
        }
        at += len;
        if (!take_frame(peer, head[3], head[4], h2_u32(head + 5))) {
            return false;
        }
    }
    memmove(peer->in, peer->in + at, peer->n - at);
    peer->n -= at;
    return true;
}

static void
on_readable(struct hf_watch *watch, uint32_t events)
{
    struct peer *peer = hf_container_of(watch, struct peer, watch);
    ssize_t n = recv(watch->fd, peer->in + peer->n, sizeof peer->in - peer->n, 0);

    (void)events;
    if (n <= 0) {
        peer_free(peer);
        return;
    }
    peer->n += (size_t)n;
    take_frames(peer);
}

static void
on_connection(void *arg, int fd)
{
    struct endpoint *endpoint = arg;
    struct peer *peer = calloc(1, sizeof *peer);

    CU_ASSERT_PTR_NOT_NULL_FATAL(peer);
    peer->endpoint = endpoint;
    hf_list_append(&endpoint->peers, &peer->node);
    hf_watch_init(&peer->watch, endpoint->loop, fd, on_readable);
    CU_ASSERT_EQUAL(hf_watch_set(&peer->watch, HF_READABLE), 0);
    if (endpoint->moment == ON_CONNECT && endpoint->finish == CLOSE) {
        act(peer, 0);
        return;
    }
    send_frame(peer, H2_SETTINGS, 0, 0, NULL, 0);
    come(peer, ON_CONNECT, 1);
}

/* --- life ---------------------------------------------------------------------------------- */

void
endpoint_open(struct endpoint *endpoint, struct hf_loop *loop)
{
    hf_list_init(&endpoint->peers);
    endpoint->loop = loop;
    CU_ASSERT_EQUAL_FATAL(
        hf_listener_new(loop, "127.0.0.1:0", on_connection, endpoint, &endpoint->listener, NULL),
        0);
    snprintf(endpoint->address, sizeof endpoint->address, "%s",
             hf_listener_text(endpoint->listener));
    if (endpoint->moment == ON_REFUSAL) {
        hf_listener_free(endpoint->listener);
        endpoint->listener = NULL;
    }
}

void
endpoint_close(struct endpoint *endpoint)
{
    struct hf_list *node;

    while ((node = endpoint->peers.next) != &endpoint->peers) {
        peer_free(hf_container_of(node, struct peer, node));
    }
    hf_listener_free(endpoint->listener);
}
