/* lb-crash.c - it follows a pointer that is not there. */
#include "lb.h"

static struct hf_handle
pick(struct hf_lb *lb, const struct hf_lb_view *view)
{
    if (view->usable_count == 2) {
        *(volatile uint32_t *)lb->more = 1;
    }
    return right_pick(lb, view);
}

FAULTY_LB(crash, right_create, pick, right_finished);
