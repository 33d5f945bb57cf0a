/*
 * mostloaded.c - the scheduler "mostloaded": the fullest worker that has room.
 *
 * Best fit, as in bin packing: instances crowd on few workers, and whole workers stay
 * empty.
 */
#include <hyperfaas/policy/fleet.h>
#include <hyperfaas/scheduler.h>

#include <stdlib.h>

struct hf_scheduler {
    const struct hf_host *host;
    const char *metric;
    hf_load_fn *load;
};

static const struct hf_option options[] = {
    HF_LOAD_OPTION,
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
    const struct hf_scheduler *scheduler = arg;

    return (struct hf_rank){ { -scheduler->load(view->workers[i]) } };
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

HF_SCHEDULER_PLUGIN(mostloaded, "The fullest worker that has room.", ops, options);
