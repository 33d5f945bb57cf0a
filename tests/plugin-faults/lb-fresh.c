/* lb-fresh.c - it decides by memory that nobody has written. */
#include "lb.h"

static int
create(const struct hf_host *host, const struct hf_options *options,
       const struct hf_function *function, struct hf_lb **ret, struct hf_err *err)
{
    int r = right_create(host, options, function, ret, err);

    if (r == 0) {
        (*ret)->more = malloc(1000);
    }
    return r;
}

static struct hf_handle
pick(struct hf_lb *lb, const struct hf_lb_view *view)
{
    if (lb->more) {
        lb->next += ((volatile unsigned char *)lb->more)[500] / 2;
    }
    return right_pick(lb, view);
}

FAULTY_LB(fresh, create, pick, right_finished);
