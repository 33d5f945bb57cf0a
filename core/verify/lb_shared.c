/* lb_shared.c - see lb_shared.h. */
#include "verify/lb_shared.h"

#include "base/err.h"
#include "base/macros.h"

bool
hf_shared_open(struct hf_shared_world *shared, struct hf_drive *drive)
{
    const struct hf_module *module = drive->module;
    struct hf_err err = HF_ERR_INIT;
    int r;

    *shared = (struct hf_shared_world){ .drive = drive, .ops = module->ops.lb };
    if (!shared->ops->shared_create) {
        return true;
    }
    if (!shared->ops->shared_destroy || !shared->ops->publish || !shared->ops->retire) {
        hf_probe_fail(drive->probe, "give the table all of them, or none",
                      "there is shared_create, but not shared_destroy, publish and retire");
    }
    hf_probe_ask(drive->probe, "shared_create", { NULL, 0 });
    r = shared->ops->shared_create(module->host, drive->options, &shared->shared, &err);
    return hf_drive_created(drive, r, shared->shared, &err);
}

static void
retire(struct hf_shared_world *shared)
{
    if (shared->snapshot) {
        hf_probe_ask(shared->drive->probe, "retire", { NULL, 0 });
        shared->ops->retire(shared->shared, shared->snapshot);
        hf_probe_answered(shared->drive->probe);
        shared->snapshot = NULL;
    }
}

void
hf_shared_publish(struct hf_shared_world *shared, const struct hf_lb_node_view *view)
{
    void *snapshot;

    if (!shared->shared) {
        return;
    }
    hf_probe_ask(shared->drive->probe, "publish", { "child_count", view->child_count },
                 { "function_count", view->function_count }, { "now_ns", view->now_ns },
                 { "random", view->random });
    snapshot = shared->ops->publish(shared->shared, view);
    hf_drive_decided(shared->drive, snapshot != NULL);
    if (snapshot) {
        retire(shared);
        shared->snapshot = snapshot;
    }
}

uint64_t
hf_shared_refresh_ns(const struct hf_shared_world *shared)
{
    uint64_t ns = 0;

    if (shared->shared && shared->ops->refresh_ns) {
        hf_probe_ask(shared->drive->probe, "refresh_ns", { NULL, 0 });
        ns = shared->ops->refresh_ns(shared->shared);
        hf_probe_answered(shared->drive->probe);
    }
    return ns > 0 ? hf_max(ns, HF_MSEC) : UINT64_MAX;
}

void
hf_shared_close(struct hf_shared_world *shared)
{
    if (shared->shared) {
        retire(shared);
        hf_probe_ask(shared->drive->probe, "shared_destroy", { NULL, 0 });
        shared->ops->shared_destroy(shared->shared);
        hf_probe_answered(shared->drive->probe);
    }
}
