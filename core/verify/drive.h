/*
 * drive.h - driving a module of one kind: the questions that a node would ask it, in an invented
 * world.
 *
 * A world is opened, makes steps, and is closed; all that happens in it comes from its seed.
 * Whatever the module does against the contract of its kind ends the process by hf_probe_fail().
 */
#ifndef HF_VERIFY_DRIVE_H
#define HF_VERIFY_DRIVE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/random.h"
#include "plugin/module.h"
#include "verify/probe.h"

struct hf_options;

/* How a module is driven. */
struct hf_drive {
    const struct hf_module *module;
    const struct hf_options *options;
    struct hf_probe *probe;
    bool may_refuse; /* `create` and what else may fail is allowed to */
    bool quiet;      /* its decisions are not compared with those of another run */
    bool wild; /* the numbers of the world are zeros, the largest there are, and some others */
};

/* A story of its own. */
struct hf_script {
    const char *name;
    void (*run)(struct hf_drive *drive);
};

struct hf_kind_drive {
    uint32_t kind;

    /* A world with one instance of the module; NULL: the module refused to be made, as it may. */
    void *(*open)(struct hf_drive *drive, uint64_t seed);
    void (*step)(void *world);
    void (*close)(void *world);

    void (*destroy_nothing)(struct hf_drive *drive);

    /* Nanoseconds of processor time that a decision among so many takes; `*ret_what` is which. */
    uint64_t (*crowd)(struct hf_drive *drive, uint32_t candidates, const char **ret_what);

    const struct hf_script *scripts; /* ends with a row without name */
    uint32_t (*state_size)(const struct hf_module *module);
};

extern const struct hf_kind_drive hf_drive_lb;
extern const struct hf_kind_drive hf_drive_scheduler;
extern const struct hf_kind_drive hf_drive_scaler;

/* --- crowd.c */

uint64_t hf_crowd_lb(struct hf_drive *drive, uint32_t candidates, const char **ret_what);
uint64_t hf_crowd_scheduler(struct hf_drive *drive, uint32_t candidates, const char **ret_what);
uint64_t hf_crowd_scaler(struct hf_drive *drive, uint32_t candidates, const char **ret_what);

/* --- drive.c: what the kinds share */

/* What `create` answered: true if there is an instance, false if the module refused as it may. */
bool hf_drive_created(struct hf_drive *drive, int code, const void *instance,
                      const struct hf_err *err);

/* A decision was made. */
void hf_drive_decided(struct hf_drive *drive, uint64_t value);

/* A call is over that must not allocate; `before` is the count of allocations before it. */
void hf_drive_allocated_nothing(struct hf_drive *drive, uint64_t before);

/* Where a policy says why it decided so: zeroed, or NULL for one that names no reasons. */
struct hf_decision *hf_drive_decision(struct hf_decision *decision, uint32_t reason_count);

/* What `show` wrote. */
void hf_drive_shown(struct hf_drive *drive, const struct hf_text *text);

/* The room of something was written beside. */
_Noreturn void hf_drive_overrun(struct hf_drive *drive);

/* In a wild world one of 0, 1, the largest and any; else a number below `limit`. */
uint64_t hf_drive_number(const struct hf_drive *drive, struct hf_random *random, uint64_t limit,
                         uint64_t largest);

/* Moves the clock on. */
void hf_drive_pass(const struct hf_drive *drive, struct hf_random *random, uint64_t *now_ns);

/* Nanoseconds of processor time of this process. */
uint64_t hf_drive_cpu_ns(void);

#endif
