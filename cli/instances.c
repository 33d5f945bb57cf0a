/*
 * instances.c - `hyperfaas instances`: what there is on the workers, as they say it.
 */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "output.h"
#include "workers.h"

/* Of a revision, for people; it is enough to tell two apart. */
#define REVISION_SHOWN 8

static const struct cli_flag instances_flags[] = {
    { "all", 'a', NULL, "Also those that ended lately, and how." },
    { 0 },
};

/* The listing so far. */
struct listing {
    const struct cli *cli;
    struct cli_list list;
};

static void
add_row(struct cli_list *list, const char *worker, const Hyperfaas__V1__Instance *instance,
        const Hyperfaas__V1__InstanceEnded *end)
{
    hf_autotext struct hf_text state;
    char revision[REVISION_SHOWN + 1];
    char age[CLI_AGE_MAX];

    hf_text_init(&state);
    if (end) {
        cli_add_end(end, &state);
    } else {
        hf_text_add(&state, cli_instance_state(instance));
    }
    snprintf(revision, sizeof revision, "%s", instance->revision);
    cli_age(cli_timestamp_ns(end ? end->ended : instance->started), age);
    cli_list_row(list,
                 CLI_CELLS(instance->instance_id, instance->function_id, hf_text_str(&state), age,
                           revision, instance->external_address, worker, instance->name));
}

static void
add_time(struct hf_json *json, const char *key, const Google__Protobuf__Timestamp *timestamp)
{
    char text[HF_TIMESTAMP_MAX];
    uint64_t ns = cli_timestamp_ns(timestamp);

    if (ns > 0) {
        hf_format_timestamp(ns, text);
    }
    hf_json_str(json, key, ns > 0 ? text : NULL);
}

static void
add_json(struct hf_json *json, const char *worker, const Hyperfaas__V1__Instance *instance,
         const Hyperfaas__V1__InstanceEnded *end)
{
    hf_json_object(json, NULL);
    hf_json_str(json, "id", instance->instance_id);
    hf_json_str(json, "function", instance->function_id);
    hf_json_str(json, "state", end ? "ended" : cli_instance_state(instance));
    hf_json_str(json, "name", instance->name);
    hf_json_str(json, "worker", worker);
    hf_json_str(json, "internal_address", instance->internal_address);
    hf_json_str(json, "external_address", instance->external_address);
    hf_json_str(json, "leaf", instance->leaf_id);
    hf_json_str(json, "revision", instance->revision);
    add_time(json, "started", instance->started);
    if (end) {
        hf_json_object(json, "end");
        add_time(json, "time", end->ended);
        hf_json_bool(json, "expected", end->expected);
        if (end->known) {
            hf_json_i64(json, "exit_code", end->exit_code);
            hf_json_i64(json, "signal", end->signal);
            hf_json_bool(json, "out_of_memory", end->out_of_memory);
        }
        hf_json_str(json, "reason", end->reason);
        hf_json_end(json);
    }
    hf_json_end(json);
}

static void
add_instance(void *arg, struct cli_worker *worker, const Hyperfaas__V1__Instance *instance,
             const Hyperfaas__V1__InstanceEnded *end)
{
    struct listing *listing = arg;
    const struct cli *cli = listing->cli;

    if ((!end || cli_flag(cli, "all")) &&
        (cli->argc == 0 || strcmp(cli->argv[0], instance->function_id) == 0)) {
        if (cli->json) {
            add_json(&listing->list.json, worker->address, instance, end);
        } else {
            add_row(&listing->list, worker->address, instance, end);
        }
    }
}

static int
instances(struct cli *cli, struct hf_err *err)
{
    struct listing listing = { .cli = cli };
    struct cli_workers workers = { .each = add_instance, .arg = &listing };
    bool complete;
    int printed;

    cli_list_init(
        &listing.list, cli,
        CLI_CELLS("ID", "FUNCTION", "STATE", "AGE", "REVISION", "ADDRESS", "WORKER", "NAME"));
    complete = cli_workers_watch(cli, &workers, err) == 0 && workers.complete;
    printed = cli_list_print(&listing.list, err);
    cli_workers_fini(&workers);
    return complete ? printed : CLI_FAILED;
}

const struct cli_command cli_instances_commands[] = {
    { "instances", "[FUNCTION]",
      "Lists what runs and what starts on the workers; the age of one that ended is the time "
      "since.",
      instances_flags, 0, 1, instances, "hyperfaas instances echo --all" },
    { 0 },
};
