/*
 * test-catalog.c - functions known to a process, over a store that the test plays.
 */
#include "unit.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <hyperfaas/store.h>

#include "base/err.h"
#include "base/macros.h"
#include "base/text.h"
#include "loop/loop.h"
#include "loop/thread.h"
#include "node/catalog.h"

#define LIMIT (10 * HF_SEC)

/* --- a store that answers when the test says so -------------------------------------------- */

struct hf_store {
    const struct hf_store_watcher *watcher;
    void *watcher_arg;
    hf_store_done_fn *done; /* of the read under way */
    void *done_arg;
    char id[128];
    uint32_t reads;
    uint32_t cancels;
    bool refuse;
};

static int
store_get(struct hf_store *store, uint32_t space, const char *id, uint64_t timeout_ns,
          hf_store_done_fn *done, void *arg, struct hf_store_op **ret, struct hf_err *err)
{
    CU_ASSERT_EQUAL(space, HF_STORE_FUNCTIONS);
    CU_ASSERT(timeout_ns > 0);
    if (store->refuse) {
        return hf_fail(err, HF_EUNAVAILABLE, "the store is away");
    }
    store->reads++;
    store->done = done;
    store->done_arg = arg;
    snprintf(store->id, sizeof store->id, "%s", id);
    *ret = (struct hf_store_op *)store;
    return 0;
}

static void
store_cancel(struct hf_store *store, struct hf_store_op *op)
{
    (void)op;
    store->cancels++;
}

static int
store_watch(struct hf_store *store, uint32_t space, const struct hf_store_watcher *watcher,
            void *arg, struct hf_store_op **ret, struct hf_err *err)
{
    (void)err;
    CU_ASSERT_EQUAL(space, HF_STORE_FUNCTIONS);
    store->watcher = watcher;
    store->watcher_arg = arg;
    *ret = (struct hf_store_op *)store;
    return 0;
}

static void
store_unwatch(struct hf_store *store, struct hf_store_op *op)
{
    (void)op;
    store->watcher = NULL;
}

static const struct hf_store_ops store_ops = {
    .size = sizeof store_ops,
    .get = store_get,
    .cancel = store_cancel,
    .watch = store_watch,
    .unwatch = store_unwatch,
};

static struct hf_document
document_of(const char *id, const char *json, uint64_t revision)
{
    return (struct hf_document){ .size = sizeof(struct hf_document),
                                 .space = HF_STORE_FUNCTIONS,
                                 .id = id,
                                 .data = json,
                                 .len = strlen(json),
                                 .revision = revision };
}

static void
put(struct hf_store *store, const char *id, const char *json, uint64_t revision)
{
    struct hf_document document = document_of(id, json, revision);

    store->watcher->on_put(store->watcher_arg, &document);
}

/* The read under way ends. */
static void
answer(struct hf_store *store, int code, const char *message, const char *json, uint64_t revision)
{
    struct hf_document document = document_of(store->id, json ? json : "", revision);
    hf_store_done_fn *done = store->done;

    if (!done) {
        CU_FAIL("no read is under way");
        return;
    }
    store->done = NULL;
    done(store->done_arg, code, message, json ? &document : NULL);
}

/* --- a catalog over it --------------------------------------------------------------------- */

struct fixture {
    struct hf_loop *loop;
    struct hf_store store;
    struct hf_catalog *catalog;
    struct hf_catalog_listener listener;
    char heard[256];
};

static void
hear(struct hf_catalog_listener *listener, const char *what, const char *id)
{
    struct fixture *f = hf_container_of(listener, struct fixture, listener);
    size_t len = strlen(f->heard);

    snprintf(f->heard + len, sizeof f->heard - len, "%s%s ", what, id);
}

static void
on_put(struct hf_catalog_listener *listener, struct hf_function_def *def,
       struct hf_function_def *old)
{
    hear(listener, old ? "=" : "+", def->function.id);
}

