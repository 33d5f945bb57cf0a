/*
 * peer.h - the least that nghttp2 needs around it to move bytes: for the
 * benchmark's backend and bare relay, which use nothing else of the project.
 *
 * One thread, epoll; output of a turn is gathered and written once.
 */
#ifndef HF_BENCH_PEER_H
#define HF_BENCH_PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <nghttp2/nghttp2.h>

/* A connection. */
struct peer {
    int fd;
    nghttp2_session *session;
    bool server;
    bool dirty;
    bool closed;
    bool blocked; /* the socket took less than there was */
    struct peer *next_dirty;
    uint8_t *out; /* gathered and not written */
    size_t out_len;
    size_t out_size;
    void (*on_closed)(struct peer *);
};

/* Set before the first peer is made. */
extern nghttp2_session_callbacks *peer_callbacks;

/* Something is to be sent at the end of the turn. */
void peer_touch(struct peer *);
/* Takes over a connected socket; NULL on failure. */
struct peer *peer_new(int fd, bool server, void (*on_closed)(struct peer *));
/* Connects (waiting) to 127.0.0.1. */
int peer_connect(uint16_t port);
/* Serves for ever; each connection to `port` becomes a server's peer. */
_Noreturn void peer_serve(uint16_t port);

#endif
