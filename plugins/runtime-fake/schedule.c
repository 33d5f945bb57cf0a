/*
 * schedule.c - a binary heap of things due, and the timer for the first.
 */
#include "schedule.h"

#include <stdlib.h>

enum {
    RUNS_A_TURN = 256 /* then the loop turns */
};

struct schedule {
    const struct hf_driver_host *driver;
    struct hf_host_timer *timer;
    struct due **heap; /* from 1 */
    size_t n;
    size_t size;
    uint64_t order;
};

static bool
is_before(const struct due *a, const struct due *b)
{
    return a->time != b->time ? a->time < b->time : a->order < b->order;
}

static void
put(struct schedule *s, size_t place, struct due *due)
{
    s->heap[place] = due;
    due->place = place;
}

static void
move_up(struct schedule *s, size_t place, struct due *due)
{
    while (place > 1 && is_before(due, s->heap[place / 2])) {
        put(s, place, s->heap[place / 2]);
        place /= 2;
    }
    put(s, place, due);
}

static void
move_down(struct schedule *s, size_t place, struct due *due)
{
    for (;;) {
        size_t child = place * 2;

        if (child < s->n && is_before(s->heap[child + 1], s->heap[child])) {
            child++;
        }
        if (child > s->n || !is_before(s->heap[child], due)) {
            break;
        }
        put(s, place, s->heap[child]);
        place = child;
    }
    put(s, place, due);
}

/* Sets the timer for the first thing due. */
static void
set_timer(struct schedule *s)
{
    uint64_t now = s->driver->now(s->driver);
    uint64_t delay;

    if (s->n == 0) {
        s->driver->timer_set(s->timer, -1);
        return;
    }
    delay = s->heap[1]->time > now ? s->heap[1]->time - now : 0;
    s->driver->timer_set(s->timer, delay > INT64_MAX ? INT64_MAX : (int64_t)delay);
}

static void
take(struct schedule *s, struct due *due)
{
    size_t place = due->place;
    struct due *last = s->heap[s->n--];

    due->place = 0;
    if (last == due) {
        return;
    }
    if (place > 1 && is_before(last, s->heap[place / 2])) {
        move_up(s, place, last);
    } else {
        move_down(s, place, last);
    }
}

static void
on_timer(void *arg)
{
    struct schedule *s = arg;
    uint64_t now = s->driver->now(s->driver), before = s->order;

    /* What is added meanwhile waits for the next turn. */
    for (int i = 0; i < RUNS_A_TURN && s->n > 0; i++) {
        struct due *first = s->heap[1];

        if (first->time > now || first->order >= before) {
            break;
        }
        take(s, first);
        first->run(first, 0);
    }
    set_timer(s);
}

bool
schedule_add(struct schedule *s, struct due *due, uint64_t delay_ns,
             void (*run)(struct due *, int code))
{
    uint64_t now = s->driver->now(s->driver);

    if (s->n + 2 > s->size) {
        size_t size = s->size ? s->size * 2 : 64;
        struct due **heap = realloc(s->heap, size * sizeof(struct due *));

        if (!heap) {
            return false;
        }
        s->heap = heap;
        s->size = size;
    }
    due->time = delay_ns > UINT64_MAX - now ? UINT64_MAX : now + delay_ns;
    due->order = s->order++;
    due->run = run;
    move_up(s, ++s->n, due);
    if (s->heap[1] == due) {
        set_timer(s);
    }
    return true;
}

void
schedule_remove(struct schedule *s, struct due *due)
{
    if (due->place > 0) {
        take(s, due);
    }
}

struct schedule *
schedule_new(const struct hf_driver_host *driver)
{
    struct schedule *s = calloc(1, sizeof *s);

    if (!s) {
        return NULL;
    }
    s->driver = driver;
    s->timer = driver->timer_new(driver, HF_CLOCK_POLICY, on_timer, s);
    if (!s->timer) {
        free(s);
        return NULL;
    }
    return s;
}

void
schedule_free(struct schedule *s)
{
    if (!s) {
        return;
    }
    while (s->n > 0) {
        struct due *first = s->heap[1];

        take(s, first);
        first->run(first, HF_ECANCELLED);
    }
    s->driver->timer_free(s->timer);
    free(s->heap);
    free(s);
}
