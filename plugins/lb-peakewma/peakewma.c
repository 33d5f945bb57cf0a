/*
 * peakewma.c - the lb policy "peakewma": of two endpoints, the one that promises the shorter wait.
 *
 * The cost of an endpoint is its latency, as a moving average that follows peaks at once and
 * forgets them slowly, times its calls in flight and this one (Finagle, Tower).  For calls to
 * children of a load balancer; among instances of one function the function's own time
 * hides what differs.
 */
#include <hyperfaas/lb.h>
#include <hyperfaas/policy/average.h>
#include <hyperfaas/policy/draw.h>

#include <stdlib.h>

struct hf_lb {
    const struct hf_host *host;
    uint64_t decay_ns;
    double default_ns; /* latency of an endpoint that has not answered yet */
};

/* What is kept with each endpoint. */
struct state {
    struct hf_ewma latency; /* nanoseconds */
    uint32_t in_flight;
};

static const struct hf_option options[] = {
    { .key = "decay",
      .type = HF_OPT_DURATION,
      .fallback = "10s",
      .min = "1ms",
      .max = "1h",
      .help = "How long a slow answer is remembered: after this time a third of it is left." },
    { .key = "default_latency",
      .type = HF_OPT_DURATION,
      .fallback = "1s",
      .min = "1us",
      .max = "1h",
      .help = "Taken for the latency of an endpoint that has not answered yet." },
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
    lb->decay_ns = host->option_u64(values, "decay");
    lb->default_ns = (double)host->option_u64(values, "default_latency");
    *ret = lb;
    return 0;
}

static void
destroy(struct hf_lb *lb)
{
    free(lb);
}

/* One that has not been looked at yet begins with the default, which fades like any latency, so
 * that it is tried in the end. */
static double
cost(const struct hf_lb *lb, const struct hf_lb_view *view, uint32_t i)
{
    struct state *state = view->usable[i].state;

    if (state->latency.seen == 0) {
        hf_ewma_add(&state->latency, lb->default_ns, view->now_ns, lb->decay_ns);
    }
    return hf_ewma_decayed(&state->latency, view->now_ns, lb->decay_ns) *
           ((double)state->in_flight + 1.0);
}

static struct hf_handle
pick(struct hf_lb *lb, const struct hf_lb_view *view)
{
    struct hf_draw draw = hf_draw_from(view->random);
    uint32_t a;
    uint32_t b;

    if (view->usable_count == 1) {
        return view->usable[0].handle;
    }
    hf_draw_two(&draw, view->usable_count, &a, &b); /* in random order, so `a` wins a tie */
    return view->usable[cost(lb, view, b) < cost(lb, view, a) ? b : a].handle;
}

static void
started(struct hf_lb *lb, const struct hf_endpoint *endpoint)
{
    (void)lb;
    ((struct state *)endpoint->state)->in_flight++;
}

/* A call that was given up took at least that long; a slot that was not used says nothing. */
static void
finished(struct hf_lb *lb, const struct hf_endpoint *endpoint, uint32_t outcome,
         uint64_t elapsed_ns)
{
    struct state *state = endpoint->state;

    state->in_flight--;
    if (outcome != HF_OUTCOME_RELEASED) {
        hf_ewma_add_peak(&state->latency, (double)elapsed_ns, endpoint->now_ns, lb->decay_ns);
    }
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

HF_LB_PLUGIN(peakewma, "Of two endpoints drawn at random, the one that promises the shorter wait.",
             ops, options);
