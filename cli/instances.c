/*
 * instances.c - `hyperfaas instances`: what runs on the workers, as they tell it.
 */
#include <string.h>

#include "base/config.h"
#include "base/err.h"
#include "base/macros.h"
#include "cli.h"
#include "grpc/client.h"
#include "hyperfaas/v1/node.pb-c.h"
#include "loop/loop.h"
#include "table.h"

#define MAX_WORKERS 1024

/* The listing, and the worker that is being asked. */
struct asking {
    const char *only; /* function; NULL: all */
    struct cli_table *table;
    struct hf_json *json; /* NULL: text */
    const char *worker;
    bool synced; /* it has told all */
    bool done;
    int code;
    struct hf_err *err;
};

/* --- asking one worker ---------------------------------------------------------------------- */

static const char *
state_name(Hyperfaas__V1__InstanceState state)
{
    switch (state) {
    case HYPERFAAS__V1__INSTANCE_STATE__INSTANCE_STATE_STARTING:
        return "starting";
    case HYPERFAAS__V1__INSTANCE_STATE__INSTANCE_STATE_READY:
        return "ready";
    case HYPERFAAS__V1__INSTANCE_STATE__INSTANCE_STATE_STOPPING:
        return "stopping";
    default:
        return "unknown";
    }
}

static void
show_instance(struct asking *asking, const Hyperfaas__V1__Instance *instance)
{
    if (asking->only && strcmp(asking->only, instance->function_id) != 0) {
        return;
    }
    if (!asking->json) {
        cli_table_row(asking->table,
                      CLI_CELLS(instance->instance_id, instance->function_id,
                                state_name(instance->state), instance->external_address,
                                asking->worker, instance->name));
        return;
    }
    hf_json_object(asking->json, NULL);
    hf_json_str(asking->json, "id", instance->instance_id);
    hf_json_str(asking->json, "function", instance->function_id);
    hf_json_str(asking->json, "state", state_name(instance->state));
    hf_json_str(asking->json, "name", instance->name);
    hf_json_str(asking->json, "worker", asking->worker);
    hf_json_str(asking->json, "internal_address", instance->internal_address);
    hf_json_str(asking->json, "external_address", instance->external_address);
    hf_json_str(asking->json, "leaf", instance->leaf_id);
    hf_json_end(asking->json);
}

static void
on_event(void *arg, const void *message)
{
    struct asking *asking = arg;
    const Hyperfaas__V1__WatchEvent *event = message;

    if (event->event_case == HYPERFAAS__V1__WATCH_EVENT__EVENT_INSTANCE && !asking->synced) {
        show_instance(asking, event->instance);
    } else if (event->event_case == HYPERFAAS__V1__WATCH_EVENT__EVENT_SNAPSHOT_END) {
        asking->synced = true;
    }
}

static void
on_end(void *arg, const struct hf_grpc_result *result)
{
    struct asking *asking = arg;

    asking->done = true;
    asking->code = result->code == HF_GRPC_UNIMPLEMENTED
                       ? hf_fail(asking->err, HF_EUNSUPPORTED,
                                 "it is of another implementation, which can't list instances")
                       : hf_grpc_result_error(result, "listing instances", asking->err);
}

static bool
is_answered(void *arg)
{
    const struct asking *asking = arg;

    return asking->synced || asking->done;
}

