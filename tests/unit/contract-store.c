/*
 * contract-store.c - what every metadata store must do.
 */
#include "contract-store.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <CUnit/CUnit.h>

#include <hyperfaas/store.h>

#include "fake-host.h"

static const uint64_t SECOND = 1000000000;

/* --- a store with its host ------------------------------------------------------ */

struct bench {
    struct fake_host *fake;
    struct hf_options *options;
    const struct hf_store_ops *ops;
    struct hf_store *store;
};

static void
open_bench(struct bench *b)
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

static void
close_bench(struct bench *b)
{
    b->ops->destroy(b->store);
    CU_ASSERT_EQUAL(fake_host_leaks(b->fake), 0);
    fake_options_free(b->options);
    fake_host_free(b->fake);
}

/* --- operations and their answers ------------------------------------------------ */

struct answer {
    size_t n; /* times the completion ran */
    int code;
    bool has_document;
    uint64_t revision;
    char data[512];
    char id[256];
};

static void
on_done(void *arg, int code, const char *message, const struct hf_document *document)
{
    struct answer *a = arg;

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

static struct hf_document
document_of(uint32_t space, const char *id, const char *json, uint64_t revision)
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

/* Waits for an operation that was begun with `r`. */
static struct answer
await(struct bench *b, int r, struct answer *a)
{
    CU_ASSERT_EQUAL_FATAL(r, 0);
    CU_ASSERT_EQUAL(a->n, 0); /* never before the operation returned */
    CU_ASSERT_TRUE_FATAL(fake_wait(b->fake, &a->n, 1));
    CU_ASSERT_EQUAL(a->n, 1);
    return *a;
}

static struct answer
put_in(struct bench *b, uint32_t space, const char *id, const char *json)
{
    struct hf_document document = document_of(space, id, json, 0);
    struct answer a = { 0 };
    int r = b->ops->put(b->store, &document, HF_STORE_ANY, 10 * SECOND, on_done, &a, NULL, NULL);

    return await(b, r, &a);
}

static struct answer
put_if(struct bench *b, const char *id, const char *json, uint32_t condition, uint64_t revision)
{
    struct hf_document document = document_of(HF_STORE_FUNCTIONS, id, json, revision);
    struct answer a = { 0 };
    int r = b->ops->put(b->store, &document, condition, 10 * SECOND, on_done, &a, NULL, NULL);

    return await(b, r, &a);
}

static struct answer
get_in(struct bench *b, uint32_t space, const char *id)
{
    struct answer a = { 0 };
    int r = b->ops->get(b->store, space, id, 10 * SECOND, on_done, &a, NULL, NULL);

    return await(b, r, &a);
}

static struct answer
remove_in(struct bench *b, uint32_t space, const char *id)
{
    struct answer a = { 0 };
    int r = b->ops->remove(b->store, space, id, 10 * SECOND, on_done, &a, NULL, NULL);

    return await(b, r, &a);
}

static struct answer
put(struct bench *b, const char *id, const char *json)
{
    return put_in(b, HF_STORE_FUNCTIONS, id, json);
}

static struct answer
get(struct bench *b, const char *id)
{
    return get_in(b, HF_STORE_FUNCTIONS, id);
}

/* --- watching ---------------------------------------------------------------------- */

struct seen {
    size_t puts, deletes, synced, bad, lost;
    size_t puts_before_sync;
    char id[256];
    char data[512];
    uint64_t revision;
};

static void
seen_put(void *arg, const struct hf_document *document)
{
    struct seen *s = arg;

    s->puts++;
    s->puts_before_sync += s->synced == 0;
    s->revision = document->revision;
    snprintf(s->id, sizeof s->id, "%s", document->id);
    snprintf(s->data, sizeof s->data, "%.*s", (int)document->len, (const char *)document->data);
}

static void
seen_delete(void *arg, const char *id)
{
    struct seen *s = arg;

    s->deletes++;
    snprintf(s->id, sizeof s->id, "%s", id);
}

static void
seen_synced(void *arg)
{
    ((struct seen *)arg)->synced++;
}

static void
seen_bad(void *arg, const char *id, const char *message)
{
    (void)id;
    CU_ASSERT_PTR_NOT_NULL(message);
    ((struct seen *)arg)->bad++;
}

static void
seen_lost(void *arg, const char *message)
{
    CU_ASSERT_PTR_NOT_NULL(message);
    ((struct seen *)arg)->lost++;
}

static const struct hf_store_watcher watcher = {
    .size = sizeof watcher,
    .on_put = seen_put,
    .on_delete = seen_delete,
    .on_synced = seen_synced,
    .on_bad = seen_bad,
    .on_lost = seen_lost,
};

static struct hf_store_op *
watch(struct bench *b, uint32_t space, struct seen *s)
{
    struct hf_store_op *op = NULL;

    CU_ASSERT_EQUAL_FATAL(b->ops->watch(b->store, space, &watcher, s, &op, NULL), 0);
    CU_ASSERT_EQUAL(s->puts + s->synced, 0);
    CU_ASSERT_TRUE_FATAL(fake_wait(b->fake, &s->synced, 1));
    return op;
}

/* --- tests ----------------------------------------------------------------------------- */

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
    struct bench b;
    struct answer written, read;

    open_bench(&b);
    CU_ASSERT_EQUAL(get(&b, "f").code, HF_ENOTFOUND);
    written = put(&b, "f", "{\"a\":1}");
    CU_ASSERT_EQUAL(written.code, 0);
    CU_ASSERT_NOT_EQUAL(written.revision, 0);
    CU_ASSERT_STRING_EQUAL(written.id, "f");
    read = get(&b, "f");
    CU_ASSERT_EQUAL(read.code, 0);
    CU_ASSERT_EQUAL(read.revision, written.revision);
    CU_ASSERT_STRING_EQUAL(read.data, "{\"a\":1}");
    read = remove_in(&b, HF_STORE_FUNCTIONS, "f");
    CU_ASSERT_EQUAL(read.code, 0);
    CU_ASSERT_FALSE(read.has_document);
    CU_ASSERT_EQUAL(remove_in(&b, HF_STORE_FUNCTIONS, "f").code, HF_ENOTFOUND);
    CU_ASSERT_EQUAL(get(&b, "f").code, HF_ENOTFOUND);
    close_bench(&b);
}

