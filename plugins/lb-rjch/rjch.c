/*
 * rjch.c - the lb policy "rjch": the home by hash, or random jumps from it.
 *
 * The routing "rj_ch" of HyperFaaS's next version, after consistent hashing with random jumps:
 * where the home is busy, its load does not all move to the neighbour on the ring, but to children
 * drawn at random.  After some draws, the child with the least load gets the call.
 */
#include <hyperfaas/lb.h>
#include <hyperfaas/policy/children.h>
#include <hyperfaas/policy/decision.h>

#include <stdlib.h>

#define REASONS(REASON) REASON(HOME, "home") REASON(JUMP, "home_busy") REASON(LEAST, "jumps_busy")
HF_REASONS(REASONS);

struct hf_lb {
    const struct hf_host *host;
    uint32_t vnodes;
    uint32_t jumps;
    uint64_t key; /* of the function */
    double bound;
};

static const struct hf_option options[] = {
    { .key = "bound",
      .type = HF_OPT_DOUBLE,
      .fallback = "1",
      .min = "0",
      .max = "1000",
      .help = "Load average per processor above which a child is passed over." },
    { .key = "max_jumps",
      .type = HF_OPT_UINT,
      .fallback = "2",
      .min = "0",
      .max = "16",
      .help = "Children that are drawn while their load is above the bound." },
    { .key = "vnodes",
      .type = HF_OPT_UINT,
      .fallback = "128",
      .min = "1",
      .max = "1024",
      .help = "Points of each child on the ring." },
    { 0 },
};

static int
create(const struct hf_host *host, const struct hf_options *values,
       const struct hf_function *function, struct hf_lb **ret, struct hf_err *err)
{
    struct hf_lb *lb = calloc(1, sizeof *lb);

    if (!lb) {
        return host->fail(err, HF_ENOMEM, "no memory to balance function '%s'", function->id);
    }
    lb->host = host;
    lb->vnodes = (uint32_t)host->option_u64(values, "vnodes");
    lb->key = function->hash;
    lb->jumps = (uint32_t)host->option_u64(values, "max_jumps");
    lb->bound = host->option_double(values, "bound");
    *ret = lb;
    return 0;
}

static void
destroy(struct hf_lb *lb)
{
    free(lb);
}

static int
added(struct hf_lb *lb, const struct hf_endpoint *endpoint)
{
    hf_child_place_set(endpoint, lb->vnodes, lb->key);
    return 0;
}

static struct hf_handle
pick(struct hf_lb *lb, const struct hf_lb_view *view)
{
    struct hf_draw draw = hf_draw_from(view->random);
    uint32_t at = hf_child_home(view);

    for (uint32_t k = 0; k <= lb->jumps; k++) {
        double load = hf_child_average(view, at);

        if (load <= lb->bound) {
            hf_because(view->decision, k == 0 ? HOME : JUMP, load);
            return view->usable[at].handle;
        }
        at = hf_draw_below(&draw, view->usable_count);
    }
    at = hf_child_least(view, hf_child_average, &draw);
    hf_because(view->decision, LEAST, hf_child_average(view, at));
    return view->usable[at].handle;
}

static const struct hf_lb_ops ops = {
    .size = sizeof ops,
    .endpoint_state_size = sizeof(struct hf_child_place),
    .create = create,
    .destroy = destroy,
    .pick = pick,
    .added = added,
    .needs = HF_LB_NEEDS_ALL_CHILDREN | HF_LB_NEEDS_REPORTS,
    .reason_count = REASON_COUNT,
    .reasons = reasons,
};

HF_LB_PLUGIN(rjch, "The home by hash or, while that is busy, random ones.", ops, options);
