/*
 * operations.c - the loop's side: operations under way, and what the thread tells.
 */
#include "operations.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <utlist.h>

enum {
    OPERATIONS_MAX = 4096, /* under way at a time */
    NOTICES_A_TURN = 64    /* reported before the loop turns */
};

/* An operation under way, or a watch. */
struct hf_store_op {
    struct request request; /* first: notices come back with it */
    struct hf_store *store;
    struct hf_store_op *prev, *next; /* in the store's list (utlist) */
    char *id, *data;                 /* copies, for the request */

    /* Who waits.  `done` is NULL once it has run; the thread may still be at it. */
    hf_store_done_fn *done;
    void *arg;
    struct hf_host_timer *timer;
    bool cancelled;

    const struct hf_store_watcher *watcher; /* NULL: not a watch, or unwatched */
    hf_store_done_fn *reported;             /* NULL: not an announcement, or withdrawn */
    bool ended; /* a watch or announcement that the thread gave up; its owner ends it */
};

/* --- operations --------------------------------------------------------------- */

static void
op_free(struct hf_store_op *op)
{
    DL_DELETE(op->store->ops, op);
    op->store->n_ops--;
    op->store->driver->timer_free(op->timer);
    free(op->request.document.data);
    free(op->id);
    free(op->data);
    free(op);
}

/* Runs the completion, unless it has run. */
static void
op_finish(struct hf_store_op *op, int code, const char *message, const struct hf_document *document)
{
    hf_store_done_fn *done = op->done;

    op->done = NULL;
    if (done) {
        done(op->arg, code, message, document);
    }
}

/* The time is up, or the operation was cancelled.  The thread ends it later. */
static void
on_timer(void *arg)
{
    struct hf_store_op *op = arg;

    atomic_store(&op->request.abandoned, true);
    if (op->ended) { /* withdrawn after the thread had given up */
        op_finish(op, 0, "", NULL);
        op_free(op);
    } else if (op->cancelled) {
        op_finish(op, HF_ECANCELLED, "cancelled", NULL);
    } else {
        op_finish(op, HF_ETIMEOUT, "the disk or another process's lock took too long", NULL);
    }
}

/* Refuses what no file could hold. */
static int
check(const struct hf_store *store, const struct change *change, struct hf_err *err)
{
    char name[NAME_SIZE];

    if (!folder_name(change->space)) {
        return store->host->fail(err, HF_EINVALID, "store file: there is no space %u",
                                 change->space);
    }
    if (change->id && !name_from_id(change->id, name)) {
        return store->host->fail(err, HF_EINVALID,
                                 "store file: the id '%.64s' is empty or too long for a file name",
                                 change->id);
    }
    if (change->len > HF_STORE_DOCUMENT_MAX) {
        return store->host->fail(
            err, HF_EINVALID,
            "store file: the document of '%.64s' has %zu bytes, at most %u are "
            "allowed",
            change->id, change->len, HF_STORE_DOCUMENT_MAX);
    }
    if (store->n_ops >= OPERATIONS_MAX) {
        return store->host->fail(err, HF_EFULL, "store file: %d operations are under way already",
                                 OPERATIONS_MAX);
    }
    return 0;
}

/* Copies what the operation is about, and adds its timer. */
static bool
op_fill(struct hf_store_op *op, const struct change *change)
{
    const struct hf_driver_host *driver = op->store->driver;

    op->id = strdup(change->id ? change->id : "");
    op->data = malloc(change->len + 1);
    op->timer = driver->timer_new(driver, HF_CLOCK_REAL, on_timer, op);
    if (!op->id || !op->data || !op->timer) {
        return false;
    }
    if (change->len > 0) {
        memcpy(op->data, change->data, change->len);
    }
    op->request.change = *change;
    op->request.change.id = op->id;
    op->request.change.data = op->data;
    op->request.change.abandoned = &op->request.abandoned;
    return true;
}

/* Makes an operation that is not under way yet. */
static int
op_new(struct hf_store *store, enum request_kind kind, const struct change *change,
       struct hf_store_op **ret, struct hf_err *err)
{
    struct hf_store_op *op;
    int r = check(store, change, err);

    if (r < 0) {
        return r;
    }
    op = calloc(1, sizeof *op);
    if (!op) {
        return store->host->fail(err, HF_ENOMEM, "store file: out of memory");
    }
    op->store = store;
    DL_APPEND(store->ops, op);
    store->n_ops++;
    op->request.kind = kind;
    if (!op_fill(op, change)) {
        op_free(op);
        return store->host->fail(err, HF_ENOMEM, "store file: out of memory");
    }
    *ret = op;
    return 0;
}

