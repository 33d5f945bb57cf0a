/*
 * access.h - who may manage a node.
 *
 * Methods of an API that are marked `managed` are for managers alone: those who run the node, and
 * the nodes that give it work.  There is no encryption yet, so a manager is known by one of these:
 *
 *   - on the same host, the user it runs as, which the kernel tells: the node's own, root, or one
 *     that `[node] managers` names; but not if it is a process that this one has started, such as
 *     an instance of a function;
 *   - the node's secret, in metadata: whoever can read its file may have it;
 *   - its address, if `managers` names it or its network; but not if an instance has that address.
 */
#ifndef HF_NODE_ACCESS_H
#define HF_NODE_ACCESS_H

#include <stdbool.h>

struct hf_access;
struct hf_err;
struct hf_grpc_server_options;
struct hf_options;

/* The metadata that carries the secret. */
#define HF_ACCESS_SECRET "hyperfaas-secret"

/* Reads `managers` of the checked options of [node], which must live as long.  Opens nothing. */
int hf_access_new(const struct hf_options *node, struct hf_access **ret, struct hf_err *err);
void hf_access_free(struct hf_access *access); /* NULL is allowed */

/* Reads the secret, or makes it at the first start. */
int hf_access_start(struct hf_access *access, const char *state_dir, struct hf_err *err);

/* Has the server of an API ask before it serves a managed method, and bounds what strangers can
 * make it keep. */
void hf_access_guard(struct hf_access *access, struct hf_grpc_server_options *options);

/* What to send as HF_ACCESS_SECRET to the node at `address`; NULL: nothing.  Lives as long as
 * `access`. */
const char *hf_access_secret(const struct hf_access *access, const char *address);

/* An instance has this address ("HOST:PORT"), or has it no longer: nobody else can have it
 * meanwhile, unless the host is this one. */
void hf_access_bar(struct hf_access *access, const char *address);
void hf_access_unbar(struct hf_access *access, const char *address);

/* An API listens at `address`: logs, once, that who may manage the node was left open, where the
 * address is not for this host alone. */
void hf_access_note(struct hf_access *access, const char *role, const char *address);

#endif
