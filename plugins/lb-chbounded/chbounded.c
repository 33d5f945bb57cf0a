/*
 * chbounded.c - the lb policy "chbounded": consistent hashing with bounded loads.
 *
 * V. Mirrokni, M. Thorup, M. Zadimoghaddam, Consistent Hashing with Bounded Loads, 2016.  From the
 * function's place on the ring, clockwise to the first child that may take one more call without
 * having more than (1 + epsilon) times its share of all that this node has in flight.
 */
#include <hyperfaas/lb.h>
#include <hyperfaas/policy/children.h>
#include <hyperfaas/policy/decision.h>

#include <stdlib.h>

#define REASONS(REASON) REASON(HOME, "home") REASON(NEXT, "home_full")
HF_REASONS(REASONS);

struct hf_lb {
    const struct hf_host *host;
    uint32_t vnodes;
    uint64_t key; /* of the function */
    double epsilon;
};

static const struct hf_option options[] = {
    { .key = "epsilon",
      .type = HF_OPT_DOUBLE,
      .fallback = "0.25",
      .min = "0",
      .max = "100",
      .help = "How far above its share of all calls a child may be; 0.25 to 1 is useful." },
    { .key = "vnodes",
      .type = HF_OPT_UINT,
      .fallback = "64",
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
    lb->epsilon = host->option_double(values, "epsilon");
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
    uint32_t home = hf_child_home(view);
    uint32_t best = HF_NO_CHILD;
    uint64_t total = 0;
    uint64_t bound;

    for (uint32_t i = 0; i < view->usable_count; i++) {
        total += hf_child_load(view, i).node_in_flight;
    }
    bound = hf_bounded_load(lb->epsilon, total, view->usable_count);
    for (uint32_t i = 0; i < view->usable_count; i++) {
        bool nearer =
            best == HF_NO_CHILD || hf_child_distance(view, i) < hf_child_distance(view, best);

        if (nearer && (uint64_t)hf_child_load(view, i).node_in_flight + 1 <= bound) {
            best = i;
        }
    }
    best = best == HF_NO_CHILD ? home : best; /* other threads' calls began since the sum */
    hf_because(view->decision, best == home ? HOME : NEXT, (double)bound);
    return view->usable[best].handle;
}

static const struct hf_lb_ops ops = {
    .size = sizeof ops,
    .endpoint_state_size = sizeof(struct hf_child_place),
    .create = create,
    .destroy = destroy,
    .pick = pick,
    .added = added,
    .needs = HF_LB_NEEDS_ALL_CHILDREN | HF_LB_NEEDS_LOAD,
    .reason_count = REASON_COUNT,
    .reasons = reasons,
};

HF_LB_PLUGIN(chbounded, "Consistent hashing, with a bound on the calls of each child.", ops,
             options);
