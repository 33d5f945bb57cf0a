/*
 * node_list.h - the nodes there are: those of the store, those of the configuration, and
 * what each says of itself when it is asked.
 */
#ifndef HF_CLI_NODE_LIST_H
#define HF_CLI_NODE_LIST_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "base/macros.h"
#include "node/node_document.h"

struct cli;
struct hf_err;
struct hf_grpc_client;
struct hf_loop;

struct cli_node {
    struct hf_list link;
    bool registered; /* the store names it, not only the configuration */
    bool asked;      /* it has answered, or not */
    bool reachable;
    bool foreign; /* it is of another implementation, which says nothing of itself */
    bool draining;
    uint64_t started_ns; /* wall clock; 0: not known */
    char *api;           /* where it is asked; its first API address */
    char *why;           /* it can't be reached; may be NULL */
    struct hf_node_document document;
    struct hf_grpc_client *client;
};

struct cli_node_list {
    struct hf_loop *loop;
    struct hf_list nodes; /* struct cli_node */
    bool complete;        /* the store could be read; if not, that was told */
};

/* Finds the nodes and asks all of them at the same time. */
int cli_node_list(struct cli *cli, struct cli_node_list *ret, struct hf_err *err);
void cli_node_list_fini(struct cli_node_list *list);

/* For a variable. */
#define cli_autonodes __attribute__((cleanup(cli_node_list_fini)))

#endif
