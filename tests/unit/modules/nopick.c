/* nopick.c - a required operation is missing. */
#include "lb.h"

static const struct hf_lb_ops ops = {
    .size = sizeof ops,
    .create = test_create,
    .destroy = test_destroy,
};

__attribute__((unused)) static const void *unused = (const void *)test_pick;

HF_LB_PLUGIN(nopick, "Picks nothing.", ops, NULL);
