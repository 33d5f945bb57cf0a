/*
 * exchange.c - one request and its answer.
 *
 * A body is handed to libcurl piece by piece and cannot be handed over again.  So when a kept
 * connection turns out to be dead libcurl tries another one only if none of the body had
 * left; what the server may have seen is never repeated without the driver knowing.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "base/assert.h"
#include "base/err.h"
#include "base/macros.h"
#include "http/http_private.h"

#define EXCHANGE_MAGIC HF_MAGIC('h', 't', 'x', 'c')

/* Of an answer that is collected, unless the request says otherwise. */
#define MAX_BODY_BYTES (UINT64_C(16) << 20)

/* A peer that vanished is noticed after 20 + 3 * 5 seconds, also with data on the way. */
#define KEEPALIVE_IDLE_S     20
#define KEEPALIVE_INTERVAL_S 5
#define KEEPALIVE_PROBES     3
#define USER_TIMEOUT_MS      (1000 * (KEEPALIVE_IDLE_S + KEEPALIVE_PROBES * KEEPALIVE_INTERVAL_S))

/* --- what libcurl calls ---------------------------------------------------------------------- */

static size_t
give_body(char *buffer, size_t size, size_t n, void *arg)
{
    struct hf_host_exchange *exchange = hf_cast(arg, struct hf_host_exchange, EXCHANGE_MAGIC);
    size_t len = hf_min(size * n, exchange->body_len - exchange->body_taken);

    memcpy(buffer, exchange->body + exchange->body_taken, len);
    exchange->body_taken += len;
    return len;
}

static uint32_t
status_of(const struct hf_host_exchange *exchange)
{
    long status = 0;

    exchange->http->curl->easy_getinfo(exchange->easy, CURLINFO_RESPONSE_CODE, &status);
    return status < 0 ? 0 : (uint32_t)status;
}

/* A line at a time; an empty one ends the headers, also those of "100 Continue" and trailers. */
static size_t
take_header(char *line, size_t size, size_t n, void *arg)
{
    struct hf_host_exchange *exchange = hf_cast(arg, struct hf_host_exchange, EXCHANGE_MAGIC);
    uint32_t status;

    if (exchange->cancelled) {
        return 0;
    }
    if (exchange->has_headers || size * n == 0 || (line[0] != '\r' && line[0] != '\n')) {
        return size * n;
    }
    status = status_of(exchange);
    if (status >= 200) {
        exchange->has_headers = true;
        if (exchange->events->on_headers) {
            exchange->events->on_headers(exchange->arg, exchange, status);
        }
    }
    return exchange->cancelled ? 0 : size * n;
}

static size_t
take_data(char *data, size_t size, size_t n, void *arg)
{
    struct hf_host_exchange *exchange = hf_cast(arg, struct hf_host_exchange, EXCHANGE_MAGIC);
    size_t len = size * n;

    if (exchange->cancelled) {
        return 0;
    }
    if (exchange->events->on_data) {
        exchange->events->on_data(exchange->arg, data, len);
    } else {
        hf_text_add_mem(&exchange->answer, data, len);
    }
    return exchange->cancelled || exchange->answer.truncated ? 0 : len;
}

static int
set_up_socket(void *arg, curl_socket_t fd, curlsocktype purpose)
{
    static const struct {
        int level, name, value;
    } options[] = {
        { SOL_SOCKET, SO_KEEPALIVE, 1 },
        { IPPROTO_TCP, TCP_KEEPIDLE, KEEPALIVE_IDLE_S },
        { IPPROTO_TCP, TCP_KEEPINTVL, KEEPALIVE_INTERVAL_S },
        { IPPROTO_TCP, TCP_KEEPCNT, KEEPALIVE_PROBES },
        { IPPROTO_TCP, TCP_USER_TIMEOUT, USER_TIMEOUT_MS },
    };

    (void)arg;
    (void)purpose;
    for (size_t i = 0; i < hf_countof(options); i++) { /* a unix socket refuses the last four */
        setsockopt(fd, options[i].level, options[i].name, &options[i].value, sizeof(int));
    }
    return CURL_SOCKOPT_OK;
}

/* --- making one ------------------------------------------------------------------------------ */

/* The authority of an http(s) URL, a copy; NULL if it is none. */
static char *
authority_of(const char *url)
{
    const char *start = strstr(url, "://");

    if (!start || (strncasecmp(url, "http:", 5) != 0 && strncasecmp(url, "https:", 6) != 0)) {
        return NULL;
    }
    start += 3;
    return strndup(start, strcspn(start, "/?#"));
}

