/*
 * histogram.h - how often values of which size occurred, in equal bins; and the median of a few.
 */
#ifndef HYPERFAAS_POLICY_HISTOGRAM_H
#define HYPERFAAS_POLICY_HISTOGRAM_H

#include <math.h>
#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Over an array of `bins` counts, which the owner zeroed and keeps. */
struct hf_histogram {
    uint32_t *counts;
    uint32_t bins;  /* at least 1 */
    uint64_t width; /* of a bin, not 0; bin i is for values from i times that on */
};

/* Counts a value `times` times; false if it lies above all bins. */
static inline bool
hf_histogram_add(const struct hf_histogram *h, uint64_t value, uint32_t times)
{
    uint64_t bin = value / h->width;

    if (bin >= h->bins) {
        return false;
    }
    h->counts[bin] += times < UINT32_MAX - h->counts[bin] ? times : UINT32_MAX - h->counts[bin];
    return true;
}

static inline uint64_t
hf_histogram_total(const struct hf_histogram *h)
{
    uint64_t total = 0;

    for (uint32_t i = 0; i < h->bins; i++) {
        total += h->counts[i];
    }
    return total;
}

/* Mean and variance of the values, in bins; 0 if it is empty. */
static inline double
hf_histogram_mean(const struct hf_histogram *h, double *variance)
{
    double total = (double)hf_histogram_total(h);
    double sum = 0.0;
    double squares = 0.0;

    for (uint32_t i = 0; i < h->bins; i++) {
        sum += (double)h->counts[i] * i;
        squares += (double)h->counts[i] * i * i;
    }
    sum /= total > 0.0 ? total : 1.0;
    squares /= total > 0.0 ? total : 1.0;
    *variance = squares - sum * sum;
    return sum;
}

/* The bin that holds the smallest value with at least the fraction `q` of all at or below it; of
 * an empty histogram the first. */
static inline uint32_t
hf_histogram_quantile(const struct hf_histogram *h, double q)
{
    double wanted = q * (double)hf_histogram_total(h);
    double below = 0.0;

    for (uint32_t i = 0; i < h->bins; i++) {
        below += h->counts[i];
        if (h->counts[i] > 0 && below >= wanted) {
            return i;
        }
    }
    return 0;
}

/* The coefficient of variation of the bins' counts, which says how peaked a histogram is: 0 if all
 * are equal, sqrt(bins - 1) if all values lie in one bin; 0 if it is empty. */
static inline double
hf_histogram_variation(const struct hf_histogram *h)
{
    double mean = (double)hf_histogram_total(h) / h->bins;
    double squares = 0.0;

    for (uint32_t i = 0; i < h->bins; i++) {
        double off = h->counts[i] - mean;

        squares += off * off;
    }
    return mean > 0.0 ? sqrt(squares / h->bins) / mean : 0.0;
}

/* The median of `n` values, which it sorts; the larger of the two in the middle; 0 of none. */
static inline uint64_t
hf_median(uint64_t *values, uint32_t n)
{
    for (uint32_t i = 1; i < n; i++) {
        uint64_t value = values[i];
        uint32_t at = i;

        for (; at > 0 && values[at - 1] > value; at--) {
            values[at] = values[at - 1];
        }
        values[at] = value;
    }
    return n > 0 ? values[n / 2] : 0;
}

#ifdef __cplusplus
}
#endif

#endif
