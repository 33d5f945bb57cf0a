/*
 * balancer.h - the parts of the role lb; private to this folder.
 *
 * A load balancer joins three things: the data path (node/front/, node/proxy/) on the I/O
 * threads, with child nodes as endpoints; the tree's routing state (engine/tree.h); and
 * the children (node/peer/), both on the control thread.  Everything here belongs to
 * the control thread.
 *
 * It has no list of functions.  One that is called gets a callee, whose endpoints are the
 * children that the tree names for it; when nobody calls it any more it is forgotten, and
 * what the children have warm is not.
 */
#ifndef HF_LB_BALANCER_H
#define HF_LB_BALANCER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/assert.h"
#include "base/list.h"
#include "base/random.h"
#include "ctl/ctl.h"
#include "engine/handles.h"
#include "engine/tree.h"
#include "loop/timer.h"
#include "node/front/front.h"
#include "node/peer/peers.h"
#include "node/proxy/upstream.h"

#define HF_BALANCER_FUNCTION_MAGIC HF_MAGIC('b', 'f', 'u', 'n')
#define HF_BALANCER_ENDPOINT_MAGIC HF_MAGIC('b', 'e', 'n', 'd')

struct hf_spop_agent;

struct hf_balancer {
    struct hf_front front; /* first */
    struct hf_upstream_config upstream;
    struct hf_callee_config callee;

    /* Functions that are called. */
    struct hf_list by_due;    /* the same, that to be looked at next first */
    struct hf_list by_review; /* the same, those not reviewed first */
    struct hf_timer look;     /* at the first of `by_due` */
    uint64_t idle_ns;
    uint32_t spill; /* calls of a function at one child, above which others help; 0: never */
    bool cold_any;  /* the policy chooses for cold functions too */
    uint32_t needs; /* of the policy: HF_LB_NEEDS_... */

    /* The tree. */
    struct hf_tree *tree;
    struct hf_peers children;     /* struct hf_balancer_child */
    char *above;                  /* this node's id and those of the load balancers above it */
    bool directory_settled;       /* the store has told all, or it does not matter */
    struct hf_tree_child **found; /* room for the answers of the tree */
    size_t found_size;
    struct hf_handles handles; /* of children, as policies see them */
    uint64_t mark;             /* of such an answer */
    uint64_t review;           /* changes that concern all functions */
    struct hf_task work;
    bool working; /* `work` is posted */

    /* Whether there are children to choose from. */
    size_t unsettled;       /* children not heard of since the start */
    struct hf_timer settle; /* runs while calls wait for those */
    struct hf_timer hope;   /* runs while calls wait for a child to return */
    bool hopeless;          /* none has: calls are refused */

    /* HAProxy. */
    struct hf_spop_agent *agent; /* NULL: nobody asks */
    size_t turn;                 /* of a function's warm children */

    struct hf_task flush; /* the last thing on the control loop */
    bool flushed;
};

/* The load balancer of a front. */
static inline struct hf_balancer *
hf_balancer_of(void *front)
{
    return hf_container_of(hf_cast(front, struct hf_front, HF_FRONT_MAGIC), struct hf_balancer,
                           front);
}

struct hf_balancer_child {
    struct hf_link link; /* first */
    size_t endpoints;    /* of functions that use it */
    struct hf_balancer *balancer;
    struct hf_tree_child *tree;
    struct hf_handle handle;
    struct hf_upstream *upstream; /* connections to its proxy, shared by all functions */
    uint8_t path;                 /* under which it serves State; state.c */
    bool settled;                 /* it has been reached, or not, since the start */
    bool serving;                 /* it says that it is well */
    bool draining;                /* it takes no new calls */
    bool ejected;                 /* calls have failed there */
    bool on_trial;                /* ejected, and asked whether it is well again */
    uint64_t ejected_for_ns;      /* the last time; 0: never */
    uint64_t readmitted_ns;       /* after it */
    uint64_t mark;                /* the balancer's, of the answer that it is part of */
    bool cold;                    /* in that answer: it does not have the function warm */
    struct hf_timer readmit;
    struct hf_timer give_up; /* on the calls that it has */
    struct hf_random random;
};

/* A function that is called. */
struct hf_balancer_function {
    uint32_t magic;
    struct hf_balancer *balancer;
    struct hf_front_function front;
    struct hf_list due_link;
    struct hf_list review_link;
    struct hf_list endpoints; /* struct hf_balancer_endpoint */
    size_t wanted;            /* children that are to share its calls, at least */
    bool unbounded;           /* all children help, so the bound for spilling is off */
    uint64_t due_ns;          /* policy clock */
    uint64_t reviewed;
};

/* A child that takes calls of a function. */
struct hf_balancer_endpoint {
    uint32_t magic;
    struct hf_balancer_function *function;
    struct hf_balancer_child *child;
    struct hf_callee_endpoint *callee;
    bool cold;           /* the child does not have the function warm, as far as policies see it */
    struct hf_list link; /* in the function */
};

