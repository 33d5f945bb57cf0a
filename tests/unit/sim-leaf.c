/* sim-leaf.c - see sim-leaf.h. */
#include "sim-leaf.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit-lb.h"
#include "base/assert.h"

enum event_kind { EVENT_STARTED, EVENT_DRAINED, EVENT_STOPPED, EVENT_CALL_ENDS };

struct sim_event {
    struct hf_list node;
    uint64_t at;
    enum event_kind kind;
    void *subject; /* an instance or a call */
};

struct call {
    struct hf_waiter waiter;
    struct hf_list node;
    struct sim_function *function;
    uint64_t duration;
};

/* --- events -------------------------------------------------------------------------------- */

static void
schedule(struct sim *sim, uint64_t delay, enum event_kind kind, void *subject)
{
    struct sim_event *event = calloc(1, sizeof *event);
    struct sim_event *other;

    hf_assert(event);
    event->at = sim->now + delay;
    event->kind = kind;
    event->subject = subject;
    HF_LIST_FOR (other, &sim->events, node) {
        if (other->at > event->at) {
            break;
        }
    }
    hf_list_insert(&other->node, &event->node);
}

static void
unschedule(struct sim *sim, const void *subject)
{
    struct sim_event *event;
    struct sim_event *next;

    HF_LIST_FOR_SAFE (event, next, &sim->events, node) {
        if (event->subject == subject) {
            hf_list_remove(&event->node);
            free(event);
        }
    }
}

static void
note(struct sim *sim, const char *what, const struct hf_fleet_function *function, uint64_t number)
{
    hf_text_printf(&sim->log, "%" PRIu64 " %s %s %" PRIu64 "\n", sim->now, what, function->spec->id,
                   number);
}

static struct sim_function *
function_of(struct hf_fleet_function *active)
{
    return hf_container_of(active, struct sim_active, scaled.base)->function;
}

static struct sim_instance *
instance_of(struct hf_fleet_instance *instance)
{
    return hf_container_of(instance, struct sim_instance, fleet);
}

static struct sim_endpoint *
endpoint_of(struct hf_pool_endpoint *endpoint)
{
    return hf_container_of(endpoint, struct sim_endpoint, base);
}

/* --- calls and pools ----------------------------------------------------------------------- */

static void
end_call(struct call *call)
{
    hf_list_remove(&call->node);
    unschedule(call->function->sim, call);
    free(call);
}

static void
refused(struct call *call, enum hf_failure refusal)
{
    struct sim_function *function = call->function;

    function->refused++;
    function->last_refusal = refusal;
    snprintf(function->reason, sizeof function->reason, "%s", hf_pool_reason(function->pool));
    end_call(call);
}

/* Acts on what a pool said; true if the autoscaler shall look at the function. */
static bool
handle_out(struct sim_function *function, struct hf_pool_out *out)
{
    struct sim *sim = function->sim;
    struct hf_list *link;

    while ((link = hf_list_pop(&out->woken))) {
        struct call *call =
            hf_container_of(hf_container_of(link, struct hf_waiter, node), struct call, waiter);

        if (hf_pool_accept(function->pool, &call->waiter) == HF_WAITER_TAKEN) {
            schedule(sim, call->duration, EVENT_CALL_ENDS, call);
        } else {
            refused(call, call->waiter.refusal);
        }
    }
    if (out->drained) {
        struct hf_fleet_instance *instance = endpoint_of(out->drained)->instance;

        sim->admitted--;
        hf_pool_endpoint_unref(out->drained);
        if (!instance) {
            hf_autoscaler_demand(sim->autoscaler, function->active, sim->now);
            return out->notify;
        }
        instance_of(instance)->endpoint = NULL;
        if (instance->state != HF_INSTANCE_GONE) {
            schedule(sim, HF_USEC, EVENT_DRAINED, instance); /* told by another thread */
        }
    }
    return out->notify;
}

