/*
 * catalog_lookup.c - unknown ids are read through to the store.
 *
 * All who ask for the same id share one flight.  A lookup belongs to its flight
 * until it is posted to the loop it came from; from then on to that loop, on
 * which alone it is cancelled.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/counters.h"
#include "base/err.h"
#include "base/fault.h"
#include "base/macros.h"
#include "node/catalog_private.h"

HF_COUNTER(catalog_reads, "Unknown ids that were read from the store.");
HF_COUNTER(catalog_missing_hits, "Unknown ids that were remembered as missing.");

/* Bounds: ids and askers under way, ids remembered; no id is longer than HF_CATALOG_ID_MAX, so
 * what strangers can fill is about a megabyte of each. */
#define FLIGHTS_MAX 1024
#define WAITING_MAX 65536
#define MISSING_MAX 1024

/* How long an id counts as missing without asking the store again. */
#define MISSING_NS (250 * HF_MSEC)

/* How long the store may take for one read. */
#define READ_NS (5 * HF_SEC)

/* One id on its way to the store. */
struct flight {
    struct hf_task task; /* brings it to the control loop */
    struct hf_map_node node;
    struct hf_list lookups;
    struct hf_catalog *catalog; /* NULL: it has gone, whoever meets the flight frees it */
    struct hf_store_op *op;     /* once the store reads */
    bool deleted;               /* the store said so meanwhile */
    char id[];
};

/* An id that the store did not have. */
struct missing {
    struct hf_map_node node;
    struct hf_list expiry;
    uint64_t until_ns;
    char id[];
};

/* One asker. */
struct hf_catalog_lookup {
    struct hf_task task; /* brings the result to its loop */
    struct hf_list node; /* in its flight */
    struct hf_catalog *catalog;
    struct hf_loop *loop;
    hf_catalog_found_fn *fn;
    void *arg;
    bool anew;   /* what is known will not do */
    bool posted; /* under the lock */
    bool cancelled;
    struct hf_function_def *def;
    int code;
    char message[200];
};

/* --- results ------------------------------------------------------------------------------- */

/* On the loop that asked. */
static void
report(struct hf_task *task)
{
    struct hf_catalog_lookup *lookup = hf_container_of(task, struct hf_catalog_lookup, task);

    if (lookup->cancelled) {
        hf_function_def_unref(lookup->def);
    } else {
        lookup->fn(lookup->arg, lookup->def, lookup->code, lookup->message);
    }
    free(lookup);
}

/* Hands over a result; under the lock. */
static void
post(struct hf_catalog_lookup *lookup, struct hf_function_def *def, int code, const char *message)
{
    lookup->def = def ? hf_function_def_ref(def) : NULL;
    lookup->code = code;
    snprintf(lookup->message, sizeof lookup->message, "%s", message);
    lookup->posted = true;
    hf_loop_post(lookup->loop, &lookup->task);
}

void
hf_catalog_cancel(struct hf_catalog_lookup *lookup)
{
    struct hf_catalog_lookups *lookups;
    bool posted;

    if (!lookup) {
        return;
    }
    lookups = &lookup->catalog->lookups;
    pthread_mutex_lock(&lookups->lock);
    posted = lookup->posted;
    lookup->cancelled = true;
    if (!posted) {
        hf_list_remove(&lookup->node);
        lookups->waiting--;
    }
    pthread_mutex_unlock(&lookups->lock);
    if (!posted) {
        free(lookup);
    }
}

/* --- ids that are missing; all under the lock ---------------------------------------------- */

static void
forget_missing(struct hf_catalog_lookups *lookups, struct missing *missing)
{
    hf_map_remove(&lookups->missing, &missing->node);
    hf_list_remove(&missing->expiry);
    free(missing);
}

static struct missing *
find_missing(struct hf_catalog_lookups *lookups, const char *id, size_t len)
{
    struct hf_map_node *node = hf_map_find(&lookups->missing, id, len);

    return node ? hf_container_of(node, struct missing, node) : NULL;
}

