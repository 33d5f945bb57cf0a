/*
 * http.c - a client: libcurl's multi interface on our loop.
 *
 * libcurl may not be called from its own callbacks, and a driver's callbacks run inside them.
 * So whatever a driver asks for is only noted; `settle` does it once libcurl has returned.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/err.h"
#include "base/fault.h"
#include "base/macros.h"
#include "http/http_private.h"
#include "loop/loop.h"
#include "loop/watch.h"

#define HTTP_MAGIC HF_MAGIC('h', 't', 't', 'p')

#define MAX_CONNECTIONS 64
#define CONNECT_TIMEOUT (10 * HF_SEC)

/* A descriptor that libcurl waits for. */
struct socket {
    struct hf_watch watch;
    struct hf_list node;
    struct hf_host_http *http;
};

static void settle(struct hf_host_http *http);

/* --- libcurl's events --------------------------------------------------------------------- */

/* Tells libcurl that something is ready, CURL_CSELECT_..., or that its time has come. */
static void
act(struct hf_host_http *http, curl_socket_t fd, int ready)
{
    int running;

    http->depth++;
    http->curl->multi_socket_action(http->multi, fd, ready, &running);
    http->depth--;
    settle(http);
}

static void
on_ready(struct hf_watch *watch, uint32_t events)
{
    struct socket *socket = hf_container_of(watch, struct socket, watch);

    act(socket->http, watch->fd,
        (events & HF_READABLE ? CURL_CSELECT_IN : 0) |
            (events & HF_WRITABLE ? CURL_CSELECT_OUT : 0));
}

static void
on_time(struct hf_timer *timer)
{
    act(hf_container_of(timer, struct hf_host_http, timer), CURL_SOCKET_TIMEOUT, 0);
}

static int
set_timer(CURLM *multi, long delay_ms, void *arg)
{
    struct hf_host_http *http = hf_cast(arg, struct hf_host_http, HTTP_MAGIC);

    (void)multi;
    if (delay_ms < 0) {
        hf_timer_cancel(&http->timer);
    } else {
        hf_timer_set(&http->timer, (uint64_t)delay_ms * HF_MSEC);
    }
    return 0;
}

static void
socket_free(struct socket *socket)
{
    hf_list_remove(&socket->node);
    hf_watch_fini(&socket->watch);
    free(socket);
}

static struct socket *
socket_new(struct hf_host_http *http, int fd)
{
    struct socket *socket = calloc(1, sizeof *socket);

    if (socket) {
        socket->http = http;
        hf_list_append(&http->sockets, &socket->node);
        hf_watch_init(&socket->watch, http->loop, fd, on_ready);
        http->curl->multi_assign(http->multi, fd, socket);
    }
    return socket;
}

/* libcurl wants to wait for something else at a descriptor; -1 fails its exchanges. */
static int
set_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *of_socket)
{
    struct hf_host_http *http = hf_cast(arg, struct hf_host_http, HTTP_MAGIC);
    struct socket *socket = of_socket;
    uint32_t events =
        (what & CURL_POLL_IN ? HF_READABLE : 0) | (what & CURL_POLL_OUT ? HF_WRITABLE : 0);

    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        if (socket) {
            socket_free(socket);
        }
        return 0;
    }
    if (!socket) {
        socket = socket_new(http, fd);
    }
    return socket && hf_watch_set(&socket->watch, events) == 0 ? 0 : -1;
}

/* --- exchanges ---------------------------------------------------------------------------- */

/* Takes an exchange from libcurl, which closes its connection unless it had ended. */
static void
withdraw(struct hf_host_exchange *exchange)
{
    struct hf_host_http *http = exchange->http;

    if (exchange->active) {
        http->depth++;
        http->curl->multi_remove_handle(http->multi, exchange->easy);
        http->depth--;
        exchange->active = false;
        http->n_active--;
    }
}

/* Tells the end of an exchange that libcurl no longer has, and frees it. */
static void
finish(struct hf_host_exchange *exchange, CURLcode verdict)
{
    struct hf_host_http *http = exchange->http;

    if (!exchange->cancelled) {
        http->depth++;
        hf_exchange_tell(exchange, verdict);
        http->depth--;
    }
    hf_exchange_free(exchange);
}

static void
fail(struct hf_host_exchange *exchange, int code, const char *message)
{
    struct hf_host_http *http = exchange->http;

    withdraw(exchange);
    http->depth++;
    hf_exchange_tell_failure(exchange, code, message);
    http->depth--;
    hf_exchange_free(exchange);
}