void
contract_store_conditions(void)
{
    struct bench b;
    struct answer first, second;

    open_bench(&b);
    CU_ASSERT_EQUAL(put_if(&b, "f", "1", HF_STORE_AT_REVISION, 7).code, HF_ENOTFOUND);
    first = put_if(&b, "f", "1", HF_STORE_ABSENT, 0);
    CU_ASSERT_EQUAL(first.code, 0);
    CU_ASSERT_EQUAL(put_if(&b, "f", "2", HF_STORE_ABSENT, 0).code, HF_EEXISTS);
    second = put_if(&b, "f", "2", HF_STORE_AT_REVISION, first.revision);
    CU_ASSERT_EQUAL(second.code, 0);
    CU_ASSERT_TRUE(second.revision > first.revision);
    CU_ASSERT_EQUAL(put_if(&b, "f", "3", HF_STORE_AT_REVISION, first.revision).code, HF_ECONFLICT);
    CU_ASSERT_STRING_EQUAL(get(&b, "f").data, "2");
    close_bench(&b);
}

void
contract_store_revisions_grow(void)
{
    struct bench b;
    uint64_t last = 0;

    open_bench(&b);
    for (int i = 0; i < 50; i++) {
        struct answer a = put(&b, "f", "{}"); /* the same content, yet a change */

        CU_ASSERT_TRUE(a.revision > last);
        last = a.revision;
    }
    close_bench(&b);
    open_bench(&b);
    CU_ASSERT_EQUAL(get(&b, "f").revision, last); /* survives a restart */
    close_bench(&b);
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
    struct seen s = { 0 };
    struct bench b;
    char json[32];

    open_bench(&b);
    for (size_t i = 0; i < n; i++) {
        snprintf(json, sizeof json, "%zu", i);
        CU_ASSERT_EQUAL(put(&b, ids[i], json).code, 0);
    }
    for (size_t i = 0; i < n; i++) {
        struct answer a = get(&b, ids[i]);

        snprintf(json, sizeof json, "%zu", i);
        CU_ASSERT_STRING_EQUAL(a.data, json);
        CU_ASSERT_STRING_EQUAL(a.id, ids[i]);
    }
    watch(&b, HF_STORE_FUNCTIONS, &s);
    CU_ASSERT_EQUAL(s.puts, n);
    CU_ASSERT_EQUAL(s.bad, 0);
    CU_ASSERT_EQUAL(remove_in(&b, HF_STORE_FUNCTIONS, "a/b").code, 0);
    CU_ASSERT_TRUE(fake_wait(b.fake, &s.deletes, 1));
    CU_ASSERT_STRING_EQUAL(s.id, "a/b");
    close_bench(&b);
}

