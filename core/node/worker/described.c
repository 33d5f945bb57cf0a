/*
 * described.c - instances, their ends and resources as hyperfaas.v1.Node/Watch tells them.
 */
#include "node/worker/described.h"

#include <stdio.h>

#include "base/clock.h"
#include "node/node.h"

Google__Protobuf__Timestamp
hf_worker_timestamp(uint64_t wall_ns)
{
    Google__Protobuf__Timestamp now = GOOGLE__PROTOBUF__TIMESTAMP__INIT;

    now.seconds = (int64_t)(wall_ns / HF_SEC);
    now.nanos = (int32_t)(wall_ns % HF_SEC);
    return now;
}

Hyperfaas__V1__InstanceState
hf_worker_told_state(const struct hf_worker_instance *instance)
{
    switch ((enum hf_worker_state)instance->state) {
    case HF_WORKER_CREATING:
    case HF_WORKER_WAITING:
        return HYPERFAAS__V1__INSTANCE_STATE__INSTANCE_STATE_STARTING;
    case HF_WORKER_SERVING:
        return HYPERFAAS__V1__INSTANCE_STATE__INSTANCE_STATE_READY;
    case HF_WORKER_STOPPING:
        break;
    }
    return HYPERFAAS__V1__INSTANCE_STATE__INSTANCE_STATE_STOPPING;
}

/* Texts are only read. */
static char *
text_of(const char *text)
{
    return (char *)(uintptr_t)text;
}

void
hf_worker_describe(const struct hf_worker_instance *instance, Hyperfaas__V1__InstanceState state,
                   struct hf_worker_told_instance *ret)
{
    Hyperfaas__V1__Instance *told = &ret->instance;

    hyperfaas__v1__watch_event__init(&ret->event);
    hyperfaas__v1__instance__init(told);
    ret->started = hf_worker_timestamp(instance->started_wall_ns);
    snprintf(ret->revision, sizeof ret->revision, "%016llx",
             (unsigned long long)instance->def->instance_revision);
    told->instance_id = text_of(instance->id ? instance->id : "");
    told->function_id = text_of(instance->def->function.id);
    told->name = text_of(instance->name ? instance->name : "");
    told->internal_address = text_of(instance->internal ? instance->internal : "");
    told->external_address = text_of(instance->external ? instance->external : "");
    told->state = state;
    told->revision = ret->revision;
    told->leaf_id = text_of(hf_worker_owner_id(instance->owner));
    told->start_id = instance->start_id ? instance->start_id : told->start_id;
    told->boot_id = text_of(hf_node_boot_id(instance->worker->node));
    told->started = &ret->started;
    ret->event.event_case = HYPERFAAS__V1__WATCH_EVENT__EVENT_INSTANCE;
    ret->event.instance = told;
}

void
hf_worker_describe_end(const struct hf_worker_ended *ended, struct hf_worker_told_end *ret)
{
    Hyperfaas__V1__Instance *told = &ret->instance;

    hyperfaas__v1__watch_event__init(&ret->event);
    hyperfaas__v1__instance_ended__init(&ret->end);
    hyperfaas__v1__instance__init(told);
    ret->started = hf_worker_timestamp(ended->started_wall_ns);
    ret->ended = hf_worker_timestamp(ended->ended_wall_ns);
    snprintf(ret->revision, sizeof ret->revision, "%016llx", (unsigned long long)ended->revision);
    told->instance_id = text_of(ended->id);
    told->function_id = text_of(ended->function_id);
    told->name = text_of(ended->name);
    told->internal_address = text_of(ended->internal);
    told->external_address = text_of(ended->external);
    told->state = ended->served ? HYPERFAAS__V1__INSTANCE_STATE__INSTANCE_STATE_READY
                                : HYPERFAAS__V1__INSTANCE_STATE__INSTANCE_STATE_STARTING;
    told->revision = ret->revision;
    told->leaf_id = text_of(ended->leaf_id);
    told->start_id = text_of(ended->start_id);
    told->started = ended->started_wall_ns > 0 ? &ret->started : NULL;
    ret->end.instance = told;
    ret->end.ended = &ret->ended;
    ret->end.expected = ended->expected;
    ret->end.known = ended->known;
    ret->end.exit_code = ended->exit_code;
    ret->end.signal = ended->signal;
    ret->end.out_of_memory = ended->out_of_memory;
    ret->end.reason = text_of(ended->reason);
    ret->event.event_case = HYPERFAAS__V1__WATCH_EVENT__EVENT_INSTANCE_ENDED;
    ret->event.instance_ended = &ret->end;
}

Hyperfaas__V1__Resources
hf_worker_resources(const struct hf_worker_role *worker)
{
    Hyperfaas__V1__Resources resources = HYPERFAAS__V1__RESOURCES__INIT;

    resources.memory_bytes = worker->memory_bytes;
    resources.memory_reserved_bytes = worker->memory_reserved;
    resources.cpu_millis = (uint32_t)hf_min(worker->cpu_millis, (uint64_t)UINT32_MAX);
    resources.cpu_reserved_millis = (uint32_t)hf_min(worker->cpu_reserved, (uint64_t)UINT32_MAX);
    resources.max_instances = worker->max_instances;
    return resources;
}
