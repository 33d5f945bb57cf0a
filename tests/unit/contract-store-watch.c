/*
 * contract-store-watch.c - what every metadata store must tell those who watch.
 */
#include "contract-store.h"

#include <stdio.h>

#include <CUnit/CUnit.h>

#include "fake-host.h"
#include "store-bench.h"

void
contract_store_watch(void)
{
    struct store_seen s = { 0 };
    struct hf_store_op *op;
    struct store_bench b;
    struct store_answer a;

    store_open(&b);
    store_put(&b, "old", "1");
    op = store_watch(&b, HF_STORE_FUNCTIONS, &s);
    CU_ASSERT_EQUAL(s.puts_before_sync, 1);
    a = store_put(&b, "new", "{\"x\":2}");
    CU_ASSERT_TRUE(fake_wait(b.fake, &s.puts, 2));
    CU_ASSERT_STRING_EQUAL(s.id, "new");
    CU_ASSERT_STRING_EQUAL(s.data, "{\"x\":2}");
    CU_ASSERT_EQUAL(s.revision, a.revision);
    store_remove_in(&b, HF_STORE_FUNCTIONS, "old");
    CU_ASSERT_TRUE(fake_wait(b.fake, &s.deletes, 1));
    CU_ASSERT_STRING_EQUAL(s.id, "old");
    fake_settle(b.fake, 20);
    CU_ASSERT_EQUAL(s.puts, 2);
    CU_ASSERT_EQUAL(s.deletes, 1);
    CU_ASSERT_EQUAL(s.synced, 1);
    CU_ASSERT_EQUAL(s.bad + s.lost, 0);
    b.ops->unwatch(b.store, op);
    store_put(&b, "new", "3");
    fake_settle(b.fake, 20);
    CU_ASSERT_EQUAL(s.puts, 2);
    store_close(&b);
}

void
contract_store_two_watches(void)
{
    struct store_seen one = { 0 }, two = { 0 };
    struct hf_store_op *op;
    struct store_bench b;

    store_open(&b);
    store_put(&b, "f", "1");
    op = store_watch(&b, HF_STORE_FUNCTIONS, &one);
    store_watch(&b, HF_STORE_FUNCTIONS, &two);
    CU_ASSERT_EQUAL(one.puts, 1);
    CU_ASSERT_EQUAL(two.puts, 1);
    b.ops->unwatch(b.store, op);
    store_put(&b, "f", "2");
    CU_ASSERT_TRUE(fake_wait(b.fake, &two.puts, 2));
    CU_ASSERT_EQUAL(one.puts, 1);
    store_close(&b);
}

void
contract_store_destroy_under_way(void)
{
    struct store_answer answers[64] = { 0 };
    struct store_seen s = { 0 };
    struct hf_store_op *op;
    struct store_bench b;

    store_open(&b);
    CU_ASSERT_EQUAL(b.ops->watch(b.store, HF_STORE_FUNCTIONS, &store_watcher, &s, &op, NULL), 0);
    for (size_t i = 0; i < 64; i++) {
        char id[16];
        struct hf_document document = store_document(HF_STORE_FUNCTIONS, id, "1", 0);

        snprintf(id, sizeof id, "f%zu", i);
        CU_ASSERT_EQUAL(b.ops->put(b.store, &document, HF_STORE_ANY, 10 * SECOND, store_on_done,
                                   &answers[i], NULL, NULL),
                        0);
    }
    store_close(&b);
    for (size_t i = 0; i < 64; i++) {
        CU_ASSERT_EQUAL(answers[i].n, 1);
        CU_ASSERT_EQUAL(answers[i].code, HF_ECANCELLED);
    }
}

/* What is written, read and told is of one revision, which the next write can be made over. */
void
contract_store_one_revision(void)
{
    struct store_bench b;
    struct store_seen s = { 0 };
    uint64_t last = 0;
    char json[16];

    store_open(&b);
    store_watch(&b, HF_STORE_FUNCTIONS, &s);
    for (size_t i = 1; i <= 10; i++) {
        struct store_answer written;

        snprintf(json, sizeof json, "[%zu]", i);
        written = i == 1 ? store_put(&b, "f", json)
                         : store_put_if(&b, "f", json, HF_STORE_AT_REVISION, last);
        CU_ASSERT_EQUAL(written.code, 0);
        CU_ASSERT_TRUE(written.revision > last);
        CU_ASSERT_TRUE(fake_wait(b.fake, &s.puts, i));
        CU_ASSERT_EQUAL(s.revision, written.revision);
        CU_ASSERT_STRING_EQUAL(s.data, json);
        CU_ASSERT_EQUAL(store_get(&b, "f").revision, written.revision);
        last = written.revision;
    }
    fake_settle(b.fake, 20);
    CU_ASSERT_EQUAL(s.puts, 10); /* nothing is told twice */
    store_close(&b);
}
