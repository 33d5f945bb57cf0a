/*
 * decide.c - one look at one function: how many instances, and which go.
 *
 * `hf_scaled_attend` takes a snapshot of
 * the function's load and goes through the rules in turn: time limits, policy,
 * starts, successors of obsolete instances, refusals, cold or not.  At the end
 * it knows when to look again.
 */
#include <stdlib.h>

#include "base/assert.h"
#include "base/guest.h"
#include "base/text.h"
#include "engine/autoscale_private.h"

#define TICK_DEFAULT_NS HF_SEC
#define RETRIES_AT_ONCE 8 /* functions without room that are tried again per event */

/* Instances of the present revision that are on their way. */
static uint32_t
fresh_starting(const struct hf_fleet_function *f)
{
    return f->count[HF_INSTANCE_STARTING] - f->obsolete[HF_INSTANCE_STARTING];
}

/* Obsolete instances that need a successor; those that leave need one only for their calls. */
static uint32_t
to_succeed(const struct hf_scaled *f)
{
    uint32_t leaving = f->base.leaving;

    return f->base.obsolete[HF_INSTANCE_READY] - leaving + hf_min(leaving, f->in_flight);
}

/* Starting instances that are not meant to succeed others. */
static uint32_t
growing(const struct hf_scaled *f)
{
    uint32_t fresh = fresh_starting(&f->base);
    uint32_t succeeding = to_succeed(f);

    return fresh > succeeding ? fresh - succeeding : 0;
}

/* The most instances that the settings and the workers allow; 0: no limit. */
static uint32_t
limit_of(const struct hf_autoscaler *as)
{
    uint64_t by_workers = (uint64_t)as->config.settings.fleet.max_instances_per_worker *
                          hf_fleet_usable_workers(as->fleet);
    uint64_t limit = as->config.settings.max_instances;

    if (by_workers > 0 && (limit == 0 || by_workers < limit)) {
        limit = by_workers;
    }
    return (uint32_t)hf_min(limit, (uint64_t)UINT32_MAX);
}

static void
act(struct hf_autoscaler *as, struct hf_scaled *f)
{
    if (hf_list_is_empty(&f->to_act)) {
        hf_list_append(&as->acting, &f->to_act);
    }
}

struct hf_scale_view
hf_scaled_view(const struct hf_autoscaler *as, const struct hf_scaled *f,
               const struct hf_pool_load *load, uint64_t now_ns)
{
    bool busy = load->in_flight > 0 || load->waiting > 0;

    return (struct hf_scale_view){
        .size = sizeof(struct hf_scale_view),
        .ready = f->base.count[HF_INSTANCE_READY],
        .starting = growing(f),
        .draining = f->base.count[HF_INSTANCE_DRAINING],
        .in_flight = load->in_flight,
        .waiting = load->waiting,
        .function = f->base.spec,
        .state = f->scaler_state,
        .now_ns = now_ns,
        .calls_total = load->calls_total,
        .last_finished_ns = load->last_finished_ns,
        .max_instances = limit_of(as),
        .idle = load->idle,
        .idle_since_ns = busy ? 0 : hf_max(load->last_finished_ns, f->ready_ns),
        .service_ns = load->service_ns,
        .waiting_since_ns = load->waiting_since_ns,
        .gaps_total = load->gaps_total,
        .gaps_sum_ns = load->gaps_sum_ns,
        .last_gap_ns = load->last_gap_ns,
        .last_arrival_ns = load->last_arrival_ns,
    };
}

/* --- starting ------------------------------------------------------------------------------ */

/* Starts up to `count` more instances, how many is said in `*ret`.  A code as of `hf_fleet_start`;
 * without room the function queues. */
static int
start(struct hf_autoscaler *as, struct hf_scaled *f, uint32_t count, uint64_t now_ns, uint32_t *ret)
{
    int r = hf_fleet_start(as->fleet, &f->base, count, now_ns, ret);

    if (r < 0 && r != HF_EUNAVAILABLE && hf_list_is_empty(&f->blocked)) {
        hf_list_append(&as->blocked, &f->blocked);
    }
    return r;
}

