/*
 * etcd.h - the store "etcd": what its parts share.
 */
#ifndef HF_STORE_ETCD_ETCD_H
#define HF_STORE_ETCD_ETCD_H

#include <hyperfaas/store.h>

#include "client.h"
#include "keys.h"

struct announcement;
struct follow;

struct hf_store {
    const struct hf_driver_host *driver;
    const struct hf_host *host;
    struct client *client;
    struct keys keys[SPACES];
    uint64_t dial_timeout_ns;

    struct hf_store_op *ops; /* under way */
    size_t n_ops;
    struct follow *follows;
    struct announcement *announcements;

    uint64_t n_writes, n_bad;
    char last_error[3 * MESSAGE_SIZE];
};

/* --- operations.c: the operations of store.h with these names ----------------------------- */

int etcd_get(struct hf_store *, uint32_t space, const char *id, uint64_t timeout_ns,
             hf_store_done_fn *done, void *arg, struct hf_store_op **ret, struct hf_err *err);
int etcd_put(struct hf_store *, const struct hf_document *, uint32_t condition, uint64_t timeout_ns,
             hf_store_done_fn *done, void *arg, struct hf_store_op **ret, struct hf_err *err);
int etcd_remove(struct hf_store *, uint32_t space, const char *id, uint64_t timeout_ns,
                hf_store_done_fn *done, void *arg, struct hf_store_op **ret, struct hf_err *err);
void etcd_cancel(struct hf_store *, struct hf_store_op *);

/* Ends all operations with HF_ECANCELLED. */
void operations_end(struct hf_store *);

/* --- follow.c ----------------------------------------------------------------------------- */

int etcd_watch(struct hf_store *, uint32_t space, const struct hf_store_watcher *, void *arg,
               struct hf_store_op **ret, struct hf_err *err);
void etcd_unwatch(struct hf_store *, struct hf_store_op *);

/* Ends all watches. */
void follows_end(struct hf_store *);
void follows_show(const struct hf_store *, struct hf_text *);

/* --- announce.c ------------------------------------------------------------------------------ */

int etcd_announce(struct hf_store *, const struct hf_document *, uint64_t ttl_ns,
                  hf_store_done_fn *reported, void *arg, struct hf_store_op **ret, struct hf_err *);
void etcd_withdraw(struct hf_store *, struct hf_store_op *, uint64_t timeout_ns,
                   hf_store_done_fn *done, void *arg);

/* Ends all announcements. */
void announcements_end(struct hf_store *);

#endif
