/* lb-slots.c - calls that fail keep their slots, until it declines all. */
#include "lb.h"

static struct hf_handle
pick(struct hf_lb *lb, const struct hf_lb_view *view)
{
    for (uint32_t i = 0; i < view->usable_count; i++) {
        const struct room *room = view->usable[i].state;

        if (room->in_flight < 50) {
            return view->usable[i].handle;
        }
    }
    (void)lb;
    return HF_NONE;
}

static void
finished(struct hf_lb *lb, const struct hf_endpoint *endpoint, uint32_t outcome,
         uint64_t elapsed_ns)
{
    if (outcome != HF_OUTCOME_FAILED) {
        right_finished(lb, endpoint, outcome, elapsed_ns);
    }
}

FAULTY_LB(slots, right_create, pick, finished);
