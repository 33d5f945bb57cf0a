/*
 * contract-store.c - what every metadata store must do with documents.
 */
#include "contract-store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <CUnit/CUnit.h>

#include "fake-host.h"
#include "store-bench.h"

void
contract_store_destroy_nothing(void)
{
    const struct hf_store_ops *ops = contract_store_plugin->ops;

    ops->destroy(NULL);
    CU_PASS("harmless");
}

void
contract_store_put_get_remove(void)
{
    struct store_bench b;
    struct store_answer written, read;

    store_open(&b);
    CU_ASSERT_EQUAL(store_get(&b, "f").code, HF_ENOTFOUND);
    written = store_put(&b, "f", "{\"a\":1}");
    CU_ASSERT_EQUAL(written.code, 0);
    CU_ASSERT_NOT_EQUAL(written.revision, 0);
    CU_ASSERT_STRING_EQUAL(written.id, "f");
    read = store_get(&b, "f");
    CU_ASSERT_EQUAL(read.code, 0);
    CU_ASSERT_EQUAL(read.revision, written.revision);
    CU_ASSERT_STRING_EQUAL(read.data, "{\"a\":1}");
    read = store_remove_in(&b, HF_STORE_FUNCTIONS, "f");
    CU_ASSERT_EQUAL(read.code, 0);
    CU_ASSERT_FALSE(read.has_document);
    CU_ASSERT_EQUAL(store_remove_in(&b, HF_STORE_FUNCTIONS, "f").code, HF_ENOTFOUND);
    CU_ASSERT_EQUAL(store_get(&b, "f").code, HF_ENOTFOUND);
    store_close(&b);
}

/* Id and data are the caller's again as soon as the operation has begun. */
void
contract_store_copies(void)
{
    struct store_answer written = { 0 };
    struct store_answer read = { 0 };
    struct store_answer removed = { 0 };
    struct store_bench b;
    char json[] = "{\"a\":1}";
    char id[] = "name";
    struct hf_document document = store_document(HF_STORE_FUNCTIONS, id, json, 0);
    int r;

    store_open(&b);
    r = b.ops->put(b.store, &document, HF_STORE_ANY, 10 * SECOND, store_on_done, &written, NULL,
                   NULL);
    memcpy(id, "else", sizeof id);
    memset(json, 'x', strlen(json));
    CU_ASSERT_STRING_EQUAL(store_await(&b, r, &written).id, "name");

    memcpy(id, "name", sizeof id);
    r = b.ops->get(b.store, HF_STORE_FUNCTIONS, id, 10 * SECOND, store_on_done, &read, NULL, NULL);
    memcpy(id, "else", sizeof id);
    CU_ASSERT_STRING_EQUAL(store_await(&b, r, &read).id, "name");
    CU_ASSERT_STRING_EQUAL(read.data, "{\"a\":1}");

    memcpy(id, "name", sizeof id);
    r = b.ops->remove(b.store, HF_STORE_FUNCTIONS, id, 10 * SECOND, store_on_done, &removed, NULL,
                      NULL);
    memcpy(id, "else", sizeof id);
    CU_ASSERT_EQUAL(store_await(&b, r, &removed).code, 0);
    CU_ASSERT_EQUAL(store_get(&b, "name").code, HF_ENOTFOUND);
    store_close(&b);
}

void
contract_store_conditions(void)
{
    struct store_bench b;
    struct store_answer first, second;

    store_open(&b);
    CU_ASSERT_EQUAL(store_put_if(&b, "f", "1", HF_STORE_AT_REVISION, 7).code, HF_ENOTFOUND);
    first = store_put_if(&b, "f", "1", HF_STORE_ABSENT, 0);
    CU_ASSERT_EQUAL(first.code, 0);
    CU_ASSERT_EQUAL(store_put_if(&b, "f", "2", HF_STORE_ABSENT, 0).code, HF_EEXISTS);
    second = store_put_if(&b, "f", "2", HF_STORE_AT_REVISION, first.revision);
    CU_ASSERT_EQUAL(second.code, 0);
    CU_ASSERT_TRUE(second.revision > first.revision);
    CU_ASSERT_EQUAL(store_put_if(&b, "f", "3", HF_STORE_AT_REVISION, first.revision).code,
                    HF_ECONFLICT);
    CU_ASSERT_STRING_EQUAL(store_get(&b, "f").data, "2");
    store_close(&b);
}

void
contract_store_revisions_grow(void)
{
    struct store_bench b;
    uint64_t last = 0;

    store_open(&b);
    for (int i = 0; i < 50; i++) {
        struct store_answer a = store_put(&b, "f", "{}"); /* the same content, yet a change */

        CU_ASSERT_TRUE(a.revision > last);
        last = a.revision;
    }
    store_close(&b);
    store_open(&b);
    CU_ASSERT_EQUAL(store_get(&b, "f").revision, last); /* survives a restart */
    store_close(&b);
}

