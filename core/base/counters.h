/*
 * counters.h - named counters, always on, for one addition each.
 *
 *     HF_COUNTER(lb_no_endpoint, "Calls that found no endpoint at all.");
 *
 *     hf_count(&lb_no_endpoint);
 *
 * Each thread adds to slots of its own; the slots are summed when somebody asks.
 * A sum read while others count is somewhere between the true values at the
 * beginning and at the end of the reading.
 */
#ifndef HF_BASE_COUNTERS_H
#define HF_BASE_COUNTERS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macros.h"

/* Counters in one process.  Slot 0 collects what has no room. */
#define HF_COUNTERS_MAX 1024

struct hf_counter {
    const char *name; /* lower case with underscores, the module first */
    const char *help; /* one sentence */
    uint32_t slot;
    struct hf_counter *next; /* in the registry */
};

/* Defines a counter of this file, registered before main. */
#define HF_COUNTER(id, help_)                                                                      \
    static struct hf_counter id = { .name = #id, .help = (help_) };                                \
    __attribute__((constructor)) static void id##_register(void)                                   \
    {                                                                                              \
        hf_counter_register(&id);                                                                  \
    }                                                                                              \
    struct hf_counter /* swallows the semicolon */

/* Adds a counter that lives as long as the process.  HF_EEXISTS, or HF_EFULL if
 * there are too many.  Any thread. */
int hf_counter_register(struct hf_counter *counter);

/* The calling thread's slots; NULL before its first addition. */
extern _Thread_local _Atomic uint64_t *hf_counter_slots;
_Atomic uint64_t *hf_counter_slots_new(void);

/* Adds `n`.  Any thread. */
static inline void
hf_count_n(const struct hf_counter *counter, uint64_t n)
{
    _Atomic uint64_t *slots = hf_counter_slots;

    if (hf_unlikely(!slots)) {
        slots = hf_counter_slots_new();
    }
    /* Only this thread writes its slots, so load and store need not be one step. */
    atomic_store_explicit(&slots[counter->slot],
                          atomic_load_explicit(&slots[counter->slot], memory_order_relaxed) + n,
                          memory_order_relaxed);
}

static inline void
hf_count(const struct hf_counter *counter)
{
    hf_count_n(counter, 1);
}

/* The sum over all threads, those that have ended too. */
uint64_t hf_counter_value(const struct hf_counter *counter);

/* By name, or NULL. */
struct hf_counter *hf_counter_find(const char *name);

/* Calls `fn` for each counter, sorted by name.  `fn` must not register counters. */
void hf_counters_visit(void (*fn)(void *arg, const struct hf_counter *counter, uint64_t value),
                       void *arg);

#endif
