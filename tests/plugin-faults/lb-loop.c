/* lb-loop.c - looks for an endpoint other than the last, for ever if there is one. */
#include "lb.h"

static struct hf_handle
pick(struct hf_lb *lb, const struct hf_lb_view *view)
{
    for (volatile uint32_t i = 0; view->usable_count == 1 && lb->next > 0; i++) {
    }
    return right_pick(lb, view);
}

FAULTY_LB(loop, right_create, pick, right_finished);
