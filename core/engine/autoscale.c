/*
 * autoscale.c - events in, actions out.
 *
 * The half of the autoscaler that others see.  Events keep the books of the
 * fleet and then have the function looked at (decide.c), at once or, where many
 * functions are concerned, by the next tick.  Actions wait in the instances and
 * functions they are about, so giving them out needs no memory.
 */
#include "engine/autoscale.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/guest.h"
#include "base/hash.h"
#include "engine/autoscale_private.h"

/* --- construction -------------------------------------------------------------------------- */

struct hf_autoscaler *
hf_autoscaler_new(const struct hf_autoscale_config *config)
{
    hf_autofree struct hf_autoscaler *as = calloc(1, sizeof *as);

    if (!as) {
        return NULL;
    }
    as->config = *config;
    as->fleet = hf_fleet_new(&config->settings.fleet, config->scheduler_ops, config->scheduler,
                             hf_hash_mix(config->seed + 1));
    if (!as->fleet) {
        return NULL;
    }
    hf_random_init(&as->random, config->seed);
    hf_deadlines_init(&as->deadlines);
    hf_list_init(&as->active);
    hf_list_init(&as->blocked);
    hf_list_init(&as->acting_instances);
    hf_list_init(&as->acting_functions);
    return hf_steal(as);
}

/* Frees all records of instances of a function, as if they had gone. */
static void
forget_instances(struct hf_autoscaler *as, struct hf_scaled *f)
{
    struct hf_fleet_instance *instance;
    struct hf_fleet_instance *next;

    for (size_t state = 0; state < HF_INSTANCE_STATE_COUNT; state++) {
        HF_LIST_FOR_SAFE (instance, next, &f->base.instances[state], of_function) {
            if (state != HF_INSTANCE_GONE) {
                hf_fleet_set_state(as->fleet, instance, HF_INSTANCE_GONE, instance->since_ns);
            }
            hf_list_remove(&instance->to_act);
            hf_fleet_instance_free(instance);
        }
    }
}

void
hf_autoscaler_free(struct hf_autoscaler *as)
{
    struct hf_scaled *f;
    struct hf_scaled *next;

    if (!as) {
        return;
    }
    HF_LIST_FOR_SAFE (f, next, &as->active, active) {
        forget_instances(as, f);
        hf_autoscaler_forget(as, &f->base);
    }
    hf_deadlines_fini(&as->deadlines);
    hf_fleet_free(as->fleet);
    free(as);
}

/* --- actions ------------------------------------------------------------------------------- */

void
hf_scaled_act_on_instance(struct hf_autoscaler *as, struct hf_fleet_instance *instance,
                          enum hf_scale_kind kind)
{
    instance->action = (uint8_t)kind;
    if (hf_list_is_empty(&instance->to_act)) {
        hf_list_append(&as->acting_instances, &instance->to_act);
    }
}

void
hf_scaled_act(struct hf_autoscaler *as, struct hf_scaled *f)
{
    if (hf_list_is_empty(&f->to_act)) {
        hf_list_append(&as->acting_functions, &f->to_act);
    }
}

static void
give_out_instance(struct hf_autoscaler *as, struct hf_fleet_instance *instance,
                  struct hf_scale_action *ret)
{
    hf_list_remove(&instance->to_act);
    *ret = (struct hf_scale_action){
        .kind = instance->action,
        .function = instance->function,
        .instance = instance,
    };
    instance->action = 0;
    if (ret->kind == HF_SCALE_DROP) {
        as->dropping = instance;
    }
}

