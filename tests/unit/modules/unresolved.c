/* unresolved.c - a module that calls what nobody defines. */
#include "lb.h"

void hf_test_defined_nowhere(void);

static void
unresolved_destroy(struct hf_lb *lb)
{
    hf_test_defined_nowhere();
    test_destroy(lb);
}

static const struct hf_lb_ops ops = {
    .size = sizeof ops,
    .create = test_create,
    .destroy = unresolved_destroy,
    .pick = test_pick,
};

HF_LB_PLUGIN(unresolved, "Calls what nobody defines.", ops, NULL);
