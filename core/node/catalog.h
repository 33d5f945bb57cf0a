/*
 * catalog.h - the functions that this process knows.
 *
 * One for each process, shared by its roles.  It follows the store: everything
 * that the store tells becomes an immutable, counted definition that any thread
 * can find under a read lock.  A definition is never changed: an update replaces
 * it, and the old one says so (`is_stale`).
 *
 * An id that is not known is looked up in the store once, however many ask
 * meanwhile; "not there" is remembered for a fraction of a second and for a
 * bounded number of ids, so that ids made up by callers create no lasting state.
 */
#ifndef HF_NODE_CATALOG_H
#define HF_NODE_CATALOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "node/function_def.h"

struct hf_catalog;
struct hf_err;
struct hf_loop;
struct hf_store;
struct hf_store_ops;
struct hf_text;

/* --- the catalog --------------------------------------------------------------------------- */

/* Makes an empty one on the control loop.  `idle_timeout_ns` is for functions that name
 * none; `seed` keeps callers from choosing ids that collide in the table. */
int hf_catalog_new(struct hf_loop *control, uint64_t idle_timeout_ns, uint64_t seed,
                   struct hf_catalog **ret, struct hf_err *err);

/* Ends the watch; lookups under way are reported as cancelled.  Before the store it
 * follows.  NULL is allowed. */
void hf_catalog_free(struct hf_catalog *catalog);

/* Begins to follow a store, which must outlive the catalog.  Once. */
int hf_catalog_follow(struct hf_catalog *catalog, const struct hf_store_ops *ops,
                      struct hf_store *store, struct hf_err *err);

/* A known function, with a reference for the caller, or NULL.  Any thread. */
struct hf_function_def *hf_catalog_find(struct hf_catalog *catalog, const char *id, size_t len);

size_t hf_catalog_count(struct hf_catalog *catalog); /* any thread */

/* --- looking up ---------------------------------------------------------------------------- */

/* A longer id is not looked up in the store: it is not registered, unless the store has told of it
 * by itself. */
#define HF_CATALOG_ID_MAX 1024

struct hf_catalog_lookup;

/* `def` with a reference for the receiver; or NULL, HF_ENOTFOUND (not registered) or
 * another code, and why (never NULL). */
typedef void hf_catalog_found_fn(void *arg, struct hf_function_def *def, int code,
                                 const char *message);

/* Finds, or reads through to the store.  `fn` runs exactly once on `loop`, the
 * caller's, later, unless cancelled.  HF_EFULL: too many ids are being looked up. */
int hf_catalog_resolve(struct hf_catalog *catalog, struct hf_loop *loop, const char *id, size_t len,
                       hf_catalog_found_fn *fn, void *arg, struct hf_catalog_lookup **ret,
                       struct hf_err *err);

/* The same for a function that is known, but maybe not as it is now: reads it anew. */
int hf_catalog_read(struct hf_catalog *catalog, struct hf_loop *loop, const char *id, size_t len,
                    hf_catalog_found_fn *fn, void *arg, struct hf_catalog_lookup **ret,
                    struct hf_err *err);

/* `fn` will not run.  On the loop it was to run on.  NULL is allowed. */
void hf_catalog_cancel(struct hf_catalog_lookup *lookup);

/* --- changes ------------------------------------------------------------------------------- */

/* Hears what changes, on the control loop.  Embedded; members may be NULL. */
struct hf_catalog_listener {
    struct hf_list node;
    /* New (`old` is NULL) or replaced. */
    void (*on_put)(struct hf_catalog_listener *, struct hf_function_def *def,
                   struct hf_function_def *old);
    void (*on_delete)(struct hf_catalog_listener *, struct hf_function_def *def);
    void (*on_synced)(struct hf_catalog_listener *);
    void (*on_lost)(struct hf_catalog_listener *, const char *message);
};

/* Control loop. */
void hf_catalog_listen(struct hf_catalog *catalog, struct hf_catalog_listener *listener);
void hf_catalog_unlisten(struct hf_catalog_listener *listener);

/* Whether all that the store has is known, and its changes are heard of.  Control loop. */
bool hf_catalog_is_synced(const struct hf_catalog *catalog);

/* One line: functions, revision, synced or lost and why.  Control loop. */
void hf_catalog_show(const struct hf_catalog *catalog, struct hf_text *out);

#endif