static void
refuse(struct hf_autoscaler *as, struct hf_scaled *f, enum hf_failure refusal, const char *reason)
{
    f->refuse = refusal;
    f->refuse_reason = reason;
    f->no_room_ns = HF_NEVER;
    act(as, f);
}

/* Why no start was possible; what a worker said when it refused one is nearer to the cause than
 * what we know of it. */
static const char *
no_room_reason(struct hf_autoscaler *as, struct hf_scaled *f, int code, uint64_t now_ns)
{
    hf_autotext struct hf_text reason;

    hf_text_init(&reason);
    if (code == HF_ENOTFOUND) {
        return "no worker is connected that takes instances";
    }
    if (code == HF_ENOMEM) {
        return "the leaf is out of memory";
    }
    hf_text_add(&reason, "no worker has room for an instance: ");
    if (f->refused && f->no_room) {
        hf_text_add(&reason, f->no_room);
    } else {
        hf_fleet_explain(as->fleet, &f->base, now_ns, &reason);
    }
    free(f->no_room);
    f->no_room = hf_text_steal(&reason);
    return f->no_room ? f->no_room : "no worker has room for an instance";
}

/* Calls wait, nothing serves or starts, and a start was impossible just now for `failure`. */
static void
judge_waiting(struct hf_autoscaler *as, struct hf_scaled *f, int failure, uint64_t now_ns)
{
    if (f->failures >= as->config.settings.start_attempts) {
        refuse(as, f, HF_FAILURE_START_FAILED, f->failure ? f->failure : "instances don't start");
        if (failure == HF_EUNAVAILABLE) { /* until the backoff is over */
            f->limit = HF_LIMIT_NO_START;
        }
    } else if (failure == HF_EUNAVAILABLE && !f->refused) {
        f->no_room_ns = HF_NEVER; /* tried again after the backoff */
    } else {
        f->no_room_ns = hf_min(f->no_room_ns, now_ns);
        if (now_ns - f->no_room_ns >= as->config.settings.room_wait_ns) {
            refuse(as, f, HF_FAILURE_NO_WORKER, no_room_reason(as, f, failure, now_ns));
            f->refused = false;
            hf_list_remove(&f->blocked);
        }
    }
}

/* How many instances to go for.  While starts fail, one at a time is tried. */
static uint32_t
bounded(const struct hf_autoscaler *as, const struct hf_scaled *f, uint32_t want, uint32_t have)
{
    uint32_t limit = limit_of(as);

    if (f->failures >= as->config.settings.start_attempts) {
        want = hf_min(want, have + (fresh_starting(&f->base) == 0));
    }
    return limit > 0 ? hf_min(want, limit) : want;
}

/* Calls wait: whether instances serve them and no more can come, where a start was just now
 * impossible for `failure` (0: none was tried in vain).  One that failed is tried again soon, and
 * may succeed; workers that refuse starts have no room. */
static bool
is_at_limit(const struct hf_autoscaler *as, const struct hf_scaled *f, int failure)
{
    uint32_t ready = f->base.count[HF_INSTANCE_READY];
    uint32_t limit = limit_of(as);
    bool no_room = failure == HF_EFULL || (failure == HF_EUNAVAILABLE && f->failures == 0);

    return ready > 0 && f->base.count[HF_INSTANCE_STARTING] == 0 &&
           (no_room || (limit > 0 && ready >= limit));
}

