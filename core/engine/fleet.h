/*
 * fleet.h - the workers of one leaf, the instances on them, and who fits where.
 *
 * The books behind the autoscaler (autoscale.h), which is the only one to
 * change them: what each worker can hold and holds, starting instances
 * included; where starts failed lately and when to try again; the view from
 * which a scheduler (hyperfaas/scheduler.h) picks; and the life of each instance,
 * with what has to be done about it (action.h).  A pure state machine, used on the
 * control thread only.  Other parts of the control thread may read the structures,
 * for `show` commands and streams.
 *
 * Records begin those of the role: it embeds a worker in its own, and says how long
 * its records of functions (autoscale.h) and instances are.
 */
#ifndef HF_ENGINE_FLEET_H
#define HF_ENGINE_FLEET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <hyperfaas/scheduler.h>

#include "base/assert.h"
#include "base/list.h"
#include "base/map.h"
#include "engine/action.h"

#define HF_FLEET_FUNCTION_MAGIC HF_MAGIC('f', 'f', 'u', 'n')
#define HF_FLEET_INSTANCE_MAGIC HF_MAGIC('f', 'i', 'n', 's')

struct hf_fleet;
struct hf_share;
struct hf_text;

struct hf_fleet_settings {
    uint32_t max_instances_per_worker; /* of one function; 0: no limit */
    uint32_t max_starting_per_worker;  /* of all functions at once; 0: no limit */
    uint64_t backoff_min_ns;           /* after a first failed start of a function on a worker */
    uint64_t backoff_max_ns;           /* doubled up to this; the last half of it is random */
    size_t instance_size; /* of the role's record, which begins with a hf_fleet_instance and is
                           * zeroed behind it; 0: it has none of its own */
};

/* What a leaf knows of a worker. */
struct hf_worker_info {
    const char *id;         /* lives as long as the worker is there */
    uint64_t memory_bytes;  /* capacity; 0: not known, no limit */
    uint64_t cpu_millis;    /* capacity in thousandths of a core, times what overcommitment is
                             * wanted; 0: not known, no limit */
    uint32_t max_instances; /* of all functions; 0: no limit */
    bool draining;          /* takes no new instances */
};

/* What a worker reports of itself, see hf_worker. */
struct hf_worker_load {
    uint32_t load_millis;
    uint64_t disk_bytes;
    uint64_t disk_used_bytes;
    uint64_t reported_ns;
};

/* Embedded in the role's record of a worker, which may outlive its connection. */
struct hf_fleet_worker {
    struct hf_worker base;    /* as schedulers see it; without a handle while it is not there */
    struct hf_list instances; /* of hf_fleet_instance.of_worker */
    struct hf_list idle;      /* of hf_fleet_instance.idle: READY ones without a call */
    struct hf_map shares;     /* what it holds of each function */
    struct hf_map images;     /* that it has, as far as it said or ran them */
    uint64_t leaving_memory;  /* of instances that drain or stop, in `base` as long as they do */
    uint64_t leaving_cpu;
    uint32_t leaving;
    uint32_t max_instances; /* of all functions; 0: no limit */
};

#define HF_INSTANCE_STATES(STATE)                                                                  \
    STATE(HF_INSTANCE_STARTING, "starting") /* the worker was or will be told to start it */       \
    STATE(HF_INSTANCE_READY, "ready")       /* takes calls */                                      \
    STATE(HF_INSTANCE_DRAINING, "draining") /* finishes its calls */                               \
    STATE(HF_INSTANCE_STOPPING, "stopping") /* the worker was or will be told to stop it */        \
    STATE(HF_INSTANCE_GONE, "gone")         /* DROP gives the record to the role */

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
    uint32_t magic;
    struct hf_list of_worker;
    struct hf_list of_function;         /* in the list of its state, oldest there first */
    struct hf_list to_act;              /* in the fleet's list of pending actions */
    struct hf_list idle;                /* in its worker's */
    struct hf_fleet_worker *worker;     /* NULL once GONE */
    struct hf_fleet_function *function; /* NULL once DROP was given out */
    struct hf_share *share;  /* where it counts for the limit per worker; NULL: nowhere */
    struct hf_handle handle; /* as scalers see it */
    uint64_t since_ns;       /* when it entered its state */
    uint64_t start_ns;       /* how long its start took; 0: not known */
    uint64_t idle_since_ns;  /* when its last call ended, or it became ready */
    uint64_t uses;           /* calls that it was given */
    uint64_t memory_bytes;
    uint64_t cpu_millis;
    uint64_t number;    /* counts all instances of this fleet; stands in logs and start ids */
    uint32_t in_flight; /* calls, when its pool's load was last asked */
    uint8_t state;      /* enum hf_instance_state */
    uint8_t action;     /* enum hf_scale_kind to be given out; 0: none */
    bool obsolete;      /* of an older revision, or to be moved: goes when another is ready */
    bool leaving;       /* goes as soon as it is idle, too */
};

