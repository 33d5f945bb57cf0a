/*
 * timer.c - two heaps of timers behind one timerfd.
 *
 * The descriptor is set anew only when an earlier timer appears, so that a
 * deadline that is set and cancelled with every call costs no system call.
 */
#include "loop/timer.h"

#include <errno.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/macros.h"
#include "loop/loop_private.h"

static struct hf_timer *
timer_of(struct hf_heap_node *node)
{
    return hf_container_of(node, struct hf_timer, node);
}

static void
queue(struct hf_timer_heap *heap, struct hf_timer *timer)
{
    timer->node.key = timer->due_ns;
    timer->node.order = heap->next_order++;
    hf_heap_insert(&heap->heap, &timer->node);
}

static struct hf_timer_heap *
heap_of(const struct hf_timer *timer)
{
    struct hf_timers *timers = &timer->loop->timers;

    return timer->kind == HF_TIMER_REAL ? &timers->real : &timers->policy;
}

/* --- one timer ----------------------------------------------------------------------------- */

void
hf_timer_init(struct hf_timer *timer, struct hf_loop *loop, enum hf_timer_kind kind,
              void (*run)(struct hf_timer *))
{
    *timer = (struct hf_timer){ .run = run, .loop = loop, .kind = kind };
}

void
hf_timer_set(struct hf_timer *timer, uint64_t delay_ns)
{
    struct hf_loop *loop = timer->loop;
    uint64_t now = timer->kind == HF_TIMER_REAL ? hf_loop_now(loop) : hf_loop_policy_now(loop);

    hf_timer_set_at(timer, hf_add_saturated(now, delay_ns));
}

void
hf_timer_set_at(struct hf_timer *timer, uint64_t due_ns)
{
    struct hf_timer_heap *heap = heap_of(timer);

    timer->due_ns = due_ns ? due_ns : 1;
    if (timer->node.queued && timer->due_ns > timer->node.key) {
        return; /* moved when the old time comes */
    }
    hf_heap_remove(&heap->heap, &timer->node);
    queue(heap, timer);
}

void
hf_timer_cancel(struct hf_timer *timer)
{
    hf_heap_remove(&heap_of(timer)->heap, &timer->node);
    timer->due_ns = 0;
}

bool
hf_timer_is_set(const struct hf_timer *timer)
{
    return timer->due_ns != 0;
}

void
hf_timer_fini(struct hf_timer *timer)
{
    if (timer->loop) {
        hf_timer_cancel(timer);
    }
}

/* --- all timers of a loop ------------------------------------------------------------------ */

/* Runs the timers due at `now`, but not those set meanwhile. */
static void
run_heap(struct hf_timer_heap *heap, uint64_t now)
{
    uint64_t end = heap->next_order;

    while (heap->heap.root && heap->heap.root->key <= now && heap->heap.root->order < end) {
        struct hf_timer *timer = timer_of(heap->heap.root);

        hf_heap_remove(&heap->heap, &timer->node);
        if (timer->due_ns > timer->node.key) {
            queue(heap, timer);
            continue;
        }
        timer->due_ns = 0;
        timer->run(timer);
    }
}

void
hf_timers_run(struct hf_loop *loop)
{
    struct hf_timers *timers = &loop->timers;

    if (timers->real.heap.root && timers->real.heap.root->key <= hf_loop_now(loop)) {
        run_heap(&timers->real, hf_loop_now(loop));
    }
    if (timers->policy.heap.root && timers->policy.heap.root->key <= hf_loop_policy_now(loop)) {
        run_heap(&timers->policy, hf_loop_policy_now(loop));
    }
}

/* The real time at which the policy clock will show `policy_ns`; UINT64_MAX while it stands. */
static uint64_t
real_time_of(struct hf_loop *loop, uint64_t policy_ns)
{
    if (!loop->timers.clock) {
        return policy_ns;
    }
    return hf_add_saturated(hf_loop_now(loop), hf_clock_until(loop->timers.clock, policy_ns));
}

static void
arm(struct hf_timers *timers, uint64_t at_ns)
{
    struct itimerspec spec = {
        .it_value = { .tv_sec = (time_t)(at_ns / HF_SEC), .tv_nsec = (long)(at_ns % HF_SEC) },
    };

    hf_assert(timerfd_settime(timers->fd, TFD_TIMER_ABSTIME, &spec, NULL) == 0);
    timers->armed_ns = at_ns;
}

bool
hf_timers_arm(struct hf_loop *loop)
{
    struct hf_timers *timers = &loop->timers;
    const struct hf_heap_node *policy = timers->policy.heap.root;
    uint64_t earliest = timers->real.heap.root ? timers->real.heap.root->key : UINT64_MAX;

    if (policy && policy->key < timers->policy_key_ns) {
        uint64_t at = real_time_of(loop, policy->key);

        earliest = at < earliest ? at : earliest;
    }
    if (earliest != UINT64_MAX && earliest <= hf_loop_now(loop)) {
        return true;
    }
    if (earliest < timers->armed_ns) {
        arm(timers, earliest);
    }
    if (policy && policy->key < timers->policy_key_ns) {
        timers->policy_key_ns = policy->key;
    }
    return false;
}

static void
on_expired(evutil_socket_t fd, short events, void *arg)
{
    struct hf_loop *loop = arg;

    (void)fd; /* edge-triggered: its count is never read */
    (void)events;
    loop->timers.armed_ns = UINT64_MAX;
    loop->timers.policy_key_ns = UINT64_MAX;
}

void
hf_timers_clock_changed(struct hf_loop *loop)
{
    loop->timers.policy_key_ns = UINT64_MAX;
}

int
hf_timers_init(struct hf_loop *loop, struct hf_err *err)
{
    struct hf_timers *timers = &loop->timers;

    timers->armed_ns = UINT64_MAX;
    timers->policy_key_ns = UINT64_MAX;
    timers->fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (timers->fd < 0) {
        return hf_fail_errno(err, errno, "event loop '%s': timerfd_create", loop->name);
    }
    event_assign(&timers->expired, loop->base, timers->fd, EV_READ | EV_PERSIST | EV_ET, on_expired,
                 loop);
    if (event_add(&timers->expired, NULL) < 0) {
        return hf_fail(err, HF_EIO, "event loop '%s': cannot watch its timerfd", loop->name);
    }
    return 0;
}

void
hf_timers_fini(struct hf_loop *loop)
{
    if (loop->timers.fd >= 0) {
        event_del(&loop->timers.expired);
        close(loop->timers.fd);
    }
}
