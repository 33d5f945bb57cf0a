/*
 * scaler-lru.c - an instance for each call, and room is made by whoever was used longest ago;
 * for tests.
 */
#include <stdlib.h>

#include <hyperfaas/scaler.h>

struct hf_scaler {
    const struct hf_host *host;
    uint64_t asked; /* for victims */
};

static int
lru_create(const struct hf_host *host, const struct hf_options *options, struct hf_scaler **ret,
           struct hf_err *err)
{
    struct hf_scaler *scaler = calloc(1, sizeof *scaler);

    (void)options;
    if (!scaler) {
        return host->fail(err, HF_ENOMEM, "no memory for a scaler");
    }
    scaler->host = host;
    *ret = scaler;
    return 0;
}

static void
lru_destroy(struct hf_scaler *scaler)
{
    free(scaler);
}

static uint32_t
lru_wanted(struct hf_scaler *scaler, const struct hf_scale_view *view)
{
    uint32_t calls = view->in_flight + view->waiting;

    (void)scaler;
    return calls > view->ready ? calls : view->ready;
}

/* They come in that order. */
static uint32_t
lru_victims(struct hf_scaler *scaler, uint64_t need_bytes, const struct hf_victim *const *offered,
            uint32_t count, uint32_t *ret)
{
    uint64_t freed = 0;
    uint32_t n = 0;

    scaler->asked++;
    while (n < count && freed < need_bytes) {
        freed += offered[n]->memory_bytes;
        ret[n] = n;
        n++;
    }
    return n;
}

static void
lru_show(const struct hf_scaler *scaler, const struct hf_scale_view *view, struct hf_text *text)
{
    scaler->host->print(text, "asked=%llu\n", (unsigned long long)scaler->asked);
    if (view) {
        scaler->host->print(text, "ready=%u\n", view->ready);
    }
}

static const struct hf_scaler_ops lru_ops = {
    .size = sizeof lru_ops,
    .create = lru_create,
    .destroy = lru_destroy,
    .on_demand = lru_wanted,
    .on_tick = lru_wanted,
    .victims = lru_victims,
    .show = lru_show,
};

HF_SCALER_PLUGIN(lru, "Room is made by whoever was used longest ago.", lru_ops, NULL);
