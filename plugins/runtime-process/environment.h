/*
 * environment.h - the environment variables of an instance.
 */
#ifndef HF_RUNTIME_PROCESS_ENVIRONMENT_H
#define HF_RUNTIME_PROCESS_ENVIRONMENT_H

#include <stdint.h>

#include <hyperfaas/host.h>

/* What is particular to one instance. */
struct identity {
    const char *function_id;        /* FUNCTION_ID */
    const char *instance_id;        /* INSTANCE_ID */
    const char *controller_address; /* CONTROLLER_ADDRESS */
    const char *host;               /* LISTEN_ADDRESS: to listen on */
    const char *home;               /* HOME; NULL: the node's */
    uint16_t port;                  /* PORT */
};

/* Tests the option `env`: NAME=VALUE or, to pass the node's own, NAME; and not
 * one that the platform sets. */
int environment_check(const struct hf_host *, const struct hf_options *, struct hf_err *err);

/* The whole environment, NULL-terminated, in one allocation; free() it.  NULL if
 * memory is exhausted. */
char **environment_new(const struct hf_host *, const struct hf_options *, const struct identity *);

#endif
