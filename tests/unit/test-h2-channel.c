/*
 * test-h2-channel.c - connections to one address: dialled, shared, waited for, lost.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/list.h"
#include "h2.h"
#include "h2/channel.h"
#include "h2/fields_private.h"
#include "loop/listener.h"
#include "loop/loop.h"
#include "unit.h"

#define MS UINT64_C(1000000)

enum { CONNS_MAX = 8, CALLS_MAX = 64 };

/* A server with a channel to it. */
struct fixture {
    struct hf_loop *loop;
    struct hf_listener *listener;
    struct hf_h2_options options; /* the server's */
    struct hf_h2_channel *channel;
    struct h2_end server; /* streams of all its connections */
    struct hf_h2_conn *conns[CONNS_MAX];
    unsigned accepted;
    unsigned open;
    int mute; /* a descriptor accepted and left alone; -1: connections are served */
    bool is_mute;
    int probed;
};

struct call {
    struct hf_h2_request request;
    struct hf_h2_stream *stream;
    unsigned opened;
    unsigned failed;
    unsigned closed;
    int code;
    char text[128];
    struct hf_h2_close close;
};

/* --- the server ------------------------------------------------------------ */

static void
ignore_headers(struct hf_h2_stream *stream, struct hf_h2_fields *fields, enum hf_h2_kind kind,
               bool end)
{
    (void)stream;
    (void)kind;
    (void)end;
    hf_h2_fields_unref(fields);
}

static void
ignore_data(struct hf_h2_stream *stream, const uint8_t *data, size_t len)
{
    (void)data;
    hf_h2_stream_consume(stream, len);
}

static void
ignore_end(struct hf_h2_stream *stream)
{
    (void)stream;
}

static void
ignore_sent(struct hf_h2_stream *stream, size_t len)
{
    (void)stream;
    (void)len;
}

static void
server_close(struct hf_h2_stream *stream, const struct hf_h2_close *close)
{
    struct h2_heard *heard = hf_h2_stream_arg(stream);

    heard->stream = NULL;
    heard->close = *close;
    heard->closed++;
}

static const struct hf_h2_stream_ops server_stream_ops = {
    .on_headers = ignore_headers,
    .on_data = ignore_data,
    .on_end = ignore_end,
    .on_sent = ignore_sent,
    .on_close = server_close,
};

static void
server_request(struct hf_h2_conn *conn, struct hf_h2_stream *stream, struct hf_h2_fields *fields,
               bool end)
{
    struct fixture *f = hf_h2_conn_arg(conn);
    struct h2_heard *heard = &f->server.heard[f->server.n++];

    (void)end;
    heard->stream = stream;
    hf_h2_fields_unref(fields);
    hf_h2_stream_set(stream, &server_stream_ops, heard);
}

static void
server_closed(struct hf_h2_conn *conn, enum hf_h2_end end, const char *text)
{
    struct fixture *f = hf_h2_conn_arg(conn);

    (void)end;
    (void)text;
    for (int i = 0; i < CONNS_MAX; i++) {
        f->conns[i] = f->conns[i] == conn ? NULL : f->conns[i];
    }
    f->open--;
}

static const struct hf_h2_conn_ops server_ops = {
    .on_request = server_request,
    .on_closed = server_closed,
};

static void
on_accept(void *arg, int fd)
{
    struct fixture *f = arg;
    struct hf_h2_conn_config config = {
        .loop = f->loop,
        .side = HF_H2_SERVER,
        .fd = fd,
        .options = &f->options,
        .ops = &server_ops,
        .arg = f,
    };
    unsigned i = 0;

    f->accepted++;
    if (f->is_mute) {
        f->mute = fd;
        return;
    }
    while (f->conns[i]) {
        i++;
    }
    CU_ASSERT_EQUAL_FATAL(hf_h2_conn_new(&config, &f->conns[i], NULL), 0);
    f->open++;
}

static void
listen_at(struct fixture *f, const char *address)
{
    CU_ASSERT_EQUAL_FATAL(hf_listener_new(f->loop, address, on_accept, f, &f->listener, NULL), 0);
}