static void
on_delete(struct hf_catalog_listener *listener, struct hf_function_def *def)
{
    hear(listener, "-", def->function.id);
}

static void
on_synced(struct hf_catalog_listener *listener)
{
    hear(listener, "synced", "");
}

static void
on_lost(struct hf_catalog_listener *listener, const char *message)
{
    hear(listener, "lost:", message);
}

static void
begin(struct fixture *f)
{
    *f = (struct fixture){ .listener = { .on_put = on_put,
                                         .on_delete = on_delete,
                                         .on_synced = on_synced,
                                         .on_lost = on_lost } };
    CU_ASSERT_EQUAL_FATAL(hf_loop_new("test", &f->loop, NULL), 0);
    CU_ASSERT_EQUAL_FATAL(hf_catalog_new(f->loop, 90 * HF_SEC, 1, &f->catalog, NULL), 0);
    hf_catalog_listen(f->catalog, &f->listener);
    CU_ASSERT_EQUAL_FATAL(hf_catalog_follow(f->catalog, &store_ops, &f->store, NULL), 0);
}

static void
end(struct fixture *f)
{
    hf_catalog_unlisten(&f->listener);
    hf_catalog_free(f->catalog);
    CU_ASSERT_PTR_NULL(f->store.watcher);
    if (f->store.done) { /* as a store does when it is destroyed */
        answer(&f->store, HF_ECANCELLED, "destroyed", NULL, 0);
    }
    hf_loop_free(f->loop);
}

static struct hf_function_def *
find(struct fixture *f, const char *id)
{
    return hf_catalog_find(f->catalog, id, strlen(id));
}

/* --- what the store tells ------------------------------------------------------------------ */

static const char hello[] = "{\"image\":{\"tag\":\"hello\"}}";
static const char whole[] = "{\"image\":{\"tag\":\"r:5/"
                            "echo:2\"},\"config\":{\"memory\":\"1024\",\"cpu\":{\"period\":\"100\","
                            "\"quota\":\"50\"},\"timeout\":7,\"maxConcurrency\":3}}";

static void
documents_become_definitions(void)
{
    struct fixture f;
    struct hf_function_def *def;

    begin(&f);
    put(&f.store, "a", hello, 1);
    put(&f.store, "b", whole, 2);
    f.store.watcher->on_synced(f.store.watcher_arg);
    UNIT_STR(f.heard, "+a +b synced ");
    CU_ASSERT(hf_catalog_is_synced(f.catalog));
    UNIT_U64(hf_catalog_count(f.catalog), 2);
    def = find(&f, "a");
    CU_ASSERT_PTR_NOT_NULL_FATAL(def);
    UNIT_STR(def->function.id, "a");
    UNIT_STR(def->function.image, "hello:latest");
    UNIT_U64(def->function.idle_timeout_ns, 90 * HF_SEC);
    UNIT_U64(def->function.memory_bytes, 0);
    UNIT_U64(def->function.max_concurrency, 0);
    hf_function_def_unref(def);
    def = find(&f, "b");
    CU_ASSERT_PTR_NOT_NULL_FATAL(def);
    UNIT_STR(def->function.image, "r:5/echo:2");
    UNIT_U64(def->function.idle_timeout_ns, 7 * HF_SEC);
    UNIT_U64(def->function.memory_bytes, 1024);
    UNIT_U64(def->function.cpu_period_us, 100);
    UNIT_U64(def->function.cpu_quota_us, 50);
    UNIT_U64(def->function.max_concurrency, 3);
    UNIT_U64(def->revision, 2);
    hf_function_def_unref(def);
    CU_ASSERT_PTR_NULL(find(&f, "c"));
    end(&f);
}

