/*
 * test-proxy.c - what becomes of a call: a table of where and how its endpoint fails.
 *
 * A real proxy, a caller and two endpoints (endpoint.h) share one loop.  The first endpoint plays
 * the row's part, the second answers well unless the row says otherwise.  After each row no slot is
 * held and no call is left.
 */
#include "node/proxy/proxy.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/counters.h"
#include "base/parse.h"
#include "h2.h"
#include "h2/channel.h"
#include "proxy-bench.h"
#include "unit.h"

/* More than is kept of a request to send it again. */
#define BIG_BYTES (4 * BENCH_REPLAY_BYTES)

#define DEADLINE "100m"
#define LIMIT_NS (10 * HF_SEC)

/* What the caller sends, and whether it has ended its side. */
enum sent {
    HEAD,     /* the headers; it goes on */
    MESSAGE_, /* a message too */
    BIG,      /* more than is kept */
    WHOLE,    /* a message, and the end */
    ALONE     /* the headers, which end it */
};

/* What the caller does later. */
enum later { WAITS, HAS_DEADLINE, CANCELS };

/* Who is there besides the first endpoint. */
enum others {
    GOOD,   /* a second one that answers well */
    SAME,   /* a second one that plays the same part */
    NOBODY, /* not even the first: calls wait */
};

/* What the caller hears that is no status. */
#define RESET(code) (100 + (code))
#define NOTHING     (-1) /* an end without a status, or it has gone itself */

