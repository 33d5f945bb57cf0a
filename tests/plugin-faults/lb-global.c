/* lb-global.c - its instances share what each should have for itself. */
#include "lb.h"

static uint32_t next;

static struct hf_handle
pick(struct hf_lb *lb, const struct hf_lb_view *view)
{
    lb->next = next++;
    return right_pick(lb, view);
}

FAULTY_LB(global, right_create, pick, right_finished);
