/*
 * backoff.h - pauses between attempts that keep failing.
 *
 * Each pause is twice the one before, up to a limit, and 20 % more or less by chance, so
 * that many who lost the same peer do not come back at once.  What was won in between and
 * held for longer than the longest pause makes the pauses begin short again; what is lost
 * again at once does not.
 */
#ifndef HF_BASE_BACKOFF_H
#define HF_BASE_BACKOFF_H

#include <stdint.h>

#include "base/random.h"

struct hf_backoff {
    uint64_t min_ns;
    uint64_t max_ns;
    uint64_t last_ns; /* 0: the next pause is the first */
    struct hf_random random;
};

void hf_backoff_init(struct hf_backoff *backoff, uint64_t min_ns, uint64_t max_ns, uint64_t seed);

/* The next pause.  `held_ns`: for how long the last attempt was a success; 0: it was none. */
uint64_t hf_backoff_next(struct hf_backoff *backoff, uint64_t held_ns);

#endif
