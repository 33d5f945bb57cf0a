/*
 * peer.c - sessions of nghttp2 on an epoll loop.
 */
#include "peer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define EVENTS_PER_TURN 16
#define OUT_MIN         (64u * 1024)
#define WINDOW          (1 << 20)

nghttp2_session_callbacks *peer_callbacks;

static int epoll_fd = -1;
static struct peer *dirty;

static void
die(const char *what)
{
    perror(what);
    exit(1);
}

void
peer_touch(struct peer *peer)
{
    if (!peer->dirty) {
        peer->dirty = true;
        peer->next_dirty = dirty;
        dirty = peer;
    }
}

static void
set_events(struct peer *peer, int op, bool writable)
{
    struct epoll_event event = {
        .events = EPOLLIN | (writable ? (uint32_t)EPOLLOUT : 0),
        .data.ptr = peer,
    };

    if (epoll_ctl(epoll_fd, op, peer->fd, &event) != 0) {
        die("epoll_ctl");
    }
}

static nghttp2_session *
session_new(struct peer *peer)
{
    static const nghttp2_settings_entry settings[] = {
        { NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, 1000 },
        { NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, WINDOW },
        { NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1 },
    };
    nghttp2_option *option;
    nghttp2_session *session = NULL;
    int r;

    if (nghttp2_option_new(&option) != 0) {
        die("nghttp2");
    }
    nghttp2_option_set_no_closed_streams(option, 1);
    r = peer->server ? nghttp2_session_server_new2(&session, peer_callbacks, peer, option)
                     : nghttp2_session_client_new2(&session, peer_callbacks, peer, option);
    nghttp2_option_del(option);
    if (r != 0 || nghttp2_submit_settings(session, 0, settings, 3) != 0 ||
        nghttp2_session_set_local_window_size(session, 0, 0, 16 * WINDOW) != 0) {
        die("nghttp2");
    }
    return session;
}

struct peer *
peer_new(int fd, bool server, void (*on_closed)(struct peer *))
{
    struct peer *peer = calloc(1, sizeof *peer);
    int one = 1;

    if (!peer) {
        die("peer");
    }
    peer->fd = fd;
    peer->server = server;
    peer->on_closed = on_closed;
    peer->session = session_new(peer);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    set_events(peer, EPOLL_CTL_ADD, false);
    peer_touch(peer);
    return peer;
}

static void
peer_free(struct peer *peer)
{
    if (peer->on_closed) {
        peer->on_closed(peer);
    }
    nghttp2_session_del(peer->session);
    close(peer->fd);
    free(peer->out);
    free(peer);
}

static void
append(struct peer *peer, const uint8_t *data, size_t len)
{
    if (peer->out_len + len > peer->out_size) {
        peer->out_size = (peer->out_len + len) * 2 > OUT_MIN ? (peer->out_len + len) * 2 : OUT_MIN;
        peer->out = realloc(peer->out, peer->out_size);
        if (!peer->out) {
            die("output");
        }
    }
    memcpy(peer->out + peer->out_len, data, len);
    peer->out_len += len;
}

static void
flush(struct peer *peer)
{
    const uint8_t *data;
    ssize_t n;

    while (!peer->blocked && (n = nghttp2_session_mem_send(peer->session, &data)) > 0) {
        append(peer, data, (size_t)n);
    }
    n = peer->out_len > 0 ? send(peer->fd, peer->out, peer->out_len, MSG_NOSIGNAL) : 0;
    if (n < 0 && errno != EAGAIN) {
        peer->closed = true;
        return;
    }
    n = n < 0 ? 0 : n;
    peer->out_len -= (size_t)n;
    memmove(peer->out, peer->out + n, peer->out_len);
    if (peer->blocked != (peer->out_len > 0)) {
        peer->blocked = peer->out_len > 0;
        set_events(peer, EPOLL_CTL_MOD, peer->blocked);
    }
}

static void
flush_dirty(void)
{
    while (dirty) {
        struct peer *peer = dirty;

        dirty = peer->next_dirty;
        peer->dirty = false;
        if (!peer->closed) {
            flush(peer);
        }
        if (!nghttp2_session_want_read(peer->session) &&
            !nghttp2_session_want_write(peer->session)) {
            peer->closed = true;
        }
        if (peer->closed && !peer->dirty) {
            peer_free(peer);
        }
    }
}

static void
readable(struct peer *peer)
{
    static uint8_t buffer[64 * 1024];
    ssize_t n = recv(peer->fd, buffer, sizeof buffer, 0);

    if (n == 0 || (n < 0 && errno != EAGAIN) ||
        (n > 0 && nghttp2_session_mem_recv(peer->session, buffer, (size_t)n) < 0)) {
        peer->closed = true;
    }
    peer_touch(peer);
}

static int
listen_on(uint16_t port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_port = htons(port),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int one = 1;

    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(fd, (struct sockaddr *)&address, sizeof address) != 0 || listen(fd, 1024) != 0) {
        die("listen");
    }
    return fd;
}

int
peer_connect(uint16_t port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_port = htons(port),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (connect(fd, (struct sockaddr *)&address, sizeof address) != 0) {
        die("connect");
    }
    return fd;
}

void
peer_serve(uint16_t port)
{
    struct epoll_event accepting = { .events = EPOLLIN, .data.ptr = NULL };
    struct epoll_event events[EVENTS_PER_TURN];
    int listener = listen_on(port);

    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (epoll_fd < 0 || epoll_ctl(epoll_fd, EPOLL_CTL_ADD, listener, &accepting) != 0) {
        die("epoll");
    }
    for (;;) {
        int n = epoll_wait(epoll_fd, events, EVENTS_PER_TURN, -1);

        for (int i = 0; i < n; i++) {
            struct peer *peer = events[i].data.ptr;

            if (!peer) {
                int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

                if (fd >= 0) {
                    peer_new(fd, true, NULL);
                }
            } else if (events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) {
                readable(peer);
            } else {
                peer_touch(peer);
            }
        }
        flush_dirty();
    }
}