static int
check_request(const struct hf_host_http_request *request, struct hf_err *err)
{
    hf_autofree char *authority = authority_of(request->url);

    if (!authority || !*authority) {
        return hf_fail(err, HF_EINVALID, "'%s' is not a URL of the form http://HOST/PATH",
                       request->url);
    }
    for (const char *const *h = request->headers; h && *h; h++) {
        if (!strchr(*h, ':') || strpbrk(*h, "\r\n")) {
            return hf_fail(err, HF_EINVALID, "a header is not one line of the form NAME: VALUE");
        }
    }
    return 0;
}

static bool
add_header(struct hf_host_exchange *exchange, const char *line)
{
    struct curl_slist *longer = exchange->http->curl->slist_append(exchange->headers, line);

    if (longer) {
        exchange->headers = longer;
    }
    return longer;
}

/* The driver's headers, and without those that libcurl would add of its own accord. */
static bool
add_headers(struct hf_host_exchange *exchange, const char *const *headers)
{
    bool has_type = false;

    for (; headers && *headers; headers++) {
        has_type = has_type || strncasecmp(*headers, "Content-Type:", 13) == 0;
        if (!add_header(exchange, *headers)) {
            return false;
        }
    }
    return add_header(exchange, "Expect:") && (has_type || add_header(exchange, "Content-Type:"));
}

/* Sets one option in the functions below. */
#define SET(option, value)                                                                         \
    do {                                                                                           \
        if (exchange->http->curl->easy_setopt(exchange->easy, (option), (value)) != CURLE_OK) {    \
            return false;                                                                          \
        }                                                                                          \
    } while (0)

/* How to reach the server. */
static bool
set_connection(struct hf_host_exchange *exchange)
{
    const struct hf_host_http *http = exchange->http;

    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_QUICK_EXIT, 1L); /* a cancelled exchange does not wait for the resolver */
    SET(CURLOPT_PROXY, "");
    SET(CURLOPT_UNIX_SOCKET_PATH, http->unix_socket);
    SET(CURLOPT_CONNECTTIMEOUT_MS, (long)hf_max(http->connect_timeout_ns / HF_MSEC, UINT64_C(1)));
    SET(CURLOPT_SOCKOPTFUNCTION, set_up_socket);
    SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    if (http->ca_file) {
        SET(CURLOPT_CAINFO, http->ca_file);
        SET(CURLOPT_CAPATH, NULL); /* else the system's are trusted as well */
    }
    SET(CURLOPT_SSLCERT, http->cert_file);
    SET(CURLOPT_SSLKEY, http->key_file);
    return true;
}

static bool
has_body(const struct hf_host_http_request *request)
{
    static const char *const methods[] = { "POST", "PUT", "PATCH" };

    for (size_t i = 0; i < hf_countof(methods); i++) {
        if (strcmp(request->method, methods[i]) == 0) {
            return true; /* if only an empty one */
        }
    }
    return request->body_len > 0;
}

/* What to ask. */
static bool
set_request(struct hf_host_exchange *exchange, const struct hf_host_http_request *request)
{
    SET(CURLOPT_URL, request->url);
    SET(CURLOPT_PATH_AS_IS, 1L);
    if (strcmp(request->method, "HEAD") == 0) {
        SET(CURLOPT_NOBODY, 1L);
    } else if (has_body(request)) {
        SET(CURLOPT_POST, 1L);
        SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body_len);
        SET(CURLOPT_READFUNCTION, give_body);
        SET(CURLOPT_READDATA, exchange);
    }
    SET(CURLOPT_CUSTOMREQUEST, request->method);
    SET(CURLOPT_USERAGENT, "hyperfaas");
    SET(CURLOPT_HTTPHEADER, exchange->headers);
    return true;
}

/* Who takes the answer. */
static bool
set_answer(struct hf_host_exchange *exchange)
{
    SET(CURLOPT_HEADERFUNCTION, take_header);
    SET(CURLOPT_HEADERDATA, exchange);
    SET(CURLOPT_WRITEFUNCTION, take_data);
    SET(CURLOPT_WRITEDATA, exchange);
    SET(CURLOPT_ERRORBUFFER, exchange->message);
    SET(CURLOPT_PRIVATE, exchange);
    return true;
}

#undef SET

static bool
fill(struct hf_host_exchange *exchange, const struct hf_host_http_request *request)
{
    exchange->timeout_ns = request->timeout_ns;
    exchange->answer.limit = request->max_body_bytes ? request->max_body_bytes : MAX_BODY_BYTES;
    exchange->authority = authority_of(request->url);
    exchange->body_len = request->body_len;
    exchange->body = malloc(request->body_len + 1);
    exchange->easy = exchange->http->curl->easy_init();
    if (!exchange->authority || !exchange->body || !exchange->easy) {
        return false;
    }
    if (request->body_len > 0) {
        memcpy(exchange->body, request->body, request->body_len);
    }
    return add_headers(exchange, request->headers) && set_connection(exchange) &&
           set_request(exchange, request) && set_answer(exchange);
}

