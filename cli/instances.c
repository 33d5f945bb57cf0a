/*
 * instances.c - `hyperfaas instances`: what there is on the workers, as they say it.
 */
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "cli.h"
#include "instance_text.h"
#include "table.h"
#include "workers.h"

/* Of a revision, for people; it is enough to tell two apart. */
#define REVISION_SHOWN 8

static const struct cli_flag instances_flags[] = {
    { "all", 'a', NULL, "Also those that ended lately, and how." },
    { 0 },
};

/* The listing so far. */
struct listing {
    const char *only; /* function; NULL: all */
    bool ended;       /* those too */
    struct cli_table *table;
    struct hf_json *json; /* NULL: text */
};

static void
add_row(struct cli_table *table, const char *worker, const Hyperfaas__V1__Instance *instance,
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
    cli_table_row(table,
                  CLI_CELLS(instance->instance_id, instance->function_id, hf_text_str(&state), age,
                            revision, instance->external_address, worker, instance->name));
}

static void
show_instance(void *arg, const char *worker, const Hyperfaas__V1__Instance *instance,
              const Hyperfaas__V1__InstanceEnded *end)
{
    struct listing *listing = arg;

    if ((end && !listing->ended) ||
        (listing->only && strcmp(listing->only, instance->function_id) != 0)) {
        return;
    }
    if (listing->json) {
        cli_instance_json(listing->json, worker, instance, end);
    } else {
        add_row(listing->table, worker, instance, end);
    }
}

/* Asks each; one that fails is reported and does not hide the others. */
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
    struct listing listing = {
        .only = cli->argc > 0 ? cli->argv[0] : NULL,
        .ended = cli_flag(cli, "all"),
    };
    hf_autotext struct hf_text out;
    struct cli_table table;
    struct hf_json json;
    bool complete;
    int printed;

    hf_text_init(&out);
    hf_json_init(&json, &out);
    cli_table_init(&table, CLI_CELLS("ID", "FUNCTION", "STATE", "AGE", "REVISION", "ADDRESS",
                                     "WORKER", "NAME"));
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
    { "instances", "[FUNCTION]",
      "Lists what runs and what starts on the workers; the age of one that ended is the time "
      "since.",
      instances_flags, 0, 1, instances, "hyperfaas instances echo --all" },
    { 0 },
};