/* Starts instances until there are `want`, ready and starting. */
static void
grow(struct hf_autoscaler *as, struct hf_scaled *f, uint32_t want, uint32_t waiting,
     uint64_t now_ns)
{
    uint32_t have = f->base.count[HF_INSTANCE_READY] + growing(f);
    uint32_t started;
    bool makes_room;
    int r = 0;

    f->refused = f->refused && f->base.count[HF_INSTANCE_READY] == 0;
    want = bounded(as, f, want, have);
    hf_list_remove(&f->blocked); /* it queues again, at the end, if it must */
    if (have < want) {
        r = start(as, f, want - have, now_ns, &started);
        have += started;
    }
    makes_room = r == HF_EFULL && waiting > 0 && hf_scaled_make_room(as, f, now_ns);
    if (waiting > 0 && !makes_room && is_at_limit(as, f, r)) {
        f->limit = HF_LIMIT_REACHED;
    }
    if (waiting == 0 || (have > 0 && !f->refused)) {
        f->no_room_ns = HF_NEVER;
    } else if (have == 0) {
        judge_waiting(as, f, r, now_ns);
    }
}

/* --- going --------------------------------------------------------------------------------- */

/* Has up to `count` endpoints drained that have been idle since `before_ns`. */
static void
shrink(struct hf_autoscaler *as, struct hf_scaled *f, uint32_t count, uint64_t before_ns)
{
    f->shrink = count;
    f->shrink_before_ns = before_ns;
    if (count > 0) {
        act(as, f);
    }
}

/* Asks the policy how long idle instances stay.  Returns when the first one may go. */
static uint64_t
apply_idle_plan(struct hf_autoscaler *as, struct hf_scaled *f, const struct hf_scale_view *view,
                uint64_t oldest_idle_ns)
{
    struct hf_idle_plan plan = { .size = sizeof plan, .keep_ns = HF_NEVER };
    uint64_t due_ns;

    hf_guest_do(as->config.scaler_ops, on_idle, f->base.spec->id, as->config.scaler, view, &plan);
    f->prewarm_after_ns = plan.prewarm_after_ns;
    due_ns = hf_add_saturated(oldest_idle_ns, plan.keep_ns);
    if (plan.keep_ns == HF_NEVER || due_ns > view->now_ns) {
        return due_ns;
    }
    shrink(as, f, view->idle, view->now_ns - plan.keep_ns);
    return HF_NEVER;
}

static void
drain_one_obsolete(struct hf_autoscaler *as, struct hf_scaled *f, uint64_t now_ns)
{
    struct hf_fleet_instance *instance;

    HF_LIST_FOR (instance, &f->base.instances[HF_INSTANCE_READY], of_function) {
        if (instance->obsolete) {
            hf_fleet_drain(as->fleet, instance, now_ns);
            return;
        }
    }
}

void
hf_scaled_succeed(struct hf_autoscaler *as, struct hf_scaled *f, uint64_t now_ns)
{
    if (f->owed > 0) {
        f->owed--;
    } else if (f->base.obsolete[HF_INSTANCE_READY] > 0) {
        drain_one_obsolete(as, f, now_ns);
    }
}

/* Starts a successor for each obsolete instance that serves; the old one goes when it is ready.
 * Where there is no room for both, the old ones make room, one at a time. */
static void
replace(struct hf_autoscaler *as, struct hf_scaled *f, uint64_t now_ns)
{
    const uint32_t *count = f->base.count;
    uint32_t needed = to_succeed(f) + f->owed;
    uint32_t coming = fresh_starting(&f->base);
    uint32_t started;
    int r = coming < needed ? start(as, f, needed - coming, now_ns, &started) : 0;

    if (r == HF_EFULL && f->base.obsolete[HF_INSTANCE_READY] > 0 &&
        count[HF_INSTANCE_STARTING] == 0 && count[HF_INSTANCE_DRAINING] == 0 &&
        count[HF_INSTANCE_STOPPING] == 0) {
        drain_one_obsolete(as, f, now_ns);
        f->owed++;
    }
}