void
contract_store_refusals(void)
{
    struct hf_document document = document_of(HF_STORE_FUNCTIONS, "", "{}", 0);
    struct hf_err err = { 0 };
    struct answer a = { 0 };
    struct bench b;

    open_bench(&b);
    CU_ASSERT_TRUE(b.ops->get(b.store, HF_STORE_FUNCTIONS, "", SECOND, on_done, &a, NULL, &err) <
                   0);
    CU_ASSERT_TRUE(strlen(err.message) > 0);
    CU_ASSERT_TRUE(b.ops->put(b.store, &document, HF_STORE_ANY, SECOND, on_done, &a, NULL, &err) <
                   0);
    CU_ASSERT_TRUE(b.ops->get(b.store, 99, "f", SECOND, on_done, &a, NULL, &err) < 0);
    fake_settle(b.fake, 20);
    CU_ASSERT_EQUAL(a.n, 0); /* on failure `done` never runs */
    close_bench(&b);
}

void
contract_store_spaces_are_apart(void)
{
    struct seen s = { 0 };
    struct bench b;

    open_bench(&b);
    watch(&b, HF_STORE_FUNCTIONS, &s);
    CU_ASSERT_EQUAL(put_in(&b, HF_STORE_SETTINGS, "f", "1").code, 0);
    CU_ASSERT_EQUAL(get(&b, "f").code, HF_ENOTFOUND);
    CU_ASSERT_EQUAL(put(&b, "g", "2").code, 0);
    CU_ASSERT_TRUE(fake_wait(b.fake, &s.puts, 1));
    CU_ASSERT_STRING_EQUAL(s.id, "g");
    CU_ASSERT_EQUAL(remove_in(&b, HF_STORE_SETTINGS, "f").code, 0);
    fake_settle(b.fake, 20);
    CU_ASSERT_EQUAL(s.puts + s.deletes, 1);
    close_bench(&b);
}

void
contract_store_watch(void)
{
    struct seen s = { 0 };
    struct hf_store_op *op;
    struct bench b;
    struct answer a;

    open_bench(&b);
    put(&b, "old", "1");
    op = watch(&b, HF_STORE_FUNCTIONS, &s);
    CU_ASSERT_EQUAL(s.puts_before_sync, 1);
    a = put(&b, "new", "{\"x\":2}");
    CU_ASSERT_TRUE(fake_wait(b.fake, &s.puts, 2));
    CU_ASSERT_STRING_EQUAL(s.id, "new");
    CU_ASSERT_STRING_EQUAL(s.data, "{\"x\":2}");
    CU_ASSERT_EQUAL(s.revision, a.revision);
    remove_in(&b, HF_STORE_FUNCTIONS, "old");
    CU_ASSERT_TRUE(fake_wait(b.fake, &s.deletes, 1));
    CU_ASSERT_STRING_EQUAL(s.id, "old");
    fake_settle(b.fake, 20);
    CU_ASSERT_EQUAL(s.puts, 2);
    CU_ASSERT_EQUAL(s.deletes, 1);
    CU_ASSERT_EQUAL(s.synced, 1);
    CU_ASSERT_EQUAL(s.bad + s.lost, 0);
    b.ops->unwatch(b.store, op);
    put(&b, "new", "3");
    fake_settle(b.fake, 20);
    CU_ASSERT_EQUAL(s.puts, 2);
    close_bench(&b);
}

void
contract_store_two_watches(void)
{
    struct seen one = { 0 }, two = { 0 };
    struct hf_store_op *op;
    struct bench b;

    open_bench(&b);
    put(&b, "f", "1");
    op = watch(&b, HF_STORE_FUNCTIONS, &one);
    watch(&b, HF_STORE_FUNCTIONS, &two);
    CU_ASSERT_EQUAL(one.puts, 1);
    CU_ASSERT_EQUAL(two.puts, 1);
    b.ops->unwatch(b.store, op);
    put(&b, "f", "2");
    CU_ASSERT_TRUE(fake_wait(b.fake, &two.puts, 2));
    CU_ASSERT_EQUAL(one.puts, 1);
    close_bench(&b);
}