void
contract_store_odd_ids(void)
{
    static const char *const ids[] = {
        "127.0.0.1",
        ".",
        "..",
        ".hidden",
        "a/b",
        "../../etc/passwd",
        "with space",
        "\xc3\xa9t\xc3\xa9",
        "UPPER",
        "upper",
        "%41",
        "a%2Fb",
        "tilde~",
        "#hash#",
        "a.json",
        "-rf",
        "0123456789012345678901234567890123456789012345678901234567890123456789",
    };
    size_t n = sizeof ids / sizeof *ids;
    struct store_seen s = { 0 };
    struct store_bench b;
    char json[32];

    store_open(&b);
    for (size_t i = 0; i < n; i++) {
        snprintf(json, sizeof json, "%zu", i);
        CU_ASSERT_EQUAL(store_put(&b, ids[i], json).code, 0);
    }
    for (size_t i = 0; i < n; i++) {
        struct store_answer a = store_get(&b, ids[i]);

        snprintf(json, sizeof json, "%zu", i);
        CU_ASSERT_STRING_EQUAL(a.data, json);
        CU_ASSERT_STRING_EQUAL(a.id, ids[i]);
    }
    store_watch(&b, HF_STORE_FUNCTIONS, &s);
    CU_ASSERT_EQUAL(s.puts, n);
    CU_ASSERT_EQUAL(s.bad, 0);
    CU_ASSERT_EQUAL(store_remove_in(&b, HF_STORE_FUNCTIONS, "a/b").code, 0);
    CU_ASSERT_TRUE(fake_wait(b.fake, &s.deletes, 1));
    CU_ASSERT_STRING_EQUAL(s.id, "a/b");
    store_close(&b);
}

void
contract_store_refusals(void)
{
    struct hf_document document = store_document(HF_STORE_FUNCTIONS, "", "{}", 0);
    struct hf_err err = { 0 };
    struct store_answer a = { 0 };
    struct store_bench b;

    store_open(&b);
    CU_ASSERT_TRUE(
        b.ops->get(b.store, HF_STORE_FUNCTIONS, "", SECOND, store_on_done, &a, NULL, &err) < 0);
    CU_ASSERT_TRUE(strlen(err.message) > 0);
    CU_ASSERT_TRUE(
        b.ops->put(b.store, &document, HF_STORE_ANY, SECOND, store_on_done, &a, NULL, &err) < 0);
    CU_ASSERT_TRUE(b.ops->get(b.store, 99, "f", SECOND, store_on_done, &a, NULL, &err) < 0);
    fake_settle(b.fake, 20);
    CU_ASSERT_EQUAL(a.n, 0); /* on failure `done` never runs */
    store_close(&b);
}

void
contract_store_spaces_are_apart(void)
{
    struct store_seen s = { 0 };
    struct store_bench b;

    store_open(&b);
    store_watch(&b, HF_STORE_FUNCTIONS, &s);
    CU_ASSERT_EQUAL(store_put_in(&b, HF_STORE_SETTINGS, "f", "1").code, 0);
    CU_ASSERT_EQUAL(store_get(&b, "f").code, HF_ENOTFOUND);
    CU_ASSERT_EQUAL(store_put(&b, "g", "2").code, 0);
    CU_ASSERT_TRUE(fake_wait(b.fake, &s.puts, 1));
    CU_ASSERT_STRING_EQUAL(s.id, "g");
    CU_ASSERT_EQUAL(store_remove_in(&b, HF_STORE_SETTINGS, "f").code, 0);
    fake_settle(b.fake, 20);
    CU_ASSERT_EQUAL(s.puts + s.deletes, 1);
    store_close(&b);
}

void
contract_store_cancel(void)
{
    struct hf_document document = store_document(HF_STORE_FUNCTIONS, "f", "1", 0);
    struct hf_store_op *op = NULL;
    struct store_answer a = { 0 };
    struct store_bench b;

    store_open(&b);
    CU_ASSERT_EQUAL(
        b.ops->put(b.store, &document, HF_STORE_ANY, 10 * SECOND, store_on_done, &a, &op, NULL), 0);
    b.ops->cancel(b.store, op);
    CU_ASSERT_EQUAL(a.n, 0);
    CU_ASSERT_TRUE(fake_wait(b.fake, &a.n, 1));
    CU_ASSERT_TRUE(a.code == HF_ECANCELLED || a.code == 0); /* 0: it had already ended */
    fake_settle(b.fake, 20);
    CU_ASSERT_EQUAL(a.n, 1);
    store_close(&b);
}

