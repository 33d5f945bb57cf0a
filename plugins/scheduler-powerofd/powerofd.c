/*
 * powerofd.c - the scheduler "powerofd": the least loaded of a few workers drawn at random.
 *
 * M. Mitzenmacher, The Power of Two Choices in Randomized Load Balancing, 2001: two draws
 * instead of one make the largest load grow like log log n instead of log n / log log n.
 */
#include <hyperfaas/policy/fleet.h>
#include <hyperfaas/scheduler.h>

#include <stdlib.h>

#define D_MAX 16

struct hf_scheduler {
    const struct hf_host *host;
    const char *metric;
    hf_load_fn *load;
    uint32_t d;
};

static const struct hf_option options[] = {
    { .key = "d",
      .type = HF_OPT_UINT,
      .fallback = "2",
      .min = "1",
      .max = "16", /* D_MAX */
      .help = "Workers that are drawn for each instance." },
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
    scheduler->d = (uint32_t)host->option_u64(values, "d");
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

    return (struct hf_rank){ { scheduler->load(view->workers[i]) } };
}

static struct hf_handle
pick(struct hf_scheduler *scheduler, const struct hf_function *function, void *state,
     const struct hf_fleet_view *view)
{
    struct hf_draw draw = hf_draw_from(view->random);
    uint32_t drawn[D_MAX];
    uint32_t n = hf_fleet_sample(view, scheduler->d, &draw, drawn);

    (void)function;
    (void)state;
    return hf_worker_at(view, hf_fleet_best_of(view, drawn, n, rank, scheduler));
}

static void
show(const struct hf_scheduler *scheduler, struct hf_text *text)
{
    scheduler->host->print(text, "d=%u\nmetric=%s\n", scheduler->d, scheduler->metric);
}

static const struct hf_scheduler_ops ops = {
    .size = sizeof ops,
    .create = create,
    .destroy = destroy,
    .pick = pick,
    .show = show,
};

HF_SCHEDULER_PLUGIN(powerofd, "The least loaded of a few workers drawn at random.", ops, options);
