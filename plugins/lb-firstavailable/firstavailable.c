/*
 * firstavailable.c - the lb policy "firstavailable": the first endpoint that has a free slot.
 *
 * Calls crowd on the endpoints that come first, so that the others become idle and can be
 * stopped.  The order is that of the handles' indices, which are reused lowest first.
 */
#include <hyperfaas/lb.h>
#include <hyperfaas/policy/tournament.h>

#include <stdlib.h>

struct hf_lb {
    struct hf_tournament usable; /* all with the same number: the first of them wins */
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
    *ret = lb;
    return 0;
}

static void
destroy(struct hf_lb *lb)
{
    if (lb) {
        hf_tournament_clear(&lb->usable);
        free(lb);
    }
}

static struct hf_handle
pick(struct hf_lb *lb, const struct hf_lb_view *view)
{
    (void)view;
    return hf_tournament_winner(&lb->usable, 0);
}

static int
added(struct hf_lb *lb, const struct hf_endpoint *endpoint)
{
    int r = hf_tournament_reserve(&lb->usable, endpoint->handle);

    if (r == 0) {
        hf_tournament_set(&lb->usable, endpoint->handle, 0);
    }
    return r;
}

static void
full(struct hf_lb *lb, const struct hf_endpoint *endpoint)
{
    hf_tournament_set(&lb->usable, endpoint->handle, HF_TOURNAMENT_OUT);
}

static void
freed(struct hf_lb *lb, const struct hf_endpoint *endpoint)
{
    hf_tournament_set(&lb->usable, endpoint->handle, 0);
}

static const struct hf_lb_ops ops = {
    .size = sizeof ops,
    .create = create,
    .destroy = destroy,
    .pick = pick,
    .added = added,
    .removed = full, /* it takes no part either */
    .full = full,
    .freed = freed,
};

HF_LB_PLUGIN(firstavailable, "The first endpoint that has a free slot.", ops, NULL);
