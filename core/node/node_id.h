/*
 * node_id.h - the name of a node, the same after a restart.
 *
 * Instances are labelled with the id of the leaf that asked for them, so a leaf that
 * comes back finds its own only under its old name.
 */
#ifndef HF_NODE_NODE_ID_H
#define HF_NODE_NODE_ID_H

#include <stdbool.h>
#include <stddef.h>

struct hf_err;

/* Room for an id. */
#define HF_NODE_ID_MAX 320

/* The longest message that a node takes of one that is not itself, about nodes and instances: ids,
 * addresses and labels, which are far shorter. */
#define HF_NODE_MESSAGE_MAX ((size_t)64 << 10)

/* Whether it can be the id of a node or an instance: not empty, not too long, visible ASCII. */
bool hf_node_id_is_valid(const char *id);

/* The id: `given` (NULL or "": not), or the one kept in `file`, or the host's name and a random
 * suffix. */
void hf_node_id_choose(const char *given, const char *file, char ret[static HF_NODE_ID_MAX]);

/* Keeps an id for the next start; harmless if it is kept already. */
int hf_node_id_keep(const char *id, const char *file, struct hf_err *err);

#endif
