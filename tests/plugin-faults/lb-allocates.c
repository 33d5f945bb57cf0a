/* lb-allocates.c - it allocates on the path of each call. */
#include "lb.h"

static struct hf_handle
pick(struct hf_lb *lb, const struct hf_lb_view *view)
{
    void *volatile memory = malloc(100);

    free(memory);
    return right_pick(lb, view);
}

FAULTY_LB(allocates, right_create, pick, right_finished);