/* Gives out one pending action of the function; false: it has none left. */
static bool
give_out_function(struct hf_scaled *f, struct hf_scale_action *ret)
{
    *ret = (struct hf_scale_action){ .function = &f->base };
    if (f->refuse) {
        ret->kind = HF_SCALE_REFUSE;
        ret->refusal = f->refuse;
        ret->reason = f->refuse_reason;
        f->refuse = HF_REFUSED_NOT;
    } else if (f->shrink > 0) {
        ret->kind = HF_SCALE_SHRINK;
        ret->count = f->shrink;
        ret->before_ns = f->shrink_before_ns;
        f->shrink = 0;
    } else if (f->at_limit != f->told_at_limit) {
        ret->kind = HF_SCALE_LIMIT;
        ret->at_limit = f->told_at_limit = f->at_limit;
    } else if (f->refusing != f->told_refusing) {
        ret->kind = HF_SCALE_REFUSING;
        ret->refusal = f->refusing ? HF_REFUSED_START_FAILED : HF_REFUSED_NOT;
        f->told_refusing = f->refusing;
    } else if (f->cold) {
        ret->kind = HF_SCALE_COLD;
        f->cold = false;
    } else {
        return false;
    }
    return true;
}

bool
hf_autoscaler_next(struct hf_autoscaler *as, struct hf_scale_action *ret)
{
    struct hf_fleet_instance *instance;
    struct hf_scaled *f;

    if (as->dropping) {
        hf_fleet_instance_free(as->dropping);
        as->dropping = NULL;
    }
    /* Instances first: a function may be COLD only when the last one was dropped. */
    instance = hf_list_first(&as->acting_instances, struct hf_fleet_instance, to_act);
    if (instance) {
        give_out_instance(as, instance, ret);
        return true;
    }
    while ((f = hf_list_first(&as->acting_functions, struct hf_scaled, to_act))) {
        if (give_out_function(f, ret)) {
            return true;
        }
        hf_list_remove(&f->to_act);
    }
    return false;
}

/* --- time ---------------------------------------------------------------------------------- */

uint64_t
hf_autoscaler_deadline(const struct hf_autoscaler *as)
{
    const struct hf_deadline *first = hf_deadlines_first(&as->deadlines);

    return first ? first->at_ns : HF_NEVER;
}

void
hf_autoscaler_tick(struct hf_autoscaler *as, uint64_t now_ns)
{
    for (uint32_t i = 0; i < as->config.settings.functions_a_tick; i++) {
        struct hf_deadline *first = hf_deadlines_first(&as->deadlines);

        if (!first || first->at_ns > now_ns) {
            return;
        }
        hf_scaled_attend(as, hf_container_of(first, struct hf_scaled, deadline), now_ns);
    }
}

/* Leaves a function to the next tick, which does a bounded number of them. */
static void
attend_soon(struct hf_autoscaler *as, struct hf_fleet_function *function, uint64_t now_ns)
{
    hf_deadlines_set(&as->deadlines, &hf_scaled_of(function)->deadline, now_ns);
}

/* --- functions ----------------------------------------------------------------------------- */

int
hf_autoscaler_activate(struct hf_autoscaler *as, const struct hf_function *spec, void *user,
                       struct hf_fleet_function **ret)
{
    const size_t align = _Alignof(max_align_t);
    size_t state_at = (sizeof(struct hf_scaled) + align - 1) & ~(align - 1);
    struct hf_scaled *f = calloc(1, state_at + as->config.scaler_ops->function_state_size);

    if (!f) {
        return HF_ENOMEM;
    }
    if (hf_deadlines_join(&as->deadlines, &f->deadline, as->activations) < 0) {
        free(f);
        return HF_ENOMEM;
    }
    if (hf_fleet_function_init(as->fleet, &f->base, spec) < 0) {
        hf_deadlines_leave(&as->deadlines, &f->deadline);
        free(f);
        return HF_ENOMEM;
    }
    as->activations++;
    f->base.user = user;
    f->scaler_state = (char *)f + state_at;
    f->next_tick_ns = HF_NEVER;
    f->no_room_ns = HF_NEVER;
    f->prewarm_ns = HF_NEVER;
    hf_list_init(&f->blocked);
    hf_list_init(&f->to_act);
    hf_list_append(&as->active, &f->active);
    *ret = &f->base;
    return 0;
}

void
hf_autoscaler_demand(struct hf_autoscaler *as, struct hf_fleet_function *function, uint64_t now_ns)
{
    hf_scaled_attend(as, hf_scaled_of(function), now_ns);
}

