/* lb-overrun.c - its rooms are smaller than what it writes there. */
#include "lb.h"

static void
finished(struct hf_lb *lb, const struct hf_endpoint *endpoint, uint32_t outcome,
         uint64_t elapsed_ns)
{
    ((uint32_t *)endpoint->state)[1] = 1;
    right_finished(lb, endpoint, outcome, elapsed_ns);
}

FAULTY_LB(overrun, right_create, right_pick, finished);
