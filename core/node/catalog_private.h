/*
 * catalog_private.h - what the catalog's files share.
 *
 * Each uses only those behind it: the watch of the store (catalog.c), the reading of unknown ids
 * through to the store (catalog_lookup.c), the table of functions (catalog_table.c).
 */
#ifndef HF_NODE_CATALOG_PRIVATE_H
#define HF_NODE_CATALOG_PRIVATE_H

#include <pthread.h>

#include <hyperfaas/store.h>

#include "loop/loop.h"
#include "node/catalog.h"

/* Ids that are being looked up, and ids remembered as missing. */
struct hf_catalog_lookups {
    pthread_mutex_t lock;
    struct hf_map flights; /* struct flight, by id */
    struct hf_map missing; /* struct missing, by id */
    struct hf_list expiry; /* struct missing, the oldest first */
    unsigned int waiting;  /* lookups in flights */
    bool closed;
};

struct hf_catalog {
    struct hf_loop *control;
    uint64_t idle_timeout_ns;

    pthread_rwlock_t lock;
    struct hf_map functions; /* struct hf_function_def */

    struct hf_catalog_lookups lookups;

    /* Control loop. */
    struct hf_list listeners;
    const struct hf_store_ops *ops; /* NULL: follows no store */
    struct hf_store *store;
    struct hf_store_op *watch;
    bool is_synced;
    bool is_lost;
    uint64_t last_revision;
};

/* catalog_lookup.c */

void hf_catalog_lookups_init(struct hf_catalog *catalog, uint64_t seed);

/* Reports all lookups under way as cancelled.  Control loop, after the store's last
 * completion. */
void hf_catalog_lookups_fini(struct hf_catalog *catalog);

/* The store says that an id is there (again), or gone.  Control loop. */
void hf_catalog_lookups_put(struct hf_catalog *catalog, const char *id);
void hf_catalog_lookups_deleted(struct hf_catalog *catalog, const char *id);

/* catalog_table.c */

void hf_catalog_table_init(struct hf_catalog *catalog, uint64_t seed);
void hf_catalog_table_fini(struct hf_catalog *catalog);

/* Takes a document into the table unless a newer one is there.  Control loop.  On 0
 * `*ret` is the definition that holds now, with a reference. */
int hf_catalog_take(struct hf_catalog *catalog, const struct hf_document *document,
                    struct hf_function_def **ret, struct hf_err *err);

/* Takes a function out of the table, if it is there.  Control loop. */
void hf_catalog_drop(struct hf_catalog *catalog, const char *id);

#endif
