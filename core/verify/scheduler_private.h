/*
 * scheduler_private.h - the invented world of a placement policy, as scheduler.c and
 * scheduler_world.c share it.
 */
#ifndef HF_VERIFY_SCHEDULER_PRIVATE_H
#define HF_VERIFY_SCHEDULER_PRIVATE_H

#include <hyperfaas/scheduler.h>

#include "verify/drive.h"
#include "verify/rooms.h"

#define WORKERS    20
#define FUNCTIONS  6
#define INSTANCES  120
#define AT_ONCE    8 /* instances that are asked for together */
#define PER_WORKER 4 /* of one function */

struct fleet_worker {
    struct hf_worker base;
    char id[8];
    bool paused; /* after failed starts: only `feasible` knows */
    uint32_t share[FUNCTIONS];
};

struct fleet_function {
    struct hf_function spec;
    char id[8];
    void *state;
    uint32_t instances;
};

struct fleet_instance {
    bool there;
    bool starting;
    uint32_t function;
    struct hf_handle worker; /* which may have gone */
};

struct fleet_world {
    struct hf_drive *drive;
    const struct hf_scheduler_ops *ops;
    struct hf_scheduler *scheduler;
    struct hf_random random;
    struct hf_rooms worker_rooms;
    struct hf_rooms state_rooms;
    struct hf_fence list;
    struct hf_fence answers;
    struct fleet_worker *workers[WORKERS]; /* by index; NULL: there is none */
    uint32_t worker_count;
    struct fleet_function functions[FUNCTIONS];
    struct fleet_instance instances[INSTANCES];
    uint32_t instance_count;
    uint32_t generation;
    uint64_t now_ns;
    struct hf_decision decision;
};

/* --- scheduler.c */

/* The worker of a handle; NULL: it has gone. */
struct fleet_worker *hf_place_find(struct fleet_world *w, struct hf_handle handle);

/* A question was answered; `function` is whom it was about, or NULL. */
void hf_place_answered(struct fleet_world *w, const struct fleet_function *function);

/* Tell the policy of an event, if it wants to hear of it. */
void hf_place_tell_worker(struct fleet_world *w, const char *operation,
                          void (*event)(struct hf_scheduler *, const struct hf_worker *),
                          const struct fleet_worker *worker);
void hf_place_tell_end(struct fleet_world *w, const char *operation,
                       void (*event)(struct hf_scheduler *, const struct hf_function *,
                                     struct hf_handle),
                       uint32_t f, struct hf_handle worker);

/* Ask for a worker, or several, and place instances there. */
void hf_place_pick(struct fleet_world *w, uint32_t f);
void hf_place_pick_many(struct fleet_world *w, uint32_t f, uint32_t count);

/* Asks what the policy holds. */
void hf_place_show(struct fleet_world *w);

#endif
