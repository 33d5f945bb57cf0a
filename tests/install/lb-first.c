/*
 * lb-first.c - a policy as somebody outside this project would write it.
 *
 * plugin.sh builds it with the installed headers alone.  It always picks the
 * first usable endpoint.
 */
#include <hyperfaas/lb.h>
#include <stdlib.h>

struct hf_lb {
    const struct hf_host *host;
};

static int
first_create(const struct hf_host *host, const struct hf_options *options,
             const struct hf_function *function, struct hf_lb **ret, struct hf_err *err)
{
    struct hf_lb *lb = malloc(sizeof *lb);

    (void)options;
    (void)function;
    (void)err;
    if (!lb) {
        return HF_ENOMEM;
    }
    lb->host = host;
    *ret = lb;
    return 0;
}

static void
first_destroy(struct hf_lb *lb)
{
    free(lb);
}

static struct hf_handle
first_pick(struct hf_lb *lb, const struct hf_lb_view *view)
{
    (void)lb;
    return view->usable[0].handle;
}

static const struct hf_lb_ops first_ops = {
    .size = sizeof first_ops,
    .create = first_create,
    .destroy = first_destroy,
    .pick = first_pick,
};

HF_LB_PLUGIN(first, "Always the first usable endpoint.", first_ops, NULL);
