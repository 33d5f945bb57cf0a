/*
 * imageaware.c - the scheduler "imageaware": workers that have the image go first.
 *
 * Of those that have it, or of all if none has, the one under the least pressure: the larger
 * part of memory and processors in use.
 */
#include <hyperfaas/policy/decision.h>
#include <hyperfaas/policy/fleet.h>
#include <hyperfaas/scheduler.h>

#include <stdlib.h>

#define REASONS(REASON)                                                                            \
    REASON(IMAGE, "has_image") REASON(LEAST, "least_pressure") REASON(ALL_FULL, "all_full")
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

static struct hf_rank
rank(const struct hf_fleet_view *view, uint32_t i, const void *arg)
{
    const struct hf_worker *worker = view->workers[i];

    (void)arg;
    return (struct hf_rank){ { !hf_worker_share_of(view, i).image_present,
                               hf_worker_pressure(worker), worker->instances } };
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
    } else {
        struct hf_rank own = rank(view, best, NULL);

        hf_because(view->decision, own.of[0] > 0.0 ? LEAST : IMAGE, own.of[1]);
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

HF_SCHEDULER_PLUGIN(imageaware, "Workers that have the image first, the least loaded of them.", ops,
                    NULL);
