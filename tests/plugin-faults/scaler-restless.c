/* scaler-restless.c - it wants to be asked again at once. */
#include "scaler.h"

static uint64_t
tick_ns(struct hf_scaler *scaler, const struct hf_scale_view *view)
{
    (void)scaler;
    (void)view;
    return 0;
}

FAULTY_SCALER(restless, right_count, right_count, tick_ns, NULL);
