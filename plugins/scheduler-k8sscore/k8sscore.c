/*
 * k8sscore.c - the scheduler "k8sscore": as Kubernetes scores nodes.
 *
 * Two whole numbers from 0 to 100 are added up: how much of memory and processors is free
 * with the instance in place (or, with `strategy = most`, is used), and how evenly the two
 * are used.  Dirigent (SOSP'24) compares with this rule.  Ties are broken at random.
 */
#include <hyperfaas/policy/fleet.h>
#include <hyperfaas/scheduler.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct hf_scheduler {
    const struct hf_host *host;
    bool most;
    double image_weight;
};

/* A question: the policy, and what an instance may use. */
struct wanted {
    const struct hf_scheduler *scheduler;
    uint64_t memory_bytes;
    uint64_t cpu_millis;
};

static const struct hf_option options[] = {
    { .key = "strategy",
      .type = HF_OPT_ENUM,
      .fallback = "least",
      .choices = "least|most",
      .help = "Whether free room counts in favour of a worker, or what is used." },
    { .key = "image_weight",
      .type = HF_OPT_DOUBLE,
      .fallback = "0",
      .min = "0",
      .max = "100",
      .help = "How much it counts that a worker has the image; 1 is as much as all free." },
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
    scheduler->most = strcmp(host->option_string(values, "strategy"), "most") == 0;
    scheduler->image_weight = host->option_double(values, "image_weight");
    *ret = scheduler;
    return 0;
}

static void
destroy(struct hf_scheduler *scheduler)
{
    free(scheduler);
}

/* Of a resource: what is free with the instance in place, in hundredths of the capacity, or what
 * is used.  A capacity that is not known has no end. */
static double
fit(const struct hf_scheduler *scheduler, uint64_t capacity, uint64_t used, uint64_t wanted)
{
    double needed = (double)used + (double)wanted;
    double all = (double)capacity;

    if (capacity == 0) {
        return scheduler->most ? 0.0 : 100.0;
    }
    if (needed > all) {
        return 0.0;
    }
    return floor((scheduler->most ? needed : all - needed) * 100.0 / all);
}

static double
score(const struct wanted *wanted, const struct hf_worker *worker)
{
    double memory = fmin(1.0, hf_worker_memory(worker, wanted->memory_bytes));
    double cpu = fmin(1.0, hf_worker_cpu(worker, wanted->cpu_millis));
    double both =
        fit(wanted->scheduler, worker->memory_bytes, worker->memory_used_bytes,
            wanted->memory_bytes) +
        fit(wanted->scheduler, worker->cpu_millis, worker->cpu_used_millis, wanted->cpu_millis);

    return floor(both / 2.0) + trunc(100.0 * (1.0 - fabs(cpu - memory) / 2.0));
}

static struct hf_rank
rank(const struct hf_fleet_view *view, uint32_t i, const void *arg)
{
    const struct wanted *wanted = arg;
    double weight = wanted->scheduler->image_weight;
    double result = score(wanted, view->workers[i]);

    if (weight > 0.0 && hf_worker_share_of(view, i).image_present) {
        result += 100.0 * weight;
    }
    return (struct hf_rank){ { -result } };
}

static struct hf_handle
pick(struct hf_scheduler *scheduler, const struct hf_function *function, void *state,
     const struct hf_fleet_view *view)
{
    struct hf_draw draw = hf_draw_from(view->random);
    struct wanted wanted = { scheduler, function->memory_bytes, hf_function_cpu_millis(function) };

    (void)state;
    return hf_worker_at(view, hf_fleet_best(view, rank, &wanted, &draw));
}

static void
show(const struct hf_scheduler *scheduler, struct hf_text *text)
{
    scheduler->host->print(text, "strategy=%s\nimage_weight=%g\n",
                           scheduler->most ? "most" : "least", scheduler->image_weight);
}

static const struct hf_scheduler_ops ops = {
    .size = sizeof ops,
    .create = create,
    .destroy = destroy,
    .pick = pick,
    .show = show,
};

HF_SCHEDULER_PLUGIN(k8sscore, "The worker that Kubernetes would score highest.", ops, options);