/* A function that is not cold: what the fleet holds of it. */
struct hf_fleet_function {
    uint32_t magic;
    const struct hf_function *spec; /* borrowed from the caller, see autoscale.h */
    void *scheduler_state;
    struct hf_list shares; /* of the workers that hold something of it */
    struct hf_list instances[HF_INSTANCE_STATE_COUNT]; /* of hf_fleet_instance.of_function */
    uint32_t count[HF_INSTANCE_STATE_COUNT];
    uint32_t obsolete[HF_INSTANCE_STATE_COUNT]; /* those of `count` that are so */
    uint32_t leaving;                           /* READY ones that are so */
    uint64_t uses;                              /* calls of instances that serve or drain */
};

/* Makes a fleet without workers that places with `scheduler`.  Both are borrowed.  NULL if memory
 * is exhausted. */
struct hf_fleet *hf_fleet_new(const struct hf_fleet_settings *settings,
                              const struct hf_scheduler_ops *ops, struct hf_scheduler *scheduler,
                              uint64_t seed);

/* Removes its workers and frees it; all functions must have been removed.  NULL is allowed. */
void hf_fleet_free(struct hf_fleet *fleet);

/* Appends what the scheduler holds, and how many of its answers were of no use. */
void hf_fleet_show(const struct hf_fleet *fleet, struct hf_text *out);

/* --- workers (fleet.c) --------------------------------------------------------------------- */

/* Sets up and gives up the record of a worker, which is not there then. */
void hf_fleet_worker_init(struct hf_fleet_worker *worker);
void hf_fleet_worker_fini(struct hf_fleet_worker *worker);

static inline bool
hf_fleet_worker_is_there(const struct hf_fleet_worker *worker)
{
    return worker->base.handle.generation != 0;
}

/* A worker is connected.  HF_EEXISTS if there is one with that id, HF_ENOMEM, or the scheduler's
 * own refusal. */
int hf_fleet_add_worker(struct hf_fleet *fleet, struct hf_fleet_worker *worker,
                        const struct hf_worker_info *info, uint64_t now_ns);
void hf_fleet_change_worker(struct hf_fleet *fleet, struct hf_fleet_worker *worker,
                            const struct hf_worker_info *info, uint64_t now_ns);

/* It has reported its load; while it is there. */
void hf_fleet_note_worker_load(struct hf_fleet_worker *worker, const struct hf_worker_load *load);

/* It is not there any more; its instances must have been lost. */
void hf_fleet_remove_worker(struct hf_fleet *fleet, struct hf_fleet_worker *worker);

/* Whether it has an image.  Forgotten by `hf_fleet_forget_images`, and not when it is lost.
 * Without memory the image stays unknown. */
void hf_fleet_set_image(struct hf_fleet_worker *worker, const char *image, bool present);
void hf_fleet_forget_images(struct hf_fleet_worker *worker);

/* Workers that may take new instances. */
uint32_t hf_fleet_usable_workers(const struct hf_fleet *fleet);

/* Whether one of them has not reached a limit that holds whatever the function is. */
bool hf_fleet_is_open(const struct hf_fleet *fleet);

/* Appends why no worker can take one more instance of the function now, for people: how many
 * workers stand in which way, and what is missing. */
void hf_fleet_explain(const struct hf_fleet *fleet, const struct hf_fleet_function *function,
                      uint64_t now_ns, struct hf_text *out);

/* When the first worker may be asked again after failed starts; UINT64_MAX: all may be now. */
uint64_t hf_fleet_retry_ns(const struct hf_fleet_function *function, uint64_t now_ns);

/* Forgets that starts failed. */
void hf_fleet_forgive(struct hf_fleet_function *function);

/* Answers of the scheduler that were not feasible. */
uint64_t hf_fleet_invalid_picks(const struct hf_fleet *fleet);

