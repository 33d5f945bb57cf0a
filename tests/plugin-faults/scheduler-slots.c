/* scheduler-slots.c - starts that fail keep their slots in its books, until it declines all. */
#include "scheduler.h"

static struct hf_handle
pick(struct hf_scheduler *scheduler, const struct hf_function *function, void *state,
     const struct hf_fleet_view *view)
{
    struct hf_handle handle = right_pick(scheduler, function, state, view);

    if (scheduler->starting == 200) {
        return HF_NONE;
    }
    scheduler->starting += handle.generation > 0;
    return handle;
}

static void
confirm(struct hf_scheduler *scheduler, const struct hf_function *function, struct hf_handle worker)
{
    (void)function;
    (void)worker;
    scheduler->starting--;
}

FAULTY_SCHEDULER(slots, pick, confirm, NULL);
