/*
 * node_private.h - what a node consists of; for node*.c.
 */
#ifndef HF_NODE_NODE_PRIVATE_H
#define HF_NODE_NODE_PRIVATE_H

#include "base/clock.h"
#include "base/list.h"
#include "loop/timer.h"
#include "node/driver_host.h"
#include "node/node.h"
#include "node/node_id.h"
#include "node/role.h"

#define HF_NODE_ROLES_MAX 3

struct hf_node {
    const struct hf_config *config;
    struct hf_node_config *checked;
    char id[HF_NODE_ID_MAX];
    char boot_id[40];
    uint64_t started_ns; /* wall clock */
    uint64_t seed;
    char *state_dir;

    struct hf_clock clock;
    struct hf_loop *control;
    struct hf_thread **io_threads;
    struct hf_loop **io;
    size_t io_count;
    struct hf_budget *budget; /* for the proxies of its roles */
    struct hf_spawner *spawner;
    struct hf_list modules; /* struct loaded, node_modules.c */

    struct hf_ctl *ctl;
    struct hf_access *access;
    struct hf_catalog *catalog; /* NULL: no role needs it */
    struct hf_store *store;     /* NULL: neither roles nor configuration want one */
    const struct hf_store_ops *store_ops;
    struct hf_node_module store_module;
    struct hf_directory *directory;   /* of the store; NULL with it */
    struct hf_store_op *announcement; /* NULL: not announced */
    bool withdrawing;                 /* the store is to forget us before we end */

    const struct hf_role_ops *role_ops[HF_NODE_ROLES_MAX]; /* in the order of draining */
    struct hf_role *roles[HF_NODE_ROLES_MAX];              /* NULL: not made */
    size_t role_count;

    struct hf_signals *signals;
    struct hf_watchdog *watchdog;
    void (*reload)(void *arg);
    void *reload_arg;

    /* node_drain.c */
    bool draining;
    bool drained;
    bool stop_when_drained;
    bool ended; /* `hf_node_run` is to return */
    uint64_t drain_limit_ns;
    size_t drain_next; /* the role to drain next */
    struct hf_node_forced forced;
    struct hf_list drain_waiters; /* struct hf_node_waiter */
    struct hf_list undrain_waiters;
};

/* node.c: ends `hf_node_run` if it is to end and nothing is left to wait for. */
void hf_node_end_if_done(struct hf_node *node);

/* node_threads.c */
int hf_node_watch_threads(struct hf_node *node, struct hf_err *err);

/* node_modules.c */
void hf_node_free_modules(struct hf_node *node);
/* The modules that run and what each was given, as lines or as a JSON array. */
void hf_node_show_modules(const struct hf_node *node, bool as_json, struct hf_text *out);

/* node_store.c */
int hf_node_store_make(struct hf_node *node, struct hf_err *err);
int hf_node_store_start(struct hf_node *node, struct hf_err *err);
void hf_node_store_free(struct hf_node *node);

/* node_ctl.c: the commands of the node itself. */
int hf_node_ctl_register(struct hf_node *node, struct hf_err *err);
void hf_node_ctl_unregister(struct hf_node *node);

#endif
