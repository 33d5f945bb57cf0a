/*
 * http-server.h - a small real HTTP server on the test's own loop, which writes whatever bytes
 * a test wants on the wire.
 */
#ifndef HF_UNIT_HTTP_SERVER_H
#define HF_UNIT_HTTP_SERVER_H

#include "base/list.h"
#include "base/text.h"
#include "loop/listener.h"
#include "loop/loop.h"
#include "loop/watch.h"

struct http_server;

/* A connection that a client made. */
struct http_conn {
    struct hf_list node;
    struct http_server *server;
    struct hf_watch watch;
    struct hf_text input;   /* what has come and is not part of a request yet */
    struct hf_text headers; /* of the last request, with its first line */
    struct hf_text body;
    uint32_t n_requests;
};

/* A whole request has come: answer it here, or later. */
typedef void http_answer_fn(struct http_conn *conn);

struct http_server {
    struct hf_loop *loop;
    struct hf_listener *listener;
    http_answer_fn *answer; /* NULL: the test does it by hand */
    struct hf_list conns;
    struct http_conn *last; /* that sent a request */
    uint32_t n_accepted, n_open, most_open, n_requests;
    char url[160]; /* "http://127.0.0.1:PORT" */
};

/* `unix_socket` NULL: some port of 127.0.0.1. */
void http_server_init(struct http_server *server, struct hf_loop *loop, const char *unix_socket,
                      http_answer_fn *answer);
void http_server_fini(struct http_server *server);

/* Writes bytes as they are. */
void http_write(struct http_conn *conn, const char *bytes, size_t len);
/* "HTTP/1.1 `status_line`", a length and the body. */
void http_reply(struct http_conn *conn, const char *status_line, const char *body);
void http_close(struct http_conn *conn);
void http_reset(struct http_conn *conn);

/* Turns the loop until `n` requests have come; the connection of the last one. */
struct http_conn *http_await(struct http_server *server, uint32_t n);

#endif
