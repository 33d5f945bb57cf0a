/*
 * follow.c - following a space: what is reported to the watcher, losses, new attempts.
 */
#include "follow.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <utlist.h>

/* --- life --------------------------------------------------------------------------------- */

static void
stop(struct follow *follow)
{
    call_cancel(follow->call);
    follow->call = NULL;
    stream_close(follow);
    follow->store->driver->timer_set(follow->timer, -1);
    follow->store->driver->timer_set(follow->more, -1);
    follow->goes_on = false;
}

static void
follow_free(struct follow *follow)
{
    DL_DELETE(follow->store->follows, follow);
    if (follow->timer && follow->more) {
        stop(follow);
    }
    follow->store->driver->timer_free(follow->timer);
    follow->store->driver->timer_free(follow->more);
    known_free(follow->known);
    free(follow->page_first);
    free(follow);
}

void
follow_leave(struct follow *follow)
{
    follow->busy--;
    if (follow->busy == 0 && !follow->watcher) {
        follow_free(follow);
    }
}

/* --- reports to the watcher --------------------------------------------------------------- */

void
follow_tell_bad(struct follow *follow, const char *id, const char *message)
{
    struct hf_store *store = follow->store;

    store->n_bad++;
    snprintf(store->last_error, sizeof store->last_error, "%.200s: %s", id, message);
    if (follow->watcher) {
        follow->watcher->on_bad(follow->arg, id, message);
    }
}

static void
tell_document(struct follow *follow, const char *id, const struct pair *pair)
{
    const struct hf_document document = {
        .size = sizeof document,
        .space = follow->keys->space,
        .id = id,
        .data = pair->value,
        .len = pair->value_len,
        .revision = pair->revision,
    };
    char message[MESSAGE_SIZE];

    if (!pair->value) {
        follow_tell_bad(follow, id, "etcd's answer has no value that can be read");
    } else if (pair->value_len > HF_STORE_DOCUMENT_MAX) {
        snprintf(message, sizeof message, "it has %zu bytes, at most %u are allowed",
                 pair->value_len, HF_STORE_DOCUMENT_MAX);
        follow_tell_bad(follow, id, message);
    } else if (follow->watcher) {
        follow->watcher->on_put(follow->arg, &document);
    }
}

void
follow_take(struct follow *follow, const struct pair *pair)
{
    const char *id = keys_id(follow->keys, pair->key, pair->key_len);
    uint64_t hash = pair->value ? follow->store->host->hash(pair->value, pair->value_len) : 0;

    if (!id) {
        follow_tell_bad(follow, pair->key, "this key holds no id");
        return;
    }
    switch (known_put(follow->known, id, pair->revision, hash)) {
    case KNOWN_SAME:
        return;
    case KNOWN_OTHER:
        if (follow->watcher) {
            follow->watcher->on_delete(follow->arg, id);
        }
        break;
    case KNOWN_NO_MEMORY:
        follow_tell_bad(follow, id, "no memory to keep it in mind");
        return;
    case KNOWN_NEWER:
    default:
        break;
    }
    tell_document(follow, id, pair);
}

void
follow_take_removed(struct follow *follow, const struct pair *pair)
{
    const char *id = keys_id(follow->keys, pair->key, pair->key_len);

    if (id && known_remove(follow->known, id) && follow->watcher) {
        follow->watcher->on_delete(follow->arg, id);
    }
}

void
follow_tell_synced(struct follow *follow)
{
    bool news = !follow->synced || follow->lost;

    follow->synced = true;
    follow->lost = false;
    if (news && follow->watcher) {
        follow->since = follow->store->driver->now(follow->store->driver);
        follow->watcher->on_synced(follow->arg);
    }
}

/* --- losses ------------------------------------------------------------------------------- */

/* A stream that breaks off is often back at once, at another member: no word of that. */
static void
tell_lost(struct follow *follow, const char *message)
{
    if (!follow->lost && (follow->failures > 1 || !follow->synced) && follow->watcher) {
        follow->lost = true;
        follow->since = follow->store->driver->now(follow->store->driver);
        follow->watcher->on_lost(follow->arg, message);
    }
}

void
follow_lose(struct follow *follow, const char *message)
{
    struct hf_store *store = follow->store;

    stop(follow);
    snprintf(store->last_error, sizeof store->last_error, "%s", message);
    follow->state = FOLLOW_WAITING;
    store->driver->timer_set(follow->timer,
                             (int64_t)client_backoff(store->client, follow->failures));
    follow->failures++;
    follow->busy++;
    tell_lost(follow, message);
    follow_leave(follow);
}

void
follow_list_anew(struct follow *follow)
{
    stop(follow);
    list_begin(follow);
}

/* Another history begins: what is known of the last one is compared with it. */
static void
take_history(struct follow *follow, const struct header *header)
{
    follow->cluster = header->cluster ? header->cluster : follow->cluster;
    follow->term = header->term ? header->term : follow->term;
    follow->highest = header->revision;
    follow->lower = 0;
}

/* Whether an answer is of another history, though its revision fits: another etcd is behind the
 * address now, or the same one was restored. */
static bool
is_other_history(const struct follow *follow, const struct header *header)
{
    return (follow->cluster && header->cluster && header->cluster != follow->cluster) ||
           (header->term && header->term < follow->term);
}

