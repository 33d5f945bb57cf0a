/* lb-clock.c - it reads a clock. */
#include "lb.h"

#include <time.h>

static struct hf_handle
pick(struct hf_lb *lb, const struct hf_lb_view *view)
{
    lb->next = (uint32_t)time(NULL);
    return right_pick(lb, view);
}

FAULTY_LB(clock, right_create, pick, right_finished);
