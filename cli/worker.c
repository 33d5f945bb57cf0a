/*
 * worker.c - `hyperfaas worker ...`: asks one worker, of this implementation or another.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "arguments.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/macros.h"
#include "base/random.h"
#include "cli.h"
#include "rpc.h"
#include "table.h"
#include "worker/worker.pb-c.h"

/* Rows for a table of flags. */
#define WORKER_FLAGS                                                                               \
    {                                                                                              \
        "address", 'a', "HOST:PORT", "The worker, instead of the configuration's [worker] api."    \
    }

/* How long `status` goes on. */
#define STATUS_DURATION "10s"

static const struct cli_flag worker_flags[] = { WORKER_FLAGS, { 0 } };

static const struct cli_flag status_flags[] = {
    WORKER_FLAGS,
    { "duration", 0, "DURATION", "Ends after this long (default " STATUS_DURATION ")." },
    { 0 },
};

/* A call to a worker, and what has come of it. */
struct asking {
    const struct cli *cli;
    struct hf_text out;
    bool failed; /* the result can't be written */
    struct hf_err *err;
};

/* Nobody reads what is written. */
static bool
has_failed(void *arg)
{
    return ((const struct asking *)arg)->failed;
}

/* Makes a call that ends by itself, or after `limit_ns` or Ctrl-C if that is not 0. */
static int
ask(struct asking *asking, const char *method, const ProtobufCMessage *message,
    const ProtobufCMessageDescriptor *response, hf_grpc_message_fn *show, uint64_t limit_ns)
{
    const struct cli *cli = asking->cli;
    const char *given = cli_flag(cli, "address");
    const char *address = given ? given : cli_setting(cli, "worker", "api");
    hf_autofree char *path = hf_strdup_printf("/worker.Worker/%s", method);
    hf_auto(cli_rpc_close) struct cli_rpc *rpc = NULL;
    const struct hf_grpc_request request = {
        .path = path,
        .message = message,
        .response = response,
        .timeout_ns = limit_ns > 0 ? 0 : cli->timeout_ns,
    };
    const struct cli_rpc_wait wait = {
        .on_message = show,
        .is_enough = has_failed,
        .arg = asking,
        .limit_ns = limit_ns,
        .interruptible = limit_ns > 0,
    };
    int r = path ? cli_rpc_open(cli, address, 0, &rpc, asking->err)
                 : hf_fail(asking->err, HF_ENOMEM, "no memory for a call");

    if (r == 0) {
        r = cli_rpc_call(rpc, &request, &wait, asking->err);
    }
    if (r < 0 && rpc && cli_rpc_was_refused(rpc)) {
        hf_err_wrap(asking->err, r, "worker '%s'", address);
    }
    return r < 0 || asking->failed ? CLI_FAILED : CLI_OK;
}

static struct asking
begin(const struct cli *cli, struct hf_err *err)
{
    struct asking asking = { .cli = cli, .err = err };

    hf_text_init(&asking.out);
    return asking;
}

/* Writes what was gathered, as the last or the next line. */
static void
flush(struct asking *asking)
{
    asking->failed |= cli_print(&asking->out, asking->err) != CLI_OK;
    hf_text_clear(&asking->out);
}

/* --- start, stop ------------------------------------------------------------------------ */

static void
show_id(struct asking *asking, const char *id)
{
    cli_add_shown(id, &asking->out);
    hf_text_add_char(&asking->out, '\n');
    flush(asking);
}

/* For people, so not on stdout: scripts read the id there. */
static void
show_addresses(const Worker__StartResponse *started)
{
    hf_autotext struct hf_text out;

    hf_text_init(&out);
    hf_text_add(&out, "It is called ");
    cli_add_shown(started->instance_name, &out);
    hf_text_add(&out, "; its internal address is ");
    cli_add_shown(started->instance_internal_ip, &out);
    hf_text_add(&out, ", its external one ");
    cli_add_shown(started->instance_external_ip, &out);
    fprintf(stderr, "%s\n", hf_text_str(&out));
}