/* The calls at an endpoint lose their connection. */
static void
cut_calls(struct sim_function *function, const struct hf_pool_endpoint *endpoint)
{
    struct call *call;
    struct call *next;

    HF_LIST_FOR_SAFE (call, next, &function->sim->calls, node) {
        struct hf_pool_out out;

        if (call->waiter.state == HF_WAITER_TAKEN && call->waiter.endpoint == endpoint) {
            hf_pool_out_init(&out);
            hf_pool_release(function->pool, &call->waiter, HF_OUTCOME_FAILED, function->sim->now,
                            &out);
            function->cut++;
            end_call(call);
            handle_out(function, &out);
        }
    }
}

static void
expel(struct sim_function *function, struct hf_fleet_instance *instance)
{
    struct hf_pool_endpoint *endpoint = instance_of(instance)->endpoint;
    struct hf_pool_out out;

    if (!endpoint) {
        return;
    }
    hf_pool_endpoint_ref(endpoint);
    hf_pool_out_init(&out);
    hf_pool_drain(function->pool, endpoint, &out);
    handle_out(function, &out);
    if (function->sim->calls_survive) {
        endpoint_of(endpoint)->instance = NULL;
    } else {
        cut_calls(function, endpoint);
    }
    hf_pool_endpoint_unref(endpoint);
}

static void
warm(struct sim_function *function)
{
    struct sim *sim = function->sim;
    int r = hf_pool_new(&sim->pool_settings, &function->spec, 1, &function->pool, NULL);

    hf_assert(r == 0);
    r = hf_autoscaler_activate(sim->autoscaler, &function->spec, &function->active);
    hf_assert(r == 0);
    hf_container_of(function->active, struct sim_active, scaled.base)->function = function;
}

/* --- actions ------------------------------------------------------------------------------- */

static void
note_load(struct hf_pool_endpoint *endpoint)
{
    struct hf_fleet_instance *instance = endpoint_of(endpoint)->instance;

    if (instance) {
        hf_fleet_note_load(instance, endpoint->in_flight, endpoint->uses, endpoint->idle_since_ns);
    }
}

static void
admit(struct sim_function *function, struct hf_fleet_instance *instance)
{
    struct hf_pool_endpoint_spec spec = {
        .id = "i",
        .address = "x:1",
        .capacity = function->spec.max_concurrency,
    };
    struct sim *sim = function->sim;
    struct hf_pool_endpoint *endpoint;
    struct hf_pool_out out;

    hf_pool_out_init(&out);
    hf_assert(hf_pool_add(function->pool, &spec, sim->now, &out, &endpoint) == 0);
    endpoint_of(endpoint)->instance = instance;
    instance_of(instance)->endpoint = endpoint;
    sim->admitted++;
    sim->admitted_most = hf_max(sim->admitted_most, sim->admitted);
    hf_pool_changed(function->pool, note_load);
    handle_out(function, &out);
}

typedef void drain_fn(struct hf_pool *, struct hf_pool_endpoint *, struct hf_pool_out *);

static void
drain(struct sim_function *function, struct hf_fleet_instance *instance, drain_fn *how)
{
    struct hf_pool_out out;

    if (!instance_of(instance)->endpoint) { /* it has left already, and the answer is on its way */
        return;
    }
    hf_pool_out_init(&out);
    how(function->pool, instance_of(instance)->endpoint, &out);
    handle_out(function, &out);
}

static void
shrink(struct sim_function *function, uint32_t count, uint64_t before_ns)
{
    struct hf_pool_out out;

    for (uint32_t i = 0; i < count; i++) {
        hf_pool_out_init(&out);
        if (!hf_pool_drain_idle(function->pool, before_ns, &out)) {
            return;
        }
        handle_out(function, &out);
    }
}

static void
cool(struct sim_function *function)
{
    if (hf_pool_is_cold(function->pool)) {
        hf_pool_free(function->pool);
        function->pool = NULL;
        hf_autoscaler_forget(function->sim->autoscaler, function->active);
        function->active = NULL;
        function->colds++;
    } else {
        hf_autoscaler_demand(function->sim->autoscaler, function->active, function->sim->now);
    }
}

