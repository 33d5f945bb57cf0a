/*
 * announce.c - documents that live as long as this process.
 *
 * Each is under a lease of its own, which is kept alive every third of its time; when the process
 * dies, etcd forgets the lease and with it the key.  A beat also looks whether the key is still
 * there under the lease, and puts it there if it is not.  A lease that etcd has forgotten (it was
 * away for longer, or lost its data) is replaced by a new one.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#include "../kit/json.h"
#include "etcd.h"

/* Beats in a row that must fail before the document counts as gone: then the lease is over. */
#define BEATS_A_LIFE 3

/* The least that one request is given. */
#define CALL_LIMIT_MIN (1 * SEC)

struct announcement {
    struct hf_store *store;
    struct announcement *prev, *next; /* in the store's list (utlist) */
    uint32_t space;
    char *id, *data;
    size_t len;
    char *key, *value; /* base64 */
    uint64_t ttl_ns;
    uint64_t lease;    /* 0: none */
    unsigned failures; /* in a row */
    bool reported;     /* the host has heard of `code` */
    int code;
    struct call *call; /* under way; NULL: the timer runs */
    struct hf_host_timer *timer;
    hf_store_done_fn *on_report; /* NULL: withdrawn */
    hf_store_done_fn *on_done;   /* of the withdrawal */
    void *arg;
};

static void
announcement_free(struct announcement *a)
{
    DL_DELETE(a->store->announcements, a);
    call_cancel(a->call);
    a->store->driver->timer_free(a->timer);
    free(a->id);
    free(a->data);
    free(a->key);
    free(a->value);
    free(a);
}

/* --- reports to the host ------------------------------------------------------------------ */

static void
tell(struct announcement *a, int code, const char *message, uint64_t revision)
{
    const struct hf_document document = {
        .size = sizeof document,
        .space = a->space,
        .id = a->id,
        .data = a->data,
        .len = a->len,
        .revision = revision,
    };

    if (a->reported && a->code == code) {
        return;
    }
    a->reported = true;
    a->code = code;
    a->on_report(a->arg, code, message, code == 0 ? &document : NULL);
}

/* --- one beat: a lease, its life, the key ------------------------------------------------- */

static void
set_timer(struct announcement *a, uint64_t delay_ns)
{
    a->store->driver->timer_set(a->timer, (int64_t)delay_ns);
}

static void
failed(struct announcement *a, int code, const char *message)
{
    uint64_t beat_ns = a->ttl_ns / BEATS_A_LIFE;
    uint64_t delay_ns = client_backoff(a->store->client, a->failures);

    a->failures++;
    if (code == HF_ENOTFOUND) { /* the lease */
        a->lease = 0;
    }
    snprintf(a->store->last_error, sizeof a->store->last_error, "%.200s: %s", a->id, message);
    set_timer(a, delay_ns < beat_ns ? delay_ns : beat_ns);
    if (!a->reported || a->failures >= BEATS_A_LIFE) {
        tell(a, code, message, 0);
    }
}

/* Sends a request; without memory the beat has failed. */
static void
ask(struct announcement *a, const char *path, char *body, call_done_fn *done)
{
    uint64_t beat_ns = a->ttl_ns / BEATS_A_LIFE;
    const struct call_request request = {
        .path = path,
        .body = body,
        .limit_ns = beat_ns > CALL_LIMIT_MIN ? beat_ns : CALL_LIMIT_MIN,
    };

    a->call = call_begin(a->store->client, &request, done, a);
    if (!a->call) {
        failed(a, HF_ENOMEM, "no memory for a request");
    }
}

static void
on_written(void *arg, int code, const char *message, struct json_object *answer)
{
    struct announcement *a = arg;

    a->call = NULL;
    if (code < 0) {
        failed(a, code, message);
        return;
    }
    a->failures = 0;
    set_timer(a, a->ttl_ns / BEATS_A_LIFE);
    tell(a, 0, "", answer_revision(answer));
}

static void
write_key(struct announcement *a)
{
    ask(a, PATH_TXN, request_put_leased(a->key, a->value, a->lease), on_written);
}

static void
on_granted(void *arg, int code, const char *message, struct json_object *answer)
{
    struct announcement *a = arg;

    a->call = NULL;
    a->lease = code < 0 ? 0 : json_u64(JSON_AT(answer, "ID"));
    if (a->lease == 0) {
        failed(a, code < 0 ? code : HF_EIO, code < 0 ? message : "etcd gave no lease");
        return;
    }
    write_key(a);
}