void
contract_store_cancel(void)
{
    struct hf_document document = document_of(HF_STORE_FUNCTIONS, "f", "1", 0);
    struct hf_store_op *op = NULL;
    struct answer a = { 0 };
    struct bench b;

    open_bench(&b);
    CU_ASSERT_EQUAL(
        b.ops->put(b.store, &document, HF_STORE_ANY, 10 * SECOND, on_done, &a, &op, NULL), 0);
    b.ops->cancel(b.store, op);
    CU_ASSERT_EQUAL(a.n, 0);
    CU_ASSERT_TRUE(fake_wait(b.fake, &a.n, 1));
    CU_ASSERT_TRUE(a.code == HF_ECANCELLED || a.code == 0); /* 0: it had already ended */
    fake_settle(b.fake, 20);
    CU_ASSERT_EQUAL(a.n, 1);
    close_bench(&b);
}

void
contract_store_short_timeouts(void)
{
    struct answer answers[50] = { 0 };
    struct bench b;

    open_bench(&b);
    put(&b, "f", "1");
    for (size_t i = 0; i < 50; i++) {
        CU_ASSERT_EQUAL(b.ops->get(b.store, HF_STORE_FUNCTIONS, "f", i * 10000, on_done,
                                   &answers[i], NULL, NULL),
                        0);
    }
    fake_settle(b.fake, 50);
    for (size_t i = 0; i < 50; i++) {
        CU_ASSERT_EQUAL(answers[i].n, 1);
        CU_ASSERT_TRUE(answers[i].code == 0 || answers[i].code == HF_ETIMEOUT);
    }
    close_bench(&b);
}

void
contract_store_destroy_under_way(void)
{
    struct answer answers[64] = { 0 };
    struct seen s = { 0 };
    struct hf_store_op *op;
    struct bench b;

    open_bench(&b);
    CU_ASSERT_EQUAL(b.ops->watch(b.store, HF_STORE_FUNCTIONS, &watcher, &s, &op, NULL), 0);
    for (size_t i = 0; i < 64; i++) {
        char id[16];
        struct hf_document document = document_of(HF_STORE_FUNCTIONS, id, "1", 0);

        snprintf(id, sizeof id, "f%zu", i);
        CU_ASSERT_EQUAL(b.ops->put(b.store, &document, HF_STORE_ANY, 10 * SECOND, on_done,
                                   &answers[i], NULL, NULL),
                        0);
    }
    close_bench(&b);
    for (size_t i = 0; i < 64; i++) {
        CU_ASSERT_EQUAL(answers[i].n, 1);
        CU_ASSERT_EQUAL(answers[i].code, HF_ECANCELLED);
    }
}

/* Two stores on the same place count together, each by compare and swap. */
void
contract_store_compare_and_swap(void)
{
    struct bench b[2];
    int conflicts = 0;

    open_bench(&b[0]);
    open_bench(&b[1]);
    put(&b[0], "counter", "0");
    for (int turn = 0; turn < 40; turn++) {
        struct answer before = get(&b[0], "counter"), after;
        char json[16];

        if (turn % 4 == 3) { /* the other one comes in between */
            put(&b[1], "counter", before.data);
        }
        snprintf(json, sizeof json, "%d", (int)strtol(before.data, NULL, 10) + 1);
        after = put_if(&b[turn % 2], "counter", json, HF_STORE_AT_REVISION, before.revision);
        CU_ASSERT_TRUE(after.code == 0 || after.code == HF_ECONFLICT);
        conflicts += after.code == HF_ECONFLICT;
    }
    CU_ASSERT_EQUAL(conflicts, 10);
    CU_ASSERT_STRING_EQUAL(get(&b[1], "counter").data, "30");
    close_bench(&b[1]);
    close_bench(&b[0]);
}

/* Whether a document of that many bytes is taken; what cannot be may be refused at once. */
static int
put_long(struct bench *b, size_t len)
{
    static char json[HF_STORE_DOCUMENT_MAX + 2];
    struct hf_document document = { sizeof document, HF_STORE_FUNCTIONS, "f", json, len, 0 };
    struct answer a = { 0 };
    int r;

    memset(json, ' ', sizeof json);
    memcpy(json, "[]", 2);
    r = b->ops->put(b->store, &document, HF_STORE_ANY, 10 * SECOND, on_done, &a, NULL, NULL);
    return r < 0 ? r : await(b, r, &a).code;
}

void
contract_store_long_documents(void)
{
    struct bench b;
    struct seen s = { 0 };

    open_bench(&b);
    watch(&b, HF_STORE_FUNCTIONS, &s);
    CU_ASSERT_EQUAL(put_long(&b, HF_STORE_DOCUMENT_MAX + 1), HF_EINVALID);
    CU_ASSERT_EQUAL(get(&b, "f").code, HF_ENOTFOUND);
    CU_ASSERT_EQUAL(put_long(&b, HF_STORE_DOCUMENT_MAX), 0);
    CU_ASSERT_TRUE(fake_wait(b.fake, &s.puts, 1));
    CU_ASSERT_EQUAL(get(&b, "f").code, 0);
    close_bench(&b);
}

