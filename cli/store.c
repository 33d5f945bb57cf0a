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

/* Before the watch has told all it ends with the store. */
static void
on_lost(void *arg, const char *message)
{
    struct cli_watch *watch = arg;

    if (!watch->synced) {
        end(watch->store, HF_EUNAVAILABLE, message);
    } else if (watch->on_lost) {
        watch->on_lost(watch, message);
    }
}

static bool
is_synced_or_done(void *arg)
{
    const struct cli_watch *watch = arg;

    return watch->synced || watch->store->done;
}

static bool
is_watched_enough(void *arg)
{
    struct cli_watch *watch = arg;

    return watch->store->done || watch->is_enough(watch);
}

static void
on_signal(void *arg, int signal)
{
    (void)signal;
    end(arg, 0, "");
}

/* Runs the loop while the watch is on: first until all is told, then as long as is wished. */
static int
run_watch(struct cli_watch *watch, uint64_t limit_ns, struct hf_err *err)
{
    struct cli_store *store = watch->store;
    uint64_t end_ns = hf_add_saturated(hf_now(), limit_ns > 0 ? limit_ns : CLI_FOR_EVER);

    if (!hf_loop_run_until(store->loop, is_synced_or_done, watch, store->timeout_ns + HF_SEC)) {
        return hf_fail(err, HF_ETIMEOUT, "the store did not answer in time");
    }
    hf_loop_run_until(store->loop, is_watched_enough, watch, hf_sub_saturated(end_ns, hf_now()));
    return store->code < 0 ? hf_fail(err, store->code, "%s", store->message) : 0;
}

static int
watch_space(struct cli_store *store, uint32_t space, struct cli_watch *watch, uint64_t limit_ns,
            struct hf_err *err)
{
    struct hf_store_op *op;
    int r;

    begin(store);
    watch->store = store;
    watch->on_lost = watch->watcher.on_lost;
    watch->watcher.size = sizeof watch->watcher;
    watch->watcher.on_lost = on_lost;
    r = store->ops->watch(store->store, space, &watch->watcher, watch, &op, err);
    if (r == 0) {
        r = run_watch(watch, limit_ns, err);
        store->ops->unwatch(store->store, op);
    }
    return r;
}

int
cli_store_watch(struct cli_store *store, struct cli_watch *watch, uint64_t limit_ns,
                struct hf_err *err)
{
    struct hf_signals *signals;
    int r = hf_signals_new(store->loop, on_signal, store, &signals, err);

    if (r == 0) {
        r = watch_space(store, HF_STORE_FUNCTIONS, watch, limit_ns, err);
        hf_signals_free(signals);
    }
    return r;
}

/* --- listing ----------------------------------------------------------------------- */

struct list {
    struct cli_watch watch;
    cli_store_each_fn *each;
    void *arg;
};

static void
list_document(void *arg, const struct hf_document *document)
{
    const struct list *list = arg;

    list->each(list->arg, document->id, document, NULL);
}

static void
list_bad(void *arg, const char *id, const char *message)
{
    const struct list *list = arg;

    list->each(list->arg, id, NULL, message);
}

static void
list_nothing(void *arg, const char *id)
{
    (void)arg;
    (void)id;
}

static void
on_listed(void *arg)
{
    ((struct cli_watch *)arg)->synced = true;
}

static bool
is_listed(struct cli_watch *watch)
{
    return watch->synced;
}

int
cli_store_list(struct cli_store *store, uint32_t space, cli_store_each_fn *each, void *arg,
               struct hf_err *err)
{
    struct list list = {
        .watch = { .watcher = { .on_put = list_document,
                                .on_delete = list_nothing,
                                .on_bad = list_bad,
                                .on_synced = on_listed },
                   .is_enough = is_listed },
        .each = each,
        .arg = arg,
    };

    return watch_space(store, space, &list.watch, 0, err);
}
