/*
 * nodes.c - commands that concern the nodes of the platform: who is there, out of service
 * and back.
 */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "client.h"
#include "hyperfaas/v1/node.pb-c.h"
#include "node/message_json.h"
#include "node_list.h"
#include "output.h"

/* --- nodes --------------------------------------------------------------------------------- */

static const char *
state_of(const struct cli_node *node)
{
    if (!node->reachable) {
        return "unreachable";
    }
    return node->draining ? "draining" : "ready";
}

static void
add_row(struct cli_list *list, const struct cli_node *node)
{
    const Hyperfaas__V1__InfoResponse *info = &node->document.info;
    hf_autotext struct hf_text roles;
    hf_autotext struct hf_text addresses;
    char age[CLI_AGE_MAX];

    hf_text_init(&roles);
    hf_text_init(&addresses);
    for (size_t i = 0; i < info->n_roles; i++) {
        hf_text_printf(&roles, "%s%s", i ? "," : "", info->roles[i]);
    }
    for (size_t i = 0; i < info->n_addresses; i++) {
        if (strcmp(info->addresses[i]->service, "api") == 0) {
            hf_text_printf(&addresses, "%s%s", addresses.len ? "," : "",
                           info->addresses[i]->address);
        }
    }
    cli_list_row(list, CLI_CELLS(info->node_id, hf_text_str(&roles),
                                 addresses.len ? hf_text_str(&addresses) : node->api, info->zone,
                                 info->version, state_of(node), cli_age(node->started_ns, age)));
}

static void
add_json(struct hf_json *json, const struct cli_node *node)
{
    const Hyperfaas__V1__InfoResponse *info = &node->document.info;
    char started[HF_TIMESTAMP_MAX];

    hf_json_object(json, NULL);
    hf_json_str(json, "id", info->node_id);
    hf_json_str(json, "state", state_of(node));
    hf_json_bool(json, "registered", node->registered);
    hf_json_str(json, "api", node->api);
    hf_message_write_field(json, &info->base, "roles");
    hf_message_write_field(json, &info->base, "addresses");
    hf_message_write_field(json, &info->base, "labels");
    hf_json_str(json, "zone", info->zone);
    hf_json_str(json, "version", info->version);
    hf_json_str(json, "boot_id", info->boot_id);
    if (node->started_ns > 0) {
        hf_format_timestamp(node->started_ns, started);
        hf_json_str(json, "started", started);
    }
    if (node->why) {
        hf_json_str(json, "error", node->why);
    }
    hf_json_end(json);
}

static int
nodes(struct cli *cli, struct hf_err *err)
{
    cli_autonodes struct cli_node_list nodes = { .loop = NULL };
    const struct cli_node *node;
    struct cli_list list;
    int printed;

    hf_list_init(&nodes.nodes);
    if (cli_node_list(cli, &nodes, err) < 0) {
        return CLI_FAILED;
    }
    cli_list_init(&list, cli,
                  CLI_CELLS("ID", "ROLES", "ADDRESS", "ZONE", "VERSION", "STATE", "AGE"));
    HF_LIST_FOR (node, &nodes.nodes, link) {
        if (cli->json) {
            add_json(&list.json, node);
        } else {
            add_row(&list, node);
        }
    }
    printed = cli_list_print(&list, err);
    return nodes.complete ? printed : CLI_FAILED;
}

/* --- drain, undrain ------------------------------------------------------------------------ */

/* The API address of the node that the command names, by its id or by that address. */
static int
find_node(struct cli *cli, char ret[static 256], struct hf_err *err)
{
    cli_autonodes struct cli_node_list list = { .loop = NULL };
    const char *name = cli->argv[0];
    const struct cli_node *node;
    int r;

    hf_list_init(&list.nodes);
    if (strchr(name, ':')) {
        snprintf(ret, 256, "%s", name);
        return 0;
    }
    r = cli_node_list(cli, &list, err);
    if (r < 0) {
        return r;
    }
    HF_LIST_FOR (node, &list.nodes, link) {
        if (strcmp(node->document.info.node_id, name) == 0) {
            snprintf(ret, 256, "%s", node->api);
            return 0;
        }
    }
    return hf_fail(err, HF_ENOTFOUND,
                   "there is no node '%s': 'hyperfaas nodes' shows those there are; or name the "
                   "address of its API",
                   name);
}

