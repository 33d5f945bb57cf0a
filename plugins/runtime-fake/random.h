/*
 * random.h - chance, from one sequence of numbers that a seed repeats.
 */
#ifndef HF_RUNTIME_FAKE_RANDOM_H
#define HF_RUNTIME_FAKE_RANDOM_H

#include <stdbool.h>
#include <stdint.h>

#include <hyperfaas/host.h>

/* Where numbers come from: the host's sequence, or one of our own by a seed. */
struct chance {
    const struct hf_driver_host *driver;
    bool seeded;
    uint64_t state;
};

uint64_t chance_next(struct chance *);

/* True in `probability` of all cases; takes no number for 0. */
bool chance_happens(struct chance *, double probability);

enum distribution { DISTRIBUTION_FIXED, DISTRIBUTION_EXPONENTIAL, DISTRIBUTION_LOGNORMAL };

/* The distribution of that name: fixed, exponential, lognormal. */
enum distribution distribution_of(const char *name);

/*
 * A time with the given mean.  `sigma` is the standard deviation of the
 * logarithm of a lognormal one; others don't use it.
 */
uint64_t chance_time(struct chance *, enum distribution, uint64_t mean_ns, double sigma);

#endif
