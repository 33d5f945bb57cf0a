/*
 * pull.c - the lb policy "pull": children ask for calls by finishing some.
 *
 * S. Akbari and M. Hauswirth, Hiku: Pull-Based Scheduling for Serverless Computing, 2025, after
 * join-idle-queue.  A child that has finished a call of the function has an idle instance of it:
 * it stands in the queue of the function once for each.  A call goes to the one in the queue
 * with the fewest calls, and takes one place from it; when the queue is empty, to the child with
 * the fewest calls of all, which starts an instance.
 */
#include <hyperfaas/lb.h>
#include <hyperfaas/policy/children.h>
#include <hyperfaas/policy/decision.h>

#include <stdlib.h>

#define REASONS(REASON) REASON(IDLE, "from_queue") REASON(LEAST, "queue_empty")
HF_REASONS(REASONS);

struct hf_lb {
    const struct hf_host *host;
};

/* What is kept with each endpoint. */
struct state {
    uint32_t queued; /* places in the queue */
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

/* The calls of those in the queue; others come behind all of them. */
static double
calls_if_queued(const struct hf_lb_view *view, uint32_t i)
{
    struct state *state = view->usable[i].state;

    if (i >= view->warm_count) {
        state->queued = 0; /* its instances are gone */
    }
    return state->queued > 0 ? hf_child_calls(view, i) : (double)UINT32_MAX + 1.0;
}

static struct hf_handle
pick(struct hf_lb *lb, const struct hf_lb_view *view)
{
    struct hf_draw draw = hf_draw_from(view->random);
    uint32_t best = hf_child_least(view, calls_if_queued, &draw);
    bool idle = ((const struct state *)view->usable[best].state)->queued > 0;

    (void)lb;
    hf_because(view->decision, idle ? IDLE : LEAST, hf_child_calls(view, best));
    return view->usable[best].handle;
}

static void
started(struct hf_lb *lb, const struct hf_endpoint *endpoint)
{
    struct state *state = endpoint->state;

    (void)lb;
    state->queued -= state->queued > 0;
}

/* The instance that served the call is idle now. */
static void
finished(struct hf_lb *lb, const struct hf_endpoint *endpoint, uint32_t outcome,
         uint64_t elapsed_ns)
{
    (void)lb;
    (void)elapsed_ns;
    ((struct state *)endpoint->state)->queued += outcome == HF_OUTCOME_OK;
}

static const struct hf_lb_ops ops = {
    .size = sizeof ops,
    .endpoint_state_size = sizeof(struct state),
    .create = create,
    .destroy = destroy,
    .pick = pick,
    .started = started,
    .finished = finished,
    .needs = HF_LB_NEEDS_ALL_CHILDREN | HF_LB_NEEDS_LOAD,
    .reason_count = REASON_COUNT,
    .reasons = reasons,
};

HF_LB_PLUGIN(pull, "A child with an idle instance, else the one with the fewest calls.", ops, NULL);
