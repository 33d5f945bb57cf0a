/*
 * function.h - what every kind of plugin is told about a function.
 */
#ifndef HYPERFAAS_FUNCTION_H
#define HYPERFAAS_FUNCTION_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * A function as its owner registered it, with the platform's defaults filled
 * in.  Borrowed for the duration of the call that hands it over, unless that
 * call says otherwise.  Grows at the end only: `size` is what the host filled.
 *
 * When the function is updated its content changes, between two operations and never within one;
 * `id` and `hash` stay.  One that is deleted and made anew is another function of the same id.
 */
struct hf_function {
    uint32_t size;            /* sizeof, as the host knows it */
    uint32_t max_concurrency; /* calls one instance serves at once; 0: no limit */
    const char *id;
    uint64_t hash;            /* the host's stable hash of `id` */
    const char *image;        /* image tag, always with a version (":latest") */
    uint64_t memory_bytes;    /* limit of one instance; 0: none */
    uint64_t cpu_period_us;   /* CFS period, microseconds; 0: no CPU limit */
    uint64_t cpu_quota_us;    /* CFS quota, microseconds; 0: no CPU limit */
    uint64_t idle_timeout_ns; /* since the last completion, until scale to zero */
};

/*
 * Why a policy decided as it did.  A view points to one that is all zeros but for its size, for the
 * policy to fill before it answers; or to NULL, when nobody would read it: so it is for a table
 * that names no reasons.  What is counted and shown are the reasons by their names; policies
 * without any pay nothing.
 */
struct hf_decision {
    uint32_t size;
    uint32_t reason; /* index in the table's `reasons`; one beyond them is not counted */
    double score;    /* the figure by which the answer won, in the policy's own unit */
};

/*
 * Names something the host holds (an endpoint, a worker) without lending it.
 * A handle stays unambiguous after its object has gone: `generation` differs
 * for every object that ever used `index`.  Indices are reused before new ones
 * are begun, so they stay below the largest number of objects held at one time,
 * and policies may keep arrays by them.
 */
struct hf_handle {
    uint32_t index;
    uint32_t generation; /* 0 only in HF_NONE */
};

#ifdef __cplusplus
#define HF_NONE (hf_handle{ UINT32_MAX, 0 })
#else
#define HF_NONE ((struct hf_handle){ UINT32_MAX, 0 })
#endif

#ifdef __cplusplus
}
#endif

#endif
