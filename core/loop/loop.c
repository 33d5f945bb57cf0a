/*
 * loop.c - turns of an event loop on libevent.
 */
#include "loop/loop.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/macros.h"
#include "loop/loop_private.h"

HF_LOG_MODULE(loop);

/* After this many descriptors deferred work runs, before the rest of the turn: a
 * small set of connections stays in the processor's cache. */
#define HANDLED_MAX 16

/* Rounds of deferred work that defers more, before descriptors get their turn again. */
#define DEFERRED_ROUNDS_MAX 8

static _Thread_local struct hf_loop *current;

/* --- deferred work ------------------------------------------------------------------------- */

void
hf_deferred_init(struct hf_deferred *deferred, void (*run)(struct hf_deferred *))
{
    *deferred = (struct hf_deferred){ .run = run };
}

void
hf_loop_defer(struct hf_loop *loop, struct hf_deferred *deferred)
{
    struct hf_deferred *head = &loop->deferred;

    if (deferred->prev) {
        return;
    }
    deferred->prev = head->prev;
    deferred->next = head;
    head->prev->next = deferred;
    head->prev = deferred;
}

void
hf_deferred_cancel(struct hf_deferred *deferred)
{
    if (!deferred->prev) {
        return;
    }
    deferred->prev->next = deferred->next;
    deferred->next->prev = deferred->prev;
    deferred->prev = NULL;
    deferred->next = NULL;
}

static bool
has_deferred(const struct hf_loop *loop)
{
    return loop->deferred.next != &loop->deferred;
}

/* Runs what is queued now; what is queued meanwhile waits for the next round. */
static void
run_deferred_round(struct hf_loop *loop)
{
    struct hf_deferred *head = &loop->deferred;
    struct hf_deferred round = { .next = head->next, .prev = head->prev };

    round.next->prev = &round;
    round.prev->next = &round;
    head->next = head;
    head->prev = head;
    while (round.next != &round) {
        struct hf_deferred *deferred = round.next;

        hf_deferred_cancel(deferred);
        hf_loop_note_progress(loop);
        deferred->run(deferred);
    }
}

static void
run_deferred(struct hf_loop *loop)
{
    loop->handled = 0;
    for (int i = 0; i < DEFERRED_ROUNDS_MAX && has_deferred(loop); i++) {
        run_deferred_round(loop);
    }
}

void
hf_loop_handled(struct hf_loop *loop)
{
    loop->handled++;
    if (loop->handled >= HANDLED_MAX) {
        run_deferred(loop);
    }
}

/* --- posted tasks -------------------------------------------------------------------------- */

/* Makes the turn that waits, or is about to, begin.  Any thread. */
static void
wake(struct hf_loop *loop)
{
    static const uint64_t one = 1;
    ssize_t n;

    do {
        n = write(loop->wake_fd, &one, sizeof one);
    } while (n < 0 && errno == EINTR);
}

void
hf_loop_post(struct hf_loop *loop, struct hf_task *task)
{
    struct hf_task *head = atomic_load_explicit(&loop->posted, memory_order_relaxed);

    do {
        task->next = head;
    } while (!atomic_compare_exchange_weak_explicit(&loop->posted, &head, task,
                                                    memory_order_acq_rel, memory_order_relaxed));
    if (current == loop) {
        loop->posted_here = true;
    } else if (!head) {
        wake(loop);
    }
}

static void
run_posted(struct hf_loop *loop)
{
    struct hf_task *newest;
    struct hf_task *task = NULL;

    loop->posted_here = false;
    newest = atomic_exchange_explicit(&loop->posted, NULL, memory_order_acq_rel);
    while (newest) { /* into the order of posting */
        struct hf_task *next = newest->next;

        newest->next = task;
        task = newest;
        newest = next;
    }
    while (task) {
        struct hf_task *next = task->next;

        hf_loop_note_progress(loop);
        task->run(task);
        task = next;
    }
}

struct call {
    struct hf_task task;
    void (*fn)(void *arg);
    void *arg;
};

