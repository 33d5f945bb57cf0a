/*
 * boundedloads.c - the scheduler "boundedloads": the home by hash, unless it is busy.
 *
 * The placement "bounded_loads" of HyperFaaS's next version.  From the function's place on a ring
 * of workers at most a few that have room are looked at, and the first whose load average is not
 * above the bound gets the instance; if there is none, the worker with the least load does.
 */
#include <hyperfaas/policy/decision.h>
#include <hyperfaas/policy/fleet.h>
#include <hyperfaas/policy/ring.h>
#include <hyperfaas/scheduler.h>

#include <stdlib.h>

#define REASONS(REASON)                                                                            \
    REASON(HOME, "home")                                                                           \
    REASON(CHAIN, "home_busy")                                                                     \
    REASON(LEAST, "chain_busy")
HF_REASONS(REASONS);

struct hf_scheduler {
    const struct hf_host *host;
    struct hf_ring ring;
    struct hf_fleet_index index;
    uint32_t chain;
    double bound;
};

static const struct hf_option options[] = {
    { .key = "bound",
      .type = HF_OPT_DOUBLE,
      .fallback = "1",
      .min = "0",
      .max = "1000",
      .help = "Load average per processor above which a worker is passed over." },
    { .key = "max_chain_len",
      .type = HF_OPT_UINT,
      .fallback = "3",
      .min = "1",
      .max = "1000",
      .help = "Workers with room that are looked at on the ring." },
    { .key = "vnodes",
      .type = HF_OPT_UINT,
      .fallback = "128",
      .min = "1",
      .max = "1024",
      .help = "Points of each worker on the ring." },
    { 0 },
};

static int
create(const struct hf_host *host, const struct hf_options *values, struct hf_scheduler **ret,
       struct hf_err *err)
{
    struct hf_scheduler *scheduler = calloc(1, sizeof *scheduler);

    if (!scheduler) {
        return host->fail(err, HF_ENOMEM, "no memory for the scheduler");
    }
    scheduler->host = host;
    scheduler->bound = host->option_double(values, "bound");
    scheduler->chain = (uint32_t)host->option_u64(values, "max_chain_len");
    scheduler->ring.vnodes = (uint32_t)host->option_u64(values, "vnodes");
    *ret = scheduler;
    return 0;
}

static void
destroy(struct hf_scheduler *scheduler)
{
    if (scheduler) {
        hf_ring_clear(&scheduler->ring);
        hf_fleet_index_clear(&scheduler->index);
        free(scheduler);
    }
}

static double
load_of(const struct hf_worker *worker)
{
    return worker->load_millis / 1000.0;
}

/* By load, then instances, which have no part in the load average yet when they are new. */
static struct hf_rank
rank(const struct hf_fleet_view *view, uint32_t i, const void *arg)
{
    const struct hf_worker *worker = view->workers[i];

    (void)arg;
    return (struct hf_rank){ { load_of(worker), worker->instances } };
}

static struct hf_handle
pick(struct hf_scheduler *scheduler, const struct hf_function *function, void *state,
     const struct hf_fleet_view *view)
{
    struct hf_ring_walk walk = hf_ring_from(&scheduler->ring, function->hash);
    struct hf_handle worker;
    uint32_t met = 0;

    (void)state;
    while (met < scheduler->chain &&
           (worker = hf_ring_next(&scheduler->ring, &walk)).generation != 0) {
        uint32_t i = hf_fleet_find(&scheduler->index, view, worker);

        if (i == HF_NO_WORKER || !view->feasible(view, i)) {
            continue;
        }
        if (load_of(view->workers[i]) <= scheduler->bound) {
            hf_because(view->decision, met == 0 ? HOME : CHAIN, load_of(view->workers[i]));
            return worker;
        }
        met++;
    }
    hf_because(view->decision, LEAST, scheduler->bound);
    return hf_worker_at(view, hf_fleet_best(view, rank, NULL, NULL));
}

static int
worker_added(struct hf_scheduler *scheduler, const struct hf_worker *worker)
{
    int r = hf_fleet_index_reserve(&scheduler->index, worker->handle);

    return r < 0 ? r : hf_ring_add(&scheduler->ring, worker->handle, worker->hash);
}

static void
worker_removed(struct hf_scheduler *scheduler, const struct hf_worker *worker)
{
    hf_ring_remove(&scheduler->ring, worker->handle);
}

static void
show(const struct hf_scheduler *scheduler, struct hf_text *text)
{
    scheduler->host->print(text, "workers=%u\nbound=%g\n", scheduler->ring.nodes, scheduler->bound);
}

static const struct hf_scheduler_ops ops = {
    .size = sizeof ops,
    .create = create,
    .destroy = destroy,
    .pick = pick,
    .worker_added = worker_added,
    .worker_removed = worker_removed,
    .show = show,
    .needs = HF_SCHEDULER_NEEDS_LOAD,
    .reason_count = REASON_COUNT,
    .reasons = reasons,
};

HF_SCHEDULER_PLUGIN(boundedloads, "The home by hash or one behind it, unless they are busy.", ops,
                    options);
