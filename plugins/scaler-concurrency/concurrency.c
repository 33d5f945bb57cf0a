/*
 * concurrency.c - the scaler "concurrency": as many instances as the calls need.
 *
 * With I calls in flight or waiting and a concurrency of c, there should be
 * ceil(I / c) instances.  A function without calls keeps what it has until its
 * idle timeout, which counts from the last completion, and then goes to zero.
 * A call without a slot is answered at once, without waiting for a tick.
 *
 * `down_delay` keeps the largest number wanted within that time.  It is kept in
 * eight slices of the delay, so a peak is forgotten after one delay to nine
 * eighths of it.
 */
#include <hyperfaas/scaler.h>

#include <stdlib.h>

#define SLICES 8

struct hf_scaler {
    const struct hf_host *host;
    uint64_t tick_ns;
    uint64_t slice_ns; /* an eighth of `down_delay`; 0: no delay */
    uint32_t target;   /* calls per instance of a function without a limit */
};

/* What is kept with each warm function, for `down_delay`. */
struct state {
    uint64_t slice;            /* number of the newest one, counted from time 0 */
    uint32_t peak[SLICES + 1]; /* largest number wanted, by slice modulo their count */
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
    scaler->tick_ns = host->option_u64(opts, "tick");
    scaler->slice_ns = (host->option_u64(opts, "down_delay") + SLICES - 1) / SLICES;
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

/* The largest number wanted lately, `want` included. */
static uint32_t
delayed(const struct hf_scaler *scaler, struct state *state, uint64_t now_ns, uint32_t want)
{
    uint64_t slice = now_ns / scaler->slice_ns;
    uint64_t passed = slice > state->slice ? slice - state->slice : 0;
    uint32_t peak = 0;

    for (uint64_t i = 1; i <= passed && i <= SLICES + 1; i++) {
        state->peak[(state->slice + i) % (SLICES + 1)] = 0;
    }
    state->slice += passed;
    if (want > state->peak[state->slice % (SLICES + 1)]) {
        state->peak[state->slice % (SLICES + 1)] = want;
    }
    for (int i = 0; i <= SLICES; i++) {
        peak = state->peak[i] > peak ? state->peak[i] : peak;
    }
    return peak;
}

static uint32_t
on_demand(struct hf_scaler *scaler, const struct hf_scale_view *view)
{
    uint32_t want = needed(scaler, view);

    if (scaler->slice_ns > 0) {
        delayed(scaler, view->state, view->now_ns, want);
    }
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
    uint32_t want = needed(scaler, view);

    if (want == 0) {
        return view->now_ns < idle_end(view) ? view->ready + view->starting : 0;
    }
    return scaler->slice_ns > 0 ? delayed(scaler, view->state, view->now_ns, want) : want;
}

/* A function without calls sleeps until its idle timeout. */
static uint64_t
tick_ns(struct hf_scaler *scaler, const struct hf_scale_view *view)
{
    if (needed(scaler, view) == 0 && view->now_ns < idle_end(view)) {
        return idle_end(view) - view->now_ns;
    }
    return scaler->tick_ns;
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
    .show = show,
};

HF_SCALER_PLUGIN(concurrency, "As many instances as the calls in flight need.", ops, options);