static void
stop_server(struct fixture *f)
{
    hf_listener_free(f->listener);
    f->listener = NULL;
    for (int i = 0; i < CONNS_MAX; i++) {
        hf_h2_conn_free(f->conns[i]);
        f->conns[i] = NULL;
    }
}

static void
answer(struct fixture *f, unsigned i)
{
    CU_ASSERT_FATAL(i < f->server.n && f->server.heard[i].stream);
    hf_h2_stream_respond(f->server.heard[i].stream, h2_fields(":status: 200\n"), true);
}

/* --- calls ----------------------------------------------------------------- */

static void
call_close(struct hf_h2_stream *stream, const struct hf_h2_close *close)
{
    struct call *call = hf_h2_stream_arg(stream);

    call->stream = NULL;
    call->closed++;
    call->close = *close;
}

static const struct hf_h2_stream_ops call_ops = {
    .on_headers = ignore_headers,
    .on_data = ignore_data,
    .on_end = ignore_end,
    .on_sent = ignore_sent,
    .on_close = call_close,
};

static void
on_open(void *arg, struct hf_h2_stream *stream)
{
    struct call *call = arg;

    call->opened++;
    call->stream = stream;
}

static void
on_fail(void *arg, int code, const char *text)
{
    struct call *call = arg;

    call->failed++;
    call->code = code;
    snprintf(call->text, sizeof call->text, "%s", text);
}

static struct call *
begin_with(struct fixture *f, struct call *call, struct hf_h2_fields *fields, uint64_t timeout_ns)
{
    *call = (struct call){
        .request = {
            .fields = fields,
            .end = true,
            .deadline_ns = timeout_ns ? hf_loop_now(f->loop) + timeout_ns : 0,
            .ops = &call_ops,
            .arg = call,
            .on_open = on_open,
            .on_fail = on_fail,
        },
    };
    call->stream = hf_h2_channel_open(f->channel, &call->request);
    CU_ASSERT(call->opened + call->failed == 0);
    return call;
}

static struct call *
begin(struct fixture *f, struct call *call, uint64_t timeout_ns)
{
    return begin_with(f, call, h2_request_fields("/", NULL), timeout_ns);
}

/* --- making ---------------------------------------------------------------- */

static void
on_probed(void *arg, int code)
{
    ((struct fixture *)arg)->probed = code;
}

static struct fixture *
fixture_new(const struct hf_h2_channel_options *options)
{
    struct fixture *f = calloc(1, sizeof *f);
    struct hf_h2_channel_options defaults;

    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    f->mute = -1;
    f->probed = 1;
    hf_h2_options_init(&f->options);
    f->options.max_streams = 2;
    CU_ASSERT_EQUAL_FATAL(hf_loop_new("test", &f->loop, NULL), 0);
    listen_at(f, "127.0.0.1:0");
    if (!options) {
        hf_h2_channel_options_init(&defaults);
        options = &defaults;
    }
    CU_ASSERT_EQUAL_FATAL(
        hf_h2_channel_new(f->loop, hf_listener_text(f->listener), options, &f->channel, NULL), 0);
    return f;
}

static void
fixture_free(struct fixture *f)
{
    hf_h2_channel_free(f->channel);
    stop_server(f);
    if (f->mute >= 0) {
        close(f->mute);
    }
    hf_loop_free(f->loop);
    hf_h2_thread_release();
    free(f);
}

static bool
never(void *arg)
{
    (void)arg;
    return false;
}

#define UNTIL(f, condition)                                                                        \
    do {                                                                                           \
        int left_ = 20000;                                                                         \
        while (!(condition) && left_-- > 0) {                                                      \
            hf_loop_run_until((f)->loop, never, NULL, 500000);                                     \
        }                                                                                          \
        CU_ASSERT(!!(condition));                                                                  \
    } while (0)

static void
settle(struct fixture *f)
{
    hf_loop_run_until(f->loop, never, NULL, 10 * MS);
}

static struct hf_h2_channel_options
usual(void)
{
    struct hf_h2_channel_options options;

    hf_h2_channel_options_init(&options);
    return options;
}

/* --- tests ----------------------------------------------------------------- */

