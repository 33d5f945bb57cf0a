/* lb-help.c - an option that nobody explains. */
#include "lb.h"

static const struct hf_option options[] = {
    { .key = "turns", .type = HF_OPT_UINT, .fallback = "2", .help = "" },
    { 0 },
};

static const struct hf_lb_ops ops = {
    .size = sizeof ops,
    .endpoint_state_size = sizeof(struct room),
    .create = right_create,
    .destroy = right_destroy,
    .pick = right_pick,
    .started = right_started,
    .finished = right_finished,
};

HF_LB_PLUGIN(help, "Has a fault.", ops, options);
