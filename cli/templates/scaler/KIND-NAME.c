/*
 * scaler-NAME.c - the autoscaling policy "NAME": how many instances a function has.
 *
 * To begin with: as many as the calls in flight and waiting need, each instance serving `target` of
 * them; without calls, none after the function's idle timeout.
 */
#include <hyperfaas/scaler.h>

#include <stdlib.h>

/* One for a whole leaf, on its control thread.  Everything that the policy knows is in here or in
 * the room of a function: no globals, so that it can be used twice in a process. */
struct hf_scaler {
    uint32_t target;
};

/* What may be set in the configuration; the host reads and checks it. */
static const struct hf_option options[] = {
    { .key = "target",
      .type = HF_OPT_UINT,
      .fallback = "10",
      .min = "1",
      .max = "1000000",
      .help = "Calls per instance of a function whose concurrency has no limit." },
    { 0 },
};

static int
create(const struct hf_host *host, const struct hf_options *values, struct hf_scaler **ret,
       struct hf_err *err)
{
    struct hf_scaler *scaler = malloc(sizeof *scaler);

    if (!scaler) {
        return host->fail(err, HF_ENOMEM, "no memory for the scaler");
    }
    scaler->target = (uint32_t)host->option_u64(values, "target");
    *ret = scaler;
    return 0;
}

static void
destroy(struct hf_scaler *scaler)
{
    free(scaler);
}

/* Instances that the calls need; sums in 64 bits, which cannot overflow. */
static uint32_t
needed(const struct hf_scaler *scaler, const struct hf_scale_view *view)
{
    uint64_t calls = (uint64_t)view->in_flight + view->waiting;
    uint64_t each =
        view->function->max_concurrency > 0 ? view->function->max_concurrency : scaler->target;
    uint64_t instances = (calls + each - 1) / each;

    return instances < UINT32_MAX ? (uint32_t)instances : UINT32_MAX;
}

/* A call found no slot: how many instances should there be? */
static uint32_t
on_demand(struct hf_scaler *scaler, const struct hf_scale_view *view)
{
    return needed(scaler, view);
}

/* And now and then; what is surplus and idle goes.  The time is view->now_ns. */
static uint32_t
on_tick(struct hf_scaler *scaler, const struct hf_scale_view *view)
{
    uint32_t want = needed(scaler, view);

    if (want == 0 && view->now_ns - view->idle_since_ns < view->function->idle_timeout_ns) {
        return view->ready + view->starting;
    }
    return want;
}

/* Operations that are left out are not called; scaler.h has them all, such as `tick_ns`, which says
 * when the next tick is due (one second otherwise). */
static const struct hf_scaler_ops ops = {
    .size = sizeof ops,
    .create = create,
    .destroy = destroy,
    .on_demand = on_demand,
    .on_tick = on_tick,
};

HF_SCALER_PLUGIN(NAME, "As many instances as the calls in flight need.", ops, options);
