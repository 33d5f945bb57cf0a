/*
 * instance.c - one instance on a worker, from start to end.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/counters.h"
#include "base/err.h"
#include "base/fault.h"
#include "base/guest.h"
#include "base/log.h"
#include "node/access.h"
#include "node/node.h"
#include "node/worker/worker.h"

HF_LOG_MODULE(worker);

HF_COUNTER(worker_starts, "Instances that were begun.");
HF_COUNTER(worker_starts_failed, "Instances that did not become ready.");
HF_COUNTER(worker_adopted, "Instances of an earlier process that were kept.");
HF_COUNTER(worker_ended, "Instances that ended unasked.");

static struct hf_worker_instance *
instance_of(struct hf_map_node *node, size_t offset)
{
    return node ? (struct hf_worker_instance *)(void *)((char *)node - offset) : NULL;
}

struct hf_worker_instance *
hf_worker_find(const struct hf_worker_role *worker, const char *id)
{
    return instance_of(hf_map_find(&worker->by_id, id, strlen(id)),
                       offsetof(struct hf_worker_instance, by_id));
}

struct hf_worker_instance *
hf_worker_find_start(const struct hf_worker_role *worker, const char *start_id)
{
    return instance_of(hf_map_find(&worker->by_start_id, start_id, strlen(start_id)),
                       offsetof(struct hf_worker_instance, by_start_id));
}

/* --- room ------------------------------------------------------------------ */

/* What an instance may use of the processors, in thousandths of one. */
static uint64_t
cpu_millis(const struct hf_function *function)
{
    return function->cpu_period_us > 0 ? function->cpu_quota_us * 1000 / function->cpu_period_us
                                       : 0;
}

static int
check_room(const struct hf_worker_role *worker, const struct hf_function *function,
           struct hf_err *err)
{
    uint64_t memory = worker->memory_reserved + function->memory_bytes;
    uint64_t cpu = worker->cpu_reserved + cpu_millis(function);

    if (worker->max_instances > 0 && worker->count >= worker->max_instances) {
        return hf_fail(err, HF_EFULL, "worker is full: %u instances of %u ([worker] max_instances)",
                       worker->count, worker->max_instances);
    }
    if (worker->memory_bytes > 0 && memory > worker->memory_bytes) {
        return hf_fail(err, HF_EFULL,
                       "worker is full: the instance needs %llu bytes of memory, %llu of %llu are "
                       "free ([worker] memory)",
                       (unsigned long long)function->memory_bytes,
                       (unsigned long long)(worker->memory_bytes - worker->memory_reserved),
                       (unsigned long long)worker->memory_bytes);
    }
    if (worker->cpu_millis > 0 && cpu > worker->cpu_millis) {
        return hf_fail(err, HF_EFULL,
                       "worker is full: the instance needs %llu thousandths of a processor, %llu "
                       "of %llu are free ([worker] cpus)",
                       (unsigned long long)cpu_millis(function),
                       (unsigned long long)(worker->cpu_millis - worker->cpu_reserved),
                       (unsigned long long)worker->cpu_millis);
    }
    return 0;
}

static void
reserve(struct hf_worker_instance *instance)
{
    struct hf_worker_role *worker = instance->worker;

    hf_list_append(&worker->instances, &instance->node);
    worker->count++;
    worker->memory_reserved += instance->def->function.memory_bytes;
    worker->cpu_reserved += cpu_millis(&instance->def->function);
    hf_worker_tell_resources(worker);
}

/* --- ends ------------------------------------------------------------------ */

