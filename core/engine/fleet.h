/*
 * fleet.h - the workers of one leaf, the instances on them, and who fits where.
 *
 * The books behind the autoscaler (autoscale.h), which is the only one to
 * change them: what each worker can hold and holds, starting instances
 * included; where starts failed lately and when to try again; and the view from
 * which a scheduler (hyperfaas/scheduler.h) picks.  A pure state machine, used
 * on the control thread only.  Other parts of the control thread may read the
 * structures, for `show` commands and streams.
 */
#ifndef HF_ENGINE_FLEET_H
#define HF_ENGINE_FLEET_H

#include <stdbool.h>
#include <stdint.h>

#include <hyperfaas/scheduler.h>

#include "base/list.h"
#include "base/map.h"

struct hf_fleet;
struct hf_text;

struct hf_fleet_settings {
    uint32_t max_instances_per_worker; /* of one function; 0: no limit */
    uint32_t max_starting_per_worker;  /* of all functions at once; 0: no limit */
    uint64_t backoff_min_ns;           /* after a first failed start of a function on a worker */
    uint64_t backoff_max_ns;           /* doubled up to this; the last half of it is random */
};

/* What a leaf knows of a worker. */
struct hf_worker_info {
    const char *id;         /* copied */
    uint64_t memory_bytes;  /* capacity; 0: not known, no limit */
    uint64_t cpu_millis;    /* capacity in thousandths of a core, times what overcommitment is
                             * wanted; 0: not known, no limit */
    uint32_t max_instances; /* of all functions; 0: no limit */
    uint32_t in_flight;     /* calls running, as far as known */
    bool draining;          /* takes no new instances */
};

struct hf_fleet_worker {
    struct hf_worker base;    /* as schedulers see it */
    struct hf_list instances; /* of hf_fleet_instance.of_worker */
    struct hf_map shares;     /* what it holds of each function */
    uint32_t starting;
    uint32_t max_instances; /* of all functions; 0: no limit */
    void *user;             /* the caller's */
};

#define HF_INSTANCE_STATES(STATE)                                                                  \
    STATE(HF_INSTANCE_STARTING, "starting") /* the worker was or will be told to start it */       \
    STATE(HF_INSTANCE_READY, "ready")       /* takes calls */                                      \
    STATE(HF_INSTANCE_DRAINING, "draining") /* finishes its calls */                               \
    STATE(HF_INSTANCE_STOPPING, "stopping") /* the worker was or will be told to stop it */        \
    STATE(HF_INSTANCE_GONE, "gone")         /* the record goes with its last action */

enum hf_instance_state {
#define HF_INSTANCE_ENUM(id, text) id,
    HF_INSTANCE_STATES(HF_INSTANCE_ENUM)
#undef HF_INSTANCE_ENUM
        HF_INSTANCE_STATE_COUNT
};

/* The text for a state. */
const char *hf_instance_state_text(enum hf_instance_state state);

/* One instance, from the decision to start it until it is gone. */
struct hf_fleet_instance {
    struct hf_list of_worker;
    struct hf_list of_function;     /* in the list of its state, oldest there first */
    struct hf_list to_act;          /* in the autoscaler's list of pending actions */
    struct hf_fleet_worker *worker; /* NULL once GONE */
    struct hf_fleet_function *function;
    void *user;        /* the caller's; NULL until it sets it */
    uint64_t since_ns; /* when it entered its state */
    uint64_t memory_bytes;
    uint64_t cpu_millis;
    uint64_t number; /* counts all instances of this fleet; stands in logs and start ids */
    uint8_t state;   /* enum hf_instance_state */
    uint8_t action;  /* enum hf_scale_kind to be given out; 0: none */
    bool obsolete;   /* of an older revision, or to be moved: goes when another is ready */
    bool leaving;    /* goes as soon as it is idle, too */
};

/* A function that is not cold: what the fleet holds of it. */
struct hf_fleet_function {
    const struct hf_function *spec; /* borrowed from the caller, see autoscale.h */
    void *user;                     /* the caller's */
    void *scheduler_state;
    struct hf_list shares; /* of the workers that hold something of it */
    struct hf_list instances[HF_INSTANCE_STATE_COUNT]; /* of hf_fleet_instance.of_function */
    uint32_t count[HF_INSTANCE_STATE_COUNT];
    uint32_t obsolete[HF_INSTANCE_STATE_COUNT]; /* those of `count` that are so */
    uint32_t leaving;                           /* READY ones that are so */
};

/* Makes a fleet without workers that places with `scheduler`.  Both are borrowed.  NULL if memory
 * is exhausted. */
struct hf_fleet *hf_fleet_new(const struct hf_fleet_settings *settings,
                              const struct hf_scheduler_ops *ops, struct hf_scheduler *scheduler,
                              uint64_t seed);

