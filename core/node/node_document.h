/*
 * node_document.h - what a node says of itself in the store, and back.
 *
 * The document is the JSON form of hyperfaas.v1.InfoResponse (docs/WIRE.md): names in
 * lowerCamelCase, 64-bit integers as strings, fields at their default left out.  It is
 * ours alone, so it may grow: a reader ignores fields that it does not know.
 */
#ifndef HF_NODE_NODE_DOCUMENT_H
#define HF_NODE_NODE_DOCUMENT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "hyperfaas/v1/node.pb-c.h"

struct hf_err;
struct hf_text;

/* Labels that a node may have, and that may be looked for. */
#define HF_NODE_LABELS_MAX 32

/* What was parsed lies in the arena; who makes one may borrow. */
struct hf_node_document {
    Hyperfaas__V1__InfoResponse info;
    struct hf_arena arena;
};

/* Makes an empty one. */
void hf_node_document_init(struct hf_node_document *document);
void hf_node_document_fini(struct hf_node_document *document);

/* Reads one into `ret`, which has been set up.  HF_EINVALID names the field, what was found and
 * what would be right. */
int hf_node_document_parse(const char *id, const char *json, size_t len,
                           struct hf_node_document *ret, struct hf_err *err);

/* Appends it, in one line. */
void hf_node_document_format(const struct hf_node_document *document, struct hf_text *out);

bool hf_node_document_has_role(const struct hf_node_document *document, const char *role);

/* The address of a service of a role, or NULL. */
const char *hf_node_document_address(const struct hf_node_document *document, const char *role,
                                     const char *service);

/* The value of a label, or NULL. */
const char *hf_node_document_label(const struct hf_node_document *document, const char *key,
                                   size_t key_len);

/* For a variable that has been set up. */
#define hf_autonode __attribute__((cleanup(hf_node_document_fini)))

#endif
