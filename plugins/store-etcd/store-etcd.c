/*
 * store-etcd.c - the metadata store "etcd": documents under keys of an etcd cluster.
 *
 * The module's descriptor, options, and a store's beginning and end.
 */
#include <stdlib.h>
#include <string.h>

#include "etcd.h"

static void
etcd_destroy(struct hf_store *store)
{
    if (!store) {
        return;
    }
    operations_end(store);
    announcements_end(store);
    follows_end(store);
    client_free(store->client);
    keys_fini(store->keys);
    free(store);
}

static int
etcd_create(const struct hf_driver_host *driver, const struct hf_options *options,
            struct hf_store **ret, struct hf_err *err)
{
    const struct hf_host *host = driver->host;
    struct hf_store *store = calloc(1, sizeof *store);
    int r;

    if (!store) {
        return host->fail(err, HF_ENOMEM, "store etcd: out of memory");
    }
    store->driver = driver;
    store->host = host;
    store->dial_timeout_ns = host->option_u64(options, "dial_timeout");
    r = keys_init(store->keys, host, host->option_string(options, "prefix"), err);
    if (r == 0) {
        r = client_new(driver, options, &store->client, err);
    }
    if (r < 0) {
        etcd_destroy(store);
        return r;
    }
    *ret = store;
    return 0;
}

/* An instance connects only when it is asked for something. */
static int
etcd_check(const struct hf_driver_host *driver, const struct hf_options *options,
           struct hf_err *err)
{
    struct hf_store *store = NULL;
    int r = etcd_create(driver, options, &store, err);

    etcd_destroy(store);
    return r;
}

static void
etcd_show(const struct hf_store *store, struct hf_text *text)
{
    client_show(store->client, text);
    store->host->print(text, "operations %zu\n", store->n_ops);
    store->host->print(text, "writes %ju\n", (uintmax_t)store->n_writes);
    store->host->print(text, "bad_documents %ju\n", (uintmax_t)store->n_bad);
    follows_show(store, text);
    store->host->print(text, "last_error %s\n", *store->last_error ? store->last_error : "-");
}

static const struct hf_option etcd_options[] = {
    { .key = "endpoints",
      .type = HF_OPT_LIST,
      .fallback = "127.0.0.1:2379",
      .help = "Members of the cluster, each HOST:PORT, or a URL with http or https. Any of them "
              "will do; the others are asked when it fails." },
    { .key = "prefix",
      .type = HF_OPT_STRING,
      .fallback = "hyperfaas/functions",
      .help = "Key under which functions are, as <prefix>/<id>." },
    { .key = "dial_timeout",
      .type = HF_OPT_DURATION,
      .fallback = "5s",
      .min = "100ms",
      .max = "10m",
      .help = "How long an operation tries to reach a member before it fails." },
    { .key = "user", .type = HF_OPT_STRING, .help = "Who we are, if etcd asks that." },
    { .key = "password",
      .type = HF_OPT_STRING,
      .flags = HF_OPT_SECRET,
      .help = "The user's password." },
    { .key = "ca_file",
      .type = HF_OPT_PATH,
      .help = "Certificates (PEM) that etcd's must be signed by. With it, or with cert_file, "
              "endpoints without a scheme mean https. Default: what the system trusts." },
    { .key = "cert_file",
      .type = HF_OPT_PATH,
      .help = "Our certificate (PEM), if etcd asks for one. With user and password it must not "
              "have a CommonName." },
    { .key = "key_file", .type = HF_OPT_PATH, .help = "The key (PEM) of cert_file." },
    { 0 },
};

static const struct hf_store_ops etcd_ops = {
    .size = sizeof etcd_ops,
    .create = etcd_create,
    .destroy = etcd_destroy,
    .get = etcd_get,
    .put = etcd_put,
    .remove = etcd_remove,
    .cancel = etcd_cancel,
    .watch = etcd_watch,
    .unwatch = etcd_unwatch,
    .show = etcd_show,
    .announce = etcd_announce,
    .withdraw = etcd_withdraw,
    .check = etcd_check,
};

HF_STORE_PLUGIN(etcd, "Keeps documents in an etcd cluster, shared by all nodes.", etcd_ops,
                etcd_options);
