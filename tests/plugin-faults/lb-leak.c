/* lb-leak.c - what it keeps beside is made twice and freed once. */
#include "lb.h"

static int
create(const struct hf_host *host, const struct hf_options *options,
       const struct hf_function *function, struct hf_lb **ret, struct hf_err *err)
{
    int r = right_create(host, options, function, ret, err);

    if (r == 0) {
        (*ret)->more = malloc(100);
        (*ret)->more = malloc(100);
    }
    return r;
}

FAULTY_LB(leak, create, right_pick, right_finished);
