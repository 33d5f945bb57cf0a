/*
 * store.h - the metadata store as a command sees it: operations that wait.
 *
 * Opens the module that the configuration names, on a loop of its own, and runs that
 * loop until an operation has ended or the command's time is over.
 */
#ifndef HF_CLI_STORE_H
#define HF_CLI_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <hyperfaas/store.h>

#include "base/macros.h"

struct cli;
struct cli_store;

/* Whether the configuration's node has a store: the one that it names, or the default one where
 * functions are known.  A load balancer has none unless it names one; reading the default one in
 * its place would show what others have. */
bool cli_store_is_there(const struct cli *cli);

/* HF_EINVALID: there is none. */
int cli_store_open(struct cli *cli, struct cli_store **ret, struct hf_err *err);
void cli_store_close(struct cli_store *store); /* NULL is allowed */
HF_DEFINE_CLEANUP(struct cli_store, cli_store_close)

/* A document read; freed by its owner. */
struct cli_document {
    char *data; /* NUL behind it */
    size_t len;
    uint64_t revision;
};

/* A function's document.  HF_ENOTFOUND: there is none. */
int cli_store_get(struct cli_store *store, const char *id, struct cli_document *ret,
                  struct hf_err *err);

/* Writes one; `condition` and `revision` as in hyperfaas/store.h. */
int cli_store_put(struct cli_store *store, const char *id, const char *data, size_t len,
                  uint32_t condition, uint64_t revision, struct hf_err *err);

int cli_store_remove(struct cli_store *store, const char *id, struct hf_err *err);

/* Somebody who watches; `watcher` is told as hyperfaas/store.h says, with this as its argument. */
struct cli_watch {
    struct hf_store_watcher watcher;
    bool (*is_enough)(struct cli_watch *watch);
    bool synced; /* all that there is has been told */

    /* The store's. */
    struct cli_store *store;
    void (*on_lost)(void *arg, const char *message);
};

/* Tells all functions, then every change, until Ctrl-C, until `is_enough`, or until `limit_ns` have
 * passed if that is not 0: all of them success.  HF_EUNAVAILABLE: the store could not be reached at
 * all. */
int cli_store_watch(struct cli_store *store, struct cli_watch *watch, uint64_t limit_ns,
                    struct hf_err *err);

/* Calls `each` for every document that there is in a space, bad ones too (`message` says what is
 * wrong, `document` is NULL). */
typedef void cli_store_each_fn(void *arg, const char *id, const struct hf_document *document,
                               const char *message);
int cli_store_list(struct cli_store *store, uint32_t space, cli_store_each_fn *each, void *arg,
                   struct hf_err *err);

#endif
