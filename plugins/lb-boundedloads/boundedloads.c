/*
 * boundedloads.c - the lb policy "boundedloads": the home by hash, unless it is busy.
 *
 * The routing "bounded_loads" of HyperFaaS's next version.  From the function's place on the ring
 * at most a few children are looked at, and the first whose load average is not above the bound
 * gets the call; if there is none, the child with the least load does.
 */
#include <hyperfaas/lb.h>
#include <hyperfaas/policy/children.h>
#include <hyperfaas/policy/decision.h>

#include <stdlib.h>

#define CHAIN_MAX 16

#define REASONS(REASON) REASON(HOME, "home") REASON(CHAIN, "home_busy") REASON(LEAST, "chain_busy")
HF_REASONS(REASONS);

struct hf_lb {
    const struct hf_host *host;
    uint32_t vnodes;
    uint32_t chain;
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
    { .key = "max_chain_len",
      .type = HF_OPT_UINT,
      .fallback = "3",
      .min = "1",
      .max = "16", /* CHAIN_MAX */
      .help = "Children that are looked at on the ring." },
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
    lb->chain = (uint32_t)host->option_u64(values, "max_chain_len");
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
    uint32_t chain[CHAIN_MAX];
    uint32_t n = hf_child_chain(view, lb->chain, chain);
    uint32_t least;

    for (uint32_t k = 0; k < n; k++) {
        double load = hf_child_average(view, chain[k]);

        if (load <= lb->bound) {
            hf_because(view->decision, k == 0 ? HOME : CHAIN, load);
            return view->usable[chain[k]].handle;
        }
    }
    least = hf_child_least(view, hf_child_average, &draw);
    hf_because(view->decision, LEAST, hf_child_average(view, least));
    return view->usable[least].handle;
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

HF_LB_PLUGIN(boundedloads, "The home by hash or one behind it, unless they are busy.", ops,
             options);
