/*
 * load.c - makes many unary gRPC calls and checks each answer; for end-to-end tests.
 *
 * h2load counts HTTP statuses, and a failed gRPC call has 200; a Python client is too slow.
 * This one keeps a fixed number of calls in flight on each of a number of connections until the
 * wanted number is done, and prints one line of JSON:
 *
 *     {"calls": 100000, "failed": 0, "seconds": 8.1, "max_ms": 12.0, "failure": ""}
 *
 * `failure` describes the first failed call.  A connection that the server drains is replaced, by
 * one to the next of the addresses that takes it; calls that a server says it has not taken, or
 * that went into a connection where nobody ever spoke, are made again, as gRPC's clients do.
 * usage: load [-c CONNECTIONS] [-m STREAMS] [-n CALLS] [-s BYTES] [-e]
 *             HOST:PORT[,HOST:PORT]... AUTHORITY PATH
 *   -s  the size of the message (20 bytes by default); protobuf of one `bytes` field, number 1
 *   -e  the answer must be the same bytes
 */
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <nghttp2/nghttp2.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CONNECTIONS_MAX 1024
#define SERVERS_MAX     8
#define READ_SIZE       65536
#define OUTPUT_SIZE     65536 /* more than any frame has */
#define PREFIX_LEN      5     /* of a gRPC message: one byte of flags, four of length */
#define QUIET_MS        30000 /* nothing at all happens for so long: give up */

struct options {
    struct {
        const char *host;
        const char *port;
    } servers[SERVERS_MAX];
    size_t server_count;
    const char *authority;
    const char *path;
    unsigned long connections;
    unsigned long streams;
    unsigned long calls;
    unsigned long size;
    bool echo;
};

/* What is known of one call. */
struct call {
    size_t sent;
    size_t received;
    bool wrong;
    char status[8]; /* grpc-status; empty: none came */
    char message[256];
    uint64_t began_ns;
    struct call *next; /* of the connection's unused ones */
};

struct connection {
    int fd; /* -1: closed */
    nghttp2_session *session;
    struct call *calls;  /* room for as many as may be in flight */
    struct call *unused; /* those that are not */
    unsigned long in_flight;
    bool draining; /* the server wants no more calls on it */
    bool heard;    /* the server has said something */
};

static struct options options = { .connections = 8, .streams = 10, .calls = 1000, .size = 20 };
static uint8_t *body; /* prefix and message, what each call sends */
static size_t body_len;
static unsigned long begun;
static unsigned long done;
static unsigned long failed;
static uint64_t longest_ns;
static char first_failure[512];

static void
die(const char *what)
{
    fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
    exit(1);
}

static void
usage(void)
{
    fprintf(stderr, "usage: load [-c CONNECTIONS] [-m STREAMS] [-n CALLS] [-s BYTES] [-e]"
                    " HOST:PORT[,HOST:PORT]... AUTHORITY PATH\n");
    exit(2);
}

static uint64_t
now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static unsigned long
number(const char *text, unsigned long max)
{
    char *end;
    unsigned long value = strtoul(text, &end, 10);

    if (*text == '\0' || *end != '\0' || value == 0 || value > max) {
        fprintf(stderr, "load: '%s' is not a number from 1 to %lu\n", text, max);
        exit(2);
    }
    return value;
}

/* --- one call ------------------------------------------------------------------------------- */

static void
note_failure(const char *why, const char *status, const char *message)
{
    failed++;
    if (first_failure[0] == '\0') {
        snprintf(first_failure, sizeof first_failure, "%s; grpc-status '%s', message '%s'", why,
                 status, message);
    }
}

static void
judge(const struct call *call, uint32_t code)
{
    const char *why;

    if (strcmp(call->status, "0") != 0) {
        why = code == NGHTTP2_NO_ERROR ? "no success" : "stream reset";
    } else if (call->received < PREFIX_LEN) {
        why = "no message";
    } else if (call->wrong || (options.echo && call->received != body_len)) {
        why = "another answer than expected";
    } else {
        return;
    }
    note_failure(why, call->status, call->message);
}

