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
