/*
 * rpc.h - gRPC calls that a command waits for.
 *
 * The calls of a command to one address, on a loop of their own.  What goes wrong becomes a
 * message that says where.
 */
#ifndef HF_CLI_RPC_H
#define HF_CLI_RPC_H

#include "base/macros.h"
#include "grpc/client.h"

struct cli_rpc;

struct cli;

/* Dials nothing yet.  `manager`: whose secret is sent to a node's API; NULL for functions.
 * `max_message` bounds the messages of answers; 0: 4 MiB. */
int cli_rpc_open(const struct cli *manager, const char *address, size_t max_message,
                 struct cli_rpc **ret, struct hf_err *err);
void cli_rpc_close(struct cli_rpc *rpc); /* NULL is allowed */
HF_DEFINE_CLEANUP(struct cli_rpc, cli_rpc_close)

/* What a call is waited for with; all but `on_message` may be NULL. */
struct cli_rpc_wait {
    hf_grpc_message_fn *on_message;
    bool (*is_enough)(void *arg); /* gives up the call: success */
    void (*on_done)(void *arg, const struct hf_grpc_result *result); /* it has ended by itself */
    void *arg;                                                       /* for all of them */
    uint64_t limit_ns;  /* gives up the call after this long: success; 0: never */
    bool interruptible; /* Ctrl-C gives up the call: success */
};

/* Makes a call and waits until it has ended or is given up.  0, or an HF_E code: what the status
 * stands for, HF_EUNSUPPORTED being UNIMPLEMENTED. */
int cli_rpc_call(struct cli_rpc *rpc, const struct hf_grpc_request *request,
                 const struct cli_rpc_wait *wait, struct hf_err *err);

/* The platform's word for a failure of its own, or NULL. */
const char *cli_rpc_reason(const struct hf_grpc_result *result);

/* Whether the last call failed with a status of the server's, not one made up here. */
bool cli_rpc_was_refused(const struct cli_rpc *rpc);

#endif
