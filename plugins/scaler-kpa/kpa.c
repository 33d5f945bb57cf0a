/*
 * kpa.c - the scaler "kpa": Knative's pod autoscaler.
 *
 * Calls, in flight and waiting, are sampled into buckets of time.  Their mean over a long window,
 * divided by what an instance is meant to serve, is the number of instances wanted.  When a short
 * window wants at least twice what is ready, its number counts instead, and does not fall until
 * the long window has passed without such a moment: panic.
 */
#include <hyperfaas/policy/average.h>
#include <hyperfaas/policy/decision.h>
#include <hyperfaas/policy/evict.h>
#include <hyperfaas/scaler.h>

#include <stdlib.h>

#define NO_LIMIT 100 /* calls that an instance of a function without a limit is meant for */

#define REASONS(REASON)                                                                            \
    REASON(BETWEEN, "between_decisions")                                                           \
    REASON(STABLE, "stable")                                                                       \
    REASON(PANIC, "panic")                                                                         \
    REASON(GRACE, "grace")                                                                         \
    REASON(FIRST_CALL, "first_call")
HF_REASONS(REASONS);

struct hf_scaler {
    const struct hf_host *host;
    struct hf_evict evict;
    double target; /* part of an instance's concurrency */
    uint64_t tick_ns;
    uint64_t bucket_ns;
    uint64_t stable; /* window, in buckets */
    uint64_t panic;  /* the same */
    uint64_t grace_ns;
    uint64_t delay_ns;
};

/* What is kept with each function. */
struct state {
    struct hf_evict_room evict;
    struct hf_window calls;
    struct hf_peak peak; /* for `down_delay` */
    uint64_t decide_ns;  /* next decision */
    uint64_t over_ns;    /* in panic: when the short window was over the threshold last */
    uint64_t zero_ns;    /* since when nothing is wanted; 0: something is */
    uint32_t panic_most; /* wanted in this panic */
    uint32_t desired;
    bool in_panic;
};

/* clang-format off */
#define TIME(key_, fallback_, min_, help_)                                                         \
    { .key = key_, .type = HF_OPT_DURATION, .fallback = fallback_, .min = min_, .max = "1h",       \
      .help = help_ }
/* clang-format on */

static const struct hf_option options[] = {
    { .key = "target",
      .type = HF_OPT_DOUBLE,
      .fallback = "0.7",
      .min = "0.01",
      .max = "1",
      .help = "Part of an instance's concurrency that is meant to be used." },
    TIME("tick", "2s", "10ms", "Time between decisions."),
    TIME("bucket", "1s", "10ms", "Time between samples, and what one bucket of a window is."),
    TIME("stable_window", "60s", "10ms", "The long window; panic lasts at least as long."),
    TIME("panic_window", "6s", "10ms", "The short window."),
    TIME("grace", "30s", "0", "The last instance stays so long after nothing is wanted any more."),
    TIME("down_delay", "0", "0", "What was wanted at most stays for this long."),
    HF_EVICT_OPTION,
    { 0 },
};

static int
create(const struct hf_host *host, const struct hf_options *values, struct hf_scaler **ret,
       struct hf_err *err)
{
    uint64_t bucket_ns = host->option_u64(values, "bucket");
    uint64_t stable = host->option_u64(values, "stable_window") / bucket_ns;
    uint64_t panic = host->option_u64(values, "panic_window") / bucket_ns;
    struct hf_scaler *scaler;

    if (panic < 1 || panic > stable || stable > HF_WINDOW_BUCKETS) {
        return host->fail(err, HF_EINVALID,
                          "windows have 1 to %u buckets, and panic_window is not the longer one",
                          HF_WINDOW_BUCKETS);
    }
    scaler = calloc(1, sizeof *scaler);
    if (!scaler) {
        return host->fail(err, HF_ENOMEM, "no memory for the scaler");
    }
    scaler->host = host;
    scaler->evict = hf_evict_by(host->option_string(values, "evict"));
    scaler->target = host->option_double(values, "target");
    scaler->tick_ns = host->option_u64(values, "tick");
    scaler->bucket_ns = bucket_ns;
    scaler->stable = stable;
    scaler->panic = panic;
    scaler->grace_ns = host->option_u64(values, "grace");
    scaler->delay_ns = host->option_u64(values, "down_delay");
    *ret = scaler;
    return 0;
}

