/*
 * workers.h - the workers that the configuration names, and what runs on them.
 */
#ifndef HF_CLI_WORKERS_H
#define HF_CLI_WORKERS_H

#include "cli.h"
#include "hyperfaas/v1/node.pb-c.h"

#define CLI_MAX_WORKERS 1024

struct cli_workers {
    const char *address[CLI_MAX_WORKERS];
    size_t count;
    char *list; /* what the addresses point into */
};

/* The leaf's list, or this node's own worker. */
int cli_workers_find(struct cli *cli, struct cli_workers *ret, struct hf_err *err);
void cli_workers_fini(struct cli_workers *workers);

/* An instance that is there, or one that ended lately, and how; borrowed. */
typedef void cli_instance_fn(void *arg, const char *worker, const Hyperfaas__V1__Instance *instance,
                             const Hyperfaas__V1__InstanceEnded *end);

/* Asks a worker what there is on it now, and what it remembers of before. */
int cli_worker_ask(const struct cli *cli, const char *worker, cli_instance_fn *each, void *arg,
                   struct hf_err *err);

#endif
