/*
 * node_drain.c - a node goes out of service: one role after the other.
 */
#include "base/log.h"
#include "base/macros.h"
#include "base/options.h"
#include "loop/loop.h"
#include "node/node_private.h"

HF_LOG_MODULE(node);

static void
end_if_told(struct hf_node *node)
{
    if (node->stop_when_drained) {
        node->ended = true;
        hf_loop_stop(node->control);
    }
}

static void
finish(struct hf_node *node)
{
    struct hf_list *link;

    hf_log(HF_LOG_NOTICE, "drained", HF_KV_STR("id", node->id),
           HF_KV_U64("calls_cut_off", node->forced.calls_cut_off),
           HF_KV_U64("instances_stopped", node->forced.instances_stopped));
    node->drained = true;
    while ((link = hf_list_pop(&node->drain_waiters))) {
        struct hf_node_drain *drain = hf_container_of(link, struct hf_node_drain, link);

        drain->done(drain, &node->forced);
    }
    end_if_told(node);
}

static void
drain_next(void *arg)
{
    struct hf_node *node = arg;
    size_t i = node->drain_next++;

    if (i < node->role_count) {
        node->role_ops[i]->drain(node->roles[i], node->drain_limit_ns, drain_next, node);
    } else {
        finish(node);
    }
}

static void
begin(struct hf_node *node, uint64_t limit_ns)
{
    if (node->draining) {
        return;
    }
    hf_log(HF_LOG_NOTICE, "draining", HF_KV_STR("id", node->id));
    node->draining = true;
    node->drain_limit_ns =
        limit_ns ? limit_ns : hf_options_u64(hf_node_options(node, "node"), "drain_timeout");
    drain_next(node);
}

void
hf_node_shutdown(struct hf_node *node)
{
    node->stop_when_drained = true;
    if (node->drained) {
        end_if_told(node);
    } else {
        begin(node, 0);
    }
}

void
hf_node_drain(struct hf_node *node, uint64_t limit_ns, bool stop, struct hf_node_drain *drain)
{
    node->stop_when_drained |= stop;
    if (node->drained) {
        hf_list_init(&drain->link);
        drain->done(drain, &node->forced);
        end_if_told(node);
        return;
    }
    hf_list_append(&node->drain_waiters, &drain->link);
    begin(node, limit_ns);
}

void
hf_node_drain_forget(struct hf_node_drain *drain)
{
    hf_list_remove(&drain->link);
}

void
hf_node_add_forced(struct hf_node *node, uint64_t calls_cut_off, uint64_t instances_stopped)
{
    node->forced.calls_cut_off += (uint32_t)calls_cut_off;
    node->forced.instances_stopped += (uint32_t)instances_stopped;
}
