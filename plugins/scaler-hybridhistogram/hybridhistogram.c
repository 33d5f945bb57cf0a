/*
 * hybridhistogram.c - the scaler "hybridhistogram": keep-alive by how a function is called.
 *
 * M. Shahrad et al., Serverless in the Wild, ATC'20.  The times for which a function is idle are
 * counted in a histogram.  Where that is peaked, its instance is stopped when the calls end,
 * started again shortly before the next one is likely, and kept until that is no longer likely.
 * Where it is flat, instances are simply kept.  Where most idle times are longer than the
 * histogram reaches, the next one is forecast.  `variant = faascache` trusts the histogram by
 * another measure (A. Fuerst and P. Sharma, FaasCache, ASPLOS'21).
 */
#include <hyperfaas/policy/evict.h>
#include <hyperfaas/policy/histogram.h>
#include <hyperfaas/policy/table.h>
#include <hyperfaas/scaler.h>

#include <stdlib.h>
#include <string.h>

#define FUNCTIONS 10000 /* that are remembered, at about a kilobyte each */
#define BINS      240
#define RECENT    8
#define TICK_NS   UINT64_C(1000000000) /* while calls run: how late their end may be noticed */

struct hf_scaler {
    const struct hf_host *host;
    struct hf_evict evict;
    struct hf_table table; /* of struct record */
    bool faascache;
    bool from_load;
    uint64_t bin_ns;
};

/* What is known of a function, warm or not. */
struct record {
    struct hf_table_entry entry;
    uint64_t last_end_ns; /* when its last call ended */
    uint64_t beyond;      /* idle times longer than the histogram reaches */
    uint64_t times;       /* idle times in all */
    uint64_t recent[RECENT];
    uint32_t bins[BINS];
};

/* What is kept with a warm function. */
struct state {
    struct hf_evict_room evict;
    uint64_t gaps;   /* that were learned from */
    uint64_t sum_ns; /* of these */
    bool begun;      /* its first call was seen */
};

/* After a call: stop, start again after `prewarm_ns` (0: don't stop), then keep for `keep_ns`. */
struct plan {
    const char *why;
    double prewarm_ns;
    double keep_ns;
};

static const struct hf_option options[] = {
    { .key = "variant",
      .type = HF_OPT_ENUM,
      .fallback = "shahrad",
      .choices = "shahrad|faascache",
      .help = "When a histogram is trusted: its bins differ much, or its times vary little." },
    { .key = "keep_from",
      .type = HF_OPT_ENUM,
      .fallback = "end",
      .choices = "end|load",
      .help = "From when on its tail counts: from the last call's end or from a new start." },
    { .key = "bin",
      .type = HF_OPT_DURATION,
      .fallback = "1m",
      .min = "10ms",
      .max = "1h",
      .help = "Width of a bin; the histogram reaches 240 times as far." },
    HF_EVICT_OPTION,
    { 0 },
};

static void
destroy(struct hf_scaler *scaler)
{
    if (scaler) {
        hf_table_clear(&scaler->table);
        free(scaler);
    }
}

static int
create(const struct hf_host *host, const struct hf_options *values, struct hf_scaler **ret,
       struct hf_err *err)
{
    struct hf_scaler *scaler = calloc(1, sizeof *scaler);

    if (!scaler || hf_table_init(&scaler->table, sizeof(struct record), FUNCTIONS) < 0) {
        destroy(scaler);
        return host->fail(err, HF_ENOMEM, "no memory for the scaler");
    }
    scaler->host = host;
    scaler->evict = hf_evict_by(host->option_string(values, "evict"));
    scaler->faascache = strcmp(host->option_string(values, "variant"), "faascache") == 0;
    scaler->from_load = strcmp(host->option_string(values, "keep_from"), "load") == 0;
    scaler->bin_ns = host->option_u64(values, "bin");
    *ret = scaler;
    return 0;
}

static void
learn(const struct hf_scaler *scaler, struct record *record, uint64_t idle_ns, uint64_t times)
{
    struct hf_histogram histogram = { record->bins, BINS, scaler->bin_ns };

    record->beyond += hf_histogram_add(&histogram, idle_ns, (uint32_t)times) ? 0 : times;
    record->recent[record->times % RECENT] = idle_ns;
    record->times++;
}

