/*
 * test-store-etcd.c - the store "etcd" over a model of etcd: the contract of stores, and what
 * happens when etcd forgets, goes back, refuses and is away.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <hyperfaas/store.h>

#include "contract-store.h"
#include "etcd-bench.h"
#include "unit.h"

/* --- the contract ------------------------------------------------------------------------- */

/* The module, with a `create` that attaches its host to the model. */
static struct fake_etcd contract_etcd;
static struct hf_store_ops attached_ops;
static struct hf_plugin attached;
const struct hf_plugin *const contract_store_plugin = &attached;

static int
create_attached(const struct hf_driver_host *driver, const struct hf_options *options,
                struct hf_store **ret, struct hf_err *err)
{
    const struct hf_store_ops *ops = hyperfaas_plugin.ops;

    fake_etcd_attach(&contract_etcd, (struct fake_host *)(void *)(uintptr_t)driver);
    return ops->create(driver, options, ret, err);
}

static void
destroy_attached(struct hf_store *store)
{
    const struct hf_store_ops *ops = hyperfaas_plugin.ops;

    ops->destroy(store);
    fake_etcd_forget_watches(&contract_etcd);
}

__attribute__((constructor)) static void
attach(void)
{
    attached_ops = *(const struct hf_store_ops *)hyperfaas_plugin.ops;
    attached_ops.create = create_attached;
    attached_ops.destroy = destroy_attached;
    attached = hyperfaas_plugin;
    attached.ops = &attached_ops;
}

const char *const *
contract_store_settings(void)
{
    static const char *const settings[] = { NULL };
    static char of_test[128];

    if (strcmp(of_test, unit_folder()) != 0) { /* another test: begin anew */
        snprintf(of_test, sizeof of_test, "%s", unit_folder());
        fake_etcd_fini(&contract_etcd);
        fake_etcd_init(&contract_etcd);
    }
    return settings;
}

/* --- following ---------------------------------------------------------------------------- */

static void
a_list_comes_in_pages(void)
{
    enum { N = 1234 };
    struct bench b;
    char key[64];

    bench_open(&b, NULL);
    for (int i = 0; i < N; i++) {
        snprintf(key, sizeof key, "hyperfaas/functions/f%d", i);
        fake_etcd_put(&b.etcd, key, "{}");
    }
    fake_etcd_put(&b.etcd, "hyperfaas/functions-are-elsewhere/x", "{}");
    fake_etcd_put(&b.etcd, "hyperfaas/functions", "{}");
    fake_etcd_put(&b.etcd, "hyperfaas/functions0", "{}");
    bench_watch(&b);
    UNIT_U64(b.seen.puts, N);
    CU_ASSERT_TRUE(b.etcd.n_ranges >= N / 100);
    bench_close(&b);
}

static void
a_broken_stream_goes_on_where_it_ended(void)
{
    struct bench b;
    size_t ranges;

    bench_open(&b, NULL);
    fake_etcd_put(&b.etcd, "hyperfaas/functions/a", "1");
    bench_watch(&b);
    ranges = b.etcd.n_ranges;
    fake_etcd_break_watches(&b.etcd);
    fake_etcd_put(&b.etcd, "hyperfaas/functions/b", "2"); /* while nobody listens */
    fake_etcd_remove(&b.etcd, "hyperfaas/functions/a");
    CU_ASSERT_TRUE(fake_wait(b.fake, &b.seen.deletes, 1));
    UNIT_U64(b.seen.puts, 2);
    UNIT_U64(b.seen.lost, 0);          /* it was back at once */
    UNIT_U64(b.etcd.n_ranges, ranges); /* and nothing was listed anew */
    bench_close(&b);
}

