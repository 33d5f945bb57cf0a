/*
 * autoscale.c - events in, actions out.
 *
 * What others see of the autoscaler.  An event moves instances on (instance.c) and then has
 * the function looked at (decide.c), at once or, where many functions are concerned, by the
 * next tick.  Actions wait in the instances and functions they are about, so giving them out
 * needs no memory.
 */
#include "engine/autoscale.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/guest.h"
#include "base/hash.h"
#include "base/text.h"
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
    if (!as->fleet || hf_reasons_init(&as->reasons, config->scaler_ops->reasons,
                                      config->scaler_ops->reason_count) < 0) {
        hf_fleet_free(as->fleet);
        return NULL;
    }
    hf_random_init(&as->random, config->seed);
    hf_list_init(&as->active);
    hf_list_init(&as->blocked);
    hf_list_init(&as->acting);
    return hf_steal(as);
}

/* Loses all instances of a function without any action. */
static void
forget_instances(struct hf_autoscaler *as, struct hf_scaled *f)
{
    struct hf_fleet_instance *instance;
    struct hf_scale_action action;

    for (size_t state = 0; state < HF_INSTANCE_GONE; state++) {
        while ((instance = hf_list_first(&f->base.instances[state], struct hf_fleet_instance,
                                         of_function))) {
            hf_fleet_lose(as->fleet, instance, false, instance->since_ns);
        }
    }
    while (hf_fleet_next(as->fleet, &action)) {
        if (action.kind == HF_SCALE_DROP) {
            hf_fleet_instance_free(action.instance);
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
    hf_fleet_free(as->fleet);
    hf_reasons_fini(&as->reasons);
    free(as);
}

/* --- actions ------------------------------------------------------------------------------- */

/* Gives out one pending action of the function; false: it has none left. */
static bool
give_out_function(struct hf_scaled *f, struct hf_scale_action *ret)
{
    *ret = (struct hf_scale_action){ .function = &f->base };
    if (f->refuse) {
        ret->kind = HF_SCALE_REFUSE;
        ret->refusal = f->refuse;
        ret->reason = f->refuse_reason;
        f->refuse = HF_FAILURE_NONE;
    } else if (f->shrink > 0) {
        ret->kind = HF_SCALE_SHRINK;
        ret->count = f->shrink;
        ret->before_ns = f->shrink_before_ns;
        f->shrink = 0;
    } else if (f->limit != f->known_limit) {
        ret->kind = HF_SCALE_LIMIT;
        ret->limit = f->known_limit = f->limit;
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
    struct hf_scaled *f;

    /* Instances first: a function may be COLD only when the last one was dropped. */
    if (hf_fleet_next(as->fleet, ret)) {
        return true;
    }
    while ((f = hf_list_first(&as->acting, struct hf_scaled, to_act))) {
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
    return as->deadlines.root ? as->deadlines.root->key : HF_NEVER;
}

void
hf_autoscaler_tick(struct hf_autoscaler *as, uint64_t now_ns)
{
    for (uint32_t i = 0; i < as->config.settings.functions_a_tick; i++) {
        struct hf_heap_node *first = as->deadlines.root;

        if (!first || first->key > now_ns) {
            return;
        }
        hf_scaled_attend(as, hf_container_of(first, struct hf_scaled, deadline), now_ns);
    }
}

/* Leaves a function to the next tick, which does a bounded number of them. */
static void
attend_soon(struct hf_autoscaler *as, struct hf_fleet_function *function, uint64_t now_ns)
{
    hf_scaled_look_at(as, hf_scaled_of(function), now_ns);
}

/* --- functions ----------------------------------------------------------------------------- */

/* So that what follows is aligned for anything. */
static size_t
aligned(size_t size)
{
    const size_t align = _Alignof(max_align_t);

    return (size + align - 1) & ~(align - 1);
}

int
hf_autoscaler_activate(struct hf_autoscaler *as, const struct hf_function *spec,
                       struct hf_fleet_function **ret)
{
    const struct hf_autoscale_config *config = &as->config;
    size_t scheduler_at = aligned(hf_max(config->function_size, sizeof(struct hf_scaled)));
    size_t scaler_at = scheduler_at + aligned(config->scheduler_ops->function_state_size);
    char *block = calloc(1, scaler_at + config->scaler_ops->function_state_size);
    struct hf_scaled *f = (struct hf_scaled *)(void *)block;

    if (!f) {
        return HF_ENOMEM;
    }
    hf_fleet_function_init(&f->base, spec, block + scheduler_at);
    f->deadline.order = as->activations++;
    f->scaler_state = block + scaler_at;
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
        hf_fleet_drain(as->fleet, instance, now_ns);
    }
    hf_scaled_attend(as, f, now_ns);
}

void
hf_autoscaler_forget(struct hf_autoscaler *as, struct hf_fleet_function *function)
{
    struct hf_scaled *f = hf_scaled_of(function);

    hf_heap_remove(&as->deadlines, &f->deadline);
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
        if (f->limit == HF_LIMIT_NO_START) {
            attend_soon(as, &f->base, now_ns);
        }
    }
}

/* --- workers ------------------------------------------------------------------------------- */

/* Its worker drains. */
static void
leave(struct hf_autoscaler *as, struct hf_fleet_instance *instance, uint64_t now_ns)
{
    if (instance->state == HF_INSTANCE_STARTING) {
        hf_fleet_outdate(instance);
    } else if (instance->action == HF_SCALE_ADMIT) {
        hf_fleet_drain(as->fleet, instance, now_ns);
    } else if (instance->state == HF_INSTANCE_READY && !instance->leaving) {
        hf_fleet_leave(as->fleet, instance);
    } else {
        return;
    }
    attend_soon(as, instance->function, now_ns);
}

int
hf_autoscaler_worker_set(struct hf_autoscaler *as, struct hf_fleet_worker *worker,
                         const struct hf_worker_info *info, uint64_t now_ns)
{
    bool is_new = !hf_fleet_worker_is_there(worker);
    int r = is_new ? hf_fleet_add_worker(as->fleet, worker, info, now_ns) : 0;
    struct hf_fleet_instance *instance;

    if (r < 0) {
        return r;
    }
    if (is_new) {
        try_refusing(as, now_ns);
    } else {
        hf_fleet_change_worker(as->fleet, worker, info, now_ns);
    }
    if (info->draining) {
        HF_LIST_FOR (instance, &worker->instances, of_worker) {
            leave(as, instance, now_ns);
        }
    } else {
        hf_scaled_retry_blocked(as, now_ns);
    }
    return 0;
}

void
hf_autoscaler_worker_down(struct hf_autoscaler *as, struct hf_fleet_worker *worker, uint64_t now_ns)
{
    struct hf_fleet_instance *instance;

    while ((instance = hf_list_first(&worker->instances, struct hf_fleet_instance, of_worker))) {
        hf_fleet_lose(as->fleet, instance, false, now_ns);
        attend_soon(as, instance->function, now_ns);
    }
    hf_fleet_remove_worker(as->fleet, worker);
}

/* --- instances ----------------------------------------------------------------------------- */

/* An instance was admitted.  How long it may stay idle is asked when the pool knows it, unless a
 * call waits that will keep it busy. */
static void
attend_admitted(struct hf_autoscaler *as, struct hf_scaled *f, uint64_t now_ns)
{
    hf_scaled_attend(as, f, now_ns);
    if (as->config.scaler_ops->on_idle && f->waiting == 0) {
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

void
hf_autoscaler_started(struct hf_autoscaler *as, struct hf_fleet_instance *instance, uint64_t now_ns)
{
    struct hf_scaled *f = hf_scaled_of(instance->function);

    if (instance->state != HF_INSTANCE_STARTING) {
        return;
    }
    hf_fleet_ready(as->fleet, instance, now_ns);
    f->refused = false;
    if (instance->obsolete || f->deleted) {
        hf_fleet_stop(as->fleet, instance, now_ns);
    } else {
        f->ready_ns = now_ns;
        hf_fleet_admit(as->fleet, instance);
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
    hf_fleet_lose(as->fleet, instance, true, now_ns); /* so that the others are tried first */
    settle(as, f, now_ns);
}

void
hf_autoscaler_drained(struct hf_autoscaler *as, struct hf_fleet_instance *instance, uint64_t now_ns)
{
    if (instance->state == HF_INSTANCE_READY || instance->state == HF_INSTANCE_DRAINING) {
        hf_fleet_stop(as->fleet, instance, now_ns);
        hf_scaled_attend(as, hf_scaled_of(instance->function), now_ns);
    }
}

void
hf_autoscaler_gone(struct hf_autoscaler *as, struct hf_fleet_instance *instance, const char *reason,
                   uint64_t now_ns)
{
    bool young = hf_sub_saturated(now_ns, instance->since_ns) < as->config.settings.min_uptime_ns;
    bool blame =
        instance->state == HF_INSTANCE_STARTING || (instance->state == HF_INSTANCE_READY && young);
    struct hf_scaled *f;

    if (instance->state == HF_INSTANCE_GONE) {
        return;
    }
    f = hf_scaled_of(instance->function);
    if (blame && !instance->obsolete) {
        note_failure(f, reason, now_ns);
    }
    hf_fleet_lose(as->fleet, instance, blame, now_ns);
    settle(as, f, now_ns);
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
    hf_fleet_drain(as->fleet, instance, now_ns);
    hf_scaled_attend(as, f, now_ns);
}

void
hf_autoscaler_retire(struct hf_autoscaler *as, struct hf_fleet_instance *instance, uint64_t now_ns)
{
    if (instance->state == HF_INSTANCE_STARTING) {
        hf_fleet_outdate(instance);
    } else if (instance->state == HF_INSTANCE_READY) {
        hf_fleet_drain(as->fleet, instance, now_ns);
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
    attend_admitted(as, f, now_ns);
    return 0;
}

/* --- reading ------------------------------------------------------------------------------- */

void
hf_autoscaler_show(struct hf_autoscaler *as, struct hf_fleet_function *function, uint64_t now_ns,
                   struct hf_text *out)
{
    const struct hf_guest policy = { .owner = as->config.scaler_ops };
    struct hf_pool_load load = { 0 };
    struct hf_scale_view view;

    hf_fleet_show(as->fleet, out);
    hf_text_printf(out, "scaler=%s invalid=%llu\n", hf_guest_name(&policy),
                   (unsigned long long)as->invalid_victims);
    hf_reasons_show(&as->reasons, out);
    if (!as->config.scaler_ops->show) {
        return;
    }
    if (function) {
        as->config.load(as->config.arg, function, &load);
        view = hf_scaled_view(as, hf_scaled_of(function), &load, now_ns);
    }
    hf_guest_do(as->config.scaler_ops, show, function ? function->spec->id : NULL,
                as->config.scaler, function ? &view : NULL, out);
}
