/*
 * random.c - the scheduler "random": any worker with room, each equally likely.
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
    uint32_t drawn = HF_NO_WORKER;

    (void)scheduler;
    (void)function;
    (void)state;
    hf_fleet_sample(view, 1, &draw, &drawn);
    return hf_worker_at(view, drawn);
}

static const struct hf_scheduler_ops ops = {
    .size = sizeof ops,
    .create = create,
    .destroy = destroy,
    .pick = pick,
};

HF_SCHEDULER_PLUGIN(random, "Any worker with room, each equally likely.", ops, NULL);
