/*
 * workers.h - the workers that the configuration names or lets discover, what runs on them, and
 * that in words.
 */
#ifndef HF_CLI_WORKERS_H
#define HF_CLI_WORKERS_H

#include "cli.h"
#include "hyperfaas/v1/node.pb-c.h"

struct hf_grpc_client;
struct hf_grpc_client_call;
struct hf_grpc_result;
struct hf_loop;

struct cli_workers;

/* A worker that is asked. */
struct cli_worker {
    struct cli_workers *all;
    const char *address;
    struct hf_grpc_client *client;
    struct hf_grpc_client_call *watch; /* NULL: it has ended */
    bool synced;                       /* it has told what there is, or will not */
};

/* An instance that is there, or one that ended, and how; borrowed. */
typedef void cli_instance_fn(void *arg, struct cli_worker *worker,
                             const Hyperfaas__V1__Instance *instance,
                             const Hyperfaas__V1__InstanceEnded *end);

struct cli_workers {
    struct cli *cli;
    struct hf_loop *loop;
    struct cli_worker *items;
    size_t count;
    char *list; /* what the addresses point into */
    cli_instance_fn *each;
    void *arg;
    bool follow;      /* watches go on behind what there is */
    bool interrupted; /* by Ctrl-C */
    bool complete;    /* none has failed */
    bool ending;      /* what ends now is ended by us */
};

/* Finds the leaf's workers, or this node's own, asks all at the same time what there is on them and
 * what they remember of before, and waits until each has said so or failed, which is reported.
 * `each`, `arg` and `follow` are set.  After a failure, too, `fini` frees what there is. */
int cli_workers_watch(struct cli *cli, struct cli_workers *workers, struct hf_err *err);
void cli_workers_fini(struct cli_workers *workers);

/* Reports what a worker failed in. */
void cli_worker_complain(struct cli_worker *worker, struct hf_err *err);

/* --- in words --------------------------------------------------------------------------- */

/* "starting", "ready", "stopping", "unknown". */
const char *cli_instance_state(const Hyperfaas__V1__Instance *instance);

/* Appends how it ended: "exit code 1", "signal 9 (KILL)", "out of memory", "stopped", "not ready".
 */
void cli_add_end(const Hyperfaas__V1__InstanceEnded *end, struct hf_text *out);

/* Since the wall clock's 1970; 0: not known. */
uint64_t cli_timestamp_ns(const Google__Protobuf__Timestamp *timestamp);

#endif