static void
dials_on_demand_and_then_opens_at_once(void)
{
    struct fixture *f = fixture_new(NULL);
    struct call first;
    struct call second;

    settle(f);
    UNIT_U64(f->accepted, 0);
    CU_ASSERT_PTR_NULL(begin(f, &first, 0)->stream);
    UNIT_U64(hf_h2_channel_waiting(f->channel), 1);
    UNTIL(f, first.opened == 1);
    CU_ASSERT_PTR_NOT_NULL(begin(f, &second, 0)->stream);
    UNTIL(f, f->server.n == 2);
    answer(f, 0);
    answer(f, 1);
    UNTIL(f, first.closed && second.closed);
    CU_ASSERT_TRUE(first.close.complete && second.close.complete);
    UNIT_U64(f->accepted, 1);
    UNIT_U64(second.opened, 0);
    fixture_free(f);
}

static void
a_request_without_memory_fails_and_holds_up_nobody(void)
{
    struct fixture *f = fixture_new(NULL);
    struct hf_h2_fields *fields = h2_request_fields("/", NULL);
    struct call first;
    struct call second;
    struct call third;

    begin(f, &first, 0);
    UNTIL(f, first.opened == 1);
    fields->failed = true;
    begin_with(f, &second, fields, 0);
    begin(f, &third, 0);
    UNTIL(f, second.failed && third.opened);
    UNIT_INT(second.code, HF_ENOMEM);
    UNIT_U64(hf_h2_channel_waiting(f->channel), 0);
    fixture_free(f);
}

static void
keeps_to_the_peers_stream_limit_in_order(void)
{
    struct fixture *f = fixture_new(NULL);
    struct call calls[5];

    for (int i = 0; i < 5; i++) {
        begin(f, &calls[i], 0);
    }
    UNTIL(f, f->server.n == 2);
    settle(f);
    UNIT_U64(f->server.n, 2);
    UNIT_U64(hf_h2_channel_waiting(f->channel), 3);
    UNIT_U64(hf_h2_channel_streams(f->channel), 2);
    answer(f, 0);
    UNTIL(f, f->server.n == 3);
    UNIT_U64(calls[2].opened, 1);
    UNIT_U64(calls[3].opened, 0);
    answer(f, 1);
    answer(f, 2);
    UNTIL(f, f->server.n == 5);
    UNIT_U64(f->accepted, 1);
    fixture_free(f);
}

static void
adds_connections_up_to_its_limit(void)
{
    struct hf_h2_channel_options options = usual();
    struct fixture *f;
    struct call calls[7];

    options.max_connections = 3;
    f = fixture_new(&options);
    for (int i = 0; i < 7; i++) {
        begin(f, &calls[i], 0);
    }
    UNTIL(f, f->server.n == 6);
    settle(f);
    UNIT_U64(f->accepted, 3);
    UNIT_U64(hf_h2_channel_connections(f->channel), 3);
    UNIT_U64(hf_h2_channel_waiting(f->channel), 1);
    fixture_free(f);
}

static void
bounds_its_queue(void)
{
    struct hf_h2_channel_options options = usual();
    struct fixture *f;
    struct call calls[4];

    options.max_waiting = 3;
    f = fixture_new(&options);
    for (int i = 0; i < 4; i++) {
        begin(f, &calls[i], 0);
    }
    UNTIL(f, calls[3].failed);
    UNIT_INT(calls[3].code, HF_EFULL);
    UNTIL(f, calls[1].opened);
    UNIT_U64(calls[2].failed, 0);
    fixture_free(f);
}

static void
waiting_requests_meet_their_deadline(void)
{
    struct fixture *f = fixture_new(NULL);
    struct call calls[4];

    for (int i = 0; i < 3; i++) {
        begin(f, &calls[i], 0);
    }
    UNTIL(f, f->server.n == 2);
    begin(f, &calls[3], 20 * MS);
    UNTIL(f, calls[3].failed);
    UNIT_INT(calls[3].code, HF_ETIMEOUT);
    UNIT_U64(f->server.n, 2);
    UNIT_U64(calls[2].failed, 0);
    UNIT_U64(hf_h2_channel_waiting(f->channel), 1);
    fixture_free(f);
}

