/*
 * test-store-file.c - the store "file": the contract of stores, and what is
 * particular to files: names, editors, crashes, other processes, lost events.
 */
#include <fcntl.h>
#include <ftw.h>
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
#include "fake-host.h"
#include "plugins/store-file/names.h"
#include "unit.h"

static const uint64_t SECOND = 1000000000;

const struct hf_plugin *const contract_store_plugin = &hyperfaas_plugin;

const char *const *
contract_store_settings(void)
{
    static char path[128];
    static const char *const settings[] = { path, "fsync=no", NULL };

    snprintf(path, sizeof path, "path=%s/store", unit_folder());
    return settings;
}

/* --- files ---------------------------------------------------------------------- */

static int
remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

static void
remove_tree(const char *path)
{
    nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

static const char *
file_of(const char *name)
{
    static char path[600];

    snprintf(path, sizeof path, "%s/store/functions/%s", unit_folder(), name);
    return path;
}

/* Writes a file in place, as a simple editor does. */
static void
write_file(const char *name, const char *data, size_t len)
{
    int fd = open(file_of(name), O_WRONLY | O_CREAT | O_TRUNC, 0644);

    CU_ASSERT_TRUE_FATAL(fd >= 0);
    CU_ASSERT_EQUAL(write(fd, data, len), (ssize_t)len);
    close(fd);
}

static void
write_text(const char *name, const char *text)
{
    write_file(name, text, strlen(text));
}

static void
rename_file(const char *from, const char *to)
{
    char old[600];

    snprintf(old, sizeof old, "%s", file_of(from));
    CU_ASSERT_EQUAL(rename(old, file_of(to)), 0);
}

/* --- a store with one watch --------------------------------------------------------- */

struct bench {
    struct fake_host *fake;
    struct hf_options *options;
    const struct hf_store_ops *ops;
    struct hf_store *store;

    size_t puts, deletes, synced, bad, lost;
    char id[256], data[64], message[512];
    uint64_t revision;

    size_t done;
    int code;
};

static void
on_put(void *arg, const struct hf_document *document)
{
    struct bench *b = arg;

    b->puts++;
    b->revision = document->revision;
    snprintf(b->id, sizeof b->id, "%s", document->id);
    snprintf(b->data, sizeof b->data, "%.*s", (int)document->len, (const char *)document->data);
}

static void
on_delete(void *arg, const char *id)
{
    struct bench *b = arg;

    b->deletes++;
    snprintf(b->id, sizeof b->id, "%s", id);
}

static void
on_synced(void *arg)
{
    ((struct bench *)arg)->synced++;
}

static void
on_bad(void *arg, const char *id, const char *message)
{
    struct bench *b = arg;

    b->bad++;
    snprintf(b->id, sizeof b->id, "%s", id);
    snprintf(b->message, sizeof b->message, "%s", message);
}

static void
on_lost(void *arg, const char *message)
{
    struct bench *b = arg;

    b->lost++;
    snprintf(b->message, sizeof b->message, "%s", message);
}

static const struct hf_store_watcher watcher = {
    .size = sizeof watcher,
    .on_put = on_put,
    .on_delete = on_delete,
    .on_synced = on_synced,
    .on_bad = on_bad,
    .on_lost = on_lost,
};

static void
on_done(void *arg, int code, const char *message, const struct hf_document *document)
{
    struct bench *b = arg;

    b->done++;
    b->code = code;
    snprintf(b->message, sizeof b->message, "%s", message);
    if (document) {
        b->revision = document->revision;
        snprintf(b->data, sizeof b->data, "%.*s", (int)document->len, (const char *)document->data);
    }
}

static void
open_store(struct bench *b)
{
    struct hf_err err = { 0 };

    memset(b, 0, sizeof *b);
    b->fake = fake_host_new();
    b->options = fake_options_new(&hyperfaas_plugin, contract_store_settings());
    b->ops = hyperfaas_plugin.ops;
    if (b->ops->create(fake_driver(b->fake), b->options, &b->store, &err) != 0) {
        fprintf(stderr, "create: %s\n", err.message);
        abort();
    }
}

static void
close_store(struct bench *b)
{
    b->ops->destroy(b->store);
    CU_ASSERT_EQUAL(fake_host_leaks(b->fake), 0);
    fake_options_free(b->options);
    fake_host_free(b->fake);
}

/* Opens an empty store and watches its functions. */
static void
begin(struct bench *b)
{
    struct hf_store_op *op;

    open_store(b);
    CU_ASSERT_EQUAL(b->ops->watch(b->store, HF_STORE_FUNCTIONS, &watcher, b, &op, NULL), 0);
    CU_ASSERT_TRUE(fake_wait(b->fake, &b->synced, 1));
}

static int
put(struct bench *b, const char *id, const char *json, uint32_t condition, uint64_t revision)
{
    struct hf_document document = { sizeof document, HF_STORE_FUNCTIONS, id, json, strlen(json),
                                    revision };
    size_t before = b->done;

    if (b->ops->put(b->store, &document, condition, 10 * SECOND, on_done, b, NULL, NULL) != 0 ||
        !fake_wait(b->fake, &b->done, before + 1)) {
        return HF_EINTERNAL;
    }
    return b->code;
}

static int
get(struct bench *b, const char *id)
{
    size_t before = b->done;

    if (b->ops->get(b->store, HF_STORE_FUNCTIONS, id, 10 * SECOND, on_done, b, NULL, NULL) != 0 ||
        !fake_wait(b->fake, &b->done, before + 1)) {
        return HF_EINTERNAL;
    }
    return b->code;
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
    struct bench b;
    uint64_t first;

    begin(&b);
    write_text("f.json", "{\"v\":1}"); /* in place */
    CU_ASSERT_TRUE(fake_wait(b.fake, &b.puts, 1));
    CU_ASSERT_STRING_EQUAL(b.id, "f");
    CU_ASSERT_STRING_EQUAL(b.data, "{\"v\":1}");
    first = b.revision;

    write_text(".f.json.swp", "junk"); /* with swap file, backup and rename */
    write_text("4913", "junk");
    rename_file("f.json", "f.json~");
    write_text("f.json", "{\"v\":2}");
    CU_ASSERT_TRUE(fake_wait(b.fake, &b.puts, 2));
    CU_ASSERT_STRING_EQUAL(b.data, "{\"v\":2}");
    CU_ASSERT_NOT_EQUAL(b.revision, first);

    write_text(".f.tmp", "{\"v\":3}"); /* by a temporary file */
    rename_file(".f.tmp", "f.json");
    CU_ASSERT_TRUE(fake_wait(b.fake, &b.puts, 3));
    CU_ASSERT_STRING_EQUAL(b.data, "{\"v\":3}");
    CU_ASSERT_EQUAL(put(&b, "f", "{}", HF_STORE_AT_REVISION, first), HF_ECONFLICT);

    unlink(file_of("f.json"));
    CU_ASSERT_TRUE(fake_wait(b.fake, &b.deletes, 1));
    rename_file("f.json~", "g.json"); /* another one appears by its name alone */
    CU_ASSERT_TRUE(fake_wait(b.fake, &b.puts, 4));
    CU_ASSERT_STRING_EQUAL(b.id, "g");
    CU_ASSERT_TRUE(b.deletes >= 1);
    CU_ASSERT_EQUAL(b.bad, 0);
    close_store(&b);
}

static void
bad_documents(void)
{
    static char large[(1 << 20) + 2];
    struct bench b;

    begin(&b);
    memset(large, ' ', sizeof large);
    large[0] = '1';
    CU_ASSERT_EQUAL(put(&b, "f", "{\"v\":1}", HF_STORE_ANY, 0), 0);
    CU_ASSERT_TRUE(fake_wait(b.fake, &b.puts, 1));
    write_text("f.json", "");
    CU_ASSERT_TRUE(fake_wait(b.fake, &b.bad, 1));
    write_text("f.json", "{\"v\":");
    CU_ASSERT_TRUE(fake_wait(b.fake, &b.bad, 2));
    CU_ASSERT_STRING_EQUAL(b.id, "f");
    CU_ASSERT_PTR_NOT_NULL(strstr(b.message, "JSON"));
    write_text("f.json", "\"\xff\xfe\"");
    CU_ASSERT_TRUE(fake_wait(b.fake, &b.bad, 3));
    write_text("f.json", "{} trailing");
    CU_ASSERT_TRUE(fake_wait(b.fake, &b.bad, 4));
    write_file("f.json", large, sizeof large);
    CU_ASSERT_TRUE(fake_wait(b.fake, &b.bad, 5));
    write_text("with space.json", "{}");
    CU_ASSERT_TRUE(fake_wait(b.fake, &b.bad, 6));
    CU_ASSERT_PTR_NOT_NULL(strstr(b.message, "with%20space.json"));
    CU_ASSERT_EQUAL(mkdir(file_of("folder.json"), 0755), 0);
    CU_ASSERT_EQUAL(mkfifo(file_of("pipe.json"), 0644), 0);
    fake_settle(b.fake, 30);
    CU_ASSERT_EQUAL(b.puts, 1);
    CU_ASSERT_EQUAL(b.deletes, 0); /* the last good version stays */
    CU_ASSERT_EQUAL(get(&b, "f"), HF_EINVALID);
    CU_ASSERT_EQUAL(put(&b, "f", "not json", HF_STORE_ANY, 0), HF_EINVALID);

    CU_ASSERT_EQUAL(put(&b, "f", "{\"v\":2}", HF_STORE_ANY, 0), 0); /* repaired */
    CU_ASSERT_TRUE(fake_wait(b.fake, &b.puts, 2));
    CU_ASSERT_STRING_EQUAL(b.data, "{\"v\":2}");
    close_store(&b);
}

/* --- folders that go and come ------------------------------------------------------------ */

static void
folder_recreated(void)
{
    struct bench b;
    char store[300], aside[300], functions[320];

    begin(&b);
    snprintf(store, sizeof store, "%s/store", unit_folder());
    snprintf(aside, sizeof aside, "%s/aside", unit_folder());
    snprintf(functions, sizeof functions, "%s/functions", store);
    put(&b, "f", "1", HF_STORE_ANY, 0);
    put(&b, "g", "1", HF_STORE_ANY, 0);
    CU_ASSERT_TRUE(fake_wait(b.fake, &b.puts, 2));

    CU_ASSERT_EQUAL(rename(store, aside), 0);
    CU_ASSERT_TRUE(fake_wait(b.fake, &b.lost, 1));
    CU_ASSERT_EQUAL(b.deletes, 0); /* what is known stays known */
    unlink(file_of("../../aside/functions/g.json"));
    CU_ASSERT_EQUAL(rename(aside, store), 0);
    CU_ASSERT_TRUE(fake_wait(b.fake, &b.synced, 2));
    fake_settle(b.fake, 20);
    CU_ASSERT_EQUAL(b.puts, 2);

    remove_tree(store);
    CU_ASSERT_TRUE(fake_wait(b.fake, &b.lost, 2));
    CU_ASSERT_EQUAL(b.deletes, 2);
    CU_ASSERT_EQUAL(mkdir(store, 0755), 0);
    CU_ASSERT_EQUAL(mkdir(functions, 0755), 0);
    CU_ASSERT_TRUE(fake_wait(b.fake, &b.synced, 3));
    write_text("h.json", "2");
    CU_ASSERT_TRUE(fake_wait(b.fake, &b.puts, 3));
    CU_ASSERT_STRING_EQUAL(b.id, "h");

    remove_tree(store); /* a write makes it anew */
    CU_ASSERT_TRUE(fake_wait(b.fake, &b.lost, 3));
    CU_ASSERT_EQUAL(put(&b, "i", "3", HF_STORE_ABSENT, 0), 0);
    CU_ASSERT_TRUE(fake_wait(b.fake, &b.puts, 4));
    CU_ASSERT_STRING_EQUAL(b.id, "i");
    close_store(&b);
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
    struct bench b;
    char name[32];

    begin(&b);
    put(&b, "old", "1", HF_STORE_ANY, 0);
    CU_ASSERT_TRUE(fake_wait(b.fake, &b.puts, 1));
    for (int i = 0; i < FILES; i++) {
        snprintf(name, sizeof name, "f%d.json", i);
        write_text(name, "{}");
    }
    unlink(file_of("old.json"));
    CU_ASSERT_TRUE(fake_wait(b.fake, &b.deletes, 1));
    CU_ASSERT_TRUE(fake_wait(b.fake, &b.puts, FILES + 1));
    if (kernel_queue() <= 16384) { /* as is usual; then a scan must have told the rest */
        CU_ASSERT_TRUE(fake_wait(b.fake, &b.synced, 2));
    }
    fake_settle(b.fake, 50);
    CU_ASSERT_EQUAL(b.puts, FILES + 1);
    CU_ASSERT_EQUAL(b.deletes, 1);
    CU_ASSERT_EQUAL(b.bad, 0);
    close_store(&b);
}

/* --- other processes ------------------------------------------------------------------------ */

/* Writes two versions in turn until killed; they differ in length. */
static _Noreturn void
write_for_ever(int ready)
{
    struct bench b;
    char large[9000];

    memset(large, ' ', sizeof large - 1);
    large[sizeof large - 1] = '\0';
    memcpy(large, "[2]", 3);
    open_store(&b);
    (void)!write(ready, "r", 1);
    for (;;) {
        if (put(&b, "f", "[1]", HF_STORE_ANY, 0) != 0 ||
            put(&b, "f", large, HF_STORE_ANY, 0) != 0) {
            _exit(1);
        }
    }
}

/* Kills a writer at any point of its work: the document is whole, and the next
 * writer gets the lock. */
static void
killed_writers(void)
{
    struct bench b;

    begin(&b); /* makes the folder that the writers are to share */
    close_store(&b);
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
        open_store(&b);
        while (get(&b, "f") == HF_ENOTFOUND || b.data[1] == '3') {
        }
        for (int j = 0; j < i; j++) {
            CU_ASSERT_EQUAL(get(&b, "f"), 0); /* whole at any time */
        }
        kill(pid, SIGKILL);
        waitpid(pid, &status, 0);
        CU_ASSERT_TRUE(WIFSIGNALED(status));
        CU_ASSERT_EQUAL(get(&b, "f"), 0);
        CU_ASSERT_TRUE(strncmp(b.data, "[1]", 3) == 0 || strncmp(b.data, "[2]", 3) == 0);
        CU_ASSERT_EQUAL(put(&b, "f", "[3]", HF_STORE_AT_REVISION, b.revision), 0);
        close_store(&b);
    }
}