static bool
is_missing(struct hf_catalog_lookups *lookups, const char *id, size_t len)
{
    struct missing *missing = find_missing(lookups, id, len);

    if (!missing) {
        return false;
    }
    if (missing->until_ns <= hf_now()) {
        forget_missing(lookups, missing);
        return false;
    }
    return true;
}

/* Remembering is a favour: without memory it does not happen. */
static void
remember_missing(struct hf_catalog_lookups *lookups, const char *id)
{
    size_t size = strlen(id) + 1;
    uint64_t now = hf_now();
    struct missing *missing;

    while ((missing = hf_list_first(&lookups->expiry, struct missing, expiry)) &&
           (missing->until_ns <= now || hf_map_count(&lookups->missing) >= MISSING_MAX)) {
        forget_missing(lookups, missing);
    }
    missing = calloc(1, sizeof *missing + size);
    if (!missing) {
        return;
    }
    memcpy(missing->id, id, size);
    missing->until_ns = now + MISSING_NS;
    if (hf_map_add(&lookups->missing, &missing->node, missing->id, size - 1) < 0) {
        free(missing);
        return;
    }
    hf_list_append(&lookups->expiry, &missing->expiry);
}

/* --- flights ------------------------------------------------------------------------------- */

static struct flight *
find_flight(struct hf_catalog_lookups *lookups, const char *id, size_t len)
{
    struct hf_map_node *node = hf_map_find(&lookups->flights, id, len);

    return node ? hf_container_of(node, struct flight, node) : NULL;
}

/* A document that cannot be read is none: its last good version stays in force, and an id without
 * one counts as not registered.  Adds why to `err`. */
static int
take_unreadable(struct flight *flight, const char *why, struct hf_function_def **ret,
                struct hf_err *err)
{
    *ret = hf_catalog_find(flight->catalog, flight->id, strlen(flight->id));
    return *ret ? 0
                : hf_fail(err, HF_ENOTFOUND, "the store has no document of it that can be read: %s",
                          why);
}

/* Tells all who asked, and takes the flight off the list.  Control loop. */
static void
tell(struct flight *flight, struct hf_function_def *def, int code, const char *message)
{
    struct hf_catalog_lookups *lookups = &flight->catalog->lookups;
    struct hf_list *node;

    pthread_mutex_lock(&lookups->lock);
    hf_map_remove(&lookups->flights, &flight->node);
    if (code == HF_ENOTFOUND) {
        remember_missing(lookups, flight->id);
    }
    while ((node = hf_list_pop(&flight->lookups))) {
        post(hf_container_of(node, struct hf_catalog_lookup, node), def, code, message);
        lookups->waiting--;
    }
    pthread_mutex_unlock(&lookups->lock);
}

static void
on_read(void *arg, int code, const char *message, const struct hf_document *document)
{
    struct flight *flight = arg;
    struct hf_function_def *def = NULL;
    struct hf_err err = HF_ERR_INIT;

    if (!flight->catalog) {
        free(flight);
        return;
    }
    if (code == 0 && !flight->deleted) {
        code = hf_catalog_take(flight->catalog, document, &def, &err);
        message = code < 0 ? hf_err_message(&err) : "";
    } else if (code == 0 || code == HF_ENOTFOUND) {
        code = HF_ENOTFOUND;
        message = "it is not registered";
    }
    if (code == HF_EINVALID) {
        struct hf_err why = HF_ERR_INIT;

        code = take_unreadable(flight, message, &def, &why);
        tell(flight, def, code, hf_err_message(&why));
    } else {
        tell(flight, def, code, message);
    }
    hf_function_def_unref(def);
    free(flight);
}

