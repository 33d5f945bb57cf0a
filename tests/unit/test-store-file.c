/*
 * test-store-file.c - the store "file": the contract of stores, and what is
 * particular to files: names, editors, crashes, other processes, lost events.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <hyperfaas/store.h>

#include "contract-store.h"
#include "file-bench.h"
#include "plugins/store-file/document.h"
#include "unit.h"

const struct hf_plugin *const contract_store_plugin = &hyperfaas_plugin;

const char *const *
contract_store_settings(void)
{
    return files_settings();
}

/* --- names -------------------------------------------------------------------------- */

static void
names(void)
{
    static const struct {
        const char *id, *name;
    } pairs[] = {
        { "hello", "hello.json" },     { "127.0.0.1", "127.0.0.1.json" },
        { ".", "%2E.json" },           { "..", "%2E..json" },
        { "a/b", "a%2Fb.json" },       { "100%", "100%25.json" },
        { "#x#", "%23x%23.json" },     { "x~", "x%7E.json" },
        { "\xc3\xbc", "%C3%BC.json" }, { "a.json", "a.json.json" },
    };
    static const char *const foreign[] = { "x.json~", ".x.json.swp", "#x.json#", ".lock", "x",
                                           "4913",    ".json",       "x.JSON",   "" };
    static const char *const misspelt[] = { "a b.json", "%41.json", "%2e.json",
                                            "%.json",   "%4.json",  "%00.json" };
    char name[NAME_SIZE], id[NAME_SIZE], longest[300];

    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        CU_ASSERT_TRUE(name_from_id(pairs[i].id, name));
        CU_ASSERT_STRING_EQUAL(name, pairs[i].name);
        CU_ASSERT_EQUAL(name_to_id(pairs[i].name, id), NAME_DOCUMENT);
        CU_ASSERT_STRING_EQUAL(id, pairs[i].id);
    }
    for (size_t i = 0; i < sizeof foreign / sizeof *foreign; i++) {
        CU_ASSERT_EQUAL(name_to_id(foreign[i], id), NAME_FOREIGN);
    }
    for (size_t i = 0; i < sizeof misspelt / sizeof *misspelt; i++) {
        CU_ASSERT_EQUAL(name_to_id(misspelt[i], id), NAME_MISSPELT);
    }
    memset(longest, 'x', sizeof longest);
    longest[247] = '\0';
    CU_ASSERT_TRUE(name_from_id(longest, name));
    CU_ASSERT_TRUE(strlen(name) <= 255);
    longest[247] = 'x';
    longest[260] = '\0';
    CU_ASSERT_FALSE(name_from_id(longest, name));
    CU_ASSERT_FALSE(name_from_id("", name));
}

/* --- editors -------------------------------------------------------------------------- */

static void
editors(void)
{
    struct files_bench b;
    uint64_t first;

    files_begin(&b);
    files_write_text("f.json", "{\"v\":1}"); /* in place */
    CU_ASSERT_TRUE(fake_wait(b.fake, &b.puts, 1));
    CU_ASSERT_STRING_EQUAL(b.id, "f");
    CU_ASSERT_STRING_EQUAL(b.data, "{\"v\":1}");
    first = b.revision;

    files_write_text(".f.json.swp", "junk"); /* with swap file, backup and rename */
    files_write_text("4913", "junk");
    files_rename("f.json", "f.json~");
    files_write_text("f.json", "{\"v\":2}");
    CU_ASSERT_TRUE(fake_wait(b.fake, &b.puts, 2));
    CU_ASSERT_STRING_EQUAL(b.data, "{\"v\":2}");
    CU_ASSERT_NOT_EQUAL(b.revision, first);

    files_write_text(".f.tmp", "{\"v\":3}"); /* by a temporary file */
    files_rename(".f.tmp", "f.json");
    CU_ASSERT_TRUE(fake_wait(b.fake, &b.puts, 3));
    CU_ASSERT_STRING_EQUAL(b.data, "{\"v\":3}");
    CU_ASSERT_EQUAL(files_put(&b, "f", "{}", HF_STORE_AT_REVISION, first), HF_ECONFLICT);

    unlink(files_of("f.json"));
    CU_ASSERT_TRUE(fake_wait(b.fake, &b.deletes, 1));
    files_rename("f.json~", "g.json"); /* another one appears by its name alone */
    CU_ASSERT_TRUE(fake_wait(b.fake, &b.puts, 4));
    CU_ASSERT_STRING_EQUAL(b.id, "g");
    CU_ASSERT_TRUE(b.deletes >= 1);
    CU_ASSERT_EQUAL(b.bad, 0);
    files_close(&b);
}

