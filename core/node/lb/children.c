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
#include "node/front/shared.h"
#include "node/lb/balancer.h"
#include "node/node.h"

HF_LOG_MODULE(lb);

HF_COUNTER(child_lost, "Times that a child could not be reached any more.");
HF_COUNTER(child_ejected,
           "Times that a child got no calls for a while because calls failed there.");
HF_COUNTER(child_given_up, "Times that a lost child's calls were ended.");

#define EJECT_JITTER 0.2

struct hf_balancer_child *
hf_balancer_child_of(void *arg)
{
    return hf_container_of(hf_link_of(arg), struct hf_balancer_child, link);
}

static bool
is_up(const struct hf_balancer_child *child)
{
    return child->link.state == HF_LINK_UP;
}

/* --- usable --------------------------------------------------------------------------------- */

/* No child is left: those that were ejected for long are tried again soon. */
static void
shorten_ejections(struct hf_balancer *balancer)
{
    uint64_t soon =
        hf_loop_now(balancer->front.control) + hf_options_u64(balancer->front.options, "eject_for");

    struct hf_balancer_child *child;

    HF_LIST_FOR (child, &balancer->children.list, link.node) {
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
        if (balancer->hopeless && !hf_node_is_draining(balancer->front.node)) {
            hf_grpc_health_set_all(balancer->front.health, true);
        }
        balancer->hopeless = false;
        return;
    }
    shorten_ejections(balancer);
    if (!balancer->hopeless && !hf_timer_is_set(&balancer->hope)) {
        hf_timer_set(&balancer->hope, hf_options_u64(balancer->front.options, "child_wait"));
    }
}

/* What is known of the child has changed. */
static void
update(struct hf_balancer_child *child)
{
    bool usable = is_up(child) && child->serving && !child->draining && !child->ejected;

    if (usable != child->tree->usable) {
        hf_tree_set_usable(child->tree, usable);
        hf_shared_changed(child->balancer->front.shared);
        hf_balancer_update_hope(child->balancer);
        hf_balancer_changed(child->balancer);
    }
}

const char *
hf_balancer_no_child(const struct hf_balancer *balancer)
{
    return balancer->children.count == 1 ? "the only child of this load balancer is not there"
                                         : "no child of this load balancer is there";
}

/* --- ejection ------------------------------------------------------------------------------- */

void
hf_balancer_eject(struct hf_balancer_child *child)
{
    const struct hf_options *options = child->balancer->front.options;
    uint64_t most = hf_options_u64(options, "eject_max");

    if (child->ejected) {
        return;
    }
    /* Some time without a failure is the way back to short ejections. */
    if (hf_loop_now(child->balancer->front.control) >= child->readmitted_ns + most) {
        child->ejected_for_ns = 0;
    }
    child->ejected_for_ns = child->ejected_for_ns > 0 ? hf_min(child->ejected_for_ns * 2, most)
                                                      : hf_options_u64(options, "eject_for");
    child->ejected = true;
    hf_timer_set(&child->readmit,
                 hf_random_jitter(&child->random, child->ejected_for_ns, EJECT_JITTER));
    hf_count(&child_ejected);
    hf_log(child->draining || !is_up(child) ? HF_LOG_INFO : HF_LOG_WARNING,
           "calls fail at a child; ejecting it", HF_KV_STR("child", child->link.address),
           HF_KV_STR("proxy", child->link.proxy), HF_KV_U64("ms", child->ejected_for_ns / HF_MSEC));
    update(child);
}

static void
readmit(struct hf_balancer_child *child)
{
    child->ejected = child->on_trial = false;
    child->readmitted_ns = hf_loop_now(child->balancer->front.control);
    update(child);
}

static void
on_readmit(struct hf_timer *timer)
{
    struct hf_balancer_child *child = hf_container_of(timer, struct hf_balancer_child, readmit);

    if (!is_up(child)) {
        readmit(child); /* it will be asked when it is back */
        return;
    }
    child->on_trial = true;
    hf_link_check(&child->link);
}

/* --- what the link tells --------------------------------------------------------------------- */

static void
on_greeted(struct hf_link *link, bool draining)
{
    struct hf_balancer_child *child = hf_balancer_child_of(link);

    if (draining && !child->draining) {
        hf_log(HF_LOG_NOTICE, "child drains", HF_KV_STR("child", link->address));
    }
    hf_upstream_set_node(child->upstream, link->ours);
    child->path = 0;
    child->draining = draining;
    child->serving = true; /* until it says otherwise */
    update(child);
}