/* Hands the operation to the thread. */
static void
op_begin(struct hf_store_op *op, struct hf_store_op **ret)
{
    struct hf_store *store = op->store;

    io_submit(store->io, &op->request);
    if (ret) {
        *ret = op;
    }
}

/* Makes and begins an operation that someone waits for, for a limited time. */
static int
op_begin_limited(struct hf_store *store, enum request_kind kind, const struct change *change,
                 uint64_t timeout_ns, hf_store_done_fn *done, void *arg, struct hf_store_op **ret,
                 struct hf_err *err)
{
    struct hf_store_op *op;
    int r = op_new(store, kind, change, &op, err);

    if (r == 0) {
        op->done = done;
        op->arg = arg;
        store->driver->timer_set(op->timer,
                                 timeout_ns > INT64_MAX ? INT64_MAX : (int64_t)timeout_ns);
        op_begin(op, ret);
    }
    return r;
}

int
file_get(struct hf_store *store, uint32_t space, const char *id, uint64_t timeout_ns,
         hf_store_done_fn *done, void *arg, struct hf_store_op **ret, struct hf_err *err)
{
    const struct change change = { .space = space, .id = id };

    return op_begin_limited(store, REQUEST_GET, &change, timeout_ns, done, arg, ret, err);
}

/* What is to be written. */
static struct change
change_of(const struct hf_document *document, uint32_t condition)
{
    return (struct change){
        .space = document->space,
        .condition = condition,
        .revision = document->revision,
        .id = document->id,
        .data = document->data,
        .len = document->len,
    };
}

int
file_put(struct hf_store *store, const struct hf_document *document, uint32_t condition,
         uint64_t timeout_ns, hf_store_done_fn *done, void *arg, struct hf_store_op **ret,
         struct hf_err *err)
{
    const struct change change = change_of(document, condition);

    return op_begin_limited(store, REQUEST_PUT, &change, timeout_ns, done, arg, ret, err);
}

int
file_remove(struct hf_store *store, uint32_t space, const char *id, uint64_t timeout_ns,
            hf_store_done_fn *done, void *arg, struct hf_store_op **ret, struct hf_err *err)
{
    const struct change change = { .space = space, .id = id };

    return op_begin_limited(store, REQUEST_REMOVE, &change, timeout_ns, done, arg, ret, err);
}

void
file_cancel(struct hf_store *store, struct hf_store_op *op)
{
    if (op->done) {
        op->cancelled = true;
        atomic_store(&op->request.abandoned, true);
        store->driver->timer_set(op->timer, 0);
    }
}

int
file_watch(struct hf_store *store, uint32_t space, const struct hf_store_watcher *watcher,
           void *arg, struct hf_store_op **ret, struct hf_err *err)
{
    struct change change = { .space = space };
    struct hf_store_op *op;
    int r = op_new(store, REQUEST_WATCH, &change, &op, err);

    if (r == 0) {
        op->watcher = watcher;
        op->arg = arg;
        op_begin(op, ret);
    }
    return r;
}

void
file_unwatch(struct hf_store *store, struct hf_store_op *op)
{
    op->watcher = NULL;
    if (op->ended) {
        op_free(op);
        return;
    }
    atomic_store(&op->request.abandoned, true);
    io_wake(store->io);
}

int
file_announce(struct hf_store *store, const struct hf_document *document, uint64_t ttl_ns,
              hf_store_done_fn *reported, void *arg, struct hf_store_op **ret, struct hf_err *err)
{
    const struct change change = change_of(document, HF_STORE_ANY);
    struct hf_store_op *op;
    int r = op_new(store, REQUEST_ANNOUNCE, &change, &op, err);

    if (r == 0) {
        op->request.ttl_ns = ttl_ns;
        op->reported = reported;
        op->arg = arg;
        op_begin(op, ret);
    }
    return r;
}

void
file_withdraw(struct hf_store *store, struct hf_store_op *op, uint64_t timeout_ns,
              hf_store_done_fn *done, void *arg)
{
    op->reported = NULL;
    op->done = done;
    op->arg = arg;
    store->driver->timer_set(op->timer, op->ended                ? 0
                                        : timeout_ns > INT64_MAX ? INT64_MAX
                                                                 : (int64_t)timeout_ns);
    atomic_store(&op->request.abandoned, true);
    io_wake(store->io);
}

