/*
 * managers.h - the list `[node] managers`: addresses, networks and users.
 */
#ifndef HF_NODE_MANAGERS_H
#define HF_NODE_MANAGERS_H

#include <stdbool.h>
#include <stddef.h>

#include "loop/peer.h"

struct hf_err;
struct hf_options;

struct hf_managers {
    struct hf_manager *rows;
    size_t count;
};

/* Reads the list from the checked options of [node].  The message does not name the key. */
int hf_managers_read(const struct hf_options *node, struct hf_managers *ret, struct hf_err *err);
void hf_managers_fini(struct hf_managers *managers);

/* Whether the list has the peer's user, if it is on this host, or its address. */
bool hf_managers_have(const struct hf_managers *managers, const struct hf_peer *peer);

#endif
