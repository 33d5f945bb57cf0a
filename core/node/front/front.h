/*
 * front.h - what a role that takes calls has towards callers and parents.
 *
 * The proxy with the functions that callers find there; the API with State, health and who the node
 * is; the role's commands; the drain, which ends all this in order, and the way back.  A leaf and a
 * load balancer stand behind it: it is the first member of each record, and `struct hf_front_ops`
 * has what differs.
 *
 * Control thread, but for the functions, which I/O threads look up.
 */
#ifndef HF_NODE_FRONT_FRONT_H
#define HF_NODE_FRONT_FRONT_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/assert.h"
#include "base/map.h"
#include "loop/address.h"
#include "loop/timer.h"
#include "node/proxy/callee.h"
#include "node/proxy/proxy.h"
#include "node/load_service.h"
#include "node/role.h"
#include "node/state_service.h"

struct hf_ctl_command;
struct hf_front;
struct hf_front_function;
struct hf_grpc_health;
struct hf_grpc_server;
struct hf_node_module;
struct hf_options;
struct hf_shared;

#define HF_FRONT_MAGIC HF_MAGIC('f', 'r', 'n', 't')

struct hf_front_ops {
    const char *state_path;                /* under which parents listen */
    const struct hf_ctl_command *commands; /* their argument is the role */
    struct hf_proxy_words words;
    bool to_nodes; /* the endpoints are nodes: one that refuses a call is replaced */

    /* Adds to `api` and `health` what only this role has, before they can be reached. */
    int (*serve)(struct hf_front *, struct hf_err *err);
    /* Opens and shuts ways in beside the proxy; shut more than once is harmless.  NULL: none. */
    int (*open)(struct hf_front *, struct hf_err *err);
    void (*shut)(struct hf_front *);
    /* Connects to those below: at the start, and after a drain. */
    int (*connect)(struct hf_front *, struct hf_err *err);
    /* In a drain, once no call is left: leaves those below, and then says hf_front_drained. */
    void (*leave)(struct hf_front *);
    /* Adds to the figures of the functions, which count their calls, what the role knows: for who
     * stands above. */
    void (*measure)(struct hf_front *, struct hf_load_figures *);
    /* How many free slots there are for a function; false: that is not known. */
    bool (*room)(struct hf_front_function *, const struct hf_pool_load *, uint32_t *ret);
    /* Says the children by hf_shared_add_child.  NULL: there are none. */
    void (*add_children)(struct hf_front *, struct hf_shared *);
    /* That is asked for, or no longer. */
    void (*load_wanted)(struct hf_front *, bool wanted);
    /* Looks up an id that callers do not find, or adds an endpoint; see hf_route. */
    void (*resolve)(struct hf_front *, struct hf_route *);
};

struct hf_front {
    uint32_t magic;
    struct hf_role role;
    const struct hf_front_ops *ops;
    struct hf_node *node;
    struct hf_loop *control;
    const struct hf_options *options; /* the role's section */
    bool forwards;                    /* it has a proxy, unless it drains */
    struct hf_proxy *proxy;

    pthread_rwlock_t lock; /* guards `by_id`; I/O threads read */
    struct hf_map by_id;   /* struct hf_front_function */

    struct hf_grpc_server *api;
    struct hf_grpc_health *health;
    struct hf_state_service *state;
    struct hf_load_service *load;
    struct hf_shared *shared; /* of the lb policy, over all functions; NULL: nothing */
    bool share_functions;     /* it sees their figures */

    struct hf_timer drain_limit;
    char proxy_address[HF_ADDRESS_TEXT_MAX]; /* as bound, to return to after a drain */
    struct hf_task nothing_runs;             /* without a proxy the drain is over at once */
    void (*done)(void *arg);                 /* who waits for the drain; NULL: nobody */
    void *done_arg;
};

/* A function that callers find; embedded in the role's. */
struct hf_front_function {
    struct hf_map_node node;
    struct hf_callee *callee; /* the role's, set before it is listed */
    bool listed;
    int64_t room_told; /* to who stands above; -1: nothing */
};

/* The front of a role's record that is all zeros but for it. */
int hf_front_init(struct hf_front *, const struct hf_role_ops *role, const struct hf_front_ops *ops,
                  struct hf_node *node, struct hf_err *err);

/* Cuts off the calls that are left: the last of a drain, or without one. */
void hf_front_cut(struct hf_front *);
/* Frees the rest.  After hf_front_cut, when no function is listed. */
void hf_front_fini(struct hf_front *);

/* The front of a role; aborts if it is none. */
struct hf_front *hf_front_of(struct hf_role *);

/* --- for `struct hf_role_ops` ---------------------------------------------------------------- */

int hf_front_start(struct hf_role *, struct hf_err *err);
void hf_front_drain(struct hf_role *, uint64_t limit_ns, void (*done)(void *arg), void *arg);
int hf_front_undrain(struct hf_role *, struct hf_err *err);
void hf_front_close(struct hf_role *);
size_t hf_front_addresses(const struct hf_role *, struct hf_role_address *ret, size_t max);

/* --- for the role ---------------------------------------------------------------------------- */

/* What `leave` began has ended. */
void hf_front_drained(struct hf_front *);

/* Lets callers find the function by the id of its callee, or no longer; both harmless again. */
int hf_front_list(struct hf_front *, struct hf_front_function *);
void hf_front_unlist(struct hf_front *, struct hf_front_function *);

/* Makes what the lb policy shares over all functions, if it does, and has pools see it. */
int hf_front_share(struct hf_front *, const struct hf_node_module *policy,
                   struct hf_pool_settings *pools, struct hf_err *err);

/* NULL: none of that id is listed. */
struct hf_front_function *hf_front_find(const struct hf_front *, const char *id, size_t len);

#endif
