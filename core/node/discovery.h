/*
 * discovery.h - the nodes that announced themselves, followed live.
 *
 * A process has one directory, which follows HF_STORE_NODES from the first discovery on.
 * A role that looks for peers embeds a `struct hf_discovery`, says by a selector
 * (selector.h) whom it looks for, and hears of each peer that comes, changes or goes.
 *
 * What the store says is a hint: while it is away everything known stays known, and a node
 * that has gone from the store may still be there.  Whether a peer can be used is for its
 * connection to say.
 *
 * Control thread.
 */
#ifndef HF_NODE_DISCOVERY_H
#define HF_NODE_DISCOVERY_H

#include <stdint.h>

#include <hyperfaas/store.h>

#include "base/list.h"
#include "node/selector.h"

struct hf_directory;
struct hf_err;
struct hf_text;

/* A node in the role that was looked for.  Borrowed for the callback. */
struct hf_found_node {
    const char *id;
    const char *api;
    const char *proxy;                       /* "" if the role has none */
    const struct hf_node_document *document; /* zone, labels, capacity, boot id ... */
};

struct hf_discovery_ops {
    /* A node comes (`before` is NULL), goes (`now` is NULL), or anything of it but its id may have
     * changed, its addresses too. */
    void (*on_change)(void *arg, const struct hf_found_node *before,
                      const struct hf_found_node *now);
    /* All that the store has now has been told; again when it has been away.  NULL: no matter. */
    void (*on_synced)(void *arg);
};

struct hf_discovery {
    struct hf_list node; /* in the directory; the rest is for whoever embeds it to fill */
    const char *not_id;  /* a node that is not meant, such as the one that looks; may be NULL */
    struct hf_selector selector;
    const struct hf_discovery_ops *ops;
    void *arg;
};

/* An empty directory that does not follow anything. */
int hf_directory_new(uint64_t seed, struct hf_directory **ret, struct hf_err *err);
void hf_directory_free(struct hf_directory *); /* NULL is allowed */

/* Which store to follow, once there is one. */
void hf_directory_use(struct hf_directory *, const struct hf_store_ops *, struct hf_store *);

/* Begins to look: tells at once what is known, here, then every change.  Texts of the selector
 * are borrowed. */
int hf_discovery_begin(struct hf_directory *, struct hf_discovery *, struct hf_err *err);

/* Tells nothing any more.  Harmless if it has not begun but is set to zeros. */
void hf_discovery_end(struct hf_discovery *);

/* A line for each node known. */
void hf_directory_show(const struct hf_directory *, struct hf_text *out);

#endif
