/*
 * server.c - methods and connections of a gRPC server; its calls are in call.c.
 */
#include "grpc/server.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/err.h"
#include "base/list.h"
#include "base/macros.h"
#include "base/map.h"
#include "base/random.h"
#include "grpc/call.h"
#include "grpc/reply.h"
#include "grpc/timeout.h"
#include "loop/listener.h"
#include "loop/loop.h"

#define SERVER_MAGIC UINT32_C(0x67527653)
#define CONN_MAGIC   UINT32_C(0x67526343)

/* Without a call: clients connect again when they need to. */
#define IDLE_NS (600 * HF_SEC)

/* A path and what serves it. */
struct method {
    struct hf_map_node node;
    struct hf_grpc_entry entry;
};

struct acceptor {
    struct hf_list node;
    struct hf_listener *listener;
};

/* An address of ours that peers are connected to; a server of instances has thousands. */
struct place {
    struct hf_map_node node;
    struct hf_list conns;
    char local[];
};

struct conn {
    uint32_t magic;
    struct hf_list node;
    struct hf_list of_place;
    struct place *place;
    struct hf_grpc_server *server;
    struct hf_h2_conn *h2;
    int fd;        /* h2's */
    uint32_t memo; /* of `refuse` in the options */
};

struct hf_grpc_server {
    uint32_t magic;
    struct hf_loop *loop;
    struct hf_grpc_server_options options;
    struct hf_map methods;
    struct hf_grpc_entry fallback; /* `method` NULL: none */
    struct hf_list acceptors;
    struct hf_list conns;
    uint32_t conn_count;
    struct hf_map places;
    struct hf_list calls;
    struct hf_grpc_load load;
    bool draining;
    void (*drained)(void *arg);
    void *drained_arg;
    struct hf_deferred tell_drained;
};

/* --- requests ------------------------------------------------------------------------------ */

static const struct hf_grpc_entry *
find_method(struct hf_grpc_server *server, const struct hf_h2_field *path)
{
    struct hf_map_node *node = hf_map_find(&server->methods, path->value, path->value_len);

    if (node) {
        return &hf_container_of(node, struct method, node)->entry;
    }
    return server->fallback.method ? &server->fallback : NULL;
}

static bool
is_known_encoding(const char *name)
{
    return strcmp(name, "identity") == 0 || strcmp(name, "gzip") == 0;
}

static void
refuse_encoding(struct hf_h2_stream *stream)
{
    struct hf_h2_fields *fields = hf_grpc_reply_fields(
        HF_GRPC_UNIMPLEMENTED, "messages in this grpc-encoding cannot be read");

    if (fields) {
        hf_h2_fields_set_static(fields, HF_H2_GRPC_ACCEPT_ENCODING, "identity,gzip");
        hf_h2_stream_respond(stream, fields, true);
    } else {
        hf_h2_stream_reset(stream, HF_H2_INTERNAL_ERROR);
    }
}

/* Answers a request that no handler shall see.  Returns false if one may. */
static bool
refuse(struct hf_h2_stream *stream, const struct hf_h2_fields *request)
{
    const struct hf_h2_field *encoding = hf_h2_fields_get(request, HF_H2_GRPC_ENCODING);
    const struct hf_h2_field *timeout = hf_h2_fields_get(request, HF_H2_GRPC_TIMEOUT);
    unsigned http_status = hf_grpc_refuse_http(request);
    uint64_t ns;

    if (http_status != 0) {
        hf_grpc_reply_http(stream, http_status);
        return true;
    }
    if (hf_h2_fields_truncated(request)) {
        hf_grpc_reply(stream, HF_GRPC_RESOURCE_EXHAUSTED, "the request's metadata are too long");
        return true;
    }
    if (encoding && !is_known_encoding(encoding->value)) {
        refuse_encoding(stream);
        return true;
    }
    if (!timeout) {
        return false;
    }
    if (hf_grpc_timeout_parse(timeout->value, timeout->value_len, &ns) < 0) {
        hf_grpc_reply(stream, HF_GRPC_INTERNAL, "grpc-timeout is malformed");
        return true;
    }
    if (ns == 0) {
        hf_grpc_reply(stream, HF_GRPC_DEADLINE_EXCEEDED, "the deadline had passed on arrival");
        return true;
    }
    return false;
}