static void
perform_on_instance(struct sim *sim, const struct hf_scale_action *action)
{
    static const char *const names[] = { "", "start", "admit", "drain", "leave", "stop", "drop" };
    struct hf_fleet_instance *instance = action->instance;
    struct sim_function *function = function_of(action->function);

    note(sim, names[action->kind], action->function, instance->number);
    switch (action->kind) {
    case HF_SCALE_START:
        sim->starts++;
        sim->instances++;
        schedule(sim, sim->start_ns, EVENT_STARTED, instance);
        break;
    case HF_SCALE_ADMIT:
        admit(function, instance);
        break;
    case HF_SCALE_DRAIN:
        drain(function, instance, hf_pool_drain);
        break;
    case HF_SCALE_LEAVE:
        drain(function, instance, hf_pool_leave);
        break;
    case HF_SCALE_STOP:
        sim->stops++;
        expel(function, instance);
        schedule(sim, sim->stop_ns, EVENT_STOPPED, instance);
        break;
    case HF_SCALE_DROP:
        sim->instances--;
        expel(function, instance);
        unschedule(sim, instance);
        hf_fleet_instance_free(instance);
        break;
    default:
        hf_unreachable();
    }
}

static void
perform_on_function(struct sim *sim, const struct hf_scale_action *action)
{
    struct sim_function *function = function_of(action->function);
    struct hf_pool_out out;

    hf_pool_out_init(&out);
    switch (action->kind) {
    case HF_SCALE_REFUSE:
        note(sim, "refuse", action->function, action->refusal);
        hf_pool_refuse(function->pool, action->refusal, action->reason, &out);
        handle_out(function, &out);
        break;
    case HF_SCALE_SHRINK:
        note(sim, "shrink", action->function, action->count);
        shrink(function, action->count, action->before_ns);
        break;
    case HF_SCALE_LIMIT:
        note(sim, "limit", action->function, action->limit);
        hf_pool_set_at_limit(function->pool, action->limit == HF_LIMIT_REACHED);
        hf_pool_set_refusing(function->pool, action->limit == HF_LIMIT_NO_START
                                                 ? HF_FAILURE_START_FAILED
                                                 : HF_FAILURE_NONE);
        break;
    case HF_SCALE_COLD:
        note(sim, "cold", action->function, 0);
        cool(function);
        break;
    default:
        hf_unreachable();
    }
}

static void
perform_all(struct sim *sim)
{
    struct hf_scale_action action;

    while (hf_autoscaler_next(sim->autoscaler, &action)) {
        if (action.instance) {
            perform_on_instance(sim, &action);
        } else {
            perform_on_function(sim, &action);
        }
    }
}

static void
instance_started(struct sim *sim, struct hf_fleet_instance *instance)
{
    struct sim_function *function = function_of(instance->function);
    struct sim_worker *worker = hf_container_of(instance->worker, struct sim_worker, fleet);

    if (worker->full) {
        hf_autoscaler_start_refused(sim->autoscaler, instance, "it is full", sim->now);
    } else if (function->broken || worker->broken) {
        hf_autoscaler_gone(sim->autoscaler, instance, "exec format error", sim->now);
    } else {
        hf_autoscaler_started(sim->autoscaler, instance, sim->now);
    }
}

static void
call_ends(struct sim *sim, struct call *call)
{
    struct sim_function *function = call->function;
    struct hf_pool_out out;

    hf_pool_out_init(&out);
    hf_pool_release(function->pool, &call->waiter, HF_OUTCOME_OK, sim->now, &out);
    function->done++;
    end_call(call);
    handle_out(function, &out);
}

static void
happen(struct sim *sim, struct sim_event *event)
{
    enum event_kind kind = event->kind;
    void *subject = event->subject;

    hf_list_remove(&event->node);
    free(event);
    switch (kind) {
    case EVENT_STARTED:
        instance_started(sim, subject);
        break;
    case EVENT_DRAINED:
        hf_autoscaler_drained(sim->autoscaler, subject, sim->now);
        break;
    case EVENT_STOPPED:
        hf_autoscaler_gone(sim->autoscaler, subject, "", sim->now);
        break;
    case EVENT_CALL_ENDS:
        call_ends(sim, subject);
        break;
    }
    perform_all(sim);
}

/* --- what tests do ------------------------------------------------------------------------- */

static void
take_load(void *arg, struct hf_fleet_function *function, struct hf_pool_load *ret)
{
    struct hf_pool *pool = function_of(function)->pool;

    (void)arg;
    function_of(function)->sim->looks++;
    hf_pool_load(pool, ret);
    hf_pool_changed(pool, note_load);
}