static void
waiting_requests_can_be_forgotten(void)
{
    struct fixture *f = fixture_new(NULL);
    struct call calls[3];

    for (int i = 0; i < 3; i++) {
        begin(f, &calls[i], 0);
    }
    hf_h2_channel_cancel(&calls[1].request);
    UNTIL(f, f->server.n == 2);
    settle(f);
    UNIT_U64(calls[0].opened, 1);
    UNIT_U64(calls[1].opened + calls[1].failed, 0);
    UNIT_U64(calls[2].opened, 1);
    hf_h2_channel_cancel(&calls[2].request); /* harmless now */
    fixture_free(f);
}

static void
refused_dials_fail_fast_and_back_off(void)
{
    struct hf_h2_channel_options options = usual();
    struct fixture *f;
    struct call calls[3];
    char address[64];

    options.backoff_ns = options.backoff_max_ns = 3600 * 1000 * MS;
    f = fixture_new(&options);
    snprintf(address, sizeof address, "%s", hf_listener_text(f->listener));
    stop_server(f);
    for (int i = 0; i < 3; i++) {
        begin(f, &calls[i], 0); /* the third while backing off */
        UNTIL(f, calls[i].failed);
        UNIT_INT(calls[i].code, HF_EUNAVAILABLE);
        CU_ASSERT(calls[i].text[0]);
    }
    listen_at(f, address);
    begin(f, &calls[0], 0);
    UNTIL(f, calls[0].failed); /* without having tried */
    UNIT_U64(f->accepted, 0);
    fixture_free(f);
}

static void
patient_requests_wait_out_the_backoff(void)
{
    struct hf_h2_channel_options options = usual();
    struct fixture *f;
    struct call call;
    char address[64];

    options.fail_fast = false;
    options.backoff_ns = 20 * MS;
    options.backoff_max_ns = 50 * MS;
    f = fixture_new(&options);
    snprintf(address, sizeof address, "%s", hf_listener_text(f->listener));
    stop_server(f);
    begin(f, &call, 0);
    hf_loop_run_until(f->loop, never, NULL, 100 * MS);
    UNIT_U64(call.failed, 0);
    listen_at(f, address);
    UNTIL(f, call.opened);
    fixture_free(f);
}

static void
dials_anew_at_once_after_a_loss(void)
{
    struct fixture *f = fixture_new(NULL);
    struct call calls[2];
    char address[64];

    snprintf(address, sizeof address, "%s", hf_listener_text(f->listener));
    for (int i = 0; i < 20; i++) {
        begin(f, &calls[0], 0);
        UNTIL(f, f->server.n == 1 && calls[0].stream);
        stop_server(f);
        UNTIL(f, calls[0].closed);
        CU_ASSERT_TRUE(calls[0].close.lost);
        CU_ASSERT_FALSE(calls[0].close.unprocessed);
        f->server.n = 0;
        listen_at(f, address);
    }
    UNIT_U64(f->accepted, 20);
    fixture_free(f);
}

static void
cut_off_from_a_peer_it_can_dial_again(void)
{
    struct fixture *f = fixture_new(NULL);
    struct call calls[2];

    begin(f, &calls[0], 0);
    UNTIL(f, f->server.n == 1 && calls[0].stream);
    hf_h2_channel_cut(f->channel);
    UNIT_U64(calls[0].closed, 0); /* not inside */
    UNTIL(f, calls[0].closed);
    CU_ASSERT_TRUE(calls[0].close.lost);
    CU_ASSERT_FALSE(calls[0].close.unprocessed);
    begin(f, &calls[1], 0);
    UNTIL(f, f->server.n == 2);
    UNIT_U64(f->accepted, 2);
    answer(f, 1);
    UNTIL(f, calls[1].closed);
    CU_ASSERT_TRUE(calls[1].close.complete);
    fixture_free(f);
}

