/*
 * chrlu.c - the lb policy "chrlu": consistent hashing with random load updates.
 *
 * A. Fuerst and P. Sharma, Locality-aware Load-Balancing For Serverless Clusters, HPDC'22, as the
 * routing "ch_rlu" of HyperFaaS's next version.  A function that is rarely called goes to its home.
 * A popular one goes to the first of a chain on the ring whose load, with noise added for the calls
 * that are likely to come before the next report, is not above a bound, which is higher the more a
 * cold start costs.  If there is none, to the home.
 */
#include <hyperfaas/lb.h>
#include <hyperfaas/policy/children.h>
#include <hyperfaas/policy/decision.h>

#include <stdlib.h>

#define CHAIN_MAX 16

#define REASONS(REASON)                                                                            \
    REASON(RARE, "rare")                                                                           \
    REASON(HOME, "home")                                                                           \
    REASON(CHAIN, "home_busy")                                                                     \
    REASON(ALL_BUSY, "chain_busy")
HF_REASONS(REASONS);

struct hf_lb {
    const struct hf_host *host;
    uint32_t vnodes;
    uint32_t chain;
    uint64_t key; /* of the function */
    uint64_t popular_ns;
    uint64_t heartbeat_ns;
    double bound;
    double max_bound;
    double sigma;
};

/* What is kept with each endpoint. */
struct state {
    struct hf_child_place place;
    uint64_t reported_ns; /* the report that `noise` was added to */
    double noise;         /* of calls that were sent there since */
};

static const struct hf_option options[] = {
    { .key = "bound",
      .type = HF_OPT_DOUBLE,
      .fallback = "1",
      .min = "0",
      .max = "1000",
      .help = "Load average per processor above which a child is passed over." },
    { .key = "max_bound",
      .type = HF_OPT_DOUBLE,
      .fallback = "6",
      .min = "0",
      .max = "1000",
      .help = "What the bound, times cold over warm time of the function, may become." },
    { .key = "popular_gap",
      .type = HF_OPT_DURATION,
      .fallback = "1s",
      .max = "1h",
      .help = "A function whose calls come closer than this on average is popular." },
    { .key = "heartbeat",
      .type = HF_OPT_DURATION,
      .fallback = "500ms",
      .min = "1ms",
      .max = "1m",
      .help = "Time between reports; divided by the gap it is the mean of the noise." },
    { .key = "sigma",
      .type = HF_OPT_DOUBLE,
      .fallback = "0.1",
      .min = "0",
      .max = "10",
      .help = "Standard deviation of the noise." },
    { .key = "max_chain_len",
      .type = HF_OPT_UINT,
      .fallback = "4",
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
    lb->popular_ns = host->option_u64(values, "popular_gap");
    lb->heartbeat_ns = host->option_u64(values, "heartbeat");
    lb->bound = host->option_double(values, "bound");
    lb->max_bound = host->option_double(values, "max_bound");
    lb->sigma = host->option_double(values, "sigma");
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

/* The load of a candidate, with what was added since its last report. */
static double
load_of(const struct hf_lb_view *view, uint32_t i)
{
    struct state *state = view->usable[i].state;
    struct hf_endpoint_load load = hf_child_load(view, i);

    if (load.reported_ns != state->reported_ns) {
        state->reported_ns = load.reported_ns;
        state->noise = 0.0;
    }
    return load.load_millis / 1000.0 + state->noise;
}

static double
bound_for(const struct hf_lb *lb, const struct hf_lb_view *view)
{
    double bound = lb->bound;

    if (view->warm_ns > 0 && view->cold_ns > view->warm_ns) {
        bound *= (double)view->cold_ns / (double)view->warm_ns;
    }
    return bound < lb->max_bound ? bound : lb->max_bound;
}

static struct hf_handle
pick(struct hf_lb *lb, const struct hf_lb_view *view)
{
    struct hf_draw draw = hf_draw_from(view->random);
    uint32_t chain[CHAIN_MAX] = { 0 };
    uint32_t n = hf_child_chain(view, lb->chain, chain);
    double bound = bound_for(lb, view);

    if (view->gap_ns == 0 || view->gap_ns > lb->popular_ns) {
        hf_because(view->decision, RARE, (double)view->gap_ns);
        return view->usable[chain[0]].handle;
    }
    for (uint32_t k = 0; k < n; k++) {
        double mean = (double)lb->heartbeat_ns / (double)view->gap_ns;
        double noise = hf_draw_normal(&draw, mean, lb->sigma);
        double load = load_of(view, chain[k]) + noise;

        if (load <= bound) {
            ((struct state *)view->usable[chain[k]].state)->noise += noise;
            hf_because(view->decision, k == 0 ? HOME : CHAIN, load);
            return view->usable[chain[k]].handle;
        }
    }
    hf_because(view->decision, ALL_BUSY, bound);
    return view->usable[chain[0]].handle;
}

static const struct hf_lb_ops ops = {
    .size = sizeof ops,
    .endpoint_state_size = sizeof(struct state),
    .create = create,
    .destroy = destroy,
    .pick = pick,
    .added = added,
    .needs = HF_LB_NEEDS_ALL_CHILDREN | HF_LB_NEEDS_REPORTS | HF_LB_NEEDS_FIGURES,
    .reason_count = REASON_COUNT,
    .reasons = reasons,
};

HF_LB_PLUGIN(chrlu, "Consistent hashing with random load updates.", ops, options);
