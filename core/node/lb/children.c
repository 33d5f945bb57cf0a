/*
 * children.c - which of a load balancer's children can be used.
 *
 * A child is usable while it can be reached, says that it is well, does not drain, and
 * calls do not fail there.  One at which a call failed is ejected: it gets none for a
 * while, longer each time that it happens soon again, and is asked whether it is well
 * before it gets the next.
 */
#include <stdlib.h>

#include "base/counters.h"
#include "base/err.h"
#include "base/log.h"
#include "base/options.h"
#include "base/text.h"
#include "grpc/health.h"
#include "node/lb/balancer.h"
#include "node/node.h"

HF_LOG_MODULE(lb);

HF_COUNTER(child_lost, "Times that a child could not be reached any more.");
HF_COUNTER(child_ejected,
           "Times that a child got no calls for a while because calls failed there.");
HF_COUNTER(child_given_up, "Times that a lost child's calls were ended.");

#define EJECT_JITTER 0.2

static struct hf_balancer_child *
child_of(void *arg)
{
    return hf_cast(arg, struct hf_balancer_child, HF_BALANCER_CHILD_MAGIC);
}

/* --- usable --------------------------------------------------------------------------------- */

/* No child is left: those that were ejected for long are tried again soon. */
static void
shorten_ejections(struct hf_balancer *balancer)
{
    uint64_t soon = hf_loop_now(balancer->control) + hf_options_u64(balancer->options, "eject_for");

    struct hf_balancer_child *child;

    HF_LIST_FOR (child, &balancer->children, node) {
        if (hf_timer_is_set(&child->readmit) && child->readmit.due_ns > soon) {
            hf_timer_set_at(&child->readmit, soon);
        }
    }
}

void
hf_balancer_update_hope(struct hf_balancer *balancer)
{
    if (hf_tree_usable(balancer->tree) > 0) {
        hf_timer_cancel(&balancer->hope);
        if (balancer->hopeless && !hf_node_is_draining(balancer->node)) {
            hf_grpc_health_set_all(balancer->health, true);
        }
        balancer->hopeless = false;
        return;
    }
    shorten_ejections(balancer);
    if (!balancer->hopeless && !hf_timer_is_set(&balancer->hope)) {
        hf_timer_set(&balancer->hope, hf_options_u64(balancer->options, "child_wait"));
    }
}

/* What is known of the child has changed. */
static void
update(struct hf_balancer_child *child)
{
    bool usable = child->up && child->serving && !child->draining && !child->ejected;

    if (usable != child->tree->usable) {
        hf_tree_set_usable(child->tree, usable);
        hf_balancer_update_hope(child->balancer);
        hf_balancer_changed(child->balancer);
    }
}

void
hf_balancer_settle_one(struct hf_balancer *balancer)
{
    if (balancer->unsettled > 0 && --balancer->unsettled == 0) {
        hf_timer_cancel(&balancer->settle);
        hf_balancer_changed(balancer);
    }
}

/* The child has been reached, or has not, for the first time. */
static void
settle(struct hf_balancer_child *child)
{
    if (child->settled) {
        return;
    }
    child->settled = true;
    hf_balancer_settle_one(child->balancer);
}

void
hf_balancer_on_settled(struct hf_timer *timer)
{
    struct hf_balancer *balancer = hf_container_of(timer, struct hf_balancer, settle);

    balancer->unsettled = 0;
    hf_balancer_changed(balancer);
}

const char *
hf_balancer_no_child(const struct hf_balancer *balancer)
{
    return balancer->child_count == 1 ? "the only child of this load balancer is not there"
                                      : "no child of this load balancer is there";
}

/* --- ejection ------------------------------------------------------------------------------- */

