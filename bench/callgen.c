/*
 * callgen.c - calls functions and measures how long it takes; the client of coldstart.py.
 *
 * Two ways of calling:
 *
 *     callgen first --control SOCKET [options] FUNCTION
 *         Makes the function cold through the node's control socket, calls it, then calls it
 *         again on the same connection; `--calls` times.
 *     callgen load [options] FUNCTION
 *         Makes `--calls` calls, at most `--in-flight` at once, over `--connections`
 *         connections; with `--rate` evenly so many a second.  With `--functions N` they go
 *         to FUNCTION-0 ... FUNCTION-(N-1) in turn.  `--timeout MS` is their deadline.
 *
 * Prints one JSON object.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/json.h"
#include "base/macros.h"
#include "base/parse.h"
#include "base/text.h"
#include "ctl/client.h"
#include "grpc/client.h"
#include "loop/loop.h"
#include "loop/timer.h"

#define CALL_LIMIT_NS (60 * HF_SEC)
#define CTL_LIMIT_NS  (10 * HF_SEC)
#define CODES         17 /* gRPC status codes */
#define PACE_NS       (1 * HF_MSEC)

/* More than any idle timeout of a function that is measured. */
#define LONG_ENOUGH "1h"

struct callgen {
    const char *proxy;
    const char *control;
    const char *function;
    const char *method;
    uint64_t calls;
    uint64_t connections;
    uint64_t functions; /* 0: FUNCTION itself */
    uint64_t in_flight;
    uint64_t rate; /* a second; 0: as fast as they are answered */
    uint64_t timeout_ns;
    struct hf_loop *loop;
    struct hf_grpc_client **clients;
    struct hf_timer pace;
    uint64_t began_ns;
    uint64_t sent;
    uint64_t ended;
    uint64_t by_code[CODES];
    uint64_t *took_ns; /* of each call that was OK */
    uint64_t ok;
    uint64_t *refused_ns; /* of each call that was answered UNAVAILABLE */
    uint64_t refused;
    char failure[256]; /* what the first failed call was told */
};

struct call {
    struct callgen *gen;
    uint64_t began_ns;
};

static void pump(struct callgen *gen);

static void
die(const struct hf_err *err)
{
    fprintf(stderr, "callgen: %s\n", hf_err_message(err));
    exit(1);
}

static void *
must_alloc(size_t count, size_t size)
{
    void *memory = calloc(count, size);

    if (!memory) {
        fprintf(stderr, "callgen: no memory\n");
        exit(1);
    }
    return memory;
}

/* --- calls --------------------------------------------------------------- */

static void
on_done(void *arg, const struct hf_grpc_result *result)
{
    struct call *call = arg;
    struct callgen *gen = call->gen;
    uint64_t took_ns = hf_now() - call->began_ns;

    gen->by_code[hf_min(result->code, CODES - 1u)]++;
    if (result->code == HF_GRPC_OK) {
        gen->took_ns[gen->ok++] = took_ns;
    } else if (result->code == HF_GRPC_UNAVAILABLE) {
        gen->refused_ns[gen->refused++] = took_ns;
    }
    if (result->code != HF_GRPC_OK && !gen->failure[0]) {
        snprintf(gen->failure, sizeof gen->failure, "%s", result->message);
    }
    gen->ended++;
    free(call);
    pump(gen);
}

static void
send_call(struct callgen *gen)
{
    char name[256];
    struct hf_grpc_request request = {
        .path = gen->method,
        .data = "",
        .timeout_ns = gen->timeout_ns,
        .authority = gen->function,
    };
    struct call *call = must_alloc(1, sizeof *call);

    if (gen->functions > 0) {
        snprintf(name, sizeof name, "%s-%llu", gen->function,
                 (unsigned long long)(gen->sent % gen->functions));
        request.authority = name;
    }
    *call = (struct call){ gen, hf_now() };
    if (hf_grpc_client_unary(gen->clients[gen->sent % gen->connections], &request, on_done, call,
                             NULL) < 0) {
        fprintf(stderr, "callgen: no memory for a call\n");
        exit(1);
    }
    gen->sent++;
}

/* Calls that should have been sent by now. */
static uint64_t
due(const struct callgen *gen)
{
    uint64_t count = gen->calls;

    if (gen->rate > 0) {
        count = hf_min(count, 1 + (hf_now() - gen->began_ns) * gen->rate / HF_SEC);
    }
    return count;
}

