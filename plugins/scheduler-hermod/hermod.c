/*
 * hermod.c - the scheduler "hermod": pack while load is low, spread when it is high.
 *
 * K. Kaffes et al., Hermod: Principled and Practical Scheduling for Serverless Functions,
 * SoCC'22.  Load is low at a worker while it runs fewer calls than it has cores.  Among
 * such workers one that is busy goes before one that is empty, and of either kind one that
 * is warm for the function.  With none of low load, the one with the fewest calls.
 */
#include <hyperfaas/policy/decision.h>
#include <hyperfaas/policy/fleet.h>
#include <hyperfaas/scheduler.h>

#include <stdlib.h>

#define REASONS(REASON)                                                                            \
    REASON(PACK, "busy_of_low_load")                                                               \
    REASON(EMPTY, "empty")                                                                         \
    REASON(SPREAD, "none_of_low_load")                                                             \
    REASON(ALL_FULL, "all_full")
HF_REASONS(REASONS);

struct hf_scheduler {
    const struct hf_host *host;
};

static int
create(const struct hf_host *host, const struct hf_options *options, struct hf_scheduler **ret,
       struct hf_err *err)
{
    struct hf_scheduler *scheduler = calloc(1, sizeof *scheduler);

    (void)options; /* takes none */
    if (!scheduler) {
        return host->fail(err, HF_ENOMEM, "no memory for the scheduler");
    }
    scheduler->host = host;
    *ret = scheduler;
    return 0;
}

static void
destroy(struct hf_scheduler *scheduler)
{
    free(scheduler);
}

/* Workers of low load come first, by class; a capacity that is not known has no end. */
static struct hf_rank
rank(const struct hf_fleet_view *view, uint32_t i, const void *arg)
{
    const struct hf_worker *worker = view->workers[i];
    bool low = worker->cpu_millis == 0 || (uint64_t)worker->in_flight * 1000 < worker->cpu_millis;

    (void)arg;
    if (!low) {
        return (struct hf_rank){ { 1.0, worker->in_flight } };
    }
    return (struct hf_rank){ { 0.0, worker->in_flight == 0,
                               hf_worker_share_of(view, i).instances == 0 } };
}

static struct hf_handle
pick(struct hf_scheduler *scheduler, const struct hf_function *function, void *state,
     const struct hf_fleet_view *view)
{
    uint32_t best = hf_fleet_best(view, rank, NULL, NULL);

    (void)scheduler;
    (void)function;
    (void)state;
    if (best == HF_NO_WORKER) {
        hf_because(view->decision, ALL_FULL, 0.0);
    } else if (rank(view, best, NULL).of[0] > 0.0) {
        hf_because(view->decision, SPREAD, view->workers[best]->in_flight);
    } else {
        hf_because(view->decision, view->workers[best]->in_flight > 0 ? PACK : EMPTY,
                   view->workers[best]->in_flight);
    }
    return hf_worker_at(view, best);
}

static const struct hf_scheduler_ops ops = {
    .size = sizeof ops,
    .create = create,
    .destroy = destroy,
    .pick = pick,
    .reason_count = REASON_COUNT,
    .reasons = reasons,
};

HF_SCHEDULER_PLUGIN(hermod, "Packs instances at low load, spreads them at high load.", ops, NULL);
