/*
 * p2c.c - the lb policy "p2c": of two endpoints drawn at random, the one with fewer calls.
 *
 * M. Mitzenmacher, The Power of Two Choices in Randomized Load Balancing, 2001.  Two that
 * have equally many are equally likely.
 */
#include <hyperfaas/lb.h>
#include <hyperfaas/policy/draw.h>

#include <stdlib.h>

struct hf_lb {
    const struct hf_host *host;
};

/* What is kept with each endpoint. */
struct state {
    uint32_t in_flight;
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

static uint32_t
calls_at(const struct hf_candidate *candidate)
{
    return ((const struct state *)candidate->state)->in_flight;
}

static struct hf_handle
pick(struct hf_lb *lb, const struct hf_lb_view *view)
{
    struct hf_draw draw = hf_draw_from(view->random);
    uint32_t a;
    uint32_t b;

    (void)lb;
    if (view->usable_count == 1) {
        return view->usable[0].handle;
    }
    hf_draw_two(&draw, view->usable_count, &a, &b); /* in random order, so `a` wins a tie */
    return view->usable[calls_at(&view->usable[b]) < calls_at(&view->usable[a]) ? b : a].handle;
}

static void
started(struct hf_lb *lb, const struct hf_endpoint *endpoint)
{
    (void)lb;
    ((struct state *)endpoint->state)->in_flight++;
}

static void
finished(struct hf_lb *lb, const struct hf_endpoint *endpoint, uint32_t outcome,
         uint64_t elapsed_ns)
{
    (void)lb;
    (void)outcome;
    (void)elapsed_ns;
    ((struct state *)endpoint->state)->in_flight--;
}

static const struct hf_lb_ops ops = {
    .size = sizeof ops,
    .endpoint_state_size = sizeof(struct state),
    .create = create,
    .destroy = destroy,
    .pick = pick,
    .started = started,
    .finished = finished,
};

HF_LB_PLUGIN(p2c, "Of two endpoints drawn at random, the one with fewer calls.", ops, NULL);