void
hf_balancer_eject(struct hf_balancer_child *child)
{
    const struct hf_options *options = child->balancer->options;
    uint64_t most = hf_options_u64(options, "eject_max");

    if (child->ejected) {
        return;
    }
    /* Some time without a failure is the way back to short ejections. */
    if (hf_loop_now(child->balancer->control) >= child->readmitted_ns + most) {
        child->ejected_for_ns = 0;
    }
    child->ejected_for_ns = child->ejected_for_ns > 0 ? hf_min(child->ejected_for_ns * 2, most)
                                                      : hf_options_u64(options, "eject_for");
    child->ejected = true;
    hf_timer_set(&child->readmit,
                 hf_random_jitter(&child->random, child->ejected_for_ns, EJECT_JITTER));
    hf_count(&child_ejected);
    hf_log(child->draining || !child->up ? HF_LOG_INFO : HF_LOG_WARNING,
           "calls fail at a child; ejecting it", HF_KV_STR("child", child->api),
           HF_KV_STR("proxy", child->proxy), HF_KV_U64("ms", child->ejected_for_ns / HF_MSEC));
    update(child);
}

static void
readmit(struct hf_balancer_child *child)
{
    child->ejected = child->on_trial = false;
    child->readmitted_ns = hf_loop_now(child->balancer->control);
    update(child);
}

static void
on_readmit(struct hf_timer *timer)
{
    struct hf_balancer_child *child = hf_container_of(timer, struct hf_balancer_child, readmit);

    if (!child->up) {
        readmit(child); /* it will be asked when it is back */
        return;
    }
    child->on_trial = true;
    hf_child_link_check(child->link);
}

/* --- what the link tells --------------------------------------------------------------------- */

static void
on_info(void *arg, const struct hf_child_info *info)
{
    struct hf_balancer_child *child = child_of(arg);

    if (info->draining && !child->draining) {
        hf_log(HF_LOG_NOTICE, "child drains", HF_KV_STR("child", child->api));
    }
    hf_upstream_set_node(child->upstream, info->node_id != NULL);
    child->draining = info->draining;
    child->serving = true; /* until it says otherwise */
    update(child);
}

static void
on_snapshot_begin(void *arg)
{
    hf_tree_snapshot_begin(child_of(arg)->tree);
}

static void
on_have(void *arg, const char *function, bool have)
{
    struct hf_balancer_child *child = child_of(arg);

    if (hf_tree_have(child->tree, function, have)) {
        hf_balancer_refresh_id(child->balancer, function);
    }
}

static void
on_snapshot_end(void *arg)
{
    struct hf_balancer_child *child = child_of(arg);

    hf_tree_snapshot_end(child->tree);
    hf_balancer_changed(child->balancer);
}

static void
on_up(void *arg)
{
    struct hf_balancer_child *child = child_of(arg);

    hf_log(HF_LOG_NOTICE, "child is there", HF_KV_STR("child", child->api),
           HF_KV_STR("id", child->tree->id));
    child->up = true;
    child->refused = false;
    hf_timer_cancel(&child->give_up);
    if (child->ejected) { /* what failed was there before */
        hf_timer_cancel(&child->readmit);
        readmit(child);
    }
    update(child);
    settle(child);
}

static void
on_health(void *arg, bool serving)
{
    struct hf_balancer_child *child = child_of(arg);

    if (child->serving != serving) {
        hf_log(HF_LOG_NOTICE, "child's health has changed", HF_KV_STR("child", child->api),
               HF_KV_BOOL("serving", serving));
        child->serving = serving;
    }
    if (serving && child->draining) { /* it came back just after it had said that it drains */
        hf_log(HF_LOG_NOTICE, "child drains no longer", HF_KV_STR("child", child->api));
        child->draining = false;
    }
    if (child->on_trial) {
        readmit(child);
    }
    update(child);
}

/* Nothing is known of the child any more. */
static void
forget(struct hf_balancer_child *child)
{
    bool known = child->up || child->tree->told > 0;

    child->up = child->draining = false;
    if (child->on_trial) {
        readmit(child);
    }
    if (known) {
        hf_tree_lost(child->tree);
        hf_balancer_update_hope(child->balancer);
        hf_balancer_changed(child->balancer);
    }
    hf_balancer_forget_identity(child);
    settle(child);
}

static void
on_held(void *arg, const char *why)
{
    struct hf_balancer_child *child = child_of(arg);

    if (!child->refused) {
        hf_log(HF_LOG_WARNING, "a child is not used", HF_KV_STR("child", child->api),
               HF_KV_STR("why", why));
        child->refused = true;
    }
    forget(child);
}

