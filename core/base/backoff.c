/*
 * backoff.c - pauses between attempts that keep failing.
 */
#include "base/backoff.h"

#include "base/macros.h"

#define JITTER 0.2

void
hf_backoff_init(struct hf_backoff *backoff, uint64_t min_ns, uint64_t max_ns, uint64_t seed)
{
    *backoff = (struct hf_backoff){ .min_ns = min_ns, .max_ns = max_ns };
    hf_random_init(&backoff->random, seed);
}

uint64_t
hf_backoff_next(struct hf_backoff *backoff, uint64_t held_ns)
{
    if (backoff->last_ns == 0 || held_ns > backoff->max_ns) {
        backoff->last_ns = backoff->min_ns;
    } else {
        backoff->last_ns = hf_min(backoff->last_ns * 2, backoff->max_ns);
    }
    return hf_random_jitter(&backoff->random, backoff->last_ns, JITTER);
}
