/*
 * function_def.h - a registered function as an immutable, counted object.
 */
#ifndef HF_NODE_FUNCTION_DEF_H
#define HF_NODE_FUNCTION_DEF_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include <hyperfaas/function.h>

#include "base/map.h"

struct hf_err;

/* A function as registered, with defaults filled in.  Its texts lie behind it, so that
 * a hundred thousand of them cost little. */
struct hf_function_def {
    struct hf_function function; /* what plugins are told */
    uint64_t revision;           /* of the store's document */
    uint64_t instance_revision;  /* hash of what an instance is made from: image and limits.
                                  * Differs: new instances are needed.  Same: they stay. */
    atomic_bool is_stale;        /* replaced or deleted since */
    atomic_uint refs;
    struct hf_map_node node; /* the catalog's */
};

/* Makes one with one reference from a document of the store.  An image without a version gets
 * ":latest"; a specification without a timeout gets `idle_timeout_ns`. */
int hf_function_def_parse(const char *id, const void *json, size_t len, uint64_t idle_timeout_ns,
                          uint64_t revision, struct hf_function_def **ret, struct hf_err *err);

/* Any thread. */
struct hf_function_def *hf_function_def_ref(struct hf_function_def *def);
void hf_function_def_unref(struct hf_function_def *def); /* NULL is allowed */

#endif