/* Forgets that starts failed: another definition may do better. */
static void
forgive(struct hf_scaled *f)
{
    hf_fleet_forgive(&f->base);
    f->failures = 0;
}

void
hf_autoscaler_update(struct hf_autoscaler *as, struct hf_fleet_function *function,
                     const struct hf_function *spec, bool outdated, uint64_t now_ns)
{
    struct hf_fleet_instance *instance;

    function->spec = spec;
    if (outdated) {
        forgive(hf_scaled_of(function));
        HF_LIST_FOR (instance, &function->instances[HF_INSTANCE_STARTING], of_function) {
            hf_fleet_outdate(instance);
        }
        HF_LIST_FOR (instance, &function->instances[HF_INSTANCE_READY], of_function) {
            hf_fleet_outdate(instance);
        }
    }
    hf_scaled_attend(as, hf_scaled_of(function), now_ns);
}

void
hf_autoscaler_delete(struct hf_autoscaler *as, struct hf_fleet_function *function, uint64_t now_ns)
{
    struct hf_list *ready = &function->instances[HF_INSTANCE_READY];
    struct hf_scaled *f = hf_scaled_of(function);
    struct hf_fleet_instance *instance;

    f->deleted = true;
    hf_list_remove(&f->blocked);
    while ((instance = hf_list_first(ready, struct hf_fleet_instance, of_function))) {
        hf_scaled_drain(as, instance, now_ns);
    }
    hf_scaled_attend(as, f, now_ns);
}

void
hf_autoscaler_forget(struct hf_autoscaler *as, struct hf_fleet_function *function)
{
    struct hf_scaled *f = hf_scaled_of(function);

    hf_deadlines_leave(&as->deadlines, &f->deadline);
    hf_list_remove(&f->active);
    hf_list_remove(&f->blocked);
    hf_list_remove(&f->to_act);
    hf_fleet_function_fini(&f->base);
    free(f->failure);
    free(f->no_room);
    free(f);
}

/* Another worker can be tried: functions whose starts failed look again, in their turn. */
static void
try_refusing(struct hf_autoscaler *as, uint64_t now_ns)
{
    struct hf_scaled *f;

    HF_LIST_FOR (f, &as->active, active) {
        if (f->refusing) {
            attend_soon(as, &f->base, now_ns);
        }
    }
}

/* --- workers ------------------------------------------------------------------------------- */

int
hf_autoscaler_worker_up(struct hf_autoscaler *as, const struct hf_worker_info *info,
                        uint64_t now_ns, struct hf_fleet_worker **ret)
{
    int r = hf_fleet_add_worker(as->fleet, info, now_ns, ret);

    if (r == 0) {
        hf_scaled_retry_blocked(as, now_ns);
        try_refusing(as, now_ns);
    }
    return r;
}

/* Its worker drains. */
static void
leave(struct hf_autoscaler *as, struct hf_fleet_instance *instance, uint64_t now_ns)
{
    if (instance->state == HF_INSTANCE_STARTING) {
        hf_fleet_outdate(instance);
    } else if (instance->action == HF_SCALE_ADMIT) {
        hf_scaled_drain(as, instance, now_ns);
    } else if (instance->state == HF_INSTANCE_READY && !instance->leaving) {
        hf_fleet_leave(instance);
        hf_scaled_act_on_instance(as, instance, HF_SCALE_LEAVE);
    } else {
        return;
    }
    attend_soon(as, instance->function, now_ns);
}

void
hf_autoscaler_worker_changed(struct hf_autoscaler *as, struct hf_fleet_worker *worker,
                             const struct hf_worker_info *info, uint64_t now_ns)
{
    struct hf_fleet_instance *instance;

    hf_fleet_change_worker(as->fleet, worker, info, now_ns);
    if (!info->draining) {
        hf_scaled_retry_blocked(as, now_ns);
        return;
    }
    HF_LIST_FOR (instance, &worker->instances, of_worker) {
        leave(as, instance, now_ns);
    }
}