/* --- notices ------------------------------------------------------------------ */

/* The thread has ended an operation. */
static void
take_end(struct hf_store_op *op)
{
    struct hf_store *store = op->store;
    struct request *request = &op->request;
    struct hf_document document = {
        .size = sizeof document,
        .space = request->change.space,
        .id = op->id,
        .revision = request->document.revision,
        .data = request->kind == REQUEST_GET ? request->document.data : op->data,
        .len = request->kind == REQUEST_GET ? request->document.len : request->change.len,
    };
    char message[MESSAGE_SIZE + NAME_SIZE];

    if (op->watcher || op->reported) {
        op->ended = true;
        return;
    }
    if (request->code == 0) {
        store->n_writes += request->kind == REQUEST_PUT || request->kind == REQUEST_REMOVE;
        op_finish(op, 0, "",
                  request->kind == REQUEST_GET || request->kind == REQUEST_PUT ? &document : NULL);
    } else {
        snprintf(message, sizeof message, "%s '%.200s': %s", folder_name(request->change.space),
                 op->id, request->message);
        op_finish(op, op->cancelled ? HF_ECANCELLED : request->code, message, NULL);
    }
    op_free(op);
}

/* Remembers what went wrong, for `show`. */
static void
note_error(struct hf_store *store, const struct notice *notice)
{
    store->n_bad += notice->kind == NOTICE_BAD;
    snprintf(store->last_error, sizeof store->last_error, "%s%s%s", notice->id,
             *notice->id ? ": " : "", notice->message);
}

/* Tells the watcher what happened. */
static void
tell_watcher(const struct hf_store_watcher *watcher, void *arg, const struct notice *notice)
{
    struct hf_document document = {
        .size = sizeof document,
        .space = notice->request->change.space,
        .id = notice->id,
        .data = notice->data,
        .len = notice->len,
        .revision = notice->revision,
    };

    switch (notice->kind) {
    case NOTICE_PUT:
        watcher->on_put(arg, &document);
        break;
    case NOTICE_DELETE:
        watcher->on_delete(arg, notice->id);
        break;
    case NOTICE_SYNCED:
        watcher->on_synced(arg);
        break;
    case NOTICE_BAD:
        watcher->on_bad(arg, notice->id, notice->message);
        break;
    case NOTICE_LOST:
    case NOTICE_WARNING:
    case NOTICE_ANNOUNCED:
    case NOTICE_UNANNOUNCED:
    case NOTICE_END:
    default:
        watcher->on_lost(arg, notice->message);
        break;
    }
}

/* Tells who announced a document how it stands. */
static void
tell_announced(const struct hf_store_op *op, const struct notice *notice)
{
    struct hf_document document = {
        .size = sizeof document,
        .space = op->request.change.space,
        .id = op->id,
        .data = op->data,
        .len = op->request.change.len,
        .revision = notice->revision,
    };

    op->reported(op->arg, notice->code, notice->message,
                 notice->kind == NOTICE_ANNOUNCED ? &document : NULL);
}

/* Some notices, then the loop turns; the descriptor stays readable while there are more. */
void
operations_on_notices(void *arg, uint32_t events)
{
    struct hf_store *store = arg;
    struct notice *notice;

    (void)events;
    for (int i = 0; i < NOTICES_A_TURN && (notice = io_take(store->io)); i++) {
        struct hf_store_op *op = (struct hf_store_op *)(void *)notice->request;

        if (notice->kind == NOTICE_END) {
            take_end(op); /* the notice is part of it */
            continue;
        }
        if (notice->kind == NOTICE_WARNING) {
            store->host->log(store->host, HF_HOST_WARNING, "%s: %s",
                             folder_name(notice->request->change.space), notice->message);
            notice_free(notice);
            continue;
        }
        if (notice->kind == NOTICE_BAD || notice->kind == NOTICE_LOST ||
            notice->kind == NOTICE_UNANNOUNCED) {
            note_error(store, notice);
        }
        if (op->watcher) {
            tell_watcher(op->watcher, op->arg, notice);
        } else if (op->reported) {
            tell_announced(op, notice);
        }
        notice_free(notice);
    }
}

void
operations_end(struct hf_store *store)
{
    struct hf_store_op *op;

    while ((op = store->ops)) {
        op_finish(op, HF_ECANCELLED, "the store is being closed", NULL);
        op_free(op);
    }
}
