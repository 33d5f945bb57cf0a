/* lb-division.c - it divides by the number of calls, which may be none. */
#include "lb.h"

static struct hf_handle
pick(struct hf_lb *lb, const struct hf_lb_view *view)
{
    const struct room *room = view->usable[0].state;
    volatile uint32_t calls = room->in_flight;

    lb->next += 100 / calls;
    return right_pick(lb, view);
}

FAULTY_LB(division, right_create, pick, right_finished);
