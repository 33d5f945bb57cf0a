/*
 * perrequest.c - the scaler "perrequest": one instance for each call that finds no slot.
 *
 * So AWS Lambda and Apache OpenWhisk do, and most simulators.  A waiting call that no start
 * under way is for gets an instance of its own; an instance that stays idle for `ttl` is
 * stopped, whatever the others do.
 */
#include <hyperfaas/policy/decision.h>
#include <hyperfaas/policy/evict.h>
#include <hyperfaas/scaler.h>

#include <stdlib.h>

#define REASONS(REASON) REASON(CALLS_WAIT, "calls_wait") REASON(AS_IS, "as_is")
HF_REASONS(REASONS);

struct hf_scaler {
    const struct hf_host *host;
    struct hf_evict evict;
    uint64_t ttl_ns;
};

static const struct hf_option options[] = {
    { .key = "ttl",
      .type = HF_OPT_DURATION,
      .fallback = "600s",
      .min = "1ms",
      .max = "24h",
      .help = "An instance that has been idle this long is stopped." },
    HF_EVICT_OPTION,
    { 0 },
};

static int
create(const struct hf_host *host, const struct hf_options *values, struct hf_scaler **ret,
       struct hf_err *err)
{
    struct hf_scaler *scaler = calloc(1, sizeof *scaler);

    if (!scaler) {
        return host->fail(err, HF_ENOMEM, "no memory for the scaler");
    }
    scaler->host = host;
    scaler->evict = hf_evict_by(host->option_string(values, "evict"));
    scaler->ttl_ns = host->option_u64(values, "ttl");
    *ret = scaler;
    return 0;
}

static void
destroy(struct hf_scaler *scaler)
{
    free(scaler);
}

/* Starts under way count for one waiting call each. */
static uint32_t
on_demand(struct hf_scaler *scaler, const struct hf_scale_view *view)
{
    uint32_t coming = view->waiting > view->starting ? view->waiting : view->starting;

    hf_evict_note(&scaler->evict, view);
    hf_because(view->decision, CALLS_WAIT, view->waiting);
    return view->ready < UINT32_MAX - coming ? view->ready + coming : UINT32_MAX;
}

/* Instances go one by one, as their time is over. */
static uint32_t
on_tick(struct hf_scaler *scaler, const struct hf_scale_view *view)
{
    hf_evict_note(&scaler->evict, view);
    hf_because(view->decision, AS_IS, 0.0);
    return view->ready + view->starting;
}

/* `on_idle` says when to look; nothing else happens by itself. */
static uint64_t
tick_ns(struct hf_scaler *scaler, const struct hf_scale_view *view)
{
    hf_evict_note(&scaler->evict, view);
    return scaler->ttl_ns;
}

static void
on_idle(struct hf_scaler *scaler, const struct hf_scale_view *view, struct hf_idle_plan *plan)
{
    (void)view;
    plan->keep_ns = scaler->ttl_ns;
}

static uint32_t
victims(struct hf_scaler *scaler, uint64_t need_bytes, const struct hf_victim *const *offered,
        uint32_t count, uint32_t *ret)
{
    return hf_evict_choose(&scaler->evict, need_bytes, offered, count, ret);
}

static const struct hf_scaler_ops ops = {
    .size = sizeof ops,
    .function_state_size = sizeof(struct hf_evict_room),
    .create = create,
    .destroy = destroy,
    .on_demand = on_demand,
    .on_tick = on_tick,
    .tick_ns = tick_ns,
    .on_idle = on_idle,
    .victims = victims,
    .reason_count = REASON_COUNT,
    .reasons = reasons,
};

HF_SCALER_PLUGIN(perrequest, "One instance for each call that finds no slot.", ops, options);
