/* clock.c - real time and policy time; see clock.h. */
#include "base/clock.h"

#include <stdio.h>
#include <time.h>

#include "base/macros.h"

static uint64_t
read_clock(clockid_t id)
{
    struct timespec ts;

    clock_gettime(id, &ts); /* cannot fail for the two ids used here */
    return (uint64_t)ts.tv_sec * HF_SEC + (uint64_t)ts.tv_nsec;
}

uint64_t
hf_now(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

uint64_t
hf_wall_now(void)
{
    return read_clock(CLOCK_REALTIME);
}

void
hf_format_timestamp(uint64_t wall_ns, char ret[static HF_TIMESTAMP_MAX])
{
    time_t seconds = (time_t)(wall_ns / HF_SEC);
    unsigned ms = (unsigned)(wall_ns % HF_SEC / HF_MSEC);
    struct tm tm;
    size_t len;

    gmtime_r(&seconds, &tm);
    len = strftime(ret, HF_TIMESTAMP_MAX, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(ret + len, HF_TIMESTAMP_MAX - len, ".%03uZ", ms % 1000);
}

/* --- policy time --------------------------------------------------------------------------- */

/* A sequence lock: readers repeat while a writer is at work.  The writer reads
 * real time inside its section, so nobody has seen a later time before. */

struct reading {
    uint64_t now;
    bool stopped;
};

static struct reading
read_policy(const struct hf_clock *clock)
{
    for (;;) {
        uint32_t before = atomic_load(&clock->sequence);
        uint64_t stopped_at = atomic_load(&clock->stopped_at);
        uint64_t ahead_ns = atomic_load(&clock->ahead_ns);
        uint64_t now = stopped_at ? stopped_at : hf_now() + ahead_ns;

        if (before % 2 == 0 && atomic_load(&clock->sequence) == before) {
            return (struct reading){ .now = now, .stopped = stopped_at != 0 };
        }
    }
}

uint64_t
hf_clock_now(const struct hf_clock *clock)
{
    return read_policy(clock).now;
}

bool
hf_clock_is_stopped(const struct hf_clock *clock)
{
    return read_policy(clock).stopped;
}

uint64_t
hf_clock_until(const struct hf_clock *clock, uint64_t when)
{
    struct reading reading = read_policy(clock);

    if (reading.now >= when) {
        return 0;
    }
    return reading.stopped ? UINT64_MAX : when - reading.now;
}

void
hf_clock_init(struct hf_clock *clock)
{
    atomic_init(&clock->sequence, 0);
    atomic_init(&clock->ahead_ns, 0);
    atomic_init(&clock->stopped_at, 0);
    pthread_mutex_init(&clock->mutex, NULL);
    hf_list_init(&clock->listeners);
}

void
hf_clock_fini(struct hf_clock *clock)
{
    pthread_mutex_destroy(&clock->mutex);
}

/* Begins a change; returns what the clock shows meanwhile. */
static struct reading
change_begin(struct hf_clock *clock)
{
    struct reading reading;

    pthread_mutex_lock(&clock->mutex);
    atomic_fetch_add(&clock->sequence, 1);
    reading.now = atomic_load(&clock->stopped_at);
    reading.stopped = reading.now != 0;
    if (!reading.stopped) {
        reading.now = hf_now() + atomic_load(&clock->ahead_ns);
    }
    return reading;
}

static void
change_end(struct hf_clock *clock)
{
    struct hf_clock_listener *listener;

    atomic_fetch_add(&clock->sequence, 1);
    HF_LIST_FOR (listener, &clock->listeners, node) {
        listener->fn(listener, clock);
    }
    pthread_mutex_unlock(&clock->mutex);
}

void
hf_clock_stop(struct hf_clock *clock)
{
    struct reading reading = change_begin(clock);

    atomic_store(&clock->stopped_at, reading.now);
    change_end(clock);
}

void
hf_clock_warp(struct hf_clock *clock, uint64_t ns)
{
    struct reading reading = change_begin(clock);

    if (reading.stopped) {
        atomic_store(&clock->stopped_at, reading.now + ns);
    } else {
        atomic_fetch_add(&clock->ahead_ns, ns);
    }
    change_end(clock);
}

void
hf_clock_resume(struct hf_clock *clock)
{
    struct reading reading = change_begin(clock);

    if (reading.stopped) {
        /* Modulo 2^64: a clock that stood for long goes on behind real time. */
        atomic_store(&clock->ahead_ns, reading.now - hf_now());
        atomic_store(&clock->stopped_at, 0);
    }
    change_end(clock);
}

void
hf_clock_listen(struct hf_clock *clock, struct hf_clock_listener *listener)
{
    pthread_mutex_lock(&clock->mutex);
    hf_list_append(&clock->listeners, &listener->node);
    pthread_mutex_unlock(&clock->mutex);
}

void
hf_clock_unlisten(struct hf_clock *clock, struct hf_clock_listener *listener)
{
    pthread_mutex_lock(&clock->mutex);
    hf_list_remove(&listener->node);
    pthread_mutex_unlock(&clock->mutex);
}
