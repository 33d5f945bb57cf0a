/*
 * resourceaware.c - the scheduler "resourceaware": the worker whose scarcest resource is least
 * used.
 *
 * The placement "resource_aware" of HyperFaaS's next version: of each worker, the largest part in
 * use of processors, memory and disk, plus its load average per processor; the smallest sum wins.
 */
#include <hyperfaas/policy/decision.h>
#include <hyperfaas/policy/fleet.h>
#include <hyperfaas/scheduler.h>

#include <stdlib.h>

#define REASONS(REASON) REASON(LEAST, "least_used") REASON(NONE, "no_room")
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
    double used = hf_worker_pressure(worker);

    (void)arg;
    if (worker->disk_bytes > 0) {
        used = fmax(used, (double)worker->disk_used_bytes / (double)worker->disk_bytes);
    }
    return (struct hf_rank){ { used + worker->load_millis / 1000.0 } };
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
        hf_because(view->decision, NONE, 0.0);
    } else {
        hf_because(view->decision, LEAST, rank(view, best, NULL).of[0]);
    }
    return hf_worker_at(view, best);
}

static const struct hf_scheduler_ops ops = {
    .size = sizeof ops,
    .create = create,
    .destroy = destroy,
    .pick = pick,
    .needs = HF_SCHEDULER_NEEDS_LOAD,
    .reason_count = REASON_COUNT,
    .reasons = reasons,
};

HF_SCHEDULER_PLUGIN(resourceaware, "The worker whose scarcest resource is least used.", ops, NULL);