static void
on_down(void *arg, const char *why)
{
    struct hf_balancer_child *child = child_of(arg);

    if (child->up) {
        hf_log(child->draining || !child->serving ? HF_LOG_NOTICE : HF_LOG_WARNING, "child lost",
               HF_KV_STR("child", child->api), HF_KV_STR("why", why));
        hf_count(&child_lost);
        hf_timer_set(&child->give_up, hf_options_u64(child->balancer->options, "give_up_after"));
    } else if (!child->settled) {
        hf_log(HF_LOG_NOTICE, "child can't be reached yet; trying on",
               HF_KV_STR("child", child->api), HF_KV_STR("why", why));
    }
    forget(child);
}

static void
on_give_up(struct hf_timer *timer)
{
    struct hf_balancer_child *child = hf_container_of(timer, struct hf_balancer_child, give_up);

    hf_count(&child_given_up);
    hf_upstream_cut(child->upstream);
    hf_balancer_changed(child->balancer); /* it may be time to forget it */
}

static const struct hf_child_link_ops link_ops = {
    .above = hf_balancer_above,
    .refuse = hf_balancer_refuse,
    .on_held = on_held,
    .on_info = on_info,
    .on_snapshot_begin = on_snapshot_begin,
    .on_have = on_have,
    .on_snapshot_end = on_snapshot_end,
    .on_up = on_up,
    .on_health = on_health,
    .on_down = on_down,
};

/* --- life ------------------------------------------------------------------------------------- */

void
hf_balancer_child_init(struct hf_balancer *balancer, struct hf_balancer_child *child)
{
    child->magic = HF_BALANCER_CHILD_MAGIC;
    child->balancer = balancer;
    hf_timer_init(&child->readmit, balancer->control, HF_TIMER_REAL, on_readmit);
    hf_timer_init(&child->give_up, balancer->control, HF_TIMER_REAL, on_give_up);
}

void
hf_balancer_child_fini(struct hf_balancer_child *child)
{
    settle(child);
    hf_upstream_unref(child->upstream);
    free(child->node_id);
    hf_timer_fini(&child->readmit);
    hf_timer_fini(&child->give_up);
    child->magic = 0;
}

int
hf_balancer_child_connect(struct hf_balancer_child *child, struct hf_err *err)
{
    struct hf_balancer *balancer = child->balancer;
    const struct hf_child_link_config config = {
        .loop = balancer->control,
        .address = child->api,
        .heartbeat_ns = hf_options_u64(balancer->options, "heartbeat"),
        .loss_ns = hf_options_u64(balancer->options, "loss_timeout"),
        .seed = hf_random_u64(&child->random),
        .ops = &link_ops,
        .arg = child,
    };

    if (!child->upstream) {
        child->upstream = hf_upstream_new(&balancer->upstream, 0);
    }
    if (!child->upstream) {
        return hf_fail(err, HF_ENOMEM, "child '%s': no memory", child->api);
    }
    return hf_child_link_new(&config, &child->link, err);
}

void
hf_balancer_child_disconnect(struct hf_balancer_child *child)
{
    hf_child_link_free(hf_steal(child->link));
    hf_timer_cancel(&child->readmit);
    hf_timer_cancel(&child->give_up);
    child->up = child->serving = child->draining = child->ejected = child->on_trial = false;
    hf_tree_set_usable(child->tree, false);
    hf_tree_lost(child->tree);
    hf_balancer_forget_identity(child);
}

void
hf_balancer_show_child(const struct hf_balancer_child *child, struct hf_text *out)
{
    hf_text_printf(out,
                   "child=%s proxy=%s id=%s usable=%s serving=%s draining=%s ejected=%s "
                   "functions=%zu ",
                   child->api, child->proxy, child->tree->id, child->tree->usable ? "yes" : "no",
                   child->serving ? "yes" : "no", child->draining ? "yes" : "no",
                   child->ejected ? "yes" : "no", child->tree->told);
    if (child->link) {
        hf_child_link_show(child->link, out);
    }
    hf_text_add_char(out, '\n');
}
