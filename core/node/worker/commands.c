/*
 * commands.c - what the control socket of a worker answers.
 */
#include "base/err.h"
#include "ctl/ctl.h"
#include "node/node.h"
#include "node/worker/worker.h"

static int
cmd_runtime(void *arg, struct hf_ctl_call *call, struct hf_err *err)
{
    struct hf_worker_role *worker = hf_cast(arg, struct hf_worker_role, HF_WORKER_MAGIC);

    if (!worker->ops->show) {
        return hf_fail(err, HF_EUNSUPPORTED, "the runtime has nothing to show");
    }
    worker->ops->show(worker->runtime, hf_ctl_out(call));
    return 0;
}

static const struct hf_ctl_command commands[] = {
    { "runtime/show", "", "Shows what the worker's runtime holds.", 0, 0, false, cmd_runtime },
    { 0 },
};

int
hf_worker_register_commands(struct hf_worker_role *worker, struct hf_err *err)
{
    return hf_ctl_register(hf_node_ctl(worker->node), commands, worker, err);
}

void
hf_worker_unregister_commands(struct hf_worker_role *worker)
{
    hf_ctl_unregister(hf_node_ctl(worker->node), commands, worker);
}
