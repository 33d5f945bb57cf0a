/*
 * reasons.c - how often a policy decided for which of its reasons.
 */
#include "engine/reasons.h"

#include <stdlib.h>

#include <hyperfaas/error.h>

#include "base/macros.h"
#include "base/text.h"

int
hf_reasons_init(struct hf_reasons *reasons, const char *const *names, uint32_t count)
{
    *reasons = (struct hf_reasons){ .names = names };
    if (!names || count == 0) {
        return 0;
    }
    reasons->count = hf_min(count, HF_REASONS_MAX);
    reasons->tallies = calloc(reasons->count, sizeof *reasons->tallies);
    return reasons->tallies ? 0 : HF_ENOMEM;
}

void
hf_reasons_fini(struct hf_reasons *reasons)
{
    free(reasons->tallies);
    reasons->tallies = NULL;
}

void
hf_reasons_end(struct hf_reasons *reasons)
{
    uint32_t reason = reasons->decision.reason;

    if (reasons->tallies && reason < reasons->count) {
        reasons->tallies[reason].count++;
        reasons->tallies[reason].score = reasons->decision.score;
    }
}

void
hf_reasons_show(const struct hf_reasons *reasons, struct hf_text *out)
{
    for (uint32_t i = 0; reasons->tallies && i < reasons->count; i++) {
        const struct hf_reason_tally *tally = &reasons->tallies[i];

        if (tally->count > 0) {
            hf_text_printf(out, "reason=%s decisions=%llu last_score=%g\n", reasons->names[i],
                           (unsigned long long)tally->count, tally->score);
        }
    }
}
