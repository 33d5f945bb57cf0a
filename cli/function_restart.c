/*
 * function_restart.c - `hyperfaas function restart`: its instances are replaced, on all leaves.
 */
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/err.h"
#include "client.h"
#include "hyperfaas/v1/node.pb-c.h"
#include "node_list.h"
#include "output.h"
#include "store.h"

/* Between questions whether it is done. */
#define ASK_AGAIN_NS (100 * HF_MSEC)

static const struct cli_flag restart_flags[] = {
    { "wait", 'w', NULL,
      "Returns when the old instances have gone; gives up after --timeout, which they do not." },
    { 0 },
};

struct restart {
    struct cli *cli;
    uint32_t instances; /* that still have to go */
    uint32_t leaves;
    bool complete;
};

static void
on_message(void *arg, const void *message)
{
    const Hyperfaas__V1__RestartResponse *response = message;
    struct restart *restart = arg;

    restart->instances += response->instances;
}

/* Tells one leaf, or asks it only. */
static int
tell_leaf(struct restart *restart, const char *address, bool only_ask, struct hf_err *err)
{
    Hyperfaas__V1__RestartRequest message = HYPERFAAS__V1__RESTART_REQUEST__INIT;
    struct cli_call call = {
        .manager = restart->cli,
        .address = address,
        .request = { .path = "/hyperfaas.v1.Node/Restart",
                     .message = &message.base,
                     .response = &hyperfaas__v1__restart_response__descriptor,
                     .timeout_ns = restart->cli->timeout_ns },
        .on_message = on_message,
        .arg = restart,
    };
    int r;

    message.function_id = (char *)(uintptr_t)restart->cli->argv[0]; /* only read */
    message.only_ask = only_ask;
    r = cli_call(&call, err);
    if (r == HF_EUNSUPPORTED) {
        hf_fail(err, r,
                "it does not know how to restart a function: it is older, or of another "
                "implementation");
    }
    return r < 0 ? hf_err_wrap(err, r, "leaf '%s'", address) : 0;
}

/* All leaves; one that fails is told of and does not keep the others from it. */
static void
tell_leaves(struct restart *restart, const struct cli_node_list *list, bool only_ask)
{
    const struct cli_node *node;

    restart->instances = 0;
    restart->leaves = 0;
    HF_LIST_FOR (node, &list->nodes, link) {
        const char *address = hf_node_document_address(&node->document, "leaf", "api");
        struct hf_err err = HF_ERR_INIT;

        if (!address || !*address) {
            continue;
        }
        restart->leaves++;
        if (tell_leaf(restart, address, only_ask, &err) < 0) {
            cli_complain(restart->cli, &err);
            restart->complete = false;
        }
    }
}

/* Whether it is a function at all: a leaf knows only those that it runs. */
static int
check_registered(struct cli *cli, struct hf_err *err)
{
    hf_auto(cli_store_close) struct cli_store *store = NULL;
    struct cli_document document = { 0 };
    int r = cli_store_open(cli, &store, err);

    if (r == 0) {
        r = cli_store_get(store, cli->argv[0], &document, err);
        free(document.data);
    }
    return r == HF_ENOTFOUND
               ? hf_fail(err, r,
                         "function '%s' is not registered: 'hyperfaas function list' shows those "
                         "that are",
                         cli->argv[0])
               : r;
}

/* Until the old ones have gone. */
static int
wait_for_end(struct restart *restart, const struct cli_node_list *list, struct hf_err *err)
{
    uint64_t limit = hf_add_saturated(hf_now(), restart->cli->timeout_ns);
    const struct timespec pause = { .tv_nsec = (long)ASK_AGAIN_NS };

    while (restart->complete && restart->instances > 0) {
        if (hf_now() >= limit) {
            return hf_fail(
                err, HF_ETIMEOUT,
                "%u instances are still to be replaced, which goes on; --timeout waits longer",
                restart->instances);
        }
        nanosleep(&pause, NULL);
        tell_leaves(restart, list, true);
    }
    return 0;
}

static int
print(const struct restart *restart, uint32_t instances, struct hf_err *err)
{
    struct cli *cli = restart->cli;
    hf_autotext struct hf_text out;
    struct hf_json json;

    if (!cli->json) {
        hf_text_init(&out);
        hf_text_printf(&out, "Function '%s': %u instances %s replaced.\n", cli->argv[0], instances,
                       cli_flag(cli, "wait") ? "were" : "are being");
        return cli_print(&out, err);
    }
    cli_object_begin(&json, &out);
    hf_json_str(&json, "function", cli->argv[0]);
    hf_json_u64(&json, "instances", instances);
    hf_json_u64(&json, "leaves", restart->leaves);
    return cli_object_print(&json, err);
}

static int
restart_function(struct cli *cli, struct hf_err *err)
{
    cli_autonodes struct cli_node_list list = { .loop = NULL };
    struct restart restart = { .cli = cli, .complete = true };
    uint32_t instances;

    hf_list_init(&list.nodes);
    if (check_registered(cli, err) < 0 || cli_node_list(cli, &list, err) < 0) {
        return CLI_FAILED;
    }
    tell_leaves(&restart, &list, false);
    instances = restart.instances;
    if (restart.leaves == 0) {
        hf_fail(err, HF_EUNAVAILABLE,
                "no leaf is known: neither the store nor the configuration names one");
        return CLI_FAILED;
    }
    if (cli_flag(cli, "wait") && wait_for_end(&restart, &list, err) < 0) {
        return CLI_FAILED;
    }
    return restart.complete && list.complete ? print(&restart, instances, err) : CLI_FAILED;
}

const struct cli_command cli_function_restart_commands[] = {
    { "function restart", "ID",
      "Replaces its instances, each once another is ready: for a new program under the same image.",
      restart_flags, 1, 1, restart_function, "hyperfaas function restart echo --wait" },
    { 0 },
};
