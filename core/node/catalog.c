/*
 * catalog.c - the watch of the store, which keeps the table of functions.
 */
#include "node/catalog.h"

#include <stdlib.h>

#include "base/assert.h"
#include "base/counters.h"
#include "base/err.h"
#include "base/log.h"
#include "base/text.h"
#include "node/catalog_private.h"

HF_LOG_MODULE(catalog);

HF_COUNTER(catalog_bad_documents, "Documents in the store that could not be read.");

/* --- what the store tells ------------------------------------------------------------------ */

static void
on_put(void *arg, const struct hf_document *document)
{
    struct hf_catalog *catalog = arg;
    struct hf_function_def *def = NULL;
    struct hf_err err = HF_ERR_INIT;

    hf_catalog_lookups_put(catalog, document->id);
    if (hf_catalog_take(catalog, document, &def, &err) < 0) {
        hf_count(&catalog_bad_documents);
        hf_log_limited(HF_LOG_WARNING, "the store's document of a function cannot be used",
                       HF_KV_STR("function", document->id), HF_KV_ERR(&err));
        return;
    }
    hf_function_def_unref(def);
}

static void
on_delete(void *arg, const char *id)
{
    struct hf_catalog *catalog = arg;

    hf_catalog_lookups_deleted(catalog, id);
    hf_catalog_drop(catalog, id);
}

static void
on_synced(void *arg)
{
    struct hf_catalog *catalog = arg;
    struct hf_catalog_listener *listener;
    struct hf_catalog_listener *next;

    hf_log(HF_LOG_INFO, "the store's functions are known",
           HF_KV_U64("functions", hf_map_count(&catalog->functions)));
    catalog->is_synced = true;
    catalog->is_lost = false;
    HF_LIST_FOR_SAFE (listener, next, &catalog->listeners, node) {
        if (listener->on_synced) {
            listener->on_synced(listener);
        }
    }
}

static void
on_bad(void *arg, const char *id, const char *message)
{
    (void)arg;
    hf_count(&catalog_bad_documents);
    hf_log_limited(HF_LOG_WARNING, "the store cannot read a document", HF_KV_STR("function", id),
                   HF_KV_STR("error", message));
}

static void
on_lost(void *arg, const char *message)
{
    struct hf_catalog *catalog = arg;
    struct hf_catalog_listener *listener;
    struct hf_catalog_listener *next;

    if (!catalog->is_lost) {
        hf_log(HF_LOG_WARNING, "the store cannot be reached; what is known stays in force",
               HF_KV_STR("error", message));
    }
    catalog->is_lost = true;
    HF_LIST_FOR_SAFE (listener, next, &catalog->listeners, node) {
        if (listener->on_lost) {
            listener->on_lost(listener, message);
        }
    }
}

static const struct hf_store_watcher watcher = {
    .size = sizeof watcher,
    .on_put = on_put,
    .on_delete = on_delete,
    .on_synced = on_synced,
    .on_bad = on_bad,
    .on_lost = on_lost,
};

int
hf_catalog_follow(struct hf_catalog *catalog, const struct hf_store_ops *ops,
                  struct hf_store *store, struct hf_err *err)
{
    hf_assert(!catalog->ops);
    catalog->ops = ops;
    catalog->store = store;
    return ops->watch(store, HF_STORE_FUNCTIONS, &watcher, catalog, &catalog->watch, err);
}

/* --- questions ----------------------------------------------------------------------------- */

void
hf_catalog_listen(struct hf_catalog *catalog, struct hf_catalog_listener *listener)
{
    hf_list_append(&catalog->listeners, &listener->node);
}

void
hf_catalog_unlisten(struct hf_catalog_listener *listener)
{
    hf_list_remove(&listener->node);
}

bool
hf_catalog_is_synced(const struct hf_catalog *catalog)
{
    return catalog->is_synced && !catalog->is_lost;
}

void
hf_catalog_show(const struct hf_catalog *catalog, struct hf_text *out)
{
    hf_text_printf(out, "functions=%zu revision=%llu state=%s\n", hf_map_count(&catalog->functions),
                   (unsigned long long)catalog->last_revision,
                   catalog->is_lost     ? "lost"
                   : catalog->is_synced ? "synced"
                                        : "reading");
}

/* --- life ---------------------------------------------------------------------------------- */

int
hf_catalog_new(struct hf_loop *control, uint64_t idle_timeout_ns, uint64_t seed,
               struct hf_catalog **ret, struct hf_err *err)
{
    struct hf_catalog *catalog = calloc(1, sizeof *catalog);

    if (!catalog) {
        return hf_fail(err, HF_ENOMEM, "catalog: out of memory");
    }
    catalog->control = control;
    catalog->idle_timeout_ns = idle_timeout_ns;
    hf_catalog_table_init(catalog, seed);
    hf_catalog_lookups_init(catalog, seed);
    *ret = catalog;
    return 0;
}

void
hf_catalog_free(struct hf_catalog *catalog)
{
    if (!catalog) {
        return;
    }
    if (catalog->watch) {
        catalog->ops->unwatch(catalog->store, catalog->watch);
    }
    hf_catalog_lookups_fini(catalog);
    hf_catalog_table_fini(catalog);
    free(catalog);
}
