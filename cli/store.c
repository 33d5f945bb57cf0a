/*
 * store.c - the metadata store as a command sees it: operations that wait.
 */
#include "store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/options.h"
#include "base/random.h"
#include "cli.h"
#include "loop/loop.h"
#include "node/driver_host.h"
#include "plugin/module.h"

struct cli_store {
    struct hf_loop *loop;
    struct hf_options *options;
    struct hf_driver_host *host;
    const struct hf_store_ops *ops;
    struct hf_store *store;
    uint64_t timeout_ns;

    /* The operation under way. */
    bool done;
    int code;
    char message[512];
    struct cli_document *document; /* where to put what is read; NULL: nowhere */
    cli_store_each_fn *each;
    void *each_arg;
};

/* --- opening ---------------------------------------------------------------------- */

int
cli_store_open(struct cli *cli, struct cli_store **ret, struct hf_err *err)
{
    hf_auto(cli_store_close) struct cli_store *store = calloc(1, sizeof *store);
    const struct hf_module_request request = {
        .kind = HF_PLUGIN_STORE,
        .section = "store",
        .fallback = "file",
    };
    const struct hf_module *module;
    struct hf_plugin_path path;
    int r;

    if (!store) {
        return hf_fail(err, HF_ENOMEM, "no memory to open the store");
    }
    store->timeout_ns = cli->timeout_ns;
    if ((r = cli_plugin_path(cli, &path, err)) < 0 ||
        (r = hf_module_configure(cli->config, &request, &path, &module, &store->options, err)) <
            0 ||
        (r = hf_loop_new("cli", &store->loop, err)) < 0 ||
        (r = hf_driver_host_new(store->loop, NULL, module->host, hf_random_os_u64(), &store->host,
                                err)) < 0) {
        return r;
    }
    store->ops = module->ops.store;
    r = store->ops->create(store->host, store->options, &store->store, err);
    if (r < 0) {
        return r;
    }
    *ret = hf_steal(store);
    return 0;
}

void
cli_store_close(struct cli_store *store)
{
    if (!store) {
        return;
    }
    if (store->store) {
        store->ops->destroy(store->store);
    }
    hf_driver_host_free(store->host);
    hf_loop_free(store->loop);
    hf_options_free(store->options);
    free(store);
}

/* --- waiting ---------------------------------------------------------------------- */

static bool
is_done(void *arg)
{
    const struct cli_store *store = arg;

    return store->done;
}

static void
end(struct cli_store *store, int code, const char *message)
{
    store->done = true;
    store->code = code;
    snprintf(store->message, sizeof store->message, "%s", message);
}

static void
begin(struct cli_store *store)
{
    store->done = false;
    store->code = 0;
    store->document = NULL;
}

/* Runs the loop until the operation has ended; the store's own limit comes first. */
static int
wait(struct cli_store *store, const char *what, struct hf_err *err)
{
    if (!hf_loop_run_until(store->loop, is_done, store, store->timeout_ns + HF_SEC)) {
        return hf_fail(err, HF_ETIMEOUT, "%s: the store did not answer in time", what);
    }
    return store->code < 0 ? hf_fail(err, store->code, "%s", store->message) : 0;
}

static void
keep(struct cli_store *store, const struct hf_document *document)
{
    struct cli_document *ret = store->document;

    ret->data = malloc(document->len + 1);
    if (!ret->data) {
        end(store, HF_ENOMEM, "no memory for the document");
        return;
    }
    if (document->len > 0) {
        memcpy(ret->data, document->data, document->len);
    }
    ret->data[document->len] = '\0';
    ret->len = document->len;
    ret->revision = document->revision;
}

static void
on_done(void *arg, int code, const char *message, const struct hf_document *document)
{
    struct cli_store *store = arg;

    end(store, code, message);
    if (code == 0 && document && store->document) {
        keep(store, document);
    }
}

/* --- operations -------------------------------------------------------------------- */

int
cli_store_get(struct cli_store *store, const char *id, struct cli_document *ret, struct hf_err *err)
{
    int r;

    begin(store);
    store->document = ret;
    r = store->ops->get(store->store, HF_STORE_FUNCTIONS, id, store->timeout_ns, on_done, store,
                        NULL, err);
    return r < 0 ? r : wait(store, id, err);
}

int
cli_store_put(struct cli_store *store, const char *id, const char *data, size_t len,
              uint32_t condition, uint64_t revision, struct hf_err *err)
{
    const struct hf_document document = {
        .size = sizeof document,
        .space = HF_STORE_FUNCTIONS,
        .id = id,
        .data = data,
        .len = len,
        .revision = revision,
    };
    int r;

    begin(store);
    r = store->ops->put(store->store, &document, condition, store->timeout_ns, on_done, store, NULL,
                        err);
    return r < 0 ? r : wait(store, id, err);
}

int
cli_store_remove(struct cli_store *store, const char *id, struct hf_err *err)
{
    int r;

    begin(store);
    r = store->ops->remove(store->store, HF_STORE_FUNCTIONS, id, store->timeout_ns, on_done, store,
                           NULL, err);
    return r < 0 ? r : wait(store, id, err);
}

/* --- listing ----------------------------------------------------------------------- */

static void
on_put(void *arg, const struct hf_document *document)
{
    struct cli_store *store = arg;

    store->each(store->each_arg, document->id, document, NULL);
}

static void
on_delete(void *arg, const char *id)
{
    (void)arg;
    (void)id; /* gone while we listed: it may be shown or not */
}

static void
on_synced(void *arg)
{
    end(arg, 0, "");
}

static void
on_bad(void *arg, const char *id, const char *message)
{
    struct cli_store *store = arg;

    store->each(store->each_arg, id, NULL, message);
}

static void
on_lost(void *arg, const char *message)
{
    end(arg, HF_EUNAVAILABLE, message);
}

static int
list(struct cli_store *store, uint32_t space, cli_store_each_fn *each, void *arg,
     struct hf_err *err)
{
    static const struct hf_store_watcher watcher = {
        .size = sizeof watcher,
        .on_put = on_put,
        .on_delete = on_delete,
        .on_synced = on_synced,
        .on_bad = on_bad,
        .on_lost = on_lost,
    };
    struct hf_store_op *watch;
    int r;

    begin(store);
    store->each = each;
    store->each_arg = arg;
    r = store->ops->watch(store->store, space, &watcher, store, &watch, err);
    if (r < 0) {
        return r;
    }
    r = wait(store, space == HF_STORE_NODES ? "nodes" : "functions", err);
    store->ops->unwatch(store->store, watch);
    return r;
}

int
cli_store_list(struct cli_store *store, cli_store_each_fn *each, void *arg, struct hf_err *err)
{
    return list(store, HF_STORE_FUNCTIONS, each, arg, err);
}

int
cli_store_list_nodes(struct cli_store *store, cli_store_each_fn *each, void *arg,
                     struct hf_err *err)
{
    return list(store, HF_STORE_NODES, each, arg, err);
}