static void
what_was_compacted_is_found_by_comparing(void)
{
    struct bench b;

    bench_open(&b, NULL);
    fake_etcd_put(&b.etcd, "hyperfaas/functions/changed", "1");
    fake_etcd_put(&b.etcd, "hyperfaas/functions/removed", "1");
    fake_etcd_put(&b.etcd, "hyperfaas/functions/same", "1");
    bench_watch(&b);
    UNIT_U64(b.seen.puts, 3);
    fake_etcd_break_watches(&b.etcd);
    fake_etcd_put(&b.etcd, "hyperfaas/functions/changed", "2");
    fake_etcd_remove(&b.etcd, "hyperfaas/functions/removed");
    fake_etcd_put(&b.etcd, "hyperfaas/functions/new", "3");
    fake_etcd_compact(&b.etcd, b.etcd.revision);
    CU_ASSERT_TRUE(fake_wait(b.fake, &b.seen.deletes, 1));
    fake_settle(b.fake, 20);
    UNIT_U64(b.seen.puts, 5); /* two are news, one is as it was */
    UNIT_U64(b.seen.deletes, 1);
    UNIT_STR(b.seen.deleted, "removed");
    UNIT_U64(b.seen.lost, 0);
    fake_etcd_put(&b.etcd, "hyperfaas/functions/later", "4");
    CU_ASSERT_TRUE(fake_wait(b.fake, &b.seen.puts, 6));
    bench_close(&b);
}

static void
a_wiped_store_is_told_as_it_is(void)
{
    struct bench b;

    bench_open(&b, NULL);
    for (int i = 0; i < 10; i++) {
        fake_etcd_put(&b.etcd, "hyperfaas/functions/stays", "1");
    }
    fake_etcd_put(&b.etcd, "hyperfaas/functions/goes", "1");
    bench_watch(&b);
    fake_etcd_break_watches(&b.etcd);
    fake_etcd_wipe(&b.etcd);
    fake_etcd_put(&b.etcd, "hyperfaas/functions/stays", "2");
    CU_ASSERT_TRUE(fake_wait(b.fake, &b.seen.deletes, 2)); /* "stays" too: it has a new history */
    CU_ASSERT_TRUE(fake_wait(b.fake, &b.seen.puts, 3));
    UNIT_STR(b.seen.id, "stays");
    UNIT_STR(b.seen.data, "2");
    UNIT_U64(fake_logged(b.fake, HF_HOST_WARNING), 1);
    fake_etcd_put(&b.etcd, "hyperfaas/functions/new", "3");
    CU_ASSERT_TRUE(fake_wait(b.fake, &b.seen.puts, 4));
    bench_close(&b);
}

/* Another etcd is behind the address, at a higher revision, and nothing was noticed but a stream
 * that broke off.  The two ids differ in their last bits only, beyond those of a signed number. */
static void
another_cluster_is_told_as_it_is(void)
{
    struct bench b;

    bench_open(&b, NULL);
    b.etcd.cluster = UINT64_C(0xf000000000000001);
    b.etcd.term = 7;
    fake_etcd_put(&b.etcd, "hyperfaas/functions/both", "1");
    fake_etcd_put(&b.etcd, "hyperfaas/functions/old", "1");
    bench_watch(&b);
    fake_etcd_break_watches(&b.etcd);
    fake_etcd_wipe(&b.etcd);
    b.etcd.cluster++;
    for (int i = 0; i < 10; i++) {
        fake_etcd_put(&b.etcd, "elsewhere", "1");
    }
    fake_etcd_put(&b.etcd, "hyperfaas/functions/both", "2");
    fake_etcd_put(&b.etcd, "hyperfaas/functions/new", "1");
    CU_ASSERT_TRUE(fake_wait(b.fake, &b.seen.deletes, 1));
    UNIT_STR(b.seen.deleted, "old");
    UNIT_U64(b.seen.puts, 4);
    UNIT_U64(fake_logged(b.fake, HF_HOST_WARNING), 1);
    CU_ASSERT_TRUE(fake_wait(b.fake, &b.etcd.n_watched, 3));
    fake_etcd_put(&b.etcd, "hyperfaas/functions/later", "1");
    UNIT_U64(b.seen.puts, 5);
    UNIT_U64(b.seen.lost, 0);
    bench_close(&b);
}

