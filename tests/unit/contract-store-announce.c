/*
 * contract-store-announce.c - what every metadata store must do for those who announce themselves.
 */
#include "contract-store.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <CUnit/CUnit.h>

#include "fake-host.h"
#include "store-bench.h"

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
announce(struct store_bench *b, const char *id, const char *json, struct fate *fate)
{
    struct hf_document document = store_document(HF_STORE_NODES, id, json, 0);
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
    struct store_seen s = { 0 };
    struct hf_store_op *op;
    struct store_bench b;

    store_open(&b);
    store_watch(&b, HF_STORE_NODES, &s);
    op = announce(&b, "n/1", "{\"a\":1}", &fate);
    CU_ASSERT_TRUE(fake_wait(b.fake, &s.puts, 1));
    CU_ASSERT_STRING_EQUAL(s.id, "n/1");
    CU_ASSERT_STRING_EQUAL(s.data, "{\"a\":1}");
    CU_ASSERT_STRING_EQUAL(store_get_in(&b, HF_STORE_NODES, "n/1").data, "{\"a\":1}");
    b.ops->withdraw(b.store, op, 10 * SECOND, on_withdrawn, &fate);
    CU_ASSERT_EQUAL(fate.withdrawn, 0);
    CU_ASSERT_TRUE(fake_wait(b.fake, &fate.withdrawn, 1));
    CU_ASSERT_EQUAL(fate.code, 0);
    CU_ASSERT_TRUE(fake_wait(b.fake, &s.deletes, 1));
    CU_ASSERT_EQUAL(store_get_in(&b, HF_STORE_NODES, "n/1").code, HF_ENOTFOUND);
    fake_settle(b.fake, 20);
    CU_ASSERT_EQUAL(s.puts, 1);
    CU_ASSERT_EQUAL(s.deletes, 1);
    CU_ASSERT_EQUAL(fate.there, 1);
    CU_ASSERT_EQUAL(fate.withdrawn, 1);
    store_close(&b);
}

/* A store that is closed takes its announcements along, within the time it was given. */
void
contract_store_announce_and_destroy(void)
{
    struct fate fate = { 0 };
    struct store_seen s = { 0 };
    struct store_bench b[2];

    store_open(&b[0]);
    store_open(&b[1]);
    announce(&b[0], "n", "{}", &fate);
    store_watch(&b[1], HF_STORE_NODES, &s);
    CU_ASSERT_EQUAL(s.puts, 1);
    store_close(&b[0]);
    CU_ASSERT_TRUE(fake_wait(b[1].fake, &s.deletes, 1));
    CU_ASSERT_STRING_EQUAL(s.id, "n");
    store_close(&b[1]);
}

/* A process that announces "n", says so through `fd`, and waits for its death. */
static void
announce_until_killed(int fd)
{
    struct fate fate = { 0 };
    struct store_bench b;

    store_open(&b);
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
    struct store_seen s = { 0 };
    struct store_bench b;
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
    store_open(&b);
    store_watch(&b, HF_STORE_NODES, &s);
    CU_ASSERT_EQUAL(s.puts, 1);
    kill(child, SIGKILL);
    CU_ASSERT_EQUAL(waitpid(child, NULL, 0), child);
    CU_ASSERT_TRUE(fake_wait(b.fake, &s.deletes, 1));
    CU_ASSERT_STRING_EQUAL(s.id, "n");
    announce(&b, "n", "{\"by\":\"us\"}", &fate); /* what the dead one left is in nobody's way */
    CU_ASSERT_TRUE(fake_wait(b.fake, &s.puts, 2));
    CU_ASSERT_STRING_EQUAL(s.data, "{\"by\":\"us\"}");
    store_close(&b);
    close(pipes[0]);
    close(pipes[1]);
}

/* A document that somebody removes comes back. */
void
contract_store_announce_again(void)
{
    struct fate fate = { 0 };
    struct store_seen s = { 0 };
    struct store_bench b;

    store_open(&b);
    store_watch(&b, HF_STORE_NODES, &s);
    announce(&b, "n", "{}", &fate);
    CU_ASSERT_TRUE(fake_wait(b.fake, &s.puts, 1));
    CU_ASSERT_EQUAL(store_remove_in(&b, HF_STORE_NODES, "n").code, 0);
    CU_ASSERT_TRUE(fake_wait(b.fake, &s.deletes, 1));
    CU_ASSERT_TRUE(fake_wait(b.fake, &s.puts, 2));
    store_close(&b);
}