static void
updates_replace_and_deletes_remove(void)
{
    struct fixture f;
    struct hf_function_def *first;
    struct hf_function_def *second;

    begin(&f);
    put(&f.store, "a", hello, 1);
    first = find(&f, "a");
    put(&f.store, "a", "{\"image\":{\"tag\":\"hello\"},\"config\":{\"timeout\":3}}", 2);
    second = find(&f, "a");
    CU_ASSERT_PTR_NOT_EQUAL_FATAL(first, second);
    CU_ASSERT(first->is_stale);
    CU_ASSERT_FALSE(second->is_stale);
    UNIT_U64(first->instance_revision, second->instance_revision); /* only the timeout changed */
    put(&f.store, "a", hello, 1);                                  /* old news */
    hf_function_def_unref(first);
    first = find(&f, "a");
    CU_ASSERT_PTR_EQUAL(first, second);
    put(&f.store, "a", whole, 3);
    hf_function_def_unref(first);
    first = find(&f, "a");
    CU_ASSERT(first->instance_revision != second->instance_revision);
    f.store.watcher->on_delete(f.store.watcher_arg, "a");
    f.store.watcher->on_delete(f.store.watcher_arg, "never there");
    CU_ASSERT(first->is_stale);
    UNIT_STR(first->function.image, "r:5/echo:2"); /* for those who still hold it */
    CU_ASSERT_PTR_NULL(find(&f, "a"));
    UNIT_STR(f.heard, "+a =a =a -a ");
    hf_function_def_unref(first);
    hf_function_def_unref(second);
    end(&f);
}

static void
bad_documents_leave_the_last_good_one(void)
{
    struct fixture f;
    struct hf_function_def *def;

    begin(&f);
    put(&f.store, "a", hello, 1);
    UNIT_EXPECT_LOG("the store's document of a function cannot be used");
    put(&f.store, "a", "{\"image\":", 2);
    UNIT_EXPECT_LOG("the store cannot read a document");
    f.store.watcher->on_bad(f.store.watcher_arg, "b", "no permission");
    def = find(&f, "a");
    CU_ASSERT_PTR_NOT_NULL_FATAL(def);
    UNIT_STR(def->function.image, "hello:latest");
    hf_function_def_unref(def);
    UNIT_STR(f.heard, "+a ");
    end(&f);
}

static void
a_lost_store_takes_nothing_away(void)
{
    struct fixture f;
    struct hf_function_def *def;
    hf_autotext struct hf_text shown;

    begin(&f);
    put(&f.store, "a", hello, 4);
    f.store.watcher->on_synced(f.store.watcher_arg);
    CU_ASSERT(hf_catalog_is_synced(f.catalog));
    UNIT_EXPECT_LOG("the store cannot be reached");
    f.store.watcher->on_lost(f.store.watcher_arg, "gone");
    f.store.watcher->on_lost(f.store.watcher_arg, "still gone"); /* said once */
    def = find(&f, "a");
    CU_ASSERT_PTR_NOT_NULL(def);
    hf_function_def_unref(def);
    hf_text_init(&shown);
    hf_catalog_show(f.catalog, &shown);
    UNIT_STR(hf_text_str(&shown), "functions=1 revision=4 state=lost\n");
    CU_ASSERT_FALSE(hf_catalog_is_synced(f.catalog));
    f.store.watcher->on_synced(f.store.watcher_arg);
    CU_ASSERT(hf_catalog_is_synced(f.catalog));
    end(&f);
}

/* --- looking up ---------------------------------------------------------------------------- */

struct asked {
    int count;
    int code;
    char image[64];
    char message[128];
};

static void
on_found(void *arg, struct hf_function_def *def, int code, const char *message)
{
    struct asked *asked = arg;

    asked->count++;
    asked->code = code;
    snprintf(asked->message, sizeof asked->message, "%s", message);
    snprintf(asked->image, sizeof asked->image, "%s", def ? def->function.image : "");
    hf_function_def_unref(def);
}

static void
ask(struct fixture *f, const char *id, struct asked *asked, struct hf_catalog_lookup **ret)
{
    *asked = (struct asked){ .count = 0 };
    CU_ASSERT_EQUAL_FATAL(
        hf_catalog_resolve(f->catalog, f->loop, id, strlen(id), on_found, asked, ret, NULL), 0);
    UNIT_INT(asked->count, 0);
}

