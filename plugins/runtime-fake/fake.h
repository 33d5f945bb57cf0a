/*
 * fake.h - the runtime "fake": what it holds, its instances and their calls.
 */
#ifndef HF_RUNTIME_FAKE_FAKE_H
#define HF_RUNTIME_FAKE_FAKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <hyperfaas/runtime.h>

#include "../kit/image.h"
#include "schedule.h"

/* Room for an instance's id (12 hexadecimal digits), name and address. */
#define INSTANCE_ID_SIZE 13
#define NAME_SIZE        96
#define ADDRESS_SIZE     24

/* Where numbers come from: the host's sequence, or one of our own by a seed. */
struct chance {
    const struct hf_driver_host *driver;
    bool seeded;
    uint64_t state;
};

enum distribution { DISTRIBUTION_FIXED, DISTRIBUTION_EXPONENTIAL, DISTRIBUTION_LOGNORMAL };

/* From the options. */
struct settings {
    uint64_t start_delay;
    enum distribution start_distribution;
    double start_spread;
    double start_failure;
    double call_failure;
    double crash;
    uint64_t service_time;
    double service_sigma;
    uint64_t memory; /* bytes for instances; 0: any */
    uint64_t cpu;    /* thousandths of a processor; 0: any */
    uint64_t max_instances;
    bool any_image;
};

struct hf_runtime {
    const struct hf_driver_host *driver;
    const struct hf_host *host;
    const struct hf_runtime_events *events;
    void *events_arg;
    struct settings settings;
    struct chance chance;
    struct schedule *schedule;
    struct hf_host_listener *listener; /* NULL while the runtime is being destroyed */
    uint16_t port;

    /* Instances by the number that is in their address and id. */
    struct instance **slots;
    uint32_t n_slots; /* ever used */
    uint32_t slots_size;
    uint32_t *freed; /* numbers to be used again, a ring, oldest first */
    uint32_t freed_first, n_freed, freed_size;

    uint32_t n_instances;
    uint64_t used_memory, used_cpu;
    uint64_t started, ended, calls;
};

enum instance_state {
    INSTANCE_STARTING, /* its start has not been answered yet */
    INSTANCE_RUNNING,
    INSTANCE_STOPPING /* its calls are ending */
};

struct instance {
    struct hf_runtime *runtime;
    const struct model *model;
    uint64_t number; /* its id: chance above, the slot below */
    enum instance_state state;
    struct hf_runtime_op *start; /* while it is under way */
    struct call *calls;
    struct stop *stops;
    uint64_t memory, cpu; /* what it takes of the capacity */
    const char *owner_id; /* points into `texts` */
    const char *image;
    char texts[]; /* function id, owner id, image */
};

/* --- random.c: chance, from one sequence of numbers that a seed repeats --- */

uint64_t chance_next(struct chance *);

/* True in `probability` of all cases; takes no number for 0. */
bool chance_happens(struct chance *, double probability);

/* The distribution of that name: fixed, exponential, lognormal. */
enum distribution distribution_of(const char *name);

/*
 * A time with the given mean.  `sigma` is the standard deviation of the
 * logarithm of a lognormal one; others don't use it.
 */
uint64_t chance_time(struct chance *, enum distribution, uint64_t mean_ns, double sigma);

/* --- table.c: slots, addresses, ids --- */

/* Gives an instance a slot and its number; false if there is none. */
bool table_add(struct hf_runtime *, struct instance *);
void table_remove(struct hf_runtime *, struct instance *);

/* The instance of an id or of an address ("IP:PORT"); NULL if there is none. */
struct instance *table_find_id(const struct hf_runtime *, const char *id);
struct instance *table_find_address(const struct hf_runtime *, const char *address);

void table_write_id(const struct instance *, char id[INSTANCE_ID_SIZE]);
void table_write_address(const struct instance *, char address[ADDRESS_SIZE]);

void table_free(struct hf_runtime *);

/* --- instance.c --- */

int fake_start(struct hf_runtime *, const struct hf_instance_spec *, uint64_t timeout_ns,
               hf_runtime_done_fn *done, void *arg, struct hf_runtime_op **ret, struct hf_err *err);
int fake_stop(struct hf_runtime *, const char *instance_id, uint64_t grace_ns,
              hf_runtime_done_fn *done, void *arg, struct hf_err *err);
void fake_cancel(struct hf_runtime *, struct hf_runtime_op *);

/* An instance's description, with room for its texts. */
struct description {
    struct hf_instance_info info;
    char id[INSTANCE_ID_SIZE];
    char name[NAME_SIZE];
    char address[ADDRESS_SIZE];
};

void instance_describe(const struct instance *, struct description *);

/* It ends by itself, as by a signal. */
void instance_crash(struct instance *, const char *why);
/* A call of it has ended. */
void instance_call_ended(struct instance *);
/* Ends it at once without telling anyone but those who stop it. */
void instance_destroy(struct instance *);

/* --- service.c: calls --- */

struct call {
    struct hf_runtime *runtime;
    struct instance *instance; /* NULL once it has gone */
    struct call *next, **link; /* in the instance's list */
    struct hf_host_call *host_call;
    struct due due;
    uint8_t *request; /* a copy, once it has come */
    size_t len;
    bool received;
    bool answered;
};

extern const struct hf_host_service fake_service;
extern const struct hf_host_service_options fake_service_options;

/* Sends one reply whose field 1 is `data`, or `data` itself if `raw`, and ends the call. */
void call_reply(struct call *, const void *data, size_t len, bool raw);
/* Ends the call with a status other than OK. */
void call_fail(struct call *, uint32_t grpc_status, const char *message);
/* Has `run` run later, unless the call ends before. */
void call_wait(struct call *, uint64_t delay_ns, void (*run)(struct due *, int code));
struct call *call_of(struct due *);
/* The instance has gone: its calls do nothing any more. */
void calls_detach(struct instance *);

#endif
