/*
 * worker.h - a leaf's workers: their records, and what a leaf has them do.
 *
 * The link (node/peer/link.h) finds a worker and notices its loss; what it holds is told by its
 * stream (watch.c) and becomes a worker of the fleet (workers.c); starts and stops go with the
 * link's client (calls.c).
 *
 * Control thread.
 */
#ifndef HF_LEAF_WORKER_H
#define HF_LEAF_WORKER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "base/map.h"
#include "engine/fleet.h"
#include "node/peer/link.h"

struct hf_err;
struct hf_leaf;
struct hf_text;

/* An instance as its worker describes it.  Borrowed for the callback. */
struct hf_remote_instance {
    const char *id;
    const char *function_id;
    const char *name;
    const char *address; /* of the two, the one that this leaf uses; never empty */
    const char *leaf_id; /* who asked for it; "" if not known */
};

struct hf_leaf_worker {
    struct hf_link link; /* first */
    struct hf_leaf *leaf;
    struct hf_fleet_worker fleet; /* the brain's part: there while it is connected */
    struct hf_worker_info info;   /* as it says */
    bool load_known;              /* `fleet.base.load_millis` is */
    struct hf_map instances;      /* struct hf_leaf_instance, by id */
    struct hf_list claims;        /* instances from before whose functions are being looked up */
    struct hf_list starts;        /* calls.c */
    struct hf_list stops;
    uint32_t start_count;
    uint32_t stop_count;
    struct hf_list named;    /* strays.c: instances that no start has claimed */
    struct hf_list given_up; /* and starts that were given up */
};

/* The record of a link of this leaf. */
struct hf_leaf_worker *hf_leaf_worker_of(void *arg);

/* --- workers.c ----------------------------------------------------------------------------- */

extern const struct hf_link_ops hf_leaf_worker_ops;

/* It is there, or has changed: the fleet has it.  Negative: no memory. */
int hf_leaf_worker_take_in(struct hf_leaf_worker *, bool draining);

/* An instance has ended or is about to, unasked.  `why` is for operators, `how` in a few words for
 * callers, NULL if that is not known. */
void hf_leaf_worker_gone(struct hf_leaf_worker *, const char *instance_id, const char *why,
                         const char *how);

/* --- watch.c: for `struct hf_link_ops` ------------------------------------------------------ */

int hf_leaf_worker_listen(struct hf_link *);
enum hf_link_end hf_leaf_worker_ended(struct hf_link *, const struct hf_grpc_result *);

/* Asks it how busy it is, if somebody needs that, and forgets that again. */
void hf_leaf_worker_ask_load(struct hf_leaf_worker *);
void hf_leaf_worker_forget_load(struct hf_leaf_worker *);

/* --- calls.c -------------------------------------------------------------------------------- */

/* How a start ended: `instance` on success, else NULL, a negative HF_E code and why.
 * HF_EFULL: the worker has no room. */
typedef void hf_worker_started_fn(void *arg, const struct hf_remote_instance *instance, int code,
                                  const char *why);

/* Starts an instance of a function as it is at `revision`, or later; `done` runs exactly once,
 * later.  `start_id` makes repeating it harmless. */
int hf_leaf_worker_start(struct hf_leaf_worker *, const char *function_id, uint64_t revision,
                         const char *start_id, hf_worker_started_fn *done, void *arg,
                         struct hf_err *err);

/* Stops an instance: tried again, also after the worker was lost and found, until it says that
 * the instance is gone.  Then, or when the link is closed, `done` runs once, later; it may be
 * NULL.  HF_ENOMEM: never. */
int hf_leaf_worker_stop(struct hf_leaf_worker *, const char *instance_id, void (*done)(void *arg),
                        void *arg, struct hf_err *err);

/* Sends the stops that could not be sent. */
void hf_leaf_worker_retry_stops(struct hf_leaf_worker *);

/* Ends the starts under way, and stops what an existing worker has begun for them; returns how many
 * instances, and `done` runs for each, later. */
uint32_t hf_leaf_worker_give_up_starts(struct hf_leaf_worker *, void (*done)(void *arg), void *arg);

/* Ends starts (with HF_ECANCELLED) and forgets stops. */
void hf_leaf_worker_end_calls(struct hf_leaf_worker *);

/* Whether a start of the function is under way. */
bool hf_leaf_worker_is_starting(const struct hf_leaf_worker *, const char *function_id);

/* Of an instance's addresses that which this leaf uses, or NULL if the worker gave none. */
const char *hf_leaf_worker_choose(const struct hf_leaf_worker *, const char *internal,
                                  const char *external);

/* --- strays.c ------------------------------------------------------------------------------- */

/* An existing worker begins to start an instance of the function, for whomever. */
void hf_leaf_worker_named(struct hf_leaf_worker *, const char *instance_id,
                          const char *function_id);

/* A start has ended well: the instance is ours. */
void hf_leaf_worker_claimed(struct hf_leaf_worker *, const char *instance_id);

/* A start was given up. */
void hf_leaf_worker_gave_up(struct hf_leaf_worker *, const char *function_id);

/* Stops what starts of the function that were given up have left, if none is under way and as far
 * as it can be told.  How many; `done`, which may be NULL, runs for each. */
uint32_t hf_leaf_worker_stop_strays(struct hf_leaf_worker *, const char *function_id,
                                    void (*done)(void *arg), void *arg);
uint32_t hf_leaf_worker_stop_all_strays(struct hf_leaf_worker *, void (*done)(void *arg),
                                        void *arg);

void hf_leaf_worker_forget_strays(struct hf_leaf_worker *);

#endif
