/* short.c - a module built when the table of operations ended after `pick`. */
#include <stddef.h>

#include "lb.h"

static const struct hf_lb_ops ops = {
    .size = offsetof(struct hf_lb_ops, added),
    .create = test_create,
    .destroy = test_destroy,
    .pick = test_pick,
    .show = (void (*)(const struct hf_lb *, struct hf_text *))abort, /* beyond the size */
};

HF_LB_PLUGIN(short, "Built long ago.", ops, NULL);