/* The same cluster, restored in its place: of an earlier election. */
static void
an_earlier_term_is_another_history(void)
{
    struct bench b;

    bench_open(&b, NULL);
    b.etcd.cluster = 5;
    b.etcd.term = 7;
    fake_etcd_put(&b.etcd, "hyperfaas/functions/old", "1");
    bench_watch(&b);
    fake_etcd_break_watches(&b.etcd);
    fake_etcd_wipe(&b.etcd);
    b.etcd.term = 2;
    for (int i = 0; i < 10; i++) {
        fake_etcd_put(&b.etcd, "elsewhere", "1");
    }
    CU_ASSERT_TRUE(fake_wait(b.fake, &b.seen.deletes, 1));
    bench_close(&b);
}

/* However much comes at once, each turn of the loop takes a little of it (a timer may run more than
 * once in a turn of the fake one), and all of it arrives. */
static void
much_at_once_is_taken_in_turns(void)
{
    enum { N = 1000, TURN = 4 * 64 };
    struct bench b;
    char key[64];
    size_t last = 0;

    bench_open(&b, NULL);
    b.etcd.batches = true;
    bench_watch(&b);
    fake_etcd_break_watches(&b.etcd);
    for (int i = 0; i < N; i++) {
        snprintf(key, sizeof key, "hyperfaas/functions/f%d", i);
        fake_etcd_put(&b.etcd, key, "1");
    }
    while (b.seen.puts < N) { /* the test's own limit ends this */
        fake_turn(b.fake, 10);
        CU_ASSERT_TRUE(b.seen.puts - last <= TURN);
        last = b.seen.puts;
    }
    fake_etcd_break_watches(&b.etcd);
    fake_etcd_wipe(&b.etcd); /* and what has gone likewise */
    for (last = 0; b.seen.deletes < N; last = b.seen.deletes) {
        fake_turn(b.fake, 10);
        CU_ASSERT_TRUE(b.seen.deletes - last <= TURN);
    }
    fake_etcd_put(&b.etcd, "hyperfaas/functions/later", "1");
    CU_ASSERT_TRUE(fake_wait(b.fake, &b.seen.puts, N + 1));
    bench_close(&b);
}

/* A stream that ends with much untold goes on where it was told. */
static void
a_stream_that_ends_early_loses_nothing(void)
{
    enum { N = 300 };
    struct bench b;
    char key[64];

    bench_open(&b, NULL);
    b.etcd.batches = true;
    bench_watch(&b);
    fake_etcd_break_watches(&b.etcd);
    for (int i = 0; i < N; i++) {
        snprintf(key, sizeof key, "hyperfaas/functions/f%d", i);
        fake_etcd_put(&b.etcd, key, "1");
    }
    CU_ASSERT_TRUE(fake_wait(b.fake, &b.seen.puts, 1));
    CU_ASSERT_TRUE(b.seen.puts < N);
    fake_etcd_break_watches(&b.etcd);
    CU_ASSERT_TRUE(fake_wait(b.fake, &b.seen.puts, N));
    fake_settle(b.fake, 20);
    UNIT_U64(b.seen.puts, N); /* none twice */
    bench_close(&b);
}

static void
values_that_cannot_be_used(void)
{
    static char large[HF_STORE_DOCUMENT_MAX + 2];
    struct bench b;

    bench_open(&b, NULL);
    memset(large, ' ', sizeof large - 1);
    fake_etcd_put(&b.etcd, "hyperfaas/functions/", "{}"); /* no id */
    fake_etcd_put(&b.etcd, "hyperfaas/functions/large", "{}");
    bench_watch(&b);
    UNIT_U64(b.seen.puts, 1);
    UNIT_U64(b.seen.bad, 1);
    fake_etcd_put(&b.etcd, "hyperfaas/functions/large", large);
    UNIT_U64(b.seen.bad, 2);
    UNIT_CONTAINS(b.seen.message, "65537 bytes");
    UNIT_U64(b.seen.deletes, 0); /* the last good version stays */
    fake_etcd_put(&b.etcd, "hyperfaas/functions/large", "{\"v\":2}");
    UNIT_STR(b.seen.data, "{\"v\":2}");
    fake_etcd_put(&b.etcd, "hyperfaas/functions/empty", "");
    UNIT_U64(b.seen.puts, 3); /* etcd left its value out; the host will not like it */
    UNIT_STR(b.seen.data, "");
    bench_close(&b);
}

