/*
 * locality.c - the scheduler "locality": where the function is warm, else where its image is.
 *
 * The first worker that has an idle instance of the function, else the first that has its
 * image, else whatever an inner rule says.
 */
#include <hyperfaas/policy/decision.h>
#include <hyperfaas/policy/fleet.h>
#include <hyperfaas/scheduler.h>

#include <stdlib.h>
#include <string.h>

#define REASONS(REASON)                                                                            \
    REASON(WARM, "warm")                                                                           \
    REASON(IMAGE, "has_image")                                                                     \
    REASON(INNER, "inner_rule")                                                                    \
    REASON(ALL_FULL, "all_full")
HF_REASONS(REASONS);

struct hf_scheduler {
    const struct hf_host *host;
    const char *inner;
    bool at_random;
};

static const struct hf_option options[] = {
    { .key = "inner",
      .type = HF_OPT_ENUM,
      .fallback = "leastloaded",
      .choices = "leastloaded|random",
      .help = "Which worker, if none has an idle instance or the image; load is memory." },
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
    scheduler->inner = host->option_string(values, "inner");
    scheduler->at_random = strcmp(scheduler->inner, "random") == 0;
    *ret = scheduler;
    return 0;
}

static void
destroy(struct hf_scheduler *scheduler)
{
    free(scheduler);
}

/* Warm ones, then those with the image, then the rest by the inner rule. */
static struct hf_rank
rank(const struct hf_fleet_view *view, uint32_t i, const void *arg)
{
    const struct hf_scheduler *scheduler = arg;
    struct hf_worker_share share = hf_worker_share_of(view, i);
    double load = scheduler->at_random ? 0.0 : hf_load_mem(view->workers[i]);

    if (share.idle > 0) {
        return (struct hf_rank){ { WARM } };
    }
    return (struct hf_rank){ { share.image_present ? IMAGE : INNER,
                               share.image_present ? 0.0 : load } };
}

static struct hf_handle
pick(struct hf_scheduler *scheduler, const struct hf_function *function, void *state,
     const struct hf_fleet_view *view)
{
    struct hf_draw draw = hf_draw_from(view->random);
    uint32_t best = hf_fleet_best(view, rank, scheduler, NULL);
    enum reason why = ALL_FULL;

    (void)function;
    (void)state;
    if (best != HF_NO_WORKER) {
        why = (enum reason)rank(view, best, scheduler).of[0]; /* WARM, IMAGE or INNER */
    }
    if (why == INNER && scheduler->at_random) {
        hf_fleet_sample(view, 1, &draw, &best);
    }
    hf_because(view->decision, why, 0.0);
    return hf_worker_at(view, best);
}

static void
show(const struct hf_scheduler *scheduler, struct hf_text *text)
{
    scheduler->host->print(text, "inner=%s\n", scheduler->inner);
}

static const struct hf_scheduler_ops ops = {
    .size = sizeof ops,
    .create = create,
    .destroy = destroy,
    .pick = pick,
    .show = show,
    .reason_count = REASON_COUNT,
    .reasons = reasons,
};

HF_SCHEDULER_PLUGIN(locality, "Where the function is warm, else where its image is.", ops, options);