int
hf_exchange_new(struct hf_host_http *http, const struct hf_host_http_request *request,
                const struct hf_host_http_events *events, void *arg, struct hf_host_exchange **ret,
                struct hf_err *err)
{
    struct hf_host_exchange *exchange;
    int r = check_request(request, err);

    if (r < 0) {
        return r;
    }
    exchange = calloc(1, sizeof *exchange);
    if (!exchange) {
        return hf_fail(err, HF_ENOMEM, "no memory for an HTTP request");
    }
    exchange->magic = EXCHANGE_MAGIC;
    exchange->http = http;
    exchange->events = events;
    exchange->arg = arg;
    hf_list_init(&exchange->node);
    hf_text_init(&exchange->answer);
    if (!fill(exchange, request)) {
        hf_exchange_free(exchange);
        return hf_fail(err, HF_ENOMEM, "no memory for an HTTP request");
    }
    *ret = exchange;
    return 0;
}

void
hf_exchange_free(struct hf_host_exchange *exchange)
{
    const struct hf_curl *curl = exchange->http->curl;

    hf_list_remove(&exchange->node);
    hf_timer_fini(&exchange->limit);
    if (exchange->easy) {
        curl->easy_cleanup(exchange->easy);
    }
    curl->slist_free_all(exchange->headers);
    hf_text_fini(&exchange->answer);
    free(exchange->authority);
    free(exchange->body);
    exchange->magic = 0;
    free(exchange);
}

/* --- its end --------------------------------------------------------------------------------- */

static int
code_of(CURLcode verdict)
{
    switch (verdict) {
    case CURLE_OK:
        return 0;
    case CURLE_OUT_OF_MEMORY:
        return HF_ENOMEM;
    case CURLE_URL_MALFORMAT:
        return HF_EINVALID;
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_INVALIDCERTSTATUS:
    case CURLE_PEER_FAILED_VERIFICATION:
        return HF_EDENIED;
    default:
        return HF_EUNAVAILABLE;
    }
}

static void
tell(struct hf_host_exchange *exchange, int code, const char *message)
{
    long bytes_sent = 0;
    struct hf_host_http_answer answer = {
        .size = sizeof answer,
        .code = code,
        .message = message,
        .status = status_of(exchange),
        .body = hf_text_str(&exchange->answer),
        .body_len = exchange->answer.len,
    };

    exchange->http->curl->easy_getinfo(exchange->easy, CURLINFO_REQUEST_SIZE, &bytes_sent);
    answer.sent = bytes_sent > 0;
    exchange->events->on_done(exchange->arg, exchange, &answer);
}

/* Why there is no connection; libcurl itself does not name a unix socket. */
static const char *
explain_no_connection(struct hf_host_exchange *exchange, struct hf_err *err)
{
    const struct hf_host_http *http = exchange->http;
    long system_error = 0;

    http->curl->easy_getinfo(exchange->easy, CURLINFO_OS_ERRNO, &system_error);
    if (system_error == 0) {
        hf_fail(err, HF_EUNAVAILABLE, "cannot connect: %s", exchange->message);
    } else {
        hf_fail_errno(err, (int)system_error, "cannot connect to '%s'",
                      http->unix_socket ? http->unix_socket : exchange->authority);
    }
    return hf_err_message(err);
}

void
hf_exchange_tell(struct hf_host_exchange *exchange, CURLcode verdict)
{
    struct hf_err err = HF_ERR_INIT;
    const char *message = "";

    if (exchange->answer.truncated) {
        hf_fail(&err, HF_EFULL, "the answer is larger than %zu bytes", exchange->answer.limit);
        hf_exchange_tell_failure(exchange, HF_EFULL, hf_err_message(&err));
        return;
    }
    if (verdict == CURLE_OK && !exchange->has_headers) { /* libcurl lets that pass */
        hf_exchange_tell_failure(exchange, HF_EUNAVAILABLE, "the answer broke off in its headers");
        return;
    }
    if (verdict == CURLE_COULDNT_CONNECT) {
        message = explain_no_connection(exchange, &err);
    } else if (verdict == CURLE_SEND_FAIL_REWIND) {
        message = "the connection was lost before an answer came";
    } else if (verdict != CURLE_OK) {
        message =
            *exchange->message ? exchange->message : exchange->http->curl->easy_strerror(verdict);
    }
    tell(exchange, code_of(verdict), message);
}

void
hf_exchange_tell_failure(struct hf_host_exchange *exchange, int code, const char *message)
{
    tell(exchange, code, message);
}

const char *
hf_http_header(const struct hf_host_exchange *exchange, const char *name)
{
    struct curl_header *header;

    hf_assert(exchange->magic == EXCHANGE_MAGIC);
    if (exchange->http->curl->easy_header(exchange->easy, name, 0, CURLH_HEADER, -1, &header) !=
        CURLHE_OK) {
        return NULL;
    }
    return header->value;
}
