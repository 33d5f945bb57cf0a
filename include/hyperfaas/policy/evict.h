/*
 * evict.h - which idle instances make room for calls of another function.
 *
 * One skeleton for the rules that caches have (A. Fuerst and P. Sharma, FaasCache, ASPLOS
 * 2021).  Each idle instance has a priority, and the lowest goes first:
 *
 *     lru          when it was last used
 *     greedydual   clock + uses * cost / size
 *     freq         clock + uses * cost
 *     size         clock + uses / size
 *     landlord     clock + cost / size
 *
 * where `clock` is the highest priority that was ever evicted, as it stood when the function
 * was last used, so that what is not used grows old; `uses` are those of all living instances of
 * the function; `cost` is what a start takes, in seconds; and `size` is memory, in MiB.
 * Landlord charges all a rent at each eviction and renews the credit with each use; to remember
 * how much was charged before is the same.
 *
 * A scaler puts HF_EVICT_OPTION into its options, a `struct hf_evict_room` at the very beginning
 * of its room for a function, calls `hf_evict_note` in `on_demand`, `on_tick` and `tick_ns`, and
 * lets `victims` be `hf_evict_choose`.
 */
#ifndef HYPERFAAS_POLICY_EVICT_H
#define HYPERFAAS_POLICY_EVICT_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <hyperfaas/scaler.h>

#ifdef __cplusplus
extern "C" {
#endif

#define HF_EVICT_MOST                                                                              \
    64 /* instances of a question that are compared; the longest idle come first */

#define HF_EVICT_OPTION                                                                            \
    {                                                                                              \
        "evict", HF_OPT_ENUM, 0, "none", NULL, NULL, "none|lru|greedydual|freq|size|landlord",     \
            "Which idle instances make room for calls of another function."                        \
    }

enum hf_evict_rule {
    HF_EVICT_NONE,
    HF_EVICT_LRU,
    HF_EVICT_GREEDYDUAL,
    HF_EVICT_FREQ,
    HF_EVICT_SIZE,
    HF_EVICT_LANDLORD
};

struct hf_evict {
    enum hf_evict_rule rule;
    double clock;
};

/* What is kept with each function. */
struct hf_evict_room {
    double clock;   /* when it was last used */
    uint64_t calls; /* that had arrived by then */
};

/* By the option's value. */
static inline struct hf_evict
hf_evict_by(const char *rule)
{
    struct hf_evict evict = { HF_EVICT_NONE, 0.0 };

    evict.rule = strcmp(rule, "lru") == 0          ? HF_EVICT_LRU
                 : strcmp(rule, "greedydual") == 0 ? HF_EVICT_GREEDYDUAL
                 : strcmp(rule, "freq") == 0       ? HF_EVICT_FREQ
                 : strcmp(rule, "size") == 0       ? HF_EVICT_SIZE
                 : strcmp(rule, "landlord") == 0   ? HF_EVICT_LANDLORD
                                                   : HF_EVICT_NONE;
    return evict;
}

/* A look at a function, which may have been used since the last one. */
static inline void
hf_evict_note(const struct hf_evict *evict, const struct hf_scale_view *view)
{
    struct hf_evict_room *room = (struct hf_evict_room *)view->state;

    if (view->in_flight > 0 || view->waiting > 0 || view->calls_total != room->calls) {
        room->clock = evict->clock;
        room->calls = view->calls_total;
    }
}

static inline double
hf_evict_priority(const struct hf_evict *evict, const struct hf_victim *victim)
{
    double size = victim->memory_bytes > 0 ? (double)victim->memory_bytes / 1048576.0 : 1.0;
    double cost = (double)victim->start_ns / 1e9;
    double uses = (double)victim->function_uses;
    double clock = ((const struct hf_evict_room *)victim->state)->clock;

    switch (evict->rule) {
    case HF_EVICT_GREEDYDUAL:
        return clock + uses * cost / size;
    case HF_EVICT_FREQ:
        return clock + uses * cost;
    case HF_EVICT_SIZE:
        return clock + uses / size;
    case HF_EVICT_LANDLORD:
        return clock + cost / size;
    case HF_EVICT_NONE:
    case HF_EVICT_LRU:
        break;
    }
    return (double)victim->idle_since_ns;
}

/* The clock moves to the highest priority of those that have to go for `need_bytes`. */
static inline void
hf_evict_age(struct hf_evict *evict, uint64_t need_bytes, const struct hf_victim *const *victims,
             const uint32_t *order, const double *priority, uint32_t n)
{
    uint64_t freed = 0;
    double highest = evict->clock;

    for (uint32_t i = 0; i < n; i++) {
        highest = priority[i] > highest ? priority[i] : highest;
        freed += victims[order[i]]->memory_bytes;
        if (freed >= need_bytes) {
            evict->clock = highest;
            return;
        }
    }
    /* All together are not enough: the host stops none. */
}

/* Writes the order in which instances should go to `ret`, as `victims` of scaler.h; 0: none. */
static inline uint32_t
hf_evict_choose(struct hf_evict *evict, uint64_t need_bytes, const struct hf_victim *const *victims,
                uint32_t count, uint32_t *ret)
{
    double priority[HF_EVICT_MOST];
    uint32_t n = count < HF_EVICT_MOST ? count : HF_EVICT_MOST;

    if (evict->rule == HF_EVICT_NONE) {
        return 0;
    }
    for (uint32_t i = 0; i < n; i++) { /* sorted in; equals stay as they come, longest idle first */
        double own = hf_evict_priority(evict, victims[i]);
        uint32_t at = i;

        for (; at > 0 && priority[at - 1] > own; at--) {
            priority[at] = priority[at - 1];
            ret[at] = ret[at - 1];
        }
        priority[at] = own;
        ret[at] = i;
    }
    hf_evict_age(evict, need_bytes, victims, ret, priority, n);
    return n;
}

#ifdef __cplusplus
}
#endif

#endif