/* Whether the caller may not call the method; then it has been answered. */
static bool
is_forbidden(struct conn *conn, struct hf_h2_stream *stream, const struct hf_grpc_entry *entry,
             const struct hf_h2_fields *request)
{
    const struct hf_grpc_server_options *options = &conn->server->options;
    struct hf_grpc_caller caller = {
        .fd = conn->fd,
        .path = hf_h2_fields_get(request, HF_H2_PATH)->value,
        .metadata = request,
        .memo = &conn->memo,
    };
    const char *why;

    if (!entry->method->managed || !options->refuse) {
        return false;
    }
    caller.peer = hf_h2_conn_peer(conn->h2);
    why = options->refuse(options->refuse_arg, &caller);
    if (why) {
        hf_grpc_reply(stream, HF_GRPC_PERMISSION_DENIED, why);
    }
    return why;
}

static void
on_request(struct hf_h2_conn *h2, struct hf_h2_stream *stream, struct hf_h2_fields *request,
           bool end)
{
    struct conn *conn = hf_cast(hf_h2_conn_arg(h2), struct conn, CONN_MAGIC);
    struct hf_grpc_server *server = conn->server;
    const struct hf_h2_field *path = hf_h2_fields_get(request, HF_H2_PATH);
    const struct hf_grpc_entry *entry;

    (void)end; /* The stream's on_end says it again. */
    hf_h2_stream_set(stream, &hf_h2_stream_unheard, NULL);
    if (!path || refuse(stream, request)) {
        if (!path) {
            hf_h2_stream_reset(stream, HF_H2_PROTOCOL_ERROR);
        }
        hf_h2_fields_unref(request);
        return;
    }
    entry = find_method(server, path);
    if (!entry) {
        hf_grpc_reply(stream, HF_GRPC_UNIMPLEMENTED, "unknown service or method");
        hf_h2_fields_unref(request);
    } else if (is_forbidden(conn, stream, entry, request)) {
        hf_h2_fields_unref(request);
    } else if (hf_grpc_call_begin(stream, request, entry, &server->options, &server->calls,
                                  &server->load) < 0) {
        hf_h2_stream_reset(stream, HF_H2_REFUSED_STREAM);
        hf_h2_fields_unref(request);
    }
}

/* --- connections --------------------------------------------------------------------------- */

static void
tell_drained_if_empty(struct hf_grpc_server *server)
{
    if (server->drained && server->conn_count == 0) {
        hf_loop_defer(server->loop, &server->tell_drained);
    }
}

static struct place *
find_place(const struct hf_grpc_server *server, const char *local)
{
    struct hf_map_node *node = hf_map_find(&server->places, local, strlen(local));

    return node ? hf_container_of(node, struct place, node) : NULL;
}

static struct place *
place_new(struct hf_grpc_server *server, const char *local)
{
    size_t len = strlen(local);
    struct place *place = calloc(1, sizeof *place + len + 1);

    if (!place) {
        return NULL;
    }
    memcpy(place->local, local, len + 1);
    hf_list_init(&place->conns);
    if (hf_map_add(&server->places, &place->node, place->local, len) < 0) {
        free(place);
        return NULL;
    }
    return place;
}

/* Files the connection under its local address. */
static int
enter(struct conn *conn)
{
    const char *local = hf_h2_conn_local(conn->h2);
    struct place *place = find_place(conn->server, local);

    if (!place) {
        place = place_new(conn->server, local);
    }
    if (!place) {
        return HF_ENOMEM;
    }
    conn->place = place;
    hf_list_append(&place->conns, &conn->of_place);
    return 0;
}

