/*
 * engine.c - calls of the Engine API.
 */
#include "engine.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../kit/json.h"

/* Streams have connections of their own, so that readers of logs hold up nothing. */
#define CALLS_AT_ONCE   64
#define STREAMS_AT_ONCE 64

#define CONNECT_NS   UINT64_C(5000000000)
#define REFUSAL_SIZE 4096 /* kept of what an engine says of a stream that it refuses */

/* Of an answer that is collected: read as JSON it takes 25 times the memory, and a tenth of a
 * second. Lists are streams (streams.h). */
#define ANSWER_MAX_BYTES (512u << 10)

struct engine {
    const struct hf_driver_host *driver;
    const struct hf_host *host;
    char *where;
    char *base; /* "http://docker" or "http://HOST:PORT" */
    char version[VERSION_SIZE];
    struct hf_host_http *calls;
    struct hf_host_http *streams;
    struct engine_call *first;
};

struct engine_call {
    struct engine *engine;
    struct engine_call *next, **link;
    struct hf_host_exchange *exchange;
    void (*on_data)(void *arg, const void *data, size_t len);
    void (*on_headers)(void *arg);
    engine_done_fn *done;
    engine_pinged_fn *pinged; /* of a ping, which has no `done` */
    void *arg;
    bool refused; /* a stream's answer is an error */
    char refusal[REFUSAL_SIZE];
    size_t refusal_len;
};

/* --- where it is ---------------------------------------------------------------------------- */

/* Splits the address into what the HTTP client needs; `*ret_socket` is part of `where`. */
static int
read_where(struct engine *engine, const char *where, const char **ret_socket, struct hf_err *err)
{
    const char *host = NULL;

    *ret_socket = NULL;
    if (*where == '/') {
        *ret_socket = where;
    } else if (strncmp(where, "unix://", 7) == 0 && where[7] == '/') {
        *ret_socket = where + 7;
    } else if (strncmp(where, "tcp://", 6) == 0) {
        host = where + 6;
    } else if (strncmp(where, "http://", 7) == 0) {
        host = where + 7;
    }
    if (!*ret_socket && (!host || !*host || strchr(host, '/'))) {
        return engine->host->fail(err, HF_EINVALID,
                                  "runtime docker: socket = %s: expected unix:///PATH or "
                                  "tcp://HOST:PORT",
                                  where);
    }
    engine->where = strdup(where);
    if (asprintf(&engine->base, "http://%s", host ? host : "docker") < 0) {
        engine->base = NULL;
    }
    return engine->where && engine->base
               ? 0
               : engine->host->fail(err, HF_ENOMEM, "runtime docker: out of memory");
}

static int
make_client(struct engine *engine, const char *path, uint32_t connections,
            struct hf_host_http **ret, struct hf_err *err)
{
    const struct hf_host_http_options options = {
        .size = sizeof options,
        .max_connections = connections,
        .unix_socket = path,
        .connect_timeout_ns = CONNECT_NS,
    };

    return engine->driver->http_new(engine->driver, &options, ret, err);
}

int
engine_new(const struct hf_driver_host *driver, const char *where, struct engine **ret,
           struct hf_err *err)
{
    struct engine *engine = calloc(1, sizeof *engine);
    const char *path;
    int r;

    if (!engine) {
        return driver->host->fail(err, HF_ENOMEM, "runtime docker: out of memory");
    }
    engine->driver = driver;
    engine->host = driver->host;
    r = read_where(engine, where, &path, err);
    if (r == 0) {
        r = make_client(engine, path, CALLS_AT_ONCE, &engine->calls, err);
    }
    if (r == 0) {
        r = make_client(engine, path, STREAMS_AT_ONCE, &engine->streams, err);
    }
    if (r < 0) {
        engine_free(engine);
        return r;
    }
    *ret = engine;
    return 0;
}

void
engine_free(struct engine *engine)
{
    if (!engine) {
        return;
    }
    while (engine->first) {
        engine_cancel(engine->first);
    }
    engine->driver->http_free(engine->calls);
    engine->driver->http_free(engine->streams);
    free(engine->where);
    free(engine->base);
    free(engine);
}