static void
destroy(struct hf_scaler *scaler)
{
    free(scaler);
}

/* Instances for the mean of a window. */
static double
wanted(const struct hf_scaler *scaler, const struct hf_scale_view *view, uint64_t buckets)
{
    const struct state *state = view->state;
    uint32_t concurrency = view->function->max_concurrency;

    return ceil(hf_window_mean(&state->calls, (uint32_t)buckets, view->now_ns, scaler->bucket_ns) /
                (scaler->target * (concurrency > 0 ? concurrency : NO_LIMIT)));
}

/* It at most halves, or grows a thousand times. */
static double
clamped(double wanted, uint32_t ready)
{
    return fmin(fmax(wanted, floor(ready / 2.0)), fmin(1000.0 * ready, (double)UINT32_MAX));
}

/* The rule, without scaling to zero and delays. */
static uint32_t
decide(const struct hf_scaler *scaler, const struct hf_scale_view *view)
{
    struct state *state = view->state;
    uint32_t ready = view->ready > 0 ? view->ready : 1;
    double stable = wanted(scaler, view, scaler->stable);
    double panic = wanted(scaler, view, scaler->panic);

    if (panic >= 2.0 * ready) {
        state->panic_most = state->in_panic ? state->panic_most : 0;
        state->in_panic = true;
        state->over_ns = view->now_ns;
    } else if (view->now_ns > state->over_ns + scaler->stable * scaler->bucket_ns) {
        state->in_panic = false;
    }
    stable = clamped(stable, ready);
    if (!state->in_panic) {
        hf_because(view->decision, STABLE, stable);
        return (uint32_t)stable;
    }
    panic = fmax(stable, clamped(panic, ready));
    state->panic_most = (uint32_t)fmax(panic, state->panic_most);
    hf_because(view->decision, PANIC, state->panic_most);
    return state->panic_most;
}

/* The last instance stays for the grace, counted from when nothing was wanted any more. */
static uint32_t
graceful(const struct hf_scaler *scaler, const struct hf_scale_view *view, uint32_t want)
{
    struct state *state = view->state;

    if (want > 0) {
        state->zero_ns = 0;
        return want;
    }
    state->zero_ns = state->zero_ns > 0 ? state->zero_ns : view->now_ns;
    if (view->ready + view->starting == 0 || view->now_ns - state->zero_ns >= scaler->grace_ns) {
        return 0;
    }
    hf_because(view->decision, GRACE, 1.0);
    return 1;
}

static uint32_t
on_tick(struct hf_scaler *scaler, const struct hf_scale_view *view)
{
    struct state *state = view->state;

    hf_evict_note(&scaler->evict, view);
    if (!state->calls.begun) {
        state->in_panic = view->ready > 1; /* it ran before this node started */
        state->over_ns = view->now_ns;
        state->panic_most = view->ready;
    }
    hf_window_add(&state->calls, (double)view->in_flight + view->waiting, view->now_ns,
                  scaler->bucket_ns);
    if (view->now_ns >= state->decide_ns) {
        uint32_t want = decide(scaler, view);

        state->decide_ns = view->now_ns + scaler->tick_ns;
        want = hf_peak_over(&state->peak, want, view->now_ns, scaler->delay_ns);
        state->desired = graceful(scaler, view, want);
    }
    return state->desired;
}

static uint32_t
on_demand(struct hf_scaler *scaler, const struct hf_scale_view *view)
{
    struct state *state = view->state;

    hf_evict_note(&scaler->evict, view);
    if (state->desired == 0) {
        state->desired = 1;
        state->zero_ns = 0;
        hf_because(view->decision, FIRST_CALL, 1.0);
    }
    return state->desired;
}

static uint64_t
tick_ns(struct hf_scaler *scaler, const struct hf_scale_view *view)
{
    hf_evict_note(&scaler->evict, view);
    return view->in_flight + view->waiting > 0 ? scaler->bucket_ns : scaler->tick_ns;
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
        const struct state *state = view->state;

        scaler->host->print(text, "desired=%u\npanic=%s\n", state->desired,
                            state->in_panic ? "yes" : "no");
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

HF_SCALER_PLUGIN(kpa, "Knative's pod autoscaler: windows of calls, and panic.", ops, options);