static const struct row {
    /* the case */
    enum sent sent;
    enum moment moment;
    enum answer answer;
    enum finish finish;
    enum others others;
    enum later later;
    /* the outcome */
    int status;             /* the gRPC status that the caller hears, RESET(), NOTHING */
    const char *reason;     /* hyperfaas-reason */
    const char *dispatched; /* hyperfaas-dispatched */
    unsigned second;        /* calls that the second endpoint got */
    unsigned retries;       /* counters: proxy_retries, */
    unsigned failed;        /* proxy_failed, */
    unsigned lost;          /* proxy_endpoint_lost, */
    unsigned late;          /* proxy_deadline */
} rows[] = {
    /* clang-format off */
/*    sent      moment      answer        finish         others  later         status reason          disp 2nd rt fl lo la */
/* nothing fails */
    { ALONE,    ON_HEADERS, MESSAGE,      TRAILERS,      GOOD,   WAITS,        0,     "",             "",  0,  0, 0, 0, 0 },
    { WHOLE,    ON_END,     MESSAGE,      TRAILERS,      GOOD,   WAITS,        0,     "",             "",  0,  0, 0, 0, 0 },
    { BIG,      ON_BODY,    MESSAGE,      TRAILERS,      GOOD,   WAITS,        0,     "",             "",  0,  0, 0, 0, 0 },
    { WHOLE,    ON_END,     NO_ANSWER,    TRAILERS_ONLY, GOOD,   WAITS,        5,     "",             "",  0,  0, 0, 0, 0 },
/* an answer before the caller has ended its side */
    { HEAD,     ON_HEADERS, MESSAGE,      TRAILERS,      GOOD,   WAITS,        0,     "",             "",  0,  0, 0, 0, 0 },
    { MESSAGE_, ON_BODY,    NO_ANSWER,    TRAILERS_ONLY, GOOD,   WAITS,        5,     "",             "",  0,  0, 0, 0, 0 },
/* no connection: another endpoint, whatever had come of the request */
    { HEAD,     ON_REFUSAL, NO_ANSWER,    CLOSE,         GOOD,   WAITS,        0,     "",             "",  1,  1, 0, 0, 0 },
    { WHOLE,    ON_REFUSAL, NO_ANSWER,    CLOSE,         GOOD,   WAITS,        0,     "",             "",  1,  1, 0, 0, 0 },
    { ALONE,    ON_REFUSAL, NO_ANSWER,    CLOSE,         GOOD,   WAITS,        0,     "",             "",  1,  1, 0, 0, 0 },
    { BIG,      ON_REFUSAL, NO_ANSWER,    CLOSE,         GOOD,   WAITS,        0,     "",             "",  1,  1, 0, 0, 0 },
    { WHOLE,    ON_REFUSAL, NO_ANSWER,    CLOSE,         SAME,   WAITS,       14,     "endpoint-lost","0", 0,  2, 1, 0, 0 },
    { WHOLE,    ON_CONNECT, NO_ANSWER,    CLOSE,         GOOD,   WAITS,        0,     "",             "",  1,  1, 0, 0, 0 },
    { WHOLE,    ON_CONNECT, NO_ANSWER,    CLOSE,         SAME,   WAITS,       14,     "endpoint-lost","0", 0,  2, 1, 0, 0 },
    { WHOLE,    ON_CONNECT, NO_ANSWER,    GOAWAY_BELOW,  GOOD,   WAITS,        0,     "",             "",  1,  1, 0, 0, 0 },
/* the headers are there */
    { HEAD,     ON_HEADERS, NO_ANSWER,    CLOSE,         GOOD,   WAITS,       14,     "endpoint-lost","1", 0,  0, 1, 1, 0 },
    { ALONE,    ON_HEADERS, NO_ANSWER,    CLOSE,         GOOD,   WAITS,       14,     "endpoint-lost","1", 0,  0, 1, 1, 0 },
    { WHOLE,    ON_HEADERS, NO_ANSWER,    CLOSE,         GOOD,   WAITS,       14,     "endpoint-lost","1", 0,  0, 1, 1, 0 },
    { HEAD,     ON_HEADERS, NO_ANSWER,    RESET_REFUSED, GOOD,   WAITS,        0,     "",             "",  1,  1, 0, 0, 0 },
    { ALONE,    ON_HEADERS, NO_ANSWER,    RESET_REFUSED, GOOD,   WAITS,        0,     "",             "",  1,  1, 0, 0, 0 },
    { WHOLE,    ON_HEADERS, NO_ANSWER,    RESET_REFUSED, SAME,   WAITS,       14,     "endpoint-lost","0", 1,  2, 1, 0, 0 },
    { HEAD,     ON_HEADERS, NO_ANSWER,    RESET_CANCEL,  GOOD,   WAITS,       RESET(8),"",            "",  0,  0, 0, 1, 0 },
    { ALONE,    ON_HEADERS, NO_ANSWER,    RESET_NOTHING, GOOD,   WAITS,       14,     "endpoint-lost","1", 0,  0, 1, 1, 0 },
    { HEAD,     ON_HEADERS, NO_ANSWER,    GOAWAY_BELOW,  GOOD,   WAITS,        0,     "",             "",  1,  1, 0, 0, 0 },
    { WHOLE,    ON_HEADERS, NO_ANSWER,    GOAWAY_BELOW,  SAME,   WAITS,       14,     "endpoint-lost","0", 1,  2, 1, 0, 0 },
    { HEAD,     ON_HEADERS, MESSAGE,      GOAWAY_ABOVE,  GOOD,   WAITS,        0,     "",             "",  0,  0, 0, 0, 0 },
/* a part of the body */
    { MESSAGE_, ON_BODY,    NO_ANSWER,    CLOSE,         GOOD,   WAITS,       14,     "endpoint-lost","1", 0,  0, 1, 1, 0 },
    { MESSAGE_, ON_BODY,    NO_ANSWER,    RESET_REFUSED, GOOD,   WAITS,        0,     "",             "",  1,  1, 0, 0, 0 },
    { MESSAGE_, ON_BODY,    NO_ANSWER,    GOAWAY_BELOW,  GOOD,   WAITS,        0,     "",             "",  1,  1, 0, 0, 0 },
    { MESSAGE_, ON_BODY,    NO_ANSWER,    RESET_CANCEL,  GOOD,   WAITS,       RESET(8),"",            "",  0,  0, 0, 1, 0 },
    { BIG,      ON_BODY,    NO_ANSWER,    CLOSE,         GOOD,   WAITS,       14,     "endpoint-lost","1", 0,  0, 1, 1, 0 },
    { BIG,      ON_BODY,    NO_ANSWER,    RESET_REFUSED, GOOD,   WAITS,       14,     "endpoint-lost","0", 0,  0, 1, 0, 0 },
    { BIG,      ON_BODY,    NO_ANSWER,    GOAWAY_BELOW,  GOOD,   WAITS,       14,     "endpoint-lost","0", 0,  0, 1, 0, 0 },
/* all of the body */
    { WHOLE,    ON_END,     NO_ANSWER,    CLOSE,         GOOD,   WAITS,       14,     "endpoint-lost","1", 0,  0, 1, 1, 0 },
    { WHOLE,    ON_END,     NO_ANSWER,    RESET_REFUSED, GOOD,   WAITS,        0,     "",             "",  1,  1, 0, 0, 0 },
    { WHOLE,    ON_END,     NO_ANSWER,    RESET_CANCEL,  GOOD,   WAITS,       RESET(8),"",            "",  0,  0, 0, 1, 0 },
    { WHOLE,    ON_END,     NO_ANSWER,    GOAWAY_BELOW,  GOOD,   WAITS,        0,     "",             "",  1,  1, 0, 0, 0 },
    { WHOLE,    ON_END,     NO_ANSWER,    GOAWAY_BELOW,  SAME,   WAITS,       14,     "endpoint-lost","0", 1,  2, 1, 0, 0 },
    { WHOLE,    ON_END,     MESSAGE,      GOAWAY_ABOVE,  GOOD,   WAITS,        0,     "",             "",  0,  0, 0, 0, 0 },
/* the response's headers: nothing is sent anew from now on */
    { WHOLE,    ON_END,     HEADERS,      CLOSE,         GOOD,   WAITS,       14,     "endpoint-lost","1", 0,  0, 1, 1, 0 },
    { HEAD,     ON_HEADERS, HEADERS,      CLOSE,         GOOD,   WAITS,       14,     "endpoint-lost","1", 0,  0, 1, 1, 0 },
    { WHOLE,    ON_END,     HEADERS,      RESET_REFUSED, GOOD,   WAITS,       14,     "endpoint-lost","1", 0,  0, 1, 1, 0 },
    { WHOLE,    ON_END,     HEADERS,      RESET_CANCEL,  GOOD,   WAITS,       RESET(8),"",            "",  0,  0, 0, 1, 0 },
    { WHOLE,    ON_END,     HEADERS,      RESET_NOTHING, GOOD,   WAITS,       14,     "endpoint-lost","1", 0,  0, 1, 1, 0 },
    { WHOLE,    ON_END,     HEADERS,      GOAWAY_BELOW,  GOOD,   WAITS,       14,     "endpoint-lost","1", 0,  0, 1, 1, 0 },
/* in the middle of a message no status can be said any more */
    { WHOLE,    ON_END,     HALF_MESSAGE, CLOSE,         GOOD,   WAITS,       RESET(2),"",            "",  0,  0, 1, 1, 0 },
    { WHOLE,    ON_END,     HALF_MESSAGE, RESET_CANCEL,  GOOD,   WAITS,       RESET(8),"",            "",  0,  0, 0, 1, 0 },
    { WHOLE,    ON_END,     HALF_MESSAGE, GOAWAY_BELOW,  GOOD,   WAITS,       RESET(2),"",            "",  0,  0, 1, 1, 0 },
/* behind a message one can */
    { WHOLE,    ON_END,     MESSAGE,      CLOSE,         GOOD,   WAITS,       14,     "endpoint-lost","1", 0,  0, 1, 1, 0 },
    { MESSAGE_, ON_BODY,    MESSAGE,      CLOSE,         GOOD,   WAITS,       14,     "endpoint-lost","1", 0,  0, 1, 1, 0 },
    { WHOLE,    ON_END,     MESSAGE,      RESET_REFUSED, GOOD,   WAITS,       14,     "endpoint-lost","1", 0,  0, 1, 1, 0 },
    { WHOLE,    ON_END,     MESSAGE,      RESET_CANCEL,  GOOD,   WAITS,       RESET(8),"",            "",  0,  0, 0, 1, 0 },
/* in place of trailers */
    { WHOLE,    ON_END,     MESSAGE,      END_BARE,      GOOD,   WAITS,       NOTHING,"",             "",  0,  0, 0, 0, 0 },
/* the deadline passes */
    { HEAD,     NEVER,      NO_ANSWER,    SILENCE,       NOBODY, HAS_DEADLINE, 4,     "deadline",     "0", 0,  0, 1, 0, 1 },
    { WHOLE,    NEVER,      NO_ANSWER,    SILENCE,       NOBODY, HAS_DEADLINE, 4,     "deadline",     "0", 0,  0, 1, 0, 1 },
    { HEAD,     ON_HEADERS, NO_ANSWER,    SILENCE,       GOOD,   HAS_DEADLINE, 4,     "deadline",     "1", 0,  0, 1, 0, 1 },
    { WHOLE,    ON_END,     NO_ANSWER,    SILENCE,       GOOD,   HAS_DEADLINE, 4,     "deadline",     "1", 0,  0, 1, 0, 1 },
    { WHOLE,    ON_END,     HEADERS,      SILENCE,       GOOD,   HAS_DEADLINE, 4,     "deadline",     "1", 0,  0, 1, 0, 1 },
    { WHOLE,    ON_END,     HALF_MESSAGE, SILENCE,       GOOD,   HAS_DEADLINE,RESET(2),"",            "",  0,  0, 1, 0, 1 },
    { WHOLE,    ON_END,     MESSAGE,      SILENCE,       GOOD,   HAS_DEADLINE, 4,     "deadline",     "1", 0,  0, 1, 0, 1 },
    { WHOLE,    ON_HEADERS, NO_ANSWER,    RESET_REFUSED, GOOD,   HAS_DEADLINE, 0,     "",             "",  1,  1, 0, 0, 0 },
/* the caller goes */
    { HEAD,     NEVER,      NO_ANSWER,    SILENCE,       NOBODY, CANCELS,     NOTHING,"",             "",  0,  0, 0, 0, 0 },
    { WHOLE,    NEVER,      NO_ANSWER,    SILENCE,       NOBODY, CANCELS,     NOTHING,"",             "",  0,  0, 0, 0, 0 },
    { HEAD,     ON_HEADERS, NO_ANSWER,    SILENCE,       GOOD,   CANCELS,     NOTHING,"",             "",  0,  0, 0, 0, 0 },
    { MESSAGE_, ON_BODY,    NO_ANSWER,    SILENCE,       GOOD,   CANCELS,     NOTHING,"",             "",  0,  0, 0, 0, 0 },
    { WHOLE,    ON_END,     NO_ANSWER,    SILENCE,       GOOD,   CANCELS,     NOTHING,"",             "",  0,  0, 0, 0, 0 },
    { WHOLE,    ON_END,     HEADERS,      SILENCE,       GOOD,   CANCELS,     NOTHING,"",             "",  0,  0, 0, 0, 0 },
    { WHOLE,    ON_END,     HALF_MESSAGE, SILENCE,       GOOD,   CANCELS,     NOTHING,"",             "",  0,  0, 0, 0, 0 },
    /* clang-format on */
};