/* Adds `n` to a counter that others add to as well. */
static _Noreturn void
count_up(int n)
{
    struct bench b;
    char json[16];

    open_store(&b);
    while (n > 0) {
        if (get(&b, "counter") != 0) {
            _exit(1);
        }
        snprintf(json, sizeof json, "%d", (int)strtol(b.data, NULL, 10) + 1);
        switch (put(&b, "counter", json, HF_STORE_AT_REVISION, b.revision)) {
        case 0:
            n--;
            break;
        case HF_ECONFLICT:
            break;
        default:
            _exit(2);
        }
    }
    close_store(&b);
    _exit(0);
}

static void
races(void)
{
    struct bench b;
    pid_t pids[4];
    int status;

    open_store(&b);
    CU_ASSERT_EQUAL(put(&b, "counter", "0", HF_STORE_ABSENT, 0), 0);
    close_store(&b);
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
    open_store(&b);
    CU_ASSERT_EQUAL(get(&b, "counter"), 0);
    CU_ASSERT_STRING_EQUAL(b.data, "200");
    close_store(&b);
}

/* A writer that hangs with the lock in hand costs a time limit, not the loop. */
static void
lock_held(void)
{
    struct bench b;
    struct hf_document document = { sizeof document, HF_STORE_FUNCTIONS, "f", "2", 1, 0 };
    int fd;

    begin(&b);
    CU_ASSERT_EQUAL(put(&b, "f", "1", HF_STORE_ANY, 0), 0);
    fd = open(file_of(".lock"), O_RDWR);
    CU_ASSERT_TRUE_FATAL(fd >= 0);
    CU_ASSERT_EQUAL(flock(fd, LOCK_EX), 0);
    CU_ASSERT_EQUAL(
        b.ops->put(b.store, &document, HF_STORE_ANY, SECOND / 20, on_done, &b, NULL, NULL), 0);
    CU_ASSERT_TRUE(fake_wait(b.fake, &b.done, 2));
    CU_ASSERT_EQUAL(b.code, HF_ETIMEOUT);
    close(fd);
    CU_ASSERT_EQUAL(get(&b, "f"), 0);
    CU_ASSERT_STRING_EQUAL(b.data, "1");
    close_store(&b);
}

