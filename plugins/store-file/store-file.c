/*
 * store-file.c - the metadata store "file": one JSON document per file.
 *
 * The module's descriptor, options, and a store's beginning and end.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "operations.h"

static void
file_destroy(struct hf_store *store)
{
    if (!store) {
        return;
    }
    store->driver->watch_free(store->notices);
    io_free(store->io);
    operations_end(store);
    free(store->path);
    free(store);
}

/* Makes the folders, so that a path that can't be used is known at once. */
static int
prepare(struct hf_store *store, struct hf_err *err)
{
    static const uint32_t spaces[] = { HF_STORE_FUNCTIONS, HF_STORE_SETTINGS, HF_STORE_NODES };
    char message[MESSAGE_SIZE];

    for (size_t i = 0; i < sizeof spaces / sizeof *spaces; i++) {
        int fd = folder_open(&store->place, spaces[i], true, message);

        if (fd < 0) {
            return store->host->fail(err, fd, "store file: %s (option 'path')", message);
        }
        close(fd);
    }
    if (io_new(&store->place, &store->io) != 0) {
        return store->host->fail(err, HF_EIO, "store file: cannot start its thread: %s",
                                 strerror(errno));
    }
    store->notices = store->driver->watch_new(store->driver, io_fd(store->io), HF_WATCH_READ,
                                              operations_on_notices, store);
    return store->notices ? 0 : store->host->fail(err, HF_ENOMEM, "store file: out of memory");
}

static int
file_create(const struct hf_driver_host *driver, const struct hf_options *options,
            struct hf_store **ret, struct hf_err *err)
{
    const struct hf_host *host = driver->host;
    const char *path = host->option_string(options, "path");
    struct hf_store *store;
    int r;

    if ((!path || !*path) && !driver->state_dir) {
        return host->fail(err, HF_EINVALID,
                          "store file: no folder for the documents: set 'path', or [node] "
                          "state_dir, or HOME");
    }
    store = calloc(1, sizeof *store);
    if (!store) {
        return host->fail(err, HF_ENOMEM, "store file: out of memory");
    }
    store->driver = driver;
    store->host = host;
    if (path && *path) {
        store->path = strdup(path);
    } else if (asprintf(&store->path, "%s/store", driver->state_dir) < 0) {
        store->path = NULL;
    }
    store->place = (struct place){
        .host = host,
        .path = store->path,
        .sync = host->option_u64(options, "fsync") != 0,
        .look_every_ns = host->option_u64(options, "look_every"),
    };
    r = store->path ? prepare(store, err) : host->fail(err, HF_ENOMEM, "store file: out of memory");
    if (r < 0) {
        file_destroy(store);
        return r;
    }
    *ret = store;
    return 0;
}

static void
file_show(const struct hf_store *store, struct hf_text *text)
{
    store->host->print(text, "path %s\n", store->path);
    store->host->print(text, "fsync %s\n", store->place.sync ? "yes" : "no");
    store->host->print(text, "operations %zu\n", store->n_ops);
    store->host->print(text, "writes %ju\n", (uintmax_t)store->n_writes);
    store->host->print(text, "bad_documents %ju\n", (uintmax_t)store->n_bad);
    store->host->print(text, "last_error %s\n", *store->last_error ? store->last_error : "-");
}

static const struct hf_option file_options[] = {
    { .key = "path",
      .type = HF_OPT_PATH,
      .help =
          "Folder of the documents. Default: store in the node's state_dir. Nodes of one machine "
          "with a state_dir each need this to share one." },
    { .key = "fsync",
      .type = HF_OPT_BOOL,
      .fallback = "yes",
      .help = "Whether a write is on the disk, not only with the system, before it is answered." },
    { .key = "look_every",
      .type = HF_OPT_DURATION,
      .fallback = "5s",
      .min = "100ms",
      .max = "1h",
      .help = "How often all files are looked at for changes that the kernel does not tell: behind "
              "symbolic links, on network file systems. Less often where that takes long." },
    { 0 },
};

static const struct hf_store_ops file_ops = {
    .size = sizeof file_ops,
    .create = file_create,
    .destroy = file_destroy,
    .get = file_get,
    .put = file_put,
    .remove = file_remove,
    .cancel = file_cancel,
    .watch = file_watch,
    .unwatch = file_unwatch,
    .show = file_show,
    .announce = file_announce,
    .withdraw = file_withdraw,
};

HF_STORE_PLUGIN(file, "Keeps each document as a JSON file in a folder.", file_ops, file_options);
