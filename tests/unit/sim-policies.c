/* sim-policies.c - the policies of the simulated leaf, see sim-leaf.h. */
#include <inttypes.h>

#include "sim-leaf.h"

struct sim_scaler sim_scaler;
struct sim_scheduler sim_scheduler;

/* --- the scheduler ------------------------------------------------------------------------- */

static void
look_at_first(const struct hf_fleet_view *view, uint32_t count)
{
    struct sim_scheduler *s = &sim_scheduler;

    s->most_at_once = hf_max(s->most_at_once, count);
    s->worker = *view->workers[0];
    s->share = (struct hf_worker_share){ .size = sizeof s->share };
    view->share(view, 0, &s->share);
}

static struct hf_handle
first_pick(struct hf_scheduler *scheduler, const struct hf_function *function, void *state,
           const struct hf_fleet_view *view)
{
    (void)scheduler;
    (void)function;
    (void)state;
    look_at_first(view, 1);
    if (view->decision) {
        view->decision->reason = 1;
    }
    if (sim_scheduler.wrong) {
        return (struct hf_handle){ SIM_WORKERS, 1 };
    }
    for (uint32_t i = 0; i < view->worker_count; i++) {
        if (view->feasible(view, i)) {
            return view->workers[i]->handle;
        }
    }
    return HF_NONE;
}

/* All on the first that is feasible now: what is too much for it, the host counts as wrong. */
static uint32_t
many_picks(struct hf_scheduler *scheduler, const struct hf_function *function, void *state,
           const struct hf_fleet_view *view, uint32_t count, struct hf_handle *ret)
{
    struct hf_handle first = first_pick(scheduler, function, state, view);

    look_at_first(view, count);
    for (uint32_t i = 0; i < count; i++) {
        ret[i] = first;
    }
    return first.generation ? count : 0;
}

static void
scheduler_show(const struct hf_scheduler *scheduler, struct hf_text *text)
{
    (void)scheduler;
    hf_text_add(text, "order=first\n");
}

static const char *const scheduler_reasons[] = { "none", "first" };

const struct hf_scheduler_ops sim_scheduler_ops = {
    .size = sizeof sim_scheduler_ops,
    .pick = first_pick,
    .pick_many = many_picks,
    .show = scheduler_show,
    .needs = HF_SCHEDULER_NEEDS_LOAD,
    .reason_count = 2,
    .reasons = scheduler_reasons,
};

/* --- the scaler ---------------------------------------------------------------------------- */

static uint32_t
on_demand(struct hf_scaler *scaler, const struct hf_scale_view *view)
{
    uint32_t each = view->function->max_concurrency ? view->function->max_concurrency : 100;

    (void)scaler;
    sim_scaler.looks++;
    sim_scaler.seen = *view;
    if (view->decision) {
        view->decision->score = view->waiting;
    }
    return (view->in_flight + view->waiting + each - 1) / each;
}

static uint32_t
on_tick(struct hf_scaler *scaler, const struct hf_scale_view *view)
{
    uint32_t want = on_demand(scaler, view);
    bool keep = view->now_ns < view->idle_since_ns + view->function->idle_timeout_ns;

    sim_scaler.random = view->random;
    want = want > 0 ? want : keep ? view->ready + view->starting : 0;
    return hf_max(want, sim_scaler.least);
}

static uint64_t
tick_ns(struct hf_scaler *scaler, const struct hf_scale_view *view)
{
    uint64_t end = view->idle_since_ns + view->function->idle_timeout_ns;

    (void)scaler;
    if (view->in_flight + view->waiting == 0 && view->now_ns < end) {
        return end - view->now_ns;
    }
    return sim_scaler.tick_ns ? sim_scaler.tick_ns : HF_SEC;
}

static void
on_idle(struct hf_scaler *scaler, const struct hf_scale_view *view, struct hf_idle_plan *plan)
{
    (void)scaler;
    (void)view;
    plan->keep_ns = sim_scaler.keep_ns;
    plan->prewarm_after_ns = sim_scaler.prewarm_ns;
}

static uint32_t
victims(struct hf_scaler *scaler, uint64_t need_bytes, const struct hf_victim *const *offered,
        uint32_t count, uint32_t *ret)
{
    (void)scaler;
    sim_scaler.asked++;
    sim_scaler.need_bytes = need_bytes;
    sim_scaler.victim = *offered[0];
    sim_scaler.offered = count;
    for (uint32_t i = 0; i < count; i++) {
        ret[i] = sim_scaler.victims == SIM_WRONG ? count : i;
    }
    return sim_scaler.victims == SIM_REFUSE ? 0 : count;
}

static void
scaler_show(const struct hf_scaler *scaler, const struct hf_scale_view *view, struct hf_text *text)
{
    (void)scaler;
    hf_text_printf(text, "looks=%" PRIu64 "\n", sim_scaler.looks);
    if (view) {
        hf_text_printf(text, "ready=%u random=%" PRIu64 "\n", view->ready, view->random);
    }
}

static const char *const scaler_reasons[] = { "calls" };

const struct hf_scaler_ops sim_scaler_ops = {
    .size = sizeof sim_scaler_ops,
    .function_state_size = 16,
    .on_demand = on_demand,
    .on_tick = on_tick,
    .tick_ns = tick_ns,
    .on_idle = on_idle,
    .victims = victims,
    .show = scaler_show,
    .needs = HF_SCALER_NEEDS_GAPS,
    .reason_count = 1,
    .reasons = scaler_reasons,
};
