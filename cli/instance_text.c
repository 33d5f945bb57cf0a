/*
 * instance_text.c - instances and their ends in words.
 */
#include "instance_text.h"

#include <string.h>

#include "base/clock.h"
#include "base/text.h"

const char *
cli_instance_state(const Hyperfaas__V1__Instance *instance)
{
    switch (instance->state) {
    case HYPERFAAS__V1__INSTANCE_STATE__INSTANCE_STATE_STARTING:
        return "starting";
    case HYPERFAAS__V1__INSTANCE_STATE__INSTANCE_STATE_READY:
        return "ready";
    case HYPERFAAS__V1__INSTANCE_STATE__INSTANCE_STATE_STOPPING:
        return "stopping";
    default:
        return "unknown";
    }
}

static void
add_signal(int32_t number, struct hf_text *out)
{
    const char *name = sigabbrev_np(number);

    hf_text_printf(out, "signal %d", number);
    if (name) {
        hf_text_printf(out, " (%s)", name);
    }
}

void
cli_add_end(const Hyperfaas__V1__InstanceEnded *end, struct hf_text *out)
{
    bool served = end->instance &&
                  end->instance->state != HYPERFAAS__V1__INSTANCE_STATE__INSTANCE_STATE_STARTING;

    if (end->known && end->out_of_memory) {
        hf_text_add(out, "out of memory");
    } else if (end->known && end->signal > 0) {
        add_signal(end->signal, out);
    } else if (end->known) {
        hf_text_printf(out, "exit code %d", end->exit_code);
    } else if (end->expected) {
        hf_text_add(out, "stopped");
    } else {
        hf_text_add(out, served ? "gone" : "not ready");
    }
}

uint64_t
cli_timestamp_ns(const Google__Protobuf__Timestamp *timestamp)
{
    return timestamp && timestamp->seconds > 0
               ? (uint64_t)timestamp->seconds * HF_SEC + (uint64_t)timestamp->nanos
               : 0;
}

static void
add_time(struct hf_json *json, const char *key, const Google__Protobuf__Timestamp *timestamp)
{
    char text[HF_TIMESTAMP_MAX];
    uint64_t ns = cli_timestamp_ns(timestamp);

    if (ns > 0) {
        hf_format_timestamp(ns, text);
    }
    hf_json_str(json, key, ns > 0 ? text : NULL);
}

static void
add_end_json(struct hf_json *json, const Hyperfaas__V1__InstanceEnded *end)
{
    hf_json_object(json, "end");
    add_time(json, "time", end->ended);
    hf_json_bool(json, "expected", end->expected);
    if (end->known) {
        hf_json_i64(json, "exit_code", end->exit_code);
        hf_json_i64(json, "signal", end->signal);
        hf_json_bool(json, "out_of_memory", end->out_of_memory);
    }
    hf_json_str(json, "reason", end->reason);
    hf_json_end(json);
}

void
cli_instance_json(struct hf_json *json, const char *worker, const Hyperfaas__V1__Instance *instance,
                  const Hyperfaas__V1__InstanceEnded *end)
{
    hf_json_object(json, NULL);
    hf_json_str(json, "id", instance->instance_id);
    hf_json_str(json, "function", instance->function_id);
    hf_json_str(json, "state", end ? "ended" : cli_instance_state(instance));
    hf_json_str(json, "name", instance->name);
    hf_json_str(json, "worker", worker);
    hf_json_str(json, "internal_address", instance->internal_address);
    hf_json_str(json, "external_address", instance->external_address);
    hf_json_str(json, "leaf", instance->leaf_id);
    hf_json_str(json, "revision", instance->revision);
    add_time(json, "started", instance->started);
    if (end) {
        add_end_json(json, end);
    }
    hf_json_end(json);
}
