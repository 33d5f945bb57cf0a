/*
 * random.c - numbers, events and times by chance.
 */
#include <math.h>
#include <string.h>

#include "fake.h"

static const double pi = 3.14159265358979323846;

/* splitmix64: Steele, Lea, Flood, "Fast splittable pseudorandom number
 * generators", OOPSLA 2014. */
static uint64_t
next_seeded(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

uint64_t
chance_next(struct chance *chance)
{
    return chance->seeded ? next_seeded(&chance->state) : chance->driver->random(chance->driver);
}

/* Above 0 and up to 1, in steps of 2^-53. */
static double
next_fraction(struct chance *chance)
{
    return (double)((chance_next(chance) >> 11) + 1) * 0x1p-53;
}

bool
chance_happens(struct chance *chance, double probability)
{
    return probability > 0 && next_fraction(chance) <= probability;
}

enum distribution
distribution_of(const char *name)
{
    if (strcmp(name, "exponential") == 0) {
        return DISTRIBUTION_EXPONENTIAL;
    }
    return strcmp(name, "lognormal") == 0 ? DISTRIBUTION_LOGNORMAL : DISTRIBUTION_FIXED;
}

/* A number of the standard normal distribution (Box and Muller, 1958). */
static double
next_normal(struct chance *chance)
{
    double radius = sqrt(-2 * log(next_fraction(chance)));

    return radius * cos(2 * pi * next_fraction(chance));
}

uint64_t
chance_time(struct chance *chance, enum distribution distribution, uint64_t mean_ns, double sigma)
{
    double time = (double)mean_ns;

    if (mean_ns == 0) {
        return 0;
    }
    if (distribution == DISTRIBUTION_EXPONENTIAL) {
        time *= -log(next_fraction(chance));
    } else if (distribution == DISTRIBUTION_LOGNORMAL) {
        time *= exp(sigma * next_normal(chance) - sigma * sigma / 2);
    }
    return time < 0x1p62 ? (uint64_t)time : UINT64_C(1) << 62;
}
