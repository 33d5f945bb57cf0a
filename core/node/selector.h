/*
 * selector.h - which nodes a list such as `[leaf] workers` asks for.
 *
 *     workers = 10.0.0.7:50051, discover zone=eu-1 disk=ssd
 *
 * Beside addresses, which are always used, a list may have the word `discover`, which means
 * the nodes that announced themselves, and words KEY=VALUE, all of which must hold for these:
 * `role`, `zone`, and any other key is a label.
 */
#ifndef HF_NODE_SELECTOR_H
#define HF_NODE_SELECTOR_H

#include <stdbool.h>
#include <stddef.h>

#include "node/node_document.h"

struct hf_err;
struct hf_options;

struct hf_selector {
    bool discover;    /* nodes are to be discovered at all */
    const char *role; /* that they must have */
    size_t count;
    const char *words[HF_NODE_LABELS_MAX]; /* "zone=eu-1", "disk=ssd" */
};

/* Reads the words of the list `key`, which stay the options'.  `role` is meant if none is named.
 * The message does not name the key. */
int hf_selector_read(const struct hf_options *options, const char *key, const char *role,
                     struct hf_selector *ret, struct hf_err *err);

/* Whether an item of such a list is a word for a selector rather than an address. */
bool hf_selector_is_word(const char *item);

bool hf_selector_matches(const struct hf_selector *selector,
                         const struct hf_node_document *document);

/* Checks the form KEY=VALUE and splits it: returns the value, sets the length of the key; NULL if
 * it has not that form. */
const char *hf_label_split(const char *word, size_t *ret_key_len);

#endif
