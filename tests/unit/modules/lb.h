/*
 * lb.h - a small lb policy for the modules of this folder, each of which is
 * right but for one thing.
 */
#ifndef HF_UNIT_MODULES_LB_H
#define HF_UNIT_MODULES_LB_H

#include <stdlib.h>

#include <hyperfaas/lb.h>

struct test_lb {
    const struct hf_host *host;
    struct hf_counter *picks;
    uint64_t limit;
};

static int
test_create(const struct hf_host *host, const struct hf_options *options,
            const struct hf_function *function, struct hf_lb **ret, struct hf_err *err)
{
    struct test_lb *lb = calloc(1, sizeof *lb);

    (void)options;
    (void)function;
    if (!lb) {
        return host->fail(err, HF_ENOMEM, "no memory");
    }
    lb->host = host;
    lb->picks = host->counter(host, "picks", "Picks made.");
    *ret = (struct hf_lb *)lb;
    return 0;
}

static void
test_destroy(struct hf_lb *lb)
{
    free(lb);
}

static struct hf_handle
test_pick(struct hf_lb *lb, const struct hf_lb_view *view)
{
    struct test_lb *self = (struct test_lb *)lb;

    self->host->count(self->picks, 1);
    return view->usable[0].handle;
}

#endif