static void
bad_documents(void)
{
    static char large[(1 << 20) + 2];
    struct files_bench b;

    files_begin(&b);
    memset(large, ' ', sizeof large);
    large[0] = '1';
    CU_ASSERT_EQUAL(files_put(&b, "f", "{\"v\":1}", HF_STORE_ANY, 0), 0);
    CU_ASSERT_TRUE(fake_wait(b.fake, &b.puts, 1));
    files_write_text("f.json", "");
    CU_ASSERT_TRUE(fake_wait(b.fake, &b.bad, 1));
    files_write_text("f.json", "{\"v\":");
    CU_ASSERT_TRUE(fake_wait(b.fake, &b.bad, 2));
    CU_ASSERT_STRING_EQUAL(b.id, "f");
    CU_ASSERT_PTR_NOT_NULL(strstr(b.message, "JSON"));
    files_write_text("f.json", "\"\xff\xfe\"");
    CU_ASSERT_TRUE(fake_wait(b.fake, &b.bad, 3));
    files_write_text("f.json", "{} trailing");
    CU_ASSERT_TRUE(fake_wait(b.fake, &b.bad, 4));
    files_write("f.json", large, sizeof large);
    CU_ASSERT_TRUE(fake_wait(b.fake, &b.bad, 5));
    files_write_text("with space.json", "{}");
    CU_ASSERT_TRUE(fake_wait(b.fake, &b.bad, 6));
    CU_ASSERT_PTR_NOT_NULL(strstr(b.message, "with%20space.json"));
    CU_ASSERT_EQUAL(mkdir(files_of("folder.json"), 0755), 0);
    CU_ASSERT_EQUAL(mkfifo(files_of("pipe.json"), 0644), 0);
    fake_settle(b.fake, 30);
    CU_ASSERT_EQUAL(b.puts, 1);
    CU_ASSERT_EQUAL(b.deletes, 0); /* the last good version stays */
    CU_ASSERT_EQUAL(files_get(&b, "f"), HF_EINVALID);
    CU_ASSERT_EQUAL(files_put(&b, "f", "not json", HF_STORE_ANY, 0), HF_EINVALID);

    CU_ASSERT_EQUAL(files_put(&b, "f", "{\"v\":2}", HF_STORE_ANY, 0), 0); /* repaired */
    CU_ASSERT_TRUE(fake_wait(b.fake, &b.puts, 2));
    CU_ASSERT_STRING_EQUAL(b.data, "{\"v\":2}");
    files_close(&b);
}

/* --- folders that go and come ------------------------------------------------------------ */

static void
folder_recreated(void)
{
    struct files_bench b;
    char store[300], aside[300], functions[320];

    files_begin(&b);
    snprintf(store, sizeof store, "%s/store", unit_folder());
    snprintf(aside, sizeof aside, "%s/aside", unit_folder());
    snprintf(functions, sizeof functions, "%s/functions", store);
    files_put(&b, "f", "1", HF_STORE_ANY, 0);
    files_put(&b, "g", "1", HF_STORE_ANY, 0);
    CU_ASSERT_TRUE(fake_wait(b.fake, &b.puts, 2));

    CU_ASSERT_EQUAL(rename(store, aside), 0);
    CU_ASSERT_TRUE(fake_wait(b.fake, &b.lost, 1));
    CU_ASSERT_EQUAL(b.deletes, 0); /* what is known stays known */
    unlink(files_of("../../aside/functions/g.json"));
    CU_ASSERT_EQUAL(rename(aside, store), 0);
    CU_ASSERT_TRUE(fake_wait(b.fake, &b.synced, 2));
    fake_settle(b.fake, 20);
    CU_ASSERT_EQUAL(b.puts, 2);

    files_remove_tree(store);
    CU_ASSERT_TRUE(fake_wait(b.fake, &b.lost, 2));
    CU_ASSERT_EQUAL(b.deletes, 2);
    CU_ASSERT_EQUAL(mkdir(store, 0755), 0);
    CU_ASSERT_EQUAL(mkdir(functions, 0755), 0);
    CU_ASSERT_TRUE(fake_wait(b.fake, &b.synced, 3));
    files_write_text("h.json", "2");
    CU_ASSERT_TRUE(fake_wait(b.fake, &b.puts, 3));
    CU_ASSERT_STRING_EQUAL(b.id, "h");

    files_remove_tree(store); /* a write makes it anew */
    CU_ASSERT_TRUE(fake_wait(b.fake, &b.lost, 3));
    CU_ASSERT_EQUAL(files_put(&b, "i", "3", HF_STORE_ABSENT, 0), 0);
    CU_ASSERT_TRUE(fake_wait(b.fake, &b.puts, 4));
    CU_ASSERT_STRING_EQUAL(b.id, "i");
    files_close(&b);
}

