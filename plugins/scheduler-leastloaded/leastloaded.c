/*
 * leastloaded.c - the scheduler "leastloaded": the worker with the least load.
 *
 * Load is the part of a worker's memory or processors that its instances may use, or
 * the number of its calls or instances.  The host's sums count starting instances and
 * those just picked, so several starts at a time do not all go to one worker.
 */
#include <hyperfaas/policy/fleet.h>
#include <hyperfaas/scheduler.h>

#include <stdlib.h>

struct hf_scheduler {
    const struct hf_host *host;
    const char *metric;
    hf_load_fn *load;
    bool prefer_warm;
    uint64_t fresh_ns; /* 0: reports never grow old */
};

static const struct hf_option options[] = {
    HF_LOAD_OPTION,
    { .key = "prefer_warm",
      .type = HF_OPT_BOOL,
      .fallback = "no",
      .help = "Of equally loaded workers, one that has an idle instance of the function." },
    { .key = "fresh",
      .type = HF_OPT_DURATION,
      .fallback = "0",
      .max = "1h",
      .help = "A worker whose last report is older comes behind all others; 0: never." },
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
    scheduler->metric = host->option_string(values, "metric");
    scheduler->load = hf_load_named(scheduler->metric);
    scheduler->prefer_warm = host->option_u64(values, "prefer_warm") != 0;
    scheduler->fresh_ns = host->option_u64(values, "fresh");
    *ret = scheduler;
    return 0;
}

static void
destroy(struct hf_scheduler *scheduler)
{
    free(scheduler);
}

static bool
is_stale(const struct hf_scheduler *scheduler, const struct hf_fleet_view *view, uint32_t i)
{
    uint64_t reported = view->workers[i]->reported_ns;

    return scheduler->fresh_ns > 0 && view->now_ns > reported &&
           view->now_ns - reported > scheduler->fresh_ns;
}

static struct hf_rank
rank(const struct hf_fleet_view *view, uint32_t i, const void *arg)
{
    const struct hf_scheduler *scheduler = arg;

    return (struct hf_rank){ {
        is_stale(scheduler, view, i),
        scheduler->load(view->workers[i]),
        scheduler->prefer_warm && hf_worker_share_of(view, i).idle == 0,
    } };
}

static struct hf_handle
pick(struct hf_scheduler *scheduler, const struct hf_function *function, void *state,
     const struct hf_fleet_view *view)
{
    (void)function;
    (void)state;
    return hf_worker_at(view, hf_fleet_best(view, rank, scheduler, NULL));
}

static void
show(const struct hf_scheduler *scheduler, struct hf_text *text)
{
    scheduler->host->print(text, "metric=%s\n", scheduler->metric);
}

static const struct hf_scheduler_ops ops = {
    .size = sizeof ops,
    .create = create,
    .destroy = destroy,
    .pick = pick,
    .show = show,
};

HF_SCHEDULER_PLUGIN(leastloaded, "The worker with the least load.", ops, options);
