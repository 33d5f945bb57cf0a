/*
 * queuestale.c - the scaler "queuestale": instances for calls that have waited too long.
 *
 * The scheduling decision of Apache OpenWhisk's newer scheduler.  Every interval it is asked
 * whether calls of a function wait that waited at the interval before, too: stale ones.  As
 * many instances are added as serve them within one interval, by how long calls take as of
 * late; and when those that came since are more than what is there can serve, for these, too.
 */
#include <hyperfaas/policy/decision.h>
#include <hyperfaas/policy/evict.h>
#include <hyperfaas/scaler.h>

#include <math.h>
#include <stdlib.h>

#define NO_LIMIT 100 /* calls at once, of an instance of a function without a limit */

#define REASONS(REASON)                                                                            \
    REASON(AS_IS, "as_is")                                                                         \
    REASON(FIRST_CALL, "first_call")                                                               \
    REASON(STALE, "stale_calls")                                                                   \
    REASON(FRESH, "too_many_fresh_calls")
HF_REASONS(REASONS);

struct hf_scaler {
    const struct hf_host *host;
    struct hf_evict evict;
    uint64_t interval_ns;
    uint64_t ttl_ns;
};

/* What is kept with each function. */
struct state {
    struct hf_evict_room evict;
    uint64_t calls; /* that had arrived when the last interval ended */
};

static const struct hf_option options[] = {
    { .key = "interval",
      .type = HF_OPT_DURATION,
      .fallback = "100ms",
      .min = "10ms",
      .max = "1m",
      .help = "Time between decisions; a call that has waited longer is stale." },
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
    scaler->interval_ns = host->option_u64(values, "interval");
    scaler->ttl_ns = host->option_u64(values, "ttl");
    *ret = scaler;
    return 0;
}

static void
destroy(struct hf_scaler *scaler)
{
    free(scaler);
}

/* Calls that one instance serves in an interval, at least a little. */
static double
throughput(const struct hf_scaler *scaler, const struct hf_scale_view *view)
{
    uint32_t concurrency = view->function->max_concurrency;
    uint64_t service_ns = view->service_ns > 0 ? view->service_ns : scaler->interval_ns;

    return (double)scaler->interval_ns / (double)service_ns *
           (concurrency > 0 ? concurrency : NO_LIMIT);
}

/* Of the waiting calls, those that wait since before the interval: all but what came in it. */
static uint32_t
stale_calls(const struct hf_scaler *scaler, const struct hf_scale_view *view)
{
    const struct state *state = view->state;
    uint64_t fresh = view->calls_total - state->calls;

    if (view->waiting_since_ns == 0 || view->now_ns < view->waiting_since_ns ||
        view->now_ns - view->waiting_since_ns < scaler->interval_ns) {
        return 0;
    }
    return view->waiting > fresh ? view->waiting - (uint32_t)fresh : 1;
}

static uint32_t
decide(const struct hf_scaler *scaler, const struct hf_scale_view *view)
{
    double have = (double)view->ready + view->starting;
    double each = throughput(scaler, view);
    double stale = stale_calls(scaler, view);
    double fresh = view->waiting - stale;
    double add = fmin(fmax(ceil(stale / each) - view->starting, 0.0), stale);

    hf_because(view->decision, add > 0.0 ? STALE : AS_IS, stale);
    if (fresh > 0.0 && fresh >= each * have) {
        add += fmax(ceil(fresh / each) - have, 0.0);
        hf_because(view->decision, add > 0.0 ? FRESH : AS_IS, fresh);
    }
    return (uint32_t)fmin(have + add, (double)UINT32_MAX);
}

static uint32_t
on_tick(struct hf_scaler *scaler, const struct hf_scale_view *view)
{
    struct state *state = view->state;
    uint32_t result = decide(scaler, view);

    hf_evict_note(&scaler->evict, view);
    state->calls = view->calls_total;
    return result;
}

/* A function without instances does not wait for the interval to end. */
static uint32_t
on_demand(struct hf_scaler *scaler, const struct hf_scale_view *view)
{
    uint32_t have = view->ready + view->starting;

    hf_evict_note(&scaler->evict, view);
    hf_because(view->decision, have > 0 ? AS_IS : FIRST_CALL, view->waiting);
    return have > 0 ? have : 1;
}

/* Nothing is to be decided while nobody waits; `on_idle` says when instances go. */
static uint64_t
tick_ns(struct hf_scaler *scaler, const struct hf_scale_view *view)
{
    hf_evict_note(&scaler->evict, view);
    return view->waiting > 0 ? scaler->interval_ns : scaler->ttl_ns;
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
    .function_state_size = sizeof(struct state),
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

HF_SCALER_PLUGIN(queuestale, "Instances for calls that have waited too long.", ops, options);
