/*
 * node_ctl.c - commands of the node itself: its clock, its state, its end.
 */
#include <stdlib.h>

#include <hyperfaas/store.h>

#include "base/err.h"
#include "base/json.h"
#include "base/parse.h"
#include "base/text.h"
#include "ctl/ctl.h"
#include "loop/loop.h"
#include "node/catalog.h"
#include "node/discovery.h"
#include "node/node_private.h"
#include "plugin/module.h"

/* --- time ---------------------------------------------------------------------------------- */

/* A change of the clock that is answered when all loops have run what became due. */
struct change {
    struct hf_node *node;
    struct hf_ctl_call *call;
    size_t waiting; /* loops; control loop */
    struct visit *visits;
};

/* One loop's part: a task that defers itself behind the loop's timers, then goes home. */
struct visit {
    struct hf_task task;
    struct hf_deferred after_timers;
    struct hf_loop *loop;
    struct change *change;
};

static void
visit_home(struct hf_task *task)
{
    struct change *change = hf_container_of(task, struct visit, task)->change;

    change->waiting--;
    if (change->waiting == 0) {
        hf_ctl_finish(change->call, 0, NULL);
        free(change->visits);
        free(change);
    }
}

static void
visit_done(struct hf_deferred *deferred)
{
    struct visit *visit = hf_container_of(deferred, struct visit, after_timers);

    visit->task.run = visit_home;
    hf_loop_post(visit->change->node->control, &visit->task);
}

static void
visit_loop(struct hf_task *task)
{
    struct visit *visit = hf_container_of(task, struct visit, task);

    hf_loop_defer(visit->loop, &visit->after_timers);
}

static void
send_visit(struct change *change, struct visit *visit, struct hf_loop *loop)
{
    visit->change = change;
    visit->loop = loop;
    visit->task.run = visit_loop;
    hf_deferred_init(&visit->after_timers, visit_done);
    hf_loop_post(loop, &visit->task);
}

static int
answer_after_timers(struct hf_node *node, struct hf_ctl_call *call, struct hf_err *err)
{
    struct change *change = calloc(1, sizeof *change);
    struct visit *visits = calloc(node->io_count + 1, sizeof *visits);

    if (!change || !visits) {
        free(change);
        free(visits);
        return hf_fail(err, HF_ENOMEM, "out of memory");
    }
    change->node = node;
    change->call = call;
    change->visits = visits;
    change->waiting = node->io_count + 1;
    for (size_t i = 0; i < node->io_count; i++) {
        send_visit(change, &visits[i], node->io[i]);
    }
    send_visit(change, &visits[node->io_count], node->control);
    return HF_CTL_LATER;
}

static int
time_stop(void *arg, struct hf_ctl_call *call, struct hf_err *err)
{
    struct hf_node *node = arg;

    (void)call;
    (void)err;
    hf_clock_stop(&node->clock);
    return 0;
}

static int
time_resume(void *arg, struct hf_ctl_call *call, struct hf_err *err)
{
    struct hf_node *node = arg;

    (void)call;
    (void)err;
    hf_clock_resume(&node->clock);
    return 0;
}

static int
time_warp(void *arg, struct hf_ctl_call *call, struct hf_err *err)
{
    struct hf_node *node = arg;
    uint64_t ns;
    int r = hf_parse_duration(hf_ctl_arg(call, 0), &ns, err);

    if (r < 0) {
        return r;
    }
    hf_clock_warp(&node->clock, ns);
    return answer_after_timers(node, call, err);
}

static int
time_show(void *arg, struct hf_ctl_call *call, struct hf_err *err)
{
    struct hf_node *node = arg;
    bool stopped = hf_clock_is_stopped(&node->clock);
    uint64_t now = hf_clock_now(&node->clock);
    struct hf_json json;

    (void)err;
    if (!hf_ctl_json(call)) {
        hf_text_printf(hf_ctl_out(call), "now_ns=%llu stopped=%s\n", (unsigned long long)now,
                       stopped ? "yes" : "no");
        return 0;
    }
    hf_json_init(&json, hf_ctl_out(call));
    hf_json_object(&json, NULL);
    hf_json_u64(&json, "now_ns", now);
    hf_json_bool(&json, "stopped", stopped);
    hf_json_end(&json);
    return 0;
}

/* --- the node ------------------------------------------------------------------------------ */

static void
show_address_text(void *arg, const char *role, const struct hf_role_address *address)
{
    hf_text_printf(arg, "%s.%s=%s\n", role, address->service, address->address);
}

