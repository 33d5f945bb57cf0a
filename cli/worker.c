/*
 * worker.c - `hyperfaas worker ...`: asks one worker, of this implementation or another.
 */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/macros.h"
#include "base/random.h"
#include "client.h"
#include "output.h"
#include "worker/worker.pb-c.h"
#include "workers.h"

/* Rows for a table of flags. */
#define WORKER_FLAGS                                                                               \
    {                                                                                              \
        "address", 'a', "HOST:PORT", "The worker, instead of the configuration's [worker] api."    \
    }

static const struct cli_flag worker_flags[] = { WORKER_FLAGS, { 0 } };

static const struct cli_flag status_flags[] = {
    WORKER_FLAGS,
    { "duration", 0, "DURATION", "Ends after this long (default 10s)." },
    { 0 },
};

/* A call to a worker, and what has come of it. */
struct asking {
    const struct cli *cli;
    bool failed; /* the result can't be written: nobody reads it */
    struct hf_err *err;
};

static bool
has_failed(void *arg)
{
    return ((const struct asking *)arg)->failed;
}

/* Makes a call that ends by itself, or after `limit_ns` or Ctrl-C if that is not 0. */
static int
ask(const struct cli *cli, const char *path, const ProtobufCMessage *message,
    const ProtobufCMessageDescriptor *response, hf_grpc_message_fn *show, uint64_t limit_ns,
    struct hf_err *err)
{
    const char *given = cli_flag(cli, "address");
    struct asking asking = { .cli = cli, .err = err };
    struct cli_call call = {
        .manager = cli,
        .address = given ? given : cli_setting(cli, "worker", "api"),
        .request = { .path = path,
                     .message = message,
                     .response = response,
                     .timeout_ns = limit_ns > 0 ? 0 : cli->timeout_ns },
        .on_message = show,
        .is_enough = has_failed,
        .arg = &asking,
        .limit_ns = limit_ns,
        .interruptible = limit_ns > 0,
    };
    int r = cli_call(&call, err);

    if (r < 0 && call.refused) {
        hf_err_wrap(err, r, "worker '%s'", call.address);
    }
    return r < 0 || asking.failed ? CLI_FAILED : CLI_OK;
}

/* --- start, stop ------------------------------------------------------------------------ */

static void
show_id(struct asking *asking, const char *id)
{
    hf_autotext struct hf_text out;

    hf_text_init(&out);
    cli_add_shown(id, &out);
    hf_text_add_char(&out, '\n');
    asking->failed |= cli_print(&out, asking->err) != CLI_OK;
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
    struct hf_text out;

    if (!asking->cli->json) {
        show_id(asking, started->instance_id);
        show_addresses(started);
        return;
    }
    cli_object_begin(&json, &out);
    hf_json_str(&json, "id", started->instance_id);
    hf_json_str(&json, "name", started->instance_name);
    hf_json_str(&json, "internal_address", started->instance_internal_ip);
    hf_json_str(&json, "external_address", started->instance_external_ip);
    asking->failed |= cli_object_print(&json, asking->err) != CLI_OK;
}

static int
start(struct cli *cli, struct hf_err *err)
{
    Worker__StartRequest request = WORKER__START_REQUEST__INIT;

    request.function_id = (char *)(uintptr_t)cli->argv[0]; /* only read */
    return ask(cli, "/worker.Worker/Start", &request.base, &worker__start_response__descriptor,
               show_started, 0, err);
}

static void
show_stopped(void *arg, const void *message)
{
    struct asking *asking = arg;
    const Worker__StopResponse *stopped = message;
    struct hf_json json;
    struct hf_text out;

    if (!asking->cli->json) {
        show_id(asking, stopped->instance_id);
        return;
    }
    cli_object_begin(&json, &out);
    hf_json_str(&json, "id", stopped->instance_id);
    asking->failed |= cli_object_print(&json, asking->err) != CLI_OK;
}

static int
stop(struct cli *cli, struct hf_err *err)
{
    Worker__StopRequest request = WORKER__STOP_REQUEST__INIT;

    request.instance_id = (char *)(uintptr_t)cli->argv[0]; /* only read */
    return ask(cli, "/worker.Worker/Stop", &request.base, &worker__stop_response__descriptor,
               show_stopped, 0, err);
}