static void
instance_free(struct hf_worker_instance *instance)
{
    struct hf_worker_role *worker = instance->worker;

    hf_assert(hf_list_is_empty(&instance->starts) && hf_list_is_empty(&instance->stops));
    hf_worker_ready_end(instance);
    hf_worker_stopping_end(&instance->stopping);
    hf_list_remove(&instance->node);
    worker->count--;
    worker->memory_reserved -= instance->def->function.memory_bytes;
    worker->cpu_reserved -= cpu_millis(&instance->def->function);
    if (*instance->facts.id) {
        hf_map_remove(&worker->by_id, &instance->by_id);
        hf_access_unbar(hf_node_access(worker->node), instance->facts.internal);
    }
    if (*instance->facts.start_id) {
        hf_map_remove(&worker->by_start_id, &instance->by_start_id);
    }
    hf_worker_owner_untie(instance->owner, HF_WORKER_HAS);
    hf_function_def_unref(instance->def);
    free(instance->texts[0]);
    free(instance->texts[1]);
    free(instance->failure);
    instance->magic = 0;
    free(instance);
    hf_worker_tell_resources(worker);
    hf_worker_check_drained(worker);
}

void
hf_worker_instance_forget(struct hf_worker_instance *instance)
{
    hf_worker_answer_starts(instance, HF_EUNAVAILABLE, "this worker is shutting down");
    hf_worker_answer_stops(instance);
    instance_free(instance);
}

/* It is gone, as was wanted. */
static void
stopped(struct hf_worker_instance *instance)
{
    const struct hf_worker_facts *facts = &instance->facts;

    hf_worker_note_end(instance, NULL, instance->failure ? instance->failure : "stopped");
    if (instance->served && hf_list_is_empty(&instance->stops)) { /* no leaf has asked for it */
        hf_worker_running_gone(instance->worker, facts->id, facts->function_id);
    } else if (instance->served) {
        hf_worker_running_remove(instance->worker, facts->id);
    }
    hf_worker_tell_gone(instance, NULL);
    hf_worker_answer_stops(instance);
    instance_free(instance);
}

static void
on_gone(struct hf_worker_stopping *stopping)
{
    stopped(hf_container_of(stopping, struct hf_worker_instance, stopping));
}

void
hf_worker_instance_stop(struct hf_worker_instance *instance)
{
    struct hf_worker_role *worker = instance->worker;
    uint8_t before = instance->state;

    if (before == HF_WORKER_STOPPING) {
        return;
    }
    if (before != HF_WORKER_SERVING) {
        hf_worker_answer_starts(instance, HF_ECANCELLED, "the instance was stopped");
    }
    hf_worker_ready_end(instance);
    instance->state = HF_WORKER_STOPPING;
    if (before == HF_WORKER_SERVING) {
        hf_worker_tell_state(instance);
    }
    if (before == HF_WORKER_CREATING) {
        worker->ops->cancel(worker->runtime, instance->creating); /* on_created follows */
    } else {
        hf_worker_stopping_begin(&instance->stopping, worker, instance->facts.id, worker->grace_ns,
                                 on_gone);
    }
}

void
hf_worker_instance_fail(struct hf_worker_instance *instance, int code, const char *why)
{
    hf_count(&worker_starts_failed);
    hf_log(HF_LOG_WARNING, "start failed", HF_KV_STR("function", instance->facts.function_id),
           HF_KV_STR("image", instance->def->function.image),
           HF_KV_STR("instance", instance->facts.id), HF_KV_STR("why", why));
    free(instance->failure);
    instance->failure = strdup(why);
    hf_worker_answer_starts(instance, code, why);
    hf_worker_instance_stop(instance);
}

void
hf_worker_on_end(void *arg, const char *instance_id, const struct hf_instance_end *end)
{
    struct hf_worker_role *worker = hf_cast(arg, struct hf_worker_role, HF_WORKER_MAGIC);
    struct hf_worker_instance *instance = hf_worker_find(worker, instance_id);

    if (!instance) {
        return;
    }
    if (instance->state == HF_WORKER_STOPPING) {
        if (hf_timer_is_set(&instance->stopping.again)) { /* it ended between two attempts */
            stopped(instance);
        }
        return;
    }
    hf_worker_note_end(instance, end, NULL);
    if (instance->state == HF_WORKER_SERVING) {
        hf_count(&worker_ended);
        hf_log(HF_LOG_NOTICE, "instance ended by itself",
               HF_KV_STR("function", instance->facts.function_id),
               HF_KV_STR("instance", instance_id), HF_KV_STR("why", end->message));
        hf_worker_running_gone(worker, instance_id, instance->facts.function_id);
        hf_worker_tell_gone(instance, end);
    } else {
        hf_count(&worker_starts_failed);
        hf_log(HF_LOG_WARNING, "instance ended before it was ready",
               HF_KV_STR("function", instance->facts.function_id),
               HF_KV_STR("instance", instance_id), HF_KV_STR("why", end->message));
        hf_worker_answer_starts(instance, HF_EUNAVAILABLE, end->message);
    }
    instance_free(instance);
}

