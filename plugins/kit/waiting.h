/*
 * waiting.h - those who wait for an answer of a runtime: for the loop's next turn, or for the end
 * of an instance.
 */
#ifndef HF_KIT_WAITING_H
#define HF_KIT_WAITING_H

#include <stdbool.h>

#include <hyperfaas/runtime.h>

/*
 * Answers that are known at once.  An operation must not complete before it has returned, so they
 * are given at the loop's next turn.
 */
struct later {
    const struct hf_driver_host *driver; /* set by the owner */
    struct later_answer *all;
};

/* Has `answer` run once: at the next turn with 0, or in `later_end` with HF_ECANCELLED.  False: no
 * memory. */
bool later_add(struct later *, void (*answer)(void *arg, int code), void *arg);
void later_end(struct later *);

/* Someone who waits for the end of an instance being stopped. */
struct stop {
    struct stop *next;
    hf_runtime_done_fn *done;
    void *arg;
};

/* False: no memory. */
bool stops_add(struct stop **, hf_runtime_done_fn *done, void *arg);

/* Answers all, who are gone from the list before the first one hears of it. */
void stops_answer(struct stop **, int code, const char *message);

/* Completes a stop of an instance that is not there. */
int stops_refuse(struct later *, hf_runtime_done_fn *done, void *arg, struct hf_err *err);

#endif