/* What is written, read and told is of one revision, which the next write can be made over. */
void
contract_store_one_revision(void)
{
    struct bench b;
    struct seen s = { 0 };
    uint64_t last = 0;
    char json[16];

    open_bench(&b);
    watch(&b, HF_STORE_FUNCTIONS, &s);
    for (size_t i = 1; i <= 10; i++) {
        struct answer written;

        snprintf(json, sizeof json, "[%zu]", i);
        written = i == 1 ? put(&b, "f", json) : put_if(&b, "f", json, HF_STORE_AT_REVISION, last);
        CU_ASSERT_EQUAL(written.code, 0);
        CU_ASSERT_TRUE(written.revision > last);
        CU_ASSERT_TRUE(fake_wait(b.fake, &s.puts, i));
        CU_ASSERT_EQUAL(s.revision, written.revision);
        CU_ASSERT_STRING_EQUAL(s.data, json);
        CU_ASSERT_EQUAL(get(&b, "f").revision, written.revision);
        last = written.revision;
    }
    fake_settle(b.fake, 20);
    CU_ASSERT_EQUAL(s.puts, 10); /* nothing is told twice */
    close_bench(&b);
}

void
contract_store_many(void)
{
    enum { N = 500 };
    static struct answer answers[N];
    struct seen s = { 0 };
    struct bench b;

    memset(answers, 0, sizeof answers);
    open_bench(&b);
    for (size_t i = 0; i < N; i++) {
        char id[16];
        struct hf_document document = document_of(HF_STORE_FUNCTIONS, id, "{}", 0);

        snprintf(id, sizeof id, "f%zu", i);
        CU_ASSERT_EQUAL(b.ops->put(b.store, &document, HF_STORE_ABSENT, 30 * SECOND, on_done,
                                   &answers[i], NULL, NULL),
                        0);
    }
    for (size_t i = 0; i < N; i++) {
        CU_ASSERT_TRUE(fake_wait(b.fake, &answers[i].n, 1));
        CU_ASSERT_EQUAL(answers[i].code, 0);
    }
    watch(&b, HF_STORE_FUNCTIONS, &s);
    CU_ASSERT_EQUAL(s.puts_before_sync, N);
    close_bench(&b);
}

/* --- announcements ------------------------------------------------------------------- */

/* What the announcer heard. */
struct fate {
    size_t there, away;
    size_t withdrawn;
    int code;
};

static void
on_told(void *arg, int code, const char *message, const struct hf_document *document)
{
    struct fate *fate = arg;

    CU_ASSERT_PTR_NOT_NULL(message);
    CU_ASSERT_EQUAL(document != NULL, code == 0);
    fate->there += code == 0;
    fate->away += code < 0;
    fate->code = code;
}

static void
on_withdrawn(void *arg, int code, const char *message, const struct hf_document *document)
{
    struct fate *fate = arg;

    CU_ASSERT_PTR_NOT_NULL(message);
    CU_ASSERT_PTR_NULL(document);
    fate->withdrawn++;
    fate->code = code;
}

static struct hf_store_op *
announce(struct bench *b, const char *id, const char *json, struct fate *fate)
{
    struct hf_document document = document_of(HF_STORE_NODES, id, json, 0);
    struct hf_store_op *op = NULL;

    CU_ASSERT_EQUAL_FATAL(
        b->ops->announce(b->store, &document, 2 * SECOND, on_told, fate, &op, NULL), 0);
    CU_ASSERT_EQUAL(fate->there + fate->away, 0);
    CU_ASSERT_TRUE_FATAL(fake_wait(b->fake, &fate->there, 1));
    return op;
}