/* Values of a page are too large together, and one of them is even alone. */
static void
pages_that_are_too_large(void)
{
    static char large[HF_STORE_DOCUMENT_MAX], huge[2 << 20];
    struct bench b;
    char key[64];

    bench_open(&b, NULL);
    memset(large, ' ', sizeof large - 1);
    memset(huge, ' ', sizeof huge - 1);
    for (int i = 0; i < 24; i++) {
        snprintf(key, sizeof key, "hyperfaas/functions/f%02d", i);
        fake_etcd_put(&b.etcd, key, large);
    }
    fake_etcd_put(&b.etcd, "hyperfaas/functions/f05-huge", huge);
    bench_watch(&b);
    UNIT_U64(b.seen.puts, 24);
    UNIT_U64(b.seen.bad, 1);
    UNIT_CONTAINS(b.seen.message, "too large");
    fake_etcd_put(&b.etcd, "hyperfaas/functions/f06-huge", huge); /* a line that is too long */
    CU_ASSERT_TRUE(fake_wait(b.fake, &b.seen.bad, 2));
    fake_etcd_put(&b.etcd, "hyperfaas/functions/last", "{}");
    CU_ASSERT_TRUE(fake_wait(b.fake, &b.seen.puts, 25));
    UNIT_U64(b.seen.bad, 2); /* the first one was not told again */
    UNIT_U64(b.seen.deletes, 0);
    bench_close(&b);
}

static void
unwatched_from_its_own_callbacks(void)
{
    static const enum bench_deed when[] = { UNWATCH_ON_PUT, UNWATCH_ON_SYNCED, UNWATCH_ON_DELETE };

    for (size_t i = 0; i < sizeof when / sizeof *when; i++) {
        struct bench b;

        bench_open(&b, NULL);
        b.deed = when[i];
        for (int j = 0; j < 3; j++) {
            fake_etcd_put(&b.etcd, j == 0 ? "hyperfaas/functions/a" : "hyperfaas/functions/b", "1");
        }
        bench_begin_watch(&b);
        CU_ASSERT_TRUE(fake_wait(b.fake, &b.seen.puts, 1));
        fake_settle(b.fake, 20);
        if (when[i] == UNWATCH_ON_DELETE) {
            fake_etcd_remove(&b.etcd, "hyperfaas/functions/a");
            UNIT_U64(b.seen.deletes, 1);
        }
        fake_etcd_put(&b.etcd, "hyperfaas/functions/c", "1");
        fake_settle(b.fake, 20);
        UNIT_U64(b.seen.puts, when[i] == UNWATCH_ON_PUT ? 1 : 2);
        bench_close(&b);
    }
}

/* --- being away --------------------------------------------------------------------------- */

static void
an_etcd_that_is_away_is_told_once_and_caught_up_with(void)
{
    static const char no_leader[] = "{\"error\":\"etcdserver: no leader\",\"code\":14,"
                                    "\"message\":\"etcdserver: no leader\"}";
    struct bench b;

    bench_open(&b, (const char *const[]){ "dial_timeout=100ms", NULL });
    fake_etcd_put(&b.etcd, "hyperfaas/functions/a", "1");
    bench_watch(&b);
    b.etcd.refusal = no_leader;
    b.etcd.refusal_status = 503;
    fake_etcd_break_watches(&b.etcd);
    CU_ASSERT_TRUE(fake_wait(b.fake, &b.seen.lost, 1));
    UNIT_CONTAINS(b.seen.message, "no leader");
    UNIT_U64(b.seen.deletes, 0);
    UNIT_INT(bench_put(&b, "x", "1", HF_STORE_ANY, 0), HF_EUNAVAILABLE);
    UNIT_CONTAINS(b.answer.message, "no leader");
    UNIT_CONTAINS(b.answer.message, "127.0.0.1:2379");
    UNIT_INT(bench_get(&b, "a"), HF_EUNAVAILABLE);
    fake_etcd_remove(&b.etcd, "hyperfaas/functions/a");
    b.etcd.refusal = NULL;
    CU_ASSERT_TRUE(fake_wait(b.fake, &b.seen.synced, 2));
    UNIT_U64(b.seen.lost, 1);
    UNIT_U64(b.seen.deletes, 1); /* told before `synced` */
    bench_close(&b);
}

