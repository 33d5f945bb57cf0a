/*
 * average.h - moving averages: by exponential decay, peaks first, and over a window of buckets;
 * and the largest value of a window.
 *
 * Time is the policy clock of the views, in nanoseconds.  It may jump forward, and a
 * caller may bring an older time than before: that counts as no time passed.
 */
#ifndef HYPERFAAS_POLICY_AVERAGE_H
#define HYPERFAAS_POLICY_AVERAGE_H

#include <math.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* --- exponential decay --------------------------------------------------------------------- */

/* Zeroed, it has seen nothing. */
struct hf_ewma {
    double value;
    uint64_t at_ns; /* of the last observation */
    uint64_t seen;  /* observations */
};

/* What of an old value is left after the time since the last observation: exp(-passed/tau). */
static inline double
hf_ewma_left(const struct hf_ewma *e, uint64_t now_ns, uint64_t tau_ns)
{
    uint64_t passed = now_ns > e->at_ns ? now_ns - e->at_ns : 0;

    return tau_ns > 0 ? exp(-((double)passed / (double)tau_ns)) : 0.0;
}

static inline void
hf_ewma_add(struct hf_ewma *e, double x, uint64_t now_ns, uint64_t tau_ns)
{
    double left = e->seen > 0 ? hf_ewma_left(e, now_ns, tau_ns) : 0.0;

    e->value = e->value * left + x * (1.0 - left);
    e->at_ns = now_ns > e->at_ns ? now_ns : e->at_ns;
    e->seen++;
}

/* The same, but that a larger value counts at once and only smaller ones slowly (Finagle's and
 * Tower's peak EWMA). */
static inline void
hf_ewma_add_peak(struct hf_ewma *e, double x, uint64_t now_ns, uint64_t tau_ns)
{
    hf_ewma_add(e, x, now_ns, tau_ns);
    e->value = x > e->value ? x : e->value;
}

/* The value now, as if nothing (0) had been observed since. */
static inline double
hf_ewma_decayed(const struct hf_ewma *e, uint64_t now_ns, uint64_t tau_ns)
{
    return e->value * hf_ewma_left(e, now_ns, tau_ns);
}

/* --- a window of buckets ------------------------------------------------------------------- */

#define HF_WINDOW_BUCKETS UINT32_C(64)

/* The mean of samples over the last so many buckets of time.  Zeroed, it is empty; all calls give
 * the same width of a bucket, which is not 0. */
struct hf_window {
    double sum[HF_WINDOW_BUCKETS]; /* of a bucket's samples, by bucket modulo their count */
    uint32_t samples[HF_WINDOW_BUCKETS];
    uint64_t first; /* bucket of the first sample since the window was last empty */
    uint64_t last;  /* bucket of the newest sample */
    uint32_t begun; /* whether there is any */
};

/* Puts a sample into the bucket of `now_ns`. */
static inline void
hf_window_add(struct hf_window *w, double x, uint64_t now_ns, uint64_t bucket_ns)
{
    uint64_t bucket = now_ns / bucket_ns;

    if (!w->begun || bucket > w->last + HF_WINDOW_BUCKETS) {
        w->first = bucket;
        w->last = bucket - 1; /* the newest is cleared below; may wrap, as the loop does */
        w->begun = 1;
    } else if (bucket < w->last) {
        bucket = w->last;
    }
    while (w->last != bucket) {
        w->last++;
        w->sum[w->last % HF_WINDOW_BUCKETS] = 0.0;
        w->samples[w->last % HF_WINDOW_BUCKETS] = 0;
    }
    w->sum[bucket % HF_WINDOW_BUCKETS] += x;
    w->samples[bucket % HF_WINDOW_BUCKETS]++;
}

/* The mean over the last `buckets` (at most HF_WINDOW_BUCKETS) up to `now_ns`: of each bucket its
 * mean, 0 of one without samples, divided by the buckets since the first sample, so that a young
 * window is not diluted.  Negative: nothing was ever sampled. */
static inline double
hf_window_mean(const struct hf_window *w, uint32_t buckets, uint64_t now_ns, uint64_t bucket_ns)
{
    uint64_t now = now_ns / bucket_ns > w->last ? now_ns / bucket_ns : w->last;
    double sum = 0.0;
    uint32_t n = 0;

    if (!w->begun) {
        return -1.0;
    }
    for (; n < buckets && n <= now - w->first; n++) {
        uint64_t bucket = now - n;

        if (bucket <= w->last && w->last - bucket < HF_WINDOW_BUCKETS &&
            w->samples[bucket % HF_WINDOW_BUCKETS] > 0) {
            sum += w->sum[bucket % HF_WINDOW_BUCKETS] / w->samples[bucket % HF_WINDOW_BUCKETS];
        }
    }
    return sum / n;
}

/* --- the largest of a window ------------------------------------------------------------------ */

#define HF_PEAK_SLICES UINT32_C(8)

/* The largest number lately.  Kept in eight slices of the window, so one is forgotten after one
 * window to nine eighths of it.  Zeroed, it is empty; all calls give the same window. */
struct hf_peak {
    uint64_t slice;                    /* the newest, counted from time 0 */
    uint32_t most[HF_PEAK_SLICES + 1]; /* by slice modulo their count */
};

/* Notes a number, and returns the largest within the window; with a window of 0 the number. */
static inline uint32_t
hf_peak_over(struct hf_peak *peak, uint32_t number, uint64_t now_ns, uint64_t window_ns)
{
    uint64_t slice_ns = window_ns / HF_PEAK_SLICES + (window_ns % HF_PEAK_SLICES > 0);
    uint64_t slice = slice_ns > 0 ? now_ns / slice_ns : 0;
    uint64_t passed = slice > peak->slice ? slice - peak->slice : 0;
    uint32_t *newest;
    uint32_t most = 0;

    if (window_ns == 0) {
        return number;
    }
    for (uint64_t i = 1; i <= passed && i <= HF_PEAK_SLICES + 1; i++) {
        peak->most[(peak->slice + i) % (HF_PEAK_SLICES + 1)] = 0;
    }
    peak->slice += passed;
    newest = &peak->most[peak->slice % (HF_PEAK_SLICES + 1)];
    *newest = number > *newest ? number : *newest;
    for (uint32_t i = 0; i <= HF_PEAK_SLICES; i++) {
        most = peak->most[i] > most ? peak->most[i] : most;
    }
    return most;
}

#ifdef __cplusplus
}
#endif

#endif
