/*
 * knative.c - the lb policy "knative": by how many calls an instance serves at once.
 *
 * As the activator of Knative balances: functions without a limit by the power of two
 * choices; those with up to three calls per instance on the first that has a free slot, so
 * that few instances are full and others can be stopped; those with more in turn.
 */
#include <hyperfaas/lb.h>
#include <hyperfaas/policy/draw.h>
#include <hyperfaas/policy/tournament.h>

#include <stdlib.h>

#define FEW 3

struct hf_lb {
    const struct hf_host *host;
    uint32_t concurrency; /* calls per instance; 0: no limit */
    uint32_t next;        /* whose turn it is */
    struct hf_tournament usable;
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
    lb->concurrency = function->max_concurrency;
    *ret = lb;
    return 0;
}

static void
destroy(struct hf_lb *lb)
{
    if (lb) {
        hf_tournament_clear(&lb->usable);
        free(lb);
    }
}

static struct hf_handle
better_of_two(const struct hf_lb_view *view)
{
    struct hf_draw draw = hf_draw_from(view->random);
    const struct state *first;
    const struct state *second;
    uint32_t a;
    uint32_t b;

    if (view->usable_count == 1) {
        return view->usable[0].handle;
    }
    hf_draw_two(&draw, view->usable_count, &a, &b);
    first = view->usable[a].state;
    second = view->usable[b].state;
    return view->usable[second->in_flight < first->in_flight ? b : a].handle;
}

static struct hf_handle
pick(struct hf_lb *lb, const struct hf_lb_view *view)
{
    if (lb->concurrency == 0) {
        return better_of_two(view);
    }
    if (lb->concurrency <= FEW) {
        return hf_tournament_winner(&lb->usable, 0);
    }
    return view->usable[lb->next++ % view->usable_count].handle;
}

static int
added(struct hf_lb *lb, const struct hf_endpoint *endpoint)
{
    int r = hf_tournament_reserve(&lb->usable, endpoint->handle);

    if (r == 0) {
        hf_tournament_set(&lb->usable, endpoint->handle, 0);
    }
    return r;
}

static void
full(struct hf_lb *lb, const struct hf_endpoint *endpoint)
{
    hf_tournament_set(&lb->usable, endpoint->handle, HF_TOURNAMENT_OUT);
}

static void
freed(struct hf_lb *lb, const struct hf_endpoint *endpoint)
{
    hf_tournament_set(&lb->usable, endpoint->handle, 0);
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

static void
show(const struct hf_lb *lb, struct hf_text *text)
{
    lb->host->print(text, "rule=%s\n",
                    lb->concurrency == 0     ? "two-choices"
                    : lb->concurrency <= FEW ? "first-available"
                                             : "in-turn");
}

static const struct hf_lb_ops ops = {
    .size = sizeof ops,
    .endpoint_state_size = sizeof(struct state),
    .create = create,
    .destroy = destroy,
    .pick = pick,
    .added = added,
    .removed = full, /* it takes no part either */
    .full = full,
    .freed = freed,
    .started = started,
    .finished = finished,
    .show = show,
};

HF_LB_PLUGIN(knative, "By the calls that an instance serves at once, as Knative does.", ops, NULL);