/* Stops what has been draining for too long.  Returns when the next one will have been. */
static uint64_t
limit_draining(struct hf_autoscaler *as, struct hf_scaled *f, uint64_t now_ns)
{
    struct hf_list *draining = &f->base.instances[HF_INSTANCE_DRAINING];
    struct hf_fleet_instance *instance;

    while ((instance = hf_list_first(draining, struct hf_fleet_instance, of_function))) {
        uint64_t due_ns = hf_add_saturated(instance->since_ns, as->config.settings.drain_limit_ns);

        if (due_ns > now_ns) {
            return due_ns;
        }
        hf_fleet_stop(as->fleet, instance, now_ns);
    }
    return HF_NEVER;
}

/* Once instances have lived long enough, failed starts are forgiven.  Returns when the next one
 * will have. */
static uint64_t
forgive(struct hf_autoscaler *as, struct hf_scaled *f, uint64_t now_ns)
{
    struct hf_list *ready = &f->base.instances[HF_INSTANCE_READY];
    struct hf_fleet_instance *instance;

    if (f->failures == 0) {
        return HF_NEVER;
    }
    HF_LIST_FOR (instance, ready, of_function) {
        uint64_t due_ns = hf_add_saturated(instance->since_ns, as->config.settings.min_uptime_ns);

        if (due_ns > now_ns) {
            return f->failures > 0 ? due_ns : HF_NEVER;
        }
        hf_fleet_proved(instance);
        f->failures = 0;
    }
    return HF_NEVER;
}

/* --- one look ------------------------------------------------------------------------------ */

/* How many instances there should be, by the policy. */
static uint32_t
wanted(struct hf_autoscaler *as, struct hf_scale_view *view, bool tick)
{
    const struct hf_scaler_ops *ops = as->config.scaler_ops;
    struct hf_scaler *policy = as->config.scaler;
    const char *id = view->function->id;
    uint32_t want = view->ready + view->starting;

    if (tick) {
        view->decision = hf_reasons_begin(&as->reasons);
        want = hf_guest_call(ops, on_tick, id, policy, view);
        hf_reasons_end(&as->reasons);
    }
    if (view->waiting > 0) {
        view->decision = hf_reasons_begin(&as->reasons);
        want = hf_max(want, hf_guest_call(ops, on_demand, id, policy, view));
        hf_reasons_end(&as->reasons);
    }
    view->decision = NULL;
    return view->waiting > 0 || view->in_flight > 0 ? hf_max(want, 1U) : want;
}

/* When the policy wants to be asked again. */
static uint64_t
next_tick(struct hf_autoscaler *as, const struct hf_scale_view *view)
{
    const struct hf_scaler_ops *ops = as->config.scaler_ops;
    uint64_t tick_ns =
        ops->tick_ns ? hf_guest_call(ops, tick_ns, view->function->id, as->config.scaler, view)
                     : TICK_DEFAULT_NS;

    return hf_add_saturated(view->now_ns, hf_max(tick_ns, UINT64_C(1)));
}

/* Asks the policy and sees to what it says. */
static void
consult(struct hf_autoscaler *as, struct hf_scaled *f, const struct hf_pool_load *load,
        uint64_t now_ns)
{
    struct hf_scale_view view = hf_scaled_view(as, f, load, now_ns);
    bool tick = now_ns >= f->next_tick_ns;
    uint32_t have = view.ready + view.starting;
    uint32_t want;

    view.random = hf_random_u64(&as->random);
    want = wanted(as, &view, tick);
    f->next_tick_ns = hf_min(tick ? HF_NEVER : f->next_tick_ns, next_tick(as, &view));
    f->prewarm_ns = HF_NEVER;
    grow(as, f, want, load->waiting, now_ns);
    if (want < have) {
        f->owed = 0;
        shrink(as, f, hf_min(have - want, load->idle), HF_NEVER);
    } else if (as->config.scaler_ops->on_idle && load->idle > 0) {
        f->next_tick_ns =
            hf_min(f->next_tick_ns, apply_idle_plan(as, f, &view, load->oldest_idle_ns));
    }
    if (f->shrink == 0) {
        replace(as, f, now_ns);
    }
}