static bool
is_answered(void *arg)
{
    return ((struct asked *)arg)->count > 0;
}

static bool
is_reading(void *arg)
{
    return ((struct hf_store *)arg)->done != NULL;
}

static void
unknown_ids_are_read_once_for_all(void)
{
    struct fixture f;
    struct asked first;
    struct asked second;

    begin(&f);
    ask(&f, "a", &first, NULL);
    ask(&f, "a", &second, NULL);
    CU_ASSERT(hf_loop_run_until(f.loop, is_reading, &f.store, LIMIT));
    UNIT_U64(f.store.reads, 1);
    UNIT_STR(f.store.id, "a");
    answer(&f.store, 0, "", hello, 1);
    CU_ASSERT(hf_loop_run_until(f.loop, is_answered, &second, LIMIT));
    UNIT_INT(first.count, 1);
    UNIT_INT(first.code, 0);
    UNIT_STR(first.image, "hello:latest");
    UNIT_STR(second.image, "hello:latest");
    ask(&f, "a", &first, NULL); /* known now */
    CU_ASSERT(hf_loop_run_until(f.loop, is_answered, &first, LIMIT));
    UNIT_STR(first.image, "hello:latest");
    UNIT_U64(f.store.reads, 1);
    UNIT_STR(f.heard, "+a ");
    end(&f);
}

/* Somebody has seen a newer version than the one that is known. */
static void
a_known_function_is_read_anew(void)
{
    struct asked asked = { .count = 0 };
    struct fixture f;

    begin(&f);
    put(&f.store, "a", hello, 1);
    CU_ASSERT_EQUAL(hf_catalog_read(f.catalog, f.loop, "a", 1, on_found, &asked, NULL, NULL), 0);
    CU_ASSERT(hf_loop_run_until(f.loop, is_reading, &f.store, LIMIT));
    UNIT_INT(asked.count, 0);
    answer(&f.store, 0, "", "{\"image\":{\"tag\":\"echo\"}}", 2);
    CU_ASSERT(hf_loop_run_until(f.loop, is_answered, &asked, LIMIT));
    UNIT_INT(asked.code, 0);
    UNIT_STR(asked.image, "echo:latest");
    put(&f.store, "a", hello, 1); /* old news */
    ask(&f, "a", &asked, NULL);
    CU_ASSERT(hf_loop_run_until(f.loop, is_answered, &asked, LIMIT));
    UNIT_STR(asked.image, "echo:latest");
    UNIT_U64(f.store.reads, 1);
    end(&f);
}

static void
missing_ids_are_remembered_for_a_moment(void)
{
    struct fixture f;
    struct asked asked;

    begin(&f);
    ask(&f, "a", &asked, NULL);
    CU_ASSERT(hf_loop_run_until(f.loop, is_reading, &f.store, LIMIT));
    answer(&f.store, HF_ENOTFOUND, "no such file", NULL, 0);
    CU_ASSERT(hf_loop_run_until(f.loop, is_answered, &asked, LIMIT));
    UNIT_INT(asked.code, HF_ENOTFOUND);
    UNIT_STR(asked.message, "it is not registered");
    ask(&f, "a", &asked, NULL);
    CU_ASSERT(hf_loop_run_until(f.loop, is_answered, &asked, LIMIT));
    UNIT_INT(asked.code, HF_ENOTFOUND);
    UNIT_U64(f.store.reads, 1);
    UNIT_EXPECT_LOG("cannot be used");
    put(&f.store, "a", "{}", 1); /* the store tells that it is there, if not well */
    ask(&f, "a", &asked, NULL);
    CU_ASSERT(hf_loop_run_until(f.loop, is_reading, &f.store, LIMIT));
    UNIT_U64(f.store.reads, 2);
    answer(&f.store, 0, "", hello, 2);
    CU_ASSERT(hf_loop_run_until(f.loop, is_answered, &asked, LIMIT));
    UNIT_INT(asked.code, 0);
    end(&f);
}

