/*
 * coldstartaware.c - the scheduler "coldstartaware": where the fewest instances are starting.
 *
 * Starts under way on a worker slow each other down.  Of workers with equally many, the one
 * under the least pressure (the larger of memory and processors in use), then the one with
 * the fewest instances.
 */
#include <hyperfaas/policy/fleet.h>
#include <hyperfaas/scheduler.h>

#include <stdlib.h>

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

static struct hf_handle
pick(struct hf_scheduler *scheduler, const struct hf_function *function, void *state,
     const struct hf_fleet_view *view)
{
    (void)scheduler;
    (void)function;
    (void)state;
    return hf_worker_at(view, hf_fleet_best(view, hf_rank_by_starts, NULL, NULL));
}

static const struct hf_scheduler_ops ops = {
    .size = sizeof ops,
    .create = create,
    .destroy = destroy,
    .pick = pick,
};

HF_SCHEDULER_PLUGIN(coldstartaware, "The worker with the fewest starts under way.", ops, NULL);