void
contract_store_short_timeouts(void)
{
    struct store_answer answers[50] = { 0 };
    struct store_bench b;

    store_open(&b);
    store_put(&b, "f", "1");
    for (size_t i = 0; i < 50; i++) {
        CU_ASSERT_EQUAL(b.ops->get(b.store, HF_STORE_FUNCTIONS, "f", i * 10000, store_on_done,
                                   &answers[i], NULL, NULL),
                        0);
    }
    fake_settle(b.fake, 50);
    for (size_t i = 0; i < 50; i++) {
        CU_ASSERT_EQUAL(answers[i].n, 1);
        CU_ASSERT_TRUE(answers[i].code == 0 || answers[i].code == HF_ETIMEOUT);
    }
    store_close(&b);
}

/* Two stores on the same place count together, each by compare and swap. */
void
contract_store_compare_and_swap(void)
{
    struct store_bench b[2];
    int conflicts = 0;

    store_open(&b[0]);
    store_open(&b[1]);
    store_put(&b[0], "counter", "0");
    for (int turn = 0; turn < 40; turn++) {
        struct store_answer before = store_get(&b[0], "counter"), after;
        char json[16];

        if (turn % 4 == 3) { /* the other one comes in between */
            store_put(&b[1], "counter", before.data);
        }
        snprintf(json, sizeof json, "%d", (int)strtol(before.data, NULL, 10) + 1);
        after = store_put_if(&b[turn % 2], "counter", json, HF_STORE_AT_REVISION, before.revision);
        CU_ASSERT_TRUE(after.code == 0 || after.code == HF_ECONFLICT);
        conflicts += after.code == HF_ECONFLICT;
    }
    CU_ASSERT_EQUAL(conflicts, 10);
    CU_ASSERT_STRING_EQUAL(store_get(&b[1], "counter").data, "30");
    store_close(&b[1]);
    store_close(&b[0]);
}

/* Whether a document of that many bytes is taken; what cannot be may be refused at once. */
static int
put_long(struct store_bench *b, size_t len)
{
    static char json[HF_STORE_DOCUMENT_MAX + 2];
    struct hf_document document = { sizeof document, HF_STORE_FUNCTIONS, "f", json, len, 0 };
    struct store_answer a = { 0 };
    int r;

    memset(json, ' ', sizeof json);
    memcpy(json, "[]", 2);
    r = b->ops->put(b->store, &document, HF_STORE_ANY, 10 * SECOND, store_on_done, &a, NULL, NULL);
    return r < 0 ? r : store_await(b, r, &a).code;
}

void
contract_store_long_documents(void)
{
    struct store_bench b;
    struct store_seen s = { 0 };

    store_open(&b);
    store_watch(&b, HF_STORE_FUNCTIONS, &s);
    CU_ASSERT_EQUAL(put_long(&b, HF_STORE_DOCUMENT_MAX + 1), HF_EINVALID);
    CU_ASSERT_EQUAL(store_get(&b, "f").code, HF_ENOTFOUND);
    CU_ASSERT_EQUAL(put_long(&b, HF_STORE_DOCUMENT_MAX), 0);
    CU_ASSERT_TRUE(fake_wait(b.fake, &s.puts, 1));
    CU_ASSERT_EQUAL(store_get(&b, "f").code, 0);
    store_close(&b);
}

void
contract_store_many(void)
{
    enum { N = 500 };
    static struct store_answer answers[N];
    struct store_seen s = { 0 };
    struct store_bench b;

    memset(answers, 0, sizeof answers);
    store_open(&b);
    for (size_t i = 0; i < N; i++) {
        char id[16];
        struct hf_document document = store_document(HF_STORE_FUNCTIONS, id, "{}", 0);

        snprintf(id, sizeof id, "f%zu", i);
        CU_ASSERT_EQUAL(b.ops->put(b.store, &document, HF_STORE_ABSENT, 30 * SECOND, store_on_done,
                                   &answers[i], NULL, NULL),
                        0);
    }
    for (size_t i = 0; i < N; i++) {
        CU_ASSERT_TRUE(fake_wait(b.fake, &answers[i].n, 1));
        CU_ASSERT_EQUAL(answers[i].code, 0);
    }
    store_watch(&b, HF_STORE_FUNCTIONS, &s);
    CU_ASSERT_EQUAL(s.puts_before_sync, N);
    store_close(&b);
}

void
contract_store_show(void)
{
    struct hf_text *text = fake_text_new();
    struct store_bench b;

    store_open(&b);
    b.ops->show(b.store, text);
    CU_ASSERT_TRUE(strlen(fake_text(text)) > 0);
    fake_text_free(text);
    store_close(&b);
}
