/*
 * scaler.h - an autoscaling policy that is right, for the modules of this folder, each of which
 * puts one thing in its place that is wrong.
 */
#ifndef HF_PLUGIN_FAULTS_SCALER_H
#define HF_PLUGIN_FAULTS_SCALER_H

#include <stdlib.h>

#include <hyperfaas/scaler.h>

struct hf_scaler {
    int unused;
};

static inline int
right_create(const struct hf_host *host, const struct hf_options *options, struct hf_scaler **ret,
             struct hf_err *err)
{
    struct hf_scaler *scaler = calloc(1, sizeof *scaler);

    (void)options;
    if (!scaler) {
        return host->fail(err, HF_ENOMEM, "no memory");
    }
    *ret = scaler;
    return 0;
}

static inline void
right_destroy(struct hf_scaler *scaler)
{
    free(scaler);
}

static inline uint32_t
right_count(struct hf_scaler *scaler, const struct hf_scale_view *view)
{
    (void)scaler;
    return view->in_flight + view->waiting > 0;
}

#define FAULTY_SCALER(name, on_demand_, on_tick_, tick_ns_, victims_)                              \
    static const struct hf_scaler_ops ops = {                                                      \
        .size = sizeof ops,                                                                        \
        .create = right_create,                                                                    \
        .destroy = right_destroy,                                                                  \
        .on_demand = (on_demand_),                                                                 \
        .on_tick = (on_tick_),                                                                     \
        .tick_ns = (tick_ns_),                                                                     \
        .victims = (victims_),                                                                     \
    };                                                                                             \
    HF_SCALER_PLUGIN(name, "Has a fault.", ops, NULL)

#endif
