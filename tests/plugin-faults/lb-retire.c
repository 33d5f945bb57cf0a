/* lb-retire.c - snapshots of what all functions share are made, and never freed. */
#include "lb.h"

struct hf_lb_shared {
    uint64_t published;
};

static int
shared_create(const struct hf_host *host, const struct hf_options *options,
              struct hf_lb_shared **ret, struct hf_err *err)
{
    struct hf_lb_shared *shared = calloc(1, sizeof *shared);

    (void)options;
    if (!shared) {
        return host->fail(err, HF_ENOMEM, "no memory");
    }
    *ret = shared;
    return 0;
}

static void
shared_destroy(struct hf_lb_shared *shared)
{
    free(shared);
}

static void *
publish(struct hf_lb_shared *shared, const struct hf_lb_node_view *view)
{
    uint32_t *children = malloc(sizeof *children);

    shared->published++;
    if (children) {
        *children = view->child_count;
    }
    return children;
}

static void
retire(struct hf_lb_shared *shared, void *snapshot)
{
    (void)shared;
    (void)snapshot;
}

static const struct hf_lb_ops ops = {
    .size = sizeof ops,
    .endpoint_state_size = sizeof(struct room),
    .create = right_create,
    .destroy = right_destroy,
    .pick = right_pick,
    .started = right_started,
    .finished = right_finished,
    .shared_create = shared_create,
    .shared_destroy = shared_destroy,
    .publish = publish,
    .retire = retire,
};

HF_LB_PLUGIN(retire, "Has a fault.", ops, NULL);