/* --- the caller ---------------------------------------------------------------------------- */

struct caller {
    const struct row *row;
    struct bench *bench;
    struct hf_h2_channel *channel;
    struct hf_h2_request request;
    struct hf_h2_stream *stream; /* NULL: not yet, or over */
    int status;
    char reason[32];
    char dispatched[4];
    bool over;
};

static void
note_fields(struct caller *caller, const struct hf_h2_fields *fields)
{
    const char *status = h2_value(fields, "grpc-status");
    uint64_t number;

    if (*status && hf_parse_u64(status, &number, NULL) == 0) {
        caller->status = (int)number;
    }
    snprintf(caller->reason, sizeof caller->reason, "%s", h2_value(fields, "hyperfaas-reason"));
    snprintf(caller->dispatched, sizeof caller->dispatched, "%s",
             h2_value(fields, "hyperfaas-dispatched"));
}

static void
on_headers(struct hf_h2_stream *stream, struct hf_h2_fields *fields, enum hf_h2_kind kind, bool end)
{
    (void)kind;
    (void)end;
    note_fields(hf_h2_stream_arg(stream), fields);
    hf_h2_fields_unref(fields);
}

static void
on_data(struct hf_h2_stream *stream, const uint8_t *data, size_t len)
{
    (void)data;
    hf_h2_stream_consume(stream, len);
}