static void
on_limit(struct hf_timer *timer)
{
    struct hf_host_exchange *exchange = hf_container_of(timer, struct hf_host_exchange, limit);
    struct hf_host_http *http = exchange->http;
    struct hf_err err = HF_ERR_INIT;

    hf_fail(&err, HF_ETIMEOUT, "no %s within %.3g s",
            !exchange->active       ? "free connection"
            : exchange->has_headers ? "end of the answer"
                                    : "answer",
            (double)exchange->timeout_ns / (double)HF_SEC);
    fail(exchange, HF_ETIMEOUT, hf_err_message(&err));
    settle(http);
}

static void
start(struct hf_host_exchange *exchange)
{
    struct hf_host_http *http = exchange->http;

    hf_list_remove(&exchange->node);
    hf_list_append(&http->active, &exchange->node);
    exchange->active = true;
    http->n_active++;
    if (http->curl->multi_add_handle(http->multi, exchange->easy) != CURLM_OK) {
        exchange->active = false;
        http->n_active--;
        fail(exchange, HF_ENOMEM, "no memory for an HTTP request");
    }
}

/* --- after libcurl ------------------------------------------------------------------------ */

/* The next exchange that has ended by itself, with libcurl's verdict; NULL: none. */
static struct hf_host_exchange *
next_ended(struct hf_host_http *http, CURLcode *ret)
{
    struct hf_host_exchange *exchange = NULL;
    CURLMsg *message;
    int left;

    message = http->curl->multi_info_read(http->multi, &left);
    if (!message) {
        return NULL;
    }
    *ret = message->data.result; /* gone with the next call of libcurl */
    http->curl->easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (void *)&exchange);
    return exchange;
}

static void
drop_all(struct hf_list *exchanges)
{
    struct hf_host_exchange *exchange;

    while ((exchange = hf_list_first(exchanges, struct hf_host_exchange, node))) {
        withdraw(exchange);
        hf_exchange_free(exchange);
    }
}

static void
destroy(struct hf_host_http *http)
{
    struct socket *socket;

    drop_all(&http->active);
    drop_all(&http->waiting);
    drop_all(&http->cancelled);
    if (http->multi) {
        http->curl->multi_cleanup(http->multi);
    }
    while ((socket = hf_list_first(&http->sockets, struct socket, node))) {
        socket_free(socket);
    }
    hf_timer_fini(&http->timer);
    hf_deferred_cancel(&http->settling);
    free(http->unix_socket);
    free(http->ca_file);
    free(http->cert_file);
    free(http->key_file);
    http->magic = 0;
    free(http);
}

/* Does what was noted while libcurl was at work.  The client may be gone afterwards. */
static void
settle(struct hf_host_http *http)
{
    struct hf_host_exchange *exchange;
    CURLcode verdict;

    if (http->depth > 0) {
        return; /* whoever is below does it */
    }
    while (!http->freed && (exchange = next_ended(http, &verdict))) {
        withdraw(exchange);
        finish(exchange, verdict);
    }
    drop_all(&http->cancelled);
    while (!http->freed && http->n_active < http->max_connections &&
           (exchange = hf_list_first(&http->waiting, struct hf_host_exchange, node))) {
        start(exchange);
    }
    if (http->freed) {
        destroy(http);
    }
}

static void
run_settling(struct hf_deferred *deferred)
{
    settle(hf_container_of(deferred, struct hf_host_http, settling));
}

int
hf_http_send(struct hf_host_http *http, const struct hf_host_http_request *request,
             const struct hf_host_http_events *events, void *arg, struct hf_host_exchange **ret,
             struct hf_err *err)
{
    struct hf_host_exchange *exchange;
    int r;

    hf_assert(http->magic == HTTP_MAGIC && !http->freed);
    if (hf_fault(HF_FAULT_HTTP)) {
        return hf_fail(err, HF_EUNAVAILABLE, "fault http is set");
    }
    r = hf_exchange_new(http, request, events, arg, &exchange, err);
    if (r < 0) {
        return r;
    }
    hf_timer_init(&exchange->limit, http->loop, HF_TIMER_REAL, on_limit);
    if (request->timeout_ns > 0) {
        hf_timer_set(&exchange->limit, request->timeout_ns);
    }
    hf_list_append(&http->waiting, &exchange->node);
    hf_loop_defer(http->loop, &http->settling);
    if (ret) {
        *ret = exchange;
    }
    return 0;
}

