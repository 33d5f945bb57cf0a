/*
 * catalog.c - the table of functions, kept by the store's watch.
 */
#include "node/catalog.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/counters.h"
#include "base/err.h"
#include "base/log.h"
#include "base/text.h"
#include "node/catalog_private.h"

HF_LOG_MODULE(catalog);

HF_COUNTER(catalog_puts, "Function definitions taken from the store.");
HF_COUNTER(catalog_deletes, "Function definitions that the store removed.");
HF_COUNTER(catalog_bad_documents, "Documents in the store that could not be read.");

/* Most functions that are known, so that a store of others cannot take all memory. */
#define FUNCTIONS_MAX 1000000

static struct hf_function_def *
def_of(struct hf_map_node *node)
{
    return node ? hf_container_of(node, struct hf_function_def, node) : NULL;
}

/* --- the table ----------------------------------------------------------------------------- */

/* Puts `def`, whose reference becomes the table's, in the place of `old` (may be NULL). */
static int
swap_in(struct hf_catalog *catalog, struct hf_function_def *def, struct hf_function_def *old)
{
    const char *id = def->function.id;
    int r;

    pthread_rwlock_wrlock(&catalog->lock);
    if (old) {
        hf_map_remove(&catalog->functions, &old->node);
    }
    r = hf_map_add(&catalog->functions, &def->node, id, strlen(id));
    if (r < 0 && old) {
        hf_assert(hf_map_add(&catalog->functions, &old->node, old->function.id, strlen(id)) == 0);
    }
    pthread_rwlock_unlock(&catalog->lock);
    return r;
}

static void
tell_put(struct hf_catalog *catalog, struct hf_function_def *def, struct hf_function_def *old)
{
    struct hf_catalog_listener *listener;
    struct hf_catalog_listener *next;

    HF_LIST_FOR_SAFE (listener, next, &catalog->listeners, node) {
        if (listener->on_put) {
            listener->on_put(listener, def, old);
        }
    }
}

int
hf_catalog_take(struct hf_catalog *catalog, const struct hf_document *document,
                struct hf_function_def **ret, struct hf_err *err)
{
    struct hf_function_def *old =
        def_of(hf_map_find(&catalog->functions, document->id, strlen(document->id)));
    struct hf_function_def *def = NULL;
    int r;

    if (old && old->revision >= document->revision) {
        *ret = hf_function_def_ref(old);
        return 0;
    }
    if (!old && hf_map_count(&catalog->functions) >= FUNCTIONS_MAX) {
        return hf_fail(err, HF_EFULL, "%d functions are known, as many as can be", FUNCTIONS_MAX);
    }
    r = hf_function_def_parse(document->id, document->data, document->len, catalog->idle_timeout_ns,
                              document->revision, &def, err);
    if (r < 0) {
        return r;
    }
    r = swap_in(catalog, def, old);
    if (r < 0) {
        hf_function_def_unref(def);
        return hf_fail(err, r, "out of memory");
    }
    hf_count(&catalog_puts);
    if (catalog->last_revision < document->revision) {
        catalog->last_revision = document->revision;
    }
    *ret = hf_function_def_ref(def);
    if (old) {
        atomic_store(&old->is_stale, true);
    }
    tell_put(catalog, def, old);
    hf_function_def_unref(old);
    return 0;
}

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
    struct hf_function_def *def = def_of(hf_map_find(&catalog->functions, id, strlen(id)));
    struct hf_catalog_listener *listener;
    struct hf_catalog_listener *next;

    hf_catalog_lookups_deleted(catalog, id);
    if (!def) {
        return;
    }
    hf_count(&catalog_deletes);
    pthread_rwlock_wrlock(&catalog->lock);
    hf_map_remove(&catalog->functions, &def->node);
    pthread_rwlock_unlock(&catalog->lock);
    atomic_store(&def->is_stale, true);
    HF_LIST_FOR_SAFE (listener, next, &catalog->listeners, node) {
        if (listener->on_delete) {
            listener->on_delete(listener, def);
        }
    }
    hf_function_def_unref(def);
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

struct hf_function_def *
hf_catalog_find(struct hf_catalog *catalog, const char *id, size_t len)
{
    struct hf_function_def *def;

    pthread_rwlock_rdlock(&catalog->lock);
    def = def_of(hf_map_find(&catalog->functions, id, len));
    if (def) {
        hf_function_def_ref(def);
    }
    pthread_rwlock_unlock(&catalog->lock);
    return def;
}

size_t
hf_catalog_count(struct hf_catalog *catalog)
{
    size_t count;

    pthread_rwlock_rdlock(&catalog->lock);
    count = hf_map_count(&catalog->functions);
    pthread_rwlock_unlock(&catalog->lock);
    return count;
}

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
    pthread_rwlock_init(&catalog->lock, NULL);
    hf_map_init(&catalog->functions, seed);
    hf_list_init(&catalog->listeners);
    hf_catalog_lookups_init(catalog, seed);
    *ret = catalog;
    return 0;
}

void
hf_catalog_free(struct hf_catalog *catalog)
{
    struct hf_map_node *node;

    if (!catalog) {
        return;
    }
    if (catalog->watch) {
        catalog->ops->unwatch(catalog->store, catalog->watch);
    }
    hf_catalog_lookups_fini(catalog);
    while ((node = hf_map_pop(&catalog->functions))) {
        hf_function_def_unref(def_of(node));
    }
    hf_map_fini(&catalog->functions);
    pthread_rwlock_destroy(&catalog->lock);
    free(catalog);
}
