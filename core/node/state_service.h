/*
 * state_service.h - tells parents which functions this node has warm.
 *
 * Serves `leaf.Leaf/State` (and, for a load balancer, the same under the name of
 * the routing controller).  Each stream begins with what is warm now, then a message
 * with an empty function id as the end of that snapshot, then every change.
 *
 * A listener that reads slowly holds up nobody and costs no memory: it hears the
 * latest state of each function once it can, however often it changed meanwhile.
 *
 * A load balancer that listens says which load balancers stand above: itself, and those that
 * listen to it (metadata hyperfaas-above, ids with commas between).  So a node knows who must not
 * be below it, too.
 *
 * Control thread.
 */
#ifndef HF_NODE_STATE_SERVICE_H
#define HF_NODE_STATE_SERVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct hf_err;
struct hf_grpc_server;
struct hf_state_service;
struct hf_text;

int hf_state_service_new(struct hf_state_service **ret, struct hf_err *err);

/* Serves it under a path, such as "/leaf.Leaf/State".  `path` is static.  At most once
 * for each service. */
int hf_state_service_serve(struct hf_state_service *, struct hf_grpc_server *server,
                           const char *path, struct hf_err *err);

/* The function has become warm or cold.  Saying it again does nothing. */
void hf_state_service_set(struct hf_state_service *, const char *id, bool warm);

/* Tells that all functions are cold, since a parent may keep what it heard of a child that has
 * gone, and then ends each stream with OK: one that reads slowly once it has heard all.  Refuses
 * those that still come, until it begins again. */
void hf_state_service_end(struct hf_state_service *);
void hf_state_service_begin(struct hf_state_service *);

/* Whether a load balancer of that id stands above this node. */
bool hf_state_service_is_above(const struct hf_state_service *, const char *node_id);

/* Appends the ids of all that do but `own`, each once and in order, with a comma before each. */
void hf_state_service_add_above(const struct hf_state_service *, const char *own, struct hf_text *);

/* Who stands above may have changed: `fn` runs, after what has changed.  At most one. */
void hf_state_service_on_above(struct hf_state_service *, void (*fn)(void *arg), void *arg);

/* After the server is gone.  NULL is ignored. */
void hf_state_service_free(struct hf_state_service *);

void hf_state_service_show(const struct hf_state_service *, struct hf_text *);

#endif
