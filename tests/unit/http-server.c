/* http-server.c - a small real HTTP server for tests; see http-server.h. */
#include "http-server.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/macros.h"
#include "unit.h"

void
http_close(struct http_conn *conn)
{
    struct http_server *server = conn->server;

    if (server->last == conn) {
        server->last = NULL;
    }
    server->n_open--;
    hf_list_remove(&conn->node);
    hf_watch_fini(&conn->watch);
    close(conn->watch.fd);
    hf_text_fini(&conn->input);
    hf_text_fini(&conn->headers);
    hf_text_fini(&conn->body);
    free(conn);
}

void
http_reset(struct http_conn *conn)
{
    static const struct linger at_once = { .l_onoff = 1 };

    setsockopt(conn->watch.fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    http_close(conn);
}

void
http_write(struct http_conn *conn, const char *bytes, size_t len)
{
    CU_ASSERT_EQUAL(send(conn->watch.fd, bytes, len, MSG_NOSIGNAL), (ssize_t)len);
}

void
http_reply(struct http_conn *conn, const char *status_line, const char *body)
{
    hf_autofree char *text =
        hf_strdup_printf("HTTP/1.1 %s\r\nContent-Length: %zu\r\nX-Mark: seen\r\n\r\n%s",
                         status_line, strlen(body), body);

    http_write(conn, text, strlen(text));
}

/* Whether the input begins with a whole request, which then moves to `headers` and `body`. */
static bool
take_request(struct http_conn *conn)
{
    const char *input = hf_text_str(&conn->input);
    const char *end = strstr(input, "\r\n\r\n");
    const char *length = strcasestr(input, "\r\nContent-Length:");
    hf_autofree char *rest = NULL;
    size_t head, body = 0;

    if (!end) {
        return false;
    }
    head = (size_t)(end - input) + 4;
    if (length && length < end) {
        body = strtoul(strchr(length, ':') + 1, NULL, 10);
    }
    if (conn->input.len < head + body) {
        return false;
    }
    hf_text_clear(&conn->headers);
    hf_text_add_mem(&conn->headers, input, head);
    hf_text_clear(&conn->body);
    hf_text_add_mem(&conn->body, input + head, body);
    rest = strdup(input + head + body);
    hf_text_clear(&conn->input);
    hf_text_add(&conn->input, rest);
    return true;
}

static void
on_readable(struct hf_watch *watch, uint32_t events)
{
    struct http_conn *conn = hf_container_of(watch, struct http_conn, watch);
    struct http_server *server = conn->server;
    char bytes[16384];
    ssize_t n = recv(watch->fd, bytes, sizeof bytes, 0);

    (void)events;
    if (n <= 0) {
        if (n == 0 || errno != EAGAIN) {
            http_close(conn);
        }
        return;
    }
    hf_text_add_mem(&conn->input, bytes, (size_t)n);
    if (take_request(conn)) {
        conn->n_requests++;
        server->n_requests++;
        server->last = conn;
        if (server->answer) {
            server->answer(conn);
        }
    }
}

static void
on_accept(void *arg, int fd)
{
    struct http_server *server = arg;
    struct http_conn *conn = calloc(1, sizeof *conn);

    CU_ASSERT_PTR_NOT_NULL_FATAL(conn);
    conn->server = server;
    hf_text_init(&conn->input);
    hf_text_init(&conn->headers);
    hf_text_init(&conn->body);
    hf_watch_init(&conn->watch, server->loop, fd, on_readable);
    CU_ASSERT_EQUAL(hf_watch_set(&conn->watch, HF_READABLE), 0);
    hf_list_append(&server->conns, &conn->node);
    server->n_accepted++;
    server->n_open++;
    server->most_open = hf_max(server->most_open, server->n_open);
}

void
http_server_init(struct http_server *server, struct hf_loop *loop, const char *unix_socket,
                 http_answer_fn *answer)
{
    char address[128] = "127.0.0.1:0";

    *server = (struct http_server){ .loop = loop, .answer = answer };
    hf_list_init(&server->conns);
    if (unix_socket) {
        snprintf(address, sizeof address, "unix:%s", unix_socket);
    }
    CU_ASSERT_EQUAL_FATAL(
        hf_listener_new(loop, address, on_accept, server, &server->listener, NULL), 0);
    snprintf(server->url, sizeof server->url, "http://%s",
             unix_socket ? "localhost" : hf_listener_text(server->listener));
}

void
http_server_fini(struct http_server *server)
{
    struct http_conn *conn;

    while ((conn = hf_list_first(&server->conns, struct http_conn, node))) {
        http_close(conn);
    }
    hf_listener_free(server->listener);
    server->listener = NULL;
}

struct awaited {
    struct http_server *server;
    uint32_t n;
};

static bool
has_come(void *arg)
{
    struct awaited *awaited = arg;

    return awaited->server->n_requests >= awaited->n;
}

struct http_conn *
http_await(struct http_server *server, uint32_t n)
{
    struct awaited awaited = { server, n };

    CU_ASSERT_TRUE_FATAL(hf_loop_run_until(server->loop, has_come, &awaited, 10 * HF_SEC));
    return server->last;
}