/* How many events the kernel keeps for one who does not read. */
static unsigned
kernel_queue(void)
{
    FILE *file = fopen("/proc/sys/fs/inotify/max_queued_events", "r");
    unsigned n = UINT32_MAX;

    if (file) {
        CU_ASSERT_EQUAL(fscanf(file, "%u", &n), 1);
        fclose(file);
    }
    return n;
}

/* More changes than the kernel keeps while nobody reads: a scan puts it right. */
static void
lost_events(void)
{
    enum { FILES = 12000 };
    struct files_bench b;
    char name[32];

    files_begin(&b);
    files_put(&b, "old", "1", HF_STORE_ANY, 0);
    CU_ASSERT_TRUE(fake_wait(b.fake, &b.puts, 1));
    for (int i = 0; i < FILES; i++) {
        snprintf(name, sizeof name, "f%d.json", i);
        files_write_text(name, "{}");
    }
    unlink(files_of("old.json"));
    CU_ASSERT_TRUE(fake_wait(b.fake, &b.deletes, 1));
    CU_ASSERT_TRUE(fake_wait(b.fake, &b.puts, FILES + 1));
    if (kernel_queue() <= 16384) { /* as is usual; then a scan must have told the rest */
        CU_ASSERT_TRUE(fake_wait(b.fake, &b.synced, 2));
    }
    fake_settle(b.fake, 50);
    CU_ASSERT_EQUAL(b.puts, FILES + 1);
    CU_ASSERT_EQUAL(b.deletes, 1);
    CU_ASSERT_EQUAL(b.bad, 0);
    files_close(&b);
}

/* --- other processes ------------------------------------------------------------------------ */

/* Writes two versions in turn until killed; they differ in length. */
static _Noreturn void
write_for_ever(int ready)
{
    struct files_bench b;
    char large[9000];

    memset(large, ' ', sizeof large - 1);
    large[sizeof large - 1] = '\0';
    memcpy(large, "[2]", 3);
    files_open(&b);
    (void)!write(ready, "r", 1);
    for (;;) {
        if (files_put(&b, "f", "[1]", HF_STORE_ANY, 0) != 0 ||
            files_put(&b, "f", large, HF_STORE_ANY, 0) != 0) {
            _exit(1);
        }
    }
}

/* Kills a writer at any point of its work: the document is whole, and the next
 * writer gets the lock. */
static void
killed_writers(void)
{
    struct files_bench b;

    files_begin(&b); /* makes the folder that the writers are to share */
    files_close(&b);
    for (int i = 0; i < 25; i++) {
        int ready[2], status;
        char byte;
        pid_t pid;

        CU_ASSERT_EQUAL_FATAL(pipe(ready), 0);
        pid = fork();
        if (pid == 0) {
            write_for_ever(ready[1]);
        }
        close(ready[1]);
        CU_ASSERT_EQUAL(read(ready[0], &byte, 1), 1);
        close(ready[0]);
        files_open(&b);
        while (files_get(&b, "f") == HF_ENOTFOUND || b.data[1] == '3') {
        }
        for (int j = 0; j < i; j++) {
            CU_ASSERT_EQUAL(files_get(&b, "f"), 0); /* whole at any time */
        }
        kill(pid, SIGKILL);
        waitpid(pid, &status, 0);
        CU_ASSERT_TRUE(WIFSIGNALED(status));
        CU_ASSERT_EQUAL(files_get(&b, "f"), 0);
        CU_ASSERT_TRUE(strncmp(b.data, "[1]", 3) == 0 || strncmp(b.data, "[2]", 3) == 0);
        CU_ASSERT_EQUAL(files_put(&b, "f", "[3]", HF_STORE_AT_REVISION, b.revision), 0);
        files_close(&b);
    }
}

