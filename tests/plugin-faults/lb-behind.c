/* lb-behind.c - it reads one endpoint more than there are. */
#include "lb.h"

static struct hf_handle
pick(struct hf_lb *lb, const struct hf_lb_view *view)
{
    lb->next +=
        ((const volatile struct hf_candidate *)view->usable)[view->usable_count].handle.index;
    return right_pick(lb, view);
}

FAULTY_LB(behind, right_create, pick, right_finished);
