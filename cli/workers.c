/*
 * workers.c - the workers that the configuration names or lets discover, and what runs on them.
 */
#include "workers.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/config.h"
#include "base/err.h"
#include "base/options.h"
#include "client.h"
#include "loop/loop.h"
#include "node/node_config.h"
#include "node/selector.h"
#include "store.h"

/* --- who they are ------------------------------------------------------------------------ */

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

    return r < 0 ? r : cli_store_list(store, HF_STORE_NODES, on_node, finding, err);
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

static int
find_workers(struct cli_workers *workers, struct hf_err *err)
{
    struct cli *cli = workers->cli;
    const struct hf_config_section *leaf = hf_config_section(cli->config, "leaf");
    hf_autotext struct hf_text all;
    size_t all_len;
    char *rest;
    int r;

    hf_text_init(&all);
    r = leaf ? add_of_leaf(cli, leaf, &all, err) : 0;
    if (r < 0) {
        return r;
    }
    if (!hf_config_value(leaf, "workers")) {
        hf_text_add(&all, cli_setting(cli, "worker", "api"));
    }
    all_len = all.len;
    workers->list = hf_text_steal(&all);
    /* an address takes a byte at least, and what divides it from the next another one */
    workers->items = calloc(all_len / 2 + 1, sizeof *workers->items);
    if (!workers->list || !workers->items) {
        return hf_fail(err, HF_ENOMEM, "no memory for the list of workers");
    }
    rest = workers->list;
    while (rest) {
        const char *address = strsep(&rest, ",");

        if (*address) {
            workers->items[workers->count++] =
                (struct cli_worker){ .all = workers, .address = address };
        }
    }
    return 0;
}

/* --- asking them ------------------------------------------------------------------------ */

void
cli_worker_complain(struct cli_worker *worker, struct hf_err *err)
{
    hf_err_wrap(err, hf_err_code(err), "worker '%s'", worker->address);
    cli_complain(worker->all->cli, err);
    worker->all->complete = false;
}

static void
on_event(void *arg, const void *message)
{
    struct cli_worker *worker = arg;
    const Hyperfaas__V1__WatchEvent *event = message;

    if (worker->synced && !worker->all->follow) {
        return;
    }
    if (event->event_case == HYPERFAAS__V1__WATCH_EVENT__EVENT_INSTANCE) {
        worker->all->each(worker->all->arg, worker, event->instance, NULL);
    } else if (event->event_case == HYPERFAAS__V1__WATCH_EVENT__EVENT_INSTANCE_ENDED &&
               event->instance_ended->instance) {
        worker->all->each(worker->all->arg, worker, event->instance_ended->instance,
                          event->instance_ended);
    } else if (event->event_case == HYPERFAAS__V1__WATCH_EVENT__EVENT_SNAPSHOT_END) {
        worker->synced = true;
    }
}

static void
on_watch_end(void *arg, const struct hf_grpc_result *result)
{
    struct cli_worker *worker = arg;
    struct hf_err err = HF_ERR_INIT;

    if (worker->all->ending) {
        return;
    }
    worker->watch = NULL;
    if (worker->synced && !worker->all->follow) {
        return;
    }
    worker->synced = true;
    if (result->code == HF_GRPC_UNIMPLEMENTED) {
        hf_fail(&err, HF_EUNSUPPORTED,
                "it is of another implementation, which tells nothing of its instances");
    } else if (hf_grpc_result_error(result, "listing instances", &err) == 0) {
        return;
    }
    cli_worker_complain(worker, &err);
}

static void
watch(struct cli_worker *worker)
{
    const struct cli_workers *workers = worker->all;
    Hyperfaas__V1__WatchRequest question = HYPERFAAS__V1__WATCH_REQUEST__INIT;
    const struct hf_grpc_request request = {
        .path = "/hyperfaas.v1.Node/Watch",
        .message = &question.base,
        .response = &hyperfaas__v1__watch_event__descriptor,
        .timeout_ns = workers->follow ? 0 : workers->cli->timeout_ns,
    };
    struct hf_err err = HF_ERR_INIT;
    int r = cli_manager_new(workers->cli, workers->loop, worker->address, &worker->client, &err);

    question.node_id = (char *)(uintptr_t) "hyperfaas"; /* only read */
    question.all = true;
    if (r == 0) {
        r = hf_grpc_client_stream(worker->client, &request, on_event, on_watch_end, worker,
                                  &worker->watch);
        r = r < 0 ? hf_fail(&err, r, "no memory to ask it") : 0;
    }
    if (r < 0) {
        worker->synced = true;
        cli_worker_complain(worker, &err);
    }
}

static bool
are_all_heard(void *arg)
{
    const struct cli_workers *workers = arg;

    for (size_t i = 0; i < workers->count; i++) {
        if (!workers->items[i].synced && !workers->interrupted) {
            return false;
        }
    }
    return true;
}

int
cli_workers_watch(struct cli *cli, struct cli_workers *workers, struct hf_err *err)
{
    int r;

    workers->cli = cli;
    workers->complete = true;
    if ((r = find_workers(workers, err)) < 0 ||
        (!workers->loop && (r = hf_loop_new("workers", &workers->loop, err)) < 0)) {
        return r;
    }
    for (size_t i = 0; i < workers->count; i++) {
        watch(&workers->items[i]);
    }
    return hf_loop_run_until(workers->loop, are_all_heard, workers, cli->timeout_ns + HF_SEC)
               ? 0
               : hf_fail(err, HF_ETIMEOUT, "the workers did not answer in time");
}

void
cli_workers_fini(struct cli_workers *workers)
{
    workers->ending = true;
    for (size_t i = 0; i < workers->count; i++) {
        hf_grpc_client_free(workers->items[i].client);
    }
    hf_loop_free(workers->loop);
    free(workers->items);
    free(workers->list);
}

/* --- in words --------------------------------------------------------------------------- */

const char *
cli_instance_state(const Hyperfaas__V1__Instance *instance)
{
    switch (instance->state) {
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

void
cli_add_end(const Hyperfaas__V1__InstanceEnded *end, struct hf_text *out)
{
    bool served = end->instance &&
                  end->instance->state != HYPERFAAS__V1__INSTANCE_STATE__INSTANCE_STATE_STARTING;

    if (end->known && end->out_of_memory) {
        hf_text_add(out, "out of memory");
    } else if (end->known && end->signal > 0) {
        const char *name = sigabbrev_np(end->signal);

        hf_text_printf(out, "signal %d%s%s%s", end->signal, name ? " (" : "", name ? name : "",
                       name ? ")" : "");
    } else if (end->known) {
        hf_text_printf(out, "exit code %d", end->exit_code);
    } else if (end->expected) {
        hf_text_add(out, "stopped");
    } else {
        hf_text_add(out, served ? "gone" : "not ready");
    }
}

uint64_t
cli_timestamp_ns(const Google__Protobuf__Timestamp *timestamp)
{
    return timestamp && timestamp->seconds > 0
               ? (uint64_t)timestamp->seconds * HF_SEC + (uint64_t)timestamp->nanos
               : 0;
}
