/*
 * instance.c - the life of an instance: its states, what it holds of its worker, and what is
 * to be done about it.
 *
 * Actions wait in the instances they are about, so giving them out needs no memory; a later
 * decision replaces one that was not given out.
 */
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/guest.h"
#include "engine/fleet_private.h"

const char *
hf_instance_state_text(enum hf_instance_state state)
{
    static const char *const texts[] = {
#define STATE_TEXT(id, text) text,
        HF_INSTANCE_STATES(STATE_TEXT)
#undef STATE_TEXT
    };

    hf_assert((size_t)state < hf_countof(texts));
    return texts[state];
}

/* --- functions ----------------------------------------------------------------------------- */

void
hf_fleet_function_init(struct hf_fleet_function *function, const struct hf_function *spec,
                       void *scheduler_state)
{
    function->magic = HF_FLEET_FUNCTION_MAGIC;
    function->spec = spec;
    function->scheduler_state = scheduler_state;
    hf_list_init(&function->shares);
    for (size_t i = 0; i < HF_INSTANCE_STATE_COUNT; i++) {
        hf_list_init(&function->instances[i]);
        function->count[i] = function->obsolete[i] = 0;
    }
    function->leaving = 0;
}

void
hf_fleet_function_fini(struct hf_fleet_function *function)
{
    struct hf_share *share;

    hf_assert(hf_fleet_instances(function) == 0);
    while ((share = hf_list_first(&function->shares, struct hf_share, of_function))) {
        hf_share_free(share);
    }
    function->magic = 0;
}

uint32_t
hf_fleet_instances(const struct hf_fleet_function *function)
{
    uint32_t sum = 0;

    for (size_t i = 0; i < HF_INSTANCE_GONE; i++) {
        sum += function->count[i];
    }
    return sum;
}

/* --- actions ------------------------------------------------------------------------------- */

static void
act(struct hf_fleet *fleet, struct hf_fleet_instance *instance, enum hf_scale_kind kind)
{
    instance->action = (uint8_t)kind;
    if (hf_list_is_empty(&instance->to_act)) {
        hf_list_append(&fleet->acting, &instance->to_act);
    }
}

bool
hf_fleet_next(struct hf_fleet *fleet, struct hf_scale_action *ret)
{
    struct hf_fleet_instance *instance =
        hf_list_first(&fleet->acting, struct hf_fleet_instance, to_act);

    if (!instance) {
        return false;
    }
    hf_list_remove(&instance->to_act);
    *ret = (struct hf_scale_action){
        .kind = instance->action,
        .function = instance->function,
        .instance = instance,
    };
    instance->action = 0;
    if (ret->kind == HF_SCALE_DROP) {
        instance->function->count[HF_INSTANCE_GONE]--;
        instance->function->obsolete[HF_INSTANCE_GONE] -= instance->obsolete;
        hf_list_remove(&instance->of_function);
        instance->function = NULL;
    }
    return true;
}

void
hf_fleet_instance_free(struct hf_fleet_instance *instance)
{
    hf_assert(instance->state == HF_INSTANCE_GONE && !instance->function);
    instance->magic = 0;
    free(instance);
}

/* --- what it holds ------------------------------------------------------------------------- */

/* Puts it on its worker's list of idle ones or takes it off, as it is. */
static void
note_idle(struct hf_fleet_instance *instance)
{
    bool was = !hf_list_is_empty(&instance->idle);
    bool is = instance->state == HF_INSTANCE_READY && instance->share && instance->in_flight == 0;

    if (is && !was) {
        hf_list_append(&instance->worker->idle, &instance->idle);
        instance->share->idle++;
    } else if (was && !is) {
        hf_list_remove(&instance->idle);
        instance->share->idle--;
    }
}

