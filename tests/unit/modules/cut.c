/* cut.c - a table of operations that ends before a required one. */
#include <stddef.h>

#include "lb.h"

static const struct hf_lb_ops ops = {
    .size = offsetof(struct hf_lb_ops, pick),
    .create = test_create,
    .destroy = test_destroy,
    .pick = test_pick,
};

HF_LB_PLUGIN(cut, "Cut off.", ops, NULL);