static void
pump(struct callgen *gen)
{
    uint64_t count = due(gen);

    while (gen->sent < count && gen->sent - gen->ended < gen->in_flight) {
        send_call(gen);
    }
    if (gen->rate > 0 && gen->sent < gen->calls && !hf_timer_is_set(&gen->pace)) {
        hf_timer_set(&gen->pace, PACE_NS);
    }
}

static void
on_pace(struct hf_timer *timer)
{
    pump(hf_container_of(timer, struct callgen, pace));
}

static bool
all_ended(void *arg)
{
    const struct callgen *gen = arg;

    return gen->ended == gen->calls;
}

static void
wait_for_calls(struct callgen *gen)
{
    uint64_t limit = 2 * CALL_LIMIT_NS + (gen->rate > 0 ? gen->calls * HF_SEC / gen->rate : 0);

    if (!hf_loop_run_until(gen->loop, all_ended, gen, limit)) {
        fprintf(stderr, "callgen: calls did not end\n");
        exit(1);
    }
}

static void
connect_clients(struct callgen *gen)
{
    struct hf_grpc_client_options options;
    struct hf_err err = HF_ERR_INIT;

    hf_grpc_client_options_init(&options);
    options.channel.max_waiting = UINT32_MAX;
    gen->clients = must_alloc(gen->connections, sizeof(struct hf_grpc_client *));
    for (uint64_t i = 0; i < gen->connections; i++) {
        if (hf_grpc_client_new(gen->loop, gen->proxy, &options, &gen->clients[i], &err) < 0) {
            die(&err);
        }
    }
}

static void
disconnect_clients(struct callgen *gen)
{
    for (uint64_t i = 0; i < gen->connections; i++) {
        hf_grpc_client_free(gen->clients[i]);
    }
    free(gen->clients);
}

/* --- load ---------------------------------------------------------------- */

static int
compare(const void *a, const void *b)
{
    const uint64_t *x = a;
    const uint64_t *y = b;

    return (*x > *y) - (*x < *y);
}

static void
print_percentile(struct hf_json *json, const char *key, const uint64_t *sorted_ns, uint64_t count,
                 double part)
{
    if (count > 0) {
        uint64_t ns = sorted_ns[(uint64_t)((double)(count - 1) * part)];

        hf_json_double(json, key, (double)ns / 1e3);
    }
}

static void
run_load(struct callgen *gen, struct hf_json *json)
{
    gen->began_ns = hf_now();
    pump(gen);
    wait_for_calls(gen);
    hf_json_double(json, "seconds", (double)(hf_now() - gen->began_ns) / 1e9);
    hf_json_u64(json, "calls", gen->calls);
    hf_json_u64(json, "ok", gen->ok);
    qsort(gen->took_ns, gen->ok, sizeof *gen->took_ns, compare);
    print_percentile(json, "median_us", gen->took_ns, gen->ok, 0.5);
    print_percentile(json, "p99_us", gen->took_ns, gen->ok, 0.99);
    print_percentile(json, "max_us", gen->took_ns, gen->ok, 1.0);
    qsort(gen->refused_ns, gen->refused, sizeof *gen->refused_ns, compare);
    print_percentile(json, "refused_median_us", gen->refused_ns, gen->refused, 0.5);
    for (uint32_t code = 1; code < CODES; code++) {
        if (gen->by_code[code] > 0) {
            hf_json_u64(json, hf_grpc_code_name(code), gen->by_code[code]);
        }
    }
    if (gen->failure[0]) {
        hf_json_str(json, "first_failure", gen->failure);
    }
}

/* --- first calls --------------------------------------------------------- */

static int
ask(const struct callgen *gen, const char *command, const char *argument, struct hf_err *err)
{
    const char *words[] = { command, argument };
    hf_autotext struct hf_text answer;

    hf_text_init(&answer);
    return hf_ctl_ask(gen->control, words, hf_countof(words), CTL_LIMIT_NS, &answer, err);
}

/* Lets the function's idle timeout pass until the leaf has forgotten it.  The leaf may hear of the
 * last call's end later than its caller, hence more than once. */
static void
make_cold(const struct callgen *gen)
{
    const struct timespec pause = { .tv_nsec = HF_MSEC };
    uint64_t limit = hf_now() + CTL_LIMIT_NS;
    struct hf_err err = HF_ERR_INIT;

    do {
        if (ask(gen, "time/warp", LONG_ENOUGH, &err) < 0) {
            die(&err);
        }
        if (hf_now() > limit) {
            fprintf(stderr, "callgen: '%s' does not scale to zero\n", gen->function);
            exit(1);
        }
        nanosleep(&pause, NULL);
    } while (ask(gen, "leaf/functions", gen->function, NULL) == 0);
}