static void
what_etcd_refuses_is_said(void)
{
    struct bench b;

    bench_open(&b, NULL);
    b.etcd.refusal_status = 429;
    b.etcd.refusal = "{\"error\":\"etcdserver: mvcc: database space exceeded\",\"code\":8,"
                     "\"message\":\"etcdserver: mvcc: database space exceeded\"}";
    UNIT_INT(bench_put(&b, "x", "1", HF_STORE_ANY, 0), HF_EFULL);
    UNIT_CONTAINS(b.answer.message, "defragmented");
    b.etcd.refusal_status = 400;
    b.etcd.refusal = "{\"message\":\"etcdserver: request is too large\",\"code\":3}"; /* as 3.6 */
    UNIT_INT(bench_put(&b, "x", "1", HF_STORE_ANY, 0), HF_EINVALID);
    UNIT_CONTAINS(b.answer.message, "too large");
    b.etcd.refusal_status = 403;
    b.etcd.refusal = "{\"message\":\"etcdserver: permission denied\",\"code\":7}";
    UNIT_INT(bench_put(&b, "x", "1", HF_STORE_ANY, 0), HF_EDENIED);
    b.etcd.refusal = NULL;
    b.etcd.token = "t";
    UNIT_INT(bench_put(&b, "x", "1", HF_STORE_ANY, 0), HF_EDENIED);
    UNIT_CONTAINS(b.answer.message, "set the options 'user' and 'password'");
    bench_close(&b);
}

/* --- who we are --------------------------------------------------------------------------- */

static void
a_token_is_asked_for_once_and_renewed(void)
{
    static const char *const settings[] = { "user=hf", "password=secret", NULL };
    struct bench b;

    bench_open(&b, settings);
    b.etcd.token = b.etcd.next_token = "first.1";
    bench_watch(&b);
    for (int i = 0; i < 5; i++) {
        UNIT_INT(bench_put(&b, "f", "1", HF_STORE_ANY, 0), 0);
    }
    UNIT_U64(b.etcd.n_authentications, 1);
    b.etcd.token = b.etcd.next_token = "second.1"; /* as after a restart */
    fake_etcd_break_watches(&b.etcd);
    UNIT_INT(bench_put(&b, "f", "2", HF_STORE_ABSENT, 0), HF_EEXISTS);
    UNIT_INT(bench_put(&b, "g", "3", HF_STORE_ABSENT, 0), 0); /* once, not twice */
    CU_ASSERT_TRUE(fake_wait(b.fake, &b.seen.puts, 6));
    CU_ASSERT_TRUE(b.etcd.n_authentications >= 2);
    bench_close(&b);
}

static void
a_wrong_password_is_said(void)
{
    static const char *const settings[] = { "user=hf", "password=wrong", "dial_timeout=100ms",
                                            NULL };
    struct bench b;

    bench_open(&b, settings);
    b.etcd.token = b.etcd.next_token = "t";
    UNIT_INT(bench_get(&b, "f"), HF_EDENIED);
    UNIT_CONTAINS(b.answer.message, "user 'hf' is refused");
    CU_ASSERT_PTR_NULL(strstr(b.answer.message, "wrong"));
    bench_begin_watch(&b);
    CU_ASSERT_TRUE(fake_wait(b.fake, &b.seen.lost, 1));
    bench_close(&b);
}