static void
on_end(struct hf_h2_stream *stream)
{
    (void)stream;
}

static void
on_sent(struct hf_h2_stream *stream, size_t len)
{
    (void)stream;
    (void)len;
}

static void
on_close(struct hf_h2_stream *stream, const struct hf_h2_close *how)
{
    struct caller *caller = hf_h2_stream_arg(stream);

    CU_ASSERT_FALSE(how->lost);
    if (how->by_peer && how->code != HF_H2_NO_ERROR) {
        caller->status = RESET((int)how->code);
    }
    caller->stream = NULL;
    caller->over = true;
}

static const struct hf_h2_stream_ops stream_ops = {
    .on_headers = on_headers,
    .on_data = on_data,
    .on_end = on_end,
    .on_sent = on_sent,
    .on_close = on_close,
};

static void
send_body(struct caller *caller)
{
    static const uint8_t body[BIG_BYTES];

    switch (caller->row->sent) {
    case HEAD:
    case ALONE:
        break;
    case MESSAGE_:
    case WHOLE:
        hf_h2_stream_write(caller->stream, body, 8);
        break;
    case BIG:
        hf_h2_stream_write(caller->stream, body, sizeof body);
        break;
    }
    if (caller->row->sent == WHOLE) {
        hf_h2_stream_end(caller->stream);
    }
}

static void
on_open(void *arg, struct hf_h2_stream *stream)
{
    struct caller *caller = arg;

    caller->stream = stream;
    send_body(caller);
}