static void
finish_call(const struct call *call, uint32_t code)
{
    uint64_t took_ns = now_ns() - call->began_ns;

    done++;
    if (took_ns > longest_ns) {
        longest_ns = took_ns;
    }
    judge(call, code);
}

static ssize_t
read_body(nghttp2_session *session, int32_t stream, uint8_t *buffer, size_t room, uint32_t *flags,
          nghttp2_data_source *source, void *arg)
{
    struct call *call = source->ptr;
    size_t n = body_len - call->sent;

    (void)session;
    (void)stream;
    (void)arg;
    if (n > room) {
        n = room;
    }
    memcpy(buffer, body + call->sent, n);
    call->sent += n;
    if (call->sent == body_len) {
        *flags |= NGHTTP2_DATA_FLAG_EOF;
    }
    return (ssize_t)n;
}

static nghttp2_nv
field(const char *name, const char *value)
{
    return (nghttp2_nv){ (uint8_t *)(uintptr_t)name, (uint8_t *)(uintptr_t)value, strlen(name),
                         strlen(value), NGHTTP2_NV_FLAG_NONE };
}

static bool
begin_call(struct connection *c)
{
    const nghttp2_nv fields[] = {
        field(":method", "POST"),     field(":scheme", "http"),
        field(":path", options.path), field(":authority", options.authority),
        field("te", "trailers"),      field("content-type", "application/grpc"),
    };
    struct call *call = c->unused;
    nghttp2_data_provider provider = { .source.ptr = call, .read_callback = read_body };

    c->unused = call->next;
    *call = (struct call){ .began_ns = now_ns() };
    if (nghttp2_submit_request(c->session, NULL, fields, sizeof fields / sizeof *fields, &provider,
                               call) < 0) {
        call->next = c->unused;
        c->unused = call;
        c->draining = true;
        return false;
    }
    begun++;
    c->in_flight++;
    return true;
}

/* --- what the server says ------------------------------------------------------------------- */

static void
copy_text(char *ret, size_t size, const uint8_t *text, size_t len)
{
    snprintf(ret, size, "%.*s", (int)len, (const char *)text);
}

static int
on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
          size_t name_len, const uint8_t *value, size_t value_len, uint8_t flags, void *arg)
{
    struct call *call = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);

    (void)flags;
    (void)arg;
    if (call && name_len == 11 && memcmp(name, "grpc-status", 11) == 0) {
        copy_text(call->status, sizeof call->status, value, value_len);
    } else if (call && name_len == 12 && memcmp(name, "grpc-message", 12) == 0) {
        copy_text(call->message, sizeof call->message, value, value_len);
    }
    return 0;
}

static int
on_data(nghttp2_session *session, uint8_t flags, int32_t stream, const uint8_t *data, size_t len,
        void *arg)
{
    struct call *call = nghttp2_session_get_stream_user_data(session, stream);

    (void)flags;
    (void)arg;
    if (!call) {
        return 0;
    }
    if (options.echo &&
        (call->received + len > body_len || memcmp(body + call->received, data, len) != 0)) {
        call->wrong = true;
    }
    call->received += len;
    return 0;
}

static int
on_stream_close(nghttp2_session *session, int32_t stream, uint32_t code, void *arg)
{
    struct connection *c = arg;
    struct call *call = nghttp2_session_get_stream_user_data(session, stream);

    if (call) {
        c->in_flight--;
        if (code == NGHTTP2_REFUSED_STREAM) {
            begun--; /* not taken: another one is made for it */
        } else {
            finish_call(call, code);
        }
        call->next = c->unused;
        c->unused = call;
    }
    return 0;
}

static int
on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *arg)
{
    struct connection *c = arg;

    (void)session;
    if (frame->hd.type == NGHTTP2_GOAWAY) {
        c->draining = true;
    }
    return 0;
}

/* --- connections ---------------------------------------------------------------------------- */

