/*
 * node_service.h - hyperfaas.v1.Node: what every API port of ours offers beyond the
 * services shared with existing nodes.
 */
#ifndef HF_NODE_NODE_SERVICE_H
#define HF_NODE_NODE_SERVICE_H

struct hf_err;
struct hf_grpc_server;
struct hf_node;

/* Adds Info and Drain to a role's API server.  A worker adds Watch and Logs itself. */
int hf_node_service_add(struct hf_node *node, struct hf_grpc_server *server, struct hf_err *err);

#endif
