/* etcd-bench.c - see etcd-bench.h. */
#include "etcd-bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "unit.h"

#define LIMIT UINT64_C(20000000000)

/* --- the watcher -------------------------------------------------------------------------- */

static void
do_deed(struct bench *b, enum bench_deed deed)
{
    if (b->deed == deed) {
        b->deed = WATCH_ON;
        b->ops->unwatch(b->store, b->watch);
    }
}

static void
on_put(void *arg, const struct hf_document *document)
{
    struct bench *b = arg;

    b->seen.puts++;
    b->seen.revision = document->revision;
    snprintf(b->seen.id, sizeof b->seen.id, "%s", document->id);
    snprintf(b->seen.data, sizeof b->seen.data, "%.*s", (int)document->len,
             (const char *)document->data);
    do_deed(b, UNWATCH_ON_PUT);
}

static void
on_delete(void *arg, const char *id)
{
    struct bench *b = arg;

    b->seen.deletes++;
    snprintf(b->seen.deleted, sizeof b->seen.deleted, "%s", id);
    do_deed(b, UNWATCH_ON_DELETE);
}

static void
on_synced(void *arg)
{
    struct bench *b = arg;

    b->seen.synced++;
    do_deed(b, UNWATCH_ON_SYNCED);
}

static void
on_bad(void *arg, const char *id, const char *message)
{
    struct bench *b = arg;

    (void)id;
    b->seen.bad++;
    snprintf(b->seen.message, sizeof b->seen.message, "%s", message);
}

static void
on_lost(void *arg, const char *message)
{
    struct bench *b = arg;

    b->seen.lost++;
    snprintf(b->seen.message, sizeof b->seen.message, "%s", message);
}

static const struct hf_store_watcher watcher = {
    .size = sizeof watcher,
    .on_put = on_put,
    .on_delete = on_delete,
    .on_synced = on_synced,
    .on_bad = on_bad,
    .on_lost = on_lost,
};

void
bench_begin_watch(struct bench *b)
{
    CU_ASSERT_EQUAL_FATAL(b->ops->watch(b->store, HF_STORE_FUNCTIONS, &watcher, b, &b->watch, NULL),
                          0);
}

void
bench_watch(struct bench *b)
{
    bench_begin_watch(b);
    CU_ASSERT_TRUE_FATAL(fake_wait(b->fake, &b->seen.synced, 1));
    for (int i = 0; i < 100 && b->etcd.n_watched == 0; i++) {
        fake_turn(b->fake, 10);
    }
}

/* --- life --------------------------------------------------------------------------------- */

void
bench_open_alone(struct bench *b, const char *const *settings)
{
    static const char *const none[] = { NULL };
    struct hf_err err = { 0 };

    memset(b, 0, sizeof *b);
    fake_etcd_init(&b->etcd);
    b->fake = fake_host_new();
    b->options = fake_options_new(&hyperfaas_plugin, settings ? settings : none);
    b->ops = hyperfaas_plugin.ops;
    if (b->ops->create(fake_driver(b->fake), b->options, &b->store, &err) != 0) {
        fprintf(stderr, "create: %s\n", err.message);
        CU_FAIL_FATAL("the store cannot be created");
    }
}

void
bench_open(struct bench *b, const char *const *settings)
{
    bench_open_alone(b, settings);
    fake_etcd_attach(&b->etcd, b->fake);
}

void
bench_close(struct bench *b)
{
    b->ops->destroy(b->store);
    CU_ASSERT_EQUAL(fake_host_leaks(b->fake), 0);
    fake_options_free(b->options);
    fake_host_free(b->fake);
    fake_etcd_fini(&b->etcd);
}

/* --- operations --------------------------------------------------------------------------- */

static void
on_done(void *arg, int code, const char *message, const struct hf_document *document)
{
    struct bench *b = arg;

    b->answer.n++;
    b->answer.code = code;
    snprintf(b->answer.message, sizeof b->answer.message, "%s", message);
    if (document) {
        b->answer.revision = document->revision;
        snprintf(b->answer.data, sizeof b->answer.data, "%.*s", (int)document->len,
                 (const char *)document->data);
    }
}

void
bench_begin_put(struct bench *b, const char *id, const char *json, uint32_t condition,
                uint64_t revision, uint64_t timeout_ns)
{
    const struct hf_document document = {
        .size = sizeof document,
        .space = HF_STORE_FUNCTIONS,
        .id = id,
        .data = json,
        .len = strlen(json),
        .revision = revision,
    };

    CU_ASSERT_EQUAL(b->ops->put(b->store, &document, condition, timeout_ns, on_done, b, NULL, NULL),
                    0);
}

int
bench_put(struct bench *b, const char *id, const char *json, uint32_t condition, uint64_t revision)
{
    size_t before = b->answer.n;

    bench_begin_put(b, id, json, condition, revision, LIMIT);
    CU_ASSERT_TRUE(fake_wait(b->fake, &b->answer.n, before + 1));
    return b->answer.code;
}

void
bench_begin_get(struct bench *b, const char *id)
{
    CU_ASSERT_EQUAL(b->ops->get(b->store, HF_STORE_FUNCTIONS, id, LIMIT, on_done, b, NULL, NULL),
                    0);
}

void
bench_begin_remove(struct bench *b, const char *id)
{
    CU_ASSERT_EQUAL(b->ops->remove(b->store, HF_STORE_FUNCTIONS, id, LIMIT, on_done, b, NULL, NULL),
                    0);
}

int
bench_get(struct bench *b, const char *id)
{
    size_t before = b->answer.n;

    bench_begin_get(b, id);
    CU_ASSERT_TRUE(fake_wait(b->fake, &b->answer.n, before + 1));
    return b->answer.code;
}
