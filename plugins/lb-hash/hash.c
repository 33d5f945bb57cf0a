/*
 * hash.c - the lb policy "hash": the endpoint that consistent hashing names.
 *
 * From the function's place on a ring of endpoints, the first that can take the call.  All calls
 * of a function go to one endpoint as long as it is there and has a free slot.
 */
#include <hyperfaas/lb.h>
#include <hyperfaas/policy/decision.h>
#include <hyperfaas/policy/order.h>

#include <stdlib.h>

#define REASONS(REASON) REASON(HOME, "home") REASON(NEXT, "home_full")
HF_REASONS(REASONS);

struct hf_lb {
    uint32_t vnodes;
    uint64_t key; /* of the function */
    struct hf_order order;
};

/* What is kept with each endpoint. */
struct state {
    bool out; /* of the usable set */
};

static const struct hf_option options[] = {
    { .key = "vnodes",
      .type = HF_OPT_UINT,
      .fallback = "64",
      .min = "1",
      .max = "1024",
      .help = "Points of each endpoint on the ring." },
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
    lb->vnodes = (uint32_t)host->option_u64(values, "vnodes");
    lb->key = function->hash;
    *ret = lb;
    return 0;
}

static void
destroy(struct hf_lb *lb)
{
    if (lb) {
        hf_order_clear(&lb->order);
        free(lb);
    }
}

static struct hf_handle
pick(struct hf_lb *lb, const struct hf_lb_view *view)
{
    for (uint32_t i = 0; i < lb->order.count; i++) {
        if (!((const struct state *)lb->order.entries[i].state)->out) {
            hf_because(view->decision, i == 0 ? HOME : NEXT, i);
            return lb->order.entries[i].handle;
        }
    }
    return HF_NONE;
}

static int
added(struct hf_lb *lb, const struct hf_endpoint *endpoint)
{
    return hf_order_add(&lb->order, endpoint,
                        hf_ring_distance(endpoint->hash, lb->vnodes, lb->key));
}

static void
removed(struct hf_lb *lb, const struct hf_endpoint *endpoint)
{
    hf_order_remove(&lb->order, endpoint);
}

static void
full(struct hf_lb *lb, const struct hf_endpoint *endpoint)
{
    (void)lb;
    ((struct state *)endpoint->state)->out = true;
}

static void
freed(struct hf_lb *lb, const struct hf_endpoint *endpoint)
{
    (void)lb;
    ((struct state *)endpoint->state)->out = false;
}

static const struct hf_lb_ops ops = {
    .size = sizeof ops,
    .endpoint_state_size = sizeof(struct state),
    .create = create,
    .destroy = destroy,
    .pick = pick,
    .added = added,
    .removed = removed,
    .full = full,
    .freed = freed,
    .reason_count = REASON_COUNT,
    .reasons = reasons,
};

HF_LB_PLUGIN(hash, "The endpoint that consistent hashing names.", ops, options);
