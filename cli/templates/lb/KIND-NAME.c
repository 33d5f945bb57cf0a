/*
 * lb-NAME.c - the load balancing policy "NAME": which endpoint gets a call.
 *
 * To begin with: of a few endpoints drawn at random, the one with the fewest calls in flight.  An
 * endpoint is an instance of the function (at a leaf) or a child node (at a load balancer).
 */
#include <hyperfaas/lb.h>

#include <stdlib.h>

/* One for each function that is warm at a node.  Everything that the policy knows is in here or in
 * the room of an endpoint: no globals, so that it can be used twice in a process. */
struct hf_lb {
    uint32_t choices;
};

/* What the host keeps for us with each endpoint, zeroed before it joins. */
struct load {
    uint32_t in_flight;
};

/* What may be set in the configuration; the host reads and checks it. */
static const struct hf_option options[] = {
    { .key = "choices",
      .type = HF_OPT_UINT,
      .fallback = "2",
      .min = "1",
      .max = "4",
      .help = "Endpoints that are drawn for each call." },
    { 0 },
};

static int
create(const struct hf_host *host, const struct hf_options *values,
       const struct hf_function *function, struct hf_lb **ret, struct hf_err *err)
{
    struct hf_lb *lb = malloc(sizeof *lb);

    if (!lb) {
        return host->fail(err, HF_ENOMEM, "no memory to balance function '%s'", function->id);
    }
    lb->choices = (uint32_t)host->option_u64(values, "choices");
    *ret = lb;
    return 0;
}

static void
destroy(struct hf_lb *lb)
{
    free(lb);
}

/* Endpoint number `i` of those drawn, by sixteen random bits. */
static const struct hf_candidate *
draw(const struct hf_lb_view *view, uint32_t i)
{
    uint64_t bits = view->random >> (16 * i) & 0xffff;

    return &view->usable[bits * view->usable_count >> 16];
}

/* On the path of each call: no allocation, nothing that waits, no clock (view->now_ns) and no
 * random numbers of our own (view->random). */
static struct hf_handle
pick(struct hf_lb *lb, const struct hf_lb_view *view)
{
    const struct hf_candidate *best = draw(view, 0);

    for (uint32_t i = 1; i < lb->choices; i++) {
        const struct hf_candidate *drawn = draw(view, i);

        if (((const struct load *)drawn->state)->in_flight <
            ((const struct load *)best->state)->in_flight) {
            best = drawn;
        }
    }
    return best->handle;
}

/* A slot of an endpoint was taken, by a pick or by a call that had waited for it. */
static void
started(struct hf_lb *lb, const struct hf_endpoint *endpoint)
{
    (void)lb;
    ((struct load *)endpoint->state)->in_flight++;
}

/* It was given back; each `started` is followed by one of these, however the call ended. */
static void
finished(struct hf_lb *lb, const struct hf_endpoint *endpoint, uint32_t outcome,
         uint64_t elapsed_ns)
{
    (void)lb;
    (void)outcome;
    (void)elapsed_ns;
    ((struct load *)endpoint->state)->in_flight--;
}

/* Operations that are left out are not called; lb.h has them all. */
static const struct hf_lb_ops ops = {
    .size = sizeof ops,
    .endpoint_state_size = sizeof(struct load),
    .create = create,
    .destroy = destroy,
    .pick = pick,
    .started = started,
    .finished = finished,
};

HF_LB_PLUGIN(NAME, "The less busy of a few endpoints drawn at random.", ops, options);
