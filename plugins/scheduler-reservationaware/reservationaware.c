/*
 * reservationaware.c - the scheduler "reservationaware": the better of two workers at random.
 *
 * The better has fewer starts under way, then less pressure, then fewer instances, all with
 * what is reserved there for starts that were just decided.
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
    struct hf_draw draw = hf_draw_from(view->random);
    uint32_t drawn[2];
    uint32_t n = hf_fleet_sample(view, 2, &draw, drawn);

    (void)scheduler;
    (void)function;
    (void)state;
    return hf_worker_at(view, hf_fleet_best_of(view, drawn, n, hf_rank_by_starts, NULL));
}

static const struct hf_scheduler_ops ops = {
    .size = sizeof ops,
    .create = create,
    .destroy = destroy,
    .pick = pick,
};

HF_SCHEDULER_PLUGIN(reservationaware,
                    "Of two workers drawn at random, the one with fewer starts under way.", ops,
                    NULL);
