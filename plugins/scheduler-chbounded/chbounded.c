/*
 * chbounded.c - the scheduler "chbounded": consistent hashing with bounded loads.
 *
 * V. Mirrokni, M. Thorup, M. Zadimoghaddam, Consistent Hashing with Bounded Loads, 2016.
 * From the function's place on a ring of workers, clockwise to the first that may take one
 * more instance without having more than (1 + epsilon) times its share of all.
 */
#include <hyperfaas/policy/decision.h>
#include <hyperfaas/policy/fleet.h>
#include <hyperfaas/policy/ring.h>
#include <hyperfaas/scheduler.h>

#include <stdlib.h>

#define REASONS(REASON)                                                                            \
    REASON(BOUNDED, "below_bound") REASON(ABOVE, "all_above_bound") REASON(ALL_FULL, "all_full")
HF_REASONS(REASONS);

struct hf_scheduler {
    const struct hf_host *host;
    struct hf_ring ring;
    struct hf_fleet_index index;
    double epsilon;
};

static const struct hf_option options[] = {
    { .key = "epsilon",
      .type = HF_OPT_DOUBLE,
      .fallback = "0.25",
      .min = "0",
      .max = "100",
      .help = "How far above its share of all instances a worker may be; 0.25 to 1 is useful." },
    { .key = "vnodes",
      .type = HF_OPT_UINT,
      .fallback = "64",
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
    scheduler->epsilon = host->option_double(values, "epsilon");
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

/* What a worker may hold.  Workers that take nothing have no share, but what they hold counts. */
static uint64_t
bound(const struct hf_scheduler *scheduler, const struct hf_fleet_view *view)
{
    uint64_t total = 0;
    uint32_t usable = 0;

    for (uint32_t i = 0; i < view->worker_count; i++) {
        total += view->workers[i]->instances;
        usable += hf_worker_is_open(view->workers[i]);
    }
    return hf_bounded_load(scheduler->epsilon, total, usable);
}

static struct hf_handle
pick(struct hf_scheduler *scheduler, const struct hf_function *function, void *state,
     const struct hf_fleet_view *view)
{
    struct hf_ring_walk walk = hf_ring_from(&scheduler->ring, function->hash);
    uint64_t most = bound(scheduler, view);
    struct hf_handle spare = HF_NONE; /* has room, but is above the bound */
    struct hf_handle worker;

    (void)state;
    while ((worker = hf_ring_next(&scheduler->ring, &walk)).generation != 0) {
        uint32_t i = hf_fleet_find(&scheduler->index, view, worker);

        if (i == HF_NO_WORKER || !view->feasible(view, i)) {
            continue;
        }
        if ((uint64_t)view->workers[i]->instances + 1 <= most) {
            hf_because(view->decision, BOUNDED, (double)most);
            return worker;
        }
        spare = spare.generation != 0 ? spare : worker;
    }
    hf_because(view->decision, spare.generation != 0 ? ABOVE : ALL_FULL, (double)most);
    return spare;
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
    scheduler->host->print(text, "workers=%u\nepsilon=%g\n", scheduler->ring.nodes,
                           scheduler->epsilon);
}

static const struct hf_scheduler_ops ops = {
    .size = sizeof ops,
    .create = create,
    .destroy = destroy,
    .pick = pick,
    .worker_added = worker_added,
    .worker_removed = worker_removed,
    .show = show,
    .reason_count = REASON_COUNT,
    .reasons = reasons,
};

HF_SCHEDULER_PLUGIN(chbounded, "Consistent hashing, with a bound on what each worker holds.", ops,
                    options);
