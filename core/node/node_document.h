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
#include <stdint.h>

#include "base/arena.h"

struct hf_err;
struct hf_json;
struct hf_text;

#define HF_NODE_ROLE_NAMES_MAX 8
#define HF_NODE_ADDRESSES_MAX  16
#define HF_NODE_LABELS_MAX     32

struct hf_node_address {
    const char *role;    /* "lb", "leaf", "worker" */
    const char *service; /* "api" or "proxy" */
    const char *address; /* HOST:PORT, as others reach it */
};

struct hf_node_label {
    const char *key;
    const char *value;
};

/* What a worker has for instances; 0: not known, or no limit. */
struct hf_node_capacity {
    uint64_t memory_bytes;
    uint64_t cpu_millis;
    uint32_t max_instances;
};

/* No text is NULL.  What was parsed lies in `texts`; who writes one may borrow. */
struct hf_node_document {
    const char *id;
    const char *version;
    const char *boot_id;
    const char *started; /* RFC 3339 */
    const char *zone;
    struct hf_node_capacity capacity;
    size_t role_count;
    const char *roles[HF_NODE_ROLE_NAMES_MAX];
    size_t address_count;
    struct hf_node_address addresses[HF_NODE_ADDRESSES_MAX];
    size_t label_count;
    struct hf_node_label labels[HF_NODE_LABELS_MAX];
    struct hf_arena texts;
};

/* Makes an empty one, all texts "". */
void hf_node_document_init(struct hf_node_document *document);
void hf_node_document_fini(struct hf_node_document *document);

/* Reads one into `ret`, which has been set up.  HF_EINVALID names the field, what was found and
 * what would be right. */
int hf_node_document_parse(const char *id, const char *json, size_t len,
                           struct hf_node_document *ret, struct hf_err *err);

/* Appends it, in one line. */
void hf_node_document_format(const struct hf_node_document *document, struct hf_text *out);

/* Adds its roles and addresses to an object that is being written. */
void hf_node_document_write_places(struct hf_json *json, const struct hf_node_document *document);

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
