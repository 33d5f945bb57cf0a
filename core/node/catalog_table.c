/*
 * catalog_table.c - the table of functions itself: what is in it, and taking a document into it.
 */
#include <string.h>

#include "base/assert.h"
#include "base/counters.h"
#include "base/err.h"
#include "node/catalog_private.h"

HF_COUNTER(catalog_puts, "Function definitions taken from the store.");
HF_COUNTER(catalog_deletes, "Function definitions that the store removed.");

/* Most functions that are known, so that a store of others cannot take all memory. */
#define FUNCTIONS_MAX 1000000

static struct hf_function_def *
def_of(struct hf_map_node *node)
{
    return node ? hf_container_of(node, struct hf_function_def, node) : NULL;
}

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

void
hf_catalog_drop(struct hf_catalog *catalog, const char *id)
{
    struct hf_function_def *def = def_of(hf_map_find(&catalog->functions, id, strlen(id)));
    struct hf_catalog_listener *listener;
    struct hf_catalog_listener *next;

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

void
hf_catalog_table_init(struct hf_catalog *catalog, uint64_t seed)
{
    pthread_rwlock_init(&catalog->lock, NULL);
    hf_map_init(&catalog->functions, seed);
    hf_list_init(&catalog->listeners);
}

void
hf_catalog_table_fini(struct hf_catalog *catalog)
{
    struct hf_map_node *node;

    while ((node = hf_map_pop(&catalog->functions))) {
        hf_function_def_unref(def_of(node));
    }
    hf_map_fini(&catalog->functions);
    pthread_rwlock_destroy(&catalog->lock);
}