bool
follow_accepts(struct follow *follow, const struct header *header)
{
    struct hf_store *store = follow->store;
    char message[MESSAGE_SIZE];

    if (is_other_history(follow, header)) {
        if (follow->state != FOLLOW_LISTING) {
            follow_list_anew(follow);
            return false;
        }
        if (follow->cluster != header->cluster) {
            store->host->log(
                store->host, HF_HOST_WARNING,
                "etcd at %s is another cluster than before (%jx, not %jx). Taking what "
                "it has",
                client_endpoint(store->client), (uintmax_t)header->cluster,
                (uintmax_t)follow->cluster);
        }
        take_history(follow, header);
        return true;
    }
    if (header->revision >= follow->highest) {
        take_history(follow, header);
        return true;
    }
    follow->lower++;
    if (follow->state == FOLLOW_LISTING && follow->lower > client_endpoint_count(store->client)) {
        store->host->log(store->host, HF_HOST_WARNING,
                         "etcd went back from revision %ju to %ju: was it restored or wiped? "
                         "Taking what it has now",
                         (uintmax_t)follow->highest, (uintmax_t)header->revision);
        take_history(follow, header);
        return true;
    }
    snprintf(
        message, sizeof message, "etcd at %s is at revision %ju, behind %ju which is known already",
        client_endpoint(store->client), (uintmax_t)header->revision, (uintmax_t)follow->highest);
    client_move_on(store->client);
    follow_lose(follow, message);
    return false;
}

void
follow_go_on(struct follow *follow)
{
    follow->goes_on = true;
    follow->store->driver->timer_set(follow->more, 0);
}

static void
on_more(void *arg)
{
    struct follow *follow = arg;

    follow->goes_on = false;
    follow->busy++;
    if (follow->state == FOLLOW_LISTING) {
        list_go_on(follow);
    } else {
        stream_go_on(follow);
    }
    follow_leave(follow);
}

static void
on_timer(void *arg)
{
    struct follow *follow = arg;

    switch (follow->state) {
    case FOLLOW_OPENING:
        client_move_on(follow->store->client);
        follow_lose(follow, "etcd does not answer the request for a watch");
        break;
    case FOLLOW_WATCHING:
        stream_probe(follow);
        break;
    case FOLLOW_WAITING:
    case FOLLOW_LISTING:
    default:
        if (!follow->synced || follow->lost || follow->lower > 0 ||
            client_lacks_token(follow->store->client)) {
            list_begin(follow);
        } else {
            stream_open(follow);
        }
        break;
    }
}

/* --- the operations of store.h ------------------------------------------------------------ */

int
etcd_watch(struct hf_store *store, uint32_t space, const struct hf_store_watcher *watcher,
           void *arg, struct hf_store_op **ret, struct hf_err *err)
{
    const struct keys *keys = keys_of(store->keys, space);
    struct follow *follow;

    if (!keys) {
        return store->host->fail(err, HF_EINVALID, "store etcd: there is no space %u", space);
    }
    follow = calloc(1, sizeof *follow);
    if (!follow) {
        return store->host->fail(err, HF_ENOMEM, "store etcd: out of memory");
    }
    follow->store = store;
    DL_PREPEND(store->follows, follow);
    follow->keys = keys;
    follow->watcher = watcher;
    follow->arg = arg;
    follow->since = store->driver->now(store->driver);
    follow->known = known_new();
    follow->timer = store->driver->timer_new(store->driver, HF_CLOCK_REAL, on_timer, follow);
    follow->more = store->driver->timer_new(store->driver, HF_CLOCK_REAL, on_more, follow);
    if (!follow->known || !follow->timer || !follow->more) {
        follow_free(follow);
        return store->host->fail(err, HF_ENOMEM, "store etcd: out of memory");
    }
    store->driver->timer_set(follow->timer, 0);
    *ret = (struct hf_store_op *)(void *)follow; /* the host gives it to etcd_unwatch alone */
    return 0;
}

void
etcd_unwatch(struct hf_store *store, struct hf_store_op *op)
{
    struct follow *follow = (struct follow *)(void *)op;

    (void)store;
    follow->busy++;
    follow->watcher = NULL;
    stop(follow);
    follow_leave(follow);
}

void
follows_end(struct hf_store *store)
{
    while (store->follows) {
        follow_free(store->follows);
    }
}

static const char *
state_text(const struct follow *follow)
{
    switch (follow->state) {
    case FOLLOW_LISTING:
        return "listing";
    case FOLLOW_OPENING:
    case FOLLOW_WATCHING:
        return "watching";
    case FOLLOW_WAITING:
    default:
        return "waiting";
    }
}

void
follows_show(const struct hf_store *store, struct hf_text *text)
{
    uint64_t now = store->driver->now(store->driver);

    for (const struct follow *f = store->follows; f; f = f->next) {
        store->host->print(text, "watch %s %s for=%jus state=%s documents=%zu revision=%ju\n",
                           f->keys->prefix,
                           f->lost     ? "lost"
                           : f->synced ? "synced"
                                       : "reading",
                           (uintmax_t)((now - f->since) / SEC), state_text(f),
                           known_count(f->known), (uintmax_t)f->highest);
    }
}
