/*
 * workers.c - the workers that the configuration names or lets discover, and what runs on them.
 */
#include "workers.h"

#include <stdlib.h>
#include <string.h>

#include "base/config.h"
#include "base/err.h"
#include "base/options.h"
#include "node/node_config.h"
#include "node/selector.h"
#include "rpc.h"
#include "store.h"

/* What the store is searched for, and the addresses found. */
struct finding {
    struct hf_selector selector;
    struct hf_text *out;
};

static void
on_node(void *arg, const char *id, const struct hf_document *document, const char *message)
{
    struct finding *finding = arg;
    hf_autonode struct hf_node_document node;

    (void)message; /* `hyperfaas nodes` tells of documents that can't be read */
    hf_node_document_init(&node);
    if (document && hf_node_document_parse(id, document->data, document->len, &node, NULL) == 0 &&
        hf_selector_matches(&finding->selector, &node)) {
        hf_text_printf(finding->out, "%s,",
                       hf_node_document_address(&node, finding->selector.role, "api"));
    }
}

/* Adds the workers that a leaf would discover. */
static int
add_discovered(struct cli *cli, struct finding *finding, struct hf_err *err)
{
    hf_auto(cli_store_close) struct cli_store *store = NULL;
    int r = cli_store_open(cli, &store, err);

    return r < 0 ? r : cli_store_list_nodes(store, on_node, finding, err);
}

/* Adds those of `[leaf] workers`. */
static int
add_of_leaf(struct cli *cli, const struct hf_config_section *leaf, struct hf_text *out,
            struct hf_err *err)
{
    hf_auto(hf_options_free) struct hf_options *options = NULL;
    struct finding finding = { .out = out };
    const char *item;
    int r = hf_options_new("leaf", leaf, hf_node_section("leaf")->rows, &options, err);

    if (r == 0 &&
        (r = hf_selector_read(options, "workers", "worker", &finding.selector, err)) < 0) {
        hf_err_wrap(err, r, "[leaf] workers");
    }
    for (size_t i = 0; r == 0 && (item = hf_options_item(options, "workers", i)); i++) {
        if (!hf_selector_is_word(item)) {
            hf_text_printf(out, "%s,", item);
        }
    }
    return r == 0 && finding.selector.discover ? add_discovered(cli, &finding, err) : r;
}

int
cli_workers_find(struct cli *cli, struct cli_workers *ret, struct hf_err *err)
{
    const struct hf_config_section *leaf = hf_config_section(cli->config, "leaf");
    hf_autotext struct hf_text all;
    char *save = NULL;
    int r;

    hf_text_init(&all);
    ret->count = 0;
    ret->list = NULL;
    r = leaf ? add_of_leaf(cli, leaf, &all, err) : 0;
    if (r < 0) {
        return r;
    }
    if (!hf_config_value(leaf, "workers")) {
        hf_text_add(&all, cli_setting(cli, "worker", "api"));
    }
    ret->list = strdup(hf_text_str(&all));
    if (!ret->list) {
        return hf_fail(err, HF_ENOMEM, "no memory for the list of workers");
    }
    for (char *word = strtok_r(ret->list, ",", &save); word && ret->count < CLI_MAX_WORKERS;
         word = strtok_r(NULL, ",", &save)) {
        ret->address[ret->count++] = word;
    }
    return 0;
}

void
cli_workers_fini(struct cli_workers *workers)
{
    free(workers->list);
    workers->list = NULL;
}

/* --- asking one ------------------------------------------------------------------------- */

struct asking {
    const char *worker;
    cli_instance_fn *each;
    void *arg;
    bool synced; /* it has told all */
};

static void
on_event(void *arg, const void *message)
{
    struct asking *asking = arg;
    const Hyperfaas__V1__WatchEvent *event = message;

    if (asking->synced) {
        return;
    }
    if (event->event_case == HYPERFAAS__V1__WATCH_EVENT__EVENT_INSTANCE) {
        asking->each(asking->arg, asking->worker, event->instance, NULL);
    } else if (event->event_case == HYPERFAAS__V1__WATCH_EVENT__EVENT_INSTANCE_ENDED &&
               event->instance_ended->instance) {
        asking->each(asking->arg, asking->worker, event->instance_ended->instance,
                     event->instance_ended);
    } else if (event->event_case == HYPERFAAS__V1__WATCH_EVENT__EVENT_SNAPSHOT_END) {
        asking->synced = true;
    }
}

static bool
is_synced(void *arg)
{
    return ((const struct asking *)arg)->synced;
}

int
cli_worker_ask(const struct cli *cli, const char *worker, cli_instance_fn *each, void *arg,
               struct hf_err *err)
{
    Hyperfaas__V1__WatchRequest watch = HYPERFAAS__V1__WATCH_REQUEST__INIT;
    const struct hf_grpc_request request = {
        .path = "/hyperfaas.v1.Node/Watch",
        .message = &watch.base,
        .response = &hyperfaas__v1__watch_event__descriptor,
        .timeout_ns = cli->timeout_ns,
    };
    struct asking asking = { .worker = worker, .each = each, .arg = arg };
    const struct cli_rpc_wait wait = {
        .on_message = on_event,
        .is_enough = is_synced,
        .arg = &asking,
    };
    hf_auto(cli_rpc_close) struct cli_rpc *rpc = NULL;
    int r = cli_rpc_open(cli, worker, 0, &rpc, err);

    watch.node_id = (char *)(uintptr_t) "hyperfaas"; /* only read */
    watch.all = true;
    if (r == 0) {
        r = cli_rpc_call(rpc, &request, &wait, err);
    }
    if (r == HF_EUNSUPPORTED) {
        hf_fail(err, r, "it is of another implementation, which can't list instances");
    }
    return r < 0 && !asking.synced ? hf_err_wrap(err, r, "worker '%s'", worker) : 0;
}