const char *
engine_where(const struct engine *engine)
{
    return engine->where;
}

bool
engine_interface(const struct engine *engine, const char *name, char ret[static GATEWAY_SIZE])
{
    struct ifaddrs *all = NULL;
    bool found = false;
    bool is_local = *engine->where == '/' || strncmp(engine->where, "unix:", 5) == 0;

    if (!is_local || !*name || getifaddrs(&all) < 0) {
        return false;
    }
    for (const struct ifaddrs *one = all; one && !found; one = one->ifa_next) {
        if (one->ifa_addr && one->ifa_addr->sa_family == AF_INET &&
            strcmp(one->ifa_name, name) == 0) {
            struct sockaddr_in address;

            memcpy(&address, one->ifa_addr, sizeof address);
            found = inet_ntop(AF_INET, &address.sin_addr, ret, GATEWAY_SIZE) != NULL;
        }
    }
    freeifaddrs(all);
    return found;
}

const char *
engine_version(const struct engine *engine)
{
    return engine->version;
}

/* --- the end of a call ---------------------------------------------------------------------- */

static void
call_free(struct engine_call *call)
{
    *call->link = call->next;
    if (call->next) {
        call->next->link = call->link;
    }
    free(call);
}

void
engine_cancel(struct engine_call *call)
{
    if (call) {
        call->engine->driver->http_cancel(call->exchange);
        call_free(call);
    }
}

/* What a status of HTTP means.  304 says that it was so already. */
static int
code_of(uint32_t status)
{
    if ((status >= 200 && status < 300) || status == 304) {
        return 0;
    }
    switch (status) {
    case 400:
        return HF_EINVALID;
    case 401:
    case 403:
        return HF_EDENIED;
    case 404:
        return HF_ENOTFOUND;
    case 409:
        return HF_ECONFLICT;
    default:
        return HF_EUNAVAILABLE;
    }
}

/* Tells the end, with the engine's own message if it refused. */
static void
finish(struct engine_call *call, const struct hf_host_http_answer *answer)
{
    const char *body = call->refused ? call->refusal : answer->body;
    size_t len = call->refused ? call->refusal_len : answer->body_len;
    struct json_object *json = len > 0 ? json_read(body, len) : NULL;
    engine_done_fn *done = call->done;
    void *arg = call->arg;
    char text[64];
    struct engine_reply reply = {
        .code = answer->code < 0 ? answer->code : code_of(answer->status),
        .lost = answer->code < 0,
        .message = answer->message,
        .status = answer->status,
        .json = json,
    };

    if (!reply.lost && reply.code < 0) {
        snprintf(text, sizeof text, "HTTP status %" PRIu32, answer->status);
        reply.message = answer_message(json) ? answer_message(json) : text;
    }
    call_free(call);
    done(arg, &reply);
    json_object_put(json);
}

/* The answer to a ping: the header tells what the engine speaks. */
static void
finish_ping(struct engine_call *call, const struct hf_host_exchange *exchange,
            const struct hf_host_http_answer *answer)
{
    struct engine *engine = call->engine;
    const char *date = engine->driver->http_header(exchange, "Date");
    uint64_t seconds = date ? answer_date(date) : 0;
    const char *version = engine->driver->http_header(exchange, "Api-Version");
    engine_pinged_fn *pinged = call->pinged;
    void *arg = call->arg;
    int code = answer->code < 0 ? answer->code : code_of(answer->status);
    char message[256];

    snprintf(message, sizeof message, "%s", answer->message);
    if (answer->code == 0 && code < 0) {
        snprintf(message, sizeof message, "HTTP status %" PRIu32 " to a ping", answer->status);
    } else if (code == 0 && !answer_version(version ? version : "", engine->version)) {
        code = HF_EUNSUPPORTED;
        snprintf(message, sizeof message, "it speaks API version '%.20s', 1.41 or later is needed",
                 version ? version : "");
    }
    call_free(call);
    pinged(arg, code, message, seconds);
}