/* What a worker lacks for one more instance. */
struct hf_fleet_need {
    struct hf_fleet_worker *worker;
    uint64_t memory_bytes;
    uint64_t cpu_millis;
    uint32_t instances;
};

/* The next worker from `*cursor` (begin with 0) on that nothing but room keeps from taking an
 * instance of the function: what it lacks beside what drains or stops there.  False: no other. */
bool hf_fleet_next_full(const struct hf_fleet *fleet, const struct hf_fleet_function *function,
                        uint64_t now_ns, uint32_t *cursor, struct hf_fleet_need *ret);

/* --- functions and instances (instance.c) -------------------------------------------------- */

/* Sets up the fleet's part of a function.  `scheduler_state`: the policy's room, zeroed. */
void hf_fleet_function_init(struct hf_fleet_function *function, const struct hf_function *spec,
                            void *scheduler_state);

/* Forgets it and the failures of its starts; it has no instances left. */
void hf_fleet_function_fini(struct hf_fleet_function *function);

/* All instances of a function that are not GONE. */
uint32_t hf_fleet_instances(const struct hf_fleet_function *function);

/*
 * Lets the scheduler pick workers for up to `count` more instances and reserves for them: each is
 * STARTING, and START follows.  Says in `*ret` how many.  0: all, or why there are not more:
 * HF_ENOTFOUND     no worker is connected and takes instances
 * HF_EFULL         none has room
 * HF_EUNAVAILABLE  those that might have room wait after failed starts, see `hf_fleet_retry_ns`
 * HF_ENOMEM
 */
int hf_fleet_start(struct hf_fleet *fleet, struct hf_fleet_function *function, uint32_t count,
                   uint64_t now_ns, uint32_t *ret);

/* Books an instance that runs already, from before this leaf started: READY, ADMIT follows.  Never
 * refused for lack of room.  0 or HF_ENOMEM. */
int hf_fleet_adopt(struct hf_fleet *fleet, struct hf_fleet_function *function,
                   struct hf_fleet_worker *worker, uint64_t now_ns, struct hf_fleet_instance **ret);

/* STARTING -> READY: its start succeeded, which confirms the pick.  What follows is for the caller
 * to say: `hf_fleet_admit` or `hf_fleet_stop`. */
void hf_fleet_ready(struct hf_fleet *fleet, struct hf_fleet_instance *instance, uint64_t now_ns);
void hf_fleet_admit(struct hf_fleet *fleet, struct hf_fleet_instance *instance);

/* READY -> DRAINING, and DRAIN follows; one that its pool has not been given yet is stopped. */
void hf_fleet_drain(struct hf_fleet *fleet, struct hf_fleet_instance *instance, uint64_t now_ns);

/* -> STOPPING, and STOP follows. */
void hf_fleet_stop(struct hf_fleet *fleet, struct hf_fleet_instance *instance, uint64_t now_ns);

/* -> GONE, and DROP follows: off its worker, with what was reserved there; a pick without a start
 * is rolled back.  `blame`: this worker is not asked again for the function until a pause is over,
 * which doubles with each failure. */
void hf_fleet_lose(struct hf_fleet *fleet, struct hf_fleet_instance *instance, bool blame,
                   uint64_t now_ns);

/* A READY instance turned out to be useless: the same pause, while it is still there. */
void hf_fleet_blame(struct hf_fleet *fleet, struct hf_fleet_instance *instance, uint64_t now_ns);

/* A READY instance has lived long enough: earlier failures on its worker are forgotten. */
void hf_fleet_proved(struct hf_fleet_instance *instance);

/* Makes it obsolete, which means also that it does not count for the limit of instances per worker
 * any more, so that its successor may start beside it. */
void hf_fleet_outdate(struct hf_fleet_instance *instance);

/* Makes a READY instance obsolete, and LEAVE follows. */
void hf_fleet_leave(struct hf_fleet *fleet, struct hf_fleet_instance *instance);

/* Its pool was asked: how many calls it has, has had, and when the last one ended. */
void hf_fleet_note_load(struct hf_fleet_instance *instance, uint32_t in_flight, uint64_t uses,
                        uint64_t idle_since_ns);

/* Takes the next action about an instance; false: there is none. */
bool hf_fleet_next(struct hf_fleet *fleet, struct hf_scale_action *ret);

/* Frees one that was dropped. */
void hf_fleet_instance_free(struct hf_fleet_instance *instance);

#endif
