/* lb-wild.c - it answers with an index that it has made up. */
#include "lb.h"

static struct hf_handle
pick(struct hf_lb *lb, const struct hf_lb_view *view)
{
    struct hf_handle handle = right_pick(lb, view);

    handle.index += handle.index == 7;
    return handle;
}

FAULTY_LB(wild, right_create, pick, right_finished);