static void
a_user_where_nobody_is_asked(void)
{
    static const char *const settings[] = { "user=hf", "password=secret", NULL };
    struct bench b;

    bench_open(&b, settings);
    UNIT_INT(bench_put(&b, "f", "1", HF_STORE_ANY, 0), 0);
    UNIT_INT(bench_put(&b, "f", "2", HF_STORE_ANY, 0), 0);
    UNIT_U64(b.etcd.n_authentications, 1);
    b.etcd.token = b.etcd.next_token = "t"; /* from now on it is asked */
    UNIT_INT(bench_put(&b, "f", "3", HF_STORE_ANY, 0), 0);
    bench_close(&b);
}

/* --- configuration ------------------------------------------------------------------------ */

static void
configurations_that_cannot_be(void)
{
    static const struct {
        const char *setting, *word;
    } bad[] = {
        { "endpoints=ftp://x:1", "endpoint" },
        { "endpoints=http://", "endpoint" },
        { "endpoints=a b:1", "endpoint" },
        { "prefix=/", "prefix" },
        { "user=x", "password" },
        { "prefix=hyperfaas-nodes/x", "prefix" },
    };
    const struct hf_store_ops *ops = hyperfaas_plugin.ops;

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct fake_host *fake = fake_host_new();
        const char *const settings[] = { bad[i].setting, NULL };
        struct hf_options *options = fake_options_new(&hyperfaas_plugin, settings);
        struct hf_store *store = NULL;
        struct hf_err err = { 0 };

        UNIT_INT(ops->create(fake_driver(fake), options, &store, &err), HF_EINVALID);
        UNIT_CONTAINS(err.message, bad[i].word);
        CU_ASSERT_EQUAL(fake_host_leaks(fake), 0);
        fake_options_free(options);
        fake_host_free(fake);
    }
}

/* --- announcements ------------------------------------------------------------------------ */

struct fate {
    size_t there, away, withdrawn;
    int code;
};

static void
on_told(void *arg, int code, const char *message, const struct hf_document *document)
{
    struct fate *fate = arg;

    (void)message;
    (void)document;
    fate->there += code == 0;
    fate->away += code < 0;
    fate->code = code;
}

static void
on_withdrawn(void *arg, int code, const char *message, const struct hf_document *document)
{
    struct fate *fate = arg;

    (void)message;
    (void)document;
    fate->withdrawn++;
    fate->code = code;
}

/* Announces "n" for a third of a second a beat. */
static struct hf_store_op *
announce(struct bench *b, struct fate *fate)
{
    const struct hf_document document = {
        .size = sizeof document, .space = HF_STORE_NODES, .id = "n", .data = "{}", .len = 2
    };
    struct hf_store_op *op = NULL;

    CU_ASSERT_EQUAL_FATAL(
        b->ops->announce(b->store, &document, 1000000000, on_told, fate, &op, NULL), 0);
    return op;
}

static size_t
nodes(const struct bench *b)
{
    size_t n = 0;

    for (size_t i = 0; i < b->etcd.n_pairs; i++) {
        n += strncmp(b->etcd.pairs[i].key, "hyperfaas-nodes/", 16) == 0;
    }
    return n;
}

/* Turns until the key is there, or is not; the test's own limit ends this. */
static void
wait_nodes(struct bench *b, size_t n)
{
    while (nodes(b) != n) {
        fake_turn(b->fake, 10);
    }
}

static void
an_announcement_lives_under_a_lease(void)
{
    struct fate fate = { 0 };
    struct hf_store_op *op;
    struct bench b;

    bench_open(&b, NULL);
    op = announce(&b, &fate);
    CU_ASSERT_TRUE(fake_wait(b.fake, &fate.there, 1));
    UNIT_U64(b.etcd.n_leases, 1);
    UNIT_U64(b.etcd.pairs[0].lease, 1);
    UNIT_STR(b.etcd.pairs[0].key, "hyperfaas-nodes/hyperfaas/functions/n");
    fake_etcd_end_leases(&b.etcd); /* etcd was away for longer */
    UNIT_U64(nodes(&b), 0);
    wait_nodes(&b, 1);
    UNIT_U64(b.etcd.n_leases, 2);
    fake_etcd_wipe(&b.etcd);
    wait_nodes(&b, 1);
    fake_etcd_put(&b.etcd, "hyperfaas-nodes/hyperfaas/functions/n", "7"); /* without a lease */
    while (b.etcd.pairs[0].lease == 0) {
        fake_turn(b.fake, 10);
    }
    UNIT_U64(fate.there, 1); /* nothing of that is news to the host */
    UNIT_U64(fate.away, 0);
    b.ops->withdraw(b.store, op, 10000000000, on_withdrawn, &fate);
    CU_ASSERT_TRUE(fake_wait(b.fake, &fate.withdrawn, 1));
    UNIT_INT(fate.code, 0);
    UNIT_U64(nodes(&b), 0);
    bench_close(&b);
}

