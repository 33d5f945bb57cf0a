/*
 * store-bench.c - a metadata store with its host.
 */
#include "store-bench.h"

#include <stdio.h>
#include <string.h>

#include <CUnit/CUnit.h>

#include "contract-store.h"
#include "fake-host.h"

void
store_open(struct store_bench *b)
{
    struct hf_err err = { 0 };

    b->fake = fake_host_new();
    b->options = fake_options_new(contract_store_plugin, contract_store_settings());
    b->ops = contract_store_plugin->ops;
    if (b->ops->create(fake_driver(b->fake), b->options, &b->store, &err) != 0) {
        fprintf(stderr, "create: %s\n", err.message);
        CU_FAIL_FATAL("the store cannot be created");
    }
}

void
store_close(struct store_bench *b)
{
    b->ops->destroy(b->store);
    CU_ASSERT_EQUAL(fake_host_leaks(b->fake), 0);
    fake_options_free(b->options);
    fake_host_free(b->fake);
}

void
store_on_done(void *arg, int code, const char *message, const struct hf_document *document)
{
    struct store_answer *a = arg;

    CU_ASSERT_PTR_NOT_NULL(message);
    a->n++;
    a->code = code;
    a->has_document = document;
    if (document) {
        a->revision = document->revision;
        snprintf(a->data, sizeof a->data, "%.*s", (int)document->len, (const char *)document->data);
        snprintf(a->id, sizeof a->id, "%s", document->id);
    }
}

struct hf_document
store_document(uint32_t space, const char *id, const char *json, uint64_t revision)
{
    return (struct hf_document){
        .size = sizeof(struct hf_document),
        .space = space,
        .id = id,
        .data = json,
        .len = strlen(json),
        .revision = revision,
    };
}

struct store_answer
store_await(struct store_bench *b, int r, struct store_answer *a)
{
    CU_ASSERT_EQUAL_FATAL(r, 0);
    CU_ASSERT_EQUAL(a->n, 0); /* never before the operation returned */
    CU_ASSERT_TRUE_FATAL(fake_wait(b->fake, &a->n, 1));
    CU_ASSERT_EQUAL(a->n, 1);
    return *a;
}

struct store_answer
store_put_in(struct store_bench *b, uint32_t space, const char *id, const char *json)
{
    struct hf_document document = store_document(space, id, json, 0);
    struct store_answer a = { 0 };
    int r =
        b->ops->put(b->store, &document, HF_STORE_ANY, 10 * SECOND, store_on_done, &a, NULL, NULL);

    return store_await(b, r, &a);
}

struct store_answer
store_put_if(struct store_bench *b, const char *id, const char *json, uint32_t condition,
             uint64_t revision)
{
    struct hf_document document = store_document(HF_STORE_FUNCTIONS, id, json, revision);
    struct store_answer a = { 0 };
    int r = b->ops->put(b->store, &document, condition, 10 * SECOND, store_on_done, &a, NULL, NULL);

    return store_await(b, r, &a);
}

struct store_answer
store_get_in(struct store_bench *b, uint32_t space, const char *id)
{
    struct store_answer a = { 0 };
    int r = b->ops->get(b->store, space, id, 10 * SECOND, store_on_done, &a, NULL, NULL);

    return store_await(b, r, &a);
}

struct store_answer
store_remove_in(struct store_bench *b, uint32_t space, const char *id)
{
    struct store_answer a = { 0 };
    int r = b->ops->remove(b->store, space, id, 10 * SECOND, store_on_done, &a, NULL, NULL);

    return store_await(b, r, &a);
}

struct store_answer
store_put(struct store_bench *b, const char *id, const char *json)
{
    return store_put_in(b, HF_STORE_FUNCTIONS, id, json);
}

struct store_answer
store_get(struct store_bench *b, const char *id)
{
    return store_get_in(b, HF_STORE_FUNCTIONS, id);
}

static void
seen_put(void *arg, const struct hf_document *document)
{
    struct store_seen *s = arg;

    s->puts++;
    s->puts_before_sync += s->synced == 0;
    s->revision = document->revision;
    snprintf(s->id, sizeof s->id, "%s", document->id);
    snprintf(s->data, sizeof s->data, "%.*s", (int)document->len, (const char *)document->data);
}

static void
seen_delete(void *arg, const char *id)
{
    struct store_seen *s = arg;

    s->deletes++;
    snprintf(s->id, sizeof s->id, "%s", id);
}

static void
seen_synced(void *arg)
{
    ((struct store_seen *)arg)->synced++;
}

static void
seen_bad(void *arg, const char *id, const char *message)
{
    (void)id;
    CU_ASSERT_PTR_NOT_NULL(message);
    ((struct store_seen *)arg)->bad++;
}

static void
seen_lost(void *arg, const char *message)
{
    CU_ASSERT_PTR_NOT_NULL(message);
    ((struct store_seen *)arg)->lost++;
}

const struct hf_store_watcher store_watcher = {
    .size = sizeof store_watcher,
    .on_put = seen_put,
    .on_delete = seen_delete,
    .on_synced = seen_synced,
    .on_bad = seen_bad,
    .on_lost = seen_lost,
};

struct hf_store_op *
store_watch(struct store_bench *b, uint32_t space, struct store_seen *s)
{
    struct hf_store_op *op = NULL;

    CU_ASSERT_EQUAL_FATAL(b->ops->watch(b->store, space, &store_watcher, s, &op, NULL), 0);
    CU_ASSERT_EQUAL(s->puts + s->synced, 0);
    CU_ASSERT_TRUE_FATAL(fake_wait(b->fake, &s->synced, 1));
    return op;
}
