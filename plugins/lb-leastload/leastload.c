/*
 * leastload.c - the lb policy "leastload": the endpoint with the fewest calls.
 *
 * Join the shortest queue (W. Winston, 1977), ties broken uniformly at random, without looking at
 * all endpoints: a tournament among them knows the smallest number and how many share it.
 */
#include <hyperfaas/lb.h>
#include <hyperfaas/policy/tournament.h>

#include <stdlib.h>

struct hf_lb {
    const struct hf_host *host;
    struct hf_tournament calls; /* in flight */
    uint32_t endpoints;
};

/* What is kept with each endpoint. */
struct state {
    uint32_t in_flight;
    bool out; /* of the usable set */
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
    if (lb) {
        hf_tournament_clear(&lb->calls);
        free(lb);
    }
}

static struct hf_handle
pick(struct hf_lb *lb, const struct hf_lb_view *view)
{
    return hf_tournament_winner(&lb->calls, view->random);
}

static void
update(struct hf_lb *lb, const struct hf_endpoint *endpoint)
{
    const struct state *state = endpoint->state;

    hf_tournament_set(&lb->calls, endpoint->handle,
                      state->out ? HF_TOURNAMENT_OUT : state->in_flight);
}

static int
added(struct hf_lb *lb, const struct hf_endpoint *endpoint)
{
    int r = hf_tournament_reserve(&lb->calls, endpoint->handle);

    if (r == 0) {
        lb->endpoints++;
        update(lb, endpoint);
    }
    return r;
}

static void
removed(struct hf_lb *lb, const struct hf_endpoint *endpoint)
{
    lb->endpoints--;
    hf_tournament_set(&lb->calls, endpoint->handle, HF_TOURNAMENT_OUT);
}

static void
full(struct hf_lb *lb, const struct hf_endpoint *endpoint)
{
    ((struct state *)endpoint->state)->out = true;
    update(lb, endpoint);
}

static void
freed(struct hf_lb *lb, const struct hf_endpoint *endpoint)
{
    ((struct state *)endpoint->state)->out = false;
    update(lb, endpoint);
}

static void
count(struct hf_lb *lb, const struct hf_endpoint *endpoint, bool started)
{
    struct state *state = endpoint->state;

    state->in_flight = started ? state->in_flight + 1 : state->in_flight - 1;
    if (!state->out) {
        update(lb, endpoint);
    }
}

static void
started(struct hf_lb *lb, const struct hf_endpoint *endpoint)
{
    count(lb, endpoint, true);
}

static void
finished(struct hf_lb *lb, const struct hf_endpoint *endpoint, uint32_t outcome,
         uint64_t elapsed_ns)
{
    (void)outcome;
    (void)elapsed_ns;
    count(lb, endpoint, false);
}

static void
show(const struct hf_lb *lb, struct hf_text *text)
{
    struct hf_tournament_node fewest = hf_tournament_fewest(&lb->calls);

    lb->host->print(text, "endpoints=%u\n", lb->endpoints);
    if (fewest.ties > 0) {
        lb->host->print(text, "fewest_calls=%u\nties=%u\n", fewest.fewest, fewest.ties);
    }
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
    .started = started,
    .finished = finished,
    .show = show,
};

HF_LB_PLUGIN(leastload, "The endpoint with the fewest calls in flight; ties at random.", ops, NULL);
