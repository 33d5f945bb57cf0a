/*
 * http-driver.h - the driver's side of tests of the HTTP client: what its callbacks saw, and what
 * they do.
 */
#ifndef HF_UNIT_HTTP_DRIVER_H
#define HF_UNIT_HTTP_DRIVER_H

#include "base/macros.h"
#include "http-server.h"
#include "http/http.h"

#define LIMIT (10 * HF_SEC)

/* What a callback does besides noting what it saw. */
enum deed { NOTHING, CANCEL_SELF, CANCEL_OTHER, FREE_CLIENT, SEND_AGAIN };

/* An exchange as its driver sees it. */
struct seen {
    struct hf_host_http *http;
    struct hf_host_exchange *exchange;
    uint32_t n_headers, n_data, n_done;
    uint32_t status; /* in on_headers */
    int code;
    uint32_t final_status, sent;
    char mark[16]; /* of the header X-Mark */
    char message[256];
    struct hf_text data; /* by on_data or collected */

    enum deed in_headers, in_data, in_done;
    struct seen *other;
    const char *url; /* for SEND_AGAIN */
};

/* A client with its server. */
struct bench {
    struct hf_loop *loop;
    struct http_server server;
    struct hf_host_http *http;
};

/* `answer` as for http_server_init(). */
void begin(struct bench *b, http_answer_fn *answer);
void end(struct bench *b);

/* A client of the bench's loop; the limit 0 and the path NULL are what one has by default. */
struct hf_host_http *client(struct bench *b, uint32_t max_connections, const char *unix_socket);

/* Calls all of a `struct seen`, or only its end. */
extern const struct hf_host_http_events streaming, collecting;

/* Sends by `seen->http`; returns as hf_http_send(). */
int send_request(struct seen *seen, const struct hf_host_http_events *events, const char *method,
                 const char *url, const char *body, uint64_t timeout_ns, uint64_t max_body);
/* Sends what cannot be refused: a GET whose answer streams, and any whose answer is collected. */
void get(struct seen *seen, const char *url);
void collect(struct seen *seen, const char *method, const char *url, const char *body);

/* For await(). */
bool is_done(void *seen);
bool has_headers(void *seen);
bool has_data(void *seen);

void await(struct bench *b, bool (*what)(void *seen), struct seen *seen);
/* Until the client has closed all its connections. */
void await_closed(struct bench *b);

/* Answers 200 with the body of the request. */
void answer_with_body(struct http_conn *conn);

#endif
