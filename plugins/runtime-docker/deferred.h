/*
 * deferred.h - answers that need no waiting, given at the loop's next turn.
 *
 * An operation must not complete before it has returned; one whose answer is
 * known at once is put off by one turn.
 */
#ifndef HF_RUNTIME_DOCKER_DEFERRED_H
#define HF_RUNTIME_DOCKER_DEFERRED_H

#include "docker.h"

/* What is put off; the first member of what it needs, all in one allocation. */
struct deferred {
    struct hf_runtime *runtime;
    struct deferred *next, **link;
    struct hf_host_timer *timer;
    /* Gives the answer: `code` is 0, or HF_ECANCELLED if the runtime is being closed. */
    void (*answer)(struct deferred *, int code);
};

/* Puts off `deferred`, whose `answer` is set.  Takes it over, on failure too. */
int defer(struct hf_runtime *, struct deferred *, struct hf_err *err);

/* Answers all with HF_ECANCELLED. */
void deferred_destroy(struct hf_runtime *);

#endif