/* --- status ----------------------------------------------------------------------------- */

static const char *
event_name(Worker__Event event)
{
    static const char *const names[] = { "response", "down", "timeout", "start",
                                         "stop",     "call", "running" };

    return (size_t)event < hf_countof(names) ? names[event] : "unknown";
}

static int
print_update(const struct cli *cli, const Worker__StatusUpdate *update, struct hf_err *err)
{
    const char *status = update->status == WORKER__STATUS__STATUS_FAILED ? "failed" : "success";
    uint64_t ns = cli_timestamp_ns(update->timestamp);
    hf_autotext struct hf_text out;
    char time[HF_TIMESTAMP_MAX] = "-";
    struct hf_json json;

    if (ns > 0) {
        hf_format_timestamp(ns, time);
    }
    if (cli->json) {
        cli_object_begin(&json, &out);
        hf_json_str(&json, "time", ns > 0 ? time : NULL);
        hf_json_str(&json, "event", event_name(update->event));
        hf_json_str(&json, "status", status);
        hf_json_str(&json, "instance", update->instance_id);
        hf_json_str(&json, "function", update->function_id);
        return cli_object_print(&json, err);
    }
    hf_text_init(&out);
    hf_text_printf(&out, "%-24s  %-8s  %-7s  ", time, event_name(update->event), status);
    cli_add_shown(update->instance_id, &out);
    hf_text_add(&out, "  ");
    cli_add_shown(update->function_id, &out);
    hf_text_add_char(&out, '\n');
    return cli_print(&out, err);
}

static void
show_update(void *arg, const void *message)
{
    struct asking *asking = arg;

    asking->failed |= print_update(asking->cli, message, asking->err) != CLI_OK;
}

static int
status(struct cli *cli, struct hf_err *err)
{
    Worker__StatusRequest request = WORKER__STATUS_REQUEST__INIT;
    char id[HF_UUID_MAX]; /* a worker may silence a listener whose id is reused */
    uint64_t limit_ns;

    if (cli_duration(cli, "duration", 10 * HF_SEC, &limit_ns, err) < 0) {
        return CLI_USAGE;
    }
    hf_uuid4(id);
    request.node_id = cli->argc > 0 ? (char *)(uintptr_t)cli->argv[0] : id; /* only read */
    return ask(cli, "/worker.Worker/Status", &request.base, &worker__status_update__descriptor,
               show_update, limit_ns, err);
}

/* --- metrics ---------------------------------------------------------------------------- */

static int
print_metrics(const struct cli *cli, const Worker__MetricsUpdate *metrics, struct hf_err *err)
{
    hf_autotext struct hf_text out;
    struct hf_json json;

    if (cli->json) {
        cli_object_begin(&json, &out);
        hf_json_double(&json, "used_ram_percent", metrics->used_ram_percent);
        hf_json_array(&json, "cpu_percent_percpus");
        for (size_t i = 0; i < metrics->n_cpu_percent_percpus; i++) {
            hf_json_double(&json, NULL, metrics->cpu_percent_percpus[i]);
        }
        hf_json_end(&json);
        return cli_object_print(&json, err);
    }
    hf_text_init(&out);
    hf_text_printf(&out, "memory   %5.1f %%\n", metrics->used_ram_percent);
    for (size_t i = 0; i < metrics->n_cpu_percent_percpus; i++) {
        hf_text_printf(&out, "cpu %-3zu  %5.1f %%\n", i, metrics->cpu_percent_percpus[i]);
    }
    return cli_print(&out, err);
}

static void
show_metrics(void *arg, const void *message)
{
    struct asking *asking = arg;

    asking->failed |= print_metrics(asking->cli, message, asking->err) != CLI_OK;
}

static int
metrics(struct cli *cli, struct hf_err *err)
{
    Worker__MetricsRequest request = WORKER__METRICS_REQUEST__INIT;

    request.node_id = (char *)(uintptr_t)(cli->argc > 0 ? cli->argv[0] : "hyperfaas");
    return ask(cli, "/worker.Worker/Metrics", &request.base, &worker__metrics_update__descriptor,
               show_metrics, 0, err);
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