static void
failures_are_told_and_not_remembered(void)
{
    struct fixture f;
    struct asked asked;

    begin(&f);
    f.store.refuse = true;
    ask(&f, "a", &asked, NULL);
    CU_ASSERT(hf_loop_run_until(f.loop, is_answered, &asked, LIMIT));
    UNIT_INT(asked.code, HF_EUNAVAILABLE);
    UNIT_STR(asked.message, "the store is away");
    f.store.refuse = false;
    ask(&f, "a", &asked, NULL);
    CU_ASSERT(hf_loop_run_until(f.loop, is_reading, &f.store, LIMIT));
    answer(&f.store, 0, "", "not json", 3);
    CU_ASSERT(hf_loop_run_until(f.loop, is_answered, &asked, LIMIT));
    UNIT_INT(asked.code, HF_ENOTFOUND); /* none that can be read is none */
    UNIT_CONTAINS(asked.message, "not JSON");
    end(&f);
}

static void
an_unreadable_document_leaves_the_last_good_one(void)
{
    struct fixture f;
    struct asked asked = { 0 };

    begin(&f);
    put(&f.store, "a", hello, 1);
    UNIT_INT(hf_catalog_read(f.catalog, f.loop, "a", 1, on_found, &asked, NULL, NULL), 0);
    CU_ASSERT(hf_loop_run_until(f.loop, is_reading, &f.store, LIMIT));
    answer(&f.store, HF_EINVALID, "it is too large", NULL, 0);
    CU_ASSERT(hf_loop_run_until(f.loop, is_answered, &asked, LIMIT));
    UNIT_INT(asked.code, 0);
    UNIT_STR(asked.image, "hello:latest");
    end(&f);
}

static void
a_function_deleted_while_it_is_read_stays_deleted(void)
{
    struct fixture f;
    struct asked asked;

    begin(&f);
    ask(&f, "a", &asked, NULL);
    CU_ASSERT(hf_loop_run_until(f.loop, is_reading, &f.store, LIMIT));
    f.store.watcher->on_delete(f.store.watcher_arg, "a");
    answer(&f.store, 0, "", hello, 1);
    CU_ASSERT(hf_loop_run_until(f.loop, is_answered, &asked, LIMIT));
    UNIT_INT(asked.code, HF_ENOTFOUND);
    CU_ASSERT_PTR_NULL(find(&f, "a"));
    end(&f);
}

static bool
never(void *arg)
{
    (void)arg;
    return false;
}

static void
lookups_can_be_cancelled_at_any_time(void)
{
    struct fixture f;
    struct asked early;
    struct asked reading;
    struct asked late;
    struct hf_catalog_lookup *lookup = NULL;

    begin(&f);
    ask(&f, "a", &early, &lookup);
    hf_catalog_cancel(lookup);
    ask(&f, "a", &reading, &lookup);
    CU_ASSERT(hf_loop_run_until(f.loop, is_reading, &f.store, LIMIT));
    hf_catalog_cancel(lookup);
    ask(&f, "a", &late, &lookup);
    answer(&f.store, 0, "", hello, 1);
    hf_catalog_cancel(lookup); /* the answer is on its way */
    CU_ASSERT_FALSE(hf_loop_run_until(f.loop, never, NULL, 5 * HF_MSEC));
    UNIT_INT(early.count + reading.count + late.count, 0);
    hf_catalog_cancel(NULL);
    end(&f);
}

static void
the_end_answers_all_who_wait(void)
{
    struct fixture f;
    struct asked reading;
    struct asked posted;

    begin(&f);
    ask(&f, "a", &reading, NULL);
    CU_ASSERT(hf_loop_run_until(f.loop, is_reading, &f.store, LIMIT));
    ask(&f, "b", &posted, NULL);
    end(&f);
    UNIT_INT(reading.code, HF_ECANCELLED);
    UNIT_INT(posted.code, HF_ECANCELLED);
    UNIT_U64(f.store.cancels, 1);
}