void
hf_http_cancel(struct hf_host_exchange *exchange)
{
    struct hf_host_http *http = exchange->http;

    exchange->cancelled = true;
    hf_timer_cancel(&exchange->limit);
    hf_list_remove(&exchange->node);
    hf_list_append(&http->cancelled, &exchange->node);
    if (http->depth == 0) {
        drop_all(&http->cancelled);
        hf_loop_defer(http->loop, &http->settling); /* its connection may be another's */
    }
}

/* --- life --------------------------------------------------------------------------------- */

/* Copies a file's path, once the file can be read. */
static int
take_file(const char *path, char **ret, struct hf_err *err)
{
    if (!path) {
        return 0;
    }
    if (access(path, R_OK) != 0) {
        hf_fail_errno(err, errno, "cannot read '%s'", path);
        return HF_EINVALID;
    }
    *ret = strdup(path);
    return *ret ? 0 : hf_fail(err, HF_ENOMEM, "no memory for an HTTP client");
}

static int
take_options(struct hf_host_http *http, const struct hf_host_http_options *options,
             struct hf_err *err)
{
    int r;

    http->max_connections = options->max_connections ? options->max_connections : MAX_CONNECTIONS;
    http->connect_timeout_ns =
        options->connect_timeout_ns ? options->connect_timeout_ns : CONNECT_TIMEOUT;
    if (options->unix_socket) {
        http->unix_socket = strdup(options->unix_socket);
        if (!http->unix_socket) {
            return hf_fail(err, HF_ENOMEM, "no memory for an HTTP client");
        }
    }
    if (!options->cert_file != !options->key_file) {
        return hf_fail(err, HF_EINVALID,
                       "a certificate and its key belong together: only the "
                       "file of the %s is given",
                       options->cert_file ? "certificate" : "key");
    }
    r = take_file(options->ca_file, &http->ca_file, err);
    if (r == 0) {
        r = take_file(options->cert_file, &http->cert_file, err);
    }
    return r < 0 ? r : take_file(options->key_file, &http->key_file, err);
}

static bool
set_up_multi(struct hf_host_http *http)
{
    const struct hf_curl *curl = http->curl;
    long connections = (long)http->max_connections;

    http->multi = curl->multi_init();
    return http->multi &&
           curl->multi_setopt(http->multi, CURLMOPT_SOCKETFUNCTION, set_socket) == CURLM_OK &&
           curl->multi_setopt(http->multi, CURLMOPT_SOCKETDATA, http) == CURLM_OK &&
           curl->multi_setopt(http->multi, CURLMOPT_TIMERFUNCTION, set_timer) == CURLM_OK &&
           curl->multi_setopt(http->multi, CURLMOPT_TIMERDATA, http) == CURLM_OK &&
           curl->multi_setopt(http->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, connections) ==
               CURLM_OK &&
           curl->multi_setopt(http->multi, CURLMOPT_MAXCONNECTS, connections) == CURLM_OK;
}

int
hf_http_new(struct hf_loop *loop, const struct hf_host_http_options *options,
            struct hf_host_http **ret, struct hf_err *err)
{
    const struct hf_curl *curl;
    struct hf_host_http *http;
    int r = hf_curl_open(&curl, err);

    if (r < 0) {
        return r;
    }
    http = calloc(1, sizeof *http);
    if (!http) {
        return hf_fail(err, HF_ENOMEM, "no memory for an HTTP client");
    }
    http->magic = HTTP_MAGIC;
    http->curl = curl;
    http->loop = loop;
    hf_timer_init(&http->timer, loop, HF_TIMER_REAL, on_time);
    hf_deferred_init(&http->settling, run_settling);
    hf_list_init(&http->sockets);
    hf_list_init(&http->waiting);
    hf_list_init(&http->active);
    hf_list_init(&http->cancelled);
    r = take_options(http, options, err);
    if (r == 0 && !set_up_multi(http)) {
        r = hf_fail(err, HF_ENOMEM, "no memory for an HTTP client");
    }
    if (r < 0) {
        destroy(http);
        return r;
    }
    *ret = http;
    return 0;
}

/* Lets no callback run any more. */
static void
silence(struct hf_list *exchanges)
{
    struct hf_host_exchange *exchange;

    HF_LIST_FOR (exchange, exchanges, node) {
        exchange->cancelled = true;
    }
}

void
hf_http_free(struct hf_host_http *http)
{
    if (!http) {
        return;
    }
    hf_assert(http->magic == HTTP_MAGIC && !http->freed);
    http->freed = true;
    silence(&http->active);
    silence(&http->waiting);
    if (http->depth == 0) {
        destroy(http);
    }
}
