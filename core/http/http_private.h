/*
 * http_private.h - a client and its exchanges; for core/http/ only.
 *
 * http.c drives libcurl: descriptors, time, which exchange has its turn.  exchange.c knows
 * what one request and its answer are.
 */
#ifndef HF_HTTP_HTTP_PRIVATE_H
#define HF_HTTP_HTTP_PRIVATE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "base/text.h"
#include "http/curl.h"
#include "http/http.h"
#include "loop/timer.h"

struct hf_host_http {
    uint32_t magic;
    const struct hf_curl *curl;
    struct hf_loop *loop;
    CURLM *multi;
    struct hf_timer timer;       /* libcurl's own */
    struct hf_deferred settling; /* starts what waits, after whoever asked for it */
    struct hf_list sockets;      /* that libcurl waits for */

    /* Exchanges: without a connection yet, first in first out; at work; cancelled, but
     * libcurl is still on the stack. */
    struct hf_list waiting;
    struct hf_list active;
    struct hf_list cancelled;
    uint32_t n_active;

    unsigned depth; /* callers of libcurl or of a callback on the stack */
    bool freed;     /* by a callback: goes when `depth` is 0 */

    uint32_t max_connections;
    uint64_t connect_timeout_ns;
    char *unix_socket; /* NULL: TCP */
    char *ca_file;
    char *cert_file;
    char *key_file;
};

struct hf_host_exchange {
    uint32_t magic;
    struct hf_list node; /* in one of the client's lists */
    struct hf_host_http *http;
    const struct hf_host_http_events *events;
    void *arg;
    CURL *easy;
    struct curl_slist *headers;
    struct hf_timer limit;
    uint64_t timeout_ns; /* 0: none */
    char *authority;     /* of the URL: whom we talk to, for messages */
    char *body;
    size_t body_len;
    size_t body_taken; /* by libcurl */
    struct hf_text answer;
    bool active;
    bool cancelled;
    bool has_headers; /* of the final answer */
    char message[CURL_ERROR_SIZE];
};

/* Makes an exchange that is in no list and has no limit yet. */
int hf_exchange_new(struct hf_host_http *http, const struct hf_host_http_request *request,
                    const struct hf_host_http_events *events, void *arg,
                    struct hf_host_exchange **ret, struct hf_err *err);

/* Takes it out of its list; libcurl must not have it any more. */
void hf_exchange_free(struct hf_host_exchange *exchange);

/* Tells its end by libcurl's verdict, or by `code` and `message` if that is not 0. */
void hf_exchange_tell(struct hf_host_exchange *exchange, CURLcode verdict);
void hf_exchange_tell_failure(struct hf_host_exchange *exchange, int code, const char *message);

#endif