struct hf_autoscale_settings
sim_settings(void)
{
    return (struct hf_autoscale_settings){
        .fleet = { .max_instances_per_worker = 4,
                   .max_starting_per_worker = 100,
                   .backoff_min_ns = 100 * HF_MSEC,
                   .backoff_max_ns = 10 * HF_SEC },
        .start_attempts = 3,
        .room_wait_ns = 5 * HF_SEC,
        .drain_limit_ns = 30 * HF_SEC,
        .min_uptime_ns = HF_SEC,
        .functions_a_tick = 16,
    };
}

void
sim_init(struct sim *sim, const struct hf_autoscale_settings *settings, uint64_t seed)
{
    struct hf_autoscale_config config = {
        .settings = *settings,
        .function_size = sizeof(struct sim_active),
        .scheduler_ops = &sim_scheduler_ops,
        .scaler_ops = &sim_scaler_ops,
        .seed = seed,
        .load = take_load,
    };

    config.settings.fleet.instance_size = sizeof(struct sim_instance);
    *sim = (struct sim){ .now = 1000 * HF_SEC, .start_ns = 200 * HF_MSEC, .stop_ns = HF_MSEC };
    sim_scaler = (struct sim_scaler){ .keep_ns = UINT64_MAX };
    sim_scheduler = (struct sim_scheduler){ 0 };
    audit_mode = AUDIT_RANDOM;
    audit_violations = 0;
    sim->pool_settings = (struct hf_pool_settings){ .lb = &audit_lb_ops,
                                                    .max_waiting = 10000,
                                                    .eject_after = 3,
                                                    .endpoint_size = sizeof(struct sim_endpoint) };
    for (int i = 0; i < SIM_WORKERS; i++) {
        hf_fleet_worker_init(&sim->workers[i].fleet);
    }
    sim->autoscaler = hf_autoscaler_new(&config);
    hf_assert(sim->autoscaler);
    hf_random_init(&sim->random, seed);
    hf_list_init(&sim->events);
    hf_list_init(&sim->calls);
    hf_text_init(&sim->log);
}

void
sim_fini(struct sim *sim)
{
    struct hf_list *link;

    for (int i = 0; i < SIM_FUNCTIONS; i++) {
        if (sim->functions[i].pool && !sim->functions[i].deleted) {
            sim_delete(&sim->functions[i]);
        }
    }
    sim_run(sim, 1000 * HF_SEC);
    for (int i = 0; i < SIM_FUNCTIONS; i++) {
        hf_assert(!sim->functions[i].pool && !sim->functions[i].active);
    }
    hf_assert(hf_list_is_empty(&sim->calls) && sim->instances == 0 && sim->admitted == 0);
    while ((link = hf_list_pop(&sim->events))) {
        free(hf_container_of(link, struct sim_event, node));
    }
    hf_autoscaler_free(sim->autoscaler);
    for (int i = 0; i < SIM_WORKERS; i++) {
        hf_fleet_worker_fini(&sim->workers[i].fleet);
    }
    hf_text_fini(&sim->log);
}

struct sim_function *
sim_function(struct sim *sim, int i, uint32_t concurrency, uint64_t idle_ns)
{
    struct sim_function *function = &sim->functions[i];

    function->sim = sim;
    snprintf(function->id, sizeof function->id, "f%d", i);
    function->spec = (struct hf_function){
        .size = sizeof function->spec,
        .max_concurrency = concurrency,
        .id = function->id,
        .image = "image:latest",
        .idle_timeout_ns = idle_ns,
    };
    return function;
}

static struct hf_worker_info
worker_info(struct sim_worker *worker, int i, uint64_t memory)
{
    snprintf(worker->id, sizeof worker->id, "w%02d", i);
    return (struct hf_worker_info){ .id = worker->id, .memory_bytes = memory };
}

void
sim_worker_up(struct sim *sim, int i, uint64_t memory)
{
    struct sim_worker *worker = &sim->workers[i];
    struct hf_worker_info info = worker_info(worker, i, memory);

    hf_assert(hf_autoscaler_worker_set(sim->autoscaler, &worker->fleet, &info, sim->now) == 0);
    perform_all(sim);
}