static void
on_fail(void *arg, int code, const char *text)
{
    (void)arg;
    (void)code;
    UNIT_STR(text, "a stream");
}

static void
call(struct caller *caller)
{
    struct hf_h2_channel_options options;
    const char *extra = caller->row->later == HAS_DEADLINE
                            ? ":authority: f\ngrpc-timeout: " DEADLINE "\n"
                            : ":authority: f\n";

    hf_h2_channel_options_init(&options);
    CU_ASSERT_EQUAL_FATAL(hf_h2_channel_new(caller->bench->loop,
                                            hf_proxy_address(caller->bench->proxy), &options,
                                            &caller->channel, NULL),
                          0);
    caller->status = NOTHING;
    caller->request = (struct hf_h2_request){
        .fields = h2_request_fields("/s/M", extra),
        .end = caller->row->sent == ALONE,
        .ops = &stream_ops,
        .arg = caller,
        .on_open = on_open,
        .on_fail = on_fail,
    };
    CU_ASSERT_PTR_NULL(hf_h2_channel_open(caller->channel, &caller->request));
}

/* --- a row --------------------------------------------------------------------------------- */

/* Whether a call that its caller will cancel is where it is to be cancelled. */
static bool
is_reached(void *arg)
{
    const struct caller *caller = arg;
    struct hf_pool_load load;

    if (caller->row->others != NOBODY) {
        return caller->bench->first.acted == 1;
    }
    hf_callee_load(caller->bench->callee, &load);
    return load.waiting == 1;
}

static bool
is_over(void *arg)
{
    return ((const struct caller *)arg)->over;
}

/* Whether nothing is left of the call, at the proxy and at an endpoint that had it. */
static bool
is_cleared(void *arg)
{
    const struct caller *caller = arg;
    const struct row *row = caller->row;

    return bench_is_clear(caller->bench) &&
           (row->finish != SILENCE || row->others == NOBODY || caller->bench->first.resets == 1);
}

static const char *const counted[] = { "proxy_calls", "proxy_retries", "proxy_failed",
                                       "proxy_endpoint_lost", "proxy_deadline" };

static void
count(uint64_t *ret)
{
    for (size_t i = 0; i < hf_countof(counted); i++) {
        ret[i] = hf_counter_value(hf_counter_find(counted[i]));
    }
}

static void
check_counters(const struct row *row, const uint64_t *before)
{
    const uint64_t expected[] = { 1, row->retries, row->failed, row->lost, row->late };
    uint64_t after[hf_countof(counted)];

    count(after);
    for (size_t i = 0; i < hf_countof(counted); i++) {
        unit_u64(__LINE__, __FILE__, counted[i], after[i] - before[i], expected[i]);
    }
}

static void
play(const struct row *row)
{
    struct bench bench = {
        .first = { .moment = row->moment, .answer = row->answer, .finish = row->finish },
        .second = { .moment = ON_HEADERS, .answer = MESSAGE, .finish = TRAILERS },
    };
    struct caller caller = { .row = row, .bench = &bench };
    uint64_t before[hf_countof(counted)];

    if (row->others == SAME) {
        bench.second = bench.first;
    }
    count(before);
    bench_begin(&bench);
    if (row->others != NOBODY) {
        bench_serve(&bench);
    }
    call(&caller);
    if (row->later == CANCELS) {
        CU_ASSERT(hf_loop_run_until(bench.loop, is_reached, &caller, LIMIT_NS));
        hf_h2_stream_reset(caller.stream, HF_H2_CANCEL);
    }
    CU_ASSERT(hf_loop_run_until(bench.loop, is_over, &caller, LIMIT_NS));
    CU_ASSERT(hf_loop_run_until(bench.loop, is_cleared, &caller, LIMIT_NS));
    UNIT_INT(caller.status, row->status);
    UNIT_STR(caller.reason, row->reason);
    UNIT_STR(caller.dispatched, row->dispatched);
    UNIT_U64(bench.second.calls, row->second);
    check_counters(row, before);
    hf_h2_channel_free(caller.channel);
    bench_end(&bench);
}

static void
each_row_ends_as_it_says(void)
{
    for (size_t i = 0; i < hf_countof(rows); i++) {
        unsigned failures = CU_get_number_of_failures();

        play(&rows[i]);
        if (CU_get_number_of_failures() > failures) {
            printf("     that was row %zu\n", i + 1);
        }
    }
}

UNIT_MAIN("proxy", UNIT_TEST(each_row_ends_as_it_says))
