/*
 * node_announce.h - a node says in the store who it is and how it is reached.
 *
 * Control thread.
 */
#ifndef HF_NODE_NODE_ANNOUNCE_H
#define HF_NODE_NODE_ANNOUNCE_H

#include "node/node_document.h"
#include "node/selector.h"

struct hf_err;
struct hf_node;

/* Fills `ret`, which has been set up, with what this node is, its addresses as others reach them.
 * It borrows from the node.  HF_EINVALID: a label of the configuration is none. */
int hf_node_describe(const struct hf_node *node, struct hf_node_document *ret, struct hf_err *err);

/* Announces the node, if that is wanted and the store can. */
int hf_node_announce(struct hf_node *node, struct hf_err *err);

/* Begins to end that; `hf_node_end_if_done` follows. */
void hf_node_withdraw(struct hf_node *node);

#endif
