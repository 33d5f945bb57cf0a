/*
 * fake-http.c - the fake host's HTTP client, answered by the test itself.
 */
#include "fake-http.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "fake-host-private.h"

enum { HEADERS_MAX = 4096, BODY_MAX = 16 << 20 };

struct hf_host_http {
    struct hf_host_http *next;
    struct fake_host *fake;
};

/* Both sides of an exchange. */
struct hf_host_exchange {
    struct fake_request seen; /* first: the server's handle */
    struct hf_host_exchange *next;
    struct hf_host_http *http;
    const struct hf_host_http_events *events;
    void *arg;
    bool taken;
    char *method, *url, *headers, *body;

    uint32_t status;
    char answer_headers[HEADERS_MAX];
    char header[HEADERS_MAX]; /* the value that was asked for last */
    uint64_t max_body_bytes;
    char *answer; /* collected */
    size_t answer_len;
};

static struct hf_host_exchange *
exchange_of(struct fake_request *request)
{
    return (struct hf_host_exchange *)(void *)request;
}

/* --- the driver's side ---------------------------------------------------------- */

static int
http_new(const struct hf_driver_host *driver, const struct hf_host_http_options *options,
         struct hf_host_http **ret, struct hf_err *err)
{
    struct fake_host *fake = fake_of(driver);
    struct hf_host_http *http = calloc(1, sizeof *http);

    (void)err;
    assert(http);
    *http = (struct hf_host_http){ .next = fake->https, .fake = fake };
    fake->https = http;
    fake->http_options = *options;
    *ret = http;
    return 0;
}

static void
http_free(struct hf_host_http *http)
{
    struct hf_host_http **link;

    if (!http) {
        return;
    }
    for (struct hf_host_exchange *e = http->fake->exchanges; e; e = e->next) {
        e->seen.over = e->seen.over || e->http == http;
    }
    link = &http->fake->https;
    while (*link != http) {
        link = &(*link)->next;
    }
    *link = http->next;
    free(http);
}

/* The oldest exchange that nobody has taken; NULL: none. */
static struct hf_host_exchange *
next_exchange(const struct fake_host *fake)
{
    struct hf_host_exchange *exchange = fake->exchanges;

    while (exchange && (exchange->taken || exchange->seen.over)) {
        exchange = exchange->next;
    }
    return exchange;
}

/* Hands over what has come, if there is somebody to take it. */
static void
serve(void *arg)
{
    struct fake_host *fake = arg;
    struct hf_host_exchange *exchange;

    while (fake->serve && (exchange = next_exchange(fake))) {
        exchange->taken = true;
        fake->serve(fake->serve_arg, &exchange->seen);
    }
}

static char *
join_headers(const char *const *headers)
{
    char *text = calloc(1, HEADERS_MAX);
    size_t len = 0;

    assert(text);
    for (; headers && *headers; headers++) {
        len += (size_t)snprintf(text + len, HEADERS_MAX - len, "%s\n", *headers);
        assert(len < HEADERS_MAX);
    }
    return text;
}

static int
http_send(struct hf_host_http *http, const struct hf_host_http_request *request,
          const struct hf_host_http_events *events, void *arg, struct hf_host_exchange **ret,
          struct hf_err *err)
{
    struct hf_host_exchange *exchange = calloc(1, sizeof *exchange);
    struct hf_host_exchange **link = &http->fake->exchanges;

    (void)err;
    assert(exchange && events->on_done);
    exchange->http = http;
    exchange->events = events;
    exchange->arg = arg;
    exchange->max_body_bytes = request->max_body_bytes ? request->max_body_bytes : BODY_MAX;
    exchange->seen.method = exchange->method = strdup(request->method);
    exchange->seen.url = exchange->url = strdup(request->url);
    exchange->seen.headers = exchange->headers = join_headers(request->headers);
    exchange->seen.body = exchange->body = calloc(1, request->body_len + 1);
    exchange->seen.body_len = request->body_len;
    exchange->seen.timeout_ns = request->timeout_ns;
    assert(exchange->method && exchange->url && exchange->body);
    if (request->body_len > 0) {
        memcpy(exchange->body, request->body, request->body_len);
    }
    while (*link) {
        link = &(*link)->next;
    }
    *link = exchange;
    http->fake->driver.post(&http->fake->driver, serve, http->fake);
    if (ret) {
        *ret = exchange;
    }
    return 0;
}

static void
http_cancel(struct hf_host_exchange *exchange)
{
    assert(!exchange->seen.over);
    exchange->seen.over = true;
}