/* Hands the id to the store; returns a negative code if nothing will come back. */
static int
read_id(struct flight *flight, struct hf_err *err)
{
    struct hf_catalog *catalog = flight->catalog;

    if (!catalog->ops) {
        return hf_fail(err, HF_EUNAVAILABLE, "there is no store to read it from");
    }
    hf_count(&catalog_reads);
    if (hf_fault(HF_FAULT_STORE_READ)) {
        return hf_fail(err, HF_EUNAVAILABLE, "fault store.read is set");
    }
    return catalog->ops->get(catalog->store, HF_STORE_FUNCTIONS, flight->id, READ_NS, on_read,
                             flight, &flight->op, err);
}

static void
start_flight(struct hf_task *task)
{
    struct flight *flight = hf_container_of(task, struct flight, task);
    struct hf_err err = HF_ERR_INIT;
    int r;

    if (!flight->catalog) {
        free(flight);
        return;
    }
    r = read_id(flight, &err);
    if (r == HF_EINVALID) { /* no store can have it */
        r = hf_fail(&err, HF_ENOTFOUND, "it is not registered");
    }
    if (r < 0) {
        tell(flight, NULL, r, hf_err_message(&err));
        free(flight);
    }
}

/* A flight for an id that has none; under the lock. */
static struct flight *
new_flight(struct hf_catalog *catalog, const char *id, size_t len)
{
    struct hf_catalog_lookups *lookups = &catalog->lookups;
    struct flight *flight;

    if (hf_map_count(&lookups->flights) >= FLIGHTS_MAX) {
        return NULL;
    }
    flight = calloc(1, sizeof *flight + len + 1);
    if (!flight) {
        return NULL;
    }
    memcpy(flight->id, id, len);
    flight->task.run = start_flight;
    flight->catalog = catalog;
    hf_list_init(&flight->lookups);
    if (hf_map_add(&lookups->flights, &flight->node, flight->id, len) < 0) {
        free(flight);
        return NULL;
    }
    hf_loop_post(catalog->control, &flight->task);
    return flight;
}

/* Answers at once, or boards a flight; under the lock. */
static int
board(struct hf_catalog_lookup *lookup, const char *id, size_t len)
{
    struct hf_catalog_lookups *lookups = &lookup->catalog->lookups;
    struct hf_function_def *def = lookup->anew ? NULL : hf_catalog_find(lookup->catalog, id, len);
    struct flight *flight;

    if (def) {
        post(lookup, def, 0, "");
        hf_function_def_unref(def);
        return 0;
    }
    if (len > HF_CATALOG_ID_MAX || memchr(id, '\0', len)) { /* no store has it */
        post(lookup, NULL, HF_ENOTFOUND, "it is not registered");
        return 0;
    }
    if (is_missing(lookups, id, len)) {
        hf_count(&catalog_missing_hits);
        post(lookup, NULL, HF_ENOTFOUND, "it is not registered");
        return 0;
    }
    if (lookups->closed || lookups->waiting >= WAITING_MAX) {
        return HF_EFULL;
    }
    flight = find_flight(lookups, id, len);
    if (!flight) {
        flight = new_flight(lookup->catalog, id, len);
    }
    if (!flight) {
        return HF_EFULL;
    }
    hf_list_append(&flight->lookups, &lookup->node);
    lookups->waiting++;
    return 0;
}

static struct hf_catalog_lookup *
new_lookup(struct hf_catalog *catalog, struct hf_loop *loop, hf_catalog_found_fn *fn, void *arg)
{
    struct hf_catalog_lookup *lookup = calloc(1, sizeof *lookup);

    if (lookup) {
        lookup->task.run = report;
        lookup->catalog = catalog;
        lookup->loop = loop;
        lookup->fn = fn;
        lookup->arg = arg;
        hf_list_init(&lookup->node);
    }
    return lookup;
}

/* Begins a lookup, which may be NULL for want of memory. */
static int
look_up(struct hf_catalog_lookup *lookup, const char *id, size_t len,
        struct hf_catalog_lookup **ret, struct hf_err *err)
{
    struct hf_catalog *catalog;
    int r;

