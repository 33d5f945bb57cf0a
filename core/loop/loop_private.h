/*
 * loop_private.h - what a loop consists of, for the files of this folder only.
 */
#ifndef HF_LOOP_LOOP_PRIVATE_H
#define HF_LOOP_LOOP_PRIVATE_H

#include <stdatomic.h>

#include <event2/event.h>
#include <event2/event_struct.h>

#include "base/clock.h"
#include "loop/loop.h"
#include "loop/timer.h"

struct hf_timer_heap {
    struct hf_heap heap; /* of hf_timer.node */
    uint64_t next_order;
};

/* The loop's timers of both kinds behind one timerfd. */
struct hf_timers {
    struct hf_timer_heap real;
    struct hf_timer_heap policy;
    struct hf_clock *clock; /* NULL: policy time is real time */
    int fd;
    struct event expired;
    uint64_t armed_ns;      /* real time when `fd` expires; UINT64_MAX: never */
    uint64_t policy_key_ns; /* the earliest policy timer that `armed_ns` took into account */
};

struct hf_loop {
    struct event_base *base;
    char *name;
    uint64_t now_ns; /* 0: not read in this turn */
    struct hf_timers timers;

    struct hf_deferred deferred; /* head of the ring */
    unsigned int handled;        /* descriptors since deferred work last ran */

    _Atomic(struct hf_task *) posted; /* newest first */
    atomic_bool stopping;
    atomic_bool clock_changed;
    struct hf_clock_listener clock_listener;
    bool posted_here; /* by the loop's own thread: nobody will wake us */
    int wake_fd;
    struct event woken;

    _Atomic int64_t load;

    /* For the watchdog: odd in the middle of a turn, even while it waits; grows with each function
     * that the loop calls. */
    _Atomic uint64_t progress;
    _Atomic int tid; /* of the thread that ran it last */
};

/* The loop is about to call a function: of a descriptor, a timer, a task. */
static inline void
hf_loop_note_progress(struct hf_loop *loop)
{
    uint64_t progress = atomic_load_explicit(&loop->progress, memory_order_relaxed);

    /* Only its own thread writes it. */
    atomic_store_explicit(&loop->progress, progress + 1 + (progress & 1), memory_order_relaxed);
}

/* It is about to wait. */
static inline void
hf_loop_note_rest(struct hf_loop *loop)
{
    uint64_t progress = atomic_load_explicit(&loop->progress, memory_order_relaxed);

    atomic_store_explicit(&loop->progress, progress + (progress & 1), memory_order_relaxed);
}

/* A descriptor's function has returned: time to run what was deferred? */
void hf_loop_handled(struct hf_loop *loop);

int hf_timers_init(struct hf_loop *loop, struct hf_err *err);
void hf_timers_fini(struct hf_loop *loop);

/* Sees to it that the loop wakes for its earliest timer; returns whether one is
 * due already. */
bool hf_timers_arm(struct hf_loop *loop);

/* Runs what is due. */
void hf_timers_run(struct hf_loop *loop);

/* The policy clock no longer is what `arm` believed. */
void hf_timers_clock_changed(struct hf_loop *loop);

#endif
