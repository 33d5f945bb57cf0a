/*
 * nodes.c - commands that concern the nodes of the platform: who is there, out of service
 * and back.
 */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/parse.h"
#include "cli.h"
#include "grpc/client.h"
#include "hyperfaas/v1/node.pb-c.h"
#include "loop/loop.h"
#include "node/message_json.h"
#include "node_list.h"
#include "secret.h"
#include "table.h"

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
add_row(struct cli_table *table, const struct cli_node *node)
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
    cli_table_row(table, CLI_CELLS(info->node_id, hf_text_str(&roles),
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
    cli_autonodes struct cli_node_list list = { .loop = NULL };
    const struct cli_node *node;
    hf_autotext struct hf_text out;
    struct cli_table table;
    struct hf_json json;
    int printed;

    hf_list_init(&list.nodes);
    hf_text_init(&out);
    if (cli_node_list(cli, &list, err) < 0) {
        return CLI_FAILED;
    }
    cli_table_init(&table, CLI_CELLS("ID", "ROLES", "ADDRESS", "ZONE", "VERSION", "STATE", "AGE"));
    hf_json_init(&json, &out);
    hf_json_array(&json, NULL);
    HF_LIST_FOR (node, &list.nodes, link) {
        add_row(&table, node);
        add_json(&json, node);
    }
    hf_json_end(&json);
    if (cli->json) {
        printed = cli_print_json(&out, err);
    } else {
        hf_text_clear(&out);
        cli_table_format(&table, &out);
        printed = cli_print(&out, err);
    }
    cli_table_fini(&table);
    return list.complete ? printed : CLI_FAILED;
}

/* --- drain, undrain ------------------------------------------------------------------------ */

/* One call to one node. */
struct errand {
    bool done;
    int code;
    uint32_t calls_cut_off;
    uint32_t instances_stopped;
    struct hf_err *err;
};

static void
on_errand_done(void *arg, const struct hf_grpc_result *result)
{
    struct errand *errand = arg;
    const ProtobufCMessage *response = result->response;

    errand->done = true;
    errand->code = hf_grpc_result_error(result, "the node", errand->err);
    if (errand->code == 0 && response->descriptor == &hyperfaas__v1__drain_response__descriptor) {
        const Hyperfaas__V1__DrainResponse *drained = result->response;

        errand->calls_cut_off = drained->calls_cut_off;
        errand->instances_stopped = drained->instances_stopped;
    }
}

static bool
is_done(void *arg)
{
    const struct errand *errand = arg;

    return errand->done;
}

static int
run_errand(const struct cli *cli, const char *api, const struct hf_grpc_request *request,
           struct errand *errand)
{
    struct hf_grpc_client *client = NULL;
    struct hf_loop *loop = NULL;
    int r = hf_loop_new("errand", &loop, errand->err);

    if (r == 0) {
        r = cli_manager_new(cli, loop, api, &client, errand->err);
    }
    if (r == 0) {
        r = hf_grpc_client_unary(client, request, on_errand_done, errand, NULL);
    }
    if (r == 0) {
        hf_loop_run_until(loop, is_done, errand, request->timeout_ns + HF_SEC);
        r = errand->code;
    }
    hf_grpc_client_free(client);
    hf_loop_free(loop);
    return r;
}

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

static int
conclude(const struct cli *cli, const struct errand *errand, bool drained, struct hf_err *err)
{
    hf_autotext struct hf_text out;
    struct hf_json json;

    hf_text_init(&out);
    if (cli->json) {
        hf_json_init(&json, &out);
        hf_json_object(&json, NULL);
        hf_json_str(&json, "node", cli->argv[0]);
        hf_json_bool(&json, "drained", drained);
        hf_json_u64(&json, "calls_cut_off", errand->calls_cut_off);
        hf_json_u64(&json, "instances_stopped", errand->instances_stopped);
        hf_json_end(&json);
        return cli_print_json(&out, err);
    }
    hf_text_printf(&out, "Node '%s' is %s.\n", cli->argv[0],
                   drained ? "drained" : "back in service");
    if (errand->calls_cut_off > 0 || errand->instances_stopped > 0) {
        hf_text_printf(&out, "Cut off at the limit: %u calls, %u instances.\n",
                       errand->calls_cut_off, errand->instances_stopped);
    }
    return cli_print(&out, err);
}

static int
drain(struct cli *cli, struct hf_err *err)
{
    Hyperfaas__V1__DrainRequest message = HYPERFAAS__V1__DRAIN_REQUEST__INIT;
    const struct hf_grpc_request request = {
        .path = "/hyperfaas.v1.Node/Drain",
        .message = &message.base,
        .response = &hyperfaas__v1__drain_response__descriptor,
        .timeout_ns = cli->timeout_ns,
    };
    const char *limit = cli_flag(cli, "limit");
    struct errand errand = { .err = err };
    uint64_t limit_ns = 0;
    char api[256];

    if (limit && hf_parse_duration(limit, &limit_ns, err) < 0) {
        hf_err_wrap(err, HF_EINVALID, "--limit");
        return CLI_USAGE;
    }
    message.limit_ms = (uint32_t)hf_min((limit_ns + HF_MSEC - 1) / HF_MSEC, (uint64_t)UINT32_MAX);
    message.stop = cli_flag(cli, "stop") != NULL;
    if (find_node(cli, api, err) < 0) {
        return CLI_FAILED;
    }
    if (run_errand(cli, api, &request, &errand) < 0) {
        if (hf_err_code(err) == HF_ETIMEOUT) {
            hf_fail(err, HF_ETIMEOUT, "node '%s' is still draining, and goes on", cli->argv[0]);
        }
        return CLI_FAILED;
    }
    return conclude(cli, &errand, true, err);
}

static int
undrain(struct cli *cli, struct hf_err *err)
{
    Hyperfaas__V1__UndrainRequest message = HYPERFAAS__V1__UNDRAIN_REQUEST__INIT;
    const struct hf_grpc_request request = {
        .path = "/hyperfaas.v1.Node/Undrain",
        .message = &message.base,
        .response = &hyperfaas__v1__undrain_response__descriptor,
        .timeout_ns = cli->timeout_ns,
    };
    struct errand errand = { .err = err };
    char api[256];

    if (find_node(cli, api, err) < 0 || run_errand(cli, api, &request, &errand) < 0) {
        return CLI_FAILED;
    }
    return conclude(cli, &errand, false, err);
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