static void
show_started(void *arg, const void *message)
{
    struct asking *asking = arg;
    const Worker__StartResponse *started = message;
    struct hf_json json;

    if (!asking->cli->json) {
        show_id(asking, started->instance_id);
        show_addresses(started);
        return;
    }
    hf_json_init(&json, &asking->out);
    hf_json_object(&json, NULL);
    hf_json_str(&json, "id", started->instance_id);
    hf_json_str(&json, "name", started->instance_name);
    hf_json_str(&json, "internal_address", started->instance_internal_ip);
    hf_json_str(&json, "external_address", started->instance_external_ip);
    hf_json_end(&json);
    hf_text_add_char(&asking->out, '\n');
    flush(asking);
}

static int
start(struct cli *cli, struct hf_err *err)
{
    Worker__StartRequest request = WORKER__START_REQUEST__INIT;
    struct asking asking = begin(cli, err);
    int exit_code;

    request.function_id = (char *)(uintptr_t)cli->argv[0]; /* only read */
    exit_code =
        ask(&asking, "Start", &request.base, &worker__start_response__descriptor, show_started, 0);
    hf_text_fini(&asking.out);
    return exit_code;
}

static void
show_stopped(void *arg, const void *message)
{
    struct asking *asking = arg;
    const Worker__StopResponse *stopped = message;
    struct hf_json json;

    if (!asking->cli->json) {
        show_id(asking, stopped->instance_id);
        return;
    }
    hf_json_init(&json, &asking->out);
    hf_json_object(&json, NULL);
    hf_json_str(&json, "id", stopped->instance_id);
    hf_json_end(&json);
    hf_text_add_char(&asking->out, '\n');
    flush(asking);
}

static int
stop(struct cli *cli, struct hf_err *err)
{
    Worker__StopRequest request = WORKER__STOP_REQUEST__INIT;
    struct asking asking = begin(cli, err);
    int exit_code;

    request.instance_id = (char *)(uintptr_t)cli->argv[0]; /* only read */
    exit_code =
        ask(&asking, "Stop", &request.base, &worker__stop_response__descriptor, show_stopped, 0);
    hf_text_fini(&asking.out);
    return exit_code;
}

/* --- status ----------------------------------------------------------------------------- */

static const char *
event_name(Worker__Event event)
{
    static const char *const names[] = { "response", "down", "timeout", "start",
                                         "stop",     "call", "running" };

    return (size_t)event < hf_countof(names) ? names[event] : "unknown";
}

static void
show_update(void *arg, const void *message)
{
    struct asking *asking = arg;
    const Worker__StatusUpdate *update = message;
    const char *status = update->status == WORKER__STATUS__STATUS_FAILED ? "failed" : "success";
    char time[HF_TIMESTAMP_MAX] = "";
    struct hf_json json;

    if (update->timestamp && update->timestamp->seconds > 0) {
        hf_format_timestamp((uint64_t)update->timestamp->seconds * HF_SEC +
                                (uint64_t)update->timestamp->nanos,
                            time);
    }
    if (asking->cli->json) {
        hf_json_init(&json, &asking->out);
        hf_json_object(&json, NULL);
        hf_json_str(&json, "time", *time ? time : NULL);
        hf_json_str(&json, "event", event_name(update->event));
        hf_json_str(&json, "status", status);
        hf_json_str(&json, "instance", update->instance_id);
        hf_json_str(&json, "function", update->function_id);
        hf_json_end(&json);
        hf_text_add_char(&asking->out, '\n');
    } else {
        hf_text_printf(&asking->out, "%-24s  %-8s  %-7s  ", *time ? time : "-",
                       event_name(update->event), status);
        cli_add_shown(update->instance_id, &asking->out);
        hf_text_add(&asking->out, "  ");
        cli_add_shown(update->function_id, &asking->out);
        hf_text_add_char(&asking->out, '\n');
    }
    flush(asking);
}