/* Frees it with its workers; all functions must have been removed.  NULL is allowed. */
void hf_fleet_free(struct hf_fleet *fleet);

/* --- workers ------------------------------------------------------------------------------- */

/* Adds a connected worker.  HF_EEXISTS if there is one with that id, HF_ENOMEM, or the scheduler's
 * own refusal. */
int hf_fleet_add_worker(struct hf_fleet *fleet, const struct hf_worker_info *info, uint64_t now_ns,
                        struct hf_fleet_worker **ret);
void hf_fleet_change_worker(struct hf_fleet *fleet, struct hf_fleet_worker *worker,
                            const struct hf_worker_info *info, uint64_t now_ns);

/* Removes and frees a worker; its instances must have been removed. */
void hf_fleet_remove_worker(struct hf_fleet *fleet, struct hf_fleet_worker *worker);

/* The workers sorted by id; valid until one is added or removed. */
const struct hf_worker *const *hf_fleet_workers(const struct hf_fleet *fleet, uint32_t *count);

/* Workers that may take new instances. */
uint32_t hf_fleet_usable_workers(const struct hf_fleet *fleet);

/* --- functions and instances --------------------------------------------------------------- */

/* Sets up the fleet's part of a function; 0 or HF_ENOMEM. */
int hf_fleet_function_init(struct hf_fleet *fleet, struct hf_fleet_function *function,
                           const struct hf_function *spec);

/* Forgets it and the failures of its starts; it has no instances left. */
void hf_fleet_function_fini(struct hf_fleet_function *function);

/* Forgets the failures of its starts only. */
void hf_fleet_forgive(struct hf_fleet_function *function);

/*
 * Lets the scheduler pick a worker for one more instance and reserves for it:
 * `*ret` is STARTING.
 * HF_ENOTFOUND     no worker is connected and takes instances
 * HF_EFULL         none has room
 * HF_EUNAVAILABLE  those that might have room wait after failed starts, see `hf_fleet_retry_ns`
 * HF_ENOMEM
 */
int hf_fleet_place(struct hf_fleet *fleet, struct hf_fleet_function *function, uint64_t now_ns,
                   struct hf_fleet_instance **ret);

/* Appends why no worker can take one more instance of the function now, for people: how many
 * workers stand in which way, and what is missing. */
void hf_fleet_explain(const struct hf_fleet *fleet, const struct hf_fleet_function *function,
                      uint64_t now_ns, struct hf_text *out);

/* Books an instance that runs already, from before this leaf started: `*ret` is READY.  Never
 * refused for lack of room. */
int hf_fleet_adopt(struct hf_fleet *fleet, struct hf_fleet_function *function,
                   struct hf_fleet_worker *worker, uint64_t now_ns, struct hf_fleet_instance **ret);

/* Moves an instance on to a later state, other than READY.  GONE takes it off its worker, gives
 * back what was reserved there (a pick without a start is rolled back), and frees nothing. */
void hf_fleet_set_state(struct hf_fleet *fleet, struct hf_fleet_instance *instance,
                        enum hf_instance_state state, uint64_t now_ns);

/* A start succeeded: confirms the pick.  STARTING -> READY. */
void hf_fleet_started(struct hf_fleet *fleet, struct hf_fleet_instance *instance, uint64_t now_ns);

/* A start failed, or the instance died as soon as it ran: this worker is not asked again for the
 * function until a backoff has passed.  -> GONE. */
void hf_fleet_failed(struct hf_fleet *fleet, struct hf_fleet_instance *instance, uint64_t now_ns);

/* A READY instance turned out to be useless: the same pause, while it is still there. */
void hf_fleet_blame(struct hf_fleet *fleet, struct hf_fleet_instance *instance, uint64_t now_ns);

/* A READY instance has lived long enough: earlier failures on its worker are forgotten. */
void hf_fleet_proved(struct hf_fleet_instance *instance);

/* Makes it obsolete, which means also that it does not count for the limit of instances per worker
 * any more, so that its successor may start beside it. */
void hf_fleet_outdate(struct hf_fleet_instance *instance);

/* Makes a READY instance leave, and obsolete. */
void hf_fleet_leave(struct hf_fleet_instance *instance);

/* Frees an instance that is GONE. */
void hf_fleet_instance_free(struct hf_fleet_instance *instance);

/* All instances of a function that are not GONE. */
uint32_t hf_fleet_instances(const struct hf_fleet_function *function);

/* When the first worker may be asked again after failed starts; UINT64_MAX: all may be now. */
uint64_t hf_fleet_retry_ns(const struct hf_fleet_function *function, uint64_t now_ns);

/* Answers of the scheduler that were not feasible. */
uint64_t hf_fleet_invalid_picks(const struct hf_fleet *fleet);

#endif