void
hf_fleet_note_load(struct hf_fleet_instance *instance, uint32_t in_flight, uint64_t uses,
                   uint64_t idle_since_ns)
{
    if (instance->state != HF_INSTANCE_READY && instance->state != HF_INSTANCE_DRAINING) {
        return;
    }
    instance->worker->base.in_flight += in_flight - instance->in_flight;
    instance->in_flight = in_flight;
    instance->function->uses += uses - instance->uses;
    instance->uses = uses;
    instance->idle_since_ns = hf_max(instance->idle_since_ns, idle_since_ns);
    note_idle(instance);
}

/* It counts no more for the limit per worker. */
static void
leave_share(struct hf_fleet_instance *instance)
{
    struct hf_share *share = instance->share;

    if (!hf_list_is_empty(&instance->idle)) {
        hf_list_remove(&instance->idle);
        share->idle--;
    }
    instance->share = NULL;
    hf_assert(share->instances > 0);
    if (--share->instances == 0 && share->failures == 0) {
        hf_share_free(share);
    }
}

/* Notes on its worker that what it reserves will soon be free. */
static void
begin_leaving(struct hf_fleet_instance *instance)
{
    instance->worker->leaving++;
    instance->worker->leaving_memory += instance->memory_bytes;
    instance->worker->leaving_cpu += instance->cpu_millis;
}

static void
end_leaving(struct hf_fleet_instance *instance)
{
    instance->worker->leaving--;
    instance->worker->leaving_memory -= instance->memory_bytes;
    instance->worker->leaving_cpu -= instance->cpu_millis;
}

/* Takes it off its worker, with what it reserved. */
static void
leave_worker(struct hf_fleet *fleet, struct hf_fleet_instance *instance)
{
    struct hf_worker *base = &instance->worker->base;

    base->instances--;
    base->memory_used_bytes -= instance->memory_bytes;
    base->cpu_used_millis -= instance->cpu_millis;
    if (instance->share) {
        leave_share(instance);
    }
    hf_list_remove(&instance->of_worker);
    hf_handles_remove(&fleet->instances, instance->handle);
    instance->worker = NULL;
}

static void
enter_state(struct hf_fleet_instance *instance, enum hf_instance_state state, uint64_t now_ns)
{
    struct hf_fleet_function *function = instance->function;
    struct hf_worker *base = &instance->worker->base;
    bool was_leaving = instance->state > HF_INSTANCE_READY;
    bool is_leaving = state == HF_INSTANCE_DRAINING || state == HF_INSTANCE_STOPPING;

    hf_assert(state > instance->state);
    base->starting -= instance->state == HF_INSTANCE_STARTING;
    function->leaving -= instance->leaving && instance->state == HF_INSTANCE_READY;
    function->count[instance->state]--;
    function->count[state]++;
    if (instance->obsolete) {
        function->obsolete[instance->state]--;
        function->obsolete[state]++;
    }
    hf_list_remove(&instance->of_function);
    hf_list_append(&function->instances[state], &instance->of_function);
    instance->state = (uint8_t)state;
    instance->since_ns = now_ns;
    if (is_leaving && !was_leaving) {
        begin_leaving(instance);
    } else if (was_leaving && !is_leaving) {
        end_leaving(instance);
    }
    if (state > HF_INSTANCE_DRAINING) {
        function->uses -= instance->uses;
        instance->uses = 0;
        base->in_flight -= instance->in_flight;
        instance->in_flight = 0;
    }
    note_idle(instance);
}

/* --- starting ------------------------------------------------------------------------------ */

/* Books a new instance in `state` on the worker; NULL if memory is exhausted. */
static struct hf_fleet_instance *
instance_new(struct hf_fleet *fleet, struct hf_fleet_function *function,
             struct hf_fleet_worker *worker, enum hf_instance_state state, uint64_t now_ns)
{
    size_t size = hf_max(fleet->settings.instance_size, sizeof(struct hf_fleet_instance));
    hf_autofree struct hf_fleet_instance *instance = calloc(1, size);
    struct hf_share *share = NULL;

