/*
 * lb.h - a load balancing policy that is right, for the modules of this folder, each of which puts
 * one thing in its place that is wrong.
 */
#ifndef HF_PLUGIN_FAULTS_LB_H
#define HF_PLUGIN_FAULTS_LB_H

#include <stdlib.h>

#include <hyperfaas/lb.h>

struct hf_lb {
    uint32_t next;
    void *more; /* what a module keeps beside */
};

struct room {
    uint32_t in_flight;
};

static inline int
right_create(const struct hf_host *host, const struct hf_options *options,
             const struct hf_function *function, struct hf_lb **ret, struct hf_err *err)
{
    struct hf_lb *lb = calloc(1, sizeof *lb);

    (void)options;
    if (!lb) {
        return host->fail(err, HF_ENOMEM, "no memory for '%s'", function->id);
    }
    *ret = lb;
    return 0;
}

static inline void
right_destroy(struct hf_lb *lb)
{
    if (lb) {
        free(lb->more);
    }
    free(lb);
}

static inline struct hf_handle
right_pick(struct hf_lb *lb, const struct hf_lb_view *view)
{
    return view->usable[lb->next++ % view->usable_count].handle;
}

static inline void
right_started(struct hf_lb *lb, const struct hf_endpoint *endpoint)
{
    (void)lb;
    ((struct room *)endpoint->state)->in_flight++;
}

static inline void
right_finished(struct hf_lb *lb, const struct hf_endpoint *endpoint, uint32_t outcome,
               uint64_t elapsed_ns)
{
    (void)lb;
    (void)outcome;
    (void)elapsed_ns;
    ((struct room *)endpoint->state)->in_flight--;
}

#define FAULTY_LB(name, create_, pick_, finished_)                                                 \
    static const struct hf_lb_ops ops = {                                                          \
        .size = sizeof ops,                                                                        \
        .endpoint_state_size = sizeof(struct room),                                                \
        .create = (create_),                                                                       \
        .destroy = right_destroy,                                                                  \
        .pick = (pick_),                                                                           \
        .started = right_started,                                                                  \
        .finished = (finished_),                                                                   \
    };                                                                                             \
    HF_LB_PLUGIN(name, "Has a fault.", ops, NULL)

#endif
