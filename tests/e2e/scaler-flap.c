/*
 * scaler-flap.c - a scaler that cannot make up its mind; for tests.
 *
 * It wants `high` instances, then `low`, then `high` again, changing with every tick, whatever
 * the load.  Tests build it as a stranger would, with the installed headers alone.
 */
#include <stdlib.h>

#include <hyperfaas/scaler.h>

struct hf_scaler {
    uint32_t low;
    uint32_t high;
    uint64_t period_ns;
};

/* Kept by the host for each function. */
struct flap_state {
    uint32_t wants_high;
};

static const struct hf_option flap_options[] = {
    { .key = "low", .type = HF_OPT_UINT, .fallback = "1", .min = "1", .help = "The lower count." },
    { .key = "high",
      .type = HF_OPT_UINT,
      .fallback = "8",
      .min = "1",
      .help = "The higher count." },
    { .key = "period",
      .type = HF_OPT_DURATION,
      .fallback = "200ms",
      .min = "1ms",
      .help = "Time between two changes." },
    { .key = NULL },
};

static int
flap_create(const struct hf_host *host, const struct hf_options *options, struct hf_scaler **ret,
            struct hf_err *err)
{
    struct hf_scaler *scaler = calloc(1, sizeof *scaler);

    if (!scaler) {
        return host->fail(err, HF_ENOMEM, "no memory for a scaler");
    }
    scaler->low = (uint32_t)host->option_u64(options, "low");
    scaler->high = (uint32_t)host->option_u64(options, "high");
    scaler->period_ns = host->option_u64(options, "period");
    *ret = scaler;
    return 0;
}

static void
flap_destroy(struct hf_scaler *scaler)
{
    free(scaler);
}

static uint32_t
flap_on_demand(struct hf_scaler *scaler, const struct hf_scale_view *view)
{
    (void)view;
    return scaler->low;
}

static uint32_t
flap_on_tick(struct hf_scaler *scaler, const struct hf_scale_view *view)
{
    struct flap_state *state = view->state;

    state->wants_high = !state->wants_high;
    return state->wants_high ? scaler->high : scaler->low;
}

static uint64_t
flap_tick_ns(struct hf_scaler *scaler, const struct hf_scale_view *view)
{
    (void)view;
    return scaler->period_ns;
}

static const struct hf_scaler_ops flap_ops = {
    .size = sizeof flap_ops,
    .function_state_size = sizeof(struct flap_state),
    .create = flap_create,
    .destroy = flap_destroy,
    .on_demand = flap_on_demand,
    .on_tick = flap_on_tick,
    .tick_ns = flap_tick_ns,
};

HF_SCALER_PLUGIN(flap, "Up and down with every tick.", flap_ops, flap_options);