static void
run_call(struct hf_task *task)
{
    struct call *call = hf_container_of(task, struct call, task);
    void (*fn)(void *arg) = call->fn;
    void *arg = call->arg;

    free(call);
    fn(arg);
}

int
hf_loop_call(struct hf_loop *loop, void (*fn)(void *arg), void *arg)
{
    struct call *call = calloc(1, sizeof *call);

    if (!call) {
        return HF_ENOMEM;
    }
    call->task.run = run_call;
    call->fn = fn;
    call->arg = arg;
    hf_loop_post(loop, &call->task);
    return 0;
}

static void
on_woken(evutil_socket_t fd, short events, void *arg)
{
    (void)fd; /* edge-triggered: its count is never read */
    (void)events;
    run_posted(arg);
}

/* --- life ---------------------------------------------------------------------------------- */

/* What the library has to say goes into our log. */
static void
on_library_log(int severity, const char *text)
{
    hf_log(severity >= EVENT_LOG_WARN ? HF_LOG_WARNING : HF_LOG_DEBUG, "libevent says",
           HF_KV_STR("text", text));
}

static int
make_base(struct hf_loop *loop, struct hf_err *err)
{
    struct event_config *config = event_config_new();

    event_set_log_callback(on_library_log);
    if (!config) {
        return hf_fail(err, HF_ENOMEM, "event loop '%s': out of memory", loop->name);
    }
    event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
    event_config_require_features(config, EV_FEATURE_ET);
    errno = 0;
    loop->base = event_base_new_with_config(config);
    event_config_free(config);
    if (!loop->base) {
        return hf_fail(err, errno == ENOMEM ? HF_ENOMEM : HF_EIO,
                       "event loop '%s': libevent cannot use epoll", loop->name);
    }
    return 0;
}

static int
watch_wake_fd(struct hf_loop *loop, struct hf_err *err)
{
    loop->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (loop->wake_fd < 0) {
        return hf_fail_errno(err, errno, "event loop '%s': eventfd", loop->name);
    }
    event_assign(&loop->woken, loop->base, loop->wake_fd, EV_READ | EV_PERSIST | EV_ET, on_woken,
                 loop);
    if (event_add(&loop->woken, NULL) < 0) {
        return hf_fail(err, HF_EIO, "event loop '%s': cannot watch its eventfd", loop->name);
    }
    return 0;
}

int
hf_loop_new(const char *name, struct hf_loop **ret, struct hf_err *err)
{
    struct hf_loop *loop = calloc(1, sizeof *loop);
    int r;

    if (!loop) {
        return hf_fail(err, HF_ENOMEM, "event loop '%s': out of memory", name);
    }
    loop->wake_fd = -1;
    loop->timers.fd = -1;
    loop->deferred.next = loop->deferred.prev = &loop->deferred;
    loop->name = strdup(name);
    if (!loop->name) {
        r = hf_fail(err, HF_ENOMEM, "event loop '%s': out of memory", name);
        goto fail;
    }
    r = make_base(loop, err);
    if (r < 0) {
        goto fail;
    }
    r = watch_wake_fd(loop, err);
    if (r < 0) {
        goto fail;
    }
    r = hf_timers_init(loop, err);
    if (r < 0) {
        goto fail;
    }
    *ret = loop;
    return 0;

fail:
    hf_loop_free(loop);
    return r;
}

void
hf_loop_free(struct hf_loop *loop)
{
    if (!loop) {
        return;
    }
    hf_loop_flush(loop);
    if (loop->timers.clock) {
        hf_clock_unlisten(loop->timers.clock, &loop->clock_listener);
    }
    hf_timers_fini(loop);
    if (loop->wake_fd >= 0) {
        event_del(&loop->woken);
        close(loop->wake_fd);
    }
    if (loop->base) {
        event_base_free(loop->base);
    }
    free(loop->name);
    free(loop);
}

/* --- turns --------------------------------------------------------------------------------- */