/* When to look again at a function with instances or calls. */
static uint64_t
next_look(const struct hf_autoscaler *as, const struct hf_scaled *f, uint64_t now_ns)
{
    uint64_t next_ns = f->next_tick_ns;

    next_ns = hf_min(next_ns, hf_fleet_retry_ns(&f->base, now_ns));
    if (f->no_room_ns != HF_NEVER) {
        next_ns =
            hf_min(next_ns, hf_add_saturated(f->no_room_ns, as->config.settings.room_wait_ns));
    }
    return next_ns;
}

/* The function has neither instances nor calls.  Returns when to look again; never, if it is
 * cold. */
static uint64_t
rest(struct hf_autoscaler *as, struct hf_scaled *f, uint64_t now_ns)
{
    uint64_t remember_ns = hf_add_saturated(f->failed_ns, as->config.settings.fleet.backoff_max_ns);

    f->owed = 0;
    if (!f->deleted && f->prewarm_after_ns > 0) {
        f->prewarm_ns = hf_add_saturated(now_ns, f->prewarm_after_ns);
        f->prewarm_after_ns = 0;
    }
    if (!f->deleted && f->prewarm_ns != HF_NEVER) {
        return f->prewarm_ns;
    }
    if (!f->deleted && f->failures > 0 && remember_ns > now_ns) {
        return remember_ns; /* so long it is known that starts fail */
    }
    hf_list_remove(&f->blocked);
    f->cold = true;
    act(as, f);
    return HF_NEVER;
}

void
hf_scaled_look_at(struct hf_autoscaler *as, struct hf_scaled *f, uint64_t at_ns)
{
    hf_heap_remove(&as->deadlines, &f->deadline);
    if (at_ns != HF_NEVER) {
        f->deadline.key = at_ns;
        hf_heap_insert(&as->deadlines, &f->deadline);
    }
}

void
hf_scaled_attend(struct hf_autoscaler *as, struct hf_scaled *f, uint64_t now_ns)
{
    struct hf_pool_load load = { 0 };
    uint64_t next_ns = hf_min(limit_draining(as, f, now_ns), forgive(as, f, now_ns));

    as->config.load(as->config.arg, &f->base, &load);
    f->in_flight = load.in_flight;
    f->waiting = load.waiting;
    f->cold = false;
    f->limit = HF_LIMIT_NONE;
    if (f->deleted) {
        if (load.waiting > 0) {
            refuse(as, f, HF_FAILURE_DELETED, "the function was deleted");
        }
    } else if (hf_fleet_instances(&f->base) > 0 || load.waiting > 0 || f->owed > 0) {
        consult(as, f, &load, now_ns);
        next_ns = hf_min(next_ns, next_look(as, f, now_ns));
    } else if (now_ns >= f->prewarm_ns) {
        f->prewarm_ns = HF_NEVER;
        grow(as, f, 1, 0, now_ns);
    }
    if (hf_fleet_instances(&f->base) == 0 && load.waiting == 0 && load.draining == 0) {
        next_ns = rest(as, f, now_ns);
    }
    if (f->limit != f->known_limit) {
        act(as, f);
    }
    hf_scaled_look_at(as, f, next_ns);
}

void
hf_scaled_retry_blocked(struct hf_autoscaler *as, uint64_t now_ns)
{
    const struct hf_scaled *last = hf_list_last(&as->blocked, struct hf_scaled, blocked);
    struct hf_scaled *f = NULL;

    for (int i = 0; i < RETRIES_AT_ONCE && f != last && hf_fleet_is_open(as->fleet); i++) {
        f = hf_list_first(&as->blocked, struct hf_scaled, blocked);
        hf_assert(f);
        hf_list_remove(&f->blocked);
        hf_scaled_attend(as, f, now_ns);
    }
}
