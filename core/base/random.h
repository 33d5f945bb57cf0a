/*
 * random.h - seeded random numbers: the same seed, the same sequence.
 *
 * The generator is xoshiro256** 1.0 by D. Blackman and S. Vigna (2018, public
 * domain, https://prng.di.unimi.it), its state filled by splitmix64.  Not for
 * secrets; those come from `hf_random_os_u64` and `hf_uuid4`.  A generator belongs to one thread.
 */
#ifndef HF_BASE_RANDOM_H
#define HF_BASE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

struct hf_random {
    uint64_t s[4];
};

/* Any seed is good, 0 too. */
void hf_random_init(struct hf_random *random, uint64_t seed);

/* 64 bits. */
uint64_t hf_random_u64(struct hf_random *random);

/* Uniform in [0, n), without bias (D. Lemire, "Fast Random Integer Generation in
 * an Interval", 2019); 0 if `n` is 0. */
uint64_t hf_random_below(struct hf_random *random, uint64_t n);

/* Uniform in [0, 1), 53 bits. */
double hf_random_double(struct hf_random *random);

/* `ns`, up to `fraction` (0 to 1) more or less, uniformly: spreads retries. */
uint64_t hf_random_jitter(struct hf_random *random, uint64_t ns, double fraction);

/* 64 unpredictable bits, from the operating system. */
uint64_t hf_random_os_u64(void);

/* Room for a UUID as text. */
#define HF_UUID_MAX 37

/* A random UUID (RFC 9562, version 4), lower case. */
void hf_uuid4(char ret[static HF_UUID_MAX]);

#endif
