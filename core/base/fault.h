/*
 * fault.h - named places that can be told to fail, while the program runs.
 *
 *     HF_FAULT_POINT(worker_start, "worker.start", "Starting an instance fails.");
 *
 *     if (hf_fault(&worker_start)) {
 *         return hf_fail(err, HF_EUNAVAILABLE, "fault worker.start was set");
 *     }
 *
 * A point that is not set costs one load and one predictable branch.
 */
#ifndef HF_BASE_FAULT_H
#define HF_BASE_FAULT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macros.h"

struct hf_err;
struct hf_text;

struct hf_fault_point {
    const char *name; /* "module.step" */
    const char *help;
    _Atomic bool armed;
    double probability; /* the rest is guarded by the registry's mutex */
    uint64_t skip;      /* occasions to let pass */
    uint64_t count;     /* occasions to fail after that; UINT64_MAX: all */
    uint64_t hits;      /* how often it failed */
    struct hf_fault_point *next;
};

/* Defines a point of this file, registered before main. */
#define HF_FAULT_POINT(id, name_, help_)                                                           \
    static struct hf_fault_point id = { .name = (name_), .help = (help_) };                        \
    __attribute__((constructor)) static void id##_register(void)                                   \
    {                                                                                              \
        hf_fault_register(&id);                                                                    \
    }                                                                                              \
    struct hf_fault_point /* swallows the semicolon */

void hf_fault_register(struct hf_fault_point *point);

/* Decides for a point that is armed. */
bool hf_fault_decide(struct hf_fault_point *point);

/* Whether to fail here and now.  Any thread. */
static inline bool
hf_fault(struct hf_fault_point *point)
{
    return hf_unlikely(atomic_load_explicit(&point->armed, memory_order_relaxed)) &&
           hf_fault_decide(point);
}

/*
 * Tells a point what to do:
 *
 *     off                 never fails
 *     always              fails every time
 *     probability 0.1     fails one time in ten
 *     count 3             fails the next three times
 *     skip 2              lets two pass, then fails every time
 *     skip 2,1            lets two pass, then fails once
 *
 * HF_ENOTFOUND lists the points there are, HF_EINVALID says what may be written.
 */
int hf_fault_set(const char *name, const char *what, struct hf_err *err);

/* Switches all off. */
void hf_fault_clear(void);

/* Begins the sequence of random decisions anew. */
void hf_fault_seed(uint64_t seed);

/* One line for each point: name, setting, how often it failed, help. */
void hf_fault_show(struct hf_text *out);

#endif
