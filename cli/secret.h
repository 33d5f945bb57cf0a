/*
 * secret.h - clients for the APIs of nodes, which want to know who asks.
 */
#ifndef HF_CLI_SECRET_H
#define HF_CLI_SECRET_H

#include "grpc/client.h"

struct cli;

/* Reads the secret of our configuration's node, if there is one that we may read: most nodes still
 * know us by our user or address. */
void cli_secret_load(struct cli *cli);

/* Has a client send it with each call, if it is for `address`.  Never for calls of functions. */
void cli_secret_add(const struct cli *cli, const char *address,
                    struct hf_grpc_client_options *options);

/* Such a client, otherwise with the defaults. */
int cli_manager_new(const struct cli *cli, struct hf_loop *loop, const char *address,
                    struct hf_grpc_client **ret, struct hf_err *err);

#endif
