/*
 * keys.h - where documents are in etcd.
 *
 *     <prefix>/<id>                       functions, shared with other implementations
 *     hyperfaas-settings/<prefix>/<id>    what we keep beyond that
 *     hyperfaas-nodes/<prefix>/<id>       nodes that announced themselves
 *
 * Existing readers of functions refuse what they don't know, so ours never begins as theirs do.
 */
#ifndef HF_STORE_ETCD_KEYS_H
#define HF_STORE_ETCD_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <hyperfaas/store.h>

#define SPACES 3

/* All keys of one space. */
struct keys {
    uint32_t space; /* enum hf_store_space */
    char *prefix;   /* with its slash at the end */
    size_t prefix_len;
    char *first, *end; /* the range of keys as base64; `end` is behind the last */
};

/* Makes the spaces' keys from the configured prefix, whose slashes at the end do not count. */
int keys_init(struct keys keys[SPACES], const struct hf_host *host, const char *prefix,
              struct hf_err *err);
void keys_fini(struct keys keys[SPACES]);

/* The keys of a space; NULL: there is no such space. */
const struct keys *keys_of(const struct keys keys[SPACES], uint32_t space);

/* The key of an id, base64 and malloc'ed; NULL without memory. */
char *keys_encode(const struct keys *, const char *id);

/* The id in a raw key with a NUL behind it; NULL: it is none of this space's. */
const char *keys_id(const struct keys *, const char *key, size_t len);

#endif
