/*
 * loop.h - one thread's event loop.
 *
 * Everything that waits for something does so on a loop: descriptors (watch.h),
 * time (timer.h), connections (dial.h, listener.h), processes (child.h) and work
 * sent by other threads (`hf_loop_post`).  A loop runs in turns: it waits, runs
 * whatever has become ready, then runs what was deferred to the end of the turn,
 * and waits again.  Below lies libevent, without its locks: only `post`, `call`
 * and `stop` may be used from another thread.
 */
#ifndef HF_LOOP_LOOP_H
#define HF_LOOP_LOOP_H

#include <stdbool.h>
#include <stdint.h>

struct event_base;
struct hf_clock;
struct hf_err;
struct hf_loop;

/* --- life ---------------------------------------------------------------------------------- */

/* Makes a loop.  It belongs to the thread that calls `run` first; until then to
 * whoever made it.  `name` is copied. */
int hf_loop_new(const char *name, struct hf_loop **ret, struct hf_err *err);

/* Runs the tasks still posted, then frees.  Everything else that was made on the
 * loop must have been freed before.  NULL is allowed. */
void hf_loop_free(struct hf_loop *loop);

/* Runs turns until `hf_loop_stop`.  May be called again afterwards. */
void hf_loop_run(struct hf_loop *loop);

/* Runs turns until `done(arg)` is true, tested after each turn, or until
 * `timeout_ns` of real time have passed.  Returns whether `done` was true. */
bool hf_loop_run_until(struct hf_loop *loop, bool (*done)(void *arg), void *arg,
                       uint64_t timeout_ns);

/* Runs what has been posted, and what that posts, but no events and no timers: for the end of
 * something to which posted tasks refer.  The thread that runs the loop, or made it. */
void hf_loop_flush(struct hf_loop *loop);

/* Makes `run` return after the turn under way.  Any thread. */
void hf_loop_stop(struct hf_loop *loop);

/* The loop that the calling thread is running, or NULL. */
struct hf_loop *hf_loop_current(void);

/* Monotonic real time in nanoseconds, read once per turn. */
uint64_t hf_loop_now(struct hf_loop *loop);

/* For the few who hand events to another library. */
struct event_base *hf_loop_base(struct hf_loop *loop);

/* --- work from other threads --------------------------------------------------------------- */

/* A piece of work, embedded in what it works on.  It may be posted again once
 * `run` has begun, not before. */
struct hf_task {
    void (*run)(struct hf_task *task);
    struct hf_task *next; /* the loop's */
};

/* Runs `task` on the loop, in the order of posting, never before `post` returned.
 * Any thread; no lock, no allocation; one wake-up for all that is posted while the
 * loop has not yet looked. */
void hf_loop_post(struct hf_loop *loop, struct hf_task *task);

/* The same for a function and an argument; allocates.  HF_ENOMEM or 0. */
int hf_loop_call(struct hf_loop *loop, void (*fn)(void *arg), void *arg);

/* --- the end of a turn --------------------------------------------------------------------- */

/* Something to do once, after the events that are ready: gather writes, say.
 * Embedded; set up with `hf_deferred_init`. */
struct hf_deferred {
    void (*run)(struct hf_deferred *deferred);
    struct hf_deferred *next; /* the loop's */
    struct hf_deferred *prev; /* the loop's; NULL: not queued */
};

void hf_deferred_init(struct hf_deferred *deferred, void (*run)(struct hf_deferred *));

/* Queues `deferred` for the end of the turn under way; does nothing if it is
 * queued already.  A turn handles about 16 ready descriptors before it runs what
 * was deferred, so that what they touched is still in the cache. */
void hf_loop_defer(struct hf_loop *loop, struct hf_deferred *deferred);

/* Takes it back; harmless if it is not queued. */
void hf_deferred_cancel(struct hf_deferred *deferred);

/* --- what a loop carries ------------------------------------------------------------------- */

/* Load as its users count it (connections, say), for choosing among loops.  Any thread. */
void hf_loop_load_add(struct hf_loop *loop, int64_t n);
int64_t hf_loop_load(const struct hf_loop *loop);

/* The clock that the loop's HF_TIMER_POLICY timers follow; before the first of
 * them is made.  It must outlive the loop.  Without it they follow real time. */
void hf_loop_set_policy_clock(struct hf_loop *loop, struct hf_clock *clock);

/* Nanoseconds of the policy clock. */
uint64_t hf_loop_policy_now(struct hf_loop *loop);

#endif
