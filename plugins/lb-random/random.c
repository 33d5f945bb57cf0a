/*
 * random.c - the lb policy "random": any endpoint, each equally likely.
 */
#include <hyperfaas/lb.h>
#include <hyperfaas/policy/draw.h>

#include <stdlib.h>

struct hf_lb {
    const struct hf_host *host;
};

static int
create(const struct hf_host *host, const struct hf_options *options,
       const struct hf_function *function, struct hf_lb **ret, struct hf_err *err)
{
    struct hf_lb *lb = calloc(1, sizeof *lb);

    (void)options; /* takes none */
    if (!lb) {
        return host->fail(err, HF_ENOMEM, "no memory to balance function '%s'", function->id);
    }
    lb->host = host;
    *ret = lb;
    return 0;
}

static void
destroy(struct hf_lb *lb)
{
    free(lb);
}

static struct hf_handle
pick(struct hf_lb *lb, const struct hf_lb_view *view)
{
    struct hf_draw draw = hf_draw_from(view->random);

    (void)lb;
    return view->usable[hf_draw_below(&draw, view->usable_count)].handle;
}

static const struct hf_lb_ops ops = {
    .size = sizeof ops,
    .create = create,
    .destroy = destroy,
    .pick = pick,
};

HF_LB_PLUGIN(random, "Any endpoint, each equally likely.", ops, NULL);
