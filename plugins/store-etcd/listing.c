/*
 * listing.c - all documents of a space as they are at one revision, page by page.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../kit/json.h"
#include "follow.h"

/* Documents in a page: few enough that the loop does not stand still over one. */
#define PAGE_SIZE 100

/* Bytes of a page's answer; a page that is larger is asked for in smaller ones. */
#define PAGE_BYTES_MAX ((size_t)1 << 20)

/* For the answer to one page. */
#define PAGE_LIMIT (5 * SEC)

static void ask(struct follow *follow);

/* The page's last key, and a NUL: the least key behind it. */
static bool
move_behind(struct follow *follow, const struct pair *last)
{
    free(follow->page_first);
    follow->page_first = base64_encode(last->key, last->key_len + 1);
    return follow->page_first;
}

/* All pages have been reported: what was known before and was not met has gone. */
void
list_go_on(struct follow *follow)
{
    const char *id = "";

    for (int i = 0; i < TOLD_A_TURN && follow->watcher && id; i++) {
        id = known_next_missing(follow->known);
        if (id) {
            follow->watcher->on_delete(follow->arg, id);
        }
    }
    if (!follow->watcher) {
        return;
    }
    if (id) {
        follow_go_on(follow);
        return;
    }
    follow->resume = follow->list_revision + 1;
    follow_tell_synced(follow);
    if (follow->watcher) {
        stream_open(follow);
    }
}

/* A value that is too large even for a page of its own was left out: its key came alone. */
static void
skip_value(struct follow *follow, const struct pair *pair)
{
    const char *id = keys_id(follow->keys, pair->key, pair->key_len);

    if (id && known_put(follow->known, id, pair->revision, 0) == KNOWN_SAME) {
        return;
    }
    follow_tell_bad(follow, id ? id : pair->key, "it is too large to be read");
}

/* Tells a page's documents; false: an answer that cannot be read, or there is no memory. */
static bool
take_documents(struct follow *follow, struct json_object *kvs)
{
    for (size_t i = 0; follow->watcher && i < json_count(kvs); i++) {
        struct pair pair;
        bool ok = true;

        if (!pair_read(json_item(kvs, i), &pair)) {
            return false;
        }
        if (follow->keys_only) {
            skip_value(follow, &pair);
        } else {
            follow_take(follow, &pair);
        }
        if (i + 1 == json_count(kvs)) {
            ok = move_behind(follow, &pair);
        }
        pair_fini(&pair);
        if (!ok) {
            return false;
        }
    }
    return true;
}

static void
take_page(struct follow *follow, struct json_object *answer)
{
    struct json_object *kvs = JSON_AT(answer, "kvs");
    bool more = json_true(JSON_AT(answer, "more")) && json_count(kvs) > 0;

    if (follow->list_revision == 0) {
        struct header header = answer_header(answer);

        if (!follow_accepts(follow, &header)) {
            return;
        }
        follow->list_revision = header.revision;
    }
    if (!take_documents(follow, kvs)) {
        follow_lose(follow, "etcd's list cannot be read");
    } else if (follow->watcher && more) {
        follow->page_size = follow->page_size < PAGE_SIZE / 2 ? follow->page_size * 2 : PAGE_SIZE;
        follow->keys_only = false;
        ask(follow);
    } else if (follow->watcher) {
        list_go_on(follow);
    }
}

/* The answer was larger than allowed: ask for less. */
static void
ask_for_less(struct follow *follow)
{
    if (follow->page_size > 1) {
        follow->page_size = follow->page_size > 8 ? follow->page_size / 8 : 1;
    } else {
        follow->keys_only = true;
    }
    ask(follow);
}

static void
on_page(void *arg, int code, const char *message, struct json_object *answer)
{
    struct follow *follow = arg;

    follow->call = NULL;
    follow->busy++;
    if (code == HF_EFULL && !follow->keys_only) {
        ask_for_less(follow);
    } else if (code < 0) {
        follow_lose(follow, message);
    } else {
        take_page(follow, answer);
    }
    follow_leave(follow);
}

static void
ask(struct follow *follow)
{
    const char *first = follow->page_first ? follow->page_first : follow->keys->first;
    struct hf_store *store = follow->store;
    const struct call_request request = {
        .path = PATH_RANGE,
        .body = request_list(first, follow->keys->end, follow->page_size, follow->list_revision,
                             follow->keys_only),
        .limit_ns = PAGE_LIMIT,
        .patience_ns = follow->failures == 0 ? store->dial_timeout_ns : 0,
        .max_answer = PAGE_BYTES_MAX,
    };

    follow->call = call_begin(store->client, &request, on_page, follow);
    if (!follow->call) {
        follow_lose(follow, "no memory to ask etcd for a list");
    }
}

void
list_begin(struct follow *follow)
{
    follow->state = FOLLOW_LISTING;
    follow->list_revision = 0;
    free(follow->page_first);
    follow->page_first = NULL;
    follow->page_size = PAGE_SIZE;
    follow->keys_only = false;
    known_compare(follow->known);
    ask(follow);
}