void
contract_store_announce(void)
{
    struct fate fate = { 0 };
    struct seen s = { 0 };
    struct hf_store_op *op;
    struct bench b;

    open_bench(&b);
    watch(&b, HF_STORE_NODES, &s);
    op = announce(&b, "n/1", "{\"a\":1}", &fate);
    CU_ASSERT_TRUE(fake_wait(b.fake, &s.puts, 1));
    CU_ASSERT_STRING_EQUAL(s.id, "n/1");
    CU_ASSERT_STRING_EQUAL(s.data, "{\"a\":1}");
    CU_ASSERT_STRING_EQUAL(get_in(&b, HF_STORE_NODES, "n/1").data, "{\"a\":1}");
    b.ops->withdraw(b.store, op, 10 * SECOND, on_withdrawn, &fate);
    CU_ASSERT_EQUAL(fate.withdrawn, 0);
    CU_ASSERT_TRUE(fake_wait(b.fake, &fate.withdrawn, 1));
    CU_ASSERT_EQUAL(fate.code, 0);
    CU_ASSERT_TRUE(fake_wait(b.fake, &s.deletes, 1));
    CU_ASSERT_EQUAL(get_in(&b, HF_STORE_NODES, "n/1").code, HF_ENOTFOUND);
    fake_settle(b.fake, 20);
    CU_ASSERT_EQUAL(s.puts, 1);
    CU_ASSERT_EQUAL(s.deletes, 1);
    CU_ASSERT_EQUAL(fate.there, 1);
    CU_ASSERT_EQUAL(fate.withdrawn, 1);
    close_bench(&b);
}

/* A store that is closed takes its announcements along, within the time it was given. */
void
contract_store_announce_and_destroy(void)
{
    struct fate fate = { 0 };
    struct seen s = { 0 };
    struct bench b[2];

    open_bench(&b[0]);
    open_bench(&b[1]);
    announce(&b[0], "n", "{}", &fate);
    watch(&b[1], HF_STORE_NODES, &s);
    CU_ASSERT_EQUAL(s.puts, 1);
    close_bench(&b[0]);
    CU_ASSERT_TRUE(fake_wait(b[1].fake, &s.deletes, 1));
    CU_ASSERT_STRING_EQUAL(s.id, "n");
    close_bench(&b[1]);
}

/* A process that announces "n", says so through `fd`, and waits for its death. */
static void
announce_until_killed(int fd)
{
    struct fate fate = { 0 };
    struct bench b;

    open_bench(&b);
    announce(&b, "n", "{\"by\":\"another\"}", &fate);
    if (write(fd, "", 1) == 1) {
        for (;;) {
            fake_turn(b.fake, 1000);
        }
    }
    _exit(1);
}

void
contract_store_announce_and_die(void)
{
    struct fate fate = { 0 };
    struct seen s = { 0 };
    struct bench b;
    int pipes[2];
    pid_t child;
    char byte;

    CU_ASSERT_EQUAL_FATAL(pipe(pipes), 0);
    contract_store_settings(); /* where the store is, is known before there are two of us */
    child = fork();
    if (child == 0) {
        announce_until_killed(pipes[1]);
    }
    CU_ASSERT_EQUAL_FATAL(read(pipes[0], &byte, 1), 1);
    open_bench(&b);
    watch(&b, HF_STORE_NODES, &s);
    CU_ASSERT_EQUAL(s.puts, 1);
    kill(child, SIGKILL);
    CU_ASSERT_EQUAL(waitpid(child, NULL, 0), child);
    CU_ASSERT_TRUE(fake_wait(b.fake, &s.deletes, 1));
    CU_ASSERT_STRING_EQUAL(s.id, "n");
    announce(&b, "n", "{\"by\":\"us\"}", &fate); /* what the dead one left is in nobody's way */
    CU_ASSERT_TRUE(fake_wait(b.fake, &s.puts, 2));
    CU_ASSERT_STRING_EQUAL(s.data, "{\"by\":\"us\"}");
    close_bench(&b);
    close(pipes[0]);
    close(pipes[1]);
}

/* A document that somebody removes comes back. */
void
contract_store_announce_again(void)
{
    struct fate fate = { 0 };
    struct seen s = { 0 };
    struct bench b;

    open_bench(&b);
    watch(&b, HF_STORE_NODES, &s);
    announce(&b, "n", "{}", &fate);
    CU_ASSERT_TRUE(fake_wait(b.fake, &s.puts, 1));
    CU_ASSERT_EQUAL(remove_in(&b, HF_STORE_NODES, "n").code, 0);
    CU_ASSERT_TRUE(fake_wait(b.fake, &s.deletes, 1));
    CU_ASSERT_TRUE(fake_wait(b.fake, &s.puts, 2));
    close_bench(&b);
}

void
contract_store_show(void)
{
    struct hf_text *text = fake_text_new();
    struct bench b;

    open_bench(&b);
    b.ops->show(b.store, text);
    CU_ASSERT_TRUE(strlen(fake_text(text)) > 0);
    fake_text_free(text);
    close_bench(&b);
}
