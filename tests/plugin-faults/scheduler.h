/*
 * scheduler.h - a placement policy that is right, for the modules of this folder, each of which
 * puts one thing in its place that is wrong.
 */
#ifndef HF_PLUGIN_FAULTS_SCHEDULER_H
#define HF_PLUGIN_FAULTS_SCHEDULER_H

#include <stdlib.h>

#include <hyperfaas/scheduler.h>

struct hf_scheduler {
    uint32_t starting; /* instances, as a module may count them */
};

static inline int
right_create(const struct hf_host *host, const struct hf_options *options,
             struct hf_scheduler **ret, struct hf_err *err)
{
    struct hf_scheduler *scheduler = calloc(1, sizeof *scheduler);

    (void)options;
    if (!scheduler) {
        return host->fail(err, HF_ENOMEM, "no memory");
    }
    *ret = scheduler;
    return 0;
}

static inline void
right_destroy(struct hf_scheduler *scheduler)
{
    free(scheduler);
}

static inline struct hf_handle
right_pick(struct hf_scheduler *scheduler, const struct hf_function *function, void *state,
           const struct hf_fleet_view *view)
{
    (void)scheduler;
    (void)function;
    (void)state;
    for (uint32_t i = 0; i < view->worker_count; i++) {
        if (view->feasible(view, i)) {
            return view->workers[i]->handle;
        }
    }
    return HF_NONE;
}

#define FAULTY_SCHEDULER(name, pick_, confirm_, pick_many_)                                        \
    static const struct hf_scheduler_ops ops = {                                                   \
        .size = sizeof ops,                                                                        \
        .create = right_create,                                                                    \
        .destroy = right_destroy,                                                                  \
        .pick = (pick_),                                                                           \
        .confirm = (confirm_),                                                                     \
        .pick_many = (pick_many_),                                                                 \
    };                                                                                             \
    HF_SCHEDULER_PLUGIN(name, "Has a fault.", ops, NULL)

#endif