static int
on_up(struct hf_link *link)
{
    struct hf_balancer_child *child = hf_balancer_child_of(link);

    if (link->node_id && hf_tree_rename(child->tree, link->node_id) < 0) {
        hf_log(HF_LOG_NOTICE, "a child's node id is taken; using its address instead",
               HF_KV_STR("child", link->address), HF_KV_STR("id", link->node_id));
    }
    hf_log(HF_LOG_NOTICE, "child is there", HF_KV_STR("child", link->address),
           HF_KV_STR("id", child->tree->id));
    hf_timer_cancel(&child->give_up);
    if (child->ejected) { /* what failed was there before */
        hf_timer_cancel(&child->readmit);
        readmit(child);
    }
    update(child);
    hf_balancer_settle(child);
    hf_balancer_ask_load(child);
    hf_shared_changed(child->balancer->front.shared); /* its id may be another */
    return 0;
}

static void
on_health(struct hf_link *link, bool serving)
{
    struct hf_balancer_child *child = hf_balancer_child_of(link);

    if (child->serving != serving) {
        hf_log(HF_LOG_NOTICE, "child's health has changed", HF_KV_STR("child", link->address),
               HF_KV_BOOL("serving", serving));
        child->serving = serving;
    }
    if (serving && child->draining) { /* it came back just after it had said that it drains */
        hf_log(HF_LOG_NOTICE, "child drains no longer", HF_KV_STR("child", link->address));
        child->draining = false;
    }
    if (child->on_trial) {
        readmit(child);
    }
    update(child);
    hf_balancer_ask_load(child);
}

/* Why it is not used, for the log. */
static void
note(struct hf_balancer_child *child, bool was_up)
{
    const struct hf_link *link = &child->link;
    bool news = hf_link_note(&child->link);

    if (link->state == HF_LINK_HELD) {
        if (news) {
            hf_log(HF_LOG_WARNING, "a child is not used", HF_KV_STR("child", link->address),
                   HF_KV_STR("why", link->error));
        }
    } else if (was_up) {
        hf_log(child->draining || !child->serving ? HF_LOG_NOTICE : HF_LOG_WARNING, "child lost",
               HF_KV_STR("child", link->address), HF_KV_STR("why", link->error));
        hf_count(&child_lost);
        hf_timer_set(&child->give_up,
                     hf_options_u64(child->balancer->front.options, "give_up_after"));
    } else if (news) {
        hf_log(HF_LOG_NOTICE, "child can't be reached yet; retrying",
               HF_KV_STR("child", link->address), HF_KV_STR("why", link->error));
    }
}

static void
on_down(struct hf_link *link, bool was_up)
{
    struct hf_balancer_child *child = hf_balancer_child_of(link);

    note(child, was_up);
    hf_balancer_forget_load(child);
    child->draining = false;
    if (child->on_trial) {
        readmit(child);
    }
    if (was_up || child->tree->told > 0) { /* nothing is known of it any more */
        hf_tree_lost(child->tree);
        hf_balancer_update_hope(child->balancer);
        hf_balancer_changed(child->balancer);
    }
    hf_balancer_settle(child);
}

static void
on_give_up(struct hf_timer *timer)
{
    struct hf_balancer_child *child = hf_container_of(timer, struct hf_balancer_child, give_up);

    hf_count(&child_given_up);
    hf_upstream_cut(child->upstream);
    hf_balancer_changed(child->balancer); /* it may be time to forget it */
}

/* --- the record ------------------------------------------------------------------------------- */

/* Makes room for the answers of a tree with all children. */
static bool
grow_found(struct hf_balancer *balancer)
{
    size_t size = balancer->found_size ? balancer->found_size * 2 : 8;
    struct hf_tree_child **found;

    if (balancer->children.count <= balancer->found_size) {
        return true;
    }
    found = realloc(balancer->found, size * sizeof(*found));
    if (!found) {
        return false;
    }
    balancer->found = found;
    balancer->found_size = size;
    return true;
}