static const char *
http_header(const struct hf_host_exchange *exchange, const char *name)
{
    struct hf_host_exchange *self = (struct hf_host_exchange *)(uintptr_t)exchange;
    const char *line = exchange->answer_headers;
    size_t len = strlen(name);

    for (; *line; line = strchr(line, '\n') + 1) {
        if (strncasecmp(line, name, len) == 0 && line[len] == ':') {
            line += len + 1 + strspn(line + len + 1, " ");
            snprintf(self->header, sizeof self->header, "%.*s", (int)strcspn(line, "\n"), line);
            return self->header;
        }
    }
    return NULL;
}

/* --- the test's side -------------------------------------------------------------- */

struct fake_request *
fake_request_take(struct fake_host *fake)
{
    uint64_t limit = fake_real_now() + UINT64_C(60000000000); /* for a busy machine */
    struct hf_host_exchange *exchange;

    while (!(exchange = next_exchange(fake)) && fake_real_now() < limit) {
        fake_turn(fake, 50);
    }
    if (exchange) {
        exchange->taken = true;
    }
    return exchange ? &exchange->seen : NULL;
}

size_t
fake_requests_waiting(const struct fake_host *fake)
{
    size_t n = 0;

    for (const struct hf_host_exchange *e = fake->exchanges; e; e = e->next) {
        n += !e->taken && !e->seen.over;
    }
    return n;
}

size_t
fake_requests_open(const struct fake_host *fake)
{
    size_t n = 0;

    for (const struct hf_host_exchange *e = fake->exchanges; e; e = e->next) {
        n += !e->seen.over;
    }
    return n;
}

void
fake_http_serve(struct fake_host *fake, void (*fn)(void *arg, struct fake_request *), void *arg)
{
    fake->serve = fn;
    fake->serve_arg = arg;
    fake->driver.post(&fake->driver, serve, fake);
}

void
fake_answer_begin(struct fake_request *request, uint32_t status, const char *headers)
{
    struct hf_host_exchange *exchange = exchange_of(request);

    assert(!request->over && exchange->status == 0);
    exchange->status = status;
    snprintf(exchange->answer_headers, sizeof exchange->answer_headers, "%s",
             headers ? headers : "");
    if (exchange->events->on_headers) {
        exchange->events->on_headers(exchange->arg, exchange, status);
    }
}

void
fake_answer_data(struct fake_request *request, const char *data, size_t len)
{
    struct hf_host_exchange *exchange = exchange_of(request);

    if (request->over) {
        return; /* the driver has cancelled it */
    }
    if (exchange->events->on_data) {
        exchange->events->on_data(exchange->arg, data, len);
        return;
    }
    exchange->answer = realloc(exchange->answer, exchange->answer_len + len + 1);
    assert(exchange->answer);
    memcpy(exchange->answer + exchange->answer_len, data, len);
    exchange->answer_len += len;
    exchange->answer[exchange->answer_len] = '\0';
    if (exchange->answer_len > exchange->max_body_bytes) {
        fake_answer_fail(request, HF_EFULL, "the answer is too large", true);
    }
}

static void
done(struct hf_host_exchange *exchange, int code, const char *message, bool sent)
{
    const struct hf_host_http_answer answer = {
        .size = sizeof answer,
        .code = code,
        .message = message,
        .status = exchange->status,
        .sent = sent,
        .body = exchange->answer ? exchange->answer : "",
        .body_len = exchange->answer_len,
    };

    if (!exchange->seen.over) {
        exchange->seen.over = true;
        exchange->events->on_done(exchange->arg, exchange, &answer);
    }
}

void
fake_answer_end(struct fake_request *request)
{
    done(exchange_of(request), 0, "", true);
}

void
fake_answer_fail(struct fake_request *request, int code, const char *message, bool sent)
{
    done(exchange_of(request), code, message, sent);
}

void
fake_answer(struct fake_request *request, uint32_t status, const char *body)
{
    fake_answer_begin(request, status, NULL);
    fake_answer_data(request, body, strlen(body));
    fake_answer_end(request);
}

const struct hf_host_http_options *
fake_http_options(const struct fake_host *fake)
{
    return fake->http_options.size ? &fake->http_options : NULL;
}

/* --- the host's side ---------------------------------------------------------------- */

void
fake_http_init(struct fake_host *fake)
{
    fake->driver.http_new = http_new;
    fake->driver.http_free = http_free;
    fake->driver.http_send = http_send;
    fake->driver.http_cancel = http_cancel;
    fake->driver.http_header = http_header;
}

size_t
fake_http_leaks(const struct fake_host *fake)
{
    size_t n = fake_requests_open(fake);

    for (const struct hf_host_http *h = fake->https; h; h = h->next) {
        n++;
    }
    return n;
}

void
fake_http_fini(struct fake_host *fake)
{
    struct hf_host_exchange *exchange;

    while ((exchange = fake->exchanges)) {
        fake->exchanges = exchange->next;
        free(exchange->method);
        free(exchange->url);
        free(exchange->headers);
        free(exchange->body);
        free(exchange->answer);
        free(exchange);
    }
}
