/*
 * roundrobin.c - the lb policy "roundrobin": each endpoint in turn.
 *
 * The smallest useful policy, and the one to copy from: an instance with its
 * state, `create`, `destroy`, `pick`, a table of these, and the macro that makes
 * it a module.
 */
#include <hyperfaas/lb.h>

#include <stdlib.h>

struct hf_lb {
    uint32_t next; /* whose turn it is; wraps around */
};

static int
rr_create(const struct hf_host *host, const struct hf_options *options,
          const struct hf_function *function, struct hf_lb **ret, struct hf_err *err)
{
    struct hf_lb *lb = calloc(1, sizeof *lb);

    (void)options; /* takes none */
    if (!lb) {
        return host->fail(err, HF_ENOMEM, "no memory to balance function '%s'", function->id);
    }
    *ret = lb;
    return 0;
}

static void
rr_destroy(struct hf_lb *lb)
{
    free(lb);
}

static struct hf_handle
rr_pick(struct hf_lb *lb, const struct hf_lb_view *view)
{
    return view->usable[lb->next++ % view->usable_count].handle;
}

static const struct hf_lb_ops rr_ops = {
    .size = sizeof rr_ops,
    .create = rr_create,
    .destroy = rr_destroy,
    .pick = rr_pick,
};

HF_LB_PLUGIN(roundrobin, "Each endpoint in turn.", rr_ops, NULL);
