/*
 * deferred.c - gives answers at the loop's next turn.
 */
#include "deferred.h"

#include <stdlib.h>

static void
finish(struct deferred *deferred, int code)
{
    *deferred->link = deferred->next;
    if (deferred->next) {
        deferred->next->link = deferred->link;
    }
    deferred->runtime->driver->timer_free(deferred->timer);
    deferred->answer(deferred, code);
    free(deferred);
}

static void
on_turn(void *arg)
{
    finish(arg, 0);
}

int
defer(struct hf_runtime *runtime, struct deferred *deferred, struct hf_err *err)
{
    deferred->runtime = runtime;
    deferred->timer = runtime->driver->timer_new(runtime->driver, HF_CLOCK_REAL, on_turn, deferred);
    if (!deferred->timer) {
        free(deferred);
        return runtime->host->fail(err, HF_ENOMEM, "out of memory");
    }
    deferred->next = runtime->deferred;
    deferred->link = &runtime->deferred;
    if (deferred->next) {
        deferred->next->link = &deferred->next;
    }
    runtime->deferred = deferred;
    runtime->driver->timer_set(deferred->timer, 0);
    return 0;
}

void
deferred_destroy(struct hf_runtime *runtime)
{
    while (runtime->deferred) {
        finish(runtime->deferred, HF_ECANCELLED);
    }
}