static void
run_turn(struct hf_loop *loop)
{
    bool busy = hf_timers_arm(loop) || loop->posted_here || has_deferred(loop);

    loop->now_ns = 0;
    hf_loop_note_rest(loop);
    event_base_loop(loop->base, busy ? EVLOOP_NONBLOCK : EVLOOP_ONCE);
    hf_loop_note_progress(loop);
    if (atomic_load_explicit(&loop->clock_changed, memory_order_relaxed)) {
        atomic_store(&loop->clock_changed, false);
        hf_timers_clock_changed(loop);
    }
    hf_timers_run(loop);
    if (loop->posted_here) {
        run_posted(loop);
    }
    run_deferred(loop);
}

static void
enter(struct hf_loop *loop)
{
    current = loop;
    atomic_store_explicit(&loop->tid, gettid(), memory_order_relaxed);
}

/* Back to what the thread did before: perhaps inside of a turn of the same loop. */
static void
leave(struct hf_loop *loop, struct hf_loop *outer)
{
    current = outer;
    if (outer != loop) {
        hf_loop_note_rest(loop);
    }
}

void
hf_loop_run(struct hf_loop *loop)
{
    struct hf_loop *outer = current;

    enter(loop);
    while (!atomic_load_explicit(&loop->stopping, memory_order_acquire)) {
        run_turn(loop);
    }
    atomic_store(&loop->stopping, false);
    leave(loop, outer);
}

struct limit {
    struct hf_timer timer;
    bool over;
};

static void
limit_over(struct hf_timer *timer)
{
    hf_container_of(timer, struct limit, timer)->over = true;
}

bool
hf_loop_run_until(struct hf_loop *loop, bool (*done)(void *arg), void *arg, uint64_t timeout_ns)
{
    struct hf_loop *outer = current;
    struct limit limit = { .over = false };
    bool is_done;

    enter(loop);
    loop->now_ns = 0;
    hf_timer_init(&limit.timer, loop, HF_TIMER_REAL, limit_over);
    hf_timer_set(&limit.timer, timeout_ns);
    while (!(is_done = done(arg)) && !limit.over) {
        run_turn(loop);
    }
    hf_timer_fini(&limit.timer);
    leave(loop, outer);
    return is_done;
}

void
hf_loop_flush(struct hf_loop *loop)
{
    struct hf_loop *outer = current;

    current = loop;
    while (atomic_load(&loop->posted)) {
        run_posted(loop);
    }
    current = outer;
}

void
hf_loop_stop(struct hf_loop *loop)
{
    atomic_store_explicit(&loop->stopping, true, memory_order_release);
    wake(loop);
}

/* --- what a loop knows --------------------------------------------------------------------- */

struct hf_loop *
hf_loop_current(void)
{
    return current;
}

uint64_t
hf_loop_now(struct hf_loop *loop)
{
    if (!loop->now_ns) {
        loop->now_ns = hf_now();
    }
    return loop->now_ns;
}

struct event_base *
hf_loop_base(struct hf_loop *loop)
{
    return loop->base;
}

void
hf_loop_load_add(struct hf_loop *loop, int64_t n)
{
    atomic_fetch_add_explicit(&loop->load, n, memory_order_relaxed);
}

int64_t
hf_loop_load(const struct hf_loop *loop)
{
    return atomic_load_explicit(&loop->load, memory_order_relaxed);
}

/* In the thread that changed the clock. */
static void
on_clock_changed(struct hf_clock_listener *listener, struct hf_clock *clock)
{
    struct hf_loop *loop = hf_container_of(listener, struct hf_loop, clock_listener);

    (void)clock;
    atomic_store(&loop->clock_changed, true);
    wake(loop);
}

void
hf_loop_set_policy_clock(struct hf_loop *loop, struct hf_clock *clock)
{
    hf_assert(!loop->timers.clock && !loop->timers.policy.heap.root);
    loop->timers.clock = clock;
    loop->clock_listener.fn = on_clock_changed;
    hf_clock_listen(clock, &loop->clock_listener);
}

uint64_t
hf_loop_policy_now(struct hf_loop *loop)
{
    return loop->timers.clock ? hf_clock_now(loop->timers.clock) : hf_loop_now(loop);
}
