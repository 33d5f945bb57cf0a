/*
 * operations.c - reading, writing and removing one document.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#include "../kit/json.h"
#include "etcd.h"

enum {
    OPERATIONS_MAX = 4096, /* under way at a time */
};

/* After this a member that answers nothing is given up for a read, which can be repeated. */
#define READ_LIMIT (2 * SEC)

enum kind { GET, PUT, PUT_ABSENT, PUT_OVER, REMOVE };

struct hf_store_op {
    struct hf_store *store;
    struct hf_store_op *prev, *next; /* in the store's list (utlist) */
    enum kind kind;
    uint32_t space;
    char *id, *data; /* copies; `data` is what is written */
    size_t len;
    struct call *call; /* NULL: cancelled */
    struct hf_host_timer *timer;
    hf_store_done_fn *done;
    void *arg;
};

/* --- ends --------------------------------------------------------------------------------- */

static void
op_free(struct hf_store_op *op)
{
    struct hf_store *store = op->store;

    DL_DELETE(store->ops, op);
    store->n_ops--;
    call_cancel(op->call);
    store->driver->timer_free(op->timer);
    free(op->id);
    free(op->data);
    free(op);
}

static void
finish(struct hf_store_op *op, int code, const char *message)
{
    if (code != HF_ECANCELLED && code != HF_ENOTFOUND && code != HF_EEXISTS &&
        code != HF_ECONFLICT) {
        snprintf(op->store->last_error, sizeof op->store->last_error, "%.200s: %s", op->id,
                 message);
    }
    op->done(op->arg, code, message, NULL);
    op_free(op);
}

static void
finish_with(struct hf_store_op *op, const void *data, size_t len, uint64_t revision)
{
    const struct hf_document document = {
        .size = sizeof document,
        .space = op->space,
        .id = op->id,
        .data = data,
        .len = len,
        .revision = revision,
    };

    op->done(op->arg, 0, "", &document);
    op_free(op);
}

/* The time is up, or the operation was cancelled. */
static void
on_timer(void *arg)
{
    struct hf_store_op *op = arg;
    char message[2 * MESSAGE_SIZE];
    const char *failure;

    if (!op->call) {
        finish(op, HF_ECANCELLED, "cancelled");
        return;
    }
    failure = call_last_failure(op->call);
    snprintf(message, sizeof message, "etcd at %s did not answer in time%s%s%s",
             client_endpoint(op->store->client),
             op->kind == GET ? "" : " (the change may have been made all the same)",
             *failure ? "; before that: " : "", failure);
    client_move_on(op->store->client);
    finish(op, HF_ETIMEOUT, message);
}

/* --- answers ------------------------------------------------------------------------------ */

static void
take_document(struct hf_store_op *op, struct json_object *answer)
{
    struct json_object *kvs = JSON_AT(answer, "kvs");
    struct pair pair;

    if (json_count(kvs) == 0) {
        finish(op, HF_ENOTFOUND, "there is no such document");
        return;
    }
    if (!pair_read(json_item(kvs, 0), &pair)) {
        finish(op, HF_EIO, "etcd's answer cannot be read");
        return;
    }
    if (!pair.value) {
        finish(op, HF_EIO, "etcd's answer cannot be read");
    } else if (pair.value_len > HF_STORE_DOCUMENT_MAX) {
        finish(op, HF_EINVALID, "the document is larger than 64 KiB");
    } else {
        finish_with(op, pair.value, pair.value_len, pair.revision);
    }
    pair_fini(&pair);
}

/* A transaction's condition did not hold. */
static void
take_conflict(struct hf_store_op *op, struct json_object *answer)
{
    struct json_object *read = json_item(JSON_AT(answer, "responses"), 0);

    if (op->kind == PUT_ABSENT) {
        finish(op, HF_EEXISTS, "it is there already");
    } else if (json_count(JSON_AT(read, "response_range", "kvs")) == 0) {
        finish(op, HF_ENOTFOUND, "there is no such document");
    } else {
        finish(op, HF_ECONFLICT, "it has been changed by somebody else");
    }
}

static void
take_answer(struct hf_store_op *op, struct json_object *answer)
{
    switch (op->kind) {
    case GET:
        take_document(op, answer);
        break;
    case REMOVE:
        if (json_u64(JSON_AT(answer, "deleted")) == 0) {
            finish(op, HF_ENOTFOUND, "there is no such document");
            break;
        }
        op->store->n_writes++;
        op->done(op->arg, 0, "", NULL);
        op_free(op);
        break;
    case PUT_ABSENT:
    case PUT_OVER:
        if (!json_true(JSON_AT(answer, "succeeded"))) {
            take_conflict(op, answer);
            break;
        }
        /* fallthrough */
    case PUT:
    default:
        op->store->n_writes++;
        finish_with(op, op->data, op->len, answer_revision(answer));
        break;
    }
}

static void
on_answer(void *arg, int code, const char *message, struct json_object *answer)
{
    struct hf_store_op *op = arg;

    op->call = NULL;
    if (code < 0) {
        finish(op, code, message);
    } else {
        take_answer(op, answer);
    }
}

/* --- beginnings --------------------------------------------------------------------------- */

