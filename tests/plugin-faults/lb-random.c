/* lb-random.c - it draws random numbers of its own. */
#include "lb.h"

static struct hf_handle
pick(struct hf_lb *lb, const struct hf_lb_view *view)
{
    int (*draw)(void) = rand;

    lb->next = (uint32_t)draw();
    return right_pick(lb, view);
}

FAULTY_LB(random, right_create, pick, right_finished);
