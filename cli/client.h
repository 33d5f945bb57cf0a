/*
 * client.h - gRPC calls of commands: to the APIs of nodes, which want to know who asks, and to
 * functions.
 */
#ifndef HF_CLI_CLIENT_H
#define HF_CLI_CLIENT_H

#include "cli.h"
#include "grpc/client.h"

struct hf_loop;

/* Reads the secret of our configuration's node, if there is one that we may read: most nodes still
 * know us by our user or address. */
void cli_secret_load(struct cli *cli);

/* A client for the API of a node, which is shown that we are one of its managers. */
int cli_manager_new(const struct cli *cli, struct hf_loop *loop, const char *address,
                    struct hf_grpc_client **ret, struct hf_err *err);

/* A call that is waited for. */
struct cli_call {
    const struct cli *manager; /* whose secret goes to a node's API; NULL: the call of a function */
    const char *address;
    size_t max_message; /* of the answer; 0: 4 MiB */
    struct hf_grpc_request request;

    /* All may be NULL. */
    hf_grpc_message_fn *on_message;
    bool (*is_enough)(void *arg); /* gives up the call: success */
    void (*on_done)(void *arg, const struct hf_grpc_result *result); /* it has ended by itself */
    void *arg;                                                       /* for all of them */
    uint64_t limit_ns;  /* gives up the call after this long: success; 0: never */
    bool interruptible; /* Ctrl-C gives up the call: success */

    bool refused; /* result: it failed with a status of the server's, not one made up here */
};

/* Makes a call and waits until it has ended or is given up.  0, or an HF_E code: what the status
 * stands for, HF_EUNSUPPORTED being UNIMPLEMENTED; the message says where. */
int cli_call(struct cli_call *call, struct hf_err *err);

/* The platform's word for a failure of its own, or NULL. */
const char *cli_call_reason(const struct hf_grpc_result *result);

#endif
