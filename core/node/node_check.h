/*
 * node_check.h - what is wrong with a configuration although each of its values is well formed.
 *
 * Options that contradict each other, addresses that cannot be listened on or dialled, names that
 * nobody could use.  Nothing is opened or resolved.
 */
#ifndef HF_NODE_NODE_CHECK_H
#define HF_NODE_NODE_CHECK_H

struct hf_config;
struct hf_err;
struct hf_node_config;
struct hf_options;

/* Roles, relations between options, the node's names.  Errors name file, line and what would be
 * right. */
int hf_node_check_options(const struct hf_config *config, const struct hf_node_config *checked,
                          struct hf_err *err);

/* Addresses, once the options are right: those that the node listens on, and those of its peers. */
int hf_node_check_addresses(const struct hf_config *config, const struct hf_node_config *checked,
                            struct hf_err *err);

#endif