/* --- beginnings ------------------------------------------------------------ */

void
hf_worker_instance_ready(struct hf_worker_instance *instance)
{
    hf_worker_ready_end(instance);
    instance->state = HF_WORKER_SERVING;
    instance->served = true;
    hf_log(HF_LOG_INFO, "instance serves", HF_KV_STR("function", instance->facts.function_id),
           HF_KV_STR("instance", instance->facts.id),
           HF_KV_STR("address", instance->facts.external),
           HF_KV_DURATION("after", hf_wall_now() - instance->facts.started_wall_ns));
    hf_worker_running_add(instance->worker, instance->facts.id, instance->facts.function_id);
    hf_worker_tell_state(instance);
    hf_worker_look_for_image(instance->worker, instance->def->function.image);
    hf_worker_answer_starts(instance, 0, "");
}

/* Keeps what the runtime tells of the new instance. */
static int
take_info(struct hf_worker_instance *instance, const struct hf_worker_facts *made)
{
    struct hf_worker_facts facts = *made;
    char *texts = *made->id ? hf_worker_facts_keep(&facts, NULL, SIZE_MAX) : NULL;

    if (!texts) {
        return HF_ENOMEM;
    }
    if (hf_map_add(&instance->worker->by_id, &instance->by_id, facts.id, strlen(facts.id)) < 0) {
        free(texts);
        return HF_EEXISTS;
    }
    instance->texts[1] = texts;
    instance->facts.id = facts.id;
    instance->facts.name = facts.name;
    instance->facts.internal = facts.internal;
    instance->facts.external = facts.external;
    hf_access_bar(hf_node_access(instance->worker->node), facts.internal);
    return 0;
}

/* The runtime could not make it. */
static void
note_failure(struct hf_worker_instance *instance, const char *why)
{
    instance->failure = strdup(why);
    hf_worker_note_end(instance, NULL, why);
}

static void
on_created(void *arg, int code, const char *message, const struct hf_instance_info *info)
{
    struct hf_worker_instance *instance =
        hf_cast(arg, struct hf_worker_instance, HF_WORKER_INSTANCE_MAGIC);
    struct hf_worker_role *worker = instance->worker;
    const struct hf_worker_facts made =
        code == 0 ? hf_worker_facts_of(info) : (struct hf_worker_facts){ .id = "" };

    instance->creating = NULL;
    if (code == 0 && (instance->state == HF_WORKER_STOPPING || take_info(instance, &made) < 0)) {
        hf_worker_remove_unwanted(worker, info->id, 0);
        code = HF_ECANCELLED;
        message = "the worker could not keep it";
    }
    if (code < 0) {
        if (instance->state != HF_WORKER_STOPPING) {
            hf_count(&worker_starts_failed);
            hf_log_limited(
                HF_LOG_WARNING, "start failed", HF_KV_STR("function", instance->facts.function_id),
                HF_KV_STR("image", instance->def->function.image), HF_KV_STR("why", message));
            note_failure(instance, message);
        }
        hf_worker_answer_starts(instance, code, message);
        hf_worker_answer_stops(instance);
        instance_free(instance);
        return;
    }
    instance->state = HF_WORKER_WAITING;
    if (info->ready) {
        hf_worker_instance_ready(instance);
    } else {
        hf_worker_tell_state(instance);
        hf_worker_ready_begin(instance);
    }
}

