/*
 * reasons.h - how often a policy decided for which of its reasons (hyperfaas/function.h).
 *
 * A policy that names none costs nothing: its views have no decision to fill.
 */
#ifndef HF_ENGINE_REASONS_H
#define HF_ENGINE_REASONS_H

#include <stddef.h>
#include <stdint.h>

#include <hyperfaas/function.h>

struct hf_text;

/* The most that a table may name; those beyond are not counted. */
#define HF_REASONS_MAX 64u

/* Decisions with one reason. */
struct hf_reason_tally {
    uint64_t count;
    double score; /* of the last */
};

struct hf_reasons {
    const char *const *names;
    struct hf_reason_tally *tallies; /* NULL: the policy names none */
    uint32_t count;
    struct hf_decision decision; /* the one to be filled next */
};

/* `names` are the module's; NULL: it has none.  0 or HF_ENOMEM. */
int hf_reasons_init(struct hf_reasons *, const char *const *names, uint32_t count);
void hf_reasons_fini(struct hf_reasons *);

/* The decision for a view, all zeros; NULL without reasons. */
static inline struct hf_decision *
hf_reasons_begin(struct hf_reasons *reasons)
{
    if (!reasons->tallies) {
        return NULL;
    }
    reasons->decision = (struct hf_decision){ .size = sizeof reasons->decision };
    return &reasons->decision;
}

/* The policy has filled it. */
void hf_reasons_end(struct hf_reasons *);

/* Appends a line for each reason that was given. */
void hf_reasons_show(const struct hf_reasons *, struct hf_text *);

#endif