static int
ask_worker(struct cli *cli, struct asking *asking, struct hf_loop *loop)
{
    Hyperfaas__V1__WatchRequest watch = HYPERFAAS__V1__WATCH_REQUEST__INIT;
    const struct hf_grpc_request request = {
        .path = "/hyperfaas.v1.Node/Watch",
        .message = &watch.base,
        .response = &hyperfaas__v1__watch_event__descriptor,
        .timeout_ns = cli->timeout_ns,
    };
    struct hf_grpc_client_call *call = NULL;
    struct hf_grpc_client *client;
    int r = hf_grpc_client_new(loop, asking->worker, NULL, &client, asking->err);

    asking->synced = asking->done = false;
    if (r == 0) {
        watch.node_id = (char *)(uintptr_t) "hyperfaas instances"; /* only read */
        r = hf_grpc_client_stream(client, &request, on_event, on_end, asking, &call);
        if (r == 0 && !hf_loop_run_until(loop, is_answered, asking, cli->timeout_ns + HF_SEC)) {
            r = hf_fail(asking->err, HF_ETIMEOUT, "no answer in time");
        } else if (r == 0 && !asking->synced) {
            r = asking->code;
        }
        if (!asking->done) {
            hf_grpc_client_call_cancel(call);
        }
        hf_grpc_client_free(client);
    }
    return r < 0 ? hf_err_wrap(asking->err, r, "worker '%s'", asking->worker) : 0;
}

/* --- all workers ------------------------------------------------------------------------------ */

/* The worker addresses of the configuration: the leaf's list, or this node's own.  They point
 * into `*list`, which the caller frees. */
static size_t
find_workers(const struct cli *cli, char **list, const char **ret, size_t max)
{
    const struct hf_config_section *leaf = hf_config_section(cli->config, "leaf");
    const struct hf_config_value *value;
    struct hf_text all;
    size_t count = 0;
    char *save = NULL;

    hf_text_init(&all);
    if (leaf) {
        HF_LIST_FOR (value, &leaf->values, node) {
            if (strcmp(value->key, "workers") == 0) {
                hf_text_printf(&all, "%s,", value->text);
            }
        }
    }
    if (all.len == 0) {
        hf_text_add(&all, cli_setting(cli, "worker", "api"));
    }
    *list = hf_text_steal(&all);
    for (char *word = *list ? strtok_r(*list, ", \t\n", &save) : NULL; word && count < max;
         word = strtok_r(NULL, ", \t\n", &save)) {
        ret[count++] = word;
    }
    return count;
}

/* Asks each; one that fails is told of and does not hide the others. */
static bool
ask_workers(struct cli *cli, struct asking *asking, struct hf_loop *loop)
{
    const char *workers[MAX_WORKERS];
    hf_autofree char *list = NULL;
    size_t count = find_workers(cli, &list, workers, hf_countof(workers));
    bool complete = true;

    for (size_t i = 0; i < count; i++) {
        asking->worker = workers[i];
        if (ask_worker(cli, asking, loop) < 0) {
            cli_complain(cli, asking->err);
            hf_err_clear(asking->err);
            complete = false;
        }
    }
    return complete;
}

static int
instances(struct cli *cli, struct hf_err *err)
{
    struct asking asking = { .only = cli->argc > 0 ? cli->argv[0] : NULL, .err = err };
    hf_autotext struct hf_text out;
    struct cli_table table;
    struct hf_loop *loop = NULL;
    struct hf_json json;
    bool complete;
    int printed;

    hf_text_init(&out);
    hf_json_init(&json, &out);
    if (hf_loop_new("instances", &loop, err) < 0) {
        return CLI_FAILED;
    }
    cli_table_init(&table, CLI_CELLS("ID", "FUNCTION", "STATE", "ADDRESS", "WORKER", "NAME"));
    asking.table = &table;
    if (cli->json) {
        asking.json = &json;
        hf_json_array(&json, NULL);
    }
    complete = ask_workers(cli, &asking, loop);
    hf_loop_free(loop);
    if (cli->json) {
        hf_json_end(&json);
        printed = cli_print_json(&out, err);
    } else {
        cli_table_format(&table, &out);
        printed = cli_print(&out, err);
    }
    cli_table_fini(&table);
    return complete ? printed : CLI_FAILED;
}

const struct cli_command cli_instances_commands[] = {
    { "instances", "[FUNCTION]", "Lists what runs on the workers.", NULL, 0, 1, instances,
      "hyperfaas instances echo" },
    { 0 },
};