    if (instance && hf_handles_reserve(&fleet->instances) == 0) {
        share = hf_share_get(worker, function);
    }
    if (!share) {
        return NULL;
    }
    instance->magic = HF_FLEET_INSTANCE_MAGIC;
    instance->worker = worker;
    instance->function = function;
    instance->share = share;
    instance->handle = hf_handles_next(&fleet->instances);
    hf_handles_add(&fleet->instances, instance);
    instance->since_ns = instance->idle_since_ns = now_ns;
    instance->memory_bytes = function->spec->memory_bytes;
    instance->cpu_millis = hf_fleet_cpu_millis(function->spec);
    instance->number = ++fleet->started;
    instance->state = (uint8_t)state;
    hf_list_init(&instance->to_act);
    hf_list_init(&instance->idle);
    hf_list_append(&worker->instances, &instance->of_worker);
    hf_list_append(&function->instances[state], &instance->of_function);
    function->count[state]++;
    share->instances++;
    worker->base.starting += state == HF_INSTANCE_STARTING;
    worker->base.instances++;
    worker->base.memory_used_bytes += instance->memory_bytes;
    worker->base.cpu_used_millis += instance->cpu_millis;
    note_idle(instance);
    return hf_steal(instance);
}

static void
roll_back(struct hf_fleet *fleet, const struct hf_function *spec, struct hf_handle worker)
{
    if (fleet->ops->rollback) {
        hf_guest_do(fleet->ops, rollback, spec->id, fleet->scheduler, spec, worker);
    }
}

/* Starts an instance where the scheduler said.  HF_EFULL: its answer was of no use. */
static int
start_on(struct hf_fleet *fleet, struct hf_fleet_function *function, struct hf_handle handle,
         uint64_t now_ns)
{
    struct hf_fleet_worker *worker = hf_fleet_picked(fleet, function, now_ns, handle);
    struct hf_fleet_instance *instance;

    if (!worker) {
        return HF_EFULL;
    }
    instance = instance_new(fleet, function, worker, HF_INSTANCE_STARTING, now_ns);
    if (!instance) {
        roll_back(fleet, function->spec, handle);
        return HF_ENOMEM;
    }
    act(fleet, instance, HF_SCALE_START);
    return 0;
}

int
hf_fleet_start(struct hf_fleet *fleet, struct hf_fleet_function *function, uint32_t count,
               uint64_t now_ns, uint32_t *ret)
{
    struct hf_handle picked[HF_PICKS_MAX];
    int r = 0;

    *ret = 0;
    while (r == 0 && *ret < count) {
        uint32_t before = *ret;
        uint32_t n;

        if (fleet->usable_workers == 0) {
            return HF_ENOTFOUND;
        }
        n = hf_fleet_pick(fleet, function, now_ns, hf_min(count - *ret, HF_PICKS_MAX), picked);
        for (uint32_t i = 0; i < n && r != HF_ENOMEM; i++) {
            r = start_on(fleet, function, picked[i], now_ns);
            *ret += r == 0;
        }
        if (r != HF_ENOMEM) {
            r = *ret > before ? 0 : HF_EFULL;
        }
    }
    return r == HF_EFULL && hf_fleet_retry_ns(function, now_ns) != UINT64_MAX ? HF_EUNAVAILABLE : r;
}

int
hf_fleet_adopt(struct hf_fleet *fleet, struct hf_fleet_function *function,
               struct hf_fleet_worker *worker, uint64_t now_ns, struct hf_fleet_instance **ret)
{
    struct hf_fleet_instance *instance =
        instance_new(fleet, function, worker, HF_INSTANCE_READY, now_ns);

    if (!instance) {
        return HF_ENOMEM;
    }
    hf_fleet_set_image(worker, function->spec->image, true);
    act(fleet, instance, HF_SCALE_ADMIT);
    *ret = instance;
    return 0;
}

/* --- moving on ----------------------------------------------------------------------------- */