/* A look at a function: which idle times have ended since the one before. */
static struct record *
note(struct hf_scaler *scaler, const struct hf_scale_view *view)
{
    struct state *state = view->state;
    struct record *record = (struct record *)hf_table_get(&scaler->table, view->function->hash);
    uint64_t fresh = view->gaps_total - state->gaps;

    hf_evict_note(&scaler->evict, view);
    if (!state->begun && view->last_arrival_ns > 0) { /* it was cold, so nobody counted this one */
        state->begun = true;
        if (record->last_end_ns > 0 && view->last_arrival_ns > record->last_end_ns) {
            learn(scaler, record, view->last_arrival_ns - record->last_end_ns, 1);
        }
    }
    if (fresh > 0) { /* of several since the last look the mean */
        learn(scaler, record, (view->gaps_sum_ns - state->sum_ns) / fresh, fresh);
    }
    state->gaps = view->gaps_total;
    state->sum_ns = view->gaps_sum_ns;
    record->last_end_ns =
        view->last_finished_ns > record->last_end_ns ? view->last_finished_ns : record->last_end_ns;
    return record;
}

static struct plan
plan_for(const struct hf_scaler *scaler, struct record *record)
{
    const struct hf_histogram times = { record->bins, BINS, scaler->bin_ns };
    double bin = (double)scaler->bin_ns;
    uint64_t total = hf_histogram_total(&times);
    double variance;
    double mean = hf_histogram_mean(&times, &variance);
    double head;
    double tail;

    if (scaler->faascache) {
        if (total == 0 || variance > 2.0 * mean) {
            return (struct plan){ "uncertain", 0.0, BINS / 2.0 * bin };
        }
    } else if (record->beyond > 0 && record->beyond >= total) {
        uint64_t recent[RECENT];
        double forecast;

        memcpy(recent, record->recent, sizeof recent);
        forecast = (double)hf_median(recent, (uint32_t)fmin((double)record->times, RECENT));
        return (struct plan){ "forecast", 0.85 * forecast, 0.3 * forecast };
    } else if (hf_histogram_variation(&times) < 2.0) { /* flat: small; peaked: large */
        return (struct plan){ "uncertain", 0.0, BINS * bin };
    }
    head = 0.9 * hf_histogram_quantile(&times, 0.05) * bin;
    tail = 1.1 * (hf_histogram_quantile(&times, 0.99) + 1) * bin;
    return (struct plan){ "histogram", head, scaler->from_load ? tail : tail - head };
}

static void
on_idle(struct hf_scaler *scaler, const struct hf_scale_view *view, struct hf_idle_plan *ret)
{
    struct record *record = note(scaler, view);
    struct plan plan = plan_for(scaler, record);
    bool after_call = view->idle_since_ns > 0 && view->idle_since_ns <= view->last_finished_ns;

    if (after_call && plan.prewarm_ns > 0.0) {
        ret->keep_ns = 0;
        ret->prewarm_after_ns = (uint64_t)plan.prewarm_ns;
    } else {
        ret->keep_ns = (uint64_t)plan.keep_ns;
    }
}

/* As many as the calls need, but never fewer than there are: `on_idle` says which go. */
static uint32_t
on_demand(struct hf_scaler *scaler, const struct hf_scale_view *view)
{
    double calls = (double)view->in_flight + view->waiting;
    uint32_t each = view->function->max_concurrency;

    note(scaler, view);
    return each > 0 ? (uint32_t)fmin(ceil(calls / each), (double)UINT32_MAX) : 1;
}

static uint32_t
on_tick(struct hf_scaler *scaler, const struct hf_scale_view *view)
{
    note(scaler, view);
    return view->ready + view->starting;
}

static uint64_t
tick_ns(struct hf_scaler *scaler, const struct hf_scale_view *view)
{
    note(scaler, view);
    return view->in_flight + view->waiting > 0 ? TICK_NS : BINS * scaler->bin_ns;
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
    struct record *record =
        view ? (struct record *)hf_table_find(&scaler->table, view->function->hash) : NULL;

    if (record) {
        struct plan p = plan_for(scaler, record);

        scaler->host->print(text, "rule=%s\nprewarm_s=%g\nkeep_s=%g\n", p.why, p.prewarm_ns / 1e9,
                            p.keep_ns / 1e9);
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
    .on_idle = on_idle,
    .victims = victims,
    .show = show,
    .needs = HF_SCALER_NEEDS_GAPS,
};

HF_SCALER_PLUGIN(hybridhistogram, "Keep-alive by how often a function was idle for how long.", ops,
                 options);
