/*
 * leaf.h - the parts of the leaf role; private to this folder.
 *
 * A leaf joins three things: the data path (node/front/, node/proxy/) on the I/O threads, the
 * brain (engine/autoscale.h), and the workers (worker.h), both on the control
 * thread.  Everything here belongs to the control thread.
 */
#ifndef HF_LEAF_LEAF_H
#define HF_LEAF_LEAF_H

#include <stdbool.h>
#include <stdint.h>

#include "base/assert.h"
#include "base/map.h"
#include "ctl/ctl.h"
#include "engine/autoscale.h"
#include "loop/timer.h"
#include "node/catalog.h"
#include "node/front/front.h"
#include "node/proxy/upstream.h"
#include "node/leaf/worker.h"
#include "node/peer/peers.h"

struct hf_grpc_probe;

struct hf_leaf {
    struct hf_front front; /* first */
    struct hf_catalog *catalog;
    struct hf_catalog_listener listener;
    uint64_t start_timeout_ns;
    uint64_t stop_timeout_ns;
    bool containerized;
    struct hf_upstream_config upstream;
    struct hf_callee_config callee;
    struct hf_list functions; /* struct hf_leaf_function: active ones, and deleted that still run */

    /* Brain. */
    const struct hf_scheduler_ops *scheduler_ops;
    struct hf_scheduler *scheduler;
    const struct hf_scaler_ops *scaler_ops;
    struct hf_scaler *scaler;
    struct hf_autoscaler *autoscaler;
    struct hf_timer tick;
    bool pumping;

    struct hf_peers workers; /* struct hf_leaf_worker */

    /* The last of a drain. */
    uint32_t parting; /* instances that are being stopped */
    struct hf_timer parting_limit;
};

/* The leaf of a front. */
static inline struct hf_leaf *
hf_leaf_of(void *front)
{
    return hf_container_of(hf_cast(front, struct hf_front, HF_FRONT_MAGIC), struct hf_leaf, front);
}

/* A function that is called or warm. */
struct hf_leaf_function {
    struct hf_scaled scaled;        /* the brain's part; HF_FLEET_FUNCTION_MAGIC */
    struct hf_front_function front; /* not listed once it is deleted */
    struct hf_leaf *leaf;
    struct hf_function_def *def;
    struct hf_list link; /* in `functions` */
};

/* An instance, from the decision to start it until nothing refers to it. */
struct hf_leaf_instance {
    struct hf_fleet_instance fleet; /* the brain's part, without a function once it was dropped;
                                     * HF_FLEET_INSTANCE_MAGIC */
    bool starting;                  /* the worker has been asked and has not answered */
    bool stopping;                  /* the same for the stop */
    struct hf_leaf_worker *worker;  /* NULL: it was never asked for it */
    struct hf_callee_endpoint *endpoint; /* NULL: not in the pool */
    struct hf_map_node by_id;            /* of the worker, once it has an id */
    char *id;                            /* NULL: not known yet */
    char *address;
    struct hf_timer stop_again; /* set: there was no memory to stop it */
    bool asking;                /* whether it answers, see answer.c; the rest is for that */
    struct hf_grpc_probe *probe;
    struct hf_timer ask_again;
    uint64_t ask_delay_ns;
    uint64_t ask_until_ns;
};

static inline struct hf_leaf_function *
hf_leaf_function_of(struct hf_fleet_function *fleet)
{
    return hf_container_of(fleet, struct hf_leaf_function, scaled.base);
}

static inline struct hf_leaf_instance *
hf_leaf_instance_of(struct hf_fleet_instance *fleet)
{
    return hf_container_of(fleet, struct hf_leaf_instance, fleet);
}

/* --- functions.c ---------------------------------------------------------------------- */

extern const struct hf_callee_ops hf_leaf_callee_ops;

/* For `struct hf_front_ops`. */
void hf_leaf_resolve(struct hf_front *, struct hf_route *);

/* The active function of that definition, made if it was cold; NULL, and why, if it cannot be. */
struct hf_leaf_function *hf_leaf_activate(struct hf_leaf *, struct hf_function_def *,
                                          struct hf_err *err);

/* The function is cold and its callee retired: forgets it. */
void hf_leaf_function_free(struct hf_leaf_function *);

/* Tells parents whether the function has an endpoint, and the brain what its endpoints have. */
void hf_leaf_tell_state(struct hf_leaf_function *);

/* Follows the catalog: updates and deletions of active functions. */
void hf_leaf_follow_catalog(struct hf_leaf *);

/* --- scaling.c ------------------------------------------------------------------------ */

/* Does what the brain wants done; after every event. */
void hf_leaf_pump(struct hf_leaf *);

/* The policy clock's time. */
uint64_t hf_leaf_now(const struct hf_leaf *);

/* The brain's time has come. */
void hf_leaf_on_tick(struct hf_timer *);

/* Its worker is asked for it, or has it. */
struct hf_leaf_instance *hf_leaf_instance_begin(struct hf_fleet_instance *);

/* Gives an instance the id under which its worker knows it; false without memory. */
bool hf_leaf_instance_name(struct hf_leaf_instance *, const struct hf_remote_instance *);

/* Its worker could not start it. */
void hf_leaf_start_failed(struct hf_leaf_instance *, const char *why);

/* --- answer.c ------------------------------------------------------------------------- */

/* An existing worker has started it: it is used once it answers. */
void hf_leaf_await_answer(struct hf_leaf_instance *);

/* Nobody waits for that any more.  Harmless if nobody did. */
void hf_leaf_forget_answer(struct hf_leaf_instance *);

/* --- workers.c ------------------------------------------------------------------------ */

/* Stops what runs on workers that could not tell a later leaf of it; returns how many instances,
 * and `done` runs for each, later, with the leaf. */
uint32_t hf_leaf_stop_unadoptable(struct hf_leaf *, void (*done)(void *leaf));

/* --- adoption.c ---------------------------------------------------------------------------- */

/* The worker runs an instance of this leaf from before: adopts it, or stops it if its
 * function is gone. */
void hf_leaf_claim(struct hf_leaf_worker *, const struct hf_remote_instance *);

/* The worker is lost: what was being looked up for it is forgotten. */
void hf_leaf_forget_claims(struct hf_leaf_worker *);

/* --- api.c ---------------------------------------------------------------------------- */

extern const struct hf_ctl_command hf_leaf_commands[];

/* For `struct hf_front_ops`. */
int hf_leaf_serve(struct hf_front *, struct hf_err *err);

int hf_leaf_serve_restart(struct hf_leaf *, struct hf_err *err); /* restart.c */

#endif
