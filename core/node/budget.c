/*
 * budget.c - how many bytes of waiting requests a node may hold.
 */
#include "node/budget.h"

#include <malloc.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/macros.h"
#include "loop/loop.h"
#include "loop/timer.h"

/* What a share takes at once: all shares together keep little of the budget unused. */
#define STEP_PART 64u
#define STEP_MIN  4096u
#define STEP_MAX  (1024u * 1024)

/* Above the one part of the budget it is a peak, below the other it is over. */
#define PEAK_PART 8u
#define CALM_PART 16u

/* How often it is looked whether a peak is over. */
#define LOOK_NS (5 * HF_SEC)

struct hf_budget {
    uint64_t size;
    uint64_t step;
    _Atomic uint64_t used;
    atomic_bool peaked;
    struct hf_timer look;
};

/* The allocator keeps what was freed, and would for ever. */
static void
on_look(struct hf_timer *timer)
{
    struct hf_budget *budget = hf_container_of(timer, struct hf_budget, look);

    hf_timer_set(timer, LOOK_NS);
    if (atomic_load_explicit(&budget->peaked, memory_order_relaxed) &&
        hf_budget_used(budget) <= budget->size / CALM_PART) {
        atomic_store_explicit(&budget->peaked, false, memory_order_relaxed);
        malloc_trim(0);
    }
}

struct hf_budget *
hf_budget_new(struct hf_loop *control, uint64_t bytes, size_t threads)
{
    struct hf_budget *budget = calloc(1, sizeof *budget);
    uint64_t step = bytes / STEP_PART / hf_max(threads, (size_t)1);

    if (budget) {
        budget->size = bytes;
        budget->step = hf_min(hf_max(step, (uint64_t)STEP_MIN), (uint64_t)STEP_MAX);
        hf_timer_init(&budget->look, control, HF_TIMER_REAL, on_look);
        hf_timer_set(&budget->look, LOOK_NS);
    }
    return budget;
}

void
hf_budget_free(struct hf_budget *budget)
{
    if (budget) {
        hf_timer_fini(&budget->look);
        free(budget);
    }
}

uint64_t
hf_budget_size(const struct hf_budget *budget)
{
    return budget->size;
}

uint64_t
hf_budget_used(const struct hf_budget *budget)
{
    return atomic_load_explicit(&budget->used, memory_order_relaxed);
}

/* Moves bytes from the budget to a share. */
static bool
fetch(struct hf_budget_share *share, uint64_t bytes)
{
    struct hf_budget *budget = share->budget;
    uint64_t used = hf_budget_used(budget);

    do {
        if (bytes > budget->size - used) {
            return false;
        }
    } while (!atomic_compare_exchange_weak_explicit(&budget->used, &used, used + bytes,
                                                    memory_order_relaxed, memory_order_relaxed));
    if (used + bytes > budget->size / PEAK_PART) {
        atomic_store_explicit(&budget->peaked, true, memory_order_relaxed);
    }
    share->left += bytes;
    return true;
}

bool
hf_budget_take(struct hf_budget_share *share, uint64_t bytes)
{
    uint64_t lacking = hf_sub_saturated(bytes, share->left);

    if (hf_unlikely(lacking > 0) && !fetch(share, hf_max(lacking, share->budget->step)) &&
        !fetch(share, lacking)) {
        return false;
    }
    share->left -= bytes;
    return true;
}

void
hf_budget_give(struct hf_budget_share *share, uint64_t bytes)
{
    uint64_t step = share->budget->step;

    share->left += bytes;
    if (hf_unlikely(share->left > 2 * step)) {
        atomic_fetch_sub_explicit(&share->budget->used, share->left - step, memory_order_relaxed);
        share->left = step;
    }
}

void
hf_budget_close(struct hf_budget_share *share)
{
    atomic_fetch_sub_explicit(&share->budget->used, share->left, memory_order_relaxed);
    share->left = 0;
}
