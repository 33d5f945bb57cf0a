/*
 * discovery.c - a table of nodes, kept by the store's watch, and who hears of it.
 */
#include "node/discovery.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/counters.h"
#include "base/err.h"
#include "base/log.h"
#include "base/map.h"
#include "base/text.h"

HF_LOG_MODULE(node);

/* Nodes that are kept: whoever may write to the store decides how many there are. */
#define NODES_MAX 4096u

HF_COUNTER(discovery_puts, "Announcements of nodes taken from the store.");
HF_COUNTER(discovery_deletes, "Announcements of nodes that ended.");
HF_COUNTER(discovery_bad_documents, "Announcements of nodes that could not be read.");

struct hf_directory {
    const struct hf_store_ops *ops;
    struct hf_store *store;
    struct hf_store_op *watch; /* NULL: not followed yet */
    bool synced;               /* all has been told */
    bool lost;
    struct hf_map nodes; /* struct known, by id */
    struct hf_list discoveries;
};

struct known {
    struct hf_map_node node;
    struct hf_node_document document;
};

static struct known *
find(const struct hf_directory *directory, const char *id)
{
    struct hf_map_node *node = hf_map_find(&directory->nodes, id, strlen(id));

    return node ? hf_container_of(node, struct known, node) : NULL;
}

static void
known_free(struct known *known)
{
    hf_node_document_fini(&known->document);
    free(known);
}

/* --- telling ------------------------------------------------------------------------------- */

/* What a listener is told of a node; false: it does not look for such a one. */
static bool
describe(const struct hf_discovery *discovery, const struct hf_node_document *document,
         struct hf_found_node *ret)
{
    const char *role = discovery->selector.role;
    const char *proxy;

    if (!document || !hf_selector_matches(&discovery->selector, document) ||
        (discovery->not_id && strcmp(discovery->not_id, document->info.node_id) == 0)) {
        return false;
    }
    proxy = hf_node_document_address(document, role, "proxy");
    *ret = (struct hf_found_node){
        .id = document->info.node_id,
        .api = hf_node_document_address(document, role, "api"),
        .proxy = proxy ? proxy : "",
        .document = document,
    };
    return true;
}

/* Tells one listener that a node was `before` and is `now`; either may be NULL. */
static void
tell(const struct hf_discovery *discovery, const struct hf_node_document *before,
     const struct hf_node_document *now)
{
    struct hf_found_node was;
    struct hf_found_node is;
    bool known = describe(discovery, before, &was);
    bool wanted = describe(discovery, now, &is);

    if (known || wanted) {
        discovery->ops->on_change(discovery->arg, known ? &was : NULL, wanted ? &is : NULL);
    }
}

static void
tell_all(const struct hf_directory *directory, const struct hf_node_document *before,
         const struct hf_node_document *now)
{
    const struct hf_discovery *discovery;
    const struct hf_discovery *next;

    HF_LIST_FOR_SAFE (discovery, next, &directory->discoveries, node) {
        tell(discovery, before, now);
    }
}

static void
tell_synced(const struct hf_discovery *discovery)
{
    if (discovery->ops->on_synced) {
        discovery->ops->on_synced(discovery->arg);
    }
}

/* --- what the store tells ------------------------------------------------------------------ */

static void
bad_document(const char *id, const char *why)
{
    hf_count(&discovery_bad_documents);
    hf_log_limited(HF_LOG_WARNING, "the announcement of a node cannot be used",
                   HF_KV_STR("node", id), HF_KV_STR("why", why));
}

static struct known *
known_new(const struct hf_document *document, struct hf_err *err)
{
    struct known *known = calloc(1, sizeof *known);

    if (!known) {
        hf_fail(err, HF_ENOMEM, "out of memory");
        return NULL;
    }
    hf_node_document_init(&known->document);
    if (hf_node_document_parse(document->id, document->data, document->len, &known->document, err) <
        0) {
        known_free(known);
        return NULL;
    }
    return known;
}

static void
on_put(void *arg, const struct hf_document *document)
{
    struct hf_directory *directory = arg;
    struct known *before = find(directory, document->id);
    struct hf_err err = HF_ERR_INIT;
    struct known *now = known_new(document, &err);
    int r;

    if (now && !before && hf_map_count(&directory->nodes) >= NODES_MAX) {
        hf_fail(&err, HF_EFULL, "%u nodes are known, and no more are kept", NODES_MAX);
        known_free(hf_steal(now));
    }
    if (!now) {
        bad_document(document->id, hf_err_message(&err));
        return;
    }
    if (before) {
        hf_map_remove(&directory->nodes, &before->node);
    }
    r = hf_map_add(&directory->nodes, &now->node, now->document.info.node_id,
                   strlen(now->document.info.node_id));
    hf_count(&discovery_puts);
    tell_all(directory, before ? &before->document : NULL, r == 0 ? &now->document : NULL);
    if (before) {
        known_free(before);
    }
    if (r < 0) {
        known_free(now);
        bad_document(document->id, "out of memory");
    }
}

