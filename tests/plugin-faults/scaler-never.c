/* scaler-never.c - a function's first call gets nothing. */
#include "scaler.h"

static uint32_t
on_demand(struct hf_scaler *scaler, const struct hf_scale_view *view)
{
    (void)scaler;
    return view->ready + view->starting;
}

FAULTY_SCALER(never, on_demand, right_count, NULL, NULL);
