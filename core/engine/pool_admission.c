/*
 * pool_admission.c - who may wait for a slot, and for how long.
 *
 * A queue that is longer than its callers' patience does harm: each slot goes to
 * a call that is about to be given up, and nobody is served in time.  So a pool
 * that cannot grow refuses those calls at once whose turn would come too late.
 *
 * It judges by its own calls: where c are in flight and hold their slots for s on
 * average, a slot comes free every s / c, and who has n before it waits for
 * (n + 1) * s / c.  That is an estimate, so there is some room for error in what
 * is asked of it; a call that finds a free slot is never refused.
 */
#include "engine/pool_private.h"

#include "base/macros.h"

#define SAMPLES      16u /* calls that the estimate is based on, and needs */
#define SAMPLE_MAX   (3600 * HF_SEC)
#define MARGIN       8u     /* the wait may turn out longer by one part in so many */
#define DEVIATIONS   2u     /* the call may */
#define PUSHBACK     HF_SEC /* as long as nothing is known */
#define PUSHBACK_MIN (20 * HF_MSEC)
#define PUSHBACK_MAX (10 * HF_SEC)

/* Moves `mean` towards `sample` by one part in `weight`. */
static uint64_t
smooth(uint64_t mean, uint64_t sample, uint32_t weight)
{
    return sample > mean ? mean + (sample - mean) / weight : mean - (mean - sample) / weight;
}

void
hf_pool_note_service(struct hf_pool *pool, uint64_t elapsed_ns)
{
    struct hf_pool_service *service = &pool->service;
    uint64_t sample = hf_min(elapsed_ns, SAMPLE_MAX);
    uint64_t off =
        sample > service->mean_ns ? sample - service->mean_ns : service->mean_ns - sample;

    if (service->samples < SAMPLES) {
        service->samples++;
    }
    if (service->samples > 1) {
        service->deviation_ns = smooth(service->deviation_ns, off, service->samples);
    }
    service->mean_ns = smooth(service->mean_ns, sample, service->samples);
}

uint64_t
hf_pool_expected_wait(const struct hf_pool *pool)
{
    if (pool->service.samples < SAMPLES || pool->load.in_flight == 0) {
        return 0;
    }
    return (pool->load.waiting + UINT64_C(1)) * pool->service.mean_ns / pool->load.in_flight;
}

/* How long a call with a slot needs, to be on the safe side. */
static uint64_t
time_needed(const struct hf_pool *pool)
{
    if (!pool->load.at_limit || pool->service.samples < SAMPLES) {
        return 0;
    }
    return pool->service.mean_ns + DEVIATIONS * pool->service.deviation_ns;
}

bool
hf_pool_waits_in_vain(const struct hf_pool *pool, const struct hf_waiter *waiter, uint64_t now_ns)
{
    uint64_t wait_ns = hf_pool_expected_wait(pool);
    uint64_t limit_ns = pool->settings->max_wait_ns;

    if (wait_ns == 0 || waiter->attempts > 0) { /* who has had a slot is the next */
        return false;
    }
    if (limit_ns > 0 && wait_ns > limit_ns) {
        return true;
    }
    return waiter->deadline_ns > 0 && hf_sub_saturated(waiter->deadline_ns, now_ns) <
                                          wait_ns + wait_ns / MARGIN + time_needed(pool);
}

bool
hf_pool_is_late(const struct hf_pool *pool, const struct hf_waiter *waiter, uint64_t now_ns)
{
    return waiter->deadline_ns > 0 &&
           hf_sub_saturated(waiter->deadline_ns, now_ns) <= time_needed(pool);
}

uint64_t
hf_pool_pushback(struct hf_pool *pool)
{
    uint64_t wait_ns = hf_pool_expected_wait(pool);

    wait_ns = wait_ns > 0 ? hf_min(hf_max(wait_ns, PUSHBACK_MIN), PUSHBACK_MAX) : PUSHBACK;
    return wait_ns / 2 + hf_pool_random(pool) % wait_ns;
}