static void
on_done(void *arg, struct hf_host_exchange *exchange, const struct hf_host_http_answer *answer)
{
    struct engine_call *call = arg;

    if (call->pinged) {
        finish_ping(call, exchange, answer);
    } else {
        finish(call, answer);
    }
}

/* --- streams -------------------------------------------------------------------------------- */

static void
on_stream_headers(void *arg, struct hf_host_exchange *exchange, uint32_t status)
{
    struct engine_call *call = arg;

    (void)exchange;
    call->refused = code_of(status) < 0;
    if (!call->refused && call->on_headers) {
        call->on_headers(call->arg);
    }
}

static void
on_stream_data(void *arg, const void *data, size_t len)
{
    struct engine_call *call = arg;
    size_t room = sizeof call->refusal - call->refusal_len;

    if (!call->refused) {
        call->on_data(call->arg, data, len);
        return;
    }
    len = len < room ? len : room;
    memcpy(call->refusal + call->refusal_len, data, len);
    call->refusal_len += len;
}

static const struct hf_host_http_events call_events = {
    .size = sizeof call_events,
    .on_done = on_done,
};

static const struct hf_host_http_events stream_events = {
    .size = sizeof stream_events,
    .on_headers = on_stream_headers,
    .on_data = on_stream_data,
    .on_done = on_done,
};

/* --- the beginning -------------------------------------------------------------------------- */

static struct engine_call *
call_new(struct engine *engine, void *arg)
{
    struct engine_call *call = calloc(1, sizeof *call);

    if (call) {
        call->engine = engine;
        call->arg = arg;
        call->next = engine->first;
        call->link = &engine->first;
        if (call->next) {
            call->next->link = &call->next;
        }
        engine->first = call;
    }
    return call;
}

static int
send_call(struct engine_call *call, const char *url, const struct engine_request *request,
          struct hf_err *err)
{
    static const char *const headers[] = { "Accept: application/json, application/x-ndjson", NULL };
    static const char *const with_body[] = { "Accept: application/json, application/x-ndjson",
                                             "Content-Type: application/json", NULL };
    struct engine *engine = call->engine;
    const struct hf_host_http_request http = {
        .size = sizeof http,
        .method = request->method,
        .url = url,
        .headers = request->body ? with_body : headers,
        .body = request->body,
        .body_len = request->body ? strlen(request->body) : 0,
        .timeout_ns = request->timeout_ns,
        .max_body_bytes = ANSWER_MAX_BYTES,
    };
    bool lasts = call->on_data && !request->brief;

    return engine->driver->http_send(lasts ? engine->streams : engine->calls, &http,
                                     call->on_data ? &stream_events : &call_events, call,
                                     &call->exchange, err);
}

int
engine_begin(struct engine *engine, const struct engine_request *request, struct engine_call **ret,
             struct hf_err *err)
{
    struct engine_call *call = call_new(engine, request->arg);
    char *url = NULL;
    int r;

    if (!call || asprintf(&url, "%s/v%s%s", engine->base, engine->version, request->path) < 0) {
        if (call) {
            call_free(call);
        }
        return engine->host->fail(err, HF_ENOMEM, "runtime docker: out of memory");
    }
    call->on_data = request->on_data;
    call->on_headers = request->on_headers;
    call->done = request->done;
    r = send_call(call, url, request, err);
    free(url);
    if (r < 0) {
        call_free(call);
    } else if (ret) {
        *ret = call;
    }
    return r;
}

int
engine_ping(struct engine *engine, uint64_t timeout_ns, engine_pinged_fn *pinged, void *arg,
            struct engine_call **ret, struct hf_err *err)
{
    struct engine_call *call = call_new(engine, arg);
    const struct engine_request request = { .method = "GET", .timeout_ns = timeout_ns };
    char *url = NULL;
    int r;

    if (!call || asprintf(&url, "%s/_ping", engine->base) < 0) {
        if (call) {
            call_free(call);
        }
        return engine->host->fail(err, HF_ENOMEM, "runtime docker: out of memory");
    }
    call->pinged = pinged;
    r = send_call(call, url, &request, err);
    free(url);
    if (r < 0) {
        call_free(call);
    } else {
        *ret = call;
    }
    return r;
}