static void
leave(struct conn *conn)
{
    struct place *place = conn->place;

    hf_list_remove(&conn->of_place);
    if (place && hf_list_is_empty(&place->conns)) {
        hf_map_remove(&conn->server->places, &place->node);
        free(place);
    }
}

static void
conn_free(struct conn *conn)
{
    leave(conn);
    hf_list_remove(&conn->node);
    conn->server->conn_count--;
    conn->magic = 0;
    free(conn);
}

static void
on_closed(struct hf_h2_conn *h2, enum hf_h2_end end, const char *text)
{
    struct conn *conn = hf_cast(hf_h2_conn_arg(h2), struct conn, CONN_MAGIC);
    struct hf_grpc_server *server = conn->server;

    (void)end;
    (void)text;
    conn_free(conn);
    tell_drained_if_empty(server);
}

static const struct hf_h2_conn_ops conn_ops = {
    .on_request = on_request,
    .on_closed = on_closed,
};

/* Whether somebody is there at the address that was dialled. */
static bool
admits(const struct hf_grpc_server *server, struct hf_h2_conn *h2)
{
    return !server->options.admit ||
           server->options.admit(server->options.admit_arg, hf_h2_conn_local(h2));
}

/* A connection that is refused is closed; its peer sees that, nobody else needs to. */
static void
on_accept(void *arg, int fd)
{
    struct hf_grpc_server *server = hf_cast(arg, struct hf_grpc_server, SERVER_MAGIC);
    bool is_full = server->draining || server->conn_count >= server->options.max_connections;
    struct conn *conn = is_full ? NULL : calloc(1, sizeof *conn);
    const struct hf_h2_conn_config config = {
        .loop = server->loop,
        .side = HF_H2_SERVER,
        .fd = fd,
        .options = &server->options.h2,
        .ops = &conn_ops,
        .arg = conn,
    };

    if (!conn) {
        close(fd);
        return;
    }
    conn->magic = CONN_MAGIC;
    conn->server = server;
    conn->fd = fd;
    hf_list_init(&conn->of_place);
    hf_list_append(&server->conns, &conn->node);
    server->conn_count++;
    if (hf_h2_conn_new(&config, &conn->h2, NULL) < 0) {
        conn_free(conn);
        return;
    }
    if (!admits(server, conn->h2) || enter(conn) < 0) {
        hf_h2_conn_free(conn->h2);
        conn_free(conn);
        return;
    }
}

int
hf_grpc_server_listen(struct hf_grpc_server *server, const char *address, struct hf_err *err)
{
    struct acceptor *acceptor = calloc(1, sizeof *acceptor);
    int r;

    if (!acceptor) {
        return hf_fail(err, HF_ENOMEM, "%s: no memory for listening", address);
    }
    r = hf_listener_new(server->loop, address, on_accept, server, &acceptor->listener, err);
    if (r < 0) {
        free(acceptor);
        return r;
    }
    hf_list_append(&server->acceptors, &acceptor->node);
    return 0;
}

const char *
hf_grpc_server_address(const struct hf_grpc_server *server)
{
    const struct acceptor *last = hf_list_last(&server->acceptors, struct acceptor, node);

    return last ? hf_listener_text(last->listener) : NULL;
}

static void
stop_listening(struct hf_grpc_server *server)
{
    struct hf_list *node;

    while ((node = hf_list_pop(&server->acceptors))) {
        struct acceptor *acceptor = hf_container_of(node, struct acceptor, node);

        hf_listener_free(acceptor->listener);
        free(acceptor);
    }
}

void
hf_grpc_server_drop(struct hf_grpc_server *server, const char *local)
{
    struct place *place = find_place(server, local);
    struct conn *conn;

    if (!place) {
        return;
    }
    HF_LIST_FOR (conn, &place->conns, of_place) {
        hf_h2_conn_close(conn->h2, HF_H2_INTERNAL_ERROR); /* which ends it later */
    }
}

/* --- draining ------------------------------------------------------------------------------ */