static void
grant(struct announcement *a)
{
    ask(a, PATH_LEASE_GRANT, request_lease_grant((a->ttl_ns + SEC - 1) / SEC), on_granted);
}

static void
on_kept(void *arg, int code, const char *message, struct json_object *answer)
{
    struct announcement *a = arg;

    a->call = NULL;
    if (code < 0) {
        failed(a, code, message);
    } else if (json_u64(JSON_AT(answer, "result", "TTL")) == 0) {
        grant(a); /* it had expired */
    } else {
        write_key(a);
    }
}

static void
beat(struct announcement *a)
{
    if (a->lease == 0) {
        grant(a);
    } else {
        ask(a, PATH_LEASE_KEEPALIVE, request_lease(a->lease), on_kept);
    }
}

/* --- the end ------------------------------------------------------------------------------ */

static void
finish(struct announcement *a, int code, const char *message)
{
    a->on_done(a->arg, code, message, NULL);
    announcement_free(a);
}

static void
on_revoked(void *arg, int code, const char *message, struct json_object *answer)
{
    struct announcement *a = arg;

    (void)answer;
    a->call = NULL;
    finish(a, code == HF_ENOTFOUND ? 0 : code, message); /* not found: it had expired */
}

static void
on_timer(void *arg)
{
    struct announcement *a = arg;

    if (a->on_report) {
        beat(a);
    } else if (a->call) {
        finish(a, HF_ETIMEOUT, "etcd did not answer in time; it forgets the key with its lease");
    } else { /* nothing is there to be revoked, or no memory to do it */
        finish(a, a->lease == 0 ? 0 : HF_ENOMEM, a->lease == 0 ? "" : "no memory for a request");
    }
}

void
etcd_withdraw(struct hf_store *store, struct hf_store_op *op, uint64_t timeout_ns,
              hf_store_done_fn *done, void *arg)
{
    struct announcement *a = (struct announcement *)(void *)op;
    struct call_request request = { .path = PATH_LEASE_REVOKE };

    a->on_report = NULL;
    a->on_done = done;
    a->arg = arg;
    call_cancel(a->call);
    a->call = NULL;
    if (a->lease > 0) {
        request.body = request_lease(a->lease);
        a->call = call_begin(store->client, &request, on_revoked, a);
    }
    set_timer(a, !a->call ? 0 : timeout_ns > INT64_MAX ? INT64_MAX : timeout_ns);
}

/* What is withdrawn already hears of it; the rest goes with its lease. */
void
announcements_end(struct hf_store *store)
{
    while (store->announcements) {
        struct announcement *a = store->announcements;

        if (a->on_done) {
            finish(a, HF_ECANCELLED, "the store is being closed");
        } else {
            announcement_free(a);
        }
    }
}

/* --- the beginning ------------------------------------------------------------------------ */

static bool
fill(struct announcement *a, const struct keys *keys, const struct hf_document *document)
{
    const struct hf_driver_host *driver = a->store->driver;

    a->id = strdup(document->id);
    a->data = malloc(document->len + 1);
    a->key = keys_encode(keys, document->id);
    a->value = base64_encode(document->data, document->len);
    a->timer = driver->timer_new(driver, HF_CLOCK_REAL, on_timer, a);
    if (!a->id || !a->data || !a->key || !a->value || !a->timer) {
        return false;
    }
    memcpy(a->data, document->data, document->len);
    a->len = document->len;
    return true;
}

int
etcd_announce(struct hf_store *store, const struct hf_document *document, uint64_t ttl_ns,
              hf_store_done_fn *reported, void *arg, struct hf_store_op **ret, struct hf_err *err)
{
    const struct keys *keys = keys_of(store->keys, document->space);
    struct announcement *a;

    if (!keys || !*document->id || document->len > HF_STORE_DOCUMENT_MAX) {
        return store->host->fail(err, HF_EINVALID,
                                 "store etcd: expected a space, an id and at most %u bytes to "
                                 "announce",
                                 HF_STORE_DOCUMENT_MAX);
    }
    a = calloc(1, sizeof *a);
    if (!a) {
        return store->host->fail(err, HF_ENOMEM, "store etcd: out of memory");
    }
    a->store = store;
    DL_PREPEND(store->announcements, a);
    a->space = document->space;
    a->ttl_ns = ttl_ns;
    a->on_report = reported;
    a->arg = arg;
    if (!fill(a, keys, document)) {
        announcement_free(a);
        return store->host->fail(err, HF_ENOMEM, "store etcd: out of memory");
    }
    set_timer(a, 0);
    *ret = (struct hf_store_op *)(void *)a; /* the host gives it to etcd_withdraw alone */
    return 0;
}
