/*
 * main.c - the program around a function's methods: environment, server, signals.
 */
#include "hyperfaas-function.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/log.h"
#include "base/macros.h"
#include "base/parse.h"
#include "grpc/health.h"
#include "grpc/server.h"
#include "loop/address.h"
#include "loop/loop.h"
#include "loop/signals.h"
#include "service.h"

HF_LOG_MODULE(function);

#define DEFAULT_PORT    50052
#define DEFAULT_ADDRESS "0.0.0.0"

/* A leaf sends all calls of an instance on one connection: this many at once. */
#define MAX_STREAMS 10000

#define MAX_MESSAGE_BYTES ((size_t)256 << 20)

/* Calls under way when the program is told to end may take this long. */
#define DRAIN_NS (30 * HF_SEC)

struct program {
    struct hf_loop *loop;
    struct hf_grpc_server *server;
    struct hf_grpc_method *methods;
    struct hf_grpc_health *health;
    struct hf_signals *signals;
    struct hf_ready *ready;
};

/* --- the end ------------------------------------------------------------------------------- */

static void
on_drained(void *arg)
{
    struct program *program = arg;

    hf_loop_stop(program->loop);
}

static void
on_signal(void *arg, int signal)
{
    struct program *program = arg;

    if (signal == SIGHUP) {
        return;
    }
    hf_grpc_health_set_all(program->health, false);
    hf_grpc_health_end_watches(program->health);
    hf_grpc_server_drain(program->server, on_drained, program);
}

static void
program_fini(struct program *program)
{
    hf_ready_free(program->ready);
    hf_signals_free(program->signals);
    hf_grpc_server_free(program->server);
    hf_grpc_health_free(program->health);
    free(program->methods);
    hf_h2_thread_release();
    hf_loop_free(program->loop);
}

/* --- the beginning ------------------------------------------------------------------------- */

/* "IP:PORT" from LISTEN_ADDRESS and PORT. */
static int
listen_address(char ret[static HF_ADDRESS_TEXT_MAX], struct hf_err *err)
{
    const char *host = getenv("LISTEN_ADDRESS");
    const char *port_text = getenv("PORT");
    uint64_t port = DEFAULT_PORT;
    bool bare_v6;
    int r;

    if (port_text) {
        r = hf_parse_u64_range(port_text, 0, UINT16_MAX, &port, err);
        if (r < 0) {
            return hf_err_wrap(err, r, "environment variable PORT");
        }
    }
    host = host ? host : DEFAULT_ADDRESS;
    bare_v6 = strchr(host, ':') && host[0] != '[';
    snprintf(ret, HF_ADDRESS_TEXT_MAX, bare_v6 ? "[%s]:%u" : "%s:%u", host, (unsigned)port);
    return 0;
}

/* Adds the methods, with what each is in the library as its argument. */
static int
add_methods(struct program *program, const struct hf_method *methods, struct hf_err *err)
{
    size_t count = 0;

    while (methods[count].path) {
        count++;
    }
    program->methods = calloc(count + 1, sizeof program->methods[0]);
    if (!program->methods) {
        return hf_fail(err, HF_ENOMEM, "no memory for %zu methods", count);
    }
    for (size_t i = 0; i < count; i++) {
        int r;

        program->methods[i] = hf_function_adapt(&methods[i]);
        r = hf_grpc_server_add(program->server, &program->methods[i], 1, (void *)&methods[i]);
        if (r < 0) {
            return hf_fail(err, r, "method %s cannot be added", methods[i].path);
        }
    }
    return 0;
}

static int
start_server(struct program *program, const struct hf_method *methods, struct hf_err *err)
{
    char address[HF_ADDRESS_TEXT_MAX];
    struct hf_grpc_server_options options;
    int r = listen_address(address, err);

    if (r < 0) {
        return r;
    }
    hf_grpc_server_options_init(&options);
    options.max_message_bytes = MAX_MESSAGE_BYTES;
    options.h2.max_streams = MAX_STREAMS;
    options.h2.drain_ns = DRAIN_NS;
    options.h2.idle_ns = 0;    /* Connections are the leaf's to close. */
    options.h2.trusted = true; /* A leaf may cancel many calls at once. */
    r = hf_grpc_server_new(program->loop, &options, &program->server, err);
    if (r < 0) {
        return r;
    }
    r = add_methods(program, methods, err);
    if (r < 0) {
        return r;
    }
    r = hf_grpc_health_new(program->server, &program->health);
    if (r < 0) {
        return hf_fail(err, r, "the health service cannot be added");
    }
    return hf_grpc_server_listen(program->server, address, err);
}

static void
tell_worker(struct program *program)
{
    const char *controller = getenv("CONTROLLER_ADDRESS");
    const char *instance = getenv("INSTANCE_ID");
    char host[256] = "";

    if (!controller || controller[0] == '\0') {
        return;
    }
    if (!instance || instance[0] == '\0') {
        /* In a container the host name is the instance's id. */
        gethostname(host, sizeof host - 1);
        instance = host;
    }
    program->ready = hf_ready_new(program->loop, controller, instance);
}

static int
start(struct program *program, const struct hf_method *methods, struct hf_err *err)
{
    int r = hf_loop_new("function", &program->loop, err);

    if (r < 0) {
        return r;
    }
    r = hf_signals_new(program->loop, on_signal, program, &program->signals, err);
    if (r < 0) {
        return r;
    }
    r = start_server(program, methods, err);
    if (r < 0) {
        return r;
    }
    tell_worker(program);
    return 0;
}

int
hf_function_main(const struct hf_method *methods)
{
    struct program program = { 0 };
    struct hf_err err = HF_ERR_INIT;
    int r = start(&program, methods, &err);

    if (r == 0) {
        hf_log(HF_LOG_INFO, "serving", HF_KV_STR("address", hf_grpc_server_address(program.server)),
               HF_KV_STR("function", getenv("FUNCTION_ID")));
        hf_loop_run(program.loop);
    } else {
        hf_log(HF_LOG_ERROR, "cannot serve", HF_KV_ERR(&err));
    }
    program_fini(&program);
    return r == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