/* --- start ----------------------------------------------------------------------------- */

/* Many documents at start: each turn of the loop takes a few of them. */
static void
slices(void)
{
    enum { FILES = 5000 };
    struct hf_store_op *op;
    struct bench b;
    char name[32];

    begin(&b);
    close_store(&b);
    for (int i = 0; i < FILES; i++) {
        snprintf(name, sizeof name, "f%d.json", i);
        write_text(name, "{}");
    }
    open_store(&b);
    CU_ASSERT_EQUAL(b.ops->watch(b.store, HF_STORE_FUNCTIONS, &watcher, &b, &op, NULL), 0);
    while (b.synced == 0) {
        size_t before = b.puts;

        fake_turn(b.fake, 10);
        CU_ASSERT_TRUE(b.puts - before <= 64);
    }
    CU_ASSERT_EQUAL(b.puts, FILES);
    close_store(&b);
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
announce(struct bench *b, const char *json)
{
    struct hf_document document = { sizeof document, HF_STORE_NODES, "n", json, strlen(json), 0 };
    struct hf_store_op *op = NULL;
    size_t before = b->done;

    CU_ASSERT_EQUAL(b->ops->announce(b->store, &document, SECOND / 10, on_done, b, &op, NULL), 0);
    CU_ASSERT_TRUE(fake_wait(b->fake, &b->done, before + 1));
    return op;
}

/* Two processes of one id: the second is told, and is there when the first has gone. */
static void
announced_twice(void)
{
    struct bench first, second;
    struct hf_store_op *op;

    open_store(&first);
    open_store(&second);
    op = announce(&first, "1");
    CU_ASSERT_EQUAL(first.code, 0);
    announce(&second, "2");
    CU_ASSERT_EQUAL(second.code, HF_EEXISTS);
    first.ops->withdraw(first.store, op, 10 * SECOND, on_done, &first);
    CU_ASSERT_TRUE(fake_wait(first.fake, &first.done, 2));
    CU_ASSERT_TRUE(fake_wait(second.fake, &second.done, 2));
    CU_ASSERT_EQUAL(second.code, 0);
    CU_ASSERT_STRING_EQUAL(second.data, "2");
    close_store(&second);
    close_store(&first);
}

static void
write_node(const char *name)
{
    char place[64];

    snprintf(place, sizeof place, "../nodes/%s", name);
    write_text(place, "{}");
}

/* What a crash of the machine leaves is no node; what a person puts there is one. */
static void
nodes_found(void)
{
    struct hf_store_op *op;
    struct bench b;

    open_store(&b);
    write_node("by-hand.json");
    write_node("dead.json");
    write_node(".dead.json.alive");
    CU_ASSERT_EQUAL(b.ops->watch(b.store, HF_STORE_NODES, &watcher, &b, &op, NULL), 0);
    CU_ASSERT_TRUE(fake_wait(b.fake, &b.synced, 1));
    CU_ASSERT_EQUAL(b.puts, 1);
    CU_ASSERT_STRING_EQUAL(b.id, "by-hand");
    CU_ASSERT_NOT_EQUAL(access(file_of("../nodes/dead.json"), F_OK), 0);
    CU_ASSERT_NOT_EQUAL(access(file_of("../nodes/.dead.json.alive"), F_OK), 0);
    CU_ASSERT_EQUAL(access(file_of("../nodes/by-hand.json"), F_OK), 0);
    close_store(&b);
}

/* The folder is removed under a store that announces. */
static void
nodes_folder_recreated(void)
{
    char nodes[600];
    struct bench b;

    open_store(&b);
    announce(&b, "1");
    snprintf(nodes, sizeof nodes, "%s", file_of("../nodes"));
    remove_tree(nodes);
    while (access(file_of("../nodes/n.json"), F_OK) != 0) {
        fake_turn(b.fake, 10); /* the test's own limit ends this */
    }
    CU_ASSERT_EQUAL(b.done, 1); /* nothing to tell: it is there again */
    close_store(&b);
    CU_ASSERT_NOT_EQUAL(access(file_of("../nodes/n.json"), F_OK), 0);
}

UNIT_MAIN("store-file", CONTRACT_STORE_TESTS UNIT_TEST(names), UNIT_TEST(editors),
          UNIT_TEST(bad_documents), UNIT_TEST(folder_recreated), UNIT_TEST(lost_events),
          UNIT_TEST(killed_writers), UNIT_TEST(races), UNIT_TEST(lock_held), UNIT_TEST(slices),
          UNIT_TEST(path_that_cannot_be), UNIT_TEST(contract_store_announce_and_die),
          UNIT_TEST(announced_twice), UNIT_TEST(nodes_found), UNIT_TEST(nodes_folder_recreated))