void
hf_autoscaler_worker_down(struct hf_autoscaler *as, struct hf_fleet_worker *worker, uint64_t now_ns)
{
    struct hf_fleet_instance *instance;

    while ((instance = hf_list_first(&worker->instances, struct hf_fleet_instance, of_worker))) {
        hf_fleet_set_state(as->fleet, instance, HF_INSTANCE_GONE, now_ns);
        hf_scaled_act_on_instance(as, instance, HF_SCALE_DROP);
        attend_soon(as, instance->function, now_ns);
    }
    hf_fleet_remove_worker(as->fleet, worker);
}

/* --- instances ----------------------------------------------------------------------------- */

/* An instance was admitted: how long it may stay idle is asked when the pool knows it. */
static void
attend_admitted(struct hf_autoscaler *as, struct hf_scaled *f, uint64_t now_ns)
{
    hf_scaled_attend(as, f, now_ns);
    if (as->config.scaler_ops->on_idle) {
        attend_soon(as, &f->base, now_ns);
    }
}

/* A function changed and room may have become free. */
static void
settle(struct hf_autoscaler *as, struct hf_scaled *f, uint64_t now_ns)
{
    hf_scaled_attend(as, f, now_ns);
    hf_scaled_retry_blocked(as, now_ns);
}

static void
stop(struct hf_autoscaler *as, struct hf_fleet_instance *instance, uint64_t now_ns)
{
    hf_fleet_set_state(as->fleet, instance, HF_INSTANCE_STOPPING, now_ns);
    hf_scaled_act_on_instance(as, instance, HF_SCALE_STOP);
}

void
hf_autoscaler_started(struct hf_autoscaler *as, struct hf_fleet_instance *instance, uint64_t now_ns)
{
    struct hf_scaled *f = hf_scaled_of(instance->function);

    if (instance->state != HF_INSTANCE_STARTING) {
        return;
    }
    hf_fleet_started(as->fleet, instance, now_ns);
    f->refused = false;
    if (instance->obsolete || f->deleted) {
        stop(as, instance, now_ns);
    } else {
        f->ready_ns = now_ns;
        hf_scaled_act_on_instance(as, instance, HF_SCALE_ADMIT);
        hf_scaled_succeed(as, f, now_ns);
    }
    attend_admitted(as, f, now_ns);
    hf_scaled_retry_blocked(as, now_ns);
}

static void
note_failure(struct hf_scaled *f, const char *reason, uint64_t now_ns)
{
    f->failures++;
    f->failed_ns = now_ns;
    free(f->failure);
    f->failure = strdup(reason);
}

/* An instance has gone; `blame`: so that its worker had better not try again soon. */
static void
lose(struct hf_autoscaler *as, struct hf_fleet_instance *instance, bool blame, const char *reason,
     uint64_t now_ns)
{
    struct hf_scaled *f = hf_scaled_of(instance->function);

    if (blame && !instance->obsolete) {
        hf_fleet_failed(as->fleet, instance, now_ns);
        note_failure(f, reason, now_ns);
    } else {
        hf_fleet_set_state(as->fleet, instance, HF_INSTANCE_GONE, now_ns);
    }
    hf_scaled_act_on_instance(as, instance, HF_SCALE_DROP);
    settle(as, f, now_ns);
}

void
hf_autoscaler_start_refused(struct hf_autoscaler *as, struct hf_fleet_instance *instance,
                            const char *reason, uint64_t now_ns)
{
    struct hf_scaled *f = hf_scaled_of(instance->function);

    if (instance->state != HF_INSTANCE_STARTING) {
        return;
    }
    f->refused = true;
    free(f->no_room);
    f->no_room = strdup(reason);
    f->no_room_ns = hf_min(f->no_room_ns, now_ns);
    hf_fleet_failed(as->fleet, instance, now_ns); /* so that the others are tried first */
    hf_scaled_act_on_instance(as, instance, HF_SCALE_DROP);
    settle(as, f, now_ns);
}

void
hf_autoscaler_start_failed(struct hf_autoscaler *as, struct hf_fleet_instance *instance,
                           const char *reason, uint64_t now_ns)
{
    if (instance->state == HF_INSTANCE_STARTING) {
        lose(as, instance, true, reason, now_ns);
    }
}

