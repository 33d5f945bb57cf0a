/*
 * roundrobin.c - the scheduler "roundrobin": each worker in turn.
 *
 * A cursor walks over the workers, sorted by id; the first feasible one from the
 * cursor on gets the instance, and the cursor moves behind it.  With `scope =
 * function` each function has its own cursor, so that the instances of one
 * function spread over all workers; with `global` all share one.
 */
#include <hyperfaas/scheduler.h>

#include <stdlib.h>
#include <string.h>

struct hf_scheduler {
    const struct hf_host *host;
    bool global;
    uint32_t cursor; /* the shared one */
};

static const struct hf_option rr_options[] = {
    { .key = "scope",
      .type = HF_OPT_ENUM,
      .fallback = "function",
      .choices = "function|global",
      .help = "Whether each function walks over the workers by itself, or all together." },
    { 0 },
};

static int
rr_create(const struct hf_host *host, const struct hf_options *options, struct hf_scheduler **ret,
          struct hf_err *err)
{
    struct hf_scheduler *rr = calloc(1, sizeof *rr);

    if (!rr) {
        return host->fail(err, HF_ENOMEM, "no memory for the scheduler");
    }
    rr->host = host;
    rr->global = strcmp(host->option_string(options, "scope"), "global") == 0;
    *ret = rr;
    return 0;
}

static void
rr_destroy(struct hf_scheduler *rr)
{
    free(rr);
}

static struct hf_handle
rr_pick(struct hf_scheduler *rr, const struct hf_function *function, void *state,
        const struct hf_fleet_view *view)
{
    uint32_t *cursor = rr->global ? &rr->cursor : state;
    uint32_t n = view->worker_count;

    (void)function;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t at = (*cursor % n + i) % n;

        if (view->feasible(view, at)) {
            *cursor = (at + 1) % n;
            return view->workers[at]->handle;
        }
    }
    return HF_NONE;
}

static void
rr_show(const struct hf_scheduler *rr, struct hf_text *text)
{
    rr->host->print(text, "scope=%s\n", rr->global ? "global" : "function");
    if (rr->global) {
        rr->host->print(text, "cursor=%u\n", rr->cursor);
    }
}

static const struct hf_scheduler_ops rr_ops = {
    .size = sizeof rr_ops,
    .function_state_size = sizeof(uint32_t), /* the function's cursor */
    .create = rr_create,
    .destroy = rr_destroy,
    .pick = rr_pick,
    .show = rr_show,
};

HF_SCHEDULER_PLUGIN(roundrobin, "Each worker in turn.", rr_ops, rr_options);