static int
status(struct cli *cli, struct hf_err *err)
{
    Worker__StatusRequest request = WORKER__STATUS_REQUEST__INIT;
    const char *duration = cli_flag(cli, "duration");
    char id[HF_UUID_MAX]; /* a worker may silence a listener whose id is reused */
    struct asking asking = begin(cli, err);
    uint64_t limit_ns;
    int exit_code;
    int r = cli_parse_duration(duration ? duration : STATUS_DURATION, &limit_ns, err);

    if (r == 0 && limit_ns == 0) {
        r = hf_fail(err, HF_EINVALID, "must be above zero, found '%s'", duration);
    }
    if (r < 0) {
        hf_err_wrap(err, r, "--duration");
        return CLI_USAGE;
    }
    hf_uuid4(id);
    request.node_id = cli->argc > 0 ? (char *)(uintptr_t)cli->argv[0] : id; /* only read */
    exit_code = ask(&asking, "Status", &request.base, &worker__status_update__descriptor,
                    show_update, limit_ns);
    hf_text_fini(&asking.out);
    return exit_code;
}

/* --- metrics ---------------------------------------------------------------------------- */

static void
show_metrics(void *arg, const void *message)
{
    struct asking *asking = arg;
    const Worker__MetricsUpdate *metrics = message;
    struct hf_json json;

    if (!asking->cli->json) {
        hf_text_printf(&asking->out, "memory   %5.1f %%\n", metrics->used_ram_percent);
        for (size_t i = 0; i < metrics->n_cpu_percent_percpus; i++) {
            hf_text_printf(&asking->out, "cpu %-3zu  %5.1f %%\n", i,
                           metrics->cpu_percent_percpus[i]);
        }
        flush(asking);
        return;
    }
    hf_json_init(&json, &asking->out);
    hf_json_object(&json, NULL);
    hf_json_double(&json, "used_ram_percent", metrics->used_ram_percent);
    hf_json_array(&json, "cpu_percent_percpus");
    for (size_t i = 0; i < metrics->n_cpu_percent_percpus; i++) {
        hf_json_double(&json, NULL, metrics->cpu_percent_percpus[i]);
    }
    hf_json_end(&json);
    hf_json_end(&json);
    hf_text_add_char(&asking->out, '\n');
    flush(asking);
}

static int
metrics(struct cli *cli, struct hf_err *err)
{
    Worker__MetricsRequest request = WORKER__METRICS_REQUEST__INIT;
    struct asking asking = begin(cli, err);
    int exit_code;

    request.node_id = (char *)(uintptr_t)(cli->argc > 0 ? cli->argv[0] : "hyperfaas");
    exit_code = ask(&asking, "Metrics", &request.base, &worker__metrics_update__descriptor,
                    show_metrics, 0);
    hf_text_fini(&asking.out);
    return exit_code;
}

const struct cli_command cli_worker_commands[] = {
    { "worker start", "FUNCTION",
      "Starts an instance on a worker and prints its id. No leaf knows of it, so none sends it "
      "calls or stops it.",
      worker_flags, 1, 1, start, "hyperfaas worker start echo --address 127.0.0.1:50051" },
    { "worker stop", "INSTANCE", "Stops an instance on a worker.", worker_flags, 1, 1, stop,
      "hyperfaas worker stop 1f0c7a2b9d3e" },
    { "worker status", "[NODE-ID]",
      "Tells what happens on a worker, line by line. NODE-ID is the name to listen under (default: "
      "a fresh one).",
      status_flags, 0, 1, status, "hyperfaas worker status --duration 1m" },
    { "worker metrics", "[NODE-ID]", "Shows the use of a worker's memory and processors.",
      worker_flags, 0, 1, metrics, "hyperfaas worker metrics --json" },
    { 0 },
};