static void
leaves_a_peer_that_says_goodbye(void)
{
    struct fixture *f = fixture_new(NULL);
    struct call calls[2];

    begin(f, &calls[0], 0);
    UNTIL(f, f->server.n == 1);
    hf_h2_conn_drain(f->conns[0]);
    UNTIL(f, hf_h2_channel_connections(f->channel) == 0);
    begin(f, &calls[1], 0);
    UNTIL(f, f->server.n == 2);
    UNIT_U64(f->accepted, 2);
    UNIT_U64(calls[0].closed, 0);
    answer(f, 0);
    UNTIL(f, calls[0].closed);
    CU_ASSERT_TRUE(calls[0].close.complete);
    UNTIL(f, f->open == 1);
    fixture_free(f);
}

static void
idle_connections_close(void)
{
    struct hf_h2_channel_options options = usual();
    struct fixture *f;
    struct call call;

    options.conn.idle_ns = 20 * MS;
    f = fixture_new(&options);
    begin(f, &call, 0);
    UNTIL(f, f->server.n == 1);
    settle(f);
    answer(f, 0);
    UNTIL(f, hf_h2_channel_connections(f->channel) == 0);
    UNTIL(f, f->open == 0);
    begin(f, &call, 0);
    UNTIL(f, f->server.n == 2);
    UNIT_U64(f->accepted, 2);
    fixture_free(f);
}

static void
nothing_is_sent_to_a_peer_without_settings(void)
{
    struct hf_h2_channel_options options = usual();
    struct fixture *f;
    struct call call;

    options.connect_ns = 30 * MS;
    f = fixture_new(&options);
    f->is_mute = true; /* accepts, as a port forwarder would */
    begin(f, &call, 0);
    UNTIL(f, f->mute >= 0);
    close(f->mute);
    f->mute = -1;
    UNTIL(f, call.failed);
    UNIT_INT(call.code, HF_EUNAVAILABLE);
    begin(f, &call, 0);
    UNTIL(f, call.failed); /* now it says nothing at all */
    UNIT_U64(f->accepted, 2);
    fixture_free(f);
}

static void
probes_for_settings(void)
{
    struct fixture *f = fixture_new(NULL);

    hf_h2_channel_probe(f->channel, on_probed, f);
    UNTIL(f, f->probed == 0);
    f->probed = 1;
    hf_h2_channel_probe(f->channel, on_probed, f); /* a connection is there */
    UNTIL(f, f->probed == 0);
    UNIT_U64(f->accepted, 1);
    stop_server(f);
    UNTIL(f, hf_h2_channel_connections(f->channel) == 0);
    f->probed = 1;
    hf_h2_channel_probe(f->channel, on_probed, f);
    UNTIL(f, f->probed == HF_EUNAVAILABLE);
    fixture_free(f);
}

static void
freed_in_the_middle_of_everything(void)
{
    struct fixture *f = fixture_new(NULL);
    struct call calls[5];

    begin(f, &calls[0], 0);
    fixture_free(f); /* while dialling */
    f = fixture_new(NULL);
    for (int i = 0; i < 5; i++) {
        begin(f, &calls[i], 1000 * MS);
    }
    UNTIL(f, f->server.n == 2);
    fixture_free(f);
    UNIT_U64(calls[0].closed + calls[4].failed, 0);
}

UNIT_MAIN("h2-channel", UNIT_TEST(dials_on_demand_and_then_opens_at_once),
          UNIT_TEST(a_request_without_memory_fails_and_holds_up_nobody),
          UNIT_TEST(keeps_to_the_peers_stream_limit_in_order),
          UNIT_TEST(adds_connections_up_to_its_limit), UNIT_TEST(bounds_its_queue),
          UNIT_TEST(waiting_requests_meet_their_deadline),
          UNIT_TEST(waiting_requests_can_be_forgotten),
          UNIT_TEST(refused_dials_fail_fast_and_back_off),
          UNIT_TEST(patient_requests_wait_out_the_backoff),
          UNIT_TEST(dials_anew_at_once_after_a_loss),
          UNIT_TEST(cut_off_from_a_peer_it_can_dial_again),
          UNIT_TEST(leaves_a_peer_that_says_goodbye), UNIT_TEST(idle_connections_close),

          UNIT_TEST(nothing_is_sent_to_a_peer_without_settings), UNIT_TEST(probes_for_settings),
          UNIT_TEST(freed_in_the_middle_of_everything))