void
hf_fleet_ready(struct hf_fleet *fleet, struct hf_fleet_instance *instance, uint64_t now_ns)
{
    const struct hf_function *spec = instance->function->spec;

    hf_assert(instance->state == HF_INSTANCE_STARTING);
    instance->start_ns = hf_sub_saturated(now_ns, instance->since_ns);
    instance->idle_since_ns = now_ns;
    enter_state(instance, HF_INSTANCE_READY, now_ns);
    if (!instance->obsolete) {
        hf_fleet_set_image(instance->worker, spec->image, true);
    }
    if (fleet->ops->confirm) {
        hf_guest_do(fleet->ops, confirm, spec->id, fleet->scheduler, spec,
                    instance->worker->base.handle);
    }
}

void
hf_fleet_admit(struct hf_fleet *fleet, struct hf_fleet_instance *instance)
{
    act(fleet, instance, HF_SCALE_ADMIT);
}

void
hf_fleet_drain(struct hf_fleet *fleet, struct hf_fleet_instance *instance, uint64_t now_ns)
{
    if (instance->action == HF_SCALE_ADMIT) {
        hf_fleet_stop(fleet, instance, now_ns);
    } else {
        enter_state(instance, HF_INSTANCE_DRAINING, now_ns);
        act(fleet, instance, HF_SCALE_DRAIN);
    }
}

void
hf_fleet_stop(struct hf_fleet *fleet, struct hf_fleet_instance *instance, uint64_t now_ns)
{
    hf_assert(instance->state != HF_INSTANCE_STARTING);
    enter_state(instance, HF_INSTANCE_STOPPING, now_ns);
    act(fleet, instance, HF_SCALE_STOP);
}

void
hf_fleet_lose(struct hf_fleet *fleet, struct hf_fleet_instance *instance, bool blame,
              uint64_t now_ns)
{
    bool unstarted = instance->state == HF_INSTANCE_STARTING;
    struct hf_handle worker = instance->worker->base.handle;

    if (blame && instance->share) {
        hf_fleet_blame(fleet, instance, now_ns);
    }
    enter_state(instance, HF_INSTANCE_GONE, now_ns);
    leave_worker(fleet, instance);
    if (unstarted) {
        roll_back(fleet, instance->function->spec, worker);
    }
    act(fleet, instance, HF_SCALE_DROP);
}

/* Doubles the pause with every failure that came after the pause for the one before. */
void
hf_fleet_blame(struct hf_fleet *fleet, struct hf_fleet_instance *instance, uint64_t now_ns)
{
    struct hf_share *share = instance->share;
    uint64_t backoff = fleet->settings.backoff_min_ns;

    if (now_ns < share->retry_ns) {
        return;
    }
    for (uint32_t i = 0; i < share->failures && backoff < fleet->settings.backoff_max_ns; i++) {
        backoff *= 2;
    }
    backoff = hf_min(backoff, fleet->settings.backoff_max_ns);
    share->failures++;
    share->retry_ns = now_ns + backoff / 2 + hf_random_below(&fleet->random, backoff / 2 + 1);
}

void
hf_fleet_proved(struct hf_fleet_instance *instance)
{
    if (instance->share) {
        instance->share->failures = 0;
        instance->share->retry_ns = 0;
    }
}

void
hf_fleet_outdate(struct hf_fleet_instance *instance)
{
    if (!instance->obsolete) {
        instance->obsolete = true;
        instance->function->obsolete[instance->state]++;
        if (instance->share) {
            leave_share(instance);
        }
    }
}

void
hf_fleet_leave(struct hf_fleet *fleet, struct hf_fleet_instance *instance)
{
    hf_assert(instance->state == HF_INSTANCE_READY);
    hf_fleet_outdate(instance);
    instance->function->leaving += !instance->leaving;
    instance->leaving = true;
    act(fleet, instance, HF_SCALE_LEAVE);
}
