/* scheduler-many.c - it answers more than it was asked for. */
#include "scheduler.h"

static uint32_t
pick_many(struct hf_scheduler *scheduler, const struct hf_function *function, void *state,
          const struct hf_fleet_view *view, uint32_t count, struct hf_handle *ret)
{
    for (uint32_t i = 0; i <= count; i++) {
        ret[i] = right_pick(scheduler, function, state, view);
    }
    return 1;
}

FAULTY_SCHEDULER(many, right_pick, NULL, pick_many);
