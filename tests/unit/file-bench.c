/*
 * file-bench.c - a store "file" on the fake host.
 */
#include "file-bench.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "unit.h"

const char *const *
files_settings(void)
{
    static char path[128];
    static const char *const settings[] = { path, "fsync=no", "look_every=100ms", NULL };

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

void
files_remove_tree(const char *path)
{
    nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

const char *
files_of(const char *name)
{
    static char path[600];

    snprintf(path, sizeof path, "%s/store/functions/%s", unit_folder(), name);
    return path;
}

/* Writes a file in place, as a simple editor does. */
void
files_write(const char *name, const char *data, size_t len)
{
    int fd = open(files_of(name), O_WRONLY | O_CREAT | O_TRUNC, 0644);

    CU_ASSERT_TRUE_FATAL(fd >= 0);
    CU_ASSERT_EQUAL(write(fd, data, len), (ssize_t)len);
    close(fd);
}

void
files_write_text(const char *name, const char *text)
{
    files_write(name, text, strlen(text));
}

void
files_rename(const char *from, const char *to)
{
    char old[600];

    snprintf(old, sizeof old, "%s", files_of(from));
    CU_ASSERT_EQUAL(rename(old, files_of(to)), 0);
}

/* --- a store with one watch --------------------------------------------------------- */

static void
on_put(void *arg, const struct hf_document *document)
{
    struct files_bench *b = arg;

    b->puts++;
    b->revision = document->revision;
    snprintf(b->id, sizeof b->id, "%s", document->id);
    snprintf(b->data, sizeof b->data, "%.*s", (int)document->len, (const char *)document->data);
}

static void
on_delete(void *arg, const char *id)
{
    struct files_bench *b = arg;

    b->deletes++;
    snprintf(b->id, sizeof b->id, "%s", id);
}

static void
on_synced(void *arg)
{
    ((struct files_bench *)arg)->synced++;
}

static void
on_bad(void *arg, const char *id, const char *message)
{
    struct files_bench *b = arg;

    b->bad++;
    snprintf(b->id, sizeof b->id, "%s", id);
    snprintf(b->message, sizeof b->message, "%s", message);
}

static void
on_lost(void *arg, const char *message)
{
    struct files_bench *b = arg;

    b->lost++;
    snprintf(b->message, sizeof b->message, "%s", message);
}

const struct hf_store_watcher files_watcher = {
    .size = sizeof files_watcher,
    .on_put = on_put,
    .on_delete = on_delete,
    .on_synced = on_synced,
    .on_bad = on_bad,
    .on_lost = on_lost,
};

void
files_done(void *arg, int code, const char *message, const struct hf_document *document)
{
    struct files_bench *b = arg;

    b->done++;
    b->code = code;
    snprintf(b->message, sizeof b->message, "%s", message);
    if (document) {
        b->revision = document->revision;
        snprintf(b->data, sizeof b->data, "%.*s", (int)document->len, (const char *)document->data);
    }
}

void
files_open(struct files_bench *b)
{
    struct hf_err err = { 0 };

    memset(b, 0, sizeof *b);
    b->fake = fake_host_new();
    b->options = fake_options_new(&hyperfaas_plugin, files_settings());
    b->ops = hyperfaas_plugin.ops;
    if (b->ops->create(fake_driver(b->fake), b->options, &b->store, &err) != 0) {
        fprintf(stderr, "create: %s\n", err.message);
        abort();
    }
}

void
files_close(struct files_bench *b)
{
    b->ops->destroy(b->store);
    CU_ASSERT_EQUAL(fake_host_leaks(b->fake), 0);
    fake_options_free(b->options);
    fake_host_free(b->fake);
}

/* Opens an empty store and watches its functions. */
void
files_begin(struct files_bench *b)
{
    struct hf_store_op *op;

    files_open(b);
    CU_ASSERT_EQUAL(b->ops->watch(b->store, HF_STORE_FUNCTIONS, &files_watcher, b, &op, NULL), 0);
    CU_ASSERT_TRUE(fake_wait(b->fake, &b->synced, 1));
}

int
files_put(struct files_bench *b, const char *id, const char *json, uint32_t condition,
          uint64_t revision)
{
    struct hf_document document = { sizeof document, HF_STORE_FUNCTIONS, id, json, strlen(json),
                                    revision };
    size_t before = b->done;

    if (b->ops->put(b->store, &document, condition, 10 * SECOND, files_done, b, NULL, NULL) != 0 ||
        !fake_wait(b->fake, &b->done, before + 1)) {
        return HF_EINTERNAL;
    }
    return b->code;
}

int
files_get(struct files_bench *b, const char *id)
{
    size_t before = b->done;

    if (b->ops->get(b->store, HF_STORE_FUNCTIONS, id, 10 * SECOND, files_done, b, NULL, NULL) !=
            0 ||
        !fake_wait(b->fake, &b->done, before + 1)) {
        return HF_EINTERNAL;
    }
    return b->code;
}
