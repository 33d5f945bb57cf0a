/*
 * client.c - gRPC calls of commands.
 */
#include "client.h"

#include <stdlib.h>

#include "base/err.h"
#include "base/macros.h"
#include "base/options.h"
#include "grpc/reply.h"
#include "loop/loop.h"
#include "loop/signals.h"
#include "node/access.h"

/* How long a call may be late in noticing that its own limit has passed. */
#define GRACE HF_SEC

/* --- managers --------------------------------------------------------------------------- */

void
cli_secret_load(struct cli *cli)
{
    hf_autofree char *folder = NULL;
    hf_autofree char *file = NULL;

    if (cli_state_folder(cli, &folder, NULL) == 0) { /* what is wrong there a command says */
        file = hf_secret_file(cli->node, folder);
    }
    if (!file || hf_secret_read(file, cli->secret, NULL) < 0) {
        cli->secret[0] = '\0';
    }
}

static void
add_secret(const struct cli *cli, const char *address, struct hf_grpc_client_options *options)
{
    bool shared = cli->node && hf_options_is_given(cli->node, "secret_file");

    if (*cli->secret && hf_secret_is_for(address, shared)) {
        options->credential_name = HF_ACCESS_SECRET;
        options->credential = cli->secret;
    }
}

int
cli_manager_new(const struct cli *cli, struct hf_loop *loop, const char *address,
                struct hf_grpc_client **ret, struct hf_err *err)
{
    struct hf_grpc_client_options options;

    hf_grpc_client_options_init(&options);
    add_secret(cli, address, &options);
    return hf_grpc_client_new(loop, address, &options, ret, err);
}

/* --- calls ------------------------------------------------------------------------------ */

/* A call under way. */
struct waiting {
    struct cli_call *call;
    struct hf_loop *loop;
    struct hf_grpc_client *client;
    struct hf_err *err;
    bool done;
    bool interrupted;
    int code;
};

const char *
cli_call_reason(const struct hf_grpc_result *result)
{
    return result->trailers ? hf_grpc_metadata(result->trailers, "hyperfaas-reason") : NULL;
}

static void
on_message(void *arg, const void *message)
{
    const struct waiting *waiting = arg;

    if (waiting->call->on_message) {
        waiting->call->on_message(waiting->call->arg, message);
    }
}

static bool
is_enough(const struct waiting *waiting)
{
    return waiting->call->is_enough && waiting->call->is_enough(waiting->call->arg);
}

static void
on_done(void *arg, const struct hf_grpc_result *result)
{
    struct waiting *waiting = arg;
    const char *reason = cli_call_reason(result);

    waiting->done = true;
    waiting->call->refused = result->answered && result->code != HF_GRPC_OK;
    if (waiting->call->on_done) {
        waiting->call->on_done(waiting->call->arg, result);
    }
    if (result->code == HF_GRPC_OK || is_enough(waiting)) {
        return;
    }
    waiting->code = hf_fail(waiting->err, hf_grpc_result_error(result, "", NULL), "%s: %s%s%s%s",
                            hf_grpc_code_name(result->code), result->message, reason ? " (" : "",
                            reason ? reason : "", reason ? ")" : "");
    if (!result->answered) {
        hf_err_wrap(waiting->err, waiting->code, "no answer from '%s'", waiting->call->address);
    }
}

static void
on_signal(void *arg, int signal)
{
    (void)signal;
    ((struct waiting *)arg)->interrupted = true;
}

static bool
is_over(void *arg)
{
    const struct waiting *waiting = arg;

    return waiting->done || waiting->interrupted || is_enough(waiting);
}

/* Begins the call and waits for it; gives it up if it has not ended. */
static int
make(struct waiting *waiting)
{
    struct cli_call *call = waiting->call;
    uint64_t timeout_ns = call->request.timeout_ns;
    uint64_t limit = timeout_ns > 0 ? timeout_ns + GRACE : CLI_FOR_EVER;
    struct hf_grpc_client_call *begun;
    bool over;
    int r = hf_grpc_client_stream(waiting->client, &call->request, on_message, on_done, waiting,
                                  &begun);

    if (r < 0) {
        return hf_fail(waiting->err, r, "no memory for a call");
    }
    limit = call->limit_ns > 0 ? hf_min(limit, call->limit_ns) : limit;
    over = hf_loop_run_until(waiting->loop, is_over, waiting, limit);
    if (!waiting->done) {
        hf_grpc_client_call_cancel(begun);
    }
    if (!over && call->limit_ns == 0) {
        return hf_fail(waiting->err, HF_ETIMEOUT, "no answer from '%s' in time", call->address);
    }
    return waiting->code;
}

int
cli_call(struct cli_call *call, struct hf_err *err)
{
    struct waiting waiting = { .call = call, .err = err };
    struct hf_grpc_client_options options;
    struct hf_signals *signals = NULL;
    int r = hf_loop_new("call", &waiting.loop, err);

    call->refused = false;
    hf_grpc_client_options_init(&options);
    if (call->manager) {
        add_secret(call->manager, call->address, &options);
    }
    if (call->max_message > 0) {
        options.max_message_bytes = call->max_message;
    }
    if (r == 0) {
        r = hf_grpc_client_new(waiting.loop, call->address, &options, &waiting.client, err);
    }
    if (r == 0 && call->interruptible) {
        r = hf_signals_new(waiting.loop, on_signal, &waiting, &signals, err);
    }
    if (r == 0) {
        r = make(&waiting);
    }
    hf_signals_free(signals);
    hf_grpc_client_free(waiting.client);
    hf_loop_free(waiting.loop);
    return r;
}