static void
on_drained(void *arg, const void *message)
{
    const Hyperfaas__V1__DrainResponse *response = message;
    Hyperfaas__V1__DrainResponse *drained = arg;

    drained->calls_cut_off = response->calls_cut_off;
    drained->instances_stopped = response->instances_stopped;
}

static int
conclude(const struct cli *cli, const Hyperfaas__V1__DrainResponse *response, bool drained,
         struct hf_err *err)
{
    hf_autotext struct hf_text out;
    struct hf_json json;

    if (cli->json) {
        cli_object_begin(&json, &out);
        hf_json_str(&json, "node", cli->argv[0]);
        hf_json_bool(&json, "drained", drained);
        hf_json_u64(&json, "calls_cut_off", response->calls_cut_off);
        hf_json_u64(&json, "instances_stopped", response->instances_stopped);
        return cli_object_print(&json, err);
    }
    hf_text_init(&out);
    hf_text_printf(&out, "Node '%s' is %s.\n", cli->argv[0],
                   drained ? "drained" : "back in service");
    if (response->calls_cut_off > 0 || response->instances_stopped > 0) {
        hf_text_printf(&out, "Cut off at the limit: %u calls, %u instances.\n",
                       response->calls_cut_off, response->instances_stopped);
    }
    return cli_print(&out, err);
}

static int
drain(struct cli *cli, struct hf_err *err)
{
    Hyperfaas__V1__DrainRequest message = HYPERFAAS__V1__DRAIN_REQUEST__INIT;
    Hyperfaas__V1__DrainResponse drained = HYPERFAAS__V1__DRAIN_RESPONSE__INIT;
    uint64_t limit_ns = cli_number(cli, "limit", 0);
    char api[256];
    struct cli_call call = {
        .manager = cli,
        .address = api,
        .request = { .path = "/hyperfaas.v1.Node/Drain",
                     .message = &message.base,
                     .response = &hyperfaas__v1__drain_response__descriptor,
                     .timeout_ns = cli->timeout_ns },
        .on_message = on_drained,
        .arg = &drained,
    };

    message.limit_ms = (uint32_t)hf_min((limit_ns + HF_MSEC - 1) / HF_MSEC, (uint64_t)UINT32_MAX);
    message.stop = cli_flag(cli, "stop") != NULL;
    if (find_node(cli, api, err) < 0) {
        return CLI_FAILED;
    }
    if (cli_call(&call, err) < 0) {
        if (hf_err_code(err) == HF_ETIMEOUT) {
            hf_fail(err, HF_ETIMEOUT, "node '%s' is still draining, and goes on", cli->argv[0]);
        }
        return CLI_FAILED;
    }
    return conclude(cli, &drained, true, err);
}

static int
undrain(struct cli *cli, struct hf_err *err)
{
    Hyperfaas__V1__UndrainRequest message = HYPERFAAS__V1__UNDRAIN_REQUEST__INIT;
    static const Hyperfaas__V1__DrainResponse nothing = HYPERFAAS__V1__DRAIN_RESPONSE__INIT;
    char api[256];
    struct cli_call call = {
        .manager = cli,
        .address = api,
        .request = { .path = "/hyperfaas.v1.Node/Undrain",
                     .message = &message.base,
                     .response = &hyperfaas__v1__undrain_response__descriptor,
                     .timeout_ns = cli->timeout_ns },
    };

    return find_node(cli, api, err) < 0 || cli_call(&call, err) < 0
               ? CLI_FAILED
               : conclude(cli, &nothing, false, err);
}

static const struct cli_flag drain_flags[] = {
    { "limit", 'l', "DURATION",
      "What still runs after this long is cut off; else the node's own." },
    { "stop", 0, NULL, "Ends the process afterwards." },
    { .name = NULL },
};

const struct cli_command cli_nodes_commands[] = {
    { "nodes", "",
      "Lists the nodes: those that announced themselves in the store, and those that the "
      "configuration names.",
      NULL, 0, 0, nodes, "hyperfaas nodes --json" },
    { "drain", "NODE",
      "Takes a node out of service and waits until nothing runs there; NODE is its id, or its "
      "API address. It stays up, and drained.",
      drain_flags, 1, 1, drain, "hyperfaas drain worker-1 --limit 1m" },
    { "undrain", "NODE", "Takes a drained node back into service.", NULL, 1, 1, undrain,
      "hyperfaas undrain worker-1" },
    { 0 },
};
