/* lb-memory.c - it does not look whether there is memory. */
#include "lb.h"

static int
create(const struct hf_host *host, const struct hf_options *options,
       const struct hf_function *function, struct hf_lb **ret, struct hf_err *err)
{
    struct hf_lb *lb = calloc(1, sizeof *lb);

    (void)host;
    (void)options;
    (void)function;
    (void)err;
    ((volatile struct hf_lb *)lb)->next = 1;
    *ret = lb;
    return 0;
}

FAULTY_LB(memory, create, right_pick, right_finished);
