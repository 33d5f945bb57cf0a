/*
 * node_drain.c - a node goes out of service, one role after the other, and perhaps back.
 */
#include "base/err.h"
#include "base/log.h"
#include "base/macros.h"
#include "base/options.h"
#include "loop/loop.h"
#include "node/node_announce.h"
#include "node/node_private.h"

HF_LOG_MODULE(node);

/* Answers all who wait. */
static void
answer(const struct hf_node *node, struct hf_list *waiters, int code, const char *message)
{
    struct hf_list *link;

    while ((link = hf_list_pop(waiters))) {
        struct hf_node_waiter *waiter = hf_container_of(link, struct hf_node_waiter, link);

        waiter->done(waiter, code, message, &node->forced);
    }
}

void
hf_node_forget_waiter(struct hf_node_waiter *waiter)
{
    hf_list_remove(&waiter->link);
}

/* --- back into service --------------------------------------------------------------------- */

/* The last role comes back first, so that whoever calls finds whoever is called. */
static int
bring_back(struct hf_node *node, struct hf_err *err)
{
    for (size_t i = node->role_count; i-- > 0;) {
        int r = node->role_ops[i]->undrain(node->roles[i], err);

        if (r < 0) {
            return hf_err_wrap(err, r, "%s", node->role_ops[i]->name);
        }
    }
    node->draining = false;
    node->drained = false;
    node->drain_next = 0;
    node->forced = (struct hf_node_forced){ 0 };
    hf_log(HF_LOG_NOTICE, "back in service", HF_KV_STR("id", node->id));
    return 0;
}

/* Nothing is being drained: does what those who want the node back are waiting for. */
static void
serve_undrains(struct hf_node *node)
{
    struct hf_err err = HF_ERR_INIT;
    int r = 0;

    if (hf_list_is_empty(&node->undrain_waiters)) {
        return;
    }
    if (node->stop_when_drained) {
        r = hf_fail(&err, HF_EUNAVAILABLE, "the node is ending");
    } else if (node->drained) {
        r = bring_back(node, &err);
    }
    answer(node, &node->undrain_waiters, r, r < 0 ? hf_err_message(&err) : "");
}

void
hf_node_undrain(struct hf_node *node, struct hf_node_waiter *waiter)
{
    hf_list_append(&node->undrain_waiters, &waiter->link);
    if (!node->draining || node->drained) {
        serve_undrains(node);
    }
}

/* --- out of service ------------------------------------------------------------------------ */

static void
finish(struct hf_node *node)
{
    hf_log(HF_LOG_NOTICE, "drained", HF_KV_STR("id", node->id),
           HF_KV_U64("calls_cut_off", node->forced.calls_cut_off),
           HF_KV_U64("instances_stopped", node->forced.instances_stopped));
    node->drained = true;
    answer(node, &node->drain_waiters, 0, "");
    serve_undrains(node);
    hf_node_end_if_done(node);
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

/* From now on the node ends when it is drained; nobody is to look for it any more. */
static void
end_when_drained(struct hf_node *node)
{
    node->stop_when_drained = true;
    hf_node_withdraw(node);
}

void
hf_node_shutdown(struct hf_node *node)
{
    end_when_drained(node);
    if (node->drained) {
        hf_node_end_if_done(node);
    } else {
        begin(node, 0);
    }
}

void
hf_node_drain(struct hf_node *node, uint64_t limit_ns, bool stop, struct hf_node_waiter *waiter)
{
    if (stop) {
        end_when_drained(node);
    }
    hf_list_append(&node->drain_waiters, &waiter->link);
    if (node->drained) {
        answer(node, &node->drain_waiters, 0, "");
        hf_node_end_if_done(node);
    } else {
        begin(node, limit_ns);
    }
}

void
hf_node_add_forced(struct hf_node *node, uint64_t calls_cut_off, uint64_t instances_stopped)
{
    node->forced.calls_cut_off += (uint32_t)calls_cut_off;
    node->forced.instances_stopped += (uint32_t)instances_stopped;
}