static void
on_delete(void *arg, const char *id)
{
    struct hf_directory *directory = arg;
    struct known *known = find(directory, id);

    if (known) {
        hf_count(&discovery_deletes);
        hf_map_remove(&directory->nodes, &known->node);
        tell_all(directory, &known->document, NULL);
        known_free(known);
    }
}

static void
on_synced(void *arg)
{
    struct hf_directory *directory = arg;
    const struct hf_discovery *discovery;
    const struct hf_discovery *next;

    directory->synced = true;
    directory->lost = false;
    HF_LIST_FOR_SAFE (discovery, next, &directory->discoveries, node) {
        tell_synced(discovery);
    }
}

static void
on_bad(void *arg, const char *id, const char *message)
{
    (void)arg;
    bad_document(id, message);
}

/* The catalog, which follows the same store, complains of it. */
static void
on_lost(void *arg, const char *message)
{
    struct hf_directory *directory = arg;

    if (!directory->lost) {
        hf_log(HF_LOG_NOTICE, "the store cannot be reached; the nodes known stay known",
               HF_KV_STR("why", message));
    }
    directory->lost = true;
}

static const struct hf_store_watcher watcher = {
    .size = sizeof watcher,
    .on_put = on_put,
    .on_delete = on_delete,
    .on_synced = on_synced,
    .on_bad = on_bad,
    .on_lost = on_lost,
};

/* --- the directory ------------------------------------------------------------------------- */

int
hf_directory_new(uint64_t seed, struct hf_directory **ret, struct hf_err *err)
{
    struct hf_directory *directory = calloc(1, sizeof *directory);

    if (!directory) {
        return hf_fail(err, HF_ENOMEM, "directory of nodes: out of memory");
    }
    hf_map_init(&directory->nodes, seed);
    hf_list_init(&directory->discoveries);
    *ret = directory;
    return 0;
}

void
hf_directory_free(struct hf_directory *directory)
{
    struct hf_map_node *node;

    if (!directory) {
        return;
    }
    hf_assert(hf_list_is_empty(&directory->discoveries));
    if (directory->watch) {
        directory->ops->unwatch(directory->store, directory->watch);
    }
    while ((node = hf_map_pop(&directory->nodes))) {
        known_free(hf_container_of(node, struct known, node));
    }
    hf_map_fini(&directory->nodes);
    free(directory);
}

void
hf_directory_use(struct hf_directory *directory, const struct hf_store_ops *ops,
                 struct hf_store *store)
{
    directory->ops = ops;
    directory->store = store;
}

void
hf_directory_show(const struct hf_directory *directory, struct hf_text *out)
{
    const struct hf_map_node *node = NULL;

    while ((node = hf_map_next(&directory->nodes, node))) {
        const struct hf_node_document *document =
            &hf_container_of(node, struct known, node)->document;

        hf_text_printf(out, "node=%s zone=%s roles=", document->info.node_id, document->info.zone);
        for (size_t i = 0; i < document->info.n_roles; i++) {
            hf_text_printf(out, "%s%s", i ? "," : "", document->info.roles[i]);
        }
        hf_text_add_char(out, '\n');
    }
}

/* --- discoveries --------------------------------------------------------------------------- */

int
hf_discovery_begin(struct hf_directory *directory, struct hf_discovery *discovery,
                   struct hf_err *err)
{
    const struct hf_map_node *node = NULL;

    hf_assert(directory->ops);
    if (!directory->watch) {
        int r = directory->ops->watch(directory->store, HF_STORE_NODES, &watcher, directory,
                                      &directory->watch, err);

        if (r < 0) {
            return hf_err_wrap(err, r, "can't discover nodes");
        }
    }
    hf_list_append(&directory->discoveries, &discovery->node);
    while ((node = hf_map_next(&directory->nodes, node))) {
        tell(discovery, NULL, &hf_container_of(node, struct known, node)->document);
    }
    if (directory->synced) {
        tell_synced(discovery);
    }
    return 0;
}

void
hf_discovery_end(struct hf_discovery *discovery)
{
    if (discovery->node.next) {
        hf_list_remove(&discovery->node);
    }
}