/* Adds `n` to a counter that others add to as well. */
static _Noreturn void
count_up(int n)
{
    struct files_bench b;
    char json[16];

    files_open(&b);
    while (n > 0) {
        if (files_get(&b, "counter") != 0) {
            _exit(1);
        }
        snprintf(json, sizeof json, "%d", (int)strtol(b.data, NULL, 10) + 1);
        switch (files_put(&b, "counter", json, HF_STORE_AT_REVISION, b.revision)) {
        case 0:
            n--;
            break;
        case HF_ECONFLICT:
            break;
        default:
            _exit(2);
        }
    }
    files_close(&b);
    _exit(0);
}

static void
races(void)
{
    struct files_bench b;
    pid_t pids[4];
    int status;

    files_open(&b);
    CU_ASSERT_EQUAL(files_put(&b, "counter", "0", HF_STORE_ABSENT, 0), 0);
    files_close(&b);
    for (int i = 0; i < 4; i++) {
        pids[i] = fork();
        if (pids[i] == 0) {
            count_up(50);
        }
    }
    for (int i = 0; i < 4; i++) {
        CU_ASSERT_EQUAL(waitpid(pids[i], &status, 0), pids[i]);
        CU_ASSERT_EQUAL(status, 0);
    }
    files_open(&b);
    CU_ASSERT_EQUAL(files_get(&b, "counter"), 0);
    CU_ASSERT_STRING_EQUAL(b.data, "200");
    files_close(&b);
}

/* A writer that hangs with the lock in hand costs a time limit, not the loop. */
static void
lock_held(void)
{
    struct files_bench b;
    struct hf_document document = { sizeof document, HF_STORE_FUNCTIONS, "f", "2", 1, 0 };
    int fd;

    files_begin(&b);
    CU_ASSERT_EQUAL(files_put(&b, "f", "1", HF_STORE_ANY, 0), 0);
    fd = open(files_of(".lock"), O_RDWR);
    CU_ASSERT_TRUE_FATAL(fd >= 0);
    CU_ASSERT_EQUAL(flock(fd, LOCK_EX), 0);
    CU_ASSERT_EQUAL(
        b.ops->put(b.store, &document, HF_STORE_ANY, SECOND / 20, files_done, &b, NULL, NULL), 0);
    CU_ASSERT_TRUE(fake_wait(b.fake, &b.done, 2));
    CU_ASSERT_EQUAL(b.code, HF_ETIMEOUT);
    close(fd);
    CU_ASSERT_EQUAL(files_get(&b, "f"), 0);
    CU_ASSERT_STRING_EQUAL(b.data, "1");
    files_close(&b);
}

/* --- start ----------------------------------------------------------------------------- */

/* Many documents at start: each turn of the loop takes a few of them. */
static void
slices(void)
{
    enum { FILES = 5000 };
    struct hf_store_op *op;
    struct files_bench b;
    char name[32];

    files_begin(&b);
    files_close(&b);
    for (int i = 0; i < FILES; i++) {
        snprintf(name, sizeof name, "f%d.json", i);
        files_write_text(name, "{}");
    }
    files_open(&b);
    CU_ASSERT_EQUAL(b.ops->watch(b.store, HF_STORE_FUNCTIONS, &files_watcher, &b, &op, NULL), 0);
    while (b.synced == 0) {
        size_t before = b.puts;

        fake_turn(b.fake, 10);
        CU_ASSERT_TRUE(b.puts - before <= 64);
    }
    CU_ASSERT_EQUAL(b.puts, FILES);
    files_close(&b);
}

static void
path_that_cannot_be(void)
{
    static const char *const bad[] = { "path=/proc/nowhere/store", NULL };
    const struct hf_store_ops *ops = hyperfaas_plugin.ops;
    struct fake_host *fake = fake_host_new();
    struct hf_options *options = fake_options_new(&hyperfaas_plugin, bad);
    struct hf_store *store = NULL;
    struct hf_err err = { 0 };

    CU_ASSERT_EQUAL(ops->create(fake_driver(fake), options, &store, &err), HF_EIO);
    CU_ASSERT_PTR_NULL(store);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.message, "/proc/nowhere/store"));
    CU_ASSERT_EQUAL(fake_host_leaks(fake), 0);
    fake_options_free(options);
    fake_host_free(fake);
}

