/*
 * instance.h - an instance, from nothing to its removal.
 *
 * At most one call of the engine is under way for each.  A start that fails or is no longer
 * wanted is answered at once; the instance itself stays until its container is known to be gone.
 */
#ifndef HF_RUNTIME_DOCKER_INSTANCE_H
#define HF_RUNTIME_DOCKER_INSTANCE_H

#include "docker.h"
#include "images.h"

#define INSTANCE_STATES                                                                            \
    STATE(WAITING, "waiting")   /* for the engine, or for its turn */                              \
    STATE(PULLING, "pulling")   /* for its image */                                                \
    STATE(STARTING, "starting") /* the engine makes it */                                          \
    STATE(RUNNING, "running")                                                                      \
    STATE(LEFT, "left over")    /* had ended before we looked; there until it is stopped */        \
    STATE(ENDED, "ended")       /* we find out why */                                              \
    STATE(STOPPING, "stopping") /* it was asked to end */                                          \
    STATE(REMOVING, "removing")

enum instance_state {
#define STATE(id, text) INSTANCE_##id,
    INSTANCE_STATES
#undef STATE
};

struct instance {
    struct hf_runtime_op op; /* of the start, while that lasts */
    struct hf_runtime *runtime;
    struct instance *prev, *next;                 /* all */
    struct instance *prev_waiting, *next_waiting; /* those whose turn has not come */
    UT_hash_handle hh;                            /* by `id` */
    enum instance_state state;

    char id[INSTANCE_ID_SIZE];
    char *container; /* the container's whole id; NULL: not made yet, or not known */
    char name[NAME_SIZE];
    char *function_id;
    char *owner_id;
    uint64_t revision;
    char internal[ADDRESS_SIZE];
    char external[ADDRESS_SIZE];

    struct making making; /* of a start */
    struct pull_waiter waiter;
    struct engine_call *call;
    struct hf_host_timer *limit; /* of the start, and of waiting to answer it */
    struct hf_host_timer *again; /* puts off another removal, or the reply to a call not begun */
    engine_done_fn *unasked;     /* who gets that reply */
    hf_runtime_done_fn *done;    /* of the start; NULL once it has run */
    void *arg;
    int verdict; /* the start is to be answered with this, at the loop's next turn */
    char why[1024];

    uint64_t since;   /* the moment at which it was known to run; 0: it never was */
    uint64_t seen;    /* that of the last listing that showed it running */
    uint64_t asked;   /* when the engine was asked for the present step of the start */
    unsigned tries;   /* names and ports tried, later removals */
    bool turn;        /* its start is under way */
    bool pulled;      /* its image was pulled for it */
    bool unwanted;    /* what is under way is the last thing; then it is removed */
    bool gone;        /* there is no container; only its start is still to be answered */
    bool ended;       /* the engine said so, before its start was done */
    bool stray;       /* a container that nobody knew: it is only there to be removed */
    bool unconfirmed; /* whether it was made is not known: the engine may still be at it */
    struct inspected found;
    struct log_end *log_end; /* being read */
    struct stop *stops;      /* who waits for its end */
};

/* Makes one that is in no list of the engine's yet.  NULL: no memory. */
struct instance *instance_new(struct hf_runtime *);

/* Its container is known.  False: no memory, or the id is none or known already. */
bool instance_take_id(struct instance *, const char *container_id);

struct instance *instance_find(const struct hf_runtime *, const char *id);

const char *instance_state_name(const struct instance *);
void instance_describe(const struct instance *, struct hf_instance_info *ret);

/* Calls the engine about the container: "/containers/<id or name><rest>".  A failure to do so
 * comes as a reply, too. */
void instance_ask(struct instance *, const char *method, const char *rest, uint64_t timeout_ns,
                  engine_done_fn *done);

/* Its container is no longer wanted: removes it, whatever it does. */
void instance_remove(struct instance *);

/* There is no container: forgets it, after answering those who wait. */
void instance_forget(struct instance *);

/* The engine does not have it any more, or has it still and is to try again. */
void instance_retry_removal(struct instance *);

int instance_stop(struct hf_runtime *, const char *instance_id, uint64_t grace_ns,
                  hf_runtime_done_fn *done, void *arg, struct hf_err *err);

/* The runtime is being closed: answers all with HF_ECANCELLED.  The container stays. */
void instance_destroy(struct instance *);

/* --- start.c -------------------------------------------------------------------------------- */

int instance_start(struct hf_runtime *, const struct hf_instance_spec *, uint64_t timeout_ns,
                   hf_runtime_done_fn *done, void *arg, struct hf_runtime_op **ret,
                   struct hf_err *err);

/* Begins starts that wait, as many as may be under way. */
void starts_go_on(struct hf_runtime *);

/* The engine is lost: starts that wait for it fail. */
void starts_give_up(struct hf_runtime *, const char *why);

/* The start is over: the next one's turn. */
void start_end_turn(struct instance *);

/* Answers the start now, if it has not been. */
void start_answer(struct instance *, int code, const char *message);

/* The start has failed: it is answered at the loop's next turn. */
void start_fail(struct instance *, int code, const char *message);

/* --- ending.c ------------------------------------------------------------------------------- */

/* It has ended, or was paused, unasked: finds out why, tells, removes. */
void instance_ended(struct instance *);

/* The same of one that was looked at already (`found`). */
void instance_explain(struct instance *);

#endif
