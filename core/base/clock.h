/*
 * clock.h - real time, and a time that tests can stop.
 *
 * Input and output (deadlines, connects) go by real, monotonic time.  Policy
 * (idle times, windows, keep-alive) goes by a `struct hf_clock`, which runs
 * along with real time until somebody stops it, pushes it forward and lets it
 * run again.  It never goes backwards.
 */
#ifndef HF_BASE_CLOCK_H
#define HF_BASE_CLOCK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <pthread.h>

#include "base/list.h"

/* Monotonic time in nanoseconds, since some moment in the past. */
uint64_t hf_now(void);

/* Nanoseconds since 1970-01-01 UTC, for showing only: it may jump. */
uint64_t hf_wall_now(void);

/* Room for "2026-01-02T03:04:05.678Z". */
#define HF_TIMESTAMP_MAX 32

/* RFC 3339, UTC, milliseconds. */
void hf_format_timestamp(uint64_t wall_ns, char ret[static HF_TIMESTAMP_MAX]);

/* Threads: everything may be called from any, reading takes no lock. */
struct hf_clock {
    _Atomic uint32_t sequence;   /* odd while being changed */
    _Atomic uint64_t ahead_ns;   /* running: shows real time plus this, modulo 2^64 */
    _Atomic uint64_t stopped_at; /* stopped: shows this; 0: running */
    pthread_mutex_t mutex;       /* changes, listeners */
    struct hf_list listeners;
};

/* Hears that a clock was stopped, warped or resumed.  `fn` runs in the thread
 * that did it, with the clock's mutex held: it may read the clock and wake
 * somebody, nothing else. */
struct hf_clock_listener {
    struct hf_list node;
    void (*fn)(struct hf_clock_listener *listener, struct hf_clock *clock);
};

void hf_clock_init(struct hf_clock *clock);
void hf_clock_fini(struct hf_clock *clock);

/* Policy time in nanoseconds. */
uint64_t hf_clock_now(const struct hf_clock *clock);

bool hf_clock_is_stopped(const struct hf_clock *clock);

/* Real nanoseconds until the clock shows `when`: 0 if it does, UINT64_MAX while
 * it is stopped before that. */
uint64_t hf_clock_until(const struct hf_clock *clock, uint64_t when);

/* Stops it where it is; harmless if it is stopped. */
void hf_clock_stop(struct hf_clock *clock);

/* Pushes it forward, stopped or running.  The sum of all pushes stays below 500 years. */
void hf_clock_warp(struct hf_clock *clock, uint64_t ns);

/* Lets it run on from where it stands; harmless if it runs. */
void hf_clock_resume(struct hf_clock *clock);

/* The caller sets `listener->fn` before.  After `unlisten` returned it is not called again. */
void hf_clock_listen(struct hf_clock *clock, struct hf_clock_listener *listener);
void hf_clock_unlisten(struct hf_clock *clock, struct hf_clock_listener *listener);

#endif
