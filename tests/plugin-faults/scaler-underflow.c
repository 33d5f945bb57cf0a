/* scaler-underflow.c - a difference that may be below zero. */
#include "scaler.h"

static uint32_t
on_tick(struct hf_scaler *scaler, const struct hf_scale_view *view)
{
    (void)scaler;
    return view->ready + view->starting - view->draining;
}

FAULTY_SCALER(underflow, right_count, on_tick, NULL, NULL);