static int
on_init(struct hf_link *link, struct hf_err *err)
{
    struct hf_balancer_child *child = hf_balancer_child_of(link);
    struct hf_balancer *balancer = hf_container_of(hf_peers_of(link), struct hf_balancer, children);
    hf_autofree char *both = hf_strdup_printf("%s/%s", link->address, link->proxy);
    /* Its name in the tree until it tells its own. */
    const char *id = link->configured ? link->address : both;
    int r = HF_ENOMEM;

    if (id && grow_found(balancer) && hf_handles_reserve(&balancer->handles) == 0) {
        r = hf_tree_add(balancer->tree, id, child, &child->tree);
    }
    if (r < 0) {
        return hf_fail(err, r, "lb: %s child '%s'",
                       r == HF_EEXISTS ? "there are two of" : "no memory for", link->address);
    }
    child->balancer = balancer;
    child->handle = hf_handles_next(&balancer->handles);
    hf_handles_add(&balancer->handles, child);
    child->settled = true; /* unless a start waits for it */
    hf_random_init(&child->random, hf_node_seed(balancer->front.node, link->address));
    hf_timer_init(&child->readmit, balancer->front.control, HF_TIMER_REAL, on_readmit);
    hf_timer_init(&child->give_up, balancer->front.control, HF_TIMER_REAL, on_give_up);
    hf_shared_changed(balancer->front.shared);
    return 0;
}

static void
on_fini(struct hf_link *link)
{
    struct hf_balancer_child *child = hf_balancer_child_of(link);

    hf_balancer_settle(child);
    hf_shared_changed(child->balancer->front.shared);
    hf_handles_remove(&child->balancer->handles, child->handle);
    hf_tree_remove(child->tree);
    hf_upstream_unref(child->upstream);
    hf_timer_fini(&child->readmit);
    hf_timer_fini(&child->give_up);
}

/* Calls that come before the child has been heard of wait for it, if this is still the start. */
static int
on_open(struct hf_link *link, struct hf_err *err)
{
    struct hf_balancer_child *child = hf_balancer_child_of(link);
    struct hf_balancer *balancer = child->balancer;

    if (!child->upstream) {
        child->upstream = hf_upstream_new(&balancer->upstream, 0);
    }
    if (!child->upstream) {
        return hf_fail(err, HF_ENOMEM, "child '%s': no memory", link->address);
    }
    if (hf_timer_is_set(&balancer->settle)) {
        child->settled = false;
        balancer->unsettled++;
    }
    return 0;
}

static void
on_close(struct hf_link *link)
{
    struct hf_balancer_child *child = hf_balancer_child_of(link);

    hf_timer_cancel(&child->readmit);
    hf_timer_cancel(&child->give_up);
    hf_balancer_forget_load(child);
    child->serving = child->draining = child->ejected = child->on_trial = false;
    hf_tree_set_usable(child->tree, false);
    hf_tree_lost(child->tree);
    hf_shared_changed(child->balancer->front.shared);
}

static bool
is_used(const struct hf_link *link)
{
    const struct hf_balancer_child *child = hf_container_of(link, struct hf_balancer_child, link);

    return child->tree->usable || child->tree->told > 0 || child->endpoints > 0 ||
           hf_timer_is_set(&child->give_up);
}

const struct hf_link_ops hf_balancer_child_ops = {
    .init = on_init,
    .fini = on_fini,
    .open = on_open,
    .close = on_close,
    .greeted = on_greeted,
    .listen = hf_balancer_listen,
    .ended = hf_balancer_listened,
    .refuse = hf_balancer_refuse,
    .up = on_up,
    .health = on_health,
    .down = on_down,
    .is_used = is_used,
};

void
hf_balancer_show_child(const struct hf_balancer_child *child, struct hf_text *out)
{
    hf_text_printf(out,
                   "child=%s proxy=%s id=%s usable=%s serving=%s draining=%s ejected=%s "
                   "functions=%zu ",
                   child->link.address, child->link.proxy, child->tree->id,
                   child->tree->usable ? "yes" : "no", child->serving ? "yes" : "no",
                   child->draining ? "yes" : "no", child->ejected ? "yes" : "no",
                   child->tree->told);
    hf_text_printf(out, "up=%s held=%s ours=%s state=%s", is_up(child) ? "yes" : "no",
                   child->link.state == HF_LINK_HELD ? "yes" : "no",
                   child->link.ours ? "yes" : "no", hf_balancer_state_path(child));
    hf_link_show_error(&child->link, out);
    hf_text_add_char(out, '\n');
}