/* A record that begins with these facts; the instance is made, or not yet. */
static struct hf_worker_instance *
record_new(struct hf_worker_role *worker, struct hf_function_def *def,
           const struct hf_worker_facts *facts)
{
    struct hf_worker_instance *instance = calloc(1, sizeof *instance);
    struct hf_worker_facts kept = *facts;
    char *texts = instance ? hf_worker_facts_keep(&kept, NULL, SIZE_MAX) : NULL;
    const char *start_id;

    if (!texts) {
        free(instance);
        return NULL;
    }
    start_id = kept.start_id;
    instance->magic = HF_WORKER_INSTANCE_MAGIC;
    instance->worker = worker;
    instance->def = hf_function_def_ref(def);
    instance->texts[0] = texts;
    instance->facts = kept;
    instance->facts.id = instance->facts.name = ""; /* until `take_info` */
    instance->facts.internal = instance->facts.external = "";
    instance->facts.start_id = "";
    instance->facts.revision = def->instance_revision;
    instance->facts.started_wall_ns = hf_wall_now();
    hf_list_init(&instance->node);
    hf_list_init(&instance->starts);
    hf_list_init(&instance->stops);
    reserve(instance);
    instance->owner = hf_worker_owner_tie(worker, kept.leaf_id, HF_WORKER_HAS);
    if (*start_id &&
        hf_map_add(&worker->by_start_id, &instance->by_start_id, start_id, strlen(start_id)) == 0) {
        instance->facts.start_id = start_id;
    }
    if ((*kept.leaf_id && !instance->owner) || (*start_id && !*instance->facts.start_id) ||
        (*kept.id && take_info(instance, &kept) < 0)) {
        instance_free(instance);
        return NULL;
    }
    return instance;
}

int
hf_worker_instance_adopt(struct hf_worker_role *worker, struct hf_function_def *def,
                         const struct hf_worker_facts *facts)
{
    struct hf_worker_instance *instance = record_new(worker, def, facts);

    if (!instance) {
        return HF_ENOMEM;
    }
    instance->state = HF_WORKER_SERVING;
    instance->served = true;
    hf_worker_running_add(worker, facts->id, facts->function_id);
    hf_count(&worker_adopted);
    hf_log(HF_LOG_NOTICE, "instance from before adopted", HF_KV_STR("function", facts->function_id),
           HF_KV_STR("instance", facts->id), HF_KV_STR("address", facts->external));
    return 0;
}

int
hf_worker_instance_new(struct hf_worker_role *worker, struct hf_function_def *def,
                       const char *owner, const char *start_id, struct hf_worker_instance **ret,
                       struct hf_err *err)
{
    const struct hf_worker_facts facts = {
        .id = "",
        .name = "",
        .internal = "",
        .external = "",
        .function_id = def->function.id,
        .leaf_id = owner,
        .start_id = start_id,
    };
    struct hf_worker_instance *instance;
    struct hf_instance_spec spec = {
        .size = sizeof spec,
        .function = &def->function,
        .node_id = hf_node_id(worker->node),
        .owner_id = owner,
        .controller_address = worker->controller_address,
        .revision = def->instance_revision,
    };
    int r = check_room(worker, &def->function, err);

    if (r < 0) {
        return r;
    }
    hf_count(&worker_starts);
    if (hf_fault(HF_FAULT_START)) {
        return hf_fail(err, HF_EUNAVAILABLE, "fault worker.start is set");
    }
    instance = record_new(worker, def, &facts);
    if (!instance) {
        return hf_fail(err, HF_ENOMEM, "worker: no memory for an instance");
    }
    r = hf_guest_call(worker->ops, start, def->function.id, worker->runtime, &spec,
                      worker->ready_ns, on_created, instance, &instance->creating, err);
    if (r < 0) {
        hf_count(&worker_starts_failed);
        note_failure(instance, hf_err_message(err));
        instance_free(instance);
        return r;
    }
    *ret = instance;
    return 0;
}
