/* http-driver.c - the driver's side of tests of the HTTP client; see http-driver.h. */
#include "http-driver.h"

#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "unit.h"

static void
do_deed(struct seen *seen, enum deed deed)
{
    switch (deed) {
    case CANCEL_SELF:
        hf_http_cancel(seen->exchange);
        break;
    case CANCEL_OTHER:
        hf_http_cancel(seen->other->exchange);
        break;
    case FREE_CLIENT:
        hf_http_free(seen->http);
        seen->http = NULL;
        break;
    case SEND_AGAIN:
        seen->other->http = seen->http;
        get(seen->other, seen->url);
        break;
    case NOTHING:
    default:
        break;
    }
}

static void
on_headers(void *arg, struct hf_host_exchange *exchange, uint32_t status)
{
    struct seen *seen = arg;
    const char *mark = hf_http_header(exchange, "x-mark");

    CU_ASSERT_PTR_EQUAL(exchange, seen->exchange);
    seen->n_headers++;
    seen->status = status;
    snprintf(seen->mark, sizeof seen->mark, "%s", mark ? mark : "");
    CU_ASSERT_PTR_NULL(hf_http_header(exchange, "x-nothing"));
    do_deed(seen, seen->in_headers);
}

static void
on_data(void *arg, const void *data, size_t len)
{
    struct seen *seen = arg;

    seen->n_data++;
    hf_text_add_mem(&seen->data, data, len);
    do_deed(seen, seen->in_data);
}

static void
on_done(void *arg, struct hf_host_exchange *exchange, const struct hf_host_http_answer *answer)
{
    struct seen *seen = arg;
    const char *mark = hf_http_header(exchange, "X-MARK");

    seen->n_done++;
    seen->code = answer->code;
    seen->final_status = answer->status;
    seen->sent = answer->sent;
    snprintf(seen->message, sizeof seen->message, "%s", answer->message);
    snprintf(seen->mark, sizeof seen->mark, "%s", mark ? mark : "");
    CU_ASSERT_EQUAL(answer->body[answer->body_len], '\0');
    hf_text_add_mem(&seen->data, answer->body, answer->body_len);
    do_deed(seen, seen->in_done);
}

const struct hf_host_http_events streaming = {
    .size = sizeof streaming,
    .on_headers = on_headers,
    .on_data = on_data,
    .on_done = on_done,
};

const struct hf_host_http_events collecting = {
    .size = sizeof collecting,
    .on_done = on_done,
};

/* --- a client and its server ------------------------------------------------------------------ */

struct hf_host_http *
client(struct bench *b, uint32_t max_connections, const char *unix_socket)
{
    const struct hf_host_http_options options = {
        .size = sizeof options,
        .max_connections = max_connections,
        .unix_socket = unix_socket,
    };
    struct hf_err err = HF_ERR_INIT;
    struct hf_host_http *http = NULL;

    CU_ASSERT_EQUAL_FATAL(hf_http_new(b->loop, &options, &http, &err), 0);
    return http;
}

void
begin(struct bench *b, http_answer_fn *answer)
{
    *b = (struct bench){ 0 };
    CU_ASSERT_EQUAL_FATAL(hf_loop_new("test", &b->loop, NULL), 0);
    http_server_init(&b->server, b->loop, NULL, answer);
    b->http = client(b, 0, NULL);
}

void
end(struct bench *b)
{
    hf_http_free(b->http);
    http_server_fini(&b->server);
    hf_loop_free(b->loop);
}

int
send_request(struct seen *seen, const struct hf_host_http_events *events, const char *method,
             const char *url, const char *body, uint64_t timeout_ns, uint64_t max_body)
{
    static const char *const headers[] = { "X-Test: yes", "Content-Type: text/plain", NULL };
    const struct hf_host_http_request request = {
        .size = sizeof request,
        .method = method,
        .url = url,
        .headers = headers,
        .body = body,
        .body_len = body ? strlen(body) : 0,
        .timeout_ns = timeout_ns,
        .max_body_bytes = max_body,
    };
    struct hf_err err = HF_ERR_INIT;
    int r;

    hf_text_init(&seen->data);
    r = hf_http_send(seen->http, &request, events, seen, &seen->exchange, &err);
    CU_ASSERT_EQUAL(seen->n_headers + seen->n_data + seen->n_done, 0);
    return r;
}

void
get(struct seen *seen, const char *url)
{
    CU_ASSERT_EQUAL_FATAL(send_request(seen, &streaming, "GET", url, NULL, LIMIT, 0), 0);
}

void
collect(struct seen *seen, const char *method, const char *url, const char *body)
{
    CU_ASSERT_EQUAL_FATAL(send_request(seen, &collecting, method, url, body, LIMIT, 0), 0);
}

bool
is_done(void *arg)
{
    return ((struct seen *)arg)->n_done > 0;
}

bool
has_headers(void *arg)
{
    return ((struct seen *)arg)->n_headers > 0;
}

bool
has_data(void *arg)
{
    return ((struct seen *)arg)->data.len > 0;
}

void
await(struct bench *b, bool (*what)(void *arg), struct seen *seen)
{
    CU_ASSERT_TRUE_FATAL(hf_loop_run_until(b->loop, what, seen, LIMIT));
}

static bool
all_closed(void *arg)
{
    return ((struct http_server *)arg)->n_open == 0;
}

void
await_closed(struct bench *b)
{
    CU_ASSERT_TRUE(hf_loop_run_until(b->loop, all_closed, &b->server, LIMIT));
}

void
answer_with_body(struct http_conn *conn)
{
    http_reply(conn, "200 OK", hf_text_str(&conn->body));
}