/* One call; how long it took, in microseconds. */
static double
call_once(struct callgen *gen)
{
    gen->calls = gen->sent + 1;
    gen->ok = 0;
    send_call(gen);
    wait_for_calls(gen);
    if (gen->ok == 0) {
        fprintf(stderr, "callgen: call failed: %s\n", gen->failure);
        exit(1);
    }
    return (double)gen->took_ns[0] / 1e3;
}

static void
run_first(struct callgen *gen, struct hf_json *json)
{
    uint64_t rounds = gen->calls;

    if (!gen->control) {
        fprintf(stderr, "callgen: 'first' needs --control\n");
        exit(2);
    }
    call_once(gen); /* connects */
    hf_json_array(json, "rounds");
    for (uint64_t i = 0; i < rounds; i++) {
        make_cold(gen);
        hf_json_object(json, NULL);
        hf_json_double(json, "first_us", call_once(gen));
        hf_json_double(json, "warm_us", call_once(gen));
        hf_json_end(json);
    }
    hf_json_end(json);
}

/* --- the command line ----------------------------------------------------- */

static uint64_t
number(const char *text)
{
    struct hf_err err = HF_ERR_INIT;
    uint64_t value;

    if (hf_parse_u64_range(text, 1, UINT32_MAX, &value, &err) < 0) {
        die(&err);
    }
    return value;
}

static void
read_options(struct callgen *gen, int argc, char **argv)
{
    static const struct option options[] = {
        { "proxy", required_argument, NULL, 'p' },
        { "control", required_argument, NULL, 's' },
        { "method", required_argument, NULL, 'm' },
        { "calls", required_argument, NULL, 'n' },
        { "functions", required_argument, NULL, 'f' },
        { "rate", required_argument, NULL, 'r' },
        { "timeout", required_argument, NULL, 't' },
        { "in-flight", required_argument, NULL, 'i' },
        { "connections", required_argument, NULL, 'c' },
        { 0 },
    };
    int option;

    while ((option = getopt_long(argc, argv, "", options, NULL)) >= 0) {
        switch (option) {
        case 'p':
            gen->proxy = optarg;
            break;
        case 's':
            gen->control = optarg;
            break;
        case 'm':
            gen->method = optarg;
            break;
        case 'n':
            gen->calls = number(optarg);
            break;
        case 'f':
            gen->functions = number(optarg);
            break;
        case 'r':
            gen->rate = number(optarg);
            break;
        case 't':
            gen->timeout_ns = number(optarg) * HF_MSEC;
            break;
        case 'i':
            gen->in_flight = number(optarg);
            break;
        case 'c':
            gen->connections = number(optarg);
            break;
        default:
            exit(2);
        }
    }
}

int
main(int argc, char **argv)
{
    struct callgen gen = {
        .proxy = "127.0.0.1:50053",
        .method = "/examples.hello.v1.Hello/SayHello",
        .calls = 1,
        .connections = 1,
        .in_flight = UINT32_MAX,
        .timeout_ns = CALL_LIMIT_NS,
    };
    void (*run)(struct callgen *, struct hf_json *) = NULL;
    hf_autotext struct hf_text text;
    struct hf_err err = HF_ERR_INIT;
    struct hf_json json;

    read_options(&gen, argc, argv);
    if (argc - optind == 2) {
        gen.function = argv[optind + 1];
        run = strcmp(argv[optind], "first") == 0  ? run_first
              : strcmp(argv[optind], "load") == 0 ? run_load
                                                  : NULL;
    }
    if (!run) {
        fprintf(stderr, "usage: callgen first|load [options] FUNCTION\n");
        return 2;
    }
    if (hf_loop_new("callgen", &gen.loop, &err) < 0) {
        die(&err);
    }
    gen.took_ns = must_alloc(gen.calls, sizeof *gen.took_ns);
    gen.refused_ns = must_alloc(gen.calls, sizeof *gen.refused_ns);
    hf_timer_init(&gen.pace, gen.loop, HF_TIMER_REAL, on_pace);
    connect_clients(&gen);
    hf_text_init(&text);
    hf_json_init(&json, &text);
    hf_json_object(&json, NULL);
    run(&gen, &json);
    hf_json_end(&json);
    puts(hf_text_str(&text));
    disconnect_clients(&gen);
    hf_timer_fini(&gen.pace);
    hf_loop_free(gen.loop);
    free(gen.took_ns);
    free(gen.refused_ns);
    return 0;
}