/* --- functions.c --------------------------------------------------------------------------- */

/* For `struct hf_front_ops`. */
void hf_balancer_resolve(struct hf_front *, struct hf_route *);

/* A function as its callee is told of it: nothing is known but the id. */
struct hf_function hf_balancer_about(const char *id, uint32_t slots);

/* A child has told of a function: if it is called here, its endpoints follow. */
void hf_balancer_refresh_id(struct hf_balancer *, const char *id);

/* The time to look at functions that are not called any more. */
void hf_balancer_on_look(struct hf_timer *);

/* No child has returned: those who wait hear so. */
void hf_balancer_on_hopeless(struct hf_timer *);

void hf_balancer_forget_functions(struct hf_balancer *);

/* --- endpoints.c --------------------------------------------------------------------------- */

extern const struct hf_callee_ops hf_balancer_callee_ops;

/* Makes the function's endpoints what the tree says. */
void hf_balancer_refresh(struct hf_balancer_function *);

/* Lets one child more share the function's calls; false: all do already. */
bool hf_balancer_widen(struct hf_balancer_function *);

/* Gives the children of a function so many slots each; 0: any number. */
void hf_balancer_set_bound(struct hf_balancer_function *, uint32_t slots);

/* Empties a list of struct hf_balancer_endpoint; the calls they have go on. */
void hf_balancer_drop_endpoints(struct hf_list *endpoints);

/* Some children can be used or no longer: all functions are refreshed, a few at a time. */
void hf_balancer_changed(struct hf_balancer *);
void hf_balancer_on_work(struct hf_task *);

/* --- members.c ------------------------------------------------------------------------------ */

/* Reads `[lb] children`. */
int hf_balancer_read_children(struct hf_balancer *, struct hf_err *err);

/* For `struct hf_front_ops`: connects to them, and to those that come. */
int hf_balancer_connect(struct hf_front *, struct hf_err *err);
void hf_balancer_disconnect(struct hf_balancer *);

/* The same child has been heard of, or never will be: calls wait for one less after a start. */
void hf_balancer_settle(struct hf_balancer_child *);

/* The children that have not been heard of must do without. */
void hf_balancer_on_settled(struct hf_timer *);

/* --- children.c ---------------------------------------------------------------------------- */

extern const struct hf_link_ops hf_balancer_child_ops;

/* The record of a link of this load balancer. */
struct hf_balancer_child *hf_balancer_child_of(void *arg);

/* There are usable children, or none, or that may have changed. */
void hf_balancer_update_hope(struct hf_balancer *);

/* Calls fail at the child: nobody uses it for a while. */
void hf_balancer_eject(struct hf_balancer_child *);

/* Why there is no child, for callers. */
const char *hf_balancer_no_child(const struct hf_balancer *);

void hf_balancer_show_child(const struct hf_balancer_child *, struct hf_text *out);

/* --- state.c: for `struct hf_link_ops` ------------------------------------------------------- */

int hf_balancer_listen(struct hf_link *);
enum hf_link_end hf_balancer_listened(struct hf_link *, const struct hf_grpc_result *);

/* Under which name it tells what it has warm, or "none". */
const char *hf_balancer_state_path(const struct hf_balancer_child *);

/* --- load.c ---------------------------------------------------------------------------------- */

/* Asks the child how busy it is, if somebody needs that and it does not say it already. */
void hf_balancer_ask_load(struct hf_balancer_child *);

/* Nothing is known of that any more. */
void hf_balancer_forget_load(struct hf_balancer_child *);

/* Tells the policy what room the endpoint's child has for its function. */
void hf_balancer_tell_room(struct hf_balancer_endpoint *);

/* For `struct hf_front_ops`. */
void hf_balancer_add_children(struct hf_front *, struct hf_shared *);
void hf_balancer_measure(struct hf_front *, struct hf_load_figures *);
bool hf_balancer_room(struct hf_front_function *, const struct hf_pool_load *, uint32_t *ret);
void hf_balancer_load_wanted(struct hf_front *, bool wanted);

/* --- above.c ------------------------------------------------------------------------------- */

/* For `struct hf_link_ops`: why the child must not be used. */
const char *hf_balancer_refuse(struct hf_link *);

/* Notes who stands above this node. */
int hf_balancer_read_above(struct hf_balancer *, struct hf_err *err);

/* That may have changed: looks at the children of the balancer again, and tells them. */
void hf_balancer_on_above(void *arg);

/* --- haproxy.c ----------------------------------------------------------------------------- */

/* Listens for HAProxy's questions where the configuration says, if it does. */
int hf_balancer_open_agent(struct hf_front *, struct hf_err *err);

/* HAProxy has to do without us.  Harmless if it did before. */
void hf_balancer_close_agent(struct hf_front *);

/* --- api.c --------------------------------------------------------------------------------- */

extern const struct hf_ctl_command hf_balancer_commands[];

#endif
