/*
 * scheduler-NAME.c - the placement policy "NAME": on which worker an instance starts.
 *
 * To begin with: the feasible worker with the fewest instances; with `pack` the one with the most.
 * Of equals the first by id.
 */
#include <hyperfaas/scheduler.h>

#include <stdlib.h>

/* One for a whole leaf, on its control thread.  Everything that the policy knows is in here or in
 * the room of a function: no globals, so that it can be used twice in a process. */
struct hf_scheduler {
    bool pack;
};

/* What may be set in the configuration; the host reads and checks it. */
static const struct hf_option options[] = {
    { .key = "pack",
      .type = HF_OPT_BOOL,
      .fallback = "no",
      .help = "Whether workers are filled one after the other." },
    { 0 },
};

static int
create(const struct hf_host *host, const struct hf_options *values, struct hf_scheduler **ret,
       struct hf_err *err)
{
    struct hf_scheduler *scheduler = malloc(sizeof *scheduler);

    if (!scheduler) {
        return host->fail(err, HF_ENOMEM, "no memory for the scheduler");
    }
    scheduler->pack = host->option_u64(values, "pack") != 0;
    *ret = scheduler;
    return 0;
}

static void
destroy(struct hf_scheduler *scheduler)
{
    free(scheduler);
}

/* No allocation, nothing that waits, no clock (view->now_ns) and no random numbers of our own
 * (view->random). */
static struct hf_handle
pick(struct hf_scheduler *scheduler, const struct hf_function *function, void *state,
     const struct hf_fleet_view *view)
{
    const struct hf_worker *best = NULL;

    (void)function;
    (void)state; /* would be the function's room, if `function_state_size` asked for one */
    for (uint32_t i = 0; i < view->worker_count; i++) {
        const struct hf_worker *worker = view->workers[i];
        bool better = !best || (scheduler->pack ? worker->instances > best->instances
                                                : worker->instances < best->instances);

        /* Only the host knows whether an instance fits there now. */
        if (better && view->feasible(view, i)) {
            best = worker;
        }
    }
    return best ? best->handle : HF_NONE;
}

/* Operations that are left out are not called; scheduler.h has them all. */
static const struct hf_scheduler_ops ops = {
    .size = sizeof ops,
    .create = create,
    .destroy = destroy,
    .pick = pick,
};

HF_SCHEDULER_PLUGIN(NAME, "The worker with the fewest instances, or the most.", ops, options);
