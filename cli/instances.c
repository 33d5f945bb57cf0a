/*
 * instances.c - `hyperfaas instances`: what runs on the workers, as they tell it.
 */
#include <string.h>

#include "base/err.h"
#include "cli.h"
#include "table.h"
#include "workers.h"

/* The listing so far. */
struct listing {
    const char *only; /* function; NULL: all */
    struct cli_table *table;
    struct hf_json *json; /* NULL: text */
};

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
show_instance(void *arg, const char *worker, const Hyperfaas__V1__Instance *instance)
{
    struct listing *listing = arg;
    struct hf_json *json = listing->json;

    if (listing->only && strcmp(listing->only, instance->function_id) != 0) {
        return;
    }
    if (!json) {
        cli_table_row(listing->table,
                      CLI_CELLS(instance->instance_id, instance->function_id,
                                state_name(instance->state), instance->external_address, worker,
                                instance->name));
        return;
    }
    hf_json_object(json, NULL);
    hf_json_str(json, "id", instance->instance_id);
    hf_json_str(json, "function", instance->function_id);
    hf_json_str(json, "state", state_name(instance->state));
    hf_json_str(json, "name", instance->name);
    hf_json_str(json, "worker", worker);
    hf_json_str(json, "internal_address", instance->internal_address);
    hf_json_str(json, "external_address", instance->external_address);
    hf_json_str(json, "leaf", instance->leaf_id);
    hf_json_end(json);
}

/* Asks each; one that fails is told of and does not hide the others. */
static bool
ask_workers(struct cli *cli, struct listing *listing, struct hf_err *err)
{
    struct cli_workers workers;
    bool complete = cli_workers_find(cli, &workers, err) == 0;

    for (size_t i = 0; workers.list && i < workers.count; i++) {
        if (cli_worker_ask(cli, workers.address[i], show_instance, listing, err) < 0) {
            cli_complain(cli, err);
            hf_err_clear(err);
            complete = false;
        }
    }
    cli_workers_fini(&workers);
    return complete;
}

static int
instances(struct cli *cli, struct hf_err *err)
{
    struct listing listing = { .only = cli->argc > 0 ? cli->argv[0] : NULL };
    hf_autotext struct hf_text out;
    struct cli_table table;
    struct hf_json json;
    bool complete;
    int printed;

    hf_text_init(&out);
    hf_json_init(&json, &out);
    cli_table_init(&table, CLI_CELLS("ID", "FUNCTION", "STATE", "ADDRESS", "WORKER", "NAME"));
    listing.table = &table;
    if (cli->json) {
        listing.json = &json;
        hf_json_array(&json, NULL);
    }
    complete = ask_workers(cli, &listing, err);
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