    if (!lookup) {
        return hf_fail(err, HF_ENOMEM, "out of memory");
    }
    catalog = lookup->catalog;
    /* Set before the result can come: it may on another thread. */
    if (ret) {
        *ret = lookup;
    }
    pthread_mutex_lock(&catalog->lookups.lock);
    r = board(lookup, id, len);
    pthread_mutex_unlock(&catalog->lookups.lock);
    if (r < 0) {
        free(lookup);
        if (ret) {
            *ret = NULL;
        }
        return hf_fail(err, r, "too many unknown functions are being looked up");
    }
    return 0;
}

int
hf_catalog_resolve(struct hf_catalog *catalog, struct hf_loop *loop, const char *id, size_t len,
                   hf_catalog_found_fn *fn, void *arg, struct hf_catalog_lookup **ret,
                   struct hf_err *err)
{
    return look_up(new_lookup(catalog, loop, fn, arg), id, len, ret, err);
}

int
hf_catalog_read(struct hf_catalog *catalog, struct hf_loop *loop, const char *id, size_t len,
                hf_catalog_found_fn *fn, void *arg, struct hf_catalog_lookup **ret,
                struct hf_err *err)
{
    struct hf_catalog_lookup *lookup = new_lookup(catalog, loop, fn, arg);

    if (lookup) {
        lookup->anew = true;
    }
    return look_up(lookup, id, len, ret, err);
}

/* --- what the store tells meanwhile -------------------------------------------------------- */

void
hf_catalog_lookups_put(struct hf_catalog *catalog, const char *id)
{
    struct hf_catalog_lookups *lookups = &catalog->lookups;
    struct missing *missing;
    struct flight *flight;

    pthread_mutex_lock(&lookups->lock);
    missing = find_missing(lookups, id, strlen(id));
    if (missing) {
        forget_missing(lookups, missing);
    }
    flight = find_flight(lookups, id, strlen(id));
    if (flight) {
        flight->deleted = false;
    }
    pthread_mutex_unlock(&lookups->lock);
}

void
hf_catalog_lookups_deleted(struct hf_catalog *catalog, const char *id)
{
    struct hf_catalog_lookups *lookups = &catalog->lookups;
    struct flight *flight;

    pthread_mutex_lock(&lookups->lock);
    flight = find_flight(lookups, id, strlen(id));
    if (flight) {
        flight->deleted = true; /* what it will bring is older than this news */
    }
    pthread_mutex_unlock(&lookups->lock);
}

/* --- life ---------------------------------------------------------------------------------- */

void
hf_catalog_lookups_init(struct hf_catalog *catalog, uint64_t seed)
{
    struct hf_catalog_lookups *lookups = &catalog->lookups;

    pthread_mutex_init(&lookups->lock, NULL);
    hf_map_init(&lookups->flights, seed);
    hf_map_init(&lookups->missing, seed);
    hf_list_init(&lookups->expiry);
}

void
hf_catalog_lookups_fini(struct hf_catalog *catalog)
{
    struct hf_catalog_lookups *lookups = &catalog->lookups;
    struct missing *missing;
    struct hf_map_node *node;

    pthread_mutex_lock(&lookups->lock);
    lookups->closed = true;
    pthread_mutex_unlock(&lookups->lock);
    while ((node = hf_map_next(&lookups->flights, NULL))) {
        struct flight *flight = hf_container_of(node, struct flight, node);

        tell(flight, NULL, HF_ECANCELLED, "the node is shutting down");
        flight->catalog = NULL;
        if (flight->op) {
            catalog->ops->cancel(catalog->store, flight->op);
        }
    }
    while ((missing = hf_list_first(&lookups->expiry, struct missing, expiry))) {
        forget_missing(lookups, missing);
    }
    hf_map_fini(&lookups->flights);
    hf_map_fini(&lookups->missing);
    pthread_mutex_destroy(&lookups->lock);
}
