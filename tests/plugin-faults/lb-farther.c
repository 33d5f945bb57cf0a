/* lb-farther.c - it writes far beside its rooms. */
#include "lb.h"

static void
finished(struct hf_lb *lb, const struct hf_endpoint *endpoint, uint32_t outcome,
         uint64_t elapsed_ns)
{
    ((volatile uint32_t *)endpoint->state)[8] = 1;
    right_finished(lb, endpoint, outcome, elapsed_ns);
}

FAULTY_LB(farther, right_create, right_pick, finished);
