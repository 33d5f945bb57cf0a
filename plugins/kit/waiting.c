/*
 * waiting.c - those who wait for an answer of a runtime.
 */
#include "waiting.h"

#include <stdlib.h>

#include <utlist.h>

/* --- the next turn -------------------------------------------------------------------------- */

struct later_answer {
    struct later *later;
    struct later_answer *prev, *next; /* utlist */
    struct hf_host_timer *timer;
    void (*answer)(void *arg, int code);
    void *arg;
};

static void
give(struct later_answer *given, int code)
{
    DL_DELETE(given->later->all, given);
    given->later->driver->timer_free(given->timer);
    given->answer(given->arg, code);
    free(given);
}

static void
on_turn(void *arg)
{
    give(arg, 0);
}

bool
later_add(struct later *later, void (*answer)(void *arg, int code), void *arg)
{
    struct later_answer *added = malloc(sizeof *added);

    if (!added) {
        return false;
    }
    *added = (struct later_answer){
        .later = later,
        .timer = later->driver->timer_new(later->driver, HF_CLOCK_REAL, on_turn, added),
        .answer = answer,
        .arg = arg,
    };
    if (!added->timer) {
        free(added);
        return false;
    }
    DL_APPEND(later->all, added);
    later->driver->timer_set(added->timer, 0);
    return true;
}

void
later_end(struct later *later)
{
    while (later->all) {
        give(later->all, HF_ECANCELLED);
    }
}

/* --- stops ---------------------------------------------------------------------------------- */

bool
stops_add(struct stop **stops, hf_runtime_done_fn *done, void *arg)
{
    struct stop *stop = malloc(sizeof *stop);

    if (stop) {
        *stop = (struct stop){ .next = *stops, .done = done, .arg = arg };
        *stops = stop;
    }
    return stop;
}

void
stops_answer(struct stop **stops, int code, const char *message)
{
    struct stop *stop = *stops;

    *stops = NULL;
    while (stop) {
        struct stop *next = stop->next;

        stop->done(stop->arg, code, message, NULL);
        free(stop);
        stop = next;
    }
}

static void
answer_missing(void *arg, int code)
{
    struct stop *stop = arg;

    stops_answer(&stop, code == 0 ? HF_ENOTFOUND : code, "there is no such instance");
}

int
stops_refuse(struct later *later, hf_runtime_done_fn *done, void *arg, struct hf_err *err)
{
    struct stop *stop = NULL;

    if (!stops_add(&stop, done, arg) || !later_add(later, answer_missing, stop)) {
        free(stop);
        return later->driver->host->fail(err, HF_ENOMEM, "out of memory");
    }
    return 0;
}