void
sim_worker_down(struct sim *sim, int i)
{
    hf_autoscaler_worker_down(sim->autoscaler, &sim->workers[i].fleet, sim->now);
    perform_all(sim);
}

void
sim_worker_draining(struct sim *sim, int i, bool draining)
{
    struct sim_worker *worker = &sim->workers[i];
    struct hf_worker_info info = worker_info(worker, i, worker->fleet.base.memory_bytes);

    info.draining = draining;
    hf_autoscaler_worker_set(sim->autoscaler, &worker->fleet, &info, sim->now);
    perform_all(sim);
}

void
sim_call(struct sim_function *function, uint32_t count, uint64_t duration_ns)
{
    struct sim *sim = function->sim;

    for (uint32_t i = 0; i < count; i++) {
        struct call *call = calloc(1, sizeof *call);
        enum hf_waiter_state state;
        struct hf_pool_out out;

        hf_assert(call);
        if (!function->pool) {
            warm(function);
        }
        hf_waiter_init(&call->waiter);
        call->function = function;
        call->duration = duration_ns;
        hf_list_append(&sim->calls, &call->node);
        hf_pool_out_init(&out);
        state = hf_pool_take(function->pool, &call->waiter, sim->now, &out);
        if (state == HF_WAITER_TAKEN) {
            schedule(sim, duration_ns, EVENT_CALL_ENDS, call);
        } else if (state == HF_WAITER_REFUSED) {
            refused(call, call->waiter.refusal);
        }
        if (out.notify) {
            sim->demands++;
            hf_autoscaler_demand(sim->autoscaler, function->active, sim->now);
            perform_all(sim);
        }
    }
}

void
sim_update(struct sim_function *function, uint32_t concurrency, bool outdated)
{
    struct sim *sim = function->sim;
    struct hf_pool_out out;

    function->spec.max_concurrency = concurrency;
    hf_pool_out_init(&out);
    hf_pool_set_capacity(function->pool, concurrency, sim->now, &out);
    handle_out(function, &out);
    hf_autoscaler_update(sim->autoscaler, function->active, &function->spec, outdated, sim->now);
    perform_all(sim);
}

void
sim_delete(struct sim_function *function)
{
    struct sim *sim = function->sim;
    struct hf_pool_out out;

    function->deleted = true;
    hf_pool_out_init(&out);
    hf_pool_close(function->pool, HF_FAILURE_DELETED, "deleted", &out);
    handle_out(function, &out);
    hf_autoscaler_delete(sim->autoscaler, function->active, sim->now);
    perform_all(sim);
}

void
sim_crash(struct sim_function *function)
{
    struct sim *sim = function->sim;
    struct hf_fleet_instance *instance = hf_list_first(
        &function->active->instances[HF_INSTANCE_READY], struct hf_fleet_instance, of_function);

    hf_assert(instance);
    hf_autoscaler_gone(sim->autoscaler, instance, "signal 11", sim->now);
    perform_all(sim);
}

void
sim_unreachable(struct sim_function *function, bool served)
{
    struct sim *sim = function->sim;
    struct hf_fleet_instance *instance = hf_list_first(
        &function->active->instances[HF_INSTANCE_READY], struct hf_fleet_instance, of_function);

    hf_assert(instance);
    hf_autoscaler_unreachable(sim->autoscaler, instance, served, "nobody listens", sim->now);
    perform_all(sim);
}

void
sim_run(struct sim *sim, uint64_t ns)
{
    uint64_t until = sim->now + ns;

    for (;;) {
        struct sim_event *event = hf_list_first(&sim->events, struct sim_event, node);
        uint64_t deadline = hf_autoscaler_deadline(sim->autoscaler);
        uint64_t next = hf_min(event ? event->at : UINT64_MAX, deadline);

        if (next > until) {
            break;
        }
        sim->now = hf_max(sim->now, next);
        if (event && event->at <= deadline) {
            happen(sim, event);
        } else {
            hf_autoscaler_tick(sim->autoscaler, sim->now);
            perform_all(sim);
        }
    }
    sim->now = until;
}
