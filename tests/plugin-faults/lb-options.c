/* lb-options.c - a value that its table of options allows is one that it cannot bear. */
#include "lb.h"

static const struct hf_option options[] = {
    { .key = "turns", .type = HF_OPT_UINT, .fallback = "2", .help = "Calls in a row for each." },
    { 0 },
};

static int
create(const struct hf_host *host, const struct hf_options *values,
       const struct hf_function *function, struct hf_lb **ret, struct hf_err *err)
{
    volatile uint64_t turns = host->option_u64(values, "turns");
    int r = right_create(host, values, function, ret, err);

    if (r == 0) {
        (*ret)->next = (uint32_t)(1000 / turns);
    }
    return r;
}

static const struct hf_lb_ops ops = {
    .size = sizeof ops,
    .endpoint_state_size = sizeof(struct room),
    .create = create,
    .destroy = right_destroy,
    .pick = right_pick,
    .started = right_started,
    .finished = right_finished,
};

HF_LB_PLUGIN(options, "Has a fault.", ops, options);
