/*
 * decision.h - saying why, in one line of a policy.
 *
 *     #define REASONS(REASON) REASON(HOME, "home") REASON(FULL, "home_full")
 *     HF_REASONS(REASONS);
 *     ...
 *     hf_because(view->decision, HOME, load);
 *     ...
 *     .reason_count = REASON_COUNT, .reasons = reasons,
 */
#ifndef HYPERFAAS_POLICY_DECISION_H
#define HYPERFAAS_POLICY_DECISION_H

#include <stdint.h>

#include <hyperfaas/function.h>

#ifdef __cplusplus
extern "C" {
#endif

#define HF_REASON_ENUM(id, text) id,
#define HF_REASON_TEXT(id, text) text,

/* From one list: the numbers of reasons, REASON_COUNT, and `reasons`, their names. */
#define HF_REASONS(list)                                                                           \
    enum reason { list(HF_REASON_ENUM) REASON_COUNT };                                             \
    static const char *const reasons[] = { list(HF_REASON_TEXT) }

/* Fills a view's `decision`, if somebody reads it. */
static inline void
hf_because(struct hf_decision *decision, uint32_t reason, double score)
{
    if (decision) {
        decision->reason = reason;
        decision->score = score;
    }
}

#ifdef __cplusplus
}
#endif

#endif
