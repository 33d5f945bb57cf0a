/*
 * rpc.c - gRPC calls that a command waits for.
 */
#include "rpc.h"

#include <stdlib.h>

#include "base/err.h"
#include "cli.h"
#include "grpc/reply.h"
#include "loop/loop.h"
#include "loop/signals.h"
#include "secret.h"

/* How long a call may be late in noticing that its own limit has passed. */
#define GRACE HF_SEC

struct cli_rpc {
    struct hf_loop *loop;
    struct hf_grpc_client *client;
    bool refused;
};

/* A call under way. */
struct calling {
    struct cli_rpc *rpc;
    const struct cli_rpc_wait *wait;
    struct hf_err *err;
    bool done;
    bool interrupted;
    int code;
};

int
cli_rpc_open(const struct cli *manager, const char *address, size_t max_message,
             struct cli_rpc **ret, struct hf_err *err)
{
    hf_auto(cli_rpc_close) struct cli_rpc *rpc = calloc(1, sizeof *rpc);
    struct hf_grpc_client_options options;
    int r;

    if (!rpc) {
        return hf_fail(err, HF_ENOMEM, "no memory for a call");
    }
    hf_grpc_client_options_init(&options);
    if (manager) {
        cli_secret_add(manager, address, &options);
    }
    if (max_message > 0) {
        options.max_message_bytes = max_message;
    }
    if ((r = hf_loop_new("call", &rpc->loop, err)) < 0 ||
        (r = hf_grpc_client_new(rpc->loop, address, &options, &rpc->client, err)) < 0) {
        return r;
    }
    *ret = hf_steal(rpc);
    return 0;
}

void
cli_rpc_close(struct cli_rpc *rpc)
{
    if (rpc) {
        hf_grpc_client_free(rpc->client);
        hf_loop_free(rpc->loop);
        free(rpc);
    }
}

const char *
cli_rpc_reason(const struct hf_grpc_result *result)
{
    return result->trailers ? hf_grpc_metadata(result->trailers, "hyperfaas-reason") : NULL;
}

static void
on_message(void *arg, const void *message)
{
    const struct calling *calling = arg;

    calling->wait->on_message(calling->wait->arg, message);
}

static bool
is_enough(const struct calling *calling)
{
    return calling->wait->is_enough && calling->wait->is_enough(calling->wait->arg);
}

static void
on_done(void *arg, const struct hf_grpc_result *result)
{
    struct calling *calling = arg;
    const char *reason = cli_rpc_reason(result);

    calling->done = true;
    calling->rpc->refused = result->answered && result->code != HF_GRPC_OK;
    if (calling->wait->on_done) {
        calling->wait->on_done(calling->wait->arg, result);
    }
    if (result->code == HF_GRPC_OK || is_enough(calling)) {
        return;
    }
    calling->code = hf_fail(calling->err, hf_grpc_result_error(result, "", NULL), "%s: %s%s%s%s",
                            hf_grpc_code_name(result->code), result->message, reason ? " (" : "",
                            reason ? reason : "", reason ? ")" : "");
    if (!result->answered) {
        hf_err_wrap(calling->err, calling->code, "no answer from '%s'",
                    hf_grpc_client_address(calling->rpc->client));
    }
}

static void
on_signal(void *arg, int signal)
{
    struct calling *calling = arg;

    (void)signal;
    calling->interrupted = true;
}

static bool
is_over(void *arg)
{
    const struct calling *calling = arg;

    return calling->done || calling->interrupted || is_enough(calling);
}

/* Waits for a call that has begun; gives it up if it has not ended. */
static int
wait_for(struct calling *calling, struct hf_grpc_client_call *call, uint64_t timeout_ns)
{
    uint64_t limit = timeout_ns > 0 ? timeout_ns + GRACE : CLI_FOR_EVER;
    bool over;

    if (calling->wait->limit_ns > 0) {
        limit = hf_min(limit, calling->wait->limit_ns);
    }
    over = hf_loop_run_until(calling->rpc->loop, is_over, calling, limit);
    if (!calling->done) {
        hf_grpc_client_call_cancel(call);
    }
    if (!over && calling->wait->limit_ns == 0) {
        return hf_fail(calling->err, HF_ETIMEOUT, "no answer from '%s' in time",
                       hf_grpc_client_address(calling->rpc->client));
    }
    return calling->code;
}

int
cli_rpc_call(struct cli_rpc *rpc, const struct hf_grpc_request *request,
             const struct cli_rpc_wait *wait, struct hf_err *err)
{
    struct calling calling = { .rpc = rpc, .wait = wait, .err = err };
    struct hf_signals *signals = NULL;
    struct hf_grpc_client_call *call;
    int r;

    rpc->refused = false;
    r = wait->interruptible ? hf_signals_new(rpc->loop, on_signal, &calling, &signals, err) : 0;
    if (r == 0) {
        r = hf_grpc_client_stream(rpc->client, request, on_message, on_done, &calling, &call);
        r = r < 0 ? hf_fail(err, r, "no memory for a call")
                  : wait_for(&calling, call, request->timeout_ns);
    }
    hf_signals_free(signals);
    return r;
}

bool
cli_rpc_was_refused(const struct cli_rpc *rpc)
{
    return rpc->refused;
}