static void
an_announcer_without_etcd_tries_on(void)
{
    struct fate fate = { 0 };
    struct hf_store_op *op;
    struct bench b;

    bench_open(&b, NULL);
    b.etcd.refusal = "{\"message\":\"etcdserver: no leader\",\"code\":14}";
    b.etcd.refusal_status = 503;
    op = announce(&b, &fate);
    CU_ASSERT_TRUE(fake_wait(b.fake, &fate.away, 1));
    UNIT_INT(fate.code, HF_EUNAVAILABLE);
    b.etcd.refusal = NULL;
    CU_ASSERT_TRUE(fake_wait(b.fake, &fate.there, 1));
    b.etcd.refusal = "{\"message\":\"etcdserver: no leader\",\"code\":14}";
    CU_ASSERT_TRUE(fake_wait(b.fake, &fate.away, 2)); /* not before the lease must be over */
    b.ops->withdraw(b.store, op, 50000000, on_withdrawn, &fate);
    CU_ASSERT_TRUE(fake_wait(b.fake, &fate.withdrawn, 1));
    CU_ASSERT_TRUE(fate.code == HF_ETIMEOUT || fate.code == HF_EUNAVAILABLE);
    UNIT_U64(fate.there, 1);
    bench_close(&b);
}

static void
withdrawn_before_anything_happened(void)
{
    struct fate fate = { 0 };
    struct bench b;

    bench_open(&b, NULL);
    b.ops->withdraw(b.store, announce(&b, &fate), 10000000000, on_withdrawn, &fate);
    CU_ASSERT_TRUE(fake_wait(b.fake, &fate.withdrawn, 1));
    UNIT_INT(fate.code, 0);
    b.ops->withdraw(b.store, announce(&b, &fate), 10000000000, on_withdrawn, &fate);
    bench_close(&b); /* at once */
    UNIT_U64(fate.withdrawn, 2);
    UNIT_INT(fate.code, HF_ECANCELLED);
    UNIT_U64(fate.there + fate.away, 0);
}

UNIT_MAIN("store-etcd", CONTRACT_STORE_TESTS UNIT_TEST(a_list_comes_in_pages),
          UNIT_TEST(a_broken_stream_goes_on_where_it_ended),
          UNIT_TEST(what_was_compacted_is_found_by_comparing),
          UNIT_TEST(a_wiped_store_is_told_as_it_is), UNIT_TEST(another_cluster_is_told_as_it_is),
          UNIT_TEST(an_earlier_term_is_another_history), UNIT_TEST(much_at_once_is_taken_in_turns),
          UNIT_TEST(a_stream_that_ends_early_loses_nothing), UNIT_TEST(values_that_cannot_be_used),
          UNIT_TEST(pages_that_are_too_large), UNIT_TEST(unwatched_from_its_own_callbacks),
          UNIT_TEST(an_etcd_that_is_away_is_told_once_and_caught_up_with),
          UNIT_TEST(what_etcd_refuses_is_said), UNIT_TEST(a_token_is_asked_for_once_and_renewed),
          UNIT_TEST(a_wrong_password_is_said), UNIT_TEST(a_user_where_nobody_is_asked),
          UNIT_TEST(configurations_that_cannot_be), UNIT_TEST(an_announcement_lives_under_a_lease),
          UNIT_TEST(an_announcer_without_etcd_tries_on),
          UNIT_TEST(withdrawn_before_anything_happened))
