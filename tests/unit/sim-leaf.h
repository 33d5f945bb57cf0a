/*
 * sim-leaf.h - a leaf in virtual time, for tests of the autoscaler.
 *
 * It does what the real leaf does with the engine: gives calls to pools, tells
 * the autoscaler, performs its actions.  Workers, instances and calls are
 * events on a virtual clock.  Everything that happens is written to a log, so
 * that two runs can be compared.
 */
#ifndef HF_UNIT_SIM_LEAF_H
#define HF_UNIT_SIM_LEAF_H

#include "base/random.h"
#include "base/text.h"
#include "engine/autoscale.h"

#define SIM_FUNCTIONS 64
#define SIM_WORKERS   16

struct sim;
struct sim_event;

struct sim_function;

/* What the simulated leaf keeps behind the engine's records. */
struct sim_active {
    struct hf_scaled scaled;
    struct sim_function *function;
};

struct sim_instance {
    struct hf_fleet_instance fleet;
    struct hf_pool_endpoint *endpoint; /* NULL: not in the pool */
};

struct sim_endpoint {
    struct hf_pool_endpoint base;
    struct hf_fleet_instance *instance; /* NULL: lost to the leaf */
};

struct sim_function {
    struct sim *sim;
    struct hf_function spec;
    char id[16];
    struct hf_pool *pool;             /* NULL: cold */
    struct hf_fleet_function *active; /* NULL: cold */
    bool broken;                      /* its starts fail */
    bool deleted;
    uint32_t colds;   /* how often it went cold */
    uint32_t refused; /* calls */
    uint32_t done;    /* calls answered */
    uint32_t cut;     /* calls whose instance went away */
    enum hf_failure last_refusal;
    char reason[256];
};

struct sim_worker {
    struct hf_fleet_worker fleet; /* there while it is connected */
    char id[16];
    bool broken; /* starts on it fail */
    bool full;   /* it refuses starts */
};

struct sim {
    struct hf_autoscaler *autoscaler;
    struct hf_pool_settings pool_settings;
    struct hf_random random;
    struct hf_list events; /* sorted by time, then order of making */
    struct hf_list calls;
    struct sim_function functions[SIM_FUNCTIONS];
    struct sim_worker workers[SIM_WORKERS];
    struct hf_text log;
    uint64_t now;
    uint64_t start_ns; /* how long a start takes */
    uint64_t stop_ns;
    bool calls_survive; /* calls go on at instances that are lost to the leaf */
    uint32_t starts;    /* START actions */
    uint32_t demands;   /* times that a call that came had the autoscaler look */
    uint32_t looks;     /* at functions: times that the load of a pool was asked for */
    uint32_t stops;     /* STOP actions */
    uint32_t instances; /* that are not dropped */
    uint32_t admitted;  /* now in pools */
    uint32_t admitted_most;
};

/* What tests choose of the double of a scaler: `ceil(calls / concurrency)`, idle timeout. */
struct sim_scaler {
    uint64_t tick_ns;          /* 0: one second */
    uint64_t keep_ns;          /* answer of on_idle; UINT64_MAX: as the ticks say */
    uint64_t prewarm_ns;       /* answer of on_idle */
    uint64_t looks;            /* how often the policy was asked anything */
    uint32_t least;            /* instances of a function that is not cold */
    uint64_t random;           /* what it was given at the last tick */
    struct hf_scale_view seen; /* what it saw when it was asked last how many there should be */

    /* Victims. */
    enum { SIM_REFUSE, SIM_ALL, SIM_WRONG } victims;
    uint64_t asked;          /* how often */
    uint64_t need_bytes;     /* at the last time */
    struct hf_victim victim; /* the first that was offered then */
    uint32_t offered;
};

extern struct sim_scaler sim_scaler;

/* The same of a scheduler: the first feasible worker. */
struct sim_scheduler {
    bool wrong; /* it names a worker that is not there */

    /* What it saw at the last pick, of the first worker. */
    struct hf_worker worker;
    struct hf_worker_share share;
    uint32_t most_at_once; /* instances that it was asked for */
};

extern struct sim_scheduler sim_scheduler;

extern const struct hf_scaler_ops sim_scaler_ops;
extern const struct hf_scheduler_ops sim_scheduler_ops;

/* Settings that tests begin with: a room wait of 5 s, backoff from 100 ms to 10 s, three attempts,
 * four instances per worker, drain limit 30 s. */
struct hf_autoscale_settings sim_settings(void);

void sim_init(struct sim *sim, const struct hf_autoscale_settings *settings, uint64_t seed);
void sim_fini(struct sim *sim);

/* Function `i`: concurrency and idle timeout; other limits are 0. */
struct sim_function *sim_function(struct sim *sim, int i, uint32_t concurrency, uint64_t idle_ns);

/* Connects worker `i` with room for that much memory (0: no limit), or loses it. */
void sim_worker_up(struct sim *sim, int i, uint64_t memory);
void sim_worker_down(struct sim *sim, int i);
void sim_worker_draining(struct sim *sim, int i, bool draining);

/* `count` calls arrive now and take that long each. */
void sim_call(struct sim_function *function, uint32_t count, uint64_t duration_ns);

/* Updates and deletes. */
void sim_update(struct sim_function *function, uint32_t concurrency, bool outdated);
void sim_delete(struct sim_function *function);

/* One READY instance of the function dies by itself. */
void sim_crash(struct sim_function *function);

/* The connections of one READY instance fail; whether it has served a call. */
void sim_unreachable(struct sim_function *function, bool served);

/* Lets time pass. */
void sim_run(struct sim *sim, uint64_t ns);

/* How many instances are in that state. */
static inline uint32_t
sim_count(const struct sim_function *function, enum hf_instance_state state)
{
    return function->active ? function->active->count[state] : 0;
}

#endif