/* The socket, or -1. */
static int
connect_to(const char *host, const char *port)
{
    const struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM };
    struct addrinfo *found;
    int fd, r;

    if (getaddrinfo(host, port, &hints, &found) != 0) {
        fprintf(stderr, "load: unknown host '%s'\n", host);
        exit(1);
    }
    fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        die("socket");
    }
    r = connect(fd, found->ai_addr, found->ai_addrlen);
    freeaddrinfo(found);
    if (r < 0) {
        close(fd);
        return -1;
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int));
    return fd;
}

/* Each connection begins with the next server in turn. */
static int
connect_to_server(void)
{
    static size_t next;
    int fd = -1;

    for (size_t i = 0; fd < 0 && i < options.server_count; i++) {
        size_t server = next++ % options.server_count;

        fd = connect_to(options.servers[server].host, options.servers[server].port);
    }
    if (fd < 0) {
        die("connect");
    }
    return fd;
}

static void
open_connection(struct connection *c)
{
    nghttp2_session_callbacks *callbacks;
    const nghttp2_settings_entry settings[] = {
        { NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 1 << 20 },
    };

    *c = (struct connection){ .fd = connect_to_server() };
    c->calls = calloc(options.streams, sizeof *c->calls);
    if (!c->calls || nghttp2_session_callbacks_new(&callbacks) != 0) {
        die("memory");
    }
    for (unsigned long i = 0; i < options.streams; i++) {
        c->calls[i].next = c->unused;
        c->unused = &c->calls[i];
    }
    nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_stream_close);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
    if (nghttp2_session_client_new(&c->session, callbacks, c) != 0) {
        die("memory");
    }
    nghttp2_session_callbacks_del(callbacks);
    nghttp2_submit_settings(c->session, NGHTTP2_FLAG_NONE, settings, 1);
    nghttp2_session_set_local_window_size(c->session, NGHTTP2_FLAG_NONE, 0, 1 << 24);
}

/* What was in flight on a lost connection has failed, if the server was ever there. */
static void
close_connection(struct connection *c)
{
    if (!c->heard) {
        begun -= c->in_flight;
        c->in_flight = 0;
    }
    while (c->in_flight > 0) {
        c->in_flight--;
        done++;
        note_failure("connection lost", "", "");
    }
    free(c->calls);
    nghttp2_session_del(c->session);
    close(c->fd);
    c->fd = -1;
}

static bool
send_all(int fd, const uint8_t *data, size_t len)
{
    while (len > 0) {
        ssize_t n = send(fd, data, len, MSG_NOSIGNAL);

        if (n < 0) {
            return false;
        }
        data += n;
        len -= (size_t)n;
    }
    return true;
}

/* Gathers what there is to send, so that small frames share a packet. */
static bool
send_output(struct connection *c)
{
    static uint8_t gathered[OUTPUT_SIZE];
    size_t len = 0;
    const uint8_t *data;
    ssize_t n;

    while ((n = nghttp2_session_mem_send(c->session, &data)) > 0) {
        if (len + (size_t)n > sizeof gathered) {
            if (!send_all(c->fd, gathered, len)) {
                return false;
            }
            len = 0;
        }
        memcpy(gathered + len, data, (size_t)n);
        len += (size_t)n;
    }
    return n == 0 && send_all(c->fd, gathered, len);
}

static bool
receive_input(struct connection *c)
{
    static uint8_t buffer[READ_SIZE];
    ssize_t n = recv(c->fd, buffer, sizeof buffer, MSG_DONTWAIT);

    if (n < 0) {
        return errno == EAGAIN || errno == EINTR;
    }
    c->heard = c->heard || n > 0;
    return n > 0 && nghttp2_session_mem_recv(c->session, buffer, (size_t)n) == n;
}

/* Keeps one connection busy; a finished or lost one is replaced while there is work. */
static void
feed(struct connection *c)
{
    if (c->fd >= 0 && c->draining && c->in_flight == 0) {
        close_connection(c);
    }
    if (c->fd < 0 && begun < options.calls) {
        open_connection(c);
    }
    while (c->fd >= 0 && !c->draining && begun < options.calls && c->in_flight < options.streams) {
        if (!begin_call(c)) {
            break;
        }
    }
    if (c->fd >= 0 && !send_output(c)) {
        close_connection(c);
    }
}

