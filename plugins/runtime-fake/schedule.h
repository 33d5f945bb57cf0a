/*
 * schedule.h - what happens later, on the policy clock: any number of things
 * with one timer of the host, as a binary heap.
 */
#ifndef HF_RUNTIME_FAKE_SCHEDULE_H
#define HF_RUNTIME_FAKE_SCHEDULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <hyperfaas/host.h>

struct schedule;

/* Something due; embedded in what it is about.  All zero: not scheduled. */
struct due {
    uint64_t time;  /* of the policy clock */
    uint64_t order; /* equal times keep their order */
    size_t place;   /* in the heap, from 1; 0: not scheduled */
    /* Runs once, no longer scheduled: `code` is 0, or HF_ECANCELLED at the end of all. */
    void (*run)(struct due *, int code);
};

/* NULL if memory is exhausted. */
struct schedule *schedule_new(const struct hf_driver_host *);
/* Runs all that is scheduled with HF_ECANCELLED, then frees.  NULL is allowed. */
void schedule_free(struct schedule *);

/* Has `run` run `delay_ns` from now, never before the loop has turned.  False if
 * memory is exhausted. */
bool schedule_add(struct schedule *, struct due *, uint64_t delay_ns,
                  void (*run)(struct due *, int code));
/* Has it not run; harmless if it is not scheduled. */
void schedule_remove(struct schedule *, struct due *);

#endif
