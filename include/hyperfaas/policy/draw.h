/*
 * draw.h - random draws from the bits that a view brings.
 *
 * A policy has no random source of its own: a view has 64 fresh random bits.  Where a
 * rule needs more than one number, these bits seed a short sequence (splitmix64 by
 * S. Vigna, public domain), so that the same view gives the same decision anywhere.
 *
 *     struct hf_draw draw = hf_draw_from(view->random);
 *     uint32_t i = hf_draw_below(&draw, view->usable_count);
 */
#ifndef HYPERFAAS_POLICY_DRAW_H
#define HYPERFAAS_POLICY_DRAW_H

#include <math.h>
#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct hf_draw {
    uint64_t state;
};

static inline struct hf_draw
hf_draw_from(uint64_t random)
{
    struct hf_draw draw = { random };

    return draw;
}

/* The next 64 bits. */
static inline uint64_t
hf_draw_bits(struct hf_draw *draw)
{
    uint64_t z = (draw->state += UINT64_C(0x9e3779b97f4a7c15));

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* A number below `n`; 0 if that is 0.  Each is as likely as the next to n parts in 2^32. */
static inline uint32_t
hf_draw_below(struct hf_draw *draw, uint32_t n)
{
    return (uint32_t)((hf_draw_bits(draw) >> 32) * n >> 32);
}

/* At least 0, below 1. */
static inline double
hf_draw_unit(struct hf_draw *draw)
{
    return (double)(hf_draw_bits(draw) >> 11) * 0x1.0p-53;
}

/* From a normal distribution (Box and Muller, 1958). */
static inline double
hf_draw_normal(struct hf_draw *draw, double mean, double deviation)
{
    double radius = sqrt(-2.0 * log(1.0 - hf_draw_unit(draw)));

    return mean + deviation * radius * cos(6.283185307179586 * hf_draw_unit(draw));
}

/* Two different numbers below `n`, which is at least 2; each pair is equally likely. */
static inline void
hf_draw_two(struct hf_draw *draw, uint32_t n, uint32_t *first, uint32_t *second)
{
    *first = hf_draw_below(draw, n);
    *second = hf_draw_below(draw, n - 1);
    *second += *second >= *first;
}

/* Reservoir of one: whether the `seen`th of a series (counted from 1) takes the place of the one
 * that was kept.  In the end each of the series has been kept with the same probability. */
static inline bool
hf_draw_keeps(struct hf_draw *draw, uint32_t seen)
{
    return hf_draw_below(draw, seen) == 0;
}

#ifdef __cplusplus
}
#endif

#endif