static void
tell_drained(struct hf_deferred *deferred)
{
    struct hf_grpc_server *server = hf_container_of(deferred, struct hf_grpc_server, tell_drained);
    void (*done)(void *arg) = hf_steal(server->drained);

    done(server->drained_arg);
}

void
hf_grpc_server_drain(struct hf_grpc_server *server, void (*done)(void *arg), void *arg)
{
    struct conn *conn;

    server->draining = true;
    server->drained = done;
    server->drained_arg = arg;
    stop_listening(server);
    HF_LIST_FOR (conn, &server->conns, node) {
        hf_h2_conn_drain(conn->h2);
    }
    tell_drained_if_empty(server);
}

/* --- life ---------------------------------------------------------------------------------- */

void
hf_grpc_server_options_init(struct hf_grpc_server_options *options)
{
    *options = (struct hf_grpc_server_options){
        .max_connections = 10000,
        .max_message_bytes = (size_t)4 << 20,
        .send_queue_bytes = (size_t)256 << 10,
    };
    hf_h2_options_init(&options->h2);
    options->h2.idle_ns = IDLE_NS;
    options->h2.max_streams = 1000;
}

int
hf_grpc_server_new(struct hf_loop *loop, const struct hf_grpc_server_options *options,
                   struct hf_grpc_server **ret, struct hf_err *err)
{
    struct hf_grpc_server *server = calloc(1, sizeof *server);

    if (!server) {
        return hf_fail(err, HF_ENOMEM, "no memory for a gRPC server");
    }
    server->magic = SERVER_MAGIC;
    server->loop = loop;
    if (options) {
        server->options = *options;
    } else {
        hf_grpc_server_options_init(&server->options);
    }
    server->load.limit = server->options.max_kept_bytes;
    hf_map_init(&server->methods, hf_random_os_u64());
    hf_map_init(&server->places, hf_random_os_u64());
    hf_list_init(&server->acceptors);
    hf_list_init(&server->conns);
    hf_list_init(&server->calls);
    hf_deferred_init(&server->tell_drained, tell_drained);
    *ret = server;
    return 0;
}

void
hf_grpc_server_free(struct hf_grpc_server *server)
{
    struct hf_map_node *node;

    if (!server) {
        return;
    }
    stop_listening(server);
    while (!hf_list_is_empty(&server->calls)) {
        hf_grpc_call_orphan(hf_list_first(&server->calls, struct hf_grpc_call, node));
    }
    while (!hf_list_is_empty(&server->conns)) {
        struct conn *conn = hf_list_first(&server->conns, struct conn, node);

        hf_h2_conn_free(conn->h2);
        conn_free(conn);
    }
    while ((node = hf_map_pop(&server->methods))) {
        free(hf_container_of(node, struct method, node));
    }
    hf_map_fini(&server->methods);
    hf_map_fini(&server->places);
    hf_deferred_cancel(&server->tell_drained);
    server->magic = 0;
    free(server);
}

int
hf_grpc_server_add(struct hf_grpc_server *server, const struct hf_grpc_method *methods,
                   size_t count, void *arg)
{
    for (size_t i = 0; i < count; i++) {
        struct method *method = calloc(1, sizeof *method);
        int r;

        if (!method) {
            return HF_ENOMEM;
        }
        method->entry = (struct hf_grpc_entry){ &methods[i], arg };
        r = hf_map_add(&server->methods, &method->node, methods[i].path, strlen(methods[i].path));
        if (r < 0) {
            free(method);
            return r;
        }
    }
    return 0;
}

void
hf_grpc_server_set_fallback(struct hf_grpc_server *server, const struct hf_grpc_method *method,
                            void *arg)
{
    server->fallback = (struct hf_grpc_entry){ method, arg };
}

uint32_t
hf_grpc_server_connections(const struct hf_grpc_server *server)
{
    return server->conn_count;
}

uint32_t
hf_grpc_server_calls(const struct hf_grpc_server *server)
{
    return server->load.calls;
}