static void
run(struct connection *connections)
{
    static struct pollfd polled[CONNECTIONS_MAX];

    while (done < options.calls) {
        for (unsigned long i = 0; i < options.connections; i++) {
            feed(&connections[i]);
            polled[i] = (struct pollfd){ .fd = connections[i].fd, .events = POLLIN };
        }
        if (poll(polled, options.connections, QUIET_MS) == 0) {
            fprintf(stderr, "load: no answer for %d s, %lu calls under way\n", QUIET_MS / 1000,
                    begun - done);
            exit(1);
        }
        for (unsigned long i = 0; i < options.connections; i++) {
            if (polled[i].revents != 0 && !receive_input(&connections[i])) {
                close_connection(&connections[i]);
            }
        }
    }
}

/* --- the command line ----------------------------------------------------------------------- */

/* A protobuf message of field 1, `size` bytes long with its tag and length. */
static void
make_body(void)
{
    size_t payload = options.size > 12 ? options.size - 12 : 1;
    size_t n = PREFIX_LEN;
    size_t message;

    body = calloc(1, PREFIX_LEN + options.size + 16);
    if (!body) {
        die("memory");
    }
    body[n++] = 0x0a;
    for (size_t rest = payload; rest > 0 || n == PREFIX_LEN + 1; rest >>= 7) {
        body[n++] = (uint8_t)((rest & 0x7f) | (rest > 0x7f ? 0x80 : 0));
    }
    for (size_t i = 0; i < payload; i++) {
        body[n++] = (uint8_t)(i * 31);
    }
    message = n - PREFIX_LEN;
    for (int i = 1; i < PREFIX_LEN; i++) {
        body[i] = (uint8_t)(message >> (8 * (PREFIX_LEN - 1 - i)));
    }
    body_len = n;
}

static void
parse_servers(char *list)
{
    char *item;

    while ((item = strsep(&list, ","))) {
        char *colon = strrchr(item, ':');

        if (!colon || options.server_count == SERVERS_MAX) {
            usage();
        }
        *colon = '\0';
        options.servers[options.server_count].host = item;
        options.servers[options.server_count++].port = colon + 1;
    }
}

static void
parse_options(int argc, char **argv)
{
    int option;

    while ((option = getopt(argc, argv, "c:m:n:s:e")) != -1) {
        switch (option) {
        case 'c':
            options.connections = number(optarg, CONNECTIONS_MAX);
            break;
        case 'm':
            options.streams = number(optarg, 100000);
            break;
        case 'n':
            options.calls = number(optarg, 1000000000);
            break;
        case 's':
            options.size = number(optarg, 1 << 30);
            break;
        case 'e':
            options.echo = true;
            break;
        default:
            usage();
        }
    }
    if (argc - optind != 3) {
        usage();
    }
    parse_servers(argv[optind]);
    options.authority = argv[optind + 1];
    options.path = argv[optind + 2];
}

static void
print_json_text(const char *text)
{
    putchar('"');
    for (; *text; text++) {
        if (*text == '"' || *text == '\\' || (unsigned char)*text < 0x20) {
            printf("\\u%04x", (unsigned)*text);
        } else {
            putchar(*text);
        }
    }
    putchar('"');
}

int
main(int argc, char **argv)
{
    static struct connection connections[CONNECTIONS_MAX];
    uint64_t began_ns;

    parse_options(argc, argv);
    make_body();
    for (unsigned long i = 0; i < options.connections; i++) {
        connections[i].fd = -1;
    }
    began_ns = now_ns();
    run(connections);
    printf("{\"calls\": %lu, \"failed\": %lu, \"seconds\": %.3f, \"max_ms\": %.3f, \"failure\": ",
           done, failed, (double)(now_ns() - began_ns) / 1e9, (double)longest_ns / 1e6);
    print_json_text(first_failure);
    puts("}");
    for (unsigned long i = 0; i < options.connections; i++) {
        if (connections[i].fd >= 0) {
            close_connection(&connections[i]);
        }
    }
    free(body);
    return 0;
}