void
hf_autoscaler_drained(struct hf_autoscaler *as, struct hf_fleet_instance *instance, uint64_t now_ns)
{
    if (instance->state == HF_INSTANCE_READY || instance->state == HF_INSTANCE_DRAINING) {
        stop(as, instance, now_ns);
        hf_scaled_attend(as, hf_scaled_of(instance->function), now_ns);
    }
}

void
hf_autoscaler_stopped(struct hf_autoscaler *as, struct hf_fleet_instance *instance, uint64_t now_ns)
{
    if (instance->state == HF_INSTANCE_STOPPING) {
        lose(as, instance, false, "", now_ns);
    }
}

void
hf_autoscaler_gone(struct hf_autoscaler *as, struct hf_fleet_instance *instance, const char *reason,
                   uint64_t now_ns)
{
    bool young = hf_sub_saturated(now_ns, instance->since_ns) < as->config.settings.min_uptime_ns;

    if (instance->state != HF_INSTANCE_GONE) {
        lose(as, instance,
             instance->state == HF_INSTANCE_STARTING ||
                 (instance->state == HF_INSTANCE_READY && young),
             reason, now_ns);
    }
}

void
hf_autoscaler_unreachable(struct hf_autoscaler *as, struct hf_fleet_instance *instance, bool served,
                          const char *reason, uint64_t now_ns)
{
    struct hf_scaled *f = hf_scaled_of(instance->function);

    if (instance->state != HF_INSTANCE_READY) {
        return;
    }
    if (!served && !instance->obsolete) {
        hf_fleet_blame(as->fleet, instance, now_ns);
        note_failure(f, reason, now_ns);
    }
    hf_fleet_outdate(instance);
    hf_scaled_drain(as, instance, now_ns);
    hf_scaled_attend(as, f, now_ns);
}

void
hf_autoscaler_retire(struct hf_autoscaler *as, struct hf_fleet_instance *instance, uint64_t now_ns)
{
    if (instance->state == HF_INSTANCE_STARTING) {
        hf_fleet_outdate(instance);
    } else if (instance->state == HF_INSTANCE_READY) {
        hf_scaled_drain(as, instance, now_ns);
    } else {
        return;
    }
    hf_scaled_attend(as, hf_scaled_of(instance->function), now_ns);
}

int
hf_autoscaler_adopt(struct hf_autoscaler *as, struct hf_fleet_function *function,
                    struct hf_fleet_worker *worker, uint64_t now_ns, struct hf_fleet_instance **ret)
{
    struct hf_scaled *f = hf_scaled_of(function);
    int r = hf_fleet_adopt(as->fleet, function, worker, now_ns, ret);

    if (r < 0) {
        return r;
    }
    f->ready_ns = now_ns;
    hf_scaled_act_on_instance(as, *ret, HF_SCALE_ADMIT);
    attend_admitted(as, f, now_ns);
    return 0;
}

void
hf_autoscaler_outdate(struct hf_autoscaler *as, struct hf_fleet_instance *instance, uint64_t now_ns)
{
    if (instance->state <= HF_INSTANCE_READY) {
        hf_fleet_outdate(instance);
        hf_scaled_attend(as, hf_scaled_of(instance->function), now_ns);
    }
}

/* --- reading ------------------------------------------------------------------------------- */

const struct hf_fleet *
hf_autoscaler_fleet(const struct hf_autoscaler *as)
{
    return as->fleet;
}

void
hf_autoscaler_show(struct hf_autoscaler *as, struct hf_fleet_function *function, uint64_t now_ns,
                   struct hf_text *text)
{
    struct hf_pool_load load = { 0 };
    struct hf_scale_view view;

    if (as->config.scaler_ops->show) {
        as->config.load(as->config.arg, function, &load);
        view = hf_scaled_view(as, hf_scaled_of(function), &load, now_ns);
        hf_guest_do(as->config.scaler_ops, show, NULL, as->config.scaler, &view, text);
    }
}
