/*
 * store.h - metadata stores: where functions are kept.
 *
 * A store holds raw bytes under an id, with a revision for each; the host
 * encodes and decodes.  All operations run on the driver's loop and none
 * blocks: each takes a completion that runs exactly once, on that loop, never
 * before the operation returned, also when it is cancelled.
 */
#ifndef HYPERFAAS_STORE_H
#define HYPERFAAS_STORE_H

#include <hyperfaas/host.h>
#include <hyperfaas/plugin.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The store's own instance, and an operation under way. */
struct hf_store;
struct hf_store_op;

/* What kind of document an id names.  Never renumber. */
enum hf_store_space {
    HF_STORE_FUNCTIONS =
        1, /* CreateFunctionRequest as proto3 JSON; shared with other implementations */
    HF_STORE_SETTINGS = 2, /* what we keep beyond that */
    HF_STORE_NODES = 3     /* nodes: those that announced themselves, and what was put there */
};

/* The longest document, in bytes.  The host reads none that is longer, so a store neither takes
 * nor tells one: `put` fails with HF_EINVALID, a watcher hears `on_bad`. */
#define HF_STORE_DOCUMENT_MAX UINT32_C(65536)

/* When a write may happen. */
enum hf_store_condition {
    HF_STORE_ANY = 1,        /* always */
    HF_STORE_ABSENT = 2,     /* only if the id is not there, else HF_EEXISTS */
    HF_STORE_AT_REVISION = 3 /* only over `revision`, else HF_ECONFLICT or HF_ENOTFOUND */
};

/* A document.  Borrowed for the call that hands it over. */
struct hf_document {
    uint32_t size;
    uint32_t space; /* enum hf_store_space */
    const char *id;
    const void *data;
    size_t len;
    uint64_t revision; /* grows with every change of the document; never 0 */
};

/* How an operation ended.  `code` is 0 or a negative HF_E code with `message`
 * saying why (never NULL).  `document` is what was read or written; NULL on
 * failure and after a delete. */
typedef void hf_store_done_fn(void *arg, int code, const char *message,
                              const struct hf_document *document);

/* Who hears of changes.  `arg` comes from `watch`. */
struct hf_store_watcher {
    uint32_t size;

    /* A document is there or has changed.  First every one that exists, then `synced`. */
    void (*on_put)(void *arg, const struct hf_document *);
    /* It is gone. */
    void (*on_delete)(void *arg, const char *id);
    /* All that existed has been reported; again after each recovery. */
    void (*on_synced)(void *arg);
    /* A document can't be read: it is skipped, and its last good version, if any, stays. */
    void (*on_bad)(void *arg, const char *id, const char *message);
    /* The store can't be reached (`message` says why); what is known stays
     * known.  `on_synced` says when it is back. */
    void (*on_lost)(void *arg, const char *message);
};

struct hf_store_ops {
    uint32_t size;

    /* Makes an instance on the given loop, or nothing and `err` says why.
     * Required. */
    int (*create)(const struct hf_driver_host *, const struct hf_options *, struct hf_store **ret,
                  struct hf_err *err);
    /* Ends all that is under way (completions run with HF_ECANCELLED) and
     * frees.  NULL is allowed.  Required. */
    void (*destroy)(struct hf_store *);

    /* Each starts an operation that completes within `timeout_ns` (real time).
     * On 0 `*ret` (may be NULL if not wanted) can be cancelled until `done`
     * runs; on failure `done` never runs.  Ids and data are copied.  Required. */
    int (*get)(struct hf_store *, uint32_t space, const char *id, uint64_t timeout_ns,
               hf_store_done_fn *done, void *arg, struct hf_store_op **ret, struct hf_err *err);
    int (*put)(struct hf_store *, const struct hf_document *, uint32_t condition,
               uint64_t timeout_ns, hf_store_done_fn *done, void *arg, struct hf_store_op **ret,
               struct hf_err *err);
    int (*remove)(struct hf_store *, uint32_t space, const char *id, uint64_t timeout_ns,
                  hf_store_done_fn *done, void *arg, struct hf_store_op **ret, struct hf_err *err);

    /* `done` follows soon, with HF_ECANCELLED unless it had already ended.  Required. */
    void (*cancel)(struct hf_store *, struct hf_store_op *);

    /* Tells `watcher` all of `space`, then every change, until `unwatch`.
     * The watcher must live until then.  Required. */
    int (*watch)(struct hf_store *, uint32_t space, const struct hf_store_watcher *watcher,
                 void *arg, struct hf_store_op **ret, struct hf_err *err);
    void (*unwatch)(struct hf_store *, struct hf_store_op *);

    /* Appends the store's state: where, since when, revision, last error. */
    void (*show)(const struct hf_store *, struct hf_text *);

    /* --- since 0.2: documents that live as long as a process; NULL: it has none --- */

    /* Keeps `document` there for as long as this process lives.  Watchers hear of it at once, and
     * of its end as soon as the store can know, at most about `ttl_ns` after the process has died.
     * The store tries again when it can't be written and writes it again when it was lost.
     * `reported` runs, never before `announce` returned, whenever that changes: with code 0 and the
     * document when it is there; with a negative code when it is not (HF_EEXISTS: another living
     * process announces the same id, as far as the store can tell).  `*ret` is for `withdraw`. */
    int (*announce)(struct hf_store *, const struct hf_document *document, uint64_t ttl_ns,
                    hf_store_done_fn *reported, void *arg, struct hf_store_op **ret,
                    struct hf_err *err);
    /* Ends an announcement and removes its document.  `reported` never runs again; `done` does,
     * once, within `timeout_ns`, or with HF_ECANCELLED.  A store that is destroyed withdraws what
     * it can without waiting. */
    void (*withdraw)(struct hf_store *, struct hf_store_op *, uint64_t timeout_ns,
                     hf_store_done_fn *done, void *arg);

    /* --- since 0.3 --- */

    /* Refuses options with which `create` would fail; makes and opens nothing that is left
     * behind.  NULL: the table of options says all. */
    int (*check)(const struct hf_driver_host *, const struct hf_options *, struct hf_err *err);
};

#define HF_STORE_PLUGIN(name, summary, ops, options)                                               \
    HF_PLUGIN(HF_PLUGIN_STORE, name, summary, (1 ? &(ops) : (const struct hf_store_ops *)0),       \
              options)

#ifdef __cplusplus
}
#endif

#endif
