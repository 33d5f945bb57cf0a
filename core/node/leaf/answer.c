/*
 * answer.c - patience with an instance that an existing worker calls started.
 *
 * Such a worker believes the ready signal, which functions send before they listen; a worker of
 * ours has looked.  So the leaf looks itself before it gives calls to the instance: until the
 * address speaks HTTP/2, or the time for a start is over.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"
#include "grpc/health.h"
#include "node/leaf/leaf.h"

#define AGAIN_MIN_NS (2 * HF_MSEC)
#define AGAIN_MAX_NS (100 * HF_MSEC)
#define ANSWER_NS    (1 * HF_SEC) /* of one attempt */

static void
finish(struct hf_leaf_instance *instance)
{
    hf_grpc_probe_cancel(hf_steal(instance->probe));
    hf_timer_fini(&instance->ask_again);
    instance->asking = false;
}

static void
give_up(struct hf_leaf_instance *instance, const char *found)
{
    char why[384];

    snprintf(why, sizeof why,
             "the worker said that instance '%s' is ready, but at %s there is %s ([leaf] "
             "start_timeout)",
             instance->id, instance->address, found);
    hf_leaf_worker_stop(instance->worker, instance->id, NULL, NULL, NULL);
    hf_leaf_start_failed(instance, why);
}

static void
on_probed(void *arg, enum hf_grpc_probe_result result, const char *text)
{
    struct hf_leaf_instance *instance =
        hf_cast(arg, struct hf_leaf_instance, HF_FLEET_INSTANCE_MAGIC);
    struct hf_leaf *leaf = instance->worker->leaf;

    instance->probe = NULL;
    if (result == HF_GRPC_PROBE_READY) {
        finish(instance);
        hf_autoscaler_started(leaf->autoscaler, &instance->fleet, hf_leaf_now(leaf));
    } else if (hf_loop_now(leaf->front.control) >= instance->ask_until_ns) {
        finish(instance);
        give_up(instance, text);
    } else {
        hf_timer_set(&instance->ask_again, instance->ask_delay_ns);
        instance->ask_delay_ns = hf_min(instance->ask_delay_ns * 2, AGAIN_MAX_NS);
        return;
    }
    hf_leaf_pump(leaf);
}

static void
ask(struct hf_timer *timer)
{
    struct hf_leaf_instance *instance = hf_container_of(timer, struct hf_leaf_instance, ask_again);

    if (hf_grpc_probe(instance->worker->leaf->front.control, instance->address, HF_GRPC_PROBE_HTTP2,
                      ANSWER_NS, on_probed, instance, &instance->probe, NULL) < 0) {
        hf_timer_set(&instance->ask_again, AGAIN_MAX_NS);
    }
}

void
hf_leaf_await_answer(struct hf_leaf_instance *instance)
{
    struct hf_leaf *leaf = instance->worker->leaf;

    instance->asking = true;
    instance->ask_delay_ns = AGAIN_MIN_NS;
    instance->ask_until_ns = hf_loop_now(leaf->front.control) + leaf->start_timeout_ns;
    hf_timer_init(&instance->ask_again, leaf->front.control, HF_TIMER_REAL, ask);
    ask(&instance->ask_again);
}

void
hf_leaf_forget_answer(struct hf_leaf_instance *instance)
{
    if (instance->asking) {
        finish(instance);
    }
}
