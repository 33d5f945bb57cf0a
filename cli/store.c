/*
 * store.c - the metadata store as a command sees it: operations that wait.
 */
#include "store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/config.h"
#include "base/err.h"
#include "base/options.h"
#include "base/random.h"
#include "cli.h"
#include "loop/loop.h"
#include "loop/signals.h"
#include "node/driver_host.h"
#include "plugin/module.h"

struct cli_store {
    struct hf_loop *loop;
    struct hf_options *options;
    struct hf_driver_host *host;
    char *state_dir; /* NULL: there is none */
    const struct hf_store_ops *ops;
    struct hf_store *store;
    uint64_t timeout_ns;

    /* The operation under way. */
    bool done;
    int code;
    char message[512];
    struct cli_document *document; /* where to put what is read; NULL: nowhere */

    /* The watch under way. */
    bool synced;
    cli_store_change_fn *changed;
    bool (*is_enough)(void *arg);
    void *change_arg;
};

/* --- opening ---------------------------------------------------------------------- */

bool
cli_store_is_there(const struct cli *cli)
{
    const char *roles = cli_setting(cli, "node", "roles");

    return !cli->config_path || !roles || hf_config_section(cli->config, "store") ||
           strstr(roles, "leaf") || strstr(roles, "worker");
}

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
    if (!cli_store_is_there(cli)) {
        return hf_fail(err, HF_EINVALID,
                       "%s is a load balancer's and has no [store]: give the configuration of a "
                       "leaf with --config, or say which store is meant, such as "
                       "--set store.path=/var/lib/hyperfaas/store",
                       cli->config_path);
    }
    if (cli_state_folder(cli, &store->state_dir, NULL) < 0) {
        store->state_dir = NULL; /* the store says so, if it needs one */
    }
    if ((r = cli_plugin_path(cli, &path, err)) < 0 ||
        (r = hf_module_configure(cli->config, &request, &path, &module, &store->options, err)) <
            0 ||
        (r = hf_loop_new("cli", &store->loop, err)) < 0 ||
        (r = hf_driver_host_new(store->loop, NULL, module->host, hf_random_os_u64(), &store->host,
                                err)) < 0) {
        return r;
    }
    store->host->state_dir = store->state_dir;
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
    free(store->state_dir);
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

/* --- watching ---------------------------------------------------------------------- */

static void
tell(struct cli_store *store, enum cli_change change, const char *id,
     const struct hf_document *document, const char *message)
{
    store->changed(store->change_arg, change, id, document, message);
}

static void
on_put(void *arg, const struct hf_document *document)
{
    tell(arg, CLI_CHANGE_PUT, document->id, document, NULL);
}

static void
on_delete(void *arg, const char *id)
{
    tell(arg, CLI_CHANGE_DELETE, id, NULL, NULL);
}

static void
on_synced(void *arg)
{
    struct cli_store *store = arg;

    store->synced = true;
    tell(store, CLI_CHANGE_SYNCED, "", NULL, NULL);
}

static void
on_bad(void *arg, const char *id, const char *message)
{
    tell(arg, CLI_CHANGE_BAD, id, NULL, message);
}

static void
on_lost(void *arg, const char *message)
{
    struct cli_store *store = arg;

    if (store->synced) {
        tell(store, CLI_CHANGE_LOST, "", NULL, message);
    } else {
        end(store, HF_EUNAVAILABLE, message);
    }
}

static bool
is_synced_or_done(void *arg)
{
    const struct cli_store *store = arg;

    return store->synced || store->done;
}

static void
on_signal(void *arg, int signal)
{
    (void)signal;
    end(arg, 0, "");
}

static bool
is_watched_enough(void *arg)
{
    struct cli_store *store = arg;

    return store->done || store->is_enough(store->change_arg);
}

/* Runs the loop while the watch is on: first until all is told, then as long as is wished. */
static int
run_watch(struct cli_store *store, uint64_t limit_ns, struct hf_err *err)
{
    uint64_t end_ns = hf_add_saturated(hf_now(), limit_ns > 0 ? limit_ns : CLI_FOR_EVER);
    uint64_t left;

    if (!hf_loop_run_until(store->loop, is_synced_or_done, store, store->timeout_ns + HF_SEC)) {
        return hf_fail(err, HF_ETIMEOUT, "the store did not answer in time");
    }
    left = hf_sub_saturated(end_ns, hf_now());
    hf_loop_run_until(store->loop, is_watched_enough, store, left);
    return store->code < 0 ? hf_fail(err, store->code, "%s", store->message) : 0;
}

static int
watch(struct cli_store *store, uint32_t space, cli_store_change_fn *changed,
      bool (*is_enough)(void *arg), void *arg, uint64_t limit_ns, struct hf_err *err)
{
    static const struct hf_store_watcher watcher = {
        .size = sizeof watcher,
        .on_put = on_put,
        .on_delete = on_delete,
        .on_synced = on_synced,
        .on_bad = on_bad,
        .on_lost = on_lost,
    };
    struct hf_store_op *op;
    int r;

    store->synced = false;
    store->changed = changed;
    store->is_enough = is_enough;
    store->change_arg = arg;
    r = store->ops->watch(store->store, space, &watcher, store, &op, err);
    if (r == 0) {
        r = run_watch(store, limit_ns, err);
        store->ops->unwatch(store->store, op);
    }
    return r;
}

int
cli_store_watch(struct cli_store *store, cli_store_change_fn *changed, bool (*is_enough)(void *arg),
                void *arg, uint64_t limit_ns, struct hf_err *err)
{
    struct hf_signals *signals;
    int r = hf_signals_new(store->loop, on_signal, store, &signals, err);

    if (r == 0) {
        begin(store);
        r = watch(store, HF_STORE_FUNCTIONS, changed, is_enough, arg, limit_ns, err);
        hf_signals_free(signals);
    }
    return r;
}

/* --- listing ----------------------------------------------------------------------- */

struct list {
    cli_store_each_fn *each;
    void *arg;
    bool complete;
};

static void
list_change(void *arg, enum cli_change change, const char *id, const struct hf_document *document,
            const char *message)
{
    struct list *list = arg;

    if (change == CLI_CHANGE_PUT || change == CLI_CHANGE_BAD) {
        list->each(list->arg, id, document, message);
    } else if (change == CLI_CHANGE_SYNCED) {
        list->complete = true;
    }
}

static bool
is_complete(void *arg)
{
    return ((const struct list *)arg)->complete;
}

static int
list_space(struct cli_store *store, uint32_t space, cli_store_each_fn *each, void *arg,
           struct hf_err *err)
{
    struct list list = { .each = each, .arg = arg };

    begin(store);
    return watch(store, space, list_change, is_complete, &list, 0, err);
}

int
cli_store_list(struct cli_store *store, cli_store_each_fn *each, void *arg, struct hf_err *err)
{
    return list_space(store, HF_STORE_FUNCTIONS, each, arg, err);
}

int
cli_store_list_nodes(struct cli_store *store, cli_store_each_fn *each, void *arg,
                     struct hf_err *err)
{
    return list_space(store, HF_STORE_NODES, each, arg, err);
}