/* Refuses what etcd could not hold. */
static int
check(const struct hf_store *store, uint32_t space, const char *id, size_t len, struct hf_err *err)
{
    if (!keys_of(store->keys, space)) {
        return store->host->fail(err, HF_EINVALID, "store etcd: there is no space %u", space);
    }
    if (!*id) {
        return store->host->fail(err, HF_EINVALID, "store etcd: the id is empty");
    }
    if (len > HF_STORE_DOCUMENT_MAX) {
        return store->host->fail(
            err, HF_EINVALID,
            "store etcd: the document of '%.64s' has %zu bytes, at most %u are "
            "allowed",
            id, len, HF_STORE_DOCUMENT_MAX);
    }
    if (store->n_ops >= OPERATIONS_MAX) {
        return store->host->fail(err, HF_EFULL, "store etcd: %d operations are under way already",
                                 OPERATIONS_MAX);
    }
    return 0;
}

/* The body of the request, and where it goes; NULL without memory. */
static char *
make_body(const struct hf_store_op *op, uint64_t revision, const char **ret_path)
{
    char *key = keys_encode(keys_of(op->store->keys, op->space), op->id);
    char *value = base64_encode(op->data, op->len);
    char *body = NULL;

    if (key && value) {
        switch (op->kind) {
        case GET:
            *ret_path = PATH_RANGE;
            body = request_get(key);
            break;
        case REMOVE:
            *ret_path = PATH_DELETE;
            body = request_remove(key);
            break;
        case PUT_ABSENT:
            *ret_path = PATH_TXN;
            body = request_put_absent(key, value);
            break;
        case PUT_OVER:
            *ret_path = PATH_TXN;
            body = request_put_over(key, value, revision);
            break;
        case PUT:
        default:
            *ret_path = PATH_PUT;
            body = request_put(key, value);
            break;
        }
    }
    free(key);
    free(value);
    return body;
}

/* Copies what the operation is about and sends it. */
static bool
op_begin(struct hf_store_op *op, const struct hf_document *document, uint64_t timeout_ns)
{
    struct hf_store *store = op->store;
    struct call_request request = {
        .writes = op->kind != GET,
        .limit_ns = op->kind == GET ? READ_LIMIT : 0,
        .patience_ns = store->dial_timeout_ns,
    };

    op->space = document->space;
    op->id = strdup(document->id);
    op->len = document->len;
    op->data = malloc(document->len + 1);
    op->timer = store->driver->timer_new(store->driver, HF_CLOCK_REAL, on_timer, op);
    if (!op->id || !op->data || !op->timer) {
        return false;
    }
    if (document->len > 0) {
        memcpy(op->data, document->data, document->len);
    }
    request.body = make_body(op, document->revision, &request.path);
    op->call = call_begin(store->client, &request, on_answer, op);
    if (op->call) {
        store->driver->timer_set(op->timer,
                                 timeout_ns > INT64_MAX ? INT64_MAX : (int64_t)timeout_ns);
    }
    return op->call;
}

static int
op_new(struct hf_store *store, enum kind kind, const struct hf_document *document,
       uint64_t timeout_ns, hf_store_done_fn *done, void *arg, struct hf_store_op **ret,
       struct hf_err *err)
{
    struct hf_store_op *op;
    int r = check(store, document->space, document->id, document->len, err);

    if (r < 0) {
        return r;
    }
    op = calloc(1, sizeof *op);
    if (!op) {
        return store->host->fail(err, HF_ENOMEM, "store etcd: out of memory");
    }
    op->store = store;
    DL_PREPEND(store->ops, op);
    store->n_ops++;
    op->kind = kind;
    op->done = done;
    op->arg = arg;
    if (!op_begin(op, document, timeout_ns)) {
        op_free(op);
        return store->host->fail(err, HF_ENOMEM, "store etcd: out of memory");
    }
    if (ret) {
        *ret = op;
    }
    return 0;
}

int
etcd_get(struct hf_store *store, uint32_t space, const char *id, uint64_t timeout_ns,
         hf_store_done_fn *done, void *arg, struct hf_store_op **ret, struct hf_err *err)
{
    const struct hf_document document = { .size = sizeof document, .space = space, .id = id };

    return op_new(store, GET, &document, timeout_ns, done, arg, ret, err);
}

int
etcd_put(struct hf_store *store, const struct hf_document *document, uint32_t condition,
         uint64_t timeout_ns, hf_store_done_fn *done, void *arg, struct hf_store_op **ret,
         struct hf_err *err)
{
    enum kind kind = condition == HF_STORE_ABSENT        ? PUT_ABSENT
                     : condition == HF_STORE_AT_REVISION ? PUT_OVER
                                                         : PUT;

    return op_new(store, kind, document, timeout_ns, done, arg, ret, err);
}

int
etcd_remove(struct hf_store *store, uint32_t space, const char *id, uint64_t timeout_ns,
            hf_store_done_fn *done, void *arg, struct hf_store_op **ret, struct hf_err *err)
{
    const struct hf_document document = { .size = sizeof document, .space = space, .id = id };

    return op_new(store, REMOVE, &document, timeout_ns, done, arg, ret, err);
}

void
etcd_cancel(struct hf_store *store, struct hf_store_op *op)
{
    call_cancel(op->call);
    op->call = NULL;
    store->driver->timer_set(op->timer, 0);
}

void
operations_end(struct hf_store *store)
{
    while (store->ops) {
        finish(store->ops, HF_ECANCELLED, "the store is being closed");
    }
}
