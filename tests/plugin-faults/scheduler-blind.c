/* scheduler-blind.c - it does not ask whether a worker is feasible. */
#include "scheduler.h"

static struct hf_handle
pick(struct hf_scheduler *scheduler, const struct hf_function *function, void *state,
     const struct hf_fleet_view *view)
{
    (void)scheduler;
    (void)function;
    (void)state;
    return view->worker_count > 0 ? view->workers[0]->handle : HF_NONE;
}

FAULTY_SCHEDULER(blind, pick, NULL, NULL);