/* --- announcements -------------------------------------------------------------------- */

static struct hf_store_op *
announce(struct files_bench *b, const char *json)
{
    struct hf_document document = { sizeof document, HF_STORE_NODES, "n", json, strlen(json), 0 };
    struct hf_store_op *op = NULL;
    size_t before = b->done;

    CU_ASSERT_EQUAL(b->ops->announce(b->store, &document, SECOND / 10, files_done, b, &op, NULL),
                    0);
    CU_ASSERT_TRUE(fake_wait(b->fake, &b->done, before + 1));
    return op;
}

/* Two processes of one id: the second is told, and is there when the first has gone. */
static void
announced_twice(void)
{
    struct files_bench first, second;
    struct hf_store_op *op;

    files_open(&first);
    files_open(&second);
    op = announce(&first, "1");
    CU_ASSERT_EQUAL(first.code, 0);
    announce(&second, "2");
    CU_ASSERT_EQUAL(second.code, HF_EEXISTS);
    first.ops->withdraw(first.store, op, 10 * SECOND, files_done, &first);
    CU_ASSERT_TRUE(fake_wait(first.fake, &first.done, 2));
    CU_ASSERT_TRUE(fake_wait(second.fake, &second.done, 2));
    CU_ASSERT_EQUAL(second.code, 0);
    CU_ASSERT_STRING_EQUAL(second.data, "2");
    files_close(&second);
    files_close(&first);
}

static void
write_node(const char *name)
{
    char place[64];

    snprintf(place, sizeof place, "../nodes/%s", name);
    files_write_text(place, "{}");
}

/* What a crash of the machine leaves is no node; what a person puts there is one. */
static void
nodes_found(void)
{
    struct hf_store_op *op;
    struct files_bench b;

    files_open(&b);
    write_node("by-hand.json");
    write_node("dead.json");
    write_node(".dead.json.alive");
    CU_ASSERT_EQUAL(b.ops->watch(b.store, HF_STORE_NODES, &files_watcher, &b, &op, NULL), 0);
    CU_ASSERT_TRUE(fake_wait(b.fake, &b.synced, 1));
    CU_ASSERT_EQUAL(b.puts, 1);
    CU_ASSERT_STRING_EQUAL(b.id, "by-hand");
    CU_ASSERT_NOT_EQUAL(access(files_of("../nodes/dead.json"), F_OK), 0);
    CU_ASSERT_NOT_EQUAL(access(files_of("../nodes/.dead.json.alive"), F_OK), 0);
    CU_ASSERT_EQUAL(access(files_of("../nodes/by-hand.json"), F_OK), 0);
    files_close(&b);
}

/* The folder is removed under a store that announces. */
static void
nodes_folder_recreated(void)
{
    char nodes[600];
    struct files_bench b;

    files_open(&b);
    announce(&b, "1");
    snprintf(nodes, sizeof nodes, "%s", files_of("../nodes"));
    files_remove_tree(nodes);
    while (access(files_of("../nodes/n.json"), F_OK) != 0) {
        fake_turn(b.fake, 10); /* the test's own limit ends this */
    }
    CU_ASSERT_EQUAL(b.done, 1); /* nothing to tell: it is there again */
    files_close(&b);
    CU_ASSERT_NOT_EQUAL(access(files_of("../nodes/n.json"), F_OK), 0);
}

UNIT_MAIN("store-file", CONTRACT_STORE_TESTS UNIT_TEST(names), UNIT_TEST(editors),
          UNIT_TEST(bad_documents), UNIT_TEST(folder_recreated), UNIT_TEST(lost_events),
          UNIT_TEST(killed_writers), UNIT_TEST(races), UNIT_TEST(lock_held), UNIT_TEST(slices),
          UNIT_TEST(path_that_cannot_be), UNIT_TEST(contract_store_announce_and_die),
          UNIT_TEST(announced_twice), UNIT_TEST(nodes_found), UNIT_TEST(nodes_folder_recreated))