static void
made_up_ids_are_bounded(void)
{
    struct fixture f;
    struct asked asked = { .count = 0 };
    struct hf_err err = HF_ERR_INIT;
    int r = 0;
    int accepted = 0;

    begin(&f);
    f.store.refuse = true;
    while (r == 0 && accepted < 100000) {
        char id[32];

        snprintf(id, sizeof id, "id-%d", accepted);
        r = hf_catalog_resolve(f.catalog, f.loop, id, strlen(id), on_found, &asked, NULL, &err);
        accepted += r == 0;
    }
    UNIT_INT(r, HF_EFULL);
    UNIT_INT(accepted, 1024);
    CU_ASSERT(hf_loop_run_until(f.loop, is_answered, &asked, LIMIT));
    end(&f);
}

/* --- threads and size ---------------------------------------------------------------------- */

struct reader {
    struct hf_catalog *catalog;
    atomic_bool stop;
    uint64_t found;
};

static void
read_until_stopped(void *arg)
{
    struct reader *reader = arg;

    while (!reader->stop) {
        struct hf_function_def *def = hf_catalog_find(reader->catalog, "a", 1);

        if (def) {
            reader->found += strcmp(def->function.id, "a") == 0;
            hf_function_def_unref(def);
        }
    }
}

static void
threads_find_while_the_store_changes(void)
{
    struct fixture f;
    struct reader reader = { .found = 0 };
    struct hf_thread *thread = NULL;

    begin(&f);
    reader.catalog = f.catalog;
    CU_ASSERT_EQUAL_FATAL(hf_thread_new("reader", &thread, NULL), 0);
    CU_ASSERT_EQUAL(hf_loop_call(hf_thread_loop(thread), read_until_stopped, &reader), 0);
    for (uint64_t revision = 1; revision < 20000; revision++) {
        put(&f.store, "a", revision % 2 ? hello : whole, revision);
        if (revision % 16 == 0) {
            f.store.watcher->on_delete(f.store.watcher_arg, "a");
        }
        f.heard[0] = '\0';
    }
    reader.stop = true;
    hf_thread_free(thread);
    CU_ASSERT(reader.found > 0);
    end(&f);
}

static void
a_hundred_thousand_functions_fit(void)
{
    static const int count = 100000;
    struct fixture f;
    size_t before;
    size_t used;

    begin(&f);
    hf_catalog_unlisten(&f.listener);
    before = mallinfo2().uordblks;
    for (int i = 0; i < count; i++) {
        char id[64];

        snprintf(id, sizeof id, "3fa85f64-5717-4562-b3fc-2c963f%06x", (unsigned int)i);
        put(&f.store, id, hello, (uint64_t)i + 1);
    }
    used = mallinfo2().uordblks - before;
    UNIT_U64(hf_catalog_count(f.catalog), count);
    CU_ASSERT(used / (size_t)count <= 512);
    end(&f);
}

UNIT_MAIN("catalog", UNIT_TEST(documents_become_definitions),
          UNIT_TEST(updates_replace_and_deletes_remove),
          UNIT_TEST(bad_documents_leave_the_last_good_one),
          UNIT_TEST(a_lost_store_takes_nothing_away), UNIT_TEST(unknown_ids_are_read_once_for_all),
          UNIT_TEST(a_known_function_is_read_anew),
          UNIT_TEST(missing_ids_are_remembered_for_a_moment),
          UNIT_TEST(failures_are_told_and_not_remembered),
          UNIT_TEST(an_unreadable_document_leaves_the_last_good_one),
          UNIT_TEST(a_function_deleted_while_it_is_read_stays_deleted),
          UNIT_TEST(lookups_can_be_cancelled_at_any_time), UNIT_TEST(the_end_answers_all_who_wait),
          UNIT_TEST(made_up_ids_are_bounded), UNIT_TEST(threads_find_while_the_store_changes),
          UNIT_TEST(a_hundred_thousand_functions_fit))
