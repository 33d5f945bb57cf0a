/* scaler-twice.c - it names a victim twice. */
#include "scaler.h"

static uint32_t
victims(struct hf_scaler *scaler, uint64_t need_bytes, const struct hf_victim *const *all,
        uint32_t count, uint32_t *ret)
{
    (void)scaler;
    (void)need_bytes;
    (void)all;
    ret[0] = 0;
    if (count > 1) {
        ret[1] = 0;
    }
    return count > 1 ? 2 : 1;
}

FAULTY_SCALER(twice, right_count, right_count, NULL, victims);
