/*
 * concurrency.c - the scaler "concurrency": as many instances as the calls need.
 *
 * With I calls in flight or waiting and a concurrency of c, there should be
 * ceil(I / c) instances.  A function without calls keeps what it has until its
 * idle timeout, which counts from the last completion, and then goes to zero.
 * A call without a slot is answered at once, without waiting for a tick.
 *
 * `down_delay` keeps the largest number wanted within that time.
 */
#include <hyperfaas/policy/average.h>
#include <hyperfaas/policy/decision.h>
#include <hyperfaas/policy/evict.h>
#include <hyperfaas/scaler.h>

#include <stdlib.h>

#define REASONS(REASON)                                                                            \
    REASON(NEEDED, "calls")                                                                        \
    REASON(DELAYED, "down_delay")                                                                  \
    REASON(KEPT, "idle_timeout_runs")                                                              \
    REASON(TIMED_OUT, "idle_timeout_over")
HF_REASONS(REASONS);

struct hf_scaler {
    const struct hf_host *host;
    struct hf_evict evict;
    uint64_t tick_ns;
    uint64_t delay_ns;
    uint32_t target; /* calls per instance of a function without a limit */
};

/* What is kept with each warm function. */
struct state {
    struct hf_evict_room evict;
    struct hf_peak peak; /* of what was wanted, for `down_delay` */
};

static const struct hf_option options[] = {
    { .key = "tick",
      .type = HF_OPT_DURATION,
      .fallback = "1s",
      .min = "10ms",
      .max = "1h",
      .help = "How often surplus instances are looked for while calls run." },
    { .key = "down_delay",
      .type = HF_OPT_DURATION,
      .fallback = "0",
      .max = "1h",
      .help = "Surplus instances stay until they have been surplus this long." },
    { .key = "target",
      .type = HF_OPT_UINT,
      .fallback = "100",
      .min = "1",
      .max = "1000000",
      .help = "Calls per instance of a function whose concurrency has no limit." },
    HF_EVICT_OPTION,
    { 0 },
};

static int
create(const struct hf_host *host, const struct hf_options *opts, struct hf_scaler **ret,
       struct hf_err *err)
{
    struct hf_scaler *scaler = calloc(1, sizeof *scaler);

    if (!scaler) {
        return host->fail(err, HF_ENOMEM, "no memory for the scaler");
    }
    scaler->host = host;
    scaler->evict = hf_evict_by(host->option_string(opts, "evict"));
    scaler->tick_ns = host->option_u64(opts, "tick");
    scaler->delay_ns = host->option_u64(opts, "down_delay");
    scaler->target = (uint32_t)host->option_u64(opts, "target");
    *ret = scaler;
    return 0;
}

static void
destroy(struct hf_scaler *scaler)
{
    free(scaler);
}

/* Instances that the calls need now. */
static uint32_t
needed(const struct hf_scaler *scaler, const struct hf_scale_view *view)
{
    uint64_t calls = (uint64_t)view->in_flight + view->waiting;
    uint64_t each =
        view->function->max_concurrency ? view->function->max_concurrency : scaler->target;
    uint64_t instances = (calls + each - 1) / each;

    return instances < UINT32_MAX ? (uint32_t)instances : UINT32_MAX;
}

static uint32_t
on_demand(struct hf_scaler *scaler, const struct hf_scale_view *view)
{
    struct state *state = view->state;
    uint32_t want = needed(scaler, view);

    hf_evict_note(&scaler->evict, view);
    hf_peak_over(&state->peak, want, view->now_ns, scaler->delay_ns);
    hf_because(view->decision, NEEDED, want);
    return want;
}

/* When a function without calls goes to zero. */
static uint64_t
idle_end(const struct hf_scale_view *view)
{
    uint64_t timeout = view->function->idle_timeout_ns;

    return view->idle_since_ns > UINT64_MAX - timeout ? UINT64_MAX : view->idle_since_ns + timeout;
}

static uint32_t
on_tick(struct hf_scaler *scaler, const struct hf_scale_view *view)
{
    struct state *state = view->state;
    uint32_t want = needed(scaler, view);
    uint32_t peak;

    hf_evict_note(&scaler->evict, view);
    if (want == 0) {
        want = view->now_ns < idle_end(view) ? view->ready + view->starting : 0;
        hf_because(view->decision, want > 0 ? KEPT : TIMED_OUT, want);
        return want;
    }
    peak = hf_peak_over(&state->peak, want, view->now_ns, scaler->delay_ns);
    hf_because(view->decision, peak > want ? DELAYED : NEEDED, peak);
    return peak;
}

/* A function without calls sleeps until its idle timeout. */
static uint64_t
tick_ns(struct hf_scaler *scaler, const struct hf_scale_view *view)
{
    hf_evict_note(&scaler->evict, view);
    if (needed(scaler, view) == 0 && view->now_ns < idle_end(view)) {
        return idle_end(view) - view->now_ns;
    }
    return scaler->tick_ns;
}

static uint32_t
victims(struct hf_scaler *scaler, uint64_t need_bytes, const struct hf_victim *const *offered,
        uint32_t count, uint32_t *ret)
{
    return hf_evict_choose(&scaler->evict, need_bytes, offered, count, ret);
}

static void
show(const struct hf_scaler *scaler, const struct hf_scale_view *view, struct hf_text *text)
{
    if (view) {
        scaler->host->print(text, "needed=%u\n", needed(scaler, view));
    }
}

static const struct hf_scaler_ops ops = {
    .size = sizeof ops,
    .function_state_size = sizeof(struct state),
    .create = create,
    .destroy = destroy,
    .on_demand = on_demand,
    .on_tick = on_tick,
    .tick_ns = tick_ns,
    .victims = victims,
    .show = show,
    .reason_count = REASON_COUNT,
    .reasons = reasons,
};

HF_SCALER_PLUGIN(concurrency, "As many instances as the calls in flight need.", ops, options);
