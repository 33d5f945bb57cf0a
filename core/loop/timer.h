/*
 * timer.h - one-shot timers, embedded, by the thousand.
 *
 * A loop keeps one heap of timers for real time and one for policy time, which
 * tests stop and warp (base/clock.h).  Moving a timer to later, as idle limits do
 * with every use, only writes its new time; the heap learns of it when the old
 * time comes.  All functions on the loop's thread.
 */
#ifndef HF_LOOP_TIMER_H
#define HF_LOOP_TIMER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/heap.h"
#include "loop/loop.h"

/* Which time a timer follows. */
enum hf_timer_kind {
    HF_TIMER_REAL,  /* I/O limits: connects, deadlines of calls, keep-alive */
    HF_TIMER_POLICY /* idle times, scaling, backoff: stops and warps */
};

struct hf_timer {
    void (*run)(struct hf_timer *timer);
    struct hf_loop *loop;
    uint64_t due_ns;          /* when it runs; 0: not set */
    struct hf_heap_node node; /* its key is never after `due_ns`; of equal ones the first that was
                               * set comes first */
    uint32_t kind;            /* enum hf_timer_kind */
};

/* Sets up a timer that is not set.  Allocates nothing. */
void hf_timer_init(struct hf_timer *timer, struct hf_loop *loop, enum hf_timer_kind kind,
                   void (*run)(struct hf_timer *));

/* Runs it once, `delay_ns` from now, replacing what was set.  Timers run in the
 * order of their times, never before `set` returned. */
void hf_timer_set(struct hf_timer *timer, uint64_t delay_ns);

/* The same at a point of its clock: `hf_loop_now` or `hf_loop_policy_now`. */
void hf_timer_set_at(struct hf_timer *timer, uint64_t due_ns);

/* It will not run; harmless if it is not set. */
void hf_timer_cancel(struct hf_timer *timer);

bool hf_timer_is_set(const struct hf_timer *timer);

/* Cancels and forgets; required before its memory goes. */
void hf_timer_fini(struct hf_timer *timer);

#endif