static void
show_address_json(void *arg, const char *role, const struct hf_role_address *address)
{
    struct hf_json *json = arg;

    hf_json_object(json, NULL);
    hf_json_str(json, "role", role);
    hf_json_str(json, "service", address->service);
    hf_json_str(json, "address", address->address);
    hf_json_end(json);
}

static void
node_show_json(const struct hf_node *node, struct hf_text *out)
{
    struct hf_json json;

    hf_json_init(&json, out);
    hf_json_object(&json, NULL);
    hf_json_str(&json, "id", node->id);
    hf_json_str(&json, "boot", node->boot_id);
    hf_json_bool(&json, "draining", node->draining);
    hf_json_u64(&json, "threads", node->io_count);
    hf_json_array(&json, "addresses");
    hf_node_addresses(node, show_address_json, &json);
    hf_json_end(&json);
    hf_json_end(&json);
}

static int
node_show(void *arg, struct hf_ctl_call *call, struct hf_err *err)
{
    const struct hf_node *node = arg;
    struct hf_text *out = hf_ctl_out(call);

    (void)err;
    if (hf_ctl_json(call)) {
        node_show_json(node, out);
        return 0;
    }
    hf_text_printf(out, "id=%s\nboot=%s\ndraining=%s\nthreads=%zu\n", node->id, node->boot_id,
                   node->draining ? "yes" : "no", node->io_count);
    hf_node_addresses(node, show_address_text, out);
    return 0;
}

static int
node_modules(void *arg, struct hf_ctl_call *call, struct hf_err *err)
{
    (void)err;
    hf_node_show_modules(arg, hf_ctl_json(call), hf_ctl_out(call));
    return 0;
}

static int
catalog_show(void *arg, struct hf_ctl_call *call, struct hf_err *err)
{
    const struct hf_node *node = arg;

    if (!node->catalog) {
        return hf_fail(err, HF_ENOTFOUND, "this node needs to know no functions");
    }
    hf_catalog_show(node->catalog, hf_ctl_out(call));
    return 0;
}

static int
node_peers(void *arg, struct hf_ctl_call *call, struct hf_err *err)
{
    const struct hf_node *node = arg;

    if (!node->store) {
        return hf_fail(err, HF_ENOTFOUND, "this node has no store");
    }
    hf_directory_show(node->directory, hf_ctl_out(call));
    return 0;
}

static int
store_show(void *arg, struct hf_ctl_call *call, struct hf_err *err)
{
    const struct hf_node *node = arg;
    struct hf_text *out = hf_ctl_out(call);

    if (!node->store) {
        return hf_fail(err, HF_ENOTFOUND, "this node has no store");
    }
    hf_text_printf(out, "plugin %s\n", node->store_module.module->name);
    if (node->store_ops->show) {
        node->store_ops->show(node->store, out);
    }
    return 0;
}

static int
shut_down(void *arg, struct hf_ctl_call *call, struct hf_err *err)
{
    (void)call;
    (void)err;
    hf_node_shutdown(arg);
    return 0;
}

static const struct hf_ctl_command commands[] = {
    { "node/show", "", "Who this node is and where it can be reached.", 0, 0, true, node_show },
    { "node/modules", "", "Which modules run, from which files, and with which options.", 0, 0,
      true, node_modules },
    { "node/peers", "", "The nodes that were discovered, if any role looks for them.", 0, 0, false,
      node_peers },
    { "catalog/show", "", "The functions that are known: how many, and how fresh.", 0, 0, false,
      catalog_show },
    { "store/show", "", "The metadata store: where it is, and whether it can be reached.", 0, 0,
      false, store_show },
    { "shutdown", "", "Finishes what runs, then ends, as SIGTERM does.", 0, 0, false, shut_down },
    { "time/stop", "", "Stops the clock of idle times, scaling and backoff.", 0, 0, false,
      time_stop },
    { "time/warp", "DURATION", "Pushes that clock forward and runs what became due.", 1, 1, false,
      time_warp },
    { "time/resume", "", "Lets that clock run again.", 0, 0, false, time_resume },
    { "time/show", "", "Where that clock stands.", 0, 0, true, time_show },
    { .name = NULL },
};

int
hf_node_ctl_register(struct hf_node *node, struct hf_err *err)
{
    return hf_ctl_register(node->ctl, commands, node, err);
}

void
hf_node_ctl_unregister(struct hf_node *node)
{
    hf_ctl_unregister(node->ctl, commands, node);
}
